/* SPDX-License-Identifier: BSD-3-Clause */

/* Path MTUs from the slow path to control: see path_mtu.h. */

#include "lib/ring/path_mtu.h"

#include <rte_ring_elem.h>

bool
path_mtu_tell(struct rings *rings, const struct path_mtu *path_mtu)
{
    return rte_ring_enqueue_elem(rings->path_mtus, (void *)(uintptr_t)path_mtu,
                                 sizeof(*path_mtu)) == 0;
}

bool
path_mtu_take(struct rings *rings, struct path_mtu *path_mtu)
{
    return rte_ring_dequeue_elem(rings->path_mtus, path_mtu, sizeof(*path_mtu)) == 0;
}
