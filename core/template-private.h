/* template-private.h - the compiled form: what template-parse.c makes, template-print.c prints and render.c runs.
 *
 * A template is a flat array of operations. A section's body are the operations behind it up to `end`. What can be known at compile time
 * is: settings are indexes, facts are offsets, maps are pointers, sides without a tag are one finished text. */
#ifndef DIALTONE_TEMPLATE_PRIVATE_H
#define DIALTONE_TEMPLATE_PRIVATE_H

#include "arena.h"
#include "layer.h"
#include "render.h"
#include "template.h"

#include <stdbool.h>
#include <stdint.h>

#define TEMPLATE_SIZE_MAX (1u << 20) /* bytes of one file */
#define TEMPLATE_LINE_MAX 8192u
#define TEMPLATE_FILES_MAX 256u      /* files read for one template */
#define TEMPLATE_DEPTH_MAX 12u       /* extends and partials, one within the other */
#define TEMPLATE_NESTING_MAX 16u     /* sections, one within the other */
#define TEMPLATE_OPS_MAX 65536u
#define TEMPLATE_PIECES_MAX 24u      /* text and tags of one side of an assignment */
#define TEMPLATE_FILTERS_MAX 8u

/* What a tag names. */
enum reference_kind {
	REFERENCE_SETTING,      /* the device's view */
	REFERENCE_LINE_SETTING, /* the line's view: a line-scoped setting inside {{#lines}} */
	REFERENCE_LINE_INDEX,
	REFERENCE_LINE_TEXT,    /* user, auth_user, display_name, password: `offset` in struct stack_line */
	REFERENCE_LINE_LABEL,
	REFERENCE_KEY_MODULE,
	REFERENCE_KEY_SLOT,
	REFERENCE_KEY_LINE,
	REFERENCE_KEY_TEXT,     /* `offset` in struct layer_key */
	REFERENCE_DEVICE_MAC,
	REFERENCE_DEVICE_TENANT,
	REFERENCE_DEVICE_SITE,
	REFERENCE_PROVISIONING, /* `offset` in struct stack */
	REFERENCE_MODEL,        /* `constant`, or by name where the model was not known */
	REFERENCE_TIMEZONE,     /* `index` is an enum timezone_fact */
	REFERENCE_ITEM,
	REFERENCE_INDEX,
	/* without a place in the tables of struct run */
	REFERENCE_KEY_INDEX,
	REFERENCE_LOGIN_URL,    /* `setting` is provisioning.url */
	REFERENCE_LINE_HA1,     /* `index` is an enum ha1_fact; `setting` is sip.realm */
};

/* HA1 hashes of a line, made when a template asks for them. */
enum ha1_fact { HA1_FACT_MD5, HA1_FACT_SHA256, HA1_FACTS };

enum timezone_fact {
	TIMEZONE_OFFSET_MINUTES, TIMEZONE_OFFSET_HM, TIMEZONE_OFFSET_QUARTERS, TIMEZONE_DST, TIMEZONE_DST_MINUTES,
	TIMEZONE_START_MONTH, TIMEZONE_START_WEEK, TIMEZONE_START_WEEKDAY, TIMEZONE_START_HOUR,
	TIMEZONE_END_MONTH, TIMEZONE_END_WEEK, TIMEZONE_END_WEEKDAY, TIMEZONE_END_HOUR,
};

/* Numbers that a section sets, which names are mostly made of. */
static inline bool reference_is_number(enum reference_kind kind)
{
	return kind == REFERENCE_LINE_INDEX || kind == REFERENCE_KEY_MODULE || kind == REFERENCE_KEY_SLOT || kind == REFERENCE_INDEX;
}

struct reference {
	enum reference_kind kind;
	bool secret;
	uint32_t index;                /* the setting's; for TIMEZONE the fact's */
	uint32_t offset;
	const struct setting *setting; /* SETTING, LINE_SETTING, LINE_HA1, LOGIN_URL, and TIMEZONE (the setting `timezone`, NULL if the dictionary has none) */
	struct text name;              /* as in the tag */
	struct text constant;          /* MODEL: text NULL where this model has none */
	bool constant_known;           /* MODEL: the model was known at compile time */
};

enum filter_kind {
	FILTER_MAP, FILTER_UPPER, FILTER_LOWER, FILTER_MINUTES, FILTER_HOURS, FILTER_SECONDS, FILTER_QUOTED, FILTER_PERCENT,
	FILTER_SCHEME,          /* "https" of a URL */
	FILTER_SCHEMELESS,      /* a URL without scheme and slashes at its end: host:port/path */
	FILTER_URI_HOST,        /* a host that a port is to follow: an IPv6 address in brackets */
	FILTER_X_PLUS,          /* a digit map as a dial plan (dialplan.h) */
	FILTER_PICK,            /* pickN, last of a tag: the Nth item of what a list came to, the first where there are fewer */
};

struct filter {
	enum filter_kind kind;
	struct text name;
	const struct map *map;
	uint32_t place;         /* of FILTER_PICK, from 1 */
};

/* Texts of which one may be looked for, and copy_short_word of each. */
struct items {
	uint32_t count;
	const struct text *texts;
	const uint64_t *words;
};

#define CHAIN_NUMBERS 100u

/* The filters of a tag, in order, and what they make of what can come (known when the template is compiled): of each item that the
 * dictionary allows, of each value that the first map names, or of the numbers below CHAIN_NUMBERS. Tags with the same filters of the same
 * things share one. */
struct chain {
	struct filter *filters;
	uint32_t count;
	const struct setting *setting; /* whose items; NULL: none's */
	bool numbers;
	struct chain *next;  /* while finishing: all of the template's */
	struct items items;
	struct text *out;    /* [items.count], or by number; text NULL: a map lacks it. To be read in blocks */
	bool plain;          /* all of `out` are (writer_plain) */
};

/* A run of text, or a tag. */
struct piece {
	struct text literal;   /* text NULL: a tag */
	struct reference reference;
	struct chain *chain;   /* NULL: no filter */
	struct text fallback;  /* behind `:-`; text NULL: none */
	uint32_t column;
	bool number;           /* a number that a section sets, without filter */
	bool mapped_number;    /* ... with filters */
	bool mapped_item;      /* {{item|…}} */
};

/* How a side is made, the frequent ways apart. */
enum side_form {
	SIDE_FIXED,   /* `fixed`: no tag, or only constants of the model */
	SIDE_SETTING, /* one setting, perhaps with a default, perhaps filtered: pointed at, not copied */
	SIDE_LINE_SETTING,
	SIDE_TEXT,     /* one fact that is a struct text at `offset` of a line, a key or the stack, perhaps with a default, perhaps filtered */
	SIDE_NUMBER,   /* a value: one number that a section sets (reference_is_number) */
	SIDE_NUMBERED, /* a literal, such a number, a literal; each literal may be empty */
	SIDE_TAG,      /* any other single tag: pointed at, not copied */
	SIDE_MIXED,
};

/* One side of an assignment. */
struct side {
	enum side_form form;
	uint32_t literal_size;         /* of all literal pieces */
	struct text fixed;             /* FIXED */
	struct text before, behind;    /* NUMBERED */
	enum reference_kind number;    /* NUMBER, NUMBERED, and of ready names */
	/* Names of a number, or of a number and a filtered item of a list: the finished texts of the numbers below ready_count, with ready_items
	 * items each (0: without). Text NULL: to be made. */
	const struct text *ready;
	uint32_t ready_count, ready_items;
	bool only_numbers;             /* besides literals: what is good for one number is for all */
	uint32_t setting;              /* SETTING, LINE_SETTING; TEXT: offset */
	enum reference_kind kind;      /* TEXT */
	const struct chain *chain;     /* SETTING, LINE_SETTING, TEXT; NULL: none */
	struct text fallback;          /* SETTING, LINE_SETTING, TEXT; text NULL: none */
	bool fallback_plain;
	bool plain;                    /* TEXT: a number */
	struct piece *pieces;
	uint32_t count;
};

struct assignment {
	struct side name, value;
	uint8_t layer;         /* as which it ranks at least */
	bool secret;
	struct parameter made; /* all of it that is known when the template is compiled */
};

enum op_kind {
	OP_ASSIGN,
	OP_IF, OP_LIST, OP_REST, /* by a reference */
	OP_LINES, OP_FREE_LINES, OP_KEYS, OP_FREE_KEYS, OP_MODULE_KEYS, OP_FREE_MODULE_KEYS,
};

struct section {
	struct reference reference; /* IF, LIST, REST */
	bool negate;
	struct text *values;        /* IF: `=a,b` */
	uint32_t value_count;
	bool list;                  /* IF: the setting is one */
	struct items items;         /* LIST, REST: what the dictionary allows */
	const struct chain **chains; /* LIST, REST: the filters that {{item}} goes through inside */
	uint32_t chain_count;
};

struct op {
	enum op_kind kind;
	uint32_t end;               /* section: index of the operation behind its body */
	uint32_t generation;        /* of the file in the chain of extends, while compiling */
	uint32_t column;
	struct template_place place;
	union {
		struct assignment assignment;
		struct section section;
	};
};

struct template {
	const struct model *model;  /* NULL: any */
	struct arena arena;         /* holds everything below, and this struct's texts */
	struct op *ops;
	uint32_t count;
	bool common;
	struct chain *chains;
	enum error_code (*check_name)(const char *name, size_t length, struct error *error); /* the writer's; NULL: none */
};

/* Sections that need no reference, by name: the table of template-parse.c, also for printing. */
const char *template_section_name(enum op_kind kind);

/* What a tag name means, in template-names.c. Scopes that hold where the tag stands. */
struct template_scope {
	bool lines;      /* inside {{#lines}} */
	bool free_lines;
	bool keys, free_keys;
	const struct setting *list; /* innermost list section's setting, or NULL */
};

/* Fill *reference_r, or tell (without place) why not. Texts are the caller's. */
enum error_code template_resolve(const struct dictionary *dictionary, const struct model *model, bool common,
	const struct template_scope *scope, struct arena *arena, const char *name, size_t length, struct reference *reference_r,
	struct error *error);

/* Look a model.… name up: the text is `model`'s own, or (numbers) in `arena`. */
void template_constant(const struct model *model, struct arena *arena, struct reference *reference);

/* Percent-encoded, for every part of a URI that a name or a number stands in: all but RFC 3986's unreserved characters, `+` and `*`. */
struct text template_percent(struct arena *arena, struct text in);

/* Put a text through filters: *out_r in `arena` or as it was. ERROR_INEXPRESSIBLE names the filter, not the value; ERROR_NONE otherwise. */
enum error_code template_filter(
	const struct chain *chain, struct arena *arena, struct text in, struct text *out_r, const struct filter **failed_r);
/* The item at `place` (from 1) of a list, or its first if there are fewer. */
struct text template_pick(struct text list, uint32_t place);

/* What can be done only when all of the template is there: fold constants, run filters over what the dictionary allows (template.c). */
void template_finish(struct template *template);

/* Source text of a part (template-print.c); a section's opening tag ends its line. */
void template_print_side(const struct side *side, struct buf *out);
void template_print_section(const struct op *op, struct buf *out);

#endif
