/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* What the kernel of this host must hear too of what workers punt from the underlay: answers to its
 * own address resolution, and ICMP errors about what it has sent. */

#include "slowpath/context.h"

/** Sends a copy of a punted underlay frame, without its 802.1Q tag, to the host port. Writes
 * `slowpath->reply`. @return false if there is no host port or no buffer: nothing was sent. */
bool host_copy(struct slowpath *slowpath, const struct punted *punted);
