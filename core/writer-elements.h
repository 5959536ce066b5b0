/* writer-elements.h - parameters named SECTION/ELEMENT or SECTION/ELEMENT/@ATTRIBUTE, brought together for syntaxes of two levels.
 *
 * Sections stand in the order in which they first appear, and so do elements in one; what is told of one later (a raw parameter that was appended) joins it. */
#ifndef DIALTONE_WRITER_ELEMENTS_H
#define DIALTONE_WRITER_ELEMENTS_H

#include "strmap.h"
#include "writer-private.h"

#define ELEMENT_NONE UINT32_MAX

/* Where the parts of a name end: `section` is the length of its first part, `element` the offset behind its second; `attribute` the offset of the
 * attribute's own name, 0 where there is none. */
struct element_name {
	uint32_t section, element, attribute;
};

struct element {
	const char *name;              /* the second part, in the name of the parameter that came first */
	uint32_t length;
	const struct parameter *value; /* NULL: only attributes */
	uint32_t first_attribute, last_attribute; /* indexes of parameters, on by elements.more */
	uint32_t next;                 /* of the same section */
};

struct element_section {
	const char *name;
	uint32_t length;
	uint32_t first, last;          /* elements */
};

struct elements {
	const struct parameters *parameters;
	struct element_section *sections;
	struct element *list;
	uint32_t *more;                /* by parameter: the next attribute of its element */
	uint32_t section_count, section_room, count;
	struct strmap by_name, by_section;
};

/* `split` is the syntax's own: it fills *name_r, or tells what is wrong with the name. An element or attribute that has a value twice is an error; the attributes of
 * an element without a value (a raw NULL took it away) go with it, but a raw parameter that says one is an error. On failure there is nothing to free. */
enum error_code elements_gather(struct elements *elements, const struct parameters *parameters,
	enum error_code (*split)(const char *name, size_t length, struct element_name *name_r, struct error *error), struct error *error);
void elements_free(struct elements *elements);

/* A character of XML names, as far as settings are called: ASCII letters, digits, `_`, `-`, `.`. */
bool element_char(char c, bool first);

#endif
