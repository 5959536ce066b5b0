/* dialplan.h - a digit map in the words of vendors whose dial plans are no digit maps. */
#ifndef DIALTONE_DIALPLAN_H
#define DIALTONE_DIALPLAN_H

#include "arena.h"
#include "layer.h"

/* A digit map (RFC 3435, section 2.1.5) as a plan of the form `{ [2-9]xx | 0x+ }`: `EE.` (one E or more) becomes `E+`, a timer T at the end of an alternative goes,
 * because these phones send by their own timer. In `arena`; text NULL where it has no such form: a dot whose element may also be absent (`0x.`), unknown characters,
 * brackets that do not close, an empty alternative. */
struct text dialplan_x_plus(struct arena *arena, struct text digitmap);

#endif
