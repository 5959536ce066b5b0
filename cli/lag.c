/* lag.c - `dialtone lag`: which phones do not have what they would get now. Exact, because it renders; the view device_lag compares revisions only. */
#include "cli.h"
#include "verbs.h"

#include "delivery.h"
#include "fleet.h"
#include "output.h"

#include <stdio.h>
#include <string.h>

struct lag {
	struct cli *cli;
	struct table *table;
	json_t *list;
	size_t checked, counts[DELIVERY_STATES];
};

static void add_json(struct lag *lag, const struct phone *phone, const struct delivery *delivery)
{
	json_t *one = json_pack("{s:s, s:s, s:s, s:s}", "mac", phone->device.mac.digits, "tenant", phone->device.tenant_id, "model", phone->device.model_id,
		"state", delivery_state_name(delivery->state));
	if (*delivery->delivered_at) {
		json_object_set_new(one, "file", output_json_string(delivery->file));
		json_object_set_new(one, "delivered_at", json_string(delivery->delivered_at));
	}
	if (*delivery->reason)
		json_object_set_new(one, "reason", output_json_string(delivery->reason));
	json_array_append_new(lag->list, one);
}

static void add_row(struct lag *lag, const struct phone *phone, const struct delivery *delivery)
{
	if (!table_rows(lag->table)) {
		const char *const names[] = {"MAC", "TENANT", "MODEL", "STATE", "LAST DELIVERY (UTC)", "REASON"};
		for (size_t i = 0; i < sizeof names / sizeof *names; i++)
			table_cell(lag->table, names[i]);
		table_heading(lag->table);
	}
	table_cell(lag->table, phone->device.mac.digits);
	table_cell(lag->table, phone->device.tenant_id);
	table_cell(lag->table, phone->device.model_id);
	table_cell(lag->table, delivery_state_name(delivery->state));
	table_cell(lag->table, delivery->delivered_at);
	table_cell(lag->table, delivery->reason);
}

static enum error_code walk(struct lag *lag, const char *tenant, struct error *error)
{
	struct fleet *fleet = fleet_new(lag->cli, tenant);
	struct delivery_reader *reader = delivery_reader_new(lag->cli);
	struct phone *phone;
	enum error_code code = ERROR_NONE;
	int more = 0;
	while (!code && (more = fleet_next(fleet, &phone, error)) > 0) {
		struct delivery delivery;
		code = delivery_read(reader, phone, &delivery, error);
		if (code)
			break;
		lag->checked++;
		lag->counts[delivery.state]++;
		if (delivery.state == DELIVERY_CURRENT)
			continue;
		if (lag->cli->json)
			add_json(lag, phone, &delivery);
		else
			add_row(lag, phone, &delivery);
	}
	delivery_reader_free(&reader);
	fleet_free(&fleet);
	return more < 0 ? error->code : code;
}

static void print(struct lag *lag)
{
	const size_t *counts = lag->counts;
	if (lag->cli->json)
		output_json_print(json_pack("{s:I, s:I, s:I, s:I, s:I, s:O}", "checked", (json_int_t)lag->checked, "current",
			(json_int_t)counts[DELIVERY_CURRENT], "changed", (json_int_t)counts[DELIVERY_CHANGED], "never_fetched",
			(json_int_t)counts[DELIVERY_NEVER], "cannot_render", (json_int_t)counts[DELIVERY_UNRENDERED], "lagging", lag->list));
	else if (counts[DELIVERY_CURRENT] == lag->checked)
		printf("all %zu enabled phones have what they would get now\n", lag->checked);
	else {
		table_print(&lag->table, lag->cli->color);
		printf("\n%zu of %zu enabled phones lag: %zu changed, %zu never fetched, %zu cannot be rendered\n", lag->checked - counts[DELIVERY_CURRENT],
			lag->checked, counts[DELIVERY_CHANGED], counts[DELIVERY_NEVER], counts[DELIVERY_UNRENDERED]);
	}
}

/* A mistyped tenant must not read as "none lags". */
static bool tenant_known(struct cli *cli, const char *tenant)
{
	struct error error = {0};
	struct db_statement *statement = db_prepare(cli->db, "SELECT 1 FROM tenant WHERE tenant_id = ?");
	db_bind_text(statement, 0, tenant, strlen(tenant));
	int found = db_execute(statement, true, &error) ? -1 : db_next(statement, &error);
	db_done(statement);
	db_statement_free(&statement);
	if (found < 0)
		cli_fail(cli, &error);
	else if (!found) {
		cli_message("there is no tenant `%s`", tenant);
		cli->status = CLI_UNKNOWN;
	}
	return found > 0;
}

int verb_lag(struct cli *cli, int argc, char **argv)
{
	const char *tenant = NULL;
	const struct cli_option options[] = {{"tenant", NULL, &tenant}, {NULL, NULL, NULL}};
	if (!cli_parse(cli, argc, argv, options, 0, 0, NULL) || !cli_need(cli, NEED_STORE | NEED_JOURNAL) || (tenant && !tenant_known(cli, tenant)))
		return cli->status;
	struct lag lag = {.cli = cli, .table = table_new(6), .list = json_array()};
	struct error error = {0};
	int status = CLI_OK;
	if (walk(&lag, tenant, &error))
		status = cli_fail(cli, &error);
	else {
		print(&lag);
		status = lag.counts[DELIVERY_CURRENT] == lag.checked ? CLI_OK : CLI_FOUND;
	}
	json_decref(lag.list);
	if (lag.table)
		table_free(&lag.table);
	return status;
}
