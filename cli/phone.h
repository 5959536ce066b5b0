/* phone.h - one device as the verbs look at it: fetched, with the dialect that its firmware speaks, laid and rendered. */
#ifndef DIALTONE_PHONE_H
#define DIALTONE_PHONE_H

#include "cli.h"

#include "buf.h"
#include "render.h"

#define PHONE_FILE_MAX (4u << 20) /* bytes of a rendered file, as in dialtone-fcgi */
#define PHONE_FIRMWARE_MAX 65

struct phone {
	struct arena arena;
	struct device device;
	char firmware[PHONE_FIRMWARE_MAX];   /* "" where unknown */
	const struct model_variant *variant; /* NULL: no such model in the files */
};

/* Fetch the device. False: told (unknown device: CLI_UNKNOWN). firmware NULL: what it said when it last asked, if the journal can be read. Needs
 * NEED_STORE. phone_deinit in any case. */
bool phone_open(struct cli *cli, const struct mac *mac, const char *firmware, struct phone *phone_r);
void phone_deinit(struct phone *phone);
/* Choose the dialect by what the phone said that it runs when it last asked for a file; unchanged if it never did. Needs NEED_JOURNAL. */
void phone_ask_firmware(struct cli *cli, struct phone *phone);
/* Choose the dialect as a fetch does: the firmware counts if the User-Agent was of the model's own vendor. */
void phone_speaks(struct phone *phone, const char *vendor, const char *firmware);

/* CLI_NOT_RENDERED and told if the files have no such model. */
bool phone_has_model(struct cli *cli, const struct phone *phone);

/* Lay and render (trace may be NULL). */
enum error_code phone_render(struct phone *phone, const struct render_trace *trace, struct parameters *parameters_r, struct error *error);

/* Is this one that people do not see? Flagged by the renderer, or a raw parameter whose name says so. */
bool parameter_is_secret(const struct parameter *parameter);
/* Put MASK for every secret. */
void parameters_mask(struct parameters *parameters);

/* "acme", "hq", "0c38...": whose rows of this layer count for the phone (line NULL: of any line: ""). */
const char *phone_layer_who(const struct stack *stack, enum layer layer, const struct stack_line *line);

#endif
