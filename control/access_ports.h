/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The ports of virtual interfaces, shared by those that differ in their 802.1Q tags: opened with
 * the first one and closed after grace with the last one, on the helper thread. Control thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "lib/port/port.h"

struct access_port;
struct access_ports;
struct control;

/* Who waits for a port; lives until `done` was called. */
struct access_port_waiter {
    struct access_port_waiter *next;
    uint16_t mtu; /* 0: the port's own */

    /** `access` is the port, or NULL with a negative errno and a text. */
    void (*done)(void *argument, struct access_port *access, int error, const char *text);
    void *argument;
};

/**
 * @param link_changed called when a port's link comes or goes
 * @return NULL without memory.
 */
struct access_ports *
access_ports_create(struct control *control,
                    void (*link_changed)(void *context, struct access_port *access), void *context);

/** Closes everything. After the workers have ended, and helper_drain(). */
void access_ports_destroy(struct access_ports *ports);

/** From now on nothing is opened any more; what is being opened is closed again. */
void access_ports_end(struct access_ports *ports);

/** Takes a use of the port with this specification; `waiter->done` is called, perhaps at once. */
void access_port_get(struct access_ports *ports, const char *spec,
                     struct access_port_waiter *waiter);

/** Gives a use back; `done` is called, perhaps at once, when the port is closed or still used. */
void access_port_put(struct access_port *access, void (*done)(void *argument), void *argument);

/** The published port, and its link as it was last seen. */
struct port *access_port_port(const struct access_port *access);
bool access_port_is_up(const struct access_port *access);

/** Looks at the links of all ports. From a timer. */
void access_ports_watch(struct access_ports *ports);
