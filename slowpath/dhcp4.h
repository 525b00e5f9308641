/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The DHCPv4 server of each interface (RFC 2131): it has one address to give, the one in the
 * interface's configuration, and therefore no state. Its server identifier is the gateway.
 *
 *   point-to-point model   prefix length 32: the gateway is reached by an on-link host route
 *   multipoint model       a subnet; the other addresses are reached by proxy ARP
 */

#include "lib/net/parse.h"
#include "slowpath/dhcp4_message.h"
#include "slowpath/frame.h"

/**
 * Answers a guest's DHCP message: DISCOVER, REQUEST and INFORM; DECLINE and RELEASE are taken in.
 * @param octets the frame; all `length` octets can be read
 * @param type set to the message's type if it could be read, else 0
 * @return PARSE_OK with the answer in `reply` (empty if none is due); DROP_DHCP_INVALID, or
 * DROP_DHCP_IGNORED for what is not for us: no DHCP here, another server's, a relay's.
 */
enum drop_reason dhcp4_answer(const struct vif *vif, const uint8_t *octets, size_t length,
                              uint8_t *type, struct frame *reply);
