/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "fastpath/burst.h"

struct worker;

/**
 * The middle: follows each packet's path through VRFs and ECMP sets to where it leaves (C1, C38),
 * and sorts the burst by kind. Packets for the gateway are punted, those without a route dropped.
 * @param tunnels, interfaces filled with the packets of PATH_TUNNEL and PATH_VIF
 */
void lookup(struct worker *worker, struct burst *burst, struct group *tunnels,
            struct group *interfaces);
