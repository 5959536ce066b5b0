/* record.h - one fetch as the journal has it, and its form in the datagram from worker to journal process; the datagram of a device's pack (pack.h) beside it.
 *
 * The form is the machine's own (sender and receiver are forks of one program). Texts are cut and escaped when a record is encoded, so that what is
 * decoded fits the columns of fetch_journal and is valid UTF-8 (ASCII, in fact) whatever a stranger sent. */
#ifndef DIALTONE_RECORD_H
#define DIALTONE_RECORD_H

#include "device.h"
#include "fingerprint.h"
#include "identity.h"
#include "layer.h"
#include "mac.h"
#include "result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_ID 16
#define RECORD_MAX 4096u /* an encoded record is never larger */

/* The first byte of a datagram, and of an entry of the spool. */
enum datagram { DATAGRAM_RECORD = 1, DATAGRAM_PACK = 2 };

enum record_text {
	RECORD_TENANT, RECORD_FILE, RECORD_METHOD, RECORD_DETAIL, RECORD_ADDRESS, RECORD_USER_AGENT, RECORD_VENDOR, RECORD_MODEL, RECORD_FIRMWARE,
	RECORD_NOTE, RECORD_TEXTS
};

/* The part of fixed size. */
struct record_head {
	uint8_t kind;             /* DATAGRAM_RECORD: set by record_encode */
	int64_t at;               /* wall clock, µs since 1970 */
	unsigned char id[RECORD_ID];
	struct mac mac;           /* the file's; digits[0] is 0 where there is none */
	uint8_t result;           /* enum result */
	uint8_t identity;         /* enum identity_way; the three below are 0 or 1 */
	char generation[TOKEN_GENERATION]; /* of the token that proved it; generation[0] is 0 where none did */
	uint8_t state;            /* device_state gets a row: a proven device asked for its own file */
	uint8_t delivered;        /* ... and has the bytes of `inputs` now: by a GET with 200, or a 304 */
	uint8_t has_digest;       /* `digest` is of the body that left with this answer */
	uint16_t status;
	uint32_t bytes, microseconds;
	unsigned char inputs[DEVICE_INPUTS];
	unsigned char nonce[FINGERPRINT_NONCE], digest[FINGERPRINT_DIGEST];
};

struct record {
	struct record_head head;
	struct text texts[RECORD_TEXTS]; /* text NULL: "" */
};

/* Into `out`; returns the size. Never fails: texts are cut to fit. */
size_t record_encode(const struct record *record, unsigned char out[RECORD_MAX]);
/* Texts point into `bytes` and are not 0-terminated. False if it is no record. */
bool record_decode(const unsigned char *bytes, size_t size, struct record *record_r);

/* A pack on its way into device_pack. */
#define PACK_RECORD_MAX (PACK_MAX + 1024u)
struct pack_record {
	struct mac mac;
	unsigned char revision[REVISION_SIZE]; /* the device's, that its rows were read at */
	struct text tenant_id, site_id, profile_id, sealed; /* text NULL: "" */
};

/* The size; 0 if it is none (no MAC, nothing sealed) or a part is too large. */
size_t pack_record_encode(const struct pack_record *pack, unsigned char out[PACK_RECORD_MAX]);
/* Texts point into `bytes` and are not 0-terminated. False if it is no pack. */
bool pack_record_decode(const unsigned char *bytes, size_t size, struct pack_record *pack_r);

/* "2026-01-31 12:00:00.000000", UTC: DATETIME(6). */
#define RECORD_TIME 27
void record_time(int64_t at, char text_r[RECORD_TIME]);

#endif
