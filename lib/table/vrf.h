/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * VRFs as the forwarding plane knows them: a number, and two FIB roots that follow from it.
 *
 *   upstream    traffic from virtual interfaces: routes that route servers (or the configuration)
 *               announced; an address of our own is in it only once it was announced back (C6)
 *   downstream  traffic from the network by a VRF label: local addresses only
 *
 * Names, targets and labels of VRFs are the control thread's affair.
 */

#include <stdatomic.h>
#include <stdint.h>

#include "lib/table/index.h"

#define VRF_NONE UINT32_MAX

struct reclaim;

/** The FIB roots of a VRF number, and back. */
static inline uint32_t
vrf_upstream_root(uint32_t vrf)
{
    return vrf << 1;
}

static inline uint32_t
vrf_downstream_root(uint32_t vrf)
{
    return vrf << 1 | 1;
}

/** The VRF that a root belongs to. */
static inline uint32_t
vrf_of_root(uint32_t root)
{
    return root >> 1;
}

struct vrf_table {
    _Atomic uint32_t *gateways; /* by number: IPv4, host order; control writes, slow path reads */
    struct index_pool numbers;  /* control only */
};

/** @return 0 or -ENOMEM. */
int vrf_table_init(struct vrf_table *table, uint32_t limit, struct reclaim *reclaim);
void vrf_table_free(struct vrf_table *table);

/**
 * Takes a free number, whose roots are empty.
 * @param gateway the virtual router's IPv4 address in this VRF, host order
 * @return 0 or -ENOSPC. Control thread.
 */
int vrf_add(struct vrf_table *table, uint32_t gateway, uint32_t *vrf);

/** The virtual router's IPv4 address in a VRF, host order. Any thread. */
static inline uint32_t
vrf_gateway(const struct vrf_table *table, uint32_t vrf)
{
    return atomic_load_explicit(&table->gateways[vrf], memory_order_relaxed);
}

/** Gives a number back, to be used again after grace. Its roots must be empty. Control thread. */
void vrf_remove(struct vrf_table *table, uint32_t vrf);
