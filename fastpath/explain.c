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
    /* as large as those that packets come in: how they are cut depends on it */
    const uint16_t room = rte_pktmbuf_data_room_size(config->pool);
    char name[RTE_MEMPOOL_NAMESIZE];

    if (explainer == NULL)
        return NULL;
    snprintf(name, sizeof(name), "explain-%p", (void *)explainer);
    own.watches = NULL;
    explainer->ports = config->ports;
    explainer->pool = own.pool =
        rte_pktmbuf_pool_create(name, POOL_PACKETS, 0, PACKET_PRIVATE_OCTETS, room, SOCKET_ID_ANY);
    explainer->rings = own.rings = rings_create(1, limits->vifs);
    explainer->counters = own.counters = counters_create(&shape);
    explainer->meters = calloc(limits->vifs, sizeof(explainer->meters[0]));
    if (explainer->pool == NULL || explainer->rings == NULL || explainer->counters == NULL ||
        explainer->meters == NULL ||
        !worker_init(&explainer->worker, 0, &own, explainer->meters, &explainer->ending)) {
        explainer_destroy(explainer);
        return NULL;
    }
    explainer->worker.explains = true;
    explainer->worker.now = rte_rdtsc();
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
    struct rte_mbuf *packet;

    transmit_flush(&explainer->worker);
    while (punt_ring_take(&explainer->rings->punt[0], &packet, 1) > 0)
        rte_pktmbuf_free(packet);
}

/* The packet as a port would give it: in as many segments as it needs. NULL without buffers. */
static struct rte_mbuf *
make_packet(struct rte_mempool *pool, const uint8_t *octets, size_t length)
{
    struct rte_mbuf *packet = NULL;

    do {
        struct rte_mbuf *segment = rte_pktmbuf_alloc(pool);
        const size_t here =
            segment == NULL ? 0 : RTE_MIN(length, (size_t)rte_pktmbuf_tailroom(segment));

        if (segment == NULL) {
            rte_pktmbuf_free(packet);
            return NULL;
        }
        memcpy(rte_pktmbuf_append(segment, (uint16_t)here), octets, here);
        if (packet == NULL)
            packet = segment;
        else
            (void)rte_pktmbuf_chain(packet, segment);
        octets += here;
        length -= here;
    } while (length > 0);
    return packet;
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
    packet = make_packet(explainer->pool, octets, length);
    if (packet == NULL)
        return -ENOMEM;
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
