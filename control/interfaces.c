/* SPDX-License-Identifier: BSD-3-Clause */

/* The interface manager as a whole: begins with what the file and the state directory name, watches
 * links, tries failed interfaces again, ends. */

#include "control/interfaces_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "control/control.h"
#include "control/vif_json.h"
#include "lib/base/log.h"

#define WATCH_MS    500
#define RETRY_TICKS 10 /* of the watch */

/* ---- Watching ---- */

static void
link_changed(void *context, struct access_port *access)
{
    struct interfaces *interfaces = context;
    bool activated = false;
    int error = 0;

    for (unsigned i = 0; i < interfaces->n && !interfaces->ending; i++) {
        struct record *record = interfaces->by_name[i];
        if (record->access != access || record->shown.id == VIF_NONE)
            continue;
        if (access_port_is_up(access) && record->shown.config.up) {
            record_sequence(record, true);
            activated = true;
        }
        record_settle(record);
    }
    if (activated && interfaces_write(interfaces, NULL, NULL, &error) < 2)
        log_error("sequence numbers cannot be written: %s", strerror(-error));
}

static void
interfaces_watch(evutil_socket_t fd, short what, void *context)
{
    struct interfaces *interfaces = context;
    bool retry = ++interfaces->ticks % RETRY_TICKS == 0;

    (void)fd, (void)what;
    if (interfaces->ending)
        return;
    access_ports_watch(interfaces->ports);
    for (unsigned i = 0; i < interfaces->n; i++) {
        struct record *record = interfaces->by_name[i];
        if (record->shown.state == INTERFACE_FAILED && retry && !record->changing)
            record_open(record);
        else if (record->shown.id != VIF_NONE)
            record_settle(record);
    }
}

void
interfaces_retract_all(struct interfaces *interfaces)
{
    interfaces->ending = true;
    for (unsigned i = 0; i < interfaces->n; i++)
        record_retract(interfaces->by_name[i]);
}

/* ---- Beginning and end ---- */

struct interfaces *
interfaces_create(struct control *control, const struct interface_events *events, void *context)
{
    const struct timeval period = { 0, WATCH_MS * 1000 };
    struct interfaces *interfaces = calloc(1, sizeof(*interfaces));

    if (interfaces == NULL)
        return NULL;
    interfaces->control = control;
    interfaces->events = *events;
    interfaces->context = context;
    interfaces->sequences = json_object();
    interfaces->refused = json_array();
    interfaces->were_active = json_object();
    interfaces->ports = access_ports_create(control, link_changed, interfaces);
    interfaces->timer =
        event_new(control->base, -1, EV_PERSIST | EV_TIMEOUT, interfaces_watch, interfaces);
    if (interfaces->sequences != NULL && interfaces->refused != NULL &&
        interfaces->were_active != NULL && interfaces->ports != NULL && interfaces->timer != NULL &&
        event_add(interfaces->timer, &period) == 0)
        return interfaces;
    interfaces_destroy(interfaces);
    return NULL;
}

void
interfaces_start_count(struct interfaces *interfaces, bool failed)
{
    interfaces->failed += failed;
    if (--interfaces->starting > 0 || interfaces->started)
        return;
    interfaces->started = true;
    if (interfaces->events.started != NULL)
        interfaces->events.started(interfaces->context, interfaces->failed);
}

static void
configured_begin(struct interfaces *interfaces)
{
    const struct config *config = interfaces->control->config;
    struct config_error error;

    for (unsigned i = 0; i < config->n_vifs; i++) {
        if (record_begin(interfaces, &config->vifs[i], true, NULL, NULL, &error) == 0)
            continue;
        log_error("interface %s of the configuration cannot be made: %s: %s", config->vifs[i].name,
                  error.field, error.text);
        interfaces->failed++;
    }
}

/* What was stored is taken from the list one by one; what cannot be made stays on it. */
static void
stored_begin(struct interfaces *interfaces)
{
    struct config_error error;
    struct vif_config config;
    size_t i = 0;

    while (i < json_array_size(interfaces->refused)) {
        json_t *stored = json_array_get(interfaces->refused, i);
        if (vif_config_from_json(stored, &config, &error) == 0 &&
            record_begin(interfaces, &config, true, NULL, NULL, &error) == 0) {
            json_array_remove(interfaces->refused, i);
            continue;
        }
        log_error("a stored interface cannot be made: %s: %s", error.field, error.text);
        interfaces->failed++;
        i++;
    }
}

void
interfaces_start(struct interfaces *interfaces)
{
    interfaces->starting = 1; /* this function */
    interfaces_read(interfaces);
    configured_begin(interfaces);
    stored_begin(interfaces);
    json_object_clear(interfaces->were_active);
    interfaces_start_count(interfaces, false);
}

void
interfaces_destroy(struct interfaces *interfaces)
{
    const struct config_error what = { "name", "the daemon is ending" };

    if (interfaces == NULL)
        return;
    interfaces->ending = true;
    if (interfaces->timer != NULL)
        event_free(interfaces->timer);
    if (interfaces->ports != NULL) {
        access_ports_end(interfaces->ports);
        reclaim_drain(interfaces->control->tables->reclaim);
        helper_drain(interfaces->control->helper);
    }
    access_ports_destroy(interfaces->ports);
    for (unsigned i = 0; i < interfaces->n; i++) {
        record_tell(interfaces->by_name[i], -ECANCELED, &what);
        free(interfaces->by_name[i]);
    }
    free(interfaces->by_name);
    hmap_clear(&interfaces->by_prefix);
    json_decref(interfaces->sequences);
    json_decref(interfaces->refused);
    json_decref(interfaces->were_active);
    free(interfaces);
}
