/* story.h - what `dialtone why` found out about a phone, sentence by sentence. */
#ifndef DIALTONE_STORY_H
#define DIALTONE_STORY_H

#include <jansson.h>
#include <stdbool.h>

enum story_mood { STORY_GOOD, STORY_BAD, STORY_NEUTRAL };

struct story {
	json_t *facts;     /* [{"topic", "mood", "text"}] in the order of telling */
	json_t *requests;  /* [{"at", "file", "result", ...}], newest first */
	json_t *similar;   /* [{"mac", "reason", ...}] */
	json_t *next;      /* what to do, in plain words */
	bool trouble;      /* there is something to do */
};

void story_init(struct story *story);
void story_deinit(struct story *story);
void story_fact(struct story *story, const char *topic, enum story_mood mood, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Also sets trouble. */
void story_next(struct story *story, const char *format, ...) __attribute__((format(printf, 2, 3)));

void story_print(const struct story *story, const char *mac, bool color);
void story_print_json(const struct story *story, const char *mac);

#endif
