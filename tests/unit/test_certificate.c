/* certificate.h: names as RFC 4514 writes them, and whom a subject and an issuer name. */
#include "certificate.h"

#include "unit.h"

#define ISSUER "CN=Yealink Equipment Issuing CA"

/* `parts`: type=value with | between, as parsed; NULL: refused. */
static const struct { const char *text, *parts; } names[] = {
	/* RFC 4514 section 4 */
	{"UID=jsmith,DC=example,DC=net", "UID=jsmith|DC=example|DC=net"},
	{"OU=Sales+CN=J.  Smith,DC=example,DC=net", "OU=Sales|CN=J.  Smith|DC=example|DC=net"},
	{"CN=James \\\"Jim\\\" Smith\\, III,DC=example,DC=net", "CN=James \"Jim\" Smith, III|DC=example|DC=net"},
	{"CN=Before\\0dAfter,DC=example,DC=net", "CN=Before\rAfter|DC=example|DC=net"},
	{"1.3.6.1.4.1.1466.0=#04024869", NULL},
	{"CN=Lu\\C4\\8Di\\C4\\87", "CN=Lu\xc4\x8di\xc4\x87"},
	/* escapes */
	{"CN=\\ a\\ ", "CN= a "},
	{"CN=\\#a", "CN=#a"},
	{"CN=a\\+b\\;c\\<d\\>e\\=f\\\\g", "CN=a+b;c<d>e=f\\g"},
	{"CN=a=b", "CN=a=b"},
	{"CN=\\2C\\2c", "CN=,,"},
	{"CN=a\\", NULL},
	{"CN=a\\4", NULL},
	{"CN=a\\4g", NULL},
	{"CN=a\\x41", NULL},
	{"CN=a\\00b", NULL},
	{"CN=\\00", NULL},
	/* blanks round the parts belong to none of them */
	{"  CN = a b  ,  O = c  ", "CN=a b|O=c"},
	{"CN=a;O=b", "CN=a|O=b"},
	{"cn=a", "cn=a"},
	{"2.5.4.5=1", "2.5.4.5=1"},
	/* what is none */
	{"", NULL}, {" ", NULL}, {"CN", NULL}, {"CN=", NULL}, {"CN= ", NULL}, {"=a", NULL}, {"CN=a,", NULL}, {"CN=a,,O=b", NULL}, {"CN=a+", NULL}, {",CN=a", NULL},
	{"CN=a,O", NULL}, {"C N=a", NULL}, {"/C=CN/CN=a", NULL},
	{"CN=\"a\"", NULL}, {"CN=\"a,O=b\"", NULL}, {"CN=#3013", NULL},
	/* RFC 4514 section 3: these stand escaped only */
	{"CN=a\"b", NULL}, {"CN=a<b", NULL}, {"CN=a>b", NULL},
};

static void told(const struct dn *dn, char *out, size_t size)
{
	*out = 0;
	for (size_t i = 0; i < dn->count; i++) {
		size_t used = strlen(out);
		ck_assert_uint_eq(strlen(dn->list[i].value), dn->list[i].length);
		snprintf(out + used, size - used, "%s%s=%s", i ? "|" : "", dn->list[i].type, dn->list[i].value);
	}
}

START_TEST(test_names)
{
	struct dn dn;
	char parts[CERTIFICATE_DN_MAX];
	bool good = dn_parse(names[_i].text, &dn);
	ck_assert_msg(good == (names[_i].parts != NULL), "`%s`", names[_i].text);
	if (!good)
		return;
	told(&dn, parts, sizeof parts);
	ck_assert_str_eq(parts, names[_i].parts);
}
END_TEST

START_TEST(test_bounds)
{
	struct dn dn;
	char text[CERTIFICATE_DN_MAX + 64] = "CN=";
	memset(text + 3, 'a', CERTIFICATE_DN_MAX - 4);
	ck_assert(dn_parse(text, &dn)); /* 1023 characters */
	ck_assert_uint_eq(dn.list[0].length, CERTIFICATE_DN_MAX - 4);
	text[CERTIFICATE_DN_MAX - 1] = 'a';
	ck_assert(!dn_parse(text, &dn));
	/* shortest parts, so that every one needs all its room */
	*text = 0;
	for (unsigned i = 0; i < CERTIFICATE_ATTRIBUTES; i++)
		strcat(text, i ? ",A=b" : "A=b");
	ck_assert(dn_parse(text, &dn));
	ck_assert_uint_eq(dn.count, CERTIFICATE_ATTRIBUTES);
	strcat(text, ",A=b");
	ck_assert(!dn_parse(text, &dn));
}
END_TEST

START_TEST(test_only)
{
	struct dn dn;
	ck_assert(dn_parse("CN=a,O=b,cn=c,OU=d", &dn));
	ck_assert_ptr_null(dn_only(&dn, "CN"));
	ck_assert_ptr_null(dn_only(&dn, "L"));
	ck_assert_str_eq(dn_only(&dn, "o")->value, "b");
	ck_assert_str_eq(dn_only(&dn, "OU")->value, "d");
}
END_TEST

static const struct { const char *issuer; bool good; } rules[] = {
	{"CN=A", true}, {"CN=A,O=B", true}, {"O=B", false}, {"CN=A+CN=B", false}, {"A", false}, {"", false}, {"CN=\"A\"", false},
};

START_TEST(test_rules)
{
	struct error error = {0};
	enum error_code code = certificate_check_issuer(rules[_i].issuer, &error);
	ck_assert_int_eq(code, rules[_i].good ? ERROR_NONE : ERROR_SYNTAX);
	if (code)
		ck_assert_ptr_nonnull(strstr(error.message, "is no distinguished name with one common name"));
}
END_TEST

/* -------- whom they name */

#define VENDOR(name, oui) "[vendor]\nname = " name "\noui = " oui "\n[file device]\npattern = {mac}.cfg\nanswer = device\n"

static const struct { const char *name, *text; } files[] = {
	{"settings.ini", "[sip.server]\ntype = host\nscope = line\ndescription = d\n"},
	{"timezones.tsv", "UTC\tUTC0\n"},
	{"acme/vendor.ini", VENDOR("Acme", "00aabb") "[certificate factory]\nissuer = \"CN=Acme Devices, O=Acme\"\nsubject = {mac}\n"
		"[certificate old]\nissuer = \"CN=Acme Old\"\nsubject = ACME-{mac}\n"},
	{"zeta/vendor.ini", VENDOR("Zeta", "00eeff") "[certificate factory]\nissuer = CN=Zeta\nsubject = {mac}\n"},
};

static const struct catalogue *catalogue(void)
{
	static struct catalogue *loaded;
	struct error error = {0};
	if (loaded)
		return loaded;
	for (size_t i = 0; i < ROWS(files); i++)
		unit_write(files[i].name, files[i].text);
	loaded = catalogue_load(unit_folder, &error);
	ck_assert_msg(loaded != NULL, "%s", error.message);
	return loaded;
}

#define MAC "00aabb010203"
#define ACME "CN=Acme Devices,O=Acme"
#define NO_MAC "the certificate's common name is no MAC as this vendor writes it"
#define NO_ISSUER "the certificate's issuer is no vendor's that the templates know"
#define NO_NAME "the certificate's subject or issuer is no distinguished name"
#define NO_CN "the certificate's subject has not one common name"

/* vendor NULL: nobody, and why. */
static const struct { const char *subject, *issuer, *vendor, *says; } people[] = {
	{"CN=" MAC, ACME, "acme", MAC},
	{"CN=00:AA:BB:01:02:03", ACME, "acme", MAC},
	{"CN=00-aa-bb-01-02-03,OU=Phones,O=Acme,C=XX", ACME, "acme", MAC},
	{"C=XX+serialNumber=1+CN=" MAC, ACME, "acme", MAC},
	{"cn=" MAC, ACME, "acme", MAC},
	{"CN=ACME-" MAC, "CN=Acme Old", "acme", MAC},
	{"CN=acme-00AABB010203", "CN=Acme Old", "acme", MAC},
	/* a MAC of any range: the certificate says whose phone it is, not the range */
	{"CN=00eeff010203", ACME, "acme", "00eeff010203"},
	{"CN=" MAC, "CN=Zeta", "zeta", MAC},
	/* a mere substring of the common name, or elsewhere in the subject */
	{"CN=" MAC "1", ACME, NULL, NO_MAC},
	{"CN=x" MAC, ACME, NULL, NO_MAC},
	{"CN=" MAC ".evil.example", ACME, NULL, NO_MAC},
	{"CN=evil " MAC, ACME, NULL, NO_MAC},
	{"CN=" MAC "\\ ", ACME, NULL, NO_MAC},
	{"CN=\\ " MAC, ACME, NULL, NO_MAC},
	{"CN=" MAC "\\0a", ACME, NULL, NO_MAC},
	{"CN=evil\\,CN\\=" MAC, ACME, NULL, NO_MAC},
	{"CN=evil,OU=" MAC, ACME, NULL, NO_MAC},
	{"OU=" MAC, ACME, NULL, NO_CN},
	{"CN=" MAC "\\00.evil", ACME, NULL, NO_NAME},
	{"CN=\"" MAC "\"", ACME, NULL, NO_NAME},
	{"/CN=" MAC, ACME, NULL, NO_NAME},
	{"", ACME, NULL, NO_NAME},
	/* two */
	{"CN=" MAC ",CN=00aabb010204", ACME, NULL, NO_CN},
	{"CN=" MAC "+CN=" MAC, ACME, NULL, NO_CN},
	/* the other rule's spelling */
	{"CN=ACME-" MAC, ACME, NULL, NO_MAC},
	{"CN=" MAC, "CN=Acme Old", NULL, NO_MAC},
	/* issuers: every part of the rule's, in any order and place; more may stand beside it */
	{"CN=" MAC, "O=Acme,CN=Acme Devices", "acme", MAC},
	{"CN=" MAC, "CN=Acme Devices,OU=Factory,O=Acme,C=XX", "acme", MAC},
	{"CN=" MAC, "cn=Acme Devices+o=Acme", "acme", MAC},
	{"CN=" MAC, "CN=Acme Devices", NULL, NO_ISSUER},
	{"CN=" MAC, "O=Acme", NULL, NO_ISSUER},
	{"CN=" MAC, "CN=acme devices,O=Acme", NULL, NO_ISSUER},
	{"CN=" MAC, "CN=Acme Devices,O=Acme Inc", NULL, NO_ISSUER},
	{"CN=" MAC, "CN=Acme Devices\\,O\\=Acme", NULL, NO_ISSUER},
	{"CN=" MAC, "CN=Acme,O=Acme Devices", NULL, NO_ISSUER},
	{"CN=" MAC, "OU=Acme Devices,O=Acme", NULL, NO_ISSUER},
	{"CN=" MAC, "CN=Rogue CA", NULL, NO_ISSUER},
	{"CN=" MAC, "", NULL, NO_NAME},
	{"CN=" MAC, "Acme Devices", NULL, NO_NAME},
};

START_TEST(test_people)
{
	struct mac mac = {0};
	const struct vendor *vendor = NULL;
	const char *why = "";
	const struct certificate_rule *rule = certificate_identify(catalogue(), people[_i].subject, people[_i].issuer, &mac, &vendor, &why);
	ck_assert_msg((rule != NULL) == (people[_i].vendor != NULL), "`%s` by `%s`: %s", people[_i].subject, people[_i].issuer, why);
	if (!rule) {
		ck_assert_msg(strcmp(why, people[_i].says) == 0, "`%s` by `%s`: %s", people[_i].subject, people[_i].issuer, why);
		return;
	}
	ck_assert_str_eq(vendor->id, people[_i].vendor);
	ck_assert_str_eq(mac.digits, people[_i].says);
}
END_TEST

/* The rules that are shipped name their own vendor's phones. */
START_TEST(test_shipped)
{
	struct error error = {0};
	struct catalogue *shipped = catalogue_load(unit_source("templates"), &error);
	struct mac mac;
	const struct vendor *vendor;
	const char *why;
	ck_assert_msg(shipped != NULL, "%s", error.message);
	ck_assert_ptr_nonnull(certificate_identify(shipped, "CN=805ec0aabb01", ISSUER, &mac, &vendor, &why));
	ck_assert_str_eq(vendor->id, "yealink");
	ck_assert_ptr_null(certificate_identify(shipped, "CN=805ec0aabb01", "CN=Fanvil", &mac, &vendor, &why));
	catalogue_free(&shipped);
}
END_TEST

UNIT_MAIN("certificate", {test_names, ROWS(names)}, {test_bounds, 0}, {test_only, 0}, {test_rules, ROWS(rules)}, {test_people, ROWS(people)}, {test_shipped, 0})
