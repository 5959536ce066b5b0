#include "certificate.h"

#include "hex.h"
#include "identify.h"

#include <string.h>
#include <strings.h>

/* The value at *at_io up to an unescaped , + or ; or the end, unescaped (RFC 4514, 2.4). */
static bool take_value(const char **at_io, char **out_io, struct dn_attribute *attribute)
{
	const char *at = *at_io;
	char *out = *out_io, *last = out; /* behind the last byte that is no unescaped blank */
	attribute->value = out;
	if (*at == '"' || *at == '#')
		return false;
	while (*at && !strchr(",+;", *at)) {
		bool escaped = *at == '\\';
		if (escaped) {
			int high = hex_value(at[1]), low = high < 0 ? -1 : hex_value(at[2]);
			if (!at[1] || (low < 0 && !strchr(" \"#+,;<=>\\", at[1])) || (high == 0 && low == 0))
				return false;
			*out++ = low < 0 ? at[1] : (char)(high << 4 | low);
			at += low < 0 ? 2 : 3;
		} else if (strchr("\"<>", *at)) { /* RFC 4514, section 3: escaped only */
			return false;
		} else {
			*out++ = *at++;
		}
		if (escaped || out[-1] != ' ')
			last = out;
	}
	*last = 0;
	attribute->length = (size_t)(last - attribute->value);
	*out_io = last + 1;
	*at_io = at;
	return attribute->length > 0;
}

static bool take_type(const char **at_io, char **out_io, struct dn_attribute *attribute)
{
	const char *at = *at_io + strspn(*at_io, " ");
	size_t length = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-");
	attribute->type = *out_io;
	memcpy(*out_io, at, length);
	(*out_io)[length] = 0;
	*out_io += length + 1;
	at += length;
	at += strspn(at, " ");
	if (!length || *at != '=')
		return false;
	at++;
	*at_io = at + strspn(at, " ");
	return true;
}

bool dn_parse(const char *text, struct dn *dn_r)
{
	dn_r->count = 0;
	/* Each part needs no more room than it takes in the text: its = becomes one 0, its separator or the end the other. */
	if (strnlen(text, CERTIFICATE_DN_MAX + 1) > CERTIFICATE_DN_MAX - 1)
		return false;
	char *out = dn_r->text;
	while (true) {
		if (dn_r->count == CERTIFICATE_ATTRIBUTES)
			return false;
		struct dn_attribute *attribute = &dn_r->list[dn_r->count];
		if (!take_type(&text, &out, attribute) || !take_value(&text, &out, attribute))
			return false;
		dn_r->count++;
		if (!*text)
			return true;
		text++;
	}
}

const struct dn_attribute *dn_only(const struct dn *dn, const char *type)
{
	const struct dn_attribute *found = NULL;
	for (size_t i = 0; i < dn->count; i++) {
		if (strcasecmp(dn->list[i].type, type) != 0)
			continue;
		if (found)
			return NULL;
		found = &dn->list[i];
	}
	return found;
}

enum error_code certificate_check_issuer(const char *issuer, struct error *error)
{
	struct dn dn;
	if (!dn_parse(issuer, &dn) || !dn_only(&dn, "CN"))
		return error_set(error, ERROR_SYNTAX, "issuer `%s` is no distinguished name with one common name, such as CN=Issuing CA, O=Vendor", issuer);
	return ERROR_NONE;
}

static bool stands_in(const struct dn_attribute *wanted, const struct dn *dn)
{
	for (size_t i = 0; i < dn->count; i++)
		if (strcasecmp(dn->list[i].type, wanted->type) == 0 && dn->list[i].length == wanted->length &&
		    memcmp(dn->list[i].value, wanted->value, wanted->length) == 0)
			return true;
	return false;
}

/* Not dn_only: an issuer's name is the vendor's own affair, so long as all of ours stands in it. */
static bool issued_by(const struct certificate_rule *rule, const struct dn *issuer)
{
	struct dn wanted;
	if (!dn_parse(rule->issuer, &wanted))
		return false;
	for (size_t i = 0; i < wanted.count; i++)
		if (!stands_in(&wanted.list[i], issuer))
			return false;
	return true;
}

const struct certificate_rule *certificate_identify(const struct catalogue *catalogue, const char *subject, const char *issuer, struct mac *mac_r,
	const struct vendor **vendor_r, const char **why_r)
{
	struct dn names, by;
	const struct dn_attribute *common;
	*why_r = "the certificate's issuer is no vendor's that the templates know";
	if (!dn_parse(subject, &names) || !dn_parse(issuer, &by)) {
		*why_r = "the certificate's subject or issuer is no distinguished name";
		return NULL;
	}
	if (!(common = dn_only(&names, "CN"))) {
		*why_r = "the certificate's subject has not one common name";
		return NULL;
	}
	for (uint32_t v = 0; v < catalogue->vendor_count; v++) {
		const struct vendor *vendor = &catalogue->vendors[v];
		for (uint32_t i = 0; i < vendor->certificate_count; i++) {
			const struct certificate_rule *rule = &vendor->certificates[i];
			bool has_mac = false;
			if (!issued_by(rule, &by))
				continue;
			*why_r = "the certificate's common name is no MAC as this vendor writes it";
			if (!identify_match_file(rule->subject, common->value, common->length, mac_r, &has_mac) || !has_mac)
				continue;
			*vendor_r = vendor;
			return rule;
		}
	}
	return NULL;
}
