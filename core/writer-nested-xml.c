/* writer-nested-xml.c - parameters named by paths, `sip/line[2]/RegisterAddr`, as nested elements: Fanvil's sysConf and its like.
 *
 * Elements stand in the order in which they first appear; what is told of one element later joins it. Values are text of a leaf, escaped;
 * what XML 1.0 has no way to say (section 2.2, Char) is refused. */
#include "writer-xml.h"

#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

#define PATH_DEPTH_MAX 16u
#define NODES_FIRST 512u /* a power of 2; more than most files have */
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
	uint32_t count, room;    /* room is half of the slots */
	uint32_t *slots;         /* open addressing by parent and segment; 0 is free, as the root is never looked up */
	uint32_t mask;
	bool trusted;            /* names that are `checked` passed our check_name */
	/* the parameter before, and the inner nodes on its path: how far each goes in the name, its slash included */
	const char *path;
	uint32_t path_length, depth;
	uint32_t ends[PATH_DEPTH_MAX], inner[PATH_DEPTH_MAX];
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
	return error_set(error, ERROR_SYNTAX, "parameter %.*s: a name is a path such as a/b[2]/C of at most %u parts",
		(int)(length < 200 ? length : 200), name, PATH_DEPTH_MAX);
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

static void tree_grow(struct tree *tree)
{
	tree->room *= 2;
	tree->mask = tree->room * 2 - 1;
	tree->nodes = xreallocarray(tree->nodes, tree->room, sizeof *tree->nodes);
	free(tree->slots);
	tree->slots = xcalloc((size_t)tree->mask + 1, sizeof *tree->slots);
	for (uint32_t i = 1; i < tree->count; i++) {
		uint32_t slot = tree->nodes[i].hash & tree->mask;
		while (tree->slots[slot])
			slot = (slot + 1) & tree->mask;
		tree->slots[slot] = i;
	}
}

static uint32_t append_node(struct tree *tree, const struct node *node)
{
	if (tree->count == tree->room)
		tree_grow(tree);
	uint32_t index = tree->count++, slot = node->hash & tree->mask;
	while (tree->slots[slot])
		slot = (slot + 1) & tree->mask;
	tree->slots[slot] = index;
	tree->nodes[index] = *node;
	struct node *above = &tree->nodes[node->parent];
	if (above->last == NODE_NONE)
		above->first = index;
	else
		tree->nodes[above->last].next = index;
	above->last = index;
	return index;
}

/* The tag in a part that was checked when the template was compiled. */
static uint32_t tag_of(const char *segment, size_t length)
{
	if (segment[length - 1] == ']')
		while (segment[--length] != '[')
			;
	return (uint32_t)length;
}

/* The child of that name, made if need be; NODE_NONE if its name is not well formed. */
static uint32_t child(struct tree *tree, uint32_t parent, const char *segment, size_t length, bool checked, bool *made_r)
{
	uint32_t hash = copy_hash(segment, length, parent);
	*made_r = false;
	for (uint32_t slot = hash & tree->mask; tree->slots[slot]; slot = (slot + 1) & tree->mask) {
		const struct node *node = &tree->nodes[tree->slots[slot]];
		if (node->hash == hash && node->parent == parent && node->length == length && memcmp(node->segment, segment, length) == 0)
			return tree->slots[slot];
	}
	uint32_t tag_length = checked ? tag_of(segment, length) : check_segment(segment, length);
	if (!tag_length)
		return NODE_NONE;
	const struct node node = {.segment = segment,
		.length = (uint32_t)length,
		.tag_length = tag_length,
		.parent = parent,
		.first = NODE_NONE,
		.last = NODE_NONE,
		.next = NODE_NONE,
		.hash = hash};
	*made_r = true;
	return append_node(tree, &node);
}

static enum error_code below_leaf(const struct parameter *parameter, const struct parameter *leaf, struct error *error)
{
	return error_set(error, ERROR_INEXPRESSIBLE, "parameter %.*s lies below %.*s, which has a value of its own", WRITER_NAME(parameter),
		WRITER_NAME(leaf));
}

/* Go back to where this path leaves the one before: neighbours are mostly in one element. Returns where its own part begins. */
static uint32_t go_back(struct tree *tree, const struct parameter *parameter)
{
	uint32_t most = tree->path_length < parameter->name_length ? tree->path_length : parameter->name_length;
	size_t common = most ? copy_common(tree->path, parameter->name, most) : 0;
	while (tree->depth && tree->ends[tree->depth - 1] > common)
		tree->depth--;
	tree->path = parameter->name;
	tree->path_length = parameter->name_length;
	return tree->depth ? tree->ends[tree->depth - 1] : 0;
}

static enum error_code add(struct tree *tree, const struct parameter *parameter, struct error *error)
{
	const char *part = parameter->name + go_back(tree, parameter), *end = parameter->name + parameter->name_length;
	uint32_t node = tree->depth ? tree->inner[tree->depth - 1] : 0;
	const char *slash;
	bool made, checked = tree->trusted && parameter->checked;
	while (part < end && (slash = memchr(part, '/', (size_t)(end - part)))) {
		node = tree->depth < PATH_DEPTH_MAX - 1 ? child(tree, node, part, (size_t)(slash - part), checked, &made)
							: NODE_NONE;
		if (node == NODE_NONE)
			return bad_name(parameter->name, parameter->name_length, error);
		if (tree->nodes[node].leaf)
			return below_leaf(parameter, tree->nodes[node].leaf, error);
		part = slash + 1;
		tree->ends[tree->depth] = (uint32_t)(part - parameter->name);
		tree->inner[tree->depth++] = node;
	}
	uint32_t leaf = child(tree, node, part, (size_t)(end - part), checked, &made);
	if (leaf == NODE_NONE)
		return bad_name(parameter->name, parameter->name_length, error);
	if (!made)
		return error_set(error, ERROR_INEXPRESSIBLE, tree->nodes[leaf].leaf ? "parameter %.*s has a value twice"
			: "parameter %.*s has a value of its own and others below it", WRITER_NAME(parameter));
	tree->nodes[leaf].leaf = parameter;
	return ERROR_NONE;
}

static void tree_init(struct tree *tree)
{
	*tree = (struct tree){.count = 1, .room = NODES_FIRST, .mask = NODES_FIRST * 2 - 1};
	tree->nodes = xmalloc(tree->room * sizeof *tree->nodes);
	tree->slots = xcalloc((size_t)tree->mask + 1, sizeof *tree->slots);
	tree->nodes[0] = (struct node){.first = NODE_NONE, .last = NODE_NONE, .next = NODE_NONE};
}

/* ---- writing ---- */

static inline char *write_open(char *to, const struct node *node)
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

static inline char *write_close(char *to, const struct node *node)
{
	*to++ = '<';
	*to++ = '/';
	to = copy_bytes(to, node->segment, node->tag_length);
	*to++ = '>';
	*to++ = '\n';
	return to;
}

/* The room has slack for all of the blanks. */
static inline char *indent(char *to, unsigned depth)
{
	static const char blanks[2 * PATH_DEPTH_MAX + 1] = "                                ";
	__builtin_memcpy(to, blanks, sizeof blanks - 1);
	return to + 2 * depth;
}

/* Room for what a node needs at most: its tag twice, index, indentation. */
static inline bool room_for(const struct node *node, size_t value_length, struct buf *out)
{
	size_t room = 2 * (size_t)node->length + 4 * PATH_DEPTH_MAX + 32 + value_length;
	return out->room - out->size > room || buf_reserve(out, room + 1);
}

static inline enum error_code write_leaf(const struct node *node, unsigned depth, struct buf *out, struct error *error)
{
	if (!room_for(node, (size_t)node->leaf->length * 6, out))
		return writer_too_large(out, error);
	char *to = write_open(indent(out->data + out->size, depth), node);
	enum error_code code = writer_xml_value(node->leaf, &to, error);
	if (code == ERROR_NONE)
		to = write_close(to, node);
	out->size = (size_t)(to - out->data);
	return code;
}

static enum error_code write_inner(const struct tree *tree, const struct node *node, unsigned depth, struct buf *out, struct error *error)
{
	enum error_code code = ERROR_NONE;
	if (!room_for(node, 0, out))
		return writer_too_large(out, error);
	char *to = write_open(indent(out->data + out->size, depth), node);
	*to++ = '\n';
	out->size = (size_t)(to - out->data);
	for (uint32_t i = node->first; i != NODE_NONE && code == ERROR_NONE; i = tree->nodes[i].next) {
		const struct node *below = &tree->nodes[i];
		code = below->leaf ? write_leaf(below, depth + 1, out, error) : write_inner(tree, below, depth + 1, out, error);
	}
	if (code != ERROR_NONE)
		return code;
	if (!room_for(node, 0, out))
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
	buf_add_string(out, dialect->header ? dialect->header : WRITER_XML_HEADER);
	buf_add_char(out, '\n');
	enum error_code code = write_inner(tree, root, 0, out, error);
	if (code == ERROR_NONE && dialect->footer) {
		buf_add_string(out, dialect->footer);
		buf_add_char(out, '\n');
	}
	return code == ERROR_NONE && out->overflow ? writer_too_large(out, error) : code;
}

static enum error_code write_nested_xml(
	const struct dialect *dialect, const struct parameters *parameters, struct buf *out, struct error *error)
{
	struct tree tree;
	size_t before = out->size;
	enum error_code code = ERROR_NONE;
	tree_init(&tree);
	tree.trusted = parameters->checked_by == check_name;
	for (uint32_t i = 0; i < parameters->count && code == ERROR_NONE; i++)
		code = add(&tree, &parameters->list[i], error);
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
