/* why.c - `dialtone why MAC`: why does this phone not (or does it) have its configuration? */
#include "cli.h"
#include "verbs.h"

#include "delivery.h"
#include "output.h"
#include "phone.h"
#include "story.h"
#include "why_neighbours.h"

#include <stdio.h>
#include <string.h>

struct why {
	struct cli *cli;
	struct mac mac;
	struct phone phone;
	struct story story;
	bool journal;         /* it can be read */
	char last_result[64]; /* of the newest request; "" if it never asked */
	struct error error;
};

/* What a request's result asks of people. */
static const struct advice { const char *result, *text; } advices[] = {
	{"challenge", "It asks without credentials: `dialtone credentials %s` prints what to enter into the phone or its redirection profile. "
		      "(A first request without them is normal; nothing came after it.)"},
	{"bad-credentials", "It presents wrong credentials: enter those that `dialtone credentials %s` prints."},
	{"stale-credentials", "It presents credentials that no longer count (they were rotated, or the device was moved or made anew): enter those that "
			      "`dialtone credentials %s` prints."},
	{"not-entitled", "It presents another device's credentials: enter those that `dialtone credentials %s` prints."},
	{"disabled", "Enable it: UPDATE device SET enabled = 1 WHERE mac = '%s' (and its tenant)."},
	{"unknown-file", "It asks for a file that no vendor's phones ask for: compare the provisioning URL in the phone with `dialtone identify --path`; its MAC is %s."},
	{"absent-file", "The last file it asked for is one that Dialtone never has, which is normal; look whether it asks for its own file too (%s)."},
	{"plain-http", "It asks by http: change the provisioning URL in the phone %s to https, or set tenant.plain_http."},
	{"bad-request", "Its request was refused as malformed: look at the detail above and at the proxy's log for %s."},
	{"method", "Something asked by another method than GET for %s: no phone does; look at the User-Agent above."},
	{"too-large", "Its request was too large: look at the proxy's log for %s."},
	{"database", "The database was away when it asked; it asks again by itself. If not, reboot %s."},
	{"render-error", "Its configuration could not be rendered when it asked: look at the detail above, `dialtone render %s` tries now."},
};

static enum error_code tell_flags(struct why *why)
{
	struct db_statement *statement = db_prepare(why->cli->db, "SELECT d.enabled, t.enabled, d.tenant_id, d.site_id, d.profile_id,"
		" CAST(d.created_at AS CHAR(19)), (SELECT COUNT(*) FROM line AS l WHERE l.mac = d.mac AND l.enabled)"
		" FROM device AS d JOIN tenant AS t ON t.tenant_id = d.tenant_id WHERE d.mac = ?");
	db_bind_text(statement, 0, why->mac.digits, MAC_DIGITS);
	enum error_code code = db_execute(statement, true, &why->error);
	if (!code && db_next(statement, &why->error) == 1) {
		bool device = db_column_int(statement, 0), tenant = db_column_int(statement, 1);
		const char *site = db_column(statement, 3).text, *profile = db_column(statement, 4).text;
		story_fact(&why->story, "known", STORY_GOOD, "tenant %s, site %s, profile %s, since %s, %lld enabled %s", db_column(statement, 2).text,
			site ? site : "none", profile ? profile : "none", db_column(statement, 5).text, db_column_int(statement, 6),
			db_column_int(statement, 6) == 1 ? "line" : "lines");
		if (device && tenant)
			story_fact(&why->story, "enabled", STORY_GOOD, "device and tenant");
		else
			story_fact(&why->story, "enabled", STORY_BAD, "the %s is disabled", device ? "tenant" : "device");
		if (!device)
			story_next(&why->story, "Enable it: UPDATE device SET enabled = 1 WHERE mac = '%s'.", why->mac.digits);
		if (!tenant)
			story_next(&why->story, "Enable its tenant: UPDATE tenant SET enabled = 1 WHERE tenant_id = '%s'.", db_column(statement, 2).text);
		if (!db_column_int(statement, 6))
			story_next(&why->story, "It has no enabled line: it would start without an account.");
	}
	db_done(statement);
	db_statement_free(&statement);
	return code;
}

static void tell_model(struct why *why)
{
	const struct phone *phone = &why->phone;
	if (!phone->variant) {
		story_fact(&why->story, "model", STORY_BAD, "the templates have no model `%s`", phone->device.model_id);
		story_next(&why->story, "Compare files and database: `dialtone db check`.");
		return;
	}
	story_fact(&why->story, "model", STORY_GOOD, "%s (%s), dialect %s for firmware %s", phone->device.model_id, phone->device.model->name,
		phone->variant->dialect->name, *phone->firmware ? phone->firmware : "unknown");
	const struct vendor *owner = catalogue_vendor_of_mac(why->cli->catalogue, &why->mac);
	if (owner && owner != phone->device.model->vendor) {
		story_fact(&why->story, "MAC", STORY_BAD, "its range is %s's, but the model is of %s", owner->name, phone->device.model->vendor->name);
		story_next(&why->story, "Look at the phone's label: either the MAC or the model in the table is wrong.");
	}
}

/* Renders, and compares with what was delivered where the journal can be read. */
static enum error_code tell_delivery(struct why *why)
{
	struct delivery delivery = {0};
	enum error_code code = ERROR_NONE;
	struct delivery_reader *reader = delivery_reader_new(why->cli);
	code = delivery_read(reader, &why->phone, &delivery, &why->error);
	delivery_reader_free(&reader);
	if (code)
		return code;
	struct story *story = &why->story;
	if (delivery.state == DELIVERY_UNRENDERED) {
		story_fact(story, "renders", STORY_BAD, "%s", delivery.reason);
		story_next(story, "Correct what `renders` says; `dialtone explain %s` shows where values come from.", why->mac.digits);
	} else
		story_fact(story, "renders", STORY_GOOD, "its configuration can be rendered");
	if (delivery.state == DELIVERY_CURRENT)
		story_fact(story, "current", STORY_GOOD, "it has what it would get now, since %s UTC (%s)", delivery.delivered_at, delivery.file);
	else if (delivery.state == DELIVERY_CHANGED) {
		story_fact(story, "current", STORY_BAD, "its last delivery, %s UTC (%s), differs from what it would get now", delivery.delivered_at,
			delivery.file);
		story_next(story, "Make it fetch again: reboot it, or wait for its next poll.");
	} else if (delivery.state == DELIVERY_NEVER)
		story_fact(story, "current", STORY_BAD, "its configuration was never delivered");
	return ERROR_NONE;
}

static enum error_code tell_requests(struct why *why)
{
	struct db_statement *statement = db_prepare(why->cli->journal, "SELECT CAST(at AS CHAR(19)), method, file, status, result, detail, note, address,"
		" user_agent, model, firmware FROM fetch_journal WHERE mac = ? ORDER BY at DESC LIMIT 6");
	db_bind_text(statement, 0, why->mac.digits, MAC_DIGITS);
	enum error_code code = db_execute(statement, true, &why->error);
	int more = 0;
	while (!code && (more = db_next(statement, &why->error)) > 0) {
		static const char *const keys[] = {"at", "method", "file", NULL, "result", "detail", "note", "address", "user_agent", "model", "firmware"};
		json_t *one = json_object();
		for (unsigned i = 0; i < sizeof keys / sizeof *keys; i++)
			if (keys[i])
				json_object_set_new(one, keys[i], output_json_string(db_column(statement, i).text));
		json_object_set_new(one, "status", json_integer(db_column_int(statement, 3)));
		json_array_append_new(why->story.requests, one);
		if (!*why->last_result)
			snprintf(why->last_result, sizeof why->last_result, "%s", db_column(statement, 4).text);
	}
	db_done(statement);
	db_statement_free(&statement);
	if (!*why->last_result)
		story_fact(&why->story, "asked", STORY_BAD, "the journal has no request of it");
	return more < 0 ? why->error.code : code;
}

static void advise(struct why *why)
{
	for (size_t i = 0; i < sizeof advices / sizeof *advices; i++) {
		const struct advice *advice = &advices[i];
		const char *place = strstr(advice->text, "%s");
		if (strcmp(advice->result, why->last_result) == 0)
			story_next(&why->story, "%.*s%s%s", (int)(place - advice->text), advice->text, why->mac.digits, place + 2);
	}
}

/* Nothing came from it: who did ask that may be it? */
static enum error_code tell_silence(struct why *why)
{
	enum error_code code = neighbours_similar(why->cli, &why->mac, &why->story, &why->error);
	size_t typing = json_array_size(why->story.similar);
	if (!code && why->phone.device.found)
		code = neighbours_of_site(why->cli, &why->mac, &why->story, &why->error);
	if (code)
		return code;
	if (typing)
		story_next(&why->story, "Compare the MAC with the phone's label: a phone that is not in the table asked under nearly the same one (above).");
	else if (json_array_size(why->story.similar))
		story_next(&why->story, "Phones that are not in the table ask from this site's address (above): is one of them this one?");
	story_next(&why->story, "It never reached us: is it plugged in, does its redirection profile or DHCP option name our URL, does it resolve and trust our "
		"name? The proxy's log shows failed TLS handshakes.");
	return ERROR_NONE;
}

static enum error_code tell_journal(struct why *why)
{
	enum error_code code = tell_requests(why);
	if (!code && why->phone.device.found)
		code = tell_delivery(why);
	if (code)
		return code;
	if (!*why->last_result)
		return tell_silence(why);
	if (why->phone.device.found)
		advise(why);
	return ERROR_NONE;
}

static enum error_code tell_unknown(struct why *why)
{
	const struct vendor *owner = catalogue_vendor_of_mac(why->cli->catalogue, &why->mac);
	story_fact(&why->story, "known", STORY_BAD, "no device has this MAC; its range is %s%s", owner ? owner->name : "of no vendor that the templates know",
		owner ? "'s" : "");
	size_t similar;
	enum error_code code = neighbours_known(why->cli, &why->mac, &why->story, &similar, &why->error);
	if (code)
		return code;
	if (similar)
		story_next(&why->story, "Is one of the similar devices meant? Then correct its MAC in the table (CALL swap_phone).");
	story_next(&why->story, "If this is a new phone, add it: INSERT INTO device, or CALL add_phone.");
	return ERROR_NONE;
}

static enum error_code tell(struct why *why)
{
	struct phone *phone = &why->phone;
	enum error_code code = store_fetch(why->cli->store, &why->mac, &phone->arena, &phone->device, &why->error);
	if (code)
		return code;
	if (phone->device.found) {
		phone_speaks(phone, "", "");
		if (why->journal)
			phone_ask_firmware(why->cli, phone);
		code = tell_flags(why);
		tell_model(why);
	} else
		code = tell_unknown(why);
	if (!code && why->journal)
		code = tell_journal(why);
	return code;
}

int verb_why(struct cli *cli, int argc, char **argv)
{
	const char *text;
	struct why why = {.cli = cli};
	if (!cli_parse(cli, argc, argv, NULL, 1, 1, &text) || !cli_mac(cli, text, &why.mac) || !cli_need(cli, NEED_STORE))
		return cli->status;
	why.journal = cli_want_journal(cli, "the journal cannot be read, so nothing is told of requests");
	arena_init(&why.phone.arena);
	story_init(&why.story);
	int status;
	if (tell(&why))
		status = cli_fail(cli, &why.error);
	else {
		if (cli->json)
			story_print_json(&why.story, why.mac.digits);
		else
			story_print(&why.story, why.mac.digits, cli->color);
		status = !why.phone.device.found ? CLI_UNKNOWN : why.story.trouble ? CLI_FOUND : CLI_OK;
	}
	story_deinit(&why.story);
	phone_deinit(&why.phone);
	return status;
}
