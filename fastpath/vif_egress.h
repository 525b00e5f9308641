/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "fastpath/burst.h"

struct worker;

/** The egress half towards guests (C3, C5): writes the Ethernet header and the interface's 802.1Q
 * tag before each packet of the group, and sends it. */
void vif_egress(struct worker *worker, struct burst *burst, const struct group *group);
