/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Between the files of the interface manager. */

#include <jansson.h>

#include "control/access_ports.h"
#include "control/interfaces.h"
#include "lib/base/hmap.h"

#define LOG_AREA "interface"

struct event;
struct record;

typedef void (*interface_done)(void *argument, int error, const struct config_error *what);

/* An address or a prefix and whose it is. */
struct owned_prefix {
    struct hmap_node node; /* by VRF and prefix */
    struct record *record;
    struct ip_prefix prefix;
};

struct record {
    struct interface shown; /* first: what the header gives away */
    struct interfaces *interfaces;
    struct access_port *access; /* NULL until the port is open */
    struct access_port_waiter waiter;
    bool label_is_own;   /* taken in this interface's name */
    bool published;      /* its routes are announced */
    bool changing;       /* interface_change() is under way */
    bool starting;       /* counted in interfaces->starting */
    bool standing;       /* of the file or the state directory: a port that fails is tried again */
    unsigned pending;    /* what the present step still waits for */
    int error;           /* the first one of the step */
    interface_done done; /* whom to tell; NULL: nobody */
    void *argument;
    char failure[CONFIG_ERROR_MAX / 2];
    unsigned n_owned;
    struct owned_prefix owned[CONFIG_ADDRESSES_MAX + CONFIG_PREFIXES_MAX];
};

struct interfaces {
    struct control *control;
    struct interface_events events;
    void *context;
    struct access_ports *ports;
    struct record **by_name; /* sorted */
    unsigned n, room;
    struct hmap by_prefix;
    struct event *timer;
    unsigned ticks;
    json_t *sequences; /* name → last sequence number, of interfaces that are gone, too */
    json_t *refused;   /* stored interfaces that cannot be made: kept as they are */
    json_t *were_active;
    unsigned starting, failed;
    bool started;
    bool ending;
};

static inline struct record *
record_of(const struct interface *interface)
{
    return (struct record *)(uintptr_t)interface;
}

/** One of the interfaces that were there at the start is there, or has failed. */
void interfaces_start_count(struct interfaces *interfaces, bool failed);

/* ---- control/interface_registry.c ---- */

/** The record of a name, or NULL. */
struct record *record_find(const struct interfaces *interfaces, const char *name);

/** Puts a record in its place. @return 0 or -ENOMEM. */
int record_insert(struct interfaces *interfaces, struct record *record);
void record_remove(struct record *record);

/* ---- control/interface_life.c ---- */

/**
 * Checks an interface, makes its record and begins with its port.
 * @param standing it is of the file or the state directory
 * @return 0, or a negative errno with field and text; `done` is then not called.
 */
int record_begin(struct interfaces *interfaces, const struct vif_config *config, bool standing,
                 interface_done done, void *argument, struct config_error *error);

/** Opens the port (again). */
void record_open(struct record *record);

/** Tells whoever asked, once. */
void record_tell(struct record *record, int error, const struct config_error *what);

/* ---- control/interface_routes.c ---- */

/** Claims the interface's addresses and prefixes in its VRF. @return 0 or -EEXIST with field. */
int record_own_prefixes(struct record *record, struct config_error *error);
void record_disown_prefixes(struct record *record);

/** Puts the interface into the tables (down), or takes it out. @return 0 or a negative errno;
 * nothing is left behind on an error. */
int record_install(struct record *record);
void record_uninstall(struct record *record);

/** Replaces the record in the tables by one of the present configuration, up or down. @return 0 or
 * -ENOMEM (the old one stays). */
int record_replace(struct record *record, bool up);

/** Sets the interface up and announces it, or down and retracts it, as configuration and link
 * say. */
void record_settle(struct record *record);

/** Retracts what is announced. */
void record_retract(struct record *record);

/* ---- control/interfaces_state.c ---- */

/** Gives the interface its sequence number: a new one at an activation (C41), else the last one. */
void record_sequence(struct record *record, bool activation);

/** Has interfaces and labels written; `done` is called twice. @return how often it will be: the
 * other calls failed, with `*error`. */
unsigned interfaces_write(struct interfaces *interfaces, void (*done)(void *argument, int error),
                          void *argument, int *error);

/** Reads the state directory: sequence numbers, and into `refused` all stored interfaces. */
void interfaces_read(struct interfaces *interfaces);

/** True if the last process had an interface of this name when it ended: it goes on, with its
 * sequence number. Until interfaces_start() has ended. */
bool interface_was_active(const struct interfaces *interfaces, const char *name);
