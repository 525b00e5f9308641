/* SPDX-License-Identifier: BSD-3-Clause */

/* How JSON values look in a table's cell. */

#include "control/cli/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MINUTE INT64_C(60)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* Puts a string at the end of `text`. */
static void
append(char *text, size_t size, const char *string)
{
    size_t length = strlen(text);

    for (; *string != '\0' && length + 1 < size; string++) {
        unsigned char c = (unsigned char)*string;
        text[length++] = c < 0x20 || c >= 0x7f ? '?' : (char)c;
    }
    text[length] = '\0';
}

static void
append_scalar(const json_t *value, char *text, size_t size)
{
    char number[32];

    if (json_is_string(value)) {
        append(text, size, json_string_value(value));
    } else if (json_is_integer(value)) {
        snprintf(number, sizeof(number), "%" PRId64, (int64_t)json_integer_value(value));
        append(text, size, number);
    } else if (json_is_real(value)) {
        snprintf(number, sizeof(number), "%.1f", json_real_value(value));
        append(text, size, number);
    } else if (json_is_boolean(value)) {
        append(text, size, json_is_true(value) ? "yes" : "no");
    }
}

/* With `key` the members of a list may be objects: what stands under the key is shown. */
static void
format_list(const json_t *value, const char *key, char *text, size_t size)
{
    const json_t *member;
    size_t i;

    text[0] = '\0';
    json_array_foreach(value, i, member)
    {
        if (i > 0)
            append(text, size, ",");
        append_scalar(key != NULL && json_is_object(member) ? json_object_get(member, key) : member,
                      text, size);
    }
    if (text[0] == '\0')
        append(text, size, "-");
}

void
format_next_hops(const json_t *value, char *text, size_t size)
{
    format_list(value, "address", text, size);
}

void
format_queues(const json_t *value, char *text, size_t size)
{
    const json_t *member;
    size_t i;

    text[0] = '\0';
    json_array_foreach(value, i, member)
    {
        if (i > 0)
            append(text, size, ", ");
        append_scalar(json_object_get(member, "port"), text, size);
        append(text, size, " ");
        append_scalar(json_object_get(member, "queue"), text, size);
    }
    if (text[0] == '\0')
        append(text, size, "-");
}

void
format_any(const json_t *value, char *text, size_t size)
{
    if (json_is_array(value)) {
        format_list(value, NULL, text, size);
        return;
    }
    text[0] = '\0';
    append_scalar(value, text, size);
    if (text[0] == '\0')
        append(text, size, "-");
}

void
format_age(const json_t *value, char *text, size_t size)
{
    int64_t seconds = json_integer_value(value);

    if (!json_is_integer(value) || seconds < 0)
        snprintf(text, size, "-");
    else if (seconds < 2 * MINUTE)
        snprintf(text, size, "%" PRId64 "s", seconds);
    else if (seconds < 2 * HOUR)
        snprintf(text, size, "%" PRId64 "m", seconds / MINUTE);
    else if (seconds < 2 * DAY)
        snprintf(text, size, "%" PRId64 "h", seconds / HOUR);
    else
        snprintf(text, size, "%" PRId64 "d", seconds / DAY);
}

void
format_percent(const json_t *value, char *text, size_t size)
{
    if (json_is_number(value))
        snprintf(text, size, "%.0f %%", json_number_value(value));
    else
        snprintf(text, size, "-");
}
