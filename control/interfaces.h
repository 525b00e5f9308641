/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The virtual interfaces: made and removed at run time, with their ports, labels, local routes and
 * publications. Everything runs on the control thread; what may block is done by the helper.
 *
 * An interface that is added is checked as a whole first; then its port is opened, then what must
 * survive a restart is written, then it goes into the tables, then it is announced. One that is
 * deleted is retracted first, then taken out of the tables; its port is closed after grace.
 */

#include <stdbool.h>
#include <stdint.h>

#include "control/config.h"
#include "control/vrfs.h"
#include "lib/xmpp/route.h"

struct control;
struct interfaces;
struct port;

/* What the rest of the control thread is told; NULL members are not called. */
struct interface_events {
    /* The first interface of a VPN comes (subscribe now), the last one has gone. */
    void (*vpn_added)(void *context, struct vrf *vrf);
    void (*vpn_removed)(void *context, struct vrf *vrf);

    /* An address or prefix of ours is to be announced (again, if it was already: with other
     * values), or no more. */
    void (*publish)(void *context, struct vrf *vrf, const struct route *route);
    void (*retract)(void *context, struct vrf *vrf, const struct ip_prefix *prefix);

    /* Which labels are ours, or what local prefixes they stand for, has changed. */
    void (*labels_changed)(void *context);

    /* Every interface of the file and of the state directory is there, or was given up for now
     * (`failed` of them; they are tried again). Called once. */
    void (*started)(void *context, unsigned failed);
};

enum interface_state {
    INTERFACE_OPENING, /* its port is being opened */
    INTERFACE_FAILED,  /* its port could not be opened; tried again now and then */
    INTERFACE_DOWN,    /* there, but set down or its port has no link */
    INTERFACE_UP,      /* there, and published */
    INTERFACE_CLOSING, /* being deleted */
};

struct interface {
    struct vif_config config;
    enum interface_state state;
    struct vrf *vrf;
    uint32_t id;            /* in the vif table; VIF_NONE while there is none */
    uint32_t label;         /* its routes are published with */
    uint16_t mtu;           /* towards the guest, octets */
    struct ip_addr gateway; /* towards the guest */
    struct ip_addr gateway6;
    uint32_t sequence_number; /* of its routes */
    const char *failure;      /* INTERFACE_FAILED: why; else NULL */
};

/** @return NULL without memory. `events` is copied. */
struct interfaces *interfaces_create(struct control *control, const struct interface_events *events,
                                     void *context);

/** Takes every interface away without retracting anything, waiting for ports to close (the workers
 * must have ended). */
void interfaces_destroy(struct interfaces *interfaces);

/** Begins to add the interfaces of the configuration and of the state directory. */
void interfaces_start(struct interfaces *interfaces);

/**
 * Begins to add an interface. When it is there, or could not be made, `done` is called with 0 or a
 * negative errno and what was wrong, which may be before this function returns.
 * @return 0, or a negative errno with field and text at once: then `done` is not called.
 */
int interface_add(struct interfaces *interfaces, const struct vif_config *config,
                  void (*done)(void *argument, int error, const struct config_error *what),
                  void *argument, struct config_error *error);

/**
 * Begins to delete an interface; `done` as above once its port is closed (if no other interface
 * shares it) and the state directory knows.
 * @return 0, -ENOENT, -EBUSY (it is being made or deleted), -EPERM (it is in the configuration
 * file).
 */
int interface_delete(struct interfaces *interfaces, const char *name,
                     void (*done)(void *argument, int error, const struct config_error *what),
                     void *argument, struct config_error *error);

/**
 * Changes the interface of `wanted`'s name to its rates, its bound for TCP segments, and whether it
 * is up; the rest of `wanted` is not looked at. `done` as above once the state directory knows (of
 * an interface of the configuration file it keeps nothing: the file's values are back after a
 * restart).
 * @return 0, -ENOENT, -EBUSY (it is being made, changed or deleted), -ENOMEM.
 */
int interface_change(struct interfaces *interfaces, const struct vif_config *wanted,
                     void (*done)(void *argument, int error, const struct config_error *what),
                     void *argument, struct config_error *error);

/** Retracts everything that is published: before a stop that drains. */
void interfaces_retract_all(struct interfaces *interfaces);

/** An interface by name or by number in the table, or NULL. */
const struct interface *interface_find(const struct interfaces *interfaces, const char *name);
const struct interface *interface_at(const struct interfaces *interfaces, uint32_t id);

/** The interfaces in the order of their names: the first one behind `name` ("" for the first). */
const struct interface *interface_after(const struct interfaces *interfaces, const char *name);

/** The interface that has this address or prefix as its own in a VRF, or NULL: the local path. */
const struct interface *interface_of_prefix(const struct interfaces *interfaces,
                                            const struct vrf *vrf, const struct ip_prefix *prefix);
