/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A port goes round: OPENING (a job of the helper), OPEN, LEAVING (withdrawn, waiting for grace),
 * CLOSING (a job of the helper), and back to OPENING if somebody asked for it meanwhile.
 */

#define LOG_AREA "port"

#include "control/access_ports.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "control/control.h"
#include "lib/base/log.h"

#define RETRY_MS 10

enum phase { PHASE_OPENING, PHASE_OPEN, PHASE_LEAVING, PHASE_CLOSING };

struct access_port {
    struct access_port *next;
    struct access_ports *ports;
    enum phase phase;
    char spec[PORT_SPEC_MAX];
    unsigned users;
    bool up;
    struct port *port; /* once it is open */
    struct access_port_waiter *waiters;

    /* the helper's, while OPENING */
    uint16_t mtu;
    int error;
    char text[CONFIG_ERROR_MAX / 2];

    /* whoever gave the last use back */
    void (*closed)(void *argument);
    void *closed_argument;
};

struct access_ports {
    struct control *control;
    struct access_port *first;
    bool ending;
    void (*link_changed)(void *context, struct access_port *access);
    void *context;
};

struct access_ports *
access_ports_create(struct control *control,
                    void (*link_changed)(void *context, struct access_port *access), void *context)
{
    struct access_ports *ports = calloc(1, sizeof(*ports));

    if (ports == NULL)
        return NULL;
    ports->control = control;
    ports->link_changed = link_changed;
    ports->context = context;
    return ports;
}

void
access_ports_end(struct access_ports *ports)
{
    ports->ending = true;
}

void
access_ports_destroy(struct access_ports *ports)
{
    if (ports == NULL)
        return;
    while (ports->first != NULL) {
        struct access_port *access = ports->first;
        ports->first = access->next;
        port_close(access->port);
        free(access);
    }
    free(ports);
}

static void
access_port_remove(struct access_port *access)
{
    struct access_port **at = &access->ports->first;

    while (*at != access)
        at = &(*at)->next;
    *at = access->next;
    free(access);
}

/* Calls `done` of everybody who waits; with an error nobody has a use of the port. */
static void
waiters_tell(struct access_port *access, int error, const char *text)
{
    struct access_port_waiter *waiter = access->waiters;

    access->waiters = NULL;
    /* all uses first: one who gives its own back at once must not be the last */
    for (const struct access_port_waiter *each = waiter; each != NULL; each = each->next)
        access->users += error == 0;
    while (waiter != NULL) {
        struct access_port_waiter *next = waiter->next;
        waiter->done(waiter->argument, error == 0 ? access : NULL, error, text);
        waiter = next;
    }
}

static void
port_open_work(void *argument)
{
    struct access_port *access = argument;

    access->error =
        port_open(access->spec, PORT_ACCESS, access->mtu, 1, access->ports->control->eal.pool,
                  &access->port, access->text, sizeof(access->text));
}

static void
port_open_done(void *argument)
{
    struct access_port *access = argument;
    struct control *control = access->ports->control;

    if (access->error == 0 && access->ports->ending)
        access->error = -ECANCELED;
    if (access->error == 0)
        access->error = port_publish(control->ports, access->port);
    if (access->error < 0) {
        if (access->port != NULL) {
            snprintf(access->text, sizeof(access->text), "%s", strerror(-access->error));
            port_close(access->port);
            access->port = NULL;
        }
        waiters_tell(access, access->error, access->text);
        access_port_remove(access);
        return;
    }
    counters_port_baseline(control->counters, access->port->number);
    access->phase = PHASE_OPEN;
    access->up = port_link_is_up(access->port);
    log_info("%s: open, polled by worker %u", access->spec, access->port->queues[0].receiver);
    waiters_tell(access, 0, NULL);
}

static void
access_port_open(struct access_port *access)
{
    int error;

    access->phase = PHASE_OPENING;
    access->port = NULL;
    access->mtu = access->waiters->mtu;
    error = access->ports->ending ? -ECANCELED
                                  : helper_submit(access->ports->control->helper, port_open_work,
                                                  port_open_done, access);
    if (error < 0) {
        waiters_tell(access, error, strerror(-error));
        access_port_remove(access);
    }
}

void
access_port_get(struct access_ports *ports, const char *spec, struct access_port_waiter *waiter)
{
    struct access_port *access = ports->first;

    while (access != NULL && strcmp(access->spec, spec) != 0)
        access = access->next;
    if (access != NULL && access->phase == PHASE_OPEN) {
        access->users++;
        waiter->done(waiter->argument, access, 0, NULL);
        return;
    }
    if (access != NULL) {
        waiter->next = access->waiters;
        access->waiters = waiter;
        return;
    }
    access = calloc(1, sizeof(*access));
    if (access == NULL) {
        waiter->done(waiter->argument, NULL, -ENOMEM, "out of memory");
        return;
    }
    access->ports = ports;
    snprintf(access->spec, sizeof(access->spec), "%s", spec);
    access->next = ports->first;
    ports->first = access;
    waiter->next = NULL;
    access->waiters = waiter;
    access_port_open(access);
}

static void
port_close_work(void *argument)
{
    struct access_port *access = argument;

    port_close(access->port);
    access->port = NULL;
}

static void
port_close_done(void *argument)
{
    struct access_port *access = argument;
    void (*closed)(void *argument) = access->closed;
    void *closed_argument = access->closed_argument;

    log_info("%s: closed", access->spec);
    access->closed = NULL;
    if (access->waiters == NULL)
        access_port_remove(access);
    else
        access_port_open(access);
    closed(closed_argument);
}

static void access_port_leave(evutil_socket_t fd, short what, void *context);

/* Does the next step towards the end of the port again a little later. */
static void
leave_later(struct access_port *access)
{
    const struct timeval delay = { 0, RETRY_MS * 1000 };

    if (event_base_once(access->ports->control->base, -1, EV_TIMEOUT, access_port_leave, access,
                        &delay) < 0)
        log_error("%s: out of memory: the port stays open", access->spec);
}

/* After grace. */
static void
port_gone(void *argument)
{
    struct access_port *access = argument;

    access->phase = PHASE_CLOSING;
    access_port_leave(-1, 0, access);
}

static void
access_port_leave(evutil_socket_t fd, short what, void *context)
{
    struct access_port *access = context;
    struct control *control = access->ports->control;
    int error;

    (void)fd, (void)what;
    if (access->phase == PHASE_LEAVING)
        error = port_withdraw(control->ports, access->port, port_gone, access);
    else
        error = helper_submit(control->helper, port_close_work, port_close_done, access);
    if (error < 0)
        leave_later(access);
}

void
access_port_put(struct access_port *access, void (*done)(void *argument), void *argument)
{
    if (--access->users > 0) {
        done(argument);
        return;
    }
    access->phase = PHASE_LEAVING;
    access->closed = done;
    access->closed_argument = argument;
    access_port_leave(-1, 0, access);
}

struct port *
access_port_port(const struct access_port *access)
{
    return access->port;
}

bool
access_port_is_up(const struct access_port *access)
{
    return access->up;
}

void
access_ports_watch(struct access_ports *ports)
{
    for (struct access_port *access = ports->first, *next; access != NULL; access = next) {
        next = access->next;
        if (access->phase != PHASE_OPEN)
            continue;
        bool up = port_link_is_up(access->port);
        if (up == access->up)
            continue;
        access->up = up;
        log_info("%s: link %s", access->spec, up ? "up" : "down");
        ports->link_changed(ports->context, access);
    }
}
