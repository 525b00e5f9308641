/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "fastpath/burst.h"

struct worker;

/** The egress half towards tunnels (C4, C14): puts the endpoint's ready-made header and the label
 * before each packet of the group, and sends it. */
void tunnel_egress(struct worker *worker, struct burst *burst, const struct group *group);
