/* SPDX-License-Identifier: BSD-3-Clause */

/* The facade: makes and frees the workers' state, on the control thread. See fastpath.h. */

#include "fastpath/fastpath.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_cycles.h>

#include "fastpath/explain.h"
#include "fastpath/watch.h"
#include "fastpath/worker.h"

/* Entries of a bucket of those tables. */
#define REASSEMBLY_WAYS 4

struct fastpath {
    _Atomic bool ending;
    struct fastpath_config config;
    struct vif_meters *meters;
    struct explainer *explainer; /* made when it is first needed */
    unsigned n_workers;
    struct worker workers[];
};

/* Tables for the fragments that wait for others, on the control thread: they come from DPDK's heap.
 */
static bool
reassembly_init(struct reassembly *reassembly, uint64_t hz)
{
    for (unsigned i = 0; i < REASSEMBLY_PROTOCOLS; i++) {
        reassembly->tables[i] =
            rte_ip_frag_table_create(REASSEMBLY_DATAGRAMS / REASSEMBLY_WAYS, REASSEMBLY_WAYS,
                                     REASSEMBLY_DATAGRAMS, REASSEMBLY_SECONDS * hz, SOCKET_ID_ANY);
        if (reassembly->tables[i] == NULL)
            return false;
    }
    return true;
}

bool
worker_init(struct worker *worker, unsigned number, const struct fastpath_config *config,
            struct vif_meters *meters, const _Atomic bool *ending)
{
    static const struct watch_board nobody;

    *worker = (struct worker){
        .number = number,
        .tables = config->tables,
        .ports = config->ports,
        .rings = config->rings,
        .counters = counters_block(config->counters, number),
        .express = express_test_of(simd_level()),
        .tunnel_express = tunnel_express_of(simd_level()),
        .pool = config->pool,
        .room = rte_pktmbuf_data_room_size(config->pool) - RTE_PKTMBUF_HEADROOM,
        .underlay = config->underlay,
        .ending = ending,
        .meters = meters,
        .board = config->watches != NULL ? config->watches : &nobody,
        .idle = { .poll = config->poll },
        .trace_rate =
            bucket_rate_make(WATCH_TRACES_A_SECOND, WATCH_TRACES_AT_ONCE, rte_get_tsc_hz()),
    };
    tunnel_heads_make(&worker->tunnel_heads, config->underlay);
    punt_meters_init(&worker->punts, rte_get_tsc_hz());
    worker->punts.interfaces = calloc((size_t)config->tables->limits.vifs * PUNT_REASONS,
                                      sizeof(*worker->punts.interfaces));
    worker->transmit.buffers = calloc(PORTS_MAX, sizeof(*worker->transmit.buffers));
    worker->watched = malloc(sizeof(*worker->watched) + WATCH_ROOM_OCTETS);
    if (worker->watched != NULL)
        *worker->watched = (struct trace){
            .room = WATCH_ROOM_OCTETS,
            .octets = (uint8_t *)(worker->watched + 1),
        };
    return reassembly_init(&worker->reassembly, rte_get_tsc_hz()) &&
           worker->punts.interfaces != NULL && worker->transmit.buffers != NULL &&
           worker->watched != NULL;
}

void
worker_free(struct worker *worker)
{
    free(worker->punts.interfaces);
    free(worker->transmit.buffers);
    free(worker->watched);
    for (unsigned i = 0; i < REASSEMBLY_PROTOCOLS; i++) {
        if (worker->reassembly.tables[i] != NULL)
            rte_ip_frag_table_destroy(worker->reassembly.tables[i]);
    }
}

struct fastpath *
fastpath_create(const struct fastpath_config *config)
{
    struct fastpath *fastpath =
        calloc(1, sizeof(*fastpath) + config->n_workers * sizeof(fastpath->workers[0]));

    if (fastpath == NULL)
        return NULL;
    fastpath->config = *config;
    fastpath->n_workers = config->n_workers;
    fastpath->meters = calloc(config->tables->limits.vifs, sizeof(fastpath->meters[0]));
    if (fastpath->meters == NULL) {
        fastpath_destroy(fastpath);
        return NULL;
    }
    for (unsigned i = 0; i < config->n_workers; i++) {
        if (!worker_init(&fastpath->workers[i], i, config, fastpath->meters, &fastpath->ending)) {
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
fastpath_poll_once(void *worker, uint64_t now)
{
    return worker_turn_at(worker, now);
}

int
fastpath_explain(struct fastpath *fastpath, const struct packet_note *note, const void *octets,
                 size_t length, struct trace *trace)
{
    if (fastpath->explainer == NULL)
        fastpath->explainer = explainer_create(&fastpath->config);
    return fastpath->explainer == NULL
               ? -ENOMEM
               : explainer_run(fastpath->explainer, note, octets, length, trace);
}

void
fastpath_rates_used(const struct fastpath *fastpath, const struct vif *vif, unsigned *in,
                    unsigned *out)
{
    const struct vif_meters *meters = &fastpath->meters[vif->id];
    const uint64_t now = rte_rdtsc(), hz = rte_get_tsc_hz();

    *in = rate_used(&meters->in, &vif->rate_in, vif->rates_version, now, hz);
    *out = rate_used(&meters->out, &vif->rate_out, vif->rates_version, now, hz);
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
    for (unsigned i = 0; i < fastpath->n_workers; i++)
        worker_free(&fastpath->workers[i]);
    explainer_destroy(fastpath->explainer);
    free(fastpath->meters);
    free(fastpath);
}
