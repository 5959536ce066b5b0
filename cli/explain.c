/* explain.c - `dialtone explain MAC [NAME]`. */
#include "cli.h"
#include "verbs.h"

#include "explain.h"

#include <string.h>

static void *grown(struct arena *arena, void *array, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return array;
	*room = *room ? *room * 2 : 256;
	void *larger = arena_array(arena, *room, size);
	if (count)
		memcpy(larger, array, count * size);
	return larger;
}

static void on_beaten(void *context, const struct parameter *winner, const struct parameter *loser, enum layer by)
{
	struct explanation *e = context;
	e->losses = grown(&e->phone->arena, e->losses, e->loss_count, &e->loss_room, sizeof *e->losses);
	struct parameter copy = *loser;
	copy.name = arena_copy(&e->phone->arena, loser->name, loser->name_length);
	copy.text = arena_copy(&e->phone->arena, loser->text, loser->length);
	e->losses[e->loss_count++] = (struct explain_loss){.loser = copy, .removed = !winner, .by = by};
}

static bool same_use(const struct explain_use *a, const struct explain_use *b)
{
	return a->setting == b->setting && a->line == b->line && a->name_length == b->name_length && memcmp(a->name, b->name, a->name_length) == 0;
}

static void on_used(void *context, const char *name, uint32_t name_length, uint32_t index, const struct stack_line *line)
{
	struct explanation *e = context;
	struct explain_use use = {.name = name, .name_length = name_length, .setting = index, .line = line};
	/* A parameter's uses come one after another. */
	for (size_t i = e->use_count; i > 0 && i + 16 > e->use_count; i--)
		if (same_use(&e->uses[i - 1], &use))
			return;
	e->uses = grown(&e->phone->arena, e->uses, e->use_count, &e->use_room, sizeof *e->uses);
	use.name = arena_copy(&e->phone->arena, name, name_length);
	e->uses[e->use_count++] = use;
}

enum error_code explanation_make(struct phone *phone, struct explanation *explanation_r, struct error *error)
{
	*explanation_r = (struct explanation){.phone = phone};
	const struct render_trace trace = {.context = explanation_r, .beaten = on_beaten, .used = on_used};
	return phone_render(phone, &trace, &explanation_r->parameters, error);
}

static int explain(struct cli *cli, struct phone *phone, const char *only)
{
	if (!phone_has_model(cli, phone))
		return cli->status;
	struct explanation explanation;
	struct error error = {0};
	if (explanation_make(phone, &explanation, &error)) {
		cli_message("device %s cannot be rendered: %s", phone->device.mac.digits, error.message);
		return CLI_NOT_RENDERED;
	}
	bool found = cli->json ? explanation_print_json(cli, &explanation, only) : explanation_print(cli, &explanation, only);
	return found ? CLI_OK : CLI_UNKNOWN;
}

int verb_explain(struct cli *cli, int argc, char **argv)
{
	const char *positional[2], *firmware = NULL;
	const struct cli_option options[] = {{"firmware", NULL, &firmware}, {NULL, NULL, NULL}};
	struct mac mac;
	if (!cli_parse(cli, argc, argv, options, 1, 2, positional) || !cli_mac(cli, positional[0], &mac) || !cli_need(cli, NEED_STORE))
		return cli->status;
	struct phone phone;
	if (phone_open(cli, &mac, firmware, &phone))
		cli->status = explain(cli, &phone, positional[1]);
	phone_deinit(&phone);
	return cli->status;
}
