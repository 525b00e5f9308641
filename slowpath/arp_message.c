/* SPDX-License-Identifier: BSD-3-Clause */

/* Reading and writing ARP packets: see arp_message.h. */

#include "slowpath/arp_message.h"

#include <string.h>

#define HARDWARE_ETHERNET 1

enum drop_reason
arp_message_parse(const uint8_t *octets, size_t length, struct frame_view *view,
                  struct arp_header *message)
{
    enum drop_reason reason = parse_frame(octets, length, view);

    if (reason != PARSE_OK)
        return reason;
    if (view->type != ETHERTYPE_ARP)
        return DROP_ARP_INVALID;
    if (length < view->l3_offset + sizeof(*message))
        return DROP_FRAME_TOO_SHORT;
    memcpy(message, octets + view->l3_offset, sizeof(*message));
    if (message->hardware_type != htobe16(HARDWARE_ETHERNET) ||
        message->protocol_type != htobe16(ETHERTYPE_IPV4) ||
        message->hardware_length != sizeof(struct mac_addr) ||
        message->protocol_length != sizeof(be32))
        return DROP_ARP_INVALID;
    if (message->operation != htobe16(ARP_REQUEST) && message->operation != htobe16(ARP_REPLY))
        return DROP_ARP_INVALID;
    return mac_is_station(&message->sender_mac) ? PARSE_OK : DROP_ARP_INVALID;
}

void
arp_message_write(struct frame *frame, const struct link_address *link, uint16_t operation,
                  const struct mac_addr *sender_mac, be32 sender, const struct mac_addr *target_mac,
                  be32 target)
{
    const struct arp_header message = {
        .hardware_type = htobe16(HARDWARE_ETHERNET),
        .protocol_type = htobe16(ETHERTYPE_IPV4),
        .hardware_length = sizeof(struct mac_addr),
        .protocol_length = sizeof(be32),
        .operation = htobe16(operation),
        .sender_mac = *sender_mac,
        .sender_address = sender,
        .target_mac = *target_mac,
        .target_address = target,
    };

    frame_begin(frame, link, ETHERTYPE_ARP);
    memcpy(frame->octets + frame->length, &message, sizeof(message));
    frame->length += sizeof(message);
}
