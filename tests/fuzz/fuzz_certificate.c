/* What a stranger's certificate may say: the first line is the subject, the rest the issuer, against the real templates. A name that was taken, said again, is taken as the same;
 * and whoever is identified has one common name, which is a MAC and nothing else, and an issuer that says all that the rule says. */
#include "certificate.h"
#include "fuzz.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct catalogue *real_catalogue(void)
{
	static struct catalogue *catalogue;
	if (!catalogue) {
		struct error error = {0};
		char path[4096];
		const char *srcdir = getenv("srcdir");
		snprintf(path, sizeof path, "%s/templates", srcdir ? srcdir : ".");
		catalogue = catalogue_load(path, &error);
		if (!catalogue) {
			fprintf(stderr, "%s\n", error.message);
			exit(EXIT_FAILURE);
		}
	}
	return catalogue;
}

/* Every byte of a value as a hex pair: four times as long at most, so only what is short is said again. */
static void say_again(const struct dn *dn)
{
	static char text[CERTIFICATE_DN_MAX * 8];
	static struct dn again;
	char *out = text;
	for (size_t i = 0; i < dn->count; i++) {
		out += sprintf(out, "%s%s=", i ? "," : "", dn->list[i].type);
		for (size_t k = 0; k < dn->list[i].length; k++)
			out += sprintf(out, "\\%02x", (unsigned char)dn->list[i].value[k]);
	}
	if ((size_t)(out - text) >= CERTIFICATE_DN_MAX)
		return;
	FUZZ_CHECK(dn_parse(text, &again) && again.count == dn->count);
	for (size_t i = 0; i < dn->count; i++)
		FUZZ_CHECK(strcmp(again.list[i].type, dn->list[i].type) == 0 && again.list[i].length == dn->list[i].length &&
			memcmp(again.list[i].value, dn->list[i].value, dn->list[i].length) == 0);
}

static void check_name(const char *text)
{
	static struct dn dn;
	if (!dn_parse(text, &dn))
		return;
	FUZZ_CHECK(dn.count > 0 && dn.count <= CERTIFICATE_ATTRIBUTES && strlen(text) < CERTIFICATE_DN_MAX);
	for (size_t i = 0; i < dn.count; i++) {
		const struct dn_attribute *attribute = &dn.list[i];
		FUZZ_CHECK(attribute->type >= dn.text && attribute->value + attribute->length < dn.text + sizeof dn.text);
		FUZZ_CHECK(*attribute->type && attribute->length > 0 && strlen(attribute->value) == attribute->length);
		const struct dn_attribute *only = dn_only(&dn, attribute->type);
		FUZZ_CHECK(!only || only == attribute);
	}
	say_again(&dn);
}

static void check_identity(const char *subject, const char *issuer)
{
	static struct dn names, by, wanted;
	struct mac mac, again;
	const struct vendor *vendor = NULL;
	const char *why = NULL;
	const struct certificate_rule *rule = certificate_identify(real_catalogue(), subject, issuer, &mac, &vendor, &why);
	FUZZ_CHECK(rule ? vendor != NULL : why && *why);
	if (!rule)
		return;
	FUZZ_CHECK(dn_parse(subject, &names) && dn_parse(issuer, &by) && dn_parse(rule->issuer, &wanted));
	const struct dn_attribute *common = dn_only(&names, "CN");
	FUZZ_CHECK(common && mac_parse(common->value, common->length, &again) && strcmp(mac.digits, again.digits) == 0);
	for (size_t i = 0; i < wanted.count; i++) {
		bool there = false;
		for (size_t k = 0; k < by.count; k++)
			there = there || (strcasecmp(by.list[k].type, wanted.list[i].type) == 0 && strcmp(by.list[k].value, wanted.list[i].value) == 0);
		FUZZ_CHECK(there);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *copy = malloc(size + 1);
	if (!copy)
		abort();
	memcpy(copy, bytes, size);
	copy[size] = 0;
	char *newline = strchr(copy, '\n');
	if (newline)
		*newline = 0;
	const char *issuer = newline ? newline + 1 : "CN=Yealink Equipment Issuing CA";
	check_name(copy);
	check_name(issuer);
	check_identity(copy, issuer);
	certificate_check_issuer(issuer, NULL);
	free(copy);
	return 0;
}
