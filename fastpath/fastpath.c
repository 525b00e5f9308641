/* SPDX-License-Identifier: BSD-3-Clause */

/* The facade: makes and frees the workers' state, on the control thread. See fastpath.h. */

#include "fastpath/fastpath.h"

#include <stdlib.h>

#include <rte_cycles.h>

#include "fastpath/worker.h"

struct fastpath {
    _Atomic bool ending;
    struct vif_meters *meters;
    unsigned n_workers;
    struct worker workers[];
};

static bool
worker_init(struct fastpath *fastpath, unsigned number, const struct fastpath_config *config)
{
    struct worker *worker = &fastpath->workers[number];

    *worker = (struct worker){
        .number = number,
        .tables = config->tables,
        .ports = config->ports,
        .rings = config->rings,
        .counters = counters_block(config->counters, number),
        .underlay = config->underlay,
        .ending = &fastpath->ending,
        .meters = fastpath->meters,
        .idle = { .poll = config->poll },
    };
    punt_meters_init(&worker->punts, rte_get_tsc_hz());
    worker->punts.interfaces = calloc((size_t)config->tables->limits.vifs * PUNT_REASONS,
                                      sizeof(*worker->punts.interfaces));
    worker->transmit.buffers = calloc(PORTS_MAX, sizeof(*worker->transmit.buffers));
    return worker->punts.interfaces != NULL && worker->transmit.buffers != NULL;
}

struct fastpath *
fastpath_create(const struct fastpath_config *config)
{
    struct fastpath *fastpath =
        calloc(1, sizeof(*fastpath) + config->n_workers * sizeof(fastpath->workers[0]));

    if (fastpath == NULL)
        return NULL;
    fastpath->n_workers = config->n_workers;
    fastpath->meters = calloc(config->tables->limits.vifs, sizeof(fastpath->meters[0]));
    if (fastpath->meters == NULL) {
        fastpath_destroy(fastpath);
        return NULL;
    }
    for (unsigned i = 0; i < config->n_workers; i++) {
        if (!worker_init(fastpath, i, config)) {
            fastpath_destroy(fastpath);
            return NULL;
        }
    }
    return fastpath;
}

int
fastpath_run(void *argument)
{
    worker_run(argument);
    return 0;
}

void *
fastpath_worker(struct fastpath *fastpath, unsigned worker)
{
    return &fastpath->workers[worker];
}

unsigned
fastpath_poll_once(void *worker)
{
    return worker_turn(worker);
}

void
fastpath_stop(struct fastpath *fastpath)
{
    atomic_store_explicit(&fastpath->ending, true, memory_order_relaxed);
}

void
fastpath_destroy(struct fastpath *fastpath)
{
    if (fastpath == NULL)
        return;
    for (unsigned i = 0; i < fastpath->n_workers; i++) {
        free(fastpath->workers[i].punts.interfaces);
        free(fastpath->workers[i].transmit.buffers);
    }
    free(fastpath->meters);
    free(fastpath);
}
