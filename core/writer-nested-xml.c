/* writer-nested-xml.c - parameters named by paths, `sip/line[2]/RegisterAddr`, as nested elements: Fanvil's sysConf and its like.
 *
 * Elements stand in the order in which they first appear; what is told of one element later joins it. Values are text of a leaf, escaped;
 * what XML 1.0 has no way to say (section 2.2, Char) is refused. */
#include "writer-private.h"

#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

#define PATH_DEPTH_MAX 16u
#define NODE_NONE UINT32_MAX

struct node {
	const char *segment;     /* `line[2]` */
	uint32_t length;
	uint32_t tag_length;     /* of `line` */
	uint32_t parent, first, last, next;
	uint32_t hash;
	const struct parameter *leaf; /* NULL: an inner node */
};

struct tree {
	struct node *nodes;      /* the root is 0 */
	uint32_t count;
	uint32_t *slots;         /* open addressing by parent and segment; 0 is free, as the root is never looked up */
	uint32_t mask;
	const char *path;        /* the directory of the parameter before */
	size_t path_length;
	uint32_t directory;
};

/* ---- names ---- */

static bool tag_char(char c, bool first)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_')
		return true;
	return !first && ((c >= '0' && c <= '9') || c == '-' || c == '.');
}

/* `[12]`: no leading zero, so that one element has one spelling. */
static bool is_index(const char *text, size_t length)
{
	if (length < 3 || length > 7 || text[0] != '[' || text[length - 1] != ']' || (text[1] == '0' && length > 3))
		return false;
	for (size_t i = 1; i < length - 1; i++)
		if (text[i] < '0' || text[i] > '9')
			return false;
	return true;
}

/* Length of the tag in one part of a path, 0 if the part is not well formed. */
static uint32_t check_segment(const char *segment, size_t length)
{
	size_t tag = 0;
	while (tag < length && tag_char(segment[tag], tag == 0))
		tag++;
	return tag == length || (tag && is_index(segment + tag, length - tag)) ? (uint32_t)tag : 0;
}

static enum error_code bad_name(const char *name, size_t length, struct error *error)
{
	return error_set(error, ERROR_SYNTAX, "parameter %.*s: a name is a path such as a/b[2]/C of at most %u parts", (int)(length < 200 ? length : 200), name,
		PATH_DEPTH_MAX);
}

static enum error_code check_name(const char *name, size_t length, struct error *error)
{
	const char *part = name, *end = name + length;
	for (unsigned depth = 0; depth < PATH_DEPTH_MAX; depth++) {
		const char *slash = length ? memchr(part, '/', (size_t)(end - part)) : NULL;
		const char *stop = slash ? slash : end;
		if (!check_segment(part, (size_t)(stop - part)))
			break;
		if (!slash)
			return ERROR_NONE;
		part = slash + 1;
	}
	return bad_name(name, length, error);
}

/* ---- the tree ---- */

/* The child of that name, made if need be; NODE_NONE if its name is not well formed. */
static uint32_t child(struct tree *tree, uint32_t parent, const char *segment, size_t length, bool *made_r)
{
	uint32_t hash = copy_hash(segment, length, parent), slot = hash & tree->mask;
	*made_r = false;
	for (; tree->slots[slot]; slot = (slot + 1) & tree->mask) {
		const struct node *node = &tree->nodes[tree->slots[slot]];
		if (node->hash == hash && node->parent == parent && node->length == length && memcmp(node->segment, segment, length) == 0)
			return tree->slots[slot];
	}
	uint32_t tag_length = check_segment(segment, length);
	if (!tag_length)
		return NODE_NONE;
	uint32_t index = tree->count++;
	tree->nodes[index] = (struct node){.segment = segment, .length = (uint32_t)length, .tag_length = tag_length, .parent = parent,
		.first = NODE_NONE, .last = NODE_NONE, .next = NODE_NONE, .hash = hash};
	struct node *above = &tree->nodes[parent];
	if (above->last == NODE_NONE)
		above->first = index;
	else
		tree->nodes[above->last].next = index;
	above->last = index;
	tree->slots[slot] = index;
	*made_r = true;
	return index;
}

/* The element that the path up to the last slash names. NODE_NONE and *error otherwise. */
static uint32_t directory_of(struct tree *tree, const struct parameter *parameter, size_t length, struct error *error)
{
	if (tree->path && tree->path_length == length && memcmp(tree->path, parameter->name, length) == 0)
		return tree->directory;
	const char *part = parameter->name, *end = part + length;
	uint32_t node = 0;
	bool made;
	for (unsigned depth = 1; length; depth++) {
		const char *slash = memchr(part, '/', (size_t)(end - part));
		const char *stop = slash ? slash : end;
		node = depth < PATH_DEPTH_MAX ? child(tree, node, part, (size_t)(stop - part), &made) : NODE_NONE;
		if (node == NODE_NONE) {
			bad_name(parameter->name, parameter->name_length, error);
			return NODE_NONE;
		}
		if (tree->nodes[node].leaf) {
			error_set(error, ERROR_INEXPRESSIBLE, "parameter %.*s lies below %.*s, which has a value of its own", WRITER_NAME(parameter),
				WRITER_NAME(tree->nodes[node].leaf));
			return NODE_NONE;
		}
		if (!slash)
			break;
		part = slash + 1;
	}
	tree->path = parameter->name;
	tree->path_length = length;
	return tree->directory = node;
}

static enum error_code add(struct tree *tree, const struct parameter *parameter, struct error *error)
{
	const char *slash = parameter->name_length ? memrchr(parameter->name, '/', parameter->name_length) : NULL;
	size_t directory_length = slash ? (size_t)(slash - parameter->name) : 0, skip = slash ? directory_length + 1 : 0;
	if (slash && !directory_length)
		return bad_name(parameter->name, parameter->name_length, error);
	uint32_t parent = directory_of(tree, parameter, directory_length, error);
	if (parent == NODE_NONE)
		return error ? error->code : ERROR_SYNTAX;
	bool made;
	uint32_t leaf = child(tree, parent, parameter->name + skip, parameter->name_length - skip, &made);
	if (leaf == NODE_NONE)
		return bad_name(parameter->name, parameter->name_length, error);
	if (!made)
		return error_set(error, ERROR_INEXPRESSIBLE, tree->nodes[leaf].leaf ? "parameter %.*s has a value twice"
			: "parameter %.*s has a value of its own and others below it", WRITER_NAME(parameter));
	tree->nodes[leaf].leaf = parameter;
	return ERROR_NONE;
}

static void tree_init(struct tree *tree, const struct parameters *parameters)
{
	size_t most = 1;
	for (uint32_t i = 0; i < parameters->count; i++) {
		const struct parameter *parameter = &parameters->list[i];
		most++;
		for (uint32_t j = 0; j < parameter->name_length; j++)
			most += parameter->name[j] == '/';
	}
	uint32_t size = 16;
	while (size < most * 2)
		size *= 2;
	*tree = (struct tree){.nodes = xmalloc(most * sizeof *tree->nodes), .count = 1, .slots = xcalloc(size, sizeof *tree->slots), .mask = size - 1};
	tree->nodes[0] = (struct node){.first = NODE_NONE, .last = NODE_NONE, .next = NODE_NONE};
}

/* ---- writing ---- */

static const char *escape_of(unsigned char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&apos;";
	case '\t':
		return "&#9;";
	case '\r':
		return "&#13;";
	case '\n':
		return "&#10;";
	default:
		return NULL;
	}
}

static enum error_code check_value(const struct parameter *parameter, struct error *error)
{
	const unsigned char *text = (const unsigned char *)parameter->text;
	for (uint32_t i = 0; i < parameter->length; i++) {
		bool control = text[i] < 0x20 && text[i] != '\t' && text[i] != '\r' && text[i] != '\n';
		bool reserved = text[i] == 0xef && parameter->length - i >= 3 && text[i + 1] == 0xbf && text[i + 2] >= 0xbe;
		if (control || reserved)
			return error_set(error, ERROR_INEXPRESSIBLE, "the value of %.*s has a character that XML cannot hold", WRITER_NAME(parameter));
	}
	if (!writer_utf8(parameter->text, parameter->length))
		return error_set(error, ERROR_INEXPRESSIBLE, "the value of %.*s is not UTF-8", WRITER_NAME(parameter));
	return ERROR_NONE;
}

/* Copy what needs no escape; false if something does or is not ASCII. */
static bool copy_plain(char *restrict to, const char *restrict from, size_t size)
{
	uint64_t bad = 0;
	size_t i = 0;
	for (; i + 8 <= size; i += 8) {
		uint64_t word = copy_word(from + i);
		bad |= writer_outside(word, 0x20) | writer_has(word, '&') | writer_has(word, '<') | writer_has(word, '>') | writer_has(word, '"') |
			writer_has(word, '\'');
		__builtin_memcpy(to + i, &word, 8);
	}
	for (; i < size; i++) {
		unsigned char c = (unsigned char)from[i];
		bad |= (unsigned char)(c - 0x20) > 0x7e - 0x20 || c == '&' || c == '<' || c == '>' || c == '"' || c == '\'';
		to[i] = (char)c;
	}
	return !bad;
}

/* Room was made for six times the length. */
static enum error_code write_value(const struct parameter *parameter, char **to, struct error *error)
{
	if (copy_plain(*to, parameter->text, parameter->length)) {
		*to += parameter->length;
		return ERROR_NONE;
	}
	if (check_value(parameter, error) != ERROR_NONE)
		return ERROR_INEXPRESSIBLE;
	for (uint32_t i = 0; i < parameter->length; i++) {
		const char *escape = escape_of((unsigned char)parameter->text[i]);
		if (!escape) {
			*(*to)++ = parameter->text[i];
			continue;
		}
		size_t size = strlen(escape);
		memcpy(*to, escape, size);
		*to += size;
	}
	return ERROR_NONE;
}

static char *write_open(char *to, const struct node *node)
{
	*to++ = '<';
	to = copy_bytes(to, node->segment, node->tag_length);
	if (node->tag_length < node->length) {
		to = copy_bytes(to, " index=\"", 8);
		to = copy_bytes(to, node->segment + node->tag_length + 1, node->length - node->tag_length - 2);
		*to++ = '"';
	}
	*to++ = '>';
	return to;
}

static char *write_close(char *to, const struct node *node)
{
	*to++ = '<';
	*to++ = '/';
	to = copy_bytes(to, node->segment, node->tag_length);
	*to++ = '>';
	*to++ = '\n';
	return to;
}

static char *indent(char *to, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++) {
		*to++ = ' ';
		*to++ = ' ';
	}
	return to;
}

static enum error_code write_node(const struct tree *tree, const struct node *node, unsigned depth, struct buf *out, struct error *error)
{
	/* tags twice, index, indentation twice; one by one, since an inner node's room is used before its children's is made */
	size_t room = 2 * (size_t)node->length + 4 * PATH_DEPTH_MAX + 32 + (node->leaf ? (size_t)node->leaf->length * 6 : 0);
	if (out->room - out->size <= room && !buf_reserve(out, room + 1))
		return writer_too_large(out, error);
	char *to = write_open(indent(out->data + out->size, depth), node);
	if (node->leaf) {
		enum error_code code = write_value(node->leaf, &to, error);
		if (code == ERROR_NONE)
			to = write_close(to, node);
		out->size = (size_t)(to - out->data);
		return code;
	}
	*to++ = '\n';
	out->size = (size_t)(to - out->data);
	for (uint32_t i = node->first; i != NODE_NONE; i = tree->nodes[i].next) {
		enum error_code code = write_node(tree, &tree->nodes[i], depth + 1, out, error);
		if (code != ERROR_NONE)
			return code;
	}
	if (out->room - out->size <= room && !buf_reserve(out, room + 1))
		return writer_too_large(out, error);
	to = write_close(indent(out->data + out->size, depth), node);
	out->size = (size_t)(to - out->data);
	return ERROR_NONE;
}

static enum error_code write_tree(const struct dialect *dialect, struct tree *tree, struct buf *out, struct error *error)
{
	struct node *root = &tree->nodes[0];
	root->segment = dialect->root ? dialect->root : "";
	root->length = (uint32_t)strlen(root->segment);
	root->tag_length = check_segment(root->segment, root->length);
	if (!root->tag_length || root->tag_length != root->length)
		return error_set(error, ERROR_SYNTAX, "dialect %s: root is not the name of an element", dialect->name);
	buf_add_string(out, dialect->header ? dialect->header : "<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
	buf_add_char(out, '\n');
	enum error_code code = write_node(tree, root, 0, out, error);
	if (code == ERROR_NONE && dialect->footer) {
		buf_add_string(out, dialect->footer);
		buf_add_char(out, '\n');
	}
	return code == ERROR_NONE && out->overflow ? writer_too_large(out, error) : code;
}

static enum error_code write_nested_xml(const struct dialect *dialect, const struct parameters *parameters, struct buf *out, struct error *error)
{
	struct error local;
	struct tree tree;
	size_t before = out->size;
	enum error_code code = ERROR_NONE;
	tree_init(&tree, parameters);
	for (uint32_t i = 0; i < parameters->count && code == ERROR_NONE; i++)
		code = add(&tree, &parameters->list[i], error ? error : &local);
	if (code == ERROR_NONE)
		code = write_tree(dialect, &tree, out, error);
	if (code == ERROR_NONE)
		out->data[out->size] = 0;
	else
		writer_restore(out, before);
	free(tree.nodes);
	free(tree.slots);
	return code;
}

const struct writer writer_nested_xml = {.name = "nested-xml", .check_name = check_name, .write = write_nested_xml};
