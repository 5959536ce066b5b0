/* explain.h - where each value of one phone's file comes from: collected while rendering, then told as a table or as JSON. */
#ifndef DIALTONE_EXPLAIN_H
#define DIALTONE_EXPLAIN_H

#include "phone.h"

struct cli;

/* A setting that a parameter read. */
struct explain_use {
	const char *name;              /* the parameter's */
	uint32_t name_length, setting;
	const struct stack_line *line; /* NULL: the device's view */
};

/* A parameter that lost. */
struct explain_loss {
	struct parameter loser;
	bool removed;                  /* by a raw NULL row of layer `by`: there is no winner */
	enum layer by;
};

struct explanation {
	struct phone *phone;
	struct parameters parameters;
	struct explain_use *uses;
	size_t use_count, use_room;
	struct explain_loss *losses;
	size_t loss_count, loss_room;
};

/* Render with a trace. Memory in the phone's arena. */
enum error_code explanation_make(struct phone *phone, struct explanation *explanation_r, struct error *error);

/* Print all of it, or (only != NULL) one parameter or pattern with `*`, or what a setting says and feeds. False: told, nothing has this name. */
bool explanation_print(struct cli *cli, const struct explanation *explanation, const char *only);
bool explanation_print_json(struct cli *cli, const struct explanation *explanation, const char *only);

#endif
