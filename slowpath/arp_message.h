/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* ARP for IPv4 over Ethernet (RFC 826) as octets: read strictly, written whole. Any thread. */

#include "lib/net/headers.h"
#include "lib/net/parse.h"
#include "slowpath/frame.h"

/** Reads the ARP packet of a frame. @return PARSE_OK, DROP_FRAME_TOO_SHORT or DROP_ARP_INVALID. */
enum drop_reason arp_message_parse(const uint8_t *octets, size_t length, struct frame_view *view,
                                   struct arp_header *message);

/** Writes a whole ARP frame; addresses in network order. */
void arp_message_write(struct frame *frame, const struct link_address *link, uint16_t operation,
                       const struct mac_addr *sender_mac, be32 sender,
                       const struct mac_addr *target_mac, be32 target);
