/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Our own address on the underlay: ARP and ICMP echo. */

#include "slowpath/context.h"

/** Announces our address on underlay ports that are new (RFC 5227 section 2.3): neighbours that
 * knew another MAC address, from before a restart, need not wait until it grows old. Once a turn.
 */
void underlay_turn(struct slowpath *slowpath);

/** Handles an ARP packet from an underlay port: requests for our address are answered, and what
 * known neighbours say about themselves, to us or to all, is taken in (RFC 826); replies and
 * announcements reach the kernel of this host too. @return PARSE_OK if it was of use to anybody. */
enum drop_reason underlay_arp(struct slowpath *slowpath, uint16_t port,
                              const struct punted *punted);

/** Passes ICMP to our address on to the kernel of this host; without a host port, answers echo
 * requests. @return PARSE_OK or why there is no answer. */
enum drop_reason underlay_local(struct slowpath *slowpath, uint16_t port,
                                const struct punted *punted);
