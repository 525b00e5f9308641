/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The rings between threads. They lie in ordinary memory, not in DPDK's named zones: nobody looks
 * them up by name, and a process may hold several sets.
 */

#include "lib/ring/rings.h"

#include <stdbool.h>
#include <stdlib.h>

#include "lib/ring/path_mtu.h"

static struct rte_ring *
ring_create(unsigned elements, unsigned element_octets)
{
    ssize_t octets = rte_ring_get_memsize_elem(element_octets, elements);
    struct rte_ring *ring = octets > 0 ? aligned_alloc(RTE_CACHE_LINE_SIZE, (size_t)octets) : NULL;

    if (ring == NULL)
        return NULL;
    if (rte_ring_init(ring, "", elements, RING_F_SP_ENQ | RING_F_SC_DEQ) != 0) {
        free(ring);
        return NULL;
    }
    return ring;
}

static struct rte_ring *
packet_ring_create(unsigned packets)
{
    return ring_create(packets, sizeof(struct rte_mbuf *));
}

static void
packet_ring_destroy(struct rte_ring *ring)
{
    void *packet;

    if (ring == NULL)
        return;
    while (rte_ring_dequeue(ring, &packet) == 0)
        rte_pktmbuf_free(packet);
    free(ring);
}

static bool
punt_ring_init(struct punt_ring *ring, uint32_t vifs)
{
    ring->packets = packet_ring_create(PUNT_RING_PACKETS);
    ring->waiting = calloc(vifs, sizeof(*ring->waiting));
    ring->vifs = vifs;
    return ring->packets != NULL && ring->waiting != NULL;
}

struct rings *
rings_create(unsigned n_workers, uint32_t vifs)
{
    struct rings *rings = calloc(1, sizeof(*rings));

    if (rings == NULL)
        return NULL;
    rings->n_workers = n_workers;
    rings->path_mtus = ring_create(PATH_MTU_RING_ENTRIES, sizeof(struct path_mtu));
    if (rings->path_mtus == NULL)
        goto fail;
    for (unsigned from = 0; from < n_workers; from++) {
        rings->inject[from] = packet_ring_create(INJECT_RING_PACKETS);
        if (!punt_ring_init(&rings->punt[from], vifs) || rings->inject[from] == NULL)
            goto fail;
        for (unsigned to = 0; to < n_workers; to++) {
            if (from == to)
                continue;
            rings->handover[from][to] = packet_ring_create(HANDOVER_RING_PACKETS);
            if (rings->handover[from][to] == NULL)
                goto fail;
        }
    }
    return rings;

fail:
    rings_destroy(rings);
    return NULL;
}

void
rings_destroy(struct rings *rings)
{
    if (rings == NULL)
        return;
    for (unsigned from = 0; from < rings->n_workers; from++) {
        packet_ring_destroy(rings->punt[from].packets);
        free(rings->punt[from].waiting);
        packet_ring_destroy(rings->inject[from]);
        for (unsigned to = 0; to < rings->n_workers; to++)
            packet_ring_destroy(rings->handover[from][to]);
    }
    free(rings->path_mtus);
    free(rings);
}
