/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Two vRouter sessions against two route servers, octets carried by hand, time made up.
 */

#include "tests/unit/rib_bench.h"
#include "tests/unit/rs_bench.h"

#include "control/server_session.h"

/* Both ends of two sessions. */
struct lab {
    struct bench bench; /* the RIB */
    struct publications publications;
    struct subscription *red;
    struct server_session sessions[2];
    bool wants_step[2];
    struct rs_bench rs[2];
};

/** Until nobody has anything to say. A millisecond passes each round. */
void settle(struct lab *lab);

/** A session with server `i`, as far as it gets. */
void connect_session(struct lab *lab, int i);

/** The server dies: its side is gone, ours finds the connection broken. */
void kill_session(struct lab *lab, int i);

/** Time passes, tick by tick. */
void pass(struct lab *lab, int64_t milliseconds);

/** Nobody is connected, nothing is wanted yet. */
struct lab *lab_open(void);

/** Subscribes to the VPN red, at each server. */
void want_red(struct lab *lab);

/** Publishes a route in red, at each server. */
void publish(struct lab *lab, const struct route *route);

/** The route to P. */
void publish_p(struct lab *lab, uint8_t next_hop);

void retract_p(struct lab *lab);

/** Retracts all of red and leaves it. */
void drop_red(struct lab *lab);

void lab_close(struct lab *lab);
