/* writer-fanvil-text.c - Fanvil's line-based form: modules, lists in them, and `Name               :value` (templates/fanvil/README.md).
 *
 * A value stands behind the first colon of its line and runs to the line's end, so only a line break could lead out of it, and blanks at
 * its ends are lost. All else is data, also what looks like a module or the end mark. Names must not hold a colon or look like either. */
#include "writer-private.h"

#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

#define HEADER_WIDTH 62u /* with CR LF the 64 bytes of Fanvil's description */
#define NAME_WIDTH 19u
#define GROUP_NONE UINT32_MAX

/* The plain values of a module, or those of one of its lists. */
struct group {
	const char *path;          /* `MODULE` or `MODULE/list header` */
	uint32_t length, hash;
	uint32_t title;            /* where in path its own title begins */
	uint32_t first_list, last_list, next; /* a module's lists; the next of the same kind */
	uint32_t first, last;      /* its values, numbers of parameters */
};

struct groups {
	struct group *list;
	uint32_t count;
	uint32_t *slots;           /* open addressing, number + 1 */
	uint32_t mask;
	uint32_t *next;            /* [parameters->count]: the next value of the same group */
	uint32_t first_module, last_module;
	uint32_t latest;           /* the group of the parameter before */
};

/* ---- names ---- */

static bool part_good(const char *part, size_t length)
{
	if (!length || part[0] == ' ' || part[length - 1] == ' ' || part[0] == '<' || part[0] == '#' ||
		(length > 1 && memcmp(part, "--", 2) == 0))
		return false;
	for (size_t i = 0; i < length; i++)
		if (part[i] < ' ' || part[i] > '~' || part[i] == ':' || part[i] == '<' || part[i] == '>')
			return false;
	return true;
}

static enum error_code bad_name(const char *name, size_t length, struct error *error)
{
	return error_set(error, ERROR_SYNTAX,
		"parameter %.*s: a name is MODULE/Name or MODULE/list header/Name, printable ASCII without : < >",
		(int)(length < 200 ? length : 200), name);
}

static enum error_code check_name(const char *name, size_t length, struct error *error)
{
	const char *part = name, *end = name + length;
	for (unsigned parts = 1; parts <= 3; parts++) {
		const char *slash = length ? memchr(part, '/', (size_t)(end - part)) : NULL;
		const char *stop = slash ? slash : end;
		if (!part_good(part, (size_t)(stop - part)))
			break;
		if (!slash && parts > 1)
			return ERROR_NONE;
		if (!slash)
			break;
		part = slash + 1;
	}
	return bad_name(name, length, error);
}

/* ---- groups ---- */

static void append_group(struct groups *groups, uint32_t *first, uint32_t *last, uint32_t index)
{
	if (*first == GROUP_NONE)
		*first = index;
	else
		groups->list[*last].next = index;
	*last = index;
}

/* The group of that path, made (with its module) if it is not there. */
static uint32_t group_of(struct groups *groups, const char *path, uint32_t length)
{
	const struct group *latest = &groups->list[groups->latest];
	if (groups->count && latest->length == length && memcmp(latest->path, path, length) == 0)
		return groups->latest;
	uint32_t hash = copy_hash(path, length, 0), slot = hash & groups->mask;
	for (; groups->slots[slot]; slot = (slot + 1) & groups->mask) {
		const struct group *group = &groups->list[groups->slots[slot] - 1];
		if (group->hash == hash && group->length == length && memcmp(group->path, path, length) == 0)
			return groups->latest = groups->slots[slot] - 1;
	}
	uint32_t index = groups->count++;
	groups->slots[slot] = index + 1;
	groups->list[index] = (struct group){.path = path,
		.length = length,
		.hash = hash,
		.first_list = GROUP_NONE,
		.last_list = GROUP_NONE,
		.next = GROUP_NONE,
		.first = GROUP_NONE,
		.last = GROUP_NONE};
	const char *slash = memchr(path, '/', length);
	if (slash) {
		uint32_t module = group_of(groups, path, (uint32_t)(slash - path));
		groups->list[index].title = (uint32_t)(slash - path) + 1;
		append_group(groups, &groups->list[module].first_list, &groups->list[module].last_list, index);
	} else {
		append_group(groups, &groups->first_module, &groups->last_module, index);
	}
	return groups->latest = index;
}

static enum error_code collect(struct groups *groups, const struct parameters *parameters, struct error *error)
{
	bool trusted = parameters->checked_by == check_name;
	for (uint32_t i = 0; i < parameters->count; i++) {
		const struct parameter *parameter = &parameters->list[i];
		enum error_code code = trusted && parameter->checked ? ERROR_NONE : check_name(parameter->name, parameter->name_length, error);
		if (code != ERROR_NONE)
			return code;
		const char *slash = memrchr(parameter->name, '/', parameter->name_length);
		struct group *group = &groups->list[group_of(groups, parameter->name, (uint32_t)(slash - parameter->name))];
		groups->next[i] = GROUP_NONE;
		if (group->first == GROUP_NONE)
			group->first = i;
		else
			groups->next[group->last] = i;
		group->last = i;
	}
	return ERROR_NONE;
}

static void groups_init(struct groups *groups, uint32_t count)
{
	uint32_t size = 16;
	/* at most a list and its module for each parameter */
	while (size < (count * 2 + 1) * 2)
		size *= 2;
	*groups = (struct groups){.list = xmalloc(((size_t)count * 2 + 1) * sizeof *groups->list),
		.slots = xcalloc(size, sizeof *groups->slots),
		.mask = size - 1,
		.next = xmalloc(((size_t)count + 1) * sizeof *groups->next),
		.first_module = GROUP_NONE,
		.last_module = GROUP_NONE};
}

static void groups_deinit(struct groups *groups)
{
	free(groups->list);
	free(groups->slots);
	free(groups->next);
}

/* ---- writing ---- */

static char *fill(char *to, size_t used, size_t width)
{
	for (; used < width; used++)
		*to++ = ' ';
	return to;
}

static char *line_end(char *to)
{
	*to++ = '\r';
	*to++ = '\n';
	return to;
}

static enum error_code check_value(const struct parameter *parameter, struct error *error)
{
	const char *text = parameter->text;
	uint32_t length = parameter->length;
	if (length > WRITER_VALUE_MAX)
		return error_set(
			error, ERROR_INEXPRESSIBLE, "the value of %.*s is longer than %u bytes", WRITER_NAME(parameter), WRITER_VALUE_MAX);
	if (length && (text[0] == ' ' || text[length - 1] == ' '))
		return error_set(error, ERROR_INEXPRESSIBLE, "the value of %.*s begins or ends with a blank", WRITER_NAME(parameter));
	return writer_check_text(parameter, error);
}

static enum error_code write_value(const struct parameter *parameter, struct buf *out, struct error *error)
{
	const char *slash = memrchr(parameter->name, '/', parameter->name_length);
	size_t size = parameter->name_length - (size_t)(slash + 1 - parameter->name), room = size + NAME_WIDTH + parameter->length + 4;
	if (out->room - out->size <= room && !buf_reserve(out, room + 1))
		return writer_too_large(out, error);
	char *to = copy_bytes(out->data + out->size, slash + 1, size);
	to = fill(to, size, NAME_WIDTH);
	*to++ = ':';
	copy_bytes(to, parameter->text, parameter->length);
	bool plain = writer_printable(to, parameter->length);
	bool ends = !parameter->length || (to[0] != ' ' && to[parameter->length - 1] != ' ');
	to = line_end(to + parameter->length);
	out->size = (size_t)(to - out->data);
	return plain && ends && parameter->length <= WRITER_VALUE_MAX ? ERROR_NONE : check_value(parameter, error);
}

static enum error_code write_group(
	const struct groups *groups, const struct group *group, const struct parameters *parameters, struct buf *out, struct error *error)
{
	enum error_code code = ERROR_NONE;
	for (uint32_t i = group->first; i != GROUP_NONE && code == ERROR_NONE; i = groups->next[i])
		code = write_value(&parameters->list[i], out, error);
	return code;
}

/* Plain values come first: what follows a list header belongs to the list. */
static enum error_code write_module(
	const struct groups *groups, const struct group *module, const struct parameters *parameters, struct buf *out, struct error *error)
{
	buf_printf(out, "\r\n<%.*s>\r\n", (int)module->length, module->path);
	enum error_code code = write_group(groups, module, parameters, out, error);
	for (uint32_t i = module->first_list; i != GROUP_NONE && code == ERROR_NONE; i = groups->list[i].next) {
		const struct group *list = &groups->list[i];
		int length = (int)(list->length - list->title), padding = (int)NAME_WIDTH - 4 - length;
		buf_printf(out, "--%.*s--%*s:\r\n", length, list->path + list->title, padding > 0 ? padding : 0, "");
		code = write_group(groups, list, parameters, out, error);
	}
	return code;
}

static enum error_code write_groups(const struct dialect *dialect, const struct groups *groups, const struct parameters *parameters,
	struct buf *out, struct error *error)
{
	buf_printf(out, "%-*s\r\n", (int)HEADER_WIDTH, dialect->header ? dialect->header : "");
	for (uint32_t i = groups->first_module; i != GROUP_NONE; i = groups->list[i].next) {
		enum error_code code = write_module(groups, &groups->list[i], parameters, out, error);
		if (code != ERROR_NONE)
			return code;
	}
	if (dialect->footer)
		buf_printf(out, "%s\r\n", dialect->footer);
	return out->overflow ? writer_too_large(out, error) : ERROR_NONE;
}

static enum error_code write_fanvil_text(
	const struct dialect *dialect, const struct parameters *parameters, struct buf *out, struct error *error)
{
	struct groups groups;
	size_t before = out->size;
	groups_init(&groups, parameters->count);
	enum error_code code = collect(&groups, parameters, error);
	if (code == ERROR_NONE)
		code = write_groups(dialect, &groups, parameters, out, error);
	groups_deinit(&groups);
	if (code != ERROR_NONE)
		writer_restore(out, before);
	else
		out->data[out->size] = 0;
	return code;
}

const struct writer writer_fanvil_text = {.name = "fanvil-text", .check_name = check_name, .write = write_fanvil_text};
