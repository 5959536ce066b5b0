/* ha1.h - what a registrar and a phone may keep in place of a SIP password: H(A1) of digest authentication.
 *
 * H(user ":" realm ":" password), as RFC 7616 section 3.4.2 (and RFC 2617 section 3.2.2.2 before it) has it for algorithms without "-sess": by MD5, and by SHA-256
 * where RFC 8760 brings that to SIP. In lower case, because phones and registrars compare it as text. It opens that realm as the password does, and no other. */
#ifndef DIALTONE_HA1_H
#define DIALTONE_HA1_H

#include "layer.h"

#define HA1_MD5 32    /* characters */
#define HA1_SHA256 64

/* 0-terminated. Any of the three may be empty; whether that makes sense is the caller's business. The caller wipes the result. */
void ha1_md5(struct text user, struct text realm, struct text password, char hex_r[HA1_MD5 + 1]);
void ha1_sha256(struct text user, struct text realm, struct text password, char hex_r[HA1_SHA256 + 1]);

#endif
