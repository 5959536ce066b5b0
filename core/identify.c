#include "identify.h"

#include "catalogue-private.h"

#include <string.h>
#include <strings.h>

/* Bounds on a stranger's time: no vendor's file name and no honest User-Agent is longer. What is behind the latter is not looked at. */
#define FILE_NAME_MAX 128u
#define AGENT_MAX 512u
/* Placeholders of any length in one file pattern: what could be divided among them is tried in every way. */
#define FILE_OPEN_MAX 2

enum placeholder { LITERAL, PLACE_MAC, PLACE_HEX, PLACE_DIGITS, PLACE_WORD, PLACE_MODEL, PLACE_FIRMWARE };

static const struct { const char *text; enum placeholder place; bool in_file, in_agent; } placeholders[] = {
	{"{mac}", PLACE_MAC, true, true},
	{"{hex}", PLACE_HEX, true, false},
	{"{digits}", PLACE_DIGITS, true, false},
	{"{word}", PLACE_WORD, true, false},
	{"{model}", PLACE_MODEL, false, true},
	{"{firmware}", PLACE_FIRMWARE, false, true},
};

/* What the pattern begins with; *length_r is the placeholder's length in the pattern (1 for a literal character). */
static enum placeholder placeholder_at(const char *pattern, size_t *length_r)
{
	*length_r = 1;
	if (*pattern != '{')
		return LITERAL;
	for (size_t i = 0; i < sizeof placeholders / sizeof *placeholders; i++) {
		size_t length = strlen(placeholders[i].text);
		if (strncmp(pattern, placeholders[i].text, length) == 0) {
			*length_r = length;
			return placeholders[i].place;
		}
	}
	return LITERAL;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';
}

static bool is_hex(char c)
{
	return is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'f');
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool in_class(enum placeholder place, char c)
{
	switch (place) {
	case PLACE_HEX:
		return is_hex(c);
	case PLACE_DIGITS:
		return is_digit(c);
	default:
		return is_digit(c) || is_letter(c) || c == '.' || c == '_' || c == '-';
	}
}

/* ---------------------------------------------------------------- file names */

struct file_match {
	struct mac mac;
	bool has_mac;
};

static bool match_file(const char *pattern, const char *name, size_t length, struct file_match *match)
{
	while (*pattern) {
		size_t size;
		enum placeholder place = placeholder_at(pattern, &size);
		if (place == LITERAL) {
			if (!length || ascii_lower(*name) != ascii_lower(*pattern))
				return false;
			pattern++, name++, length--;
		} else if (place == PLACE_MAC) {
			size_t taken = mac_prefix(name, length, &match->mac);
			if (!taken)
				return false;
			match->has_mac = true;
			pattern += size, name += taken, length -= taken;
		} else {
			/* FILE_OPEN_MAX and FILE_NAME_MAX bound this. */
			for (size_t taken = 1; taken <= length && in_class(place, name[taken - 1]); taken++)
				if (match_file(pattern + size, name + taken, length - taken, match))
					return true;
			return false;
		}
	}
	return length == 0;
}

bool identify_match_file(const char *pattern, const char *name, size_t length, struct mac *mac_r, bool *has_mac_r)
{
	struct file_match match = {.has_mac = false};
	*has_mac_r = false;
	if (!length || length > FILE_NAME_MAX)
		return false;
	/* Most patterns are somebody else's: the first character says so. */
	if (*pattern != '{' && ascii_lower(*pattern) != ascii_lower(*name))
		return false;
	if (!match_file(pattern, name, length, &match))
		return false;
	*has_mac_r = match.has_mac;
	if (match.has_mac && mac_r)
		*mac_r = match.mac;
	return true;
}

/* The first rule of the vendor that matches. */
static const struct file_rule *match_rules(const struct vendor *vendor, const char *name, size_t length, struct file_match *match)
{
	for (uint32_t i = 0; i < vendor->file_count; i++)
		for (uint32_t k = 0; k < vendor->files[i].pattern_count; k++)
			if (identify_match_file(vendor->files[i].patterns[k], name, length, &match->mac, &match->has_mac))
				return &vendor->files[i];
	return NULL;
}

const struct file_rule *identify_vendor_file(const struct vendor *vendor, const char *name, size_t length)
{
	struct file_match match;
	return match_rules(vendor, name, length, &match);
}

/* The first model of the vendor that claims this common file: models that share one share its content. */
static const struct model *claimed_by(const struct vendor *vendor, const char *name, size_t length)
{
	for (uint32_t i = 0; i < vendor->model_count; i++)
		for (uint32_t k = 0; k < vendor->models[i].common_file_count; k++) {
			const char *file = vendor->models[i].common_files[k];
			/* strncasecmp ends at a NUL of the name, which may hold any byte: then the lengths differ. */
			if (strlen(file) == length && strncasecmp(file, name, length) == 0 && !memchr(name, 0, length))
				return &vendor->models[i];
		}
	return NULL;
}

/* A name, looked at once for all patterns. */
struct file_name {
	const char *text;
	size_t length;
	char first, last; /* in lower case */
	size_t mac_length; /* of the MAC that it begins with; 0: none */
	struct mac mac;
};

static bool may_match(const struct pattern_index *entry, const struct file_name *name)
{
	return name->length >= entry->shortest && (!entry->first || entry->first == name->first) &&
	       (!entry->last || entry->last == name->last) && (!entry->mac_first || name->mac_length);
}

static bool match_entry(const struct pattern_index *entry, const struct file_name *name, struct file_match *match)
{
	if (!entry->mac_first)
		return match_file(entry->pattern, name->text, name->length, match);
	*match = (struct file_match){.mac = name->mac, .has_mac = true};
	return match_file(entry->pattern + strlen("{mac}"), name->text + name->mac_length, name->length - name->mac_length, match);
}

/* How well a rule that matched fits: by the MAC's owner, then who is served, then whether the name says whose it is. */
#define WEIGHT_MOST 7
static int weight_of(const struct identify_file *file, const struct vendor *owner)
{
	int weight = file->vendor->dialect_count > 0 ? 2 : 0;
	if (file->has_mac && owner == file->vendor)
		weight += 4;
	return weight + (file->has_mac || file->common_model);
}

/* The first match among the patterns from `begin` on of one vendor or of several; `end` if there is none. */
static uint32_t find_entry(const struct catalogue_index *index, uint32_t begin, uint32_t end, const struct file_name *name, struct file_match *match)
{
	for (; begin < end; begin++) {
		*match = (struct file_match){.has_mac = false};
		if (may_match(&index->files[begin], name) && match_entry(&index->files[begin], name, match))
			break;
	}
	return begin;
}

static struct identify_file found_file(const struct catalogue *catalogue, const struct pattern_index *entry, const struct file_name *name,
	const struct file_match *match)
{
	const struct vendor *vendor = &catalogue->vendors[entry->vendor];
	struct identify_file found = {.rule = &vendor->files[entry->rule], .vendor = vendor, .has_mac = match->has_mac};
	if (match->has_mac)
		found.mac = match->mac;
	if (found.rule->answer == FILE_COMMON)
		found.common_model = claimed_by(vendor, name->text, name->length);
	return found;
}

/* What a phone asks for: a name that begins with its MAC. Its owner's own pattern is the best that there can be, so nobody else's is looked at;
 * but for a second MAC in the name, of which only a pattern with {mac} elsewhere could tell. */
static bool owners_file(const struct catalogue *catalogue, const struct file_name *name, const struct vendor *owner, struct identify_file *file_r)
{
	const struct catalogue_index *index = catalogue->index;
	struct file_match match;
	if (!owner || !index->served_mac_first)
		return false;
	uint32_t end = index->files_of[owner->index + 1], i = find_entry(index, index->files_of[owner->index], end, name, &match);
	if (i == end || !match.has_mac)
		return false;
	*file_r = found_file(catalogue, &index->files[i], name, &match);
	return weight_of(file_r, owner) == WEIGHT_MOST;
}

bool identify_file(const struct catalogue *catalogue, const char *name, size_t length, struct identify_file *file_r)
{
	const struct catalogue_index *index = catalogue->index;
	const struct vendor *owner = NULL;
	int best = -1;
	*file_r = (struct identify_file){0};
	if (!length || length > FILE_NAME_MAX)
		return false;
	struct file_name known = {.text = name, .length = length, .first = ascii_lower(name[0]), .last = ascii_lower(name[length - 1])};
	known.mac_length = mac_prefix(name, length, &known.mac);
	if (known.mac_length)
		owner = catalogue_vendor_of_mac(catalogue, &known.mac);
	if (owners_file(catalogue, &known, owner, file_r))
		return true;
	*file_r = (struct identify_file){0};
	struct file_match match;
	for (uint32_t i = 0; (i = find_entry(index, i, index->file_count, &known, &match)) < index->file_count;) {
		const struct pattern_index *entry = &index->files[i];
		struct identify_file found = found_file(catalogue, entry, &known, &match);
		int weight = weight_of(&found, entry->mac_first || !found.has_mac ? owner : catalogue_vendor_of_mac(catalogue, &found.mac));
		if (weight > best) {
			best = weight;
			*file_r = found;
		}
		i = index->files_of[entry->vendor + 1]; /* a vendor's first match counts */
	}
	return best >= 0;
}

/* ---------------------------------------------------------------- User-Agents */

/* What is left of an agent, and what was found so far. Text points into the agent. */
struct agent_match {
	const char *model, *model_end;
	const char *firmware, *firmware_end;
	struct mac mac;
	bool has_mac;
};

static const char *skip_blanks(const char *at, const char *end)
{
	while (at < end && is_blank(*at))
		at++;
	return at;
}

static bool is_alnum(char c)
{
	return is_digit(c) || is_letter(c) || c == '_';
}

/* What a pattern matched, and a MAC, must not go on in the same word: no "X4" in "X4-V2"; brackets, commas and bytes that are no text may follow. */
static bool ends_word(const char *at, const char *end)
{
	return at == end || (!is_alnum(*at) && !memchr("-:+.", *at, 4));
}

/* digits ("." digits)+ : where it ends, or NULL. There is none in "3.56p". */
static const char *take_firmware(const char *at, const char *end)
{
	bool dotted = false;
	if (at == end || !is_digit(*at))
		return NULL;
	while (at < end && (is_digit(*at) || (*at == '.' && at + 1 < end && is_digit(at[1])))) {
		dotted = dotted || *at == '.';
		at++;
	}
	return dotted && (at == end || !is_alnum(*at)) ? at : NULL;
}

static bool match_agent(const char *pattern, const char *at, const char *end, struct agent_match *match);

/* One to three words of printable ASCII, as few and short as the rest of the pattern allows. A pattern has at most one {model}, so this
 * does not nest. */
static bool match_model(const char *rest, const char *at, const char *end, struct agent_match *match)
{
	const struct agent_match before = *match;
	const char *start = at, next = *rest == '{' ? 0 : ascii_lower(*rest);
	int words = 1;
	if (at == end || is_blank(*at))
		return false;
	while (at < end) {
		if (is_blank(*at)) {
			at = skip_blanks(at, end);
			if (++words > 3 || at == end)
				return false;
		}
		if (*at <= ' ' || *at > '~')
			return false;
		at++;
		/* What follows in the pattern cannot follow here. */
		if (next && !is_blank(next) && (at == end || ascii_lower(*at) != next))
			continue;
		if (is_blank(next) && (at == end || !is_blank(*at)))
			continue;
		*match = before; /* what a shorter try left */
		match->model = start;
		match->model_end = at;
		if (match_agent(rest, at, end, match))
			return true;
	}
	return false;
}

static bool match_agent(const char *pattern, const char *at, const char *end, struct agent_match *match)
{
	while (*pattern) {
		size_t size, taken;
		switch (placeholder_at(pattern, &size)) {
		case PLACE_MODEL:
			return match_model(pattern + size, at, end, match);
		case PLACE_FIRMWARE:
			/* A second number in the pattern (the hardware's) does not replace the first. */
			if (!match->firmware) {
				match->firmware = at;
				match->firmware_end = take_firmware(at, end);
			}
			if (!(at = take_firmware(at, end)))
				return false;
			break;
		case PLACE_MAC:
			taken = mac_prefix(at, (size_t)(end - at), &match->mac);
			at += taken;
			if (!taken || !ends_word(at, end))
				return false;
			match->has_mac = true;
			break;
		default:
			if (at == end || (is_blank(*pattern) ? !is_blank(*at) : ascii_lower(*at) != ascii_lower(*pattern)))
				return false;
			at = is_blank(*pattern) ? skip_blanks(at, end) : at + 1;
			/* One or more blanks between words: those of the pattern are one too. */
			while (is_blank(*pattern) && is_blank(pattern[1]))
				pattern++;
		}
		pattern += size;
	}
	return ends_word(at, end);
}

/* Copy with blanks made one, cut at the size. */
static void copy_words(char *out, const char *from, const char *end)
{
	size_t used = 0;
	for (; from < end && used < IDENTIFY_TEXT_MAX - 1; from++)
		if (!is_blank(*from))
			out[used++] = *from;
		else if (from + 1 < end && !is_blank(from[1]))
			out[used++] = ' ';
	out[used] = 0;
}

/* The model whose agents hold this name; where none does, with words left out from its end ("GXP2200 V2.2A"). */
static const struct model *find_model(const struct catalogue *catalogue, const struct vendor *vendor, const char *name)
{
	char key[IDENTIFY_TEXT_MAX + IDENTIFY_TEXT_MAX];
	const struct catalogue_index *index = catalogue->index;
	size_t prefix = strlen(vendor->id), length = strlen(name);
	if (prefix + 1 + length > sizeof key)
		return NULL;
	memcpy(key, vendor->id, prefix);
	key[prefix++] = '/';
	for (size_t i = 0; i < length; i++)
		key[prefix + i] = ascii_lower(name[i]);
	while (length) {
		uint32_t found = strmap_get(&index->agents, key, prefix + length);
		if (found != STRMAP_NONE)
			return index->all_models[found];
		while (length && name[length - 1] != ' ')
			length--;
		length -= length > 0;
	}
	return NULL;
}

/* What the match found, for people and for the catalogue. */
static void tell(const struct catalogue *catalogue, const struct pattern_index *entry, const struct agent_match *match,
	struct identify_agent *agent_r)
{
	const char *pattern = entry->pattern;
	agent_r->vendor = &catalogue->vendors[entry->vendor];
	agent_r->rule = &agent_r->vendor->agents[entry->rule];
	if (match->model)
		copy_words(agent_r->model_name, match->model, match->model_end);
	else if (strncmp(pattern, "Mozilla", 7) != 0) /* which half the world claims to be */
		copy_words(agent_r->model_name, pattern, pattern + strcspn(pattern, " \t{/"));
	if (match->firmware)
		copy_words(agent_r->firmware, match->firmware, match->firmware_end);
	agent_r->has_mac = match->has_mac;
	if (match->has_mac)
		agent_r->mac = match->mac;
	agent_r->model = find_model(catalogue, agent_r->vendor, agent_r->model_name);
}

bool identify_agent(const struct catalogue *catalogue, const char *agent, size_t length, struct identify_agent *agent_r)
{
	const struct catalogue_index *index = catalogue->index;
	*agent_r = (struct identify_agent){0};
	if (!length)
		return false;
	const char *end = agent + (length < AGENT_MAX ? length : AGENT_MAX);
	agent = skip_blanks(agent, end);
	while (end > agent && is_blank(end[-1]))
		end--;
	unsigned char first = agent < end ? (unsigned char)ascii_lower(*agent) : 0;
	const struct pattern_index *entry;
	for (uint32_t i = index->agents_from[first]; i < index->agent_count; i = entry->next) {
		struct agent_match match = {0};
		entry = &index->agents_by_pattern[i];
		if (!match_agent(entry->pattern, agent, end, &match))
			continue;
		tell(catalogue, entry, &match, agent_r);
		return true;
	}
	return false;
}

/* ---------------------------------------------------------------- patterns */

/* Count a placeholder; true if it may not stand here (again). */
static bool is_misplaced(enum placeholder place, enum placeholder before, bool agent, int *counts, int *open)
{
	if (agent)
		return (place == PLACE_MODEL || place == PLACE_MAC) && counts[place] > 1;
	if (place == PLACE_MAC)
		return counts[place] > 1;
	return ++*open > FILE_OPEN_MAX || (before != LITERAL && before != PLACE_MAC);
}

static enum error_code check_literal(const char *pattern, const char *at, bool agent, struct error *error)
{
	if (*at == '{' || *at == '}')
		return error_set(error, ERROR_UNKNOWN, "pattern `%s`: unknown placeholder at `%.12s`; there are %s", pattern, at,
			agent ? "{model} {firmware} {mac}" : "{mac} {hex} {digits} {word}");
	if (!(*at > ' ' && *at <= '~') && !(agent && *at == ' '))
		return error_set(error, ERROR_SYNTAX, "pattern `%s`: only printable ASCII is allowed", pattern);
	if (!agent && *at == '/')
		return error_set(error, ERROR_SYNTAX, "pattern `%s`: a file pattern is for the last part of a path, without /", pattern);
	return ERROR_NONE;
}

enum error_code identify_check_pattern(const char *pattern, bool agent, struct error *error)
{
	int counts[PLACE_FIRMWARE + 1] = {0}, open = 0;
	enum placeholder before = LITERAL;
	if (!*pattern || *pattern == ' ' || strlen(pattern) > FILE_NAME_MAX)
		return error_set(error, ERROR_RANGE, "a pattern must begin with no blank and have 1 to %u bytes", FILE_NAME_MAX);
	for (const char *at = pattern; *at;) {
		size_t size;
		enum placeholder place = placeholder_at(at, &size);
		for (size_t i = 0; i < sizeof placeholders / sizeof *placeholders; i++)
			if (placeholders[i].place == place && !(agent ? placeholders[i].in_agent : placeholders[i].in_file))
				place = LITERAL;
		if (place == LITERAL) {
			enum error_code code = check_literal(pattern, at, agent, error);
			if (code)
				return code;
		} else {
			counts[place]++;
			if (is_misplaced(place, before, agent, counts, &open))
				return error_set(error, ERROR_SYNTAX, "pattern `%s`: too many placeholders, or two that nothing separates, at `%.12s`",
					pattern, at);
		}
		before = place;
		at += size;
	}
	return ERROR_NONE;
}

/* ---------------------------------------------------------------- the index */

static struct pattern_index index_pattern(const char *pattern, uint32_t vendor, uint32_t rule)
{
	struct pattern_index entry = {.vendor = vendor, .rule = rule, .pattern = pattern};
	size_t size, length = strlen(pattern);
	entry.first = *pattern == '{' ? 0 : ascii_lower(*pattern);
	entry.last = pattern[length - 1] == '}' ? 0 : ascii_lower(pattern[length - 1]);
	entry.mac_first = placeholder_at(pattern, &size) == PLACE_MAC;
	for (const char *at = pattern; *at; at += size)
		entry.shortest = (uint16_t)(entry.shortest + (placeholder_at(at, &size) == PLACE_MAC ? MAC_DIGITS : 1));
	return entry;
}

/* May a name that begins with a MAC match this pattern, which has its {mac} elsewhere? Not if a character that no MAC has stands among the literal ones
 * at its begin, such as the g of "cfg{mac}.xml". */
static bool may_follow_mac(const char *pattern)
{
	for (size_t i = 0; i < MAC_DIGITS && pattern[i] && pattern[i] != '{'; i++)
		if (!is_hex(pattern[i]) && !memchr(":-_", pattern[i], 3))
			return false;
	return true;
}

static void index_files(struct catalogue *catalogue)
{
	struct catalogue_index *index = catalogue->index;
	uint32_t total = 0;
	for (uint32_t i = 0; i < catalogue->vendor_count; i++)
		for (uint32_t k = 0; k < catalogue->vendors[i].file_count; k++)
			total += catalogue->vendors[i].files[k].pattern_count;
	index->files = arena_array(&index->arena, total, sizeof *index->files);
	index->files_of = arena_array(&index->arena, (size_t)catalogue->vendor_count + 1, sizeof *index->files_of);
	index->served_mac_first = true;
	for (uint32_t i = 0; i < catalogue->vendor_count; i++) {
		const struct vendor *vendor = &catalogue->vendors[i];
		index->files_of[i] = index->file_count;
		for (uint32_t k = 0; k < vendor->file_count; k++)
			for (uint32_t n = 0; n < vendor->files[k].pattern_count; n++) {
				const char *pattern = vendor->files[k].patterns[n];
				index->files[index->file_count++] = index_pattern(pattern, i, k);
				if (vendor->dialect_count && strstr(pattern + 1, "{mac}") && may_follow_mac(pattern))
					index->served_mac_first = false;
			}
	}
	index->files_of[catalogue->vendor_count] = index->file_count;
}

/* Those that begin with a letter, then all that begin with a placeholder: the order in which they stand. */
static void link_agents(struct catalogue_index *index)
{
	uint32_t open = index->agent_count;
	while (open && !index->agents_by_pattern[open - 1].first) {
		index->agents_by_pattern[open - 1].next = open;
		open--;
	}
	for (size_t i = 0; i < sizeof index->agents_from / sizeof *index->agents_from; i++)
		index->agents_from[i] = open;
	for (uint32_t i = open; i-- > 0;) {
		struct pattern_index *entry = &index->agents_by_pattern[i];
		uint32_t *from = &index->agents_from[(unsigned char)entry->first];
		entry->next = *from;
		*from = i;
	}
}

static void index_agents(struct catalogue *catalogue)
{
	struct catalogue_index *index = catalogue->index;
	uint32_t total = 0;
	for (uint32_t i = 0; i < catalogue->vendor_count; i++)
		total += catalogue->vendors[i].agent_count;
	index->agents_by_pattern = arena_array(&index->arena, total, sizeof *index->agents_by_pattern);
	for (int open = 0; open <= 1; open++)
		for (uint32_t i = 0; i < catalogue->vendor_count; i++)
			for (uint32_t k = 0; k < catalogue->vendors[i].agent_count; k++) {
				const char *pattern = catalogue->vendors[i].agents[k].pattern;
				if ((*pattern == '{') == open)
					index->agents_by_pattern[index->agent_count++] = index_pattern(pattern, i, k);
			}
}

void identify_index(struct catalogue *catalogue)
{
	index_files(catalogue);
	index_agents(catalogue);
	link_agents(catalogue->index);
}
