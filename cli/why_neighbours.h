/* why_neighbours.h - unknown phones that asked and may be the one that never did: MACs one digit or one swap away, and whatever came from the
 * addresses of the site's other phones. */
#ifndef DIALTONE_WHY_NEIGHBOURS_H
#define DIALTONE_WHY_NEIGHBOURS_H

#include "cli.h"
#include "story.h"

#define NEIGHBOURS_MAX (12 * 15 + 11)

/* Every MAC that differs in one digit, then every one with two neighbouring digits swapped; no MAC twice. Returns how many. */
size_t neighbours_make(const struct mac *mac, struct mac list_r[NEIGHBOURS_MAX]);

/* Fill story->similar from the journal: similar MACs that asked and are no device. Needs NEED_DB and NEED_JOURNAL. */
enum error_code neighbours_similar(struct cli *cli, const struct mac *mac, struct story *story, struct error *error);
/* ... and unknown phones of the last two days that came from where the site's other phones come from. */
enum error_code neighbours_of_site(struct cli *cli, const struct mac *mac, struct story *story, struct error *error);
/* Devices in the table that differ so from an unknown MAC: a fact each. */
enum error_code neighbours_known(struct cli *cli, const struct mac *mac, struct story *story, size_t *count_r, struct error *error);

#endif
