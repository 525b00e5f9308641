/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The life of a virtual interface:
 *
 *     checked ─► port opened ─► state written ─► in the tables ─► up and announced
 *     retracted ─► out of the tables ─► port closed after grace, state written ─► gone
 *
 * An addition over the control socket that fails on its way is undone. One of the file or of the
 * state directory stays as failed and is tried again.
 */

#include "control/interfaces_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/control.h"
#include "control/vif_json.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"

#define OWNER_MAX (VIF_NAME_MAX + 8)

static int __attribute__((format(printf, 4, 5)))
refuse(struct config_error *error, int code, const char *field, const char *format, ...)
{
    va_list arguments;

    snprintf(error->field, sizeof(error->field), "%s", field);
    va_start(arguments, format);
    vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    return code;
}

static const char *
label_owner(const struct record *record, char owner[OWNER_MAX])
{
    snprintf(owner, OWNER_MAX, "vif:%s", record->shown.config.name);
    return owner;
}

static int
record_label(struct record *record, struct config_error *error)
{
    struct interface *shown = &record->shown;
    uint32_t wanted = shown->config.label;
    char owner[OWNER_MAX];
    int status;

    if (shown->vrf->label_mode != LABEL_MODE_INTERFACE) {
        if (wanted != 0)
            return refuse(error, -EINVAL, "label", "the routes of VPN %s carry its own label %u",
                          shown->vrf->name, shown->vrf->label);
        shown->label = shown->vrf->label;
        return 0;
    }
    status = labels_take(record->interfaces->control->labels, label_owner(record, owner), wanted,
                         clock_unix_seconds(), &shown->label);
    if (status < 0)
        return refuse(error, status, "label", "%s",
                      status == -EBUSY ? "it belongs to somebody else, or was released less than "
                                         "5 minutes ago"
                                       : strerror(-status));
    record->label_is_own = true;
    return 0;
}

/* Gives everything back that record_reserve() took. */
static void
record_release(struct record *record)
{
    struct interfaces *interfaces = record->interfaces;
    struct vrf *vrf = record->shown.vrf;
    char owner[OWNER_MAX];

    record_disown_prefixes(record);
    if (record->label_is_own)
        labels_release(interfaces->control->labels, label_owner(record, owner),
                       clock_unix_seconds());
    record->label_is_own = false;
    if (vrf == NULL)
        return;
    record->shown.vrf = NULL;
    if (vrf->n_vifs == 1 && interfaces->events.vpn_removed != NULL)
        interfaces->events.vpn_removed(interfaces->context, vrf);
    vrf_put(interfaces->control->vrfs, vrf);
}

/* Takes everything that is the interface's from now on: VRF, label, prefixes. */
static int
record_reserve(struct record *record, struct config_error *error)
{
    struct interfaces *interfaces = record->interfaces;
    struct interface *shown = &record->shown;
    int status = vrf_get(interfaces->control->vrfs, shown->config.vpn, &shown->vrf);

    if (status < 0) {
        shown->vrf = NULL;
        return refuse(error, status, "vpn", "no VRF: %s", strerror(-status));
    }
    if (shown->vrf->n_vifs == 1 && interfaces->events.vpn_added != NULL)
        interfaces->events.vpn_added(interfaces->context, shown->vrf);
    shown->gateway =
        shown->config.gateway.family == IP_NONE ? shown->vrf->gateway : shown->config.gateway;
    shown->gateway6 =
        shown->config.gateway6.family == IP_NONE ? shown->vrf->gateway6 : shown->config.gateway6;
    shown->mtu = config_vif_mtu(interfaces->control->config, &shown->config);
    status = vif_config_check_mtu(&shown->config, shown->mtu, error);
    if (status == 0)
        status = record_own_prefixes(record, error);
    if (status == 0)
        status = record_label(record, error);
    if (status < 0)
        record_release(record);
    return status;
}

static void
record_free(struct record *record)
{
    record_remove(record);
    record_release(record);
    free(record);
}

/* Whether name, port and tag are free. */
static int
place_check(const struct interfaces *interfaces, const struct vif_config *config,
            struct config_error *error)
{
    const struct control *control = interfaces->control;

    if (record_find(interfaces, config->name) != NULL)
        return refuse(error, -EEXIST, "name", "an interface of this name exists");
    if (strcmp(config->port, control->config->underlay.port) == 0)
        return refuse(error, -EEXIST, "port", "it is the underlay's");
    if (interfaces->n >= control->tables->limits.vifs)
        return refuse(error, -ENOSPC, "name", "all %u interfaces are in use (limits)",
                      control->tables->limits.vifs);
    for (unsigned i = 0; i < interfaces->n; i++) {
        const struct interface *other = &interfaces->by_name[i]->shown;
        if (other->state != INTERFACE_CLOSING && other->config.vlan == config->vlan &&
            strcmp(other->config.port, config->port) == 0)
            return refuse(error, -EEXIST, config->vlan == VLAN_UNTAGGED ? "port" : "vlan",
                          "interface %s is there already", other->config.name);
    }
    return 0;
}

void
record_tell(struct record *record, int error, const struct config_error *what)
{
    interface_done done = record->done;

    record->done = NULL;
    if (done != NULL)
        done(record->argument, error, what);
}

static void
record_started(struct record *record, bool failed)
{
    if (!record->starting)
        return;
    record->starting = false;
    interfaces_start_count(record->interfaces, failed);
}

/* An addition came to nothing: the port, if any, is closed again. */
static void
record_undone(void *argument)
{
    struct record *record = argument;
    struct config_error what;

    record->access = NULL;
    if (record->standing) {
        record->shown.state = INTERFACE_FAILED;
        record_started(record, true);
        return;
    }
    refuse(&what, record->error, record->error == -ERANGE ? "mtu" : "port", "%s", record->failure);
    record_tell(record, record->error, &what);
    record_free(record);
}

static void
record_fail(struct record *record, int error, const char *text)
{
    record->error = error;
    snprintf(record->failure, sizeof(record->failure), "%s", text);
    record->shown.failure = record->failure;
    log_error("%s: %s", record->shown.config.name, record->failure);
    record->shown.state = INTERFACE_CLOSING;
    if (record->access == NULL)
        record_undone(record);
    else
        access_port_put(record->access, record_undone, record);
}

/* The state directory knows of the interface, or cannot be written. */
static void
record_saved(void *argument, int error)
{
    struct record *record = argument;

    if (record->error == 0)
        record->error = error;
    if (--record->pending > 0)
        return;
    if (record->error < 0 && !record->standing) {
        record_fail(record, record->error, "the state directory cannot be written");
        return;
    }
    error = record_install(record);
    if (error < 0) {
        record_fail(record, error, error == -ENOSPC ? "a table is full" : strerror(-error));
        return;
    }
    record->shown.state = INTERFACE_DOWN;
    record->shown.failure = NULL;
    record_settle(record);
    record_started(record, false);
    record_tell(record, 0, NULL);
}

static void
record_port_ready(void *argument, struct access_port *access, int error, const char *text)
{
    struct record *record = argument;

    record->access = access;
    if (error < 0) {
        record_fail(record, error, text);
        return;
    }
    record->error = 0;
    record->pending = 1; /* this function */
    record->pending += interfaces_write(record->interfaces, record_saved, record, &record->error);
    record_saved(record, 0);
}

void
record_open(struct record *record)
{
    uint16_t mtu = record->shown.config.mtu > 1500 ? record->shown.config.mtu : 0;

    record->shown.state = INTERFACE_OPENING;
    record->waiter = (struct access_port_waiter){ NULL, mtu, record_port_ready, record };
    access_port_get(record->interfaces->ports, record->shown.config.port, &record->waiter);
}

int
record_begin(struct interfaces *interfaces, const struct vif_config *config, bool standing,
             interface_done done, void *argument, struct config_error *error)
{
    struct record *record;
    int status = vif_config_check(config, error);

    if (status == 0)
        status = place_check(interfaces, config, error);
    if (status < 0)
        return status;
    record = calloc(1, sizeof(*record));
    if (record == NULL)
        return refuse(error, -ENOMEM, "name", "out of memory");
    record->interfaces = interfaces;
    record->shown.config = *config;
    record->shown.id = VIF_NONE;
    record->standing = record->starting = standing;
    record->done = done;
    record->argument = argument;
    status = record_reserve(record, error);
    if (status < 0) {
        free(record);
        return status;
    }
    if (record_insert(interfaces, record) < 0) {
        record_release(record);
        free(record);
        return refuse(error, -ENOMEM, "name", "out of memory");
    }
    record_sequence(record, !standing || !interface_was_active(interfaces, config->name));
    interfaces->starting += standing;
    record_open(record);
    return 0;
}

int
interface_add(struct interfaces *interfaces, const struct vif_config *config, interface_done done,
              void *argument, struct config_error *error)
{
    if (interfaces->ending)
        return refuse(error, -ECANCELED, "name", "the daemon is ending");
    return record_begin(interfaces, config, false, done, argument, error);
}

/* ---- Deleting ---- */

static void
deletion_step(struct record *record)
{
    struct config_error what;
    int error = record->error;

    if (--record->pending > 0)
        return;
    if (error < 0)
        refuse(&what, error, "name", "deleted, but the state directory cannot be written: %s",
               strerror(-error));
    log_info("%s: deleted", record->shown.config.name);
    record_tell(record, error, error < 0 ? &what : NULL);
    record_free(record);
}

static void
deletion_saved(void *argument, int error)
{
    struct record *record = argument;

    if (record->error == 0)
        record->error = error;
    deletion_step(record);
}

static void
deletion_closed(void *argument)
{
    struct record *record = argument;

    record->access = NULL;
    deletion_step(record);
}

/* A stored interface that could not be made is forgotten. */
static int
refused_delete(struct interfaces *interfaces, const char *name)
{
    json_t *stored;
    size_t i;

    json_array_foreach(interfaces->refused, i, stored)
    {
        const char *its = json_string_value(json_object_get(stored, "name"));
        if (its != NULL && strcmp(its, name) == 0) {
            json_array_remove(interfaces->refused, i);
            return 0;
        }
    }
    return -ENOENT;
}

int
interface_delete(struct interfaces *interfaces, const char *name, interface_done done,
                 void *argument, struct config_error *error)
{
    struct record *record = record_find(interfaces, name);
    char owner[OWNER_MAX];
    int failed = 0;

    if (record == NULL) {
        if (refused_delete(interfaces, name) < 0)
            return refuse(error, -ENOENT, "name", "no such interface");
        interfaces_write(interfaces, NULL, NULL, &failed);
        done(argument, 0, NULL);
        return 0;
    }
    if (record->shown.config.from_file)
        return refuse(error, -EPERM, "name", "it stands in the configuration file");
    if (record->shown.state == INTERFACE_OPENING || record->shown.state == INTERFACE_CLOSING ||
        record->changing)
        return refuse(error, -EBUSY, "name", "it is just being made, changed or deleted");
    record->shown.state = INTERFACE_CLOSING;
    record->done = done;
    record->argument = argument;
    record->error = 0;
    record_retract(record);
    record_uninstall(record);
    record_disown_prefixes(record);
    if (record->label_is_own)
        labels_release(interfaces->control->labels, label_owner(record, owner),
                       clock_unix_seconds());
    record->label_is_own = false;

    record->pending = record->access == NULL ? 1 : 2; /* this function, the port */
    record->pending += interfaces_write(interfaces, deletion_saved, record, &record->error);
    if (record->access != NULL)
        access_port_put(record->access, deletion_closed, record);
    deletion_step(record);
    return 0;
}
