/* identify_verb.c - `dialtone identify`: which rules of which vendor.ini a request meets. Asks no database. */
#include "cli.h"
#include "verbs.h"

#include "identify.h"
#include "output.h"

#include <stdio.h>
#include <string.h>

static const char *const answers[] = {[FILE_DEVICE] = "device", [FILE_COMMON] = "common", [FILE_ABSENT] = "absent"};

struct findings {
	struct identify_file file;
	struct identify_agent agent;
	const struct vendor *owner;   /* of the MAC's range */
	const struct mac *mac;        /* the path's, else the agent's; NULL: neither has one */
	const char *contradictions[8];
	size_t contradiction_count;
};

static void contradict(struct findings *f, const char *what)
{
	f->contradictions[f->contradiction_count++] = what;
}

static void find_contradictions(struct findings *f)
{
	if (f->file.has_mac && f->agent.has_mac && strcmp(f->file.mac.digits, f->agent.mac.digits) != 0)
		contradict(f, "path and User-Agent name two MACs");
	if (f->file.vendor && f->agent.vendor && f->file.vendor != f->agent.vendor)
		contradict(f, "path and User-Agent are of two vendors");
	if (f->owner && f->agent.vendor && f->owner != f->agent.vendor)
		contradict(f, "the MAC is in one vendor's range, the User-Agent is of another");
	if (f->owner && f->file.vendor && f->owner != f->file.vendor && f->file.has_mac)
		contradict(f, "the MAC is in one vendor's range, the file name is of another");
	if (f->file.common_model && f->agent.model && f->file.common_model != f->agent.model)
		contradict(f, "the common file is one model's, the User-Agent is another's");
	if (f->agent.rule && !f->agent.model && *f->agent.model_name)
		contradict(f, "the User-Agent names a model that no models.ini has");
}

static void identify(const struct catalogue *catalogue, const char *path, const char *agent, struct findings *f)
{
	*f = (struct findings){0};
	if (path) {
		const char *end = path + strcspn(path, "?"), *name = end;
		while (name > path && name[-1] != '/')
			name--;
		identify_file(catalogue, name, (size_t)(end - name), &f->file);
	}
	if (agent)
		identify_agent(catalogue, agent, strlen(agent), &f->agent);
	f->mac = f->file.has_mac ? &f->file.mac : f->agent.has_mac ? &f->agent.mac : NULL;
	f->owner = f->mac ? catalogue_vendor_of_mac(catalogue, f->mac) : NULL;
	find_contradictions(f);
}

static void row(struct table *table, const char *what, const char *value, const char *by)
{
	table_cell(table, what);
	table_cell(table, value);
	table_cell(table, by);
}

static void print_path(struct table *table, const struct identify_file *file)
{
	if (!file->rule) {
		row(table, "path", "no vendor's phones ask for this", "answered 404");
		return;
	}
	table_cell(table, "path");
	table_cellf(table, "[file %s] of %s", file->rule->name, file->vendor->id);
	table_cellf(table, "answer = %s", answers[file->rule->answer]);
	if (file->common_model)
		row(table, "common file of", file->common_model->id, "models.ini");
}

static void print_agent(struct table *table, const struct identify_agent *agent)
{
	if (!agent->rule) {
		row(table, "User-Agent", "no vendor's pattern matches", "");
		return;
	}
	table_cell(table, "User-Agent");
	table_cellf(table, "[agent %s] of %s", agent->rule->name, agent->vendor->id);
	table_cell(table, agent->rule->pattern);
	row(table, "model", agent->model ? agent->model->id : agent->model_name, agent->model ? agent->model->name : "not in models.ini");
	row(table, "firmware", agent->firmware, agent->model ? model_variant_for(agent->model, agent->firmware)->dialect->name : "");
}

static void print(const struct cli *cli, const struct findings *f, bool path, bool agent)
{
	struct table *table = table_new(3);
	if (path)
		print_path(table, &f->file);
	if (agent)
		print_agent(table, &f->agent);
	row(table, "MAC", f->mac ? f->mac->digits : "none", f->owner ? f->owner->id : f->mac ? "in no vendor's range" : "");
	table_print(&table, cli->color);
	for (size_t i = 0; i < f->contradiction_count; i++)
		printf("contradiction: %s\n", f->contradictions[i]);
}

static json_t *json_path(const struct identify_file *file)
{
	if (!file->rule)
		return json_null();
	return json_pack("{s:s, s:s, s:s, s:s?, s:s?}", "vendor", file->vendor->id, "rule", file->rule->name, "answer", answers[file->rule->answer], "mac",
		file->has_mac ? file->mac.digits : NULL, "common_model", file->common_model ? file->common_model->id : NULL);
}

static json_t *json_agent(const struct identify_agent *agent)
{
	if (!agent->rule)
		return json_null();
	return json_pack("{s:s, s:s, s:s?, s:o, s:o, s:s?}", "vendor", agent->vendor->id, "rule", agent->rule->name, "model",
		agent->model ? agent->model->id : NULL, "model_name", output_json_string(agent->model_name), "firmware", output_json_string(agent->firmware),
		"mac", agent->has_mac ? agent->mac.digits : NULL);
}

static void print_json(const struct findings *f)
{
	json_t *contradictions = json_array();
	for (size_t i = 0; i < f->contradiction_count; i++)
		json_array_append_new(contradictions, json_string(f->contradictions[i]));
	output_json_print(json_pack("{s:o, s:o, s:s?, s:s?, s:o}", "path", json_path(&f->file), "user_agent", json_agent(&f->agent), "mac",
		f->mac ? f->mac->digits : NULL, "mac_vendor", f->owner ? f->owner->id : NULL, "contradictions", contradictions));
}

int verb_identify(struct cli *cli, int argc, char **argv)
{
	const char *path = NULL, *agent = NULL;
	const struct cli_option options[] = {{"path", NULL, &path}, {"user-agent", NULL, &agent}, {NULL, NULL, NULL}};
	if (!cli_parse(cli, argc, argv, options, 0, 0, NULL))
		return cli->status;
	if (!path && !agent)
		return cli_usage(cli, "--path or --user-agent is missing: what did the phone ask?");
	if (!cli_conf_if_any(cli) || !cli_need(cli, NEED_CATALOGUE))
		return cli->status;
	struct findings findings;
	identify(cli->catalogue, path, agent, &findings);
	if (cli->json)
		print_json(&findings);
	else
		print(cli, &findings, path, agent);
	if (!findings.file.rule && !findings.agent.rule)
		return CLI_UNKNOWN;
	return findings.contradiction_count ? CLI_FOUND : CLI_OK;
}
