/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What the slow path hears of the underlay's path MTUs, on its way to the control thread, which
 * writes the endpoints. By value: there is nothing to free, and nothing lost that would not be said
 * again with the next packet that is too big.
 */

#include <assert.h>
#include <stdbool.h>

#include "lib/net/addr.h"
#include "lib/ring/rings.h"

struct path_mtu {
    struct ip_addr address; /* of an endpoint */
    uint16_t mtu;           /* largest outer IP packet that reaches it, octets */
};

static_assert(sizeof(struct path_mtu) % 4 == 0, "a ring's element is of whole words");

/** Slow path. @return false if the ring is full. */
bool path_mtu_tell(struct rings *rings, const struct path_mtu *path_mtu);

/** Control thread. @return false if there is none. */
bool path_mtu_take(struct rings *rings, struct path_mtu *path_mtu);
