#include "writer-elements.h"

#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

bool element_char(char c, bool first)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_')
		return true;
	return !first && ((c >= '0' && c <= '9') || c == '-' || c == '.');
}

static uint32_t section_of(struct elements *elements, const struct parameter *parameter, const struct element_name *name)
{
	uint32_t last = elements->section_count - 1;
	const struct element_section *before = elements->section_count ? &elements->sections[last] : NULL;
	if (before && before->length == name->section && memcmp(before->name, parameter->name, name->section) == 0)
		return last;
	uint32_t there = strmap_get(&elements->by_section, parameter->name, name->section);
	if (there != STRMAP_NONE)
		return there;
	if (elements->section_count == elements->section_room) {
		elements->section_room = elements->section_room ? elements->section_room * 2 : 16;
		elements->sections = xreallocarray(elements->sections, elements->section_room, sizeof *elements->sections);
	}
	elements->sections[elements->section_count] =
		(struct element_section){.name = parameter->name, .length = name->section, .first = ELEMENT_NONE, .last = ELEMENT_NONE};
	strmap_put(&elements->by_section, parameter->name, name->section, elements->section_count);
	return elements->section_count++;
}

/* The element of that path, made if need be. */
static struct element *element_of(struct elements *elements, const struct parameter *parameter, const struct element_name *name)
{
	uint32_t there = strmap_get(&elements->by_name, parameter->name, name->element);
	if (there != STRMAP_NONE)
		return &elements->list[there];
	uint32_t number = section_of(elements, parameter, name), index = elements->count++;
	struct element_section *section = &elements->sections[number];
	elements->list[index] = (struct element){.name = parameter->name + name->section + 1, .length = name->element - name->section - 1,
		.first_attribute = ELEMENT_NONE, .last_attribute = ELEMENT_NONE, .next = ELEMENT_NONE};
	strmap_put(&elements->by_name, parameter->name, name->element, index);
	if (section->last == ELEMENT_NONE)
		section->first = index;
	else
		elements->list[section->last].next = index;
	section->last = index;
	return &elements->list[index];
}

static enum error_code twice(const struct parameter *parameter, struct error *error)
{
	return error_set(error, ERROR_INEXPRESSIBLE, "parameter %.*s has a value twice", WRITER_NAME(parameter));
}

static enum error_code add_attribute(struct elements *elements, struct element *element, uint32_t index, struct error *error)
{
	const struct parameter *list = elements->parameters->list, *parameter = &list[index];
	for (uint32_t i = element->first_attribute; i != ELEMENT_NONE; i = elements->more[i])
		if (list[i].name_length == parameter->name_length && memcmp(list[i].name, parameter->name, parameter->name_length) == 0)
			return twice(parameter, error);
	elements->more[index] = ELEMENT_NONE;
	if (element->last_attribute == ELEMENT_NONE)
		element->first_attribute = index;
	else
		elements->more[element->last_attribute] = index;
	element->last_attribute = index;
	return ERROR_NONE;
}

static enum error_code add(struct elements *elements, uint32_t index, const struct element_name *name, struct error *error)
{
	const struct parameter *parameter = &elements->parameters->list[index];
	struct element *element = element_of(elements, parameter, name);
	if (name->attribute)
		return add_attribute(elements, element, index, error);
	if (element->value)
		return twice(parameter, error);
	element->value = parameter;
	return ERROR_NONE;
}

/* A raw attribute of nothing is a mistake that somebody has to be told of. */
static enum error_code check_lonely(const struct elements *elements, struct error *error)
{
	for (uint32_t i = 0; i < elements->count; i++)
		for (uint32_t a = elements->list[i].value ? ELEMENT_NONE : elements->list[i].first_attribute; a != ELEMENT_NONE; a = elements->more[a])
			if (!elements->parameters->list[a].place)
				return error_set(error, ERROR_INEXPRESSIBLE, "parameter %.*s is an attribute of an element that is not there",
					WRITER_NAME(&elements->parameters->list[a]));
	return ERROR_NONE;
}

enum error_code elements_gather(struct elements *elements, const struct parameters *parameters,
	enum error_code (*split)(const char *name, size_t length, struct element_name *name_r, struct error *error), struct error *error)
{
	enum error_code code = ERROR_NONE;
	*elements = (struct elements){.parameters = parameters};
	strmap_init(&elements->by_name);
	strmap_init(&elements->by_section);
	elements->list = xmalloc((parameters->count + (size_t)1) * sizeof *elements->list);
	elements->more = xmalloc((parameters->count + (size_t)1) * sizeof *elements->more);
	for (uint32_t i = 0; i < parameters->count && code == ERROR_NONE; i++) {
		struct element_name name = {0};
		code = split(parameters->list[i].name, parameters->list[i].name_length, &name, error);
		if (code == ERROR_NONE)
			code = add(elements, i, &name, error);
	}
	if (code == ERROR_NONE)
		code = check_lonely(elements, error);
	if (code != ERROR_NONE)
		elements_free(elements);
	return code;
}

void elements_free(struct elements *elements)
{
	strmap_deinit(&elements->by_name);
	strmap_deinit(&elements->by_section);
	free(elements->sections);
	free(elements->list);
	free(elements->more);
	*elements = (struct elements){0};
}
