#include "fleet.h"

#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

#define PAGE 500

struct fleet {
	struct cli *cli;
	const char *tenant;
	struct db_statement *statement;
	struct mac page[PAGE];
	unsigned count, next;
	bool last;               /* the page is the last one */
	struct phone phone;
};

struct fleet *fleet_new(struct cli *cli, const char *tenant)
{
	struct fleet *fleet = xcalloc(1, sizeof *fleet);
	fleet->cli = cli;
	fleet->tenant = tenant;
	fleet->statement = db_prepare(cli->db, "SELECT d.mac FROM device AS d JOIN tenant AS t ON t.tenant_id = d.tenant_id"
		" WHERE d.mac > ? AND d.enabled AND t.enabled AND (? IS NULL OR d.tenant_id = ?) ORDER BY d.mac LIMIT 500");
	arena_init(&fleet->phone.arena);
	return fleet;
}

void fleet_free(struct fleet **fleet)
{
	if (!*fleet)
		return;
	db_statement_free(&(*fleet)->statement);
	phone_deinit(&(*fleet)->phone);
	free(*fleet);
	*fleet = NULL;
}

static enum error_code read_page(struct fleet *fleet, struct error *error)
{
	struct mac after = fleet->count ? fleet->page[fleet->count - 1] : (struct mac){""};
	size_t length = fleet->tenant ? strlen(fleet->tenant) : 0;
	db_bind_text(fleet->statement, 0, after.digits, strlen(after.digits));
	db_bind_text(fleet->statement, 1, fleet->tenant, length);
	db_bind_text(fleet->statement, 2, fleet->tenant, length);
	fleet->count = fleet->next = 0;
	enum error_code code = db_execute(fleet->statement, true, error);
	int more = 0;
	while (!code && fleet->count < PAGE && (more = db_next(fleet->statement, error)) > 0) {
		struct db_column mac = db_column(fleet->statement, 0);
		if (mac_parse(mac.text, mac.length, &fleet->page[fleet->count]))
			fleet->count++;
	}
	db_done(fleet->statement);
	fleet->last = fleet->count < PAGE;
	return more < 0 ? error->code : code;
}

int fleet_next(struct fleet *fleet, struct phone **phone_r, struct error *error)
{
	struct phone *phone = &fleet->phone;
	*phone_r = phone;
	for (;;) {
		if (fleet->next == fleet->count && fleet->last)
			return 0;
		if (fleet->next == fleet->count && read_page(fleet, error))
			return -1;
		if (fleet->next == fleet->count)
			return 0;
		arena_clear(&phone->arena);
		if (store_fetch(fleet->cli->store, &fleet->page[fleet->next++], &phone->arena, &phone->device, error))
			return -1;
		if (!phone->device.found || !phone->device.enabled)
			continue;
		phone_speaks(phone, "", "");
		return 1;
	}
}
