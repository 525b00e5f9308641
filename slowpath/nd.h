/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Neighbour discovery towards guests: what proxy ARP is for IPv4 (C9-C12). Whatever address a guest
 * asks for is at the virtual router; routers are found by advertisements if the interface says so.
 * Nothing is learnt from what a guest says (C46, C47).
 */

#include "lib/net/parse.h"
#include "slowpath/context.h"

/** True if the guest may send from `address` beyond its link: its own, or in a prefix behind it. */
bool guest_may_send_from6(const struct vif *vif, const struct ip_addr *address);

/**
 * Answers a neighbour discovery message of a guest.
 *
 * A neighbour solicitation is answered for any address but the guest's own. A probe (duplicate
 * address detection; its source is unspecified) is answered, and the address thereby denied, unless
 * the guest may have it: what it may send from, and any link-local address but the gateway's.
 * The answer comes from the gateway, overrides what is known only about the gateway itself
 * (RFC 4861 section 7.2.8), and never names another MAC address.
 * A router solicitation is answered if `vif->service.router_advertisement`.
 * Advertisements and redirects are ignored.
 * @param octets the frame; all `length` octets can be read
 * @return PARSE_OK with the answer in `reply`, or why there is none.
 */
enum drop_reason nd_answer(const struct vif *vif, const uint8_t *octets, size_t length,
                           struct frame *reply);

/** Advertises the router to guests unasked, to each interface every ten minutes, as the lifetime of
 * what was advertised before ends some time (RFC 4861 section 6.2.4). Once a turn. */
void nd_turn(struct slowpath *slowpath);
