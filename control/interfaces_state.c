/* SPDX-License-Identifier: BSD-3-Clause */

/* What the state directory keeps of the interfaces: those that came over the control socket, and
 * the last sequence number of each name. */

#include "control/interfaces_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/control.h"
#include "control/vif_json.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"

#define INTERFACES_STATE         "interfaces"
#define INTERFACES_STATE_VERSION 1

/* A number that the clock has overtaken by so much need not be kept for a name that is gone: the
 * next activation gets a higher one anyway. */
#define SEQUENCE_KEEP_SECONDS 86400

void
record_sequence(struct record *record, bool activation)
{
    const char *name = record->shown.config.name;
    json_t *sequences = record->interfaces->sequences;
    uint64_t last = (uint64_t)json_integer_value(json_object_get(sequences, name));
    uint64_t now = clock_unix_seconds(), next = last;

    if (record->shown.config.sequence_number != 0)
        next = record->shown.config.sequence_number;
    else if (activation || last == 0)
        next = last + 1 > now ? last + 1 : now;
    if (next > UINT32_MAX)
        next = UINT32_MAX;
    record->shown.sequence_number = (uint32_t)next;
    if (next != last && json_object_set_new(sequences, name, json_integer((json_int_t)next)) < 0)
        log_error("%s: no memory to keep its sequence number", name);
}

/* Forgets numbers that nobody needs any more. */
static void
sequences_prune(struct interfaces *interfaces)
{
    json_int_t now = (json_int_t)clock_unix_seconds();
    const char *name;
    json_t *value;
    void *next;

    json_object_foreach_safe(interfaces->sequences, next, name, value)
    {
        if (json_integer_value(value) + SEQUENCE_KEEP_SECONDS < now &&
            interface_find(interfaces, name) == NULL)
            json_object_del(interfaces->sequences, name);
    }
}

static json_t *
interfaces_to_json(void *context)
{
    struct interfaces *interfaces = context;
    json_t *list = json_array(), *active = json_object(), *content;

    sequences_prune(interfaces);
    content = json_pack("{s:o, s:o, s:O}", "interfaces", list, "active", active, "sequence_numbers",
                        interfaces->sequences);
    if (content == NULL || json_array_extend(list, interfaces->refused) < 0)
        goto failed;
    for (unsigned i = 0; i < interfaces->n; i++) {
        const struct interface *shown = &interfaces->by_name[i]->shown;
        if (shown->state == INTERFACE_CLOSING)
            continue;
        if (json_object_set_new(active, shown->config.name, json_true()) < 0)
            goto failed;
        if (!shown->config.from_file &&
            json_array_append_new(list, vif_config_to_json(&shown->config)) < 0)
            goto failed;
    }
    return content;

failed:
    json_decref(content);
    return NULL;
}

unsigned
interfaces_write(struct interfaces *interfaces, void (*done)(void *argument, int error),
                 void *argument, int *error)
{
    struct control *control = interfaces->control;
    unsigned n = 0;
    int status = state_write(control->state, LABELS_STATE, LABELS_STATE_VERSION, labels_to_json,
                             control->labels, done, argument);

    n += status == 0;
    if (status < 0)
        *error = status;
    status = state_write(control->state, INTERFACES_STATE, INTERFACES_STATE_VERSION,
                         interfaces_to_json, interfaces, done, argument);
    n += status == 0;
    if (status < 0)
        *error = status;
    return n;
}

static bool
content_is_sane(const json_t *content)
{
    json_t *sequences = json_object_get(content, "sequence_numbers"), *value;
    const char *name;

    if (!json_is_array(json_object_get(content, "interfaces")) || !json_is_object(sequences) ||
        !json_is_object(json_object_get(content, "active")))
        return false;
    json_object_foreach(sequences, name, value)
    {
        if (!json_is_integer(value) || json_integer_value(value) < 0 ||
            json_integer_value(value) > UINT32_MAX)
            return false;
    }
    return true;
}

void
interfaces_read(struct interfaces *interfaces)
{
    struct state *state = interfaces->control->state;
    json_t *content = state_read(state, INTERFACES_STATE, INTERFACES_STATE_VERSION);

    if (content == NULL)
        return;
    if (!content_is_sane(content)) {
        state_reject(state, INTERFACES_STATE, "makes no sense");
    } else {
        json_object_update(interfaces->sequences, json_object_get(content, "sequence_numbers"));
        json_object_update(interfaces->were_active, json_object_get(content, "active"));
        json_array_extend(interfaces->refused, json_object_get(content, "interfaces"));
    }
    json_decref(content);
}

bool
interface_was_active(const struct interfaces *interfaces, const char *name)
{
    return json_object_get(interfaces->were_active, name) != NULL;
}
