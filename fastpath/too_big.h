/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "fastpath/burst.h"

struct worker;

/**
 * Ends a packet that is larger than `mtu`: the slow path tells a guest that asked not to fragment
 * (RFC 1191); others are dropped.
 */
void too_big(struct worker *worker, struct burst *burst, unsigned i, uint16_t mtu);
