/* SPDX-License-Identifier: BSD-3-Clause */

/* Explaining: see explain.h. */

#include "fastpath/explain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "fastpath/fragment.h"
#include "fastpath/worker.h"
#include "lib/ring/trace.h"

/* Packet buffers: one packet, and what it may be cut into. */
#define POOL_PACKETS (2 * FRAGMENTS_MAX - 1)
#define FRAME_OCTETS 10240 /* the largest frame that can be explained */

/* Between two packets so much time passes on the worker's clock that every meter is full again, and
 * no fragment waits any more. */
#define PAUSE_SECONDS 10

struct explainer {
    struct port_table *ports;
    struct rte_mempool *pool;
    struct rings *rings;
    struct counters *counters;
    struct vif_meters *meters;
    _Atomic bool ending;
    struct worker worker;
};

struct explainer *
explainer_create(const struct fastpath_config *config)
{
    const struct table_limits *limits = &config->tables->limits;
    const struct counters_shape shape = {
        .threads = 1,
        .vifs = limits->vifs,
        .vrfs = limits->vrfs,
        .endpoints = limits->endpoints,
        .ports = PORTS_MAX,
    };
    struct explainer *explainer = calloc(1, sizeof(*explainer));
    struct fastpath_config own = *config;
    char name[RTE_MEMPOOL_NAMESIZE];

    if (explainer == NULL)
        return NULL;
    snprintf(name, sizeof(name), "explain-%p", (void *)explainer);
    own.watches = NULL;
    explainer->ports = config->ports;
    explainer->pool = own.pool =
        rte_pktmbuf_pool_create(name, POOL_PACKETS, 0, PACKET_PRIVATE_OCTETS,
                                RTE_PKTMBUF_HEADROOM + FRAME_OCTETS, SOCKET_ID_ANY);
    explainer->rings = own.rings = rings_create(1);
    explainer->counters = own.counters = counters_create(&shape);
    explainer->meters = calloc(limits->vifs, sizeof(explainer->meters[0]));
    if (explainer->pool == NULL || explainer->rings == NULL || explainer->counters == NULL ||
        explainer->meters == NULL ||
        !worker_init(&explainer->worker, 0, &own, explainer->meters, &explainer->ending)) {
        explainer_destroy(explainer);
        return NULL;
    }
    explainer->worker.now = rte_rdtsc();
    /* fragments as large as those of the workers, whatever the buffers here */
    explainer->worker.room = rte_pktmbuf_data_room_size(config->pool) - RTE_PKTMBUF_HEADROOM;
    return explainer;
}

void
explainer_destroy(struct explainer *explainer)
{
    if (explainer == NULL)
        return;
    worker_free(&explainer->worker);
    free(explainer->meters);
    if (explainer->counters != NULL)
        counters_destroy(explainer->counters);
    rings_destroy(explainer->rings);
    rte_mempool_free(explainer->pool);
    free(explainer);
}

/* Lets go of what would have been sent or punted. */
static void
discard(struct explainer *explainer)
{
    struct transmit *transmit = &explainer->worker.transmit;
    void *packet;

    for (unsigned i = 0; i < transmit->n_waiting; i++) {
        struct transmit_buffer *buffer = &transmit->buffers[transmit->waiting[i]];

        rte_pktmbuf_free_bulk(buffer->packets, buffer->n);
        buffer->n = 0;
        buffer->metered = false;
    }
    transmit->n_waiting = 0;
    while (rte_ring_dequeue(explainer->rings->punt[0], &packet) == 0)
        rte_pktmbuf_free(packet);
}

int
explainer_run(struct explainer *explainer, const struct packet_note *note, const void *octets,
              size_t length, struct trace *trace)
{
    const struct port *port =
        note->task == TASK_RECEIVE ? port_at(explainer->ports, note->port) : NULL;
    struct rte_mbuf *packet;

    if (note->task == TASK_RECEIVE && port == NULL)
        return -ENODEV;
    if (length > FRAME_OCTETS)
        return -EMSGSIZE;
    packet = rte_pktmbuf_alloc(explainer->pool);
    if (packet == NULL)
        return -ENOMEM;
    memcpy(rte_pktmbuf_append(packet, (uint16_t)length), octets, length);
    *packet_note(packet) = *note;
    trace->n_steps = 0;
    trace->more = false;
    trace->used = 0;
    explainer->worker.now += PAUSE_SECONDS * rte_get_tsc_hz();
    reassembly_expire(&explainer->worker);
    explainer->worker.trace = trace;
    if (port != NULL)
        worker_forward(&explainer->worker, port, &packet, 1);
    else
        worker_do_tasks(&explainer->worker, &packet, 1);
    explainer->worker.trace = NULL;
    discard(explainer);
    return 0;
}
