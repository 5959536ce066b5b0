/* certificate.h - what a phone's certificate says, in the words that the proxy hands on once it has verified the chain: whose it is and who issued it.
 *
 * Both are distinguished names as RFC 4514 (and RFC 2253 before it) writes them: nginx's $ssl_client_s_dn, HAProxy's ssl_c_s_dn(,0,rfc2253). A vendor's
 * certificate says "a phone of this vendor" and, by its subject, which; vendor.ini's [certificate NAME] says how both look. */
#ifndef DIALTONE_CERTIFICATE_H
#define DIALTONE_CERTIFICATE_H

#include "catalogue.h"
#include "mac.h"

#include <stdbool.h>
#include <stddef.h>

#define CERTIFICATE_DN_MAX 1024u   /* longer names are refused */
#define CERTIFICATE_ATTRIBUTES 16u /* more are refused */

struct dn_attribute {
	const char *type;  /* as written: "CN", "emailAddress", "2.5.4.5" */
	const char *value; /* unescaped, 0-terminated; holds no 0 byte */
	size_t length;
};

struct dn {
	struct dn_attribute list[CERTIFICATE_ATTRIBUTES];
	size_t count;
	char text[CERTIFICATE_DN_MAX + 1]; /* what the list points into */
};

/* Parts of a name, those of multi-valued ones singly. False where it is none, is too long, has a quoted or hexadecimal (#…) value, a 0 byte, or
 * bare what only stands escaped. */
bool dn_parse(const char *text, struct dn *dn_r);
/* The only attribute of this type (without regard to case), NULL where there is none or more than one. */
const struct dn_attribute *dn_only(const struct dn *dn, const char *type);

/* Is `issuer`, a rule's text such as "CN=Issuing CA, O=Vendor", well formed? */
enum error_code certificate_check_issuer(const char *issuer, struct error *error);

/* The rule that issuer and subject fit, with the MAC of the subject's common name and the vendor whose rule it is. NULL where none does; *why_r says why, in constant
 * text. Every part of a rule's issuer must stand in the certificate's issuer, and the common name must be the rule's pattern and nothing else. */
const struct certificate_rule *certificate_identify(const struct catalogue *catalogue, const char *subject, const char *issuer, struct mac *mac_r,
	const struct vendor **vendor_r, const char **why_r);

#endif
