#include "story.h"

#include "output.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const moods[] = {[STORY_GOOD] = "good", [STORY_BAD] = "bad", [STORY_NEUTRAL] = "neutral"};
static const char *const marks[] = {[STORY_GOOD] = "ok", [STORY_BAD] = "--", [STORY_NEUTRAL] = ""};

void story_init(struct story *story)
{
	*story = (struct story){.facts = json_array(), .requests = json_array(), .similar = json_array(), .next = json_array()};
}

void story_deinit(struct story *story)
{
	json_decref(story->facts);
	json_decref(story->requests);
	json_decref(story->similar);
	json_decref(story->next);
}

__attribute__((format(printf, 1, 0))) static json_t *formatted(const char *format, va_list args)
{
	char *text;
	if (vasprintf(&text, format, args) < 0)
		abort();
	json_t *json = output_json_string(text);
	free(text);
	return json;
}

void story_fact(struct story *story, const char *topic, enum story_mood mood, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	json_array_append_new(story->facts, json_pack("{s:s, s:s, s:o}", "topic", topic, "mood", moods[mood], "text", formatted(format, args)));
	va_end(args);
}

void story_next(struct story *story, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	json_array_append_new(story->next, formatted(format, args));
	va_end(args);
	story->trouble = true;
}

static const char *get(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static void print_facts(const struct story *story, bool color)
{
	struct table *table = table_new(3);
	size_t i;
	json_t *fact;
	json_array_foreach(story->facts, i, fact) {
		unsigned mood = 0;
		while (mood < STORY_NEUTRAL && strcmp(moods[mood], get(fact, "mood")) != 0)
			mood++;
		table_cell(table, marks[mood]);
		table_cell(table, get(fact, "topic"));
		table_cell(table, get(fact, "text"));
	}
	table_print(&table, color);
}

static void print_list(const json_t *list, const char *title, const char *const *keys, unsigned count, bool color)
{
	if (!json_array_size(list))
		return;
	printf("\n%s\n", title);
	struct table *table = table_new(count);
	size_t i;
	json_t *one;
	json_array_foreach(list, i, one)
		for (unsigned k = 0; k < count; k++)
			table_cell(table, get(one, keys[k]));
	table_print(&table, color);
}

void story_print(const struct story *story, const char *mac, bool color)
{
	static const char *const request_keys[] = {"at", "result", "file", "address", "user_agent", "detail"};
	static const char *const similar_keys[] = {"mac", "reason", "last_at", "result", "address", "user_agent"};
	printf("%s\n", mac);
	print_facts(story, color);
	print_list(story->requests, "Last requests (UTC):", request_keys, 6, color);
	print_list(story->similar, "Phones that asked and are not in the table:", similar_keys, 6, color);
	size_t i;
	json_t *step;
	if (json_array_size(story->next))
		printf("\nWhat to do:\n");
	json_array_foreach(story->next, i, step) {
		char *text = output_text(json_string_value(step), json_string_length(step));
		printf("  %zu. %s\n", i + 1, text);
		free(text);
	}
}

void story_print_json(const struct story *story, const char *mac)
{
	output_json_print(json_pack("{s:s, s:b, s:O, s:O, s:O, s:O}", "mac", mac, "good", !story->trouble, "facts", story->facts, "requests", story->requests,
		"similar", story->similar, "next", story->next));
}
