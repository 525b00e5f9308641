/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * A scenario of the packet lab: ports, VRFs, interfaces, endpoints, routes and labels from a JSON
 * object, made with the functions that the control thread uses. Names in the object, numbers here.
 */

#include <jansson.h>

#include "fastpath/fastpath.h"
#include "slowpath/slowpath.h"

#define SCENARIO_NAMED_MAX 64

struct named {
    unsigned n;
    struct {
        const char *name; /* of the JSON object */
        uint32_t number;
    } entries[SCENARIO_NAMED_MAX];
};

struct scenario {
    unsigned n_workers;
    struct tables *tables;
    struct port_table *port_table;
    struct rings *rings;
    struct counters *counters;
    struct fastpath_config config; /* of the fastpath, for who wants another one like it */
    struct fastpath *fastpath;
    struct slowpath *slowpath;    /* NULL: what is punted stays in the rings */
    uint64_t begin_tsc;           /* its time, of which nobody waits for the end: begins here, */
    uint64_t passed_us, until_us; /* and goes on with each turn, or when all is quiet */
    uint64_t turn_us;
    struct underlay underlay;
    struct watch_board board;
    struct port *ports[SCENARIO_NAMED_MAX];
    struct named port_names, vrfs, vifs, endpoints;
};

/**
 * Makes everything that `object` describes. With "slowpath": {"until_ms": N} a slow path takes
 * part, for which N milliseconds pass; with "turn_us": N each turn takes so long, else no time. The
 * object must outlive the scenario.
 * @return NULL, or what is wrong.
 */
const char *scenario_create(struct scenario *scenario, json_t *object, struct rte_mempool *pool);

/** Takes everything away, also after a scenario_create() that failed. */
void scenario_destroy(struct scenario *scenario);
