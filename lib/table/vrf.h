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

struct vrf_table { /* control only */
    struct index_pool numbers;
};

/** @return 0 or -ENOMEM. */
int vrf_table_init(struct vrf_table *table, uint32_t limit, struct reclaim *reclaim);
void vrf_table_free(struct vrf_table *table);

/** Takes a free number, whose roots are empty. @return 0 or -ENOSPC. Control thread. */
int vrf_add(struct vrf_table *table, uint32_t *vrf);

/** Gives a number back, to be used again after grace. Its roots must be empty. Control thread. */
void vrf_remove(struct vrf_table *table, uint32_t vrf);
