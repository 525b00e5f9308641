/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Proxy ARP towards guests (draft-ietf-l3vpn-end-system section 3; C9-C11): whatever a guest asks
 * for is at the virtual router. Nothing is learnt from what it says (C46, C47).
 */

#include "lib/net/parse.h"
#include "slowpath/frame.h"

/** True if `address` (host order) is one that this very guest was given. */
bool guest_has_address(const struct vif *vif, uint32_t address);

/** True if the guest may send from `address` (host order): its own, or in a prefix behind it. */
bool guest_may_send_from(const struct vif *vif, uint32_t address);

/**
 * Answers the ARP packet of a guest.
 *
 * Answered are requests from the interface's own MAC address and one of its addresses, for any
 * unicast address but the guest's own. A probe (sender 0.0.0.0) and an announcement (sender =
 * target) ask whether somebody else has the address, and an answer would take it away from the
 * guest: they get none (RFC 5227).
 * @return PARSE_OK with the answer in `reply`, or why there is none.
 */
enum drop_reason arp_answer(const struct vif *vif, const uint8_t *octets, size_t length,
                            struct frame *reply);
