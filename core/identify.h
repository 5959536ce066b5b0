/* identify.h - what a file name and a User-Agent say about who is asking. Neither entitles to anything. */
#ifndef DIALTONE_IDENTIFY_H
#define DIALTONE_IDENTIFY_H

#include "catalogue.h"

#define IDENTIFY_TEXT_MAX 64

/* What the last part of the path matched. */
struct identify_file {
	const struct file_rule *rule;   /* NULL: nobody's phones ask for such a file */
	const struct vendor *vendor;    /* the rule's vendor: by OUI where several match, else the first that is served */
	bool has_mac;
	struct mac mac;
	const struct model *common_model; /* for a common file: whose it is; NULL if no model claims the name */
};

/* `name` is the decoded last path part, without '/'. True if a rule matched; *file_r is filled in any case. */
bool identify_file(const struct catalogue *catalogue, const char *name, size_t length, struct identify_file *file_r);

/* The rule of this very vendor that matches, or NULL: once the device is known, its vendor decides. */
const struct file_rule *identify_vendor_file(const struct vendor *vendor, const char *name, size_t length);

struct identify_agent {
	const struct agent_rule *rule;  /* NULL: no vendor's pattern matched */
	const struct vendor *vendor;
	const struct model *model;      /* NULL: a name that no model has */
	/* What stood for {model} with single blanks, or the pattern's first word if it has no {model}; "" where absent; cut at the size;
	 * printable ASCII. */
	char model_name[IDENTIFY_TEXT_MAX], firmware[IDENTIFY_TEXT_MAX];
	bool has_mac;
	struct mac mac;
};

/* A pattern fits where it matches from the agent's first word to the end of a word; what comes after is ignored. Patterns that begin with a
 * literal are tried before those that begin with a placeholder, so that no vendor's "{model} {firmware}" takes another's phones; otherwise
 * vendors in order of name, rules in the file's order, the first that matches. True if one did; *agent_r is filled in any case. */
bool identify_agent(const struct catalogue *catalogue, const char *agent, size_t length, struct identify_agent *agent_r);

/* Match one pattern of vendor.ini (exposed for tests and the fuzzer). mac_r may be NULL. */
bool identify_match_file(const char *pattern, const char *name, size_t length, struct mac *mac_r, bool *has_mac_r);
/* Is the pattern itself well formed? */
enum error_code identify_check_pattern(const char *pattern, bool agent, struct error *error);

#endif
