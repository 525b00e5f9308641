/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* The interface manager with real ports (null:, TAP) and tables, without workers and route servers:
 * what it tells the rest of the control thread is noted. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/control.h"

#define ROUTES_MAX 64

/* What the rest of the control thread was told. */
struct told {
    unsigned added, removed, published, retracted, labels, started, failed;
    unsigned n_routes;
    struct route routes[ROUTES_MAX]; /* announced at the moment */
    const struct vrf *vrfs[ROUTES_MAX];
    char last_vpn[VPN_NAME_MAX + 1];
};

struct rig {
    struct control control;
    struct told told;
    char directory[64];
    int result; /* of the last request; 1 while it is under way */
    struct config_error what;
};

/** The configuration that all rigs have: an underlay, VPNs red and hub, interface "fixed". */
extern const struct config *rig_config;

/** Set-up and tear-down of a group of tests (DPDK, the configuration), and of one test. */
int everything_up(void **context);
int everything_down(void **context);
int rig_up(void **context);
int rig_down(void **context);

/** A daemon's beginning and end, with the same state directory; between them it restarts. */
void rig_begin(struct rig *rig);
void rig_end(struct rig *rig);

/** Runs the event loop until `*value` is `wanted`; fails at a deadline. */
void wait_for(struct rig *rig, const unsigned *value, unsigned wanted);

/** Runs the event loop until the request that `status` began is done. @return its result. */
int finish(struct rig *rig, int status);

/** What to give a request as its `done`, with the rig as argument and `result` set to 1. */
void on_done(void *argument, int error, const struct config_error *what);

/** What the workers see of an interface. */
const struct vif *seen_of(struct rig *rig, const char *name);

/** Adds an interface, and deletes one. @return 0 or a negative errno with `rig->what`. */
int add(struct rig *rig, const struct vif_config *vif);
int take_away(struct rig *rig, const char *name);

/** Interface `n` of a VPN at a tag of the port null:, address 10.0.0.n. */
struct vif_config vif_make(unsigned n, const char *vpn);
