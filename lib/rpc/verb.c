/* SPDX-License-Identifier: BSD-3-Clause */

/* What handlers of verbs lean on: the check of parameters against their table, reading them, and
 * lists in pages. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/rpc/dispatch.h"

static const char *
check_string(const struct rpc_parameter *parameter, const json_t *value, char text[128])
{
    int64_t max = parameter->max == 0 ? RPC_STRING_MAX : parameter->max;

    if (json_is_string(value) && json_string_length(value) > 0 &&
        json_string_length(value) <= (size_t)max)
        return NULL;
    snprintf(text, 128, "expected a string of 1 to %" PRId64 " octets", max);
    return text;
}

static const char *
check_integer(const struct rpc_parameter *parameter, const json_t *value, char text[128])
{
    bool any = parameter->min == 0 && parameter->max == 0;
    int64_t max = any ? INT64_MAX : parameter->max;

    if (json_is_integer(value) && json_integer_value(value) >= parameter->min &&
        json_integer_value(value) <= max)
        return NULL;
    if (any)
        return "expected an integer that is not negative";
    snprintf(text, 128, "expected an integer from %" PRId64 " to %" PRId64, parameter->min, max);
    return text;
}

static const char *
check_strings(const struct rpc_parameter *parameter, const json_t *value, char text[128])
{
    const json_t *member;
    size_t i;

    if (!json_is_array(value))
        return "expected a list of strings";
    if (json_array_size(value) > RPC_STRINGS_MAX) {
        snprintf(text, 128, "expected a list of at most %d strings", RPC_STRINGS_MAX);
        return text;
    }
    json_array_foreach(value, i, member)
    {
        if (check_string(parameter, member, text) != NULL) {
            char inner[128];
            snprintf(inner, sizeof(inner), "in the list, %.100s", text);
            memcpy(text, inner, sizeof(inner));
            return text;
        }
    }
    return NULL;
}

static const char *
check_value(const struct rpc_parameter *parameter, const json_t *value, char text[128])
{
    switch (parameter->type) {
    case RPC_STRING:
        return check_string(parameter, value, text);
    case RPC_INTEGER:
        return check_integer(parameter, value, text);
    case RPC_BOOLEAN:
        return json_is_boolean(value) ? NULL : "expected true or false";
    case RPC_STRINGS:
        return check_strings(parameter, value, text);
    }
    return "unknown type";
}

static const struct rpc_parameter *
find_parameter(const struct rpc_parameter *table, const char *name)
{
    for (; table != NULL && table->name != NULL; table++) {
        if (strcmp(table->name, name) == 0)
            return table;
    }
    return NULL;
}

const char *
rpc_check_parameters(const struct rpc_parameter *table, const json_t *params, const char **field,
                     char text[128])
{
    void *position = json_object_iter((json_t *)(uintptr_t)params);

    for (; position != NULL;
         position = json_object_iter_next((json_t *)(uintptr_t)params, position)) {
        *field = json_object_iter_key(position);
        const struct rpc_parameter *parameter = find_parameter(table, *field);
        if (parameter == NULL)
            return "unknown parameter";
        const char *problem = check_value(parameter, json_object_iter_value(position), text);
        if (problem != NULL)
            return problem;
    }
    for (; table != NULL && table->name != NULL; table++) {
        *field = table->name;
        if (table->required && json_object_get(params, table->name) == NULL)
            return "required, but missing";
    }
    *field = NULL;
    return NULL;
}

const char *
rpc_string(const json_t *params, const char *name, const char *fallback)
{
    const char *value = json_string_value(json_object_get(params, name));

    return value == NULL ? fallback : value;
}

int64_t
rpc_integer(const json_t *params, const char *name, int64_t fallback)
{
    const json_t *value = json_object_get(params, name);

    return json_is_integer(value) ? json_integer_value(value) : fallback;
}

bool
rpc_boolean(const json_t *params, const char *name, bool fallback)
{
    const json_t *value = json_object_get(params, name);

    return json_is_boolean(value) ? json_is_true(value) : fallback;
}

size_t
rpc_page_limit(const json_t *params)
{
    return (size_t)rpc_integer(params, "limit", RPC_PAGE_DEFAULT);
}

const char *
rpc_page_after(const json_t *params)
{
    return rpc_string(params, "after", NULL);
}

json_t *
rpc_page_result(const char *nouns, json_t *list, const char *next)
{
    if (next == NULL)
        return json_pack("{s:o}", nouns, list);
    return json_pack("{s:o, s:s}", nouns, list, "next", next);
}
