#include "record.h"

#include "log.h"

#include <assert.h>
#include <string.h>

/* Bytes, as in db/migrations/0001-tables.sql; what comes out of log_escape is ASCII or whole UTF-8 characters, so bytes bound characters. */
static const uint16_t widths[RECORD_TEXTS] = {
	[RECORD_TENANT] = 80,
	[RECORD_FILE] = 255,
	[RECORD_METHOD] = 16,
	[RECORD_DETAIL] = 512,
	[RECORD_ADDRESS] = 45,
	[RECORD_USER_AGENT] = 255,
	[RECORD_VENDOR] = 32,
	[RECORD_MODEL] = 64,
	[RECORD_FIRMWARE] = 64,
	[RECORD_NOTE] = 255,
};
static_assert(sizeof(struct record_head) + 2 * RECORD_TEXTS + 80 + 255 + 16 + 512 + 45 + 255 + 32 + 64 + 64 + 255 < RECORD_MAX, "a record fits");

static bool plain(const struct text *text, size_t width)
{
	if (text->length > width)
		return false;
	for (uint32_t i = 0; i < text->length; i++) {
		unsigned char c = (unsigned char)text->text[i];
		if (c < 0x20 || c >= 0x7f || c == '\\')
			return false;
	}
	return true;
}

static size_t put_text(unsigned char *out, const struct text *text, size_t width)
{
	char escaped[513];
	const char *bytes = text->text;
	size_t size = text->text ? text->length : 0;
	if (size && !plain(text, width)) {
		log_escape(escaped, width + 1, text->text, size);
		bytes = escaped;
		size = strlen(escaped);
	}
	uint16_t length = (uint16_t)size;
	memcpy(out, &length, sizeof length);
	if (size)
		memcpy(out + sizeof length, bytes, size);
	return sizeof length + size;
}

size_t record_encode(const struct record *record, unsigned char out[RECORD_MAX])
{
	size_t used = sizeof record->head;
	memcpy(out, &record->head, used);
	out[offsetof(struct record_head, kind)] = DATAGRAM_RECORD;
	for (int i = 0; i < RECORD_TEXTS; i++)
		used += put_text(out + used, &record->texts[i], widths[i]);
	return used;
}

bool record_decode(const unsigned char *bytes, size_t size, struct record *record_r)
{
	memset(record_r, 0, sizeof *record_r);
	if (size < sizeof record_r->head || size > RECORD_MAX)
		return false;
	memcpy(&record_r->head, bytes, sizeof record_r->head);
	size_t used = sizeof record_r->head;
	for (int i = 0; i < RECORD_TEXTS; i++) {
		uint16_t length;
		if (size - used < sizeof length)
			return false;
		memcpy(&length, bytes + used, sizeof length);
		used += sizeof length;
		if (length > size - used || length > widths[i])
			return false;
		record_r->texts[i] = (struct text){(const char *)bytes + used, length};
		used += length;
	}
	return used == size && record_r->head.kind == DATAGRAM_RECORD && record_r->head.result < RESULTS &&
		record_r->head.identity < IDENTITY_WAYS;
}

#define ID_MAX 80u               /* as wide as device_pack's columns */
#define SEALED_MAX (PACK_MAX + 64u) /* PACK_MAX and what sealing adds */

struct pack_head {
	uint8_t kind;            /* DATAGRAM_PACK */
	uint8_t ids[3];          /* lengths of tenant, site, profile */
	uint32_t sealed;
	struct mac mac;
	unsigned char revision[REVISION_SIZE];
};
static_assert(offsetof(struct record_head, kind) == 0 && offsetof(struct pack_head, kind) == 0, "the first byte tells them apart");
static_assert(sizeof(struct pack_head) + 3 * ID_MAX + SEALED_MAX <= PACK_RECORD_MAX, "a pack fits");

static bool good_mac(const struct mac *mac)
{
	return strnlen(mac->digits, sizeof mac->digits) == MAC_DIGITS && strspn(mac->digits, "0123456789abcdef") == MAC_DIGITS;
}

size_t pack_record_encode(const struct pack_record *pack, unsigned char out[PACK_RECORD_MAX])
{
	const struct text *ids[] = {&pack->tenant_id, &pack->site_id, &pack->profile_id};
	struct pack_head head;
	size_t used = sizeof head;
	memset(&head, 0, sizeof head);
	head.kind = DATAGRAM_PACK;
	if (!good_mac(&pack->mac) || !pack->sealed.text || !pack->sealed.length || pack->sealed.length > SEALED_MAX)
		return 0;
	for (int i = 0; i < 3; i++) {
		uint32_t length = ids[i]->text ? ids[i]->length : 0;
		if (length > ID_MAX)
			return 0;
		head.ids[i] = (uint8_t)length;
		if (length)
			memcpy(out + used, ids[i]->text, length);
		used += length;
	}
	head.sealed = pack->sealed.length;
	head.mac = pack->mac;
	memcpy(head.revision, pack->revision, sizeof head.revision);
	memcpy(out, &head, sizeof head);
	memcpy(out + used, pack->sealed.text, head.sealed);
	return used + head.sealed;
}

bool pack_record_decode(const unsigned char *bytes, size_t size, struct pack_record *pack_r)
{
	struct text *ids[] = {&pack_r->tenant_id, &pack_r->site_id, &pack_r->profile_id};
	struct pack_head head;
	memset(pack_r, 0, sizeof *pack_r);
	if (size < sizeof head || size > PACK_RECORD_MAX)
		return false;
	memcpy(&head, bytes, sizeof head);
	size_t used = sizeof head;
	if (head.kind != DATAGRAM_PACK || !good_mac(&head.mac) || !head.sealed || head.sealed > SEALED_MAX ||
		size != used + head.ids[0] + head.ids[1] + head.ids[2] + head.sealed)
		return false;
	for (int i = 0; i < 3; i++) {
		if (head.ids[i] > ID_MAX)
			return false;
		*ids[i] = (struct text){(const char *)bytes + used, head.ids[i]};
		used += head.ids[i];
	}
	pack_r->mac = head.mac;
	memcpy(pack_r->revision, head.revision, sizeof head.revision);
	pack_r->sealed = (struct text){(const char *)bytes + used, head.sealed};
	return true;
}

static char *digits(char *out, unsigned value, int count)
{
	for (int i = count; i-- > 0; value /= 10)
		out[i] = (char)('0' + value % 10);
	return out + count;
}

/* Days since 1970 to year, month, day of the Gregorian calendar (proleptic), by eras of 400 years that begin in March. */
static void civil(int64_t days, unsigned *year_r, unsigned *month_r, unsigned *day_r)
{
	days += 719468;
	int64_t era = days / 146097;
	unsigned day_of_era = (unsigned)(days - era * 146097);
	unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	unsigned month = (5 * day_of_year + 2) / 153;
	*day_r = day_of_year - (153 * month + 2) / 5 + 1;
	*month_r = month < 10 ? month + 3 : month - 9;
	*year_r = (unsigned)(year_of_era + (unsigned)era * 400 + (*month_r <= 2));
}

void record_time(int64_t at, char text_r[RECORD_TIME])
{
	unsigned year, month, day;
	if (at < 0)
		at = 0;
	unsigned micro = (unsigned)(at % 1000000), second = (unsigned)(at / 1000000 % 86400);
	civil(at / 1000000 / 86400, &year, &month, &day);
	char *p = digits(text_r, year % 10000, 4);
	*p++ = '-';
	p = digits(p, month, 2);
	*p++ = '-';
	p = digits(p, day, 2);
	*p++ = ' ';
	p = digits(p, second / 3600, 2);
	*p++ = ':';
	p = digits(p, second / 60 % 60, 2);
	*p++ = ':';
	p = digits(p, second % 60, 2);
	*p++ = '.';
	p = digits(p, micro, 6);
	*p = 0;
}
