/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Our own address on the underlay: ARP and ICMP echo. */

#include "slowpath/context.h"

/** Handles an ARP packet from an underlay port: requests for our address are answered, replies and
 * announcements of neighbours taken in. @return PARSE_OK if it was answered or taken in. */
enum drop_reason underlay_arp(struct slowpath *slowpath, uint16_t port,
                              const struct punted *punted);

/** Answers an ICMP echo request to our address. @return PARSE_OK or why there is no answer. */
enum drop_reason underlay_local(struct slowpath *slowpath, uint16_t port,
                                const struct punted *punted);
