/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What the files of the control thread share. control/main.c makes it member by member, in this
 * order, before the event loop runs.
 */

#include <stdbool.h>

#include "control/config.h"
#include "control/eal.h"
#include "control/helper.h"
#include "control/interfaces.h"
#include "control/labels.h"
#include "control/state.h"
#include "control/vrfs.h"
#include "lib/port/port.h"
#include "lib/ring/note.h"
#include "lib/ring/watch.h"
#include "lib/stats/counters.h"
#include "lib/table/tables.h"

struct event_base;
struct routing;
struct rpc_server;
struct watches;

struct control {
    const struct config *config;
    struct eal eal;
    struct event_base *base;
    struct tables *tables;
    struct port_table *ports;
    struct counters *counters;
    struct helper *helper;
    struct state *state;
    struct labels *labels;
    struct vrfs *vrfs;
    struct interfaces *interfaces;
    struct underlay underlay; /* its settings, for all threads */
    struct port *underlay_port;
    struct port *host_port;  /* NULL: none */
    struct routing *routing; /* control/routing.h */
    struct rpc_server *rpc;

    struct watches *watches; /* control/watches.h */
    struct watch_board watches_board;

    /** Takes a packet through the stages of the fast path, for their verdicts (route.explain):
     * fastpath/fastpath.h says more. */
    int (*explain)(struct control *control, const struct packet_note *note, const void *octets,
                   size_t length, struct trace *trace);

    /** How much of an interface's rates is used, in percent: fastpath/fastpath.h says more. */
    void (*rates_used)(struct control *control, const struct vif *vif, unsigned *in, unsigned *out);

    /** Ends the daemon: at once, or (`drain`) after all routes were retracted. */
    void (*stop)(struct control *control, bool drain);
};
