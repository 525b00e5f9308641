/* SPDX-License-Identifier: BSD-3-Clause */

/* From the words of a command line to the parameters of a request. What a value means is the
 * daemon's to judge; here is only its type. */

#include <stdio.h>
#include <string.h>

#include "control/cli/verbs.h"
#include "lib/base/text.h"

#define INTEGER_MAX ((uint64_t)INT64_MAX)

/* Adds the parts of a list that has commas between them. */
static void
add_parts(json_t *params, const char *name, const char *text)
{
    json_t *list = json_object_get(params, name);

    if (list == NULL) {
        list = json_array();
        json_object_set_new(params, name, list);
    }
    for (;;) {
        size_t length = strcspn(text, ",");
        json_array_append_new(list, json_stringn(text, length));
        if (text[length] == '\0')
            return;
        text += length + 1;
    }
}

static bool
add_value(json_t *params, const struct cli_argument *argument, const char *text, char problem[256])
{
    const char *expected = NULL;
    json_t *value = NULL;
    uint64_t number;

    switch (argument->type) {
    case CLI_STRINGS:
        add_parts(params, argument->parameter, text);
        return true;
    case CLI_STRING:
        value = json_string(text);
        expected = "text in UTF-8";
        break;
    case CLI_INTEGER:
        expected = "a number";
        if (text_parse_u64(text, INTEGER_MAX, &number) == 0)
            value = json_integer((json_int_t)number);
        break;
    case CLI_BIT_RATE:
        expected = "bits a second such as 100Mbit";
        if (text_parse_bit_rate(text, INTEGER_MAX, &number) == 0)
            value = json_integer((json_int_t)number);
        break;
    case CLI_BOOLEAN:
        expected = "true or false";
        if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
            value = json_boolean(text[0] == 't');
        break;
    }
    if (value == NULL) {
        snprintf(problem, 256, "%s: expected %s", argument->name, expected);
        return false;
    }
    if (json_object_get(params, argument->parameter) != NULL) {
        json_decref(value);
        snprintf(problem, 256, "%s: given twice", argument->name);
        return false;
    }
    json_object_set_new(params, argument->parameter, value);
    return true;
}

static bool
add_flag(json_t *params, const struct cli_argument *arguments, const char *word, char problem[256])
{
    for (; arguments != NULL && arguments->name != NULL; arguments++) {
        if (arguments->form == CLI_FLAG && strcmp(arguments->name, word + 2) == 0)
            return json_object_set_new(params, arguments->parameter, json_true()) == 0;
    }
    snprintf(problem, 256, "%.200s: unknown option", word);
    return false;
}

/* True if the word is KEY=VALUE; an unknown key of a verb that takes keys is told. */
static bool
add_key(json_t *params, const struct cli_argument *arguments, const char *word, char problem[256])
{
    size_t length = strcspn(word, "=");

    for (; arguments != NULL && arguments->name != NULL; arguments++) {
        if (arguments->form == CLI_KEY && strlen(arguments->name) == length &&
            strncmp(arguments->name, word, length) == 0 && word[length] == '=')
            return add_value(params, arguments, word + length + 1, problem);
    }
    snprintf(problem, 256, "%.200s: unexpected", word);
    return false;
}

/* The option of this name, or NULL. */
static const struct cli_argument *
option_find(const struct cli_argument *arguments, const char *word)
{
    for (; arguments != NULL && arguments->name != NULL; arguments++) {
        if (arguments->form == CLI_OPTION && strcmp(arguments->name, word) == 0)
            return arguments;
    }
    return NULL;
}

/* Adds a word to those that are one value together. */
static bool
add_rest(json_t *params, const struct cli_argument *argument, const char *word, char problem[256])
{
    const char *before = json_string_value(json_object_get(params, argument->parameter));
    json_t *value = before == NULL ? json_string(word) : json_sprintf("%s %s", before, word);

    if (value == NULL) {
        snprintf(problem, 256, "%s: expected text in UTF-8", argument->name);
        return false;
    }
    json_object_set_new(params, argument->parameter, value);
    return true;
}

static const struct cli_argument *
next_position(const struct cli_argument *argument)
{
    while (argument != NULL && argument->name != NULL && argument->form != CLI_POSITION &&
           argument->form != CLI_OPTIONAL && argument->form != CLI_REST)
        argument++;
    return argument == NULL || argument->name == NULL ? NULL : argument;
}

json_t *
cli_parameters(const struct cli_verb *verb, const char *const *words, char problem[256])
{
    const struct cli_argument *position = next_position(verb->arguments);
    json_t *params = json_object();
    bool good = true;

    for (; good && *words != NULL; words++) {
        const struct cli_argument *option = option_find(verb->arguments, *words);

        if (option != NULL && words[1] == NULL) {
            snprintf(problem, 256, "%s: expected a value", option->name);
            good = false;
        } else if (option != NULL) {
            good = add_value(params, option, *++words, problem);
        } else if (position != NULL && position->form == CLI_REST) {
            good = add_rest(params, position, *words, problem);
        } else if (strncmp(*words, "--", 2) == 0) {
            good = add_flag(params, verb->arguments, *words, problem);
        } else if (position != NULL) {
            good = add_value(params, position, *words, problem);
            position = next_position(position + 1);
        } else {
            good = add_key(params, verb->arguments, *words, problem);
        }
    }
    if (good && position != NULL && position->form == CLI_POSITION) {
        snprintf(problem, 256, "%s: missing", position->name);
        good = false;
    }
    if (good)
        return params;
    json_decref(params);
    return NULL;
}

const char *
cli_name_of(const struct cli_verb *verb, const char *parameter)
{
    const struct cli_argument *argument = verb->arguments;

    while (argument != NULL && argument->name != NULL &&
           strcmp(argument->parameter, parameter) != 0)
        argument++;
    return argument == NULL || argument->name == NULL ? parameter : argument->name;
}

#define USAGE_WIDTH  79
#define USAGE_INDENT 8

void
cli_print_usage(FILE *out, const struct cli_verb *verb)
{
    /* Where a noun has one verb, it may be left out; a noun that is a verb itself always does. */
    const char *word =
        strcmp(verb->noun, verb->method) == 0 || verb->perform != NULL ? "" : verb->verb;
    int column = fprintf(out, "millracectl %s%s%s", verb->noun, word[0] == '\0' ? "" : " ", word);

    for (const struct cli_argument *a = verb->arguments; a != NULL && a->name != NULL; a++) {
        const char *value = a->values == NULL ? "VALUE" : a->values;
        char text[128];

        switch (a->form) {
        case CLI_POSITION:
            snprintf(text, sizeof(text), "%s", a->name);
            break;
        case CLI_OPTIONAL:
            snprintf(text, sizeof(text), "[%s]", a->name);
            break;
        case CLI_KEY:
            snprintf(text, sizeof(text), "[%s=%s%s]", a->name, value,
                     a->type == CLI_STRINGS ? ",..." : "");
            break;
        case CLI_FLAG:
            snprintf(text, sizeof(text), "[--%s]", a->name);
            break;
        case CLI_OPTION:
            snprintf(text, sizeof(text), "[%s %s]", a->name, value);
            break;
        case CLI_REST:
            snprintf(text, sizeof(text), "[%s...]", a->name);
            break;
        }
        if (column + 1 + (int)strlen(text) > USAGE_WIDTH)
            column = fprintf(out, "\n%*s", USAGE_INDENT - 1, "") - 1;
        column += fprintf(out, " %s", text);
    }
    fprintf(out, "\n    %s\n", verb->help);
}
