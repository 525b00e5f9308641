/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The validated parse views: see parse.h. Each function reads a field only after it has compared
 * the length with where that field ends.
 */

#include "lib/net/parse.h"

#include "lib/net/checksum.h"
#include "lib/net/encapsulation.h"

#define IP_PROTOCOL_SCTP 132

#define MPLS_ENTRY_OCTETS 4u

/* What follows a GRE header when its flags say so (RFC 2890). */
#define GRE_CHECKSUM_OCTETS 4u
#define GRE_KEY_OCTETS      4u

enum drop_reason
parse_frame(const uint8_t *frame, size_t length, struct frame_view *view)
{
    if (length < sizeof(struct eth_header))
        return DROP_FRAME_TOO_SHORT;

    const struct eth_header *eth = (const void *)frame;

    view->eth = eth;
    view->vlan = 0;
    view->type = be16toh(eth->type);
    view->l3_offset = sizeof(*eth);
    if (view->type != ETHERTYPE_VLAN)
        return PARSE_OK;

    const struct vlan_header *tag = (const void *)(frame + sizeof(*eth));

    if (length < sizeof(*eth) + sizeof(*tag))
        return DROP_FRAME_TOO_SHORT;
    view->vlan = be16toh(tag->tci) & VLAN_ID_MASK;
    view->type = be16toh(tag->type);
    view->l3_offset = sizeof(*eth) + sizeof(*tag);
    return PARSE_OK;
}

enum drop_reason
parse_ipv4(const uint8_t *packet, size_t here, size_t length, struct ipv4_view *view)
{
    const struct ipv4_header *header = (const void *)packet;

    if (here > length)
        here = length;
    if (here < IPV4_HEADER_MIN)
        return DROP_FRAME_TOO_SHORT;
    if (header->version_ihl >> 4 != 4)
        return DROP_IP_VERSION;

    const uint16_t header_length = (uint16_t)((header->version_ihl & 0x0f) * 4);
    const uint16_t total_length = be16toh(header->total_length);

    if (header_length < IPV4_HEADER_MIN || total_length < header_length || total_length > length)
        return DROP_IP_HEADER;
    if (header_length > here)
        return DROP_FRAME_TOO_SHORT;
    if (checksum_ipv4(packet, header_length) != 0)
        return DROP_IP_CHECKSUM;

    view->header = header;
    view->header_length = header_length;
    view->total_length = total_length;
    view->source = be32toh(header->source);
    view->destination = be32toh(header->destination);
    return PARSE_OK;
}

/* The label stack entry at `offset` from the outer IP header: exactly one (RFC 3032). */
static enum drop_reason
parse_label(const struct ipv4_view *outer, size_t here, size_t offset, struct tunnel_view *view)
{
    const struct {
        mpls_entry entry;
    } __attribute__((packed)) *stack = (const void *)((const uint8_t *)outer->header + offset);

    if (offset + MPLS_ENTRY_OCTETS > outer->total_length)
        return DROP_LABEL_STACK;
    if (offset + MPLS_ENTRY_OCTETS > here)
        return DROP_FRAME_TOO_SHORT;

    const uint32_t entry = be32toh(stack->entry);

    if ((entry & MPLS_BOTTOM_OF_STACK) == 0)
        return DROP_LABEL_STACK;
    view->label = mpls_entry_label(stack->entry);
    view->ttl = (uint8_t)entry;
    view->inner_offset = (uint16_t)(offset + MPLS_ENTRY_OCTETS);
    return PARSE_OK;
}

static enum drop_reason
parse_tunnel_udp(const struct ipv4_view *outer, size_t here, struct tunnel_view *view)
{
    const size_t length = (size_t)outer->total_length - outer->header_length;
    const struct udp_header *udp =
        (const void *)((const uint8_t *)outer->header + outer->header_length);

    if (length < sizeof(*udp))
        return DROP_UDP_HEADER;
    if (here < outer->header_length + sizeof(*udp))
        return DROP_FRAME_TOO_SHORT;
    if (be16toh(udp->destination_port) != UDP_PORT_MPLS)
        return DROP_UNDERLAY_PROTOCOL;
    if (be16toh(udp->length) != length)
        return DROP_UDP_HEADER;
    if (udp->checksum != 0 && here >= outer->total_length &&
        checksum_transport_v4(outer->header, udp, length) != 0)
        return DROP_UDP_CHECKSUM;
    view->encapsulation = ENCAP_UDP;
    return parse_label(outer, here, outer->header_length + sizeof(*udp), view);
}

static enum drop_reason
parse_tunnel_gre(const struct ipv4_view *outer, size_t here, struct tunnel_view *view)
{
    const size_t length = (size_t)outer->total_length - outer->header_length;
    const struct gre_header *gre =
        (const void *)((const uint8_t *)outer->header + outer->header_length);
    size_t header_length = sizeof(*gre);

    if (length < sizeof(*gre))
        return DROP_GRE_HEADER;
    if (here < outer->header_length + sizeof(*gre))
        return DROP_FRAME_TOO_SHORT;

    const uint16_t flags = be16toh(gre->flags_version);

    if ((flags & ~(GRE_FLAG_CHECKSUM | GRE_FLAG_KEY)) != 0 ||
        be16toh(gre->protocol) != ETHERTYPE_MPLS)
        return DROP_GRE_HEADER;
    if ((flags & GRE_FLAG_CHECKSUM) != 0)
        header_length += GRE_CHECKSUM_OCTETS;
    if ((flags & GRE_FLAG_KEY) != 0)
        header_length += GRE_KEY_OCTETS;
    if (header_length > length)
        return DROP_GRE_HEADER;
    if ((flags & GRE_FLAG_CHECKSUM) != 0) {
        if (here < outer->total_length)
            return DROP_FRAME_TOO_SHORT;
        if (checksum_finish(checksum_add(0, gre, length)) != 0)
            return DROP_GRE_CHECKSUM;
    }
    view->encapsulation = ENCAP_GRE;
    return parse_label(outer, here, outer->header_length + header_length, view);
}

enum drop_reason
parse_tunnel(const struct ipv4_view *outer, size_t here, struct tunnel_view *view)
{
    const uint8_t protocol = outer->header->protocol;

    if (protocol != IP_PROTOCOL_UDP && protocol != IP_PROTOCOL_GRE)
        return DROP_UNDERLAY_PROTOCOL;
    if ((be16toh(outer->header->fragment) & (IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET)) != 0)
        return DROP_OUTER_FRAGMENT;
    return protocol == IP_PROTOCOL_UDP ? parse_tunnel_udp(outer, here, view)
                                       : parse_tunnel_gre(outer, here, view);
}

uint32_t
parse_flow_hash(const struct ipv4_view *view, size_t here)
{
    const struct ipv4_header *header = view->header;
    uint64_t rest = header->protocol;

    if (here > view->total_length)
        here = view->total_length;
    if ((header->protocol == IP_PROTOCOL_TCP || header->protocol == IP_PROTOCOL_UDP ||
         header->protocol == IP_PROTOCOL_SCTP) &&
        (be16toh(header->fragment) & (IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET)) == 0 &&
        here >= view->header_length + sizeof(struct tcp_ports)) {
        const struct tcp_ports *ports =
            (const void *)((const uint8_t *)header + view->header_length);

        rest |= (uint64_t)ports->source_port << 32 | (uint64_t)ports->destination_port << 16;
    }

    /* the multipliers of MurmurHash3's 64-bit finalizer; each multiplication carries a difference
     * upwards only, each shift brings it down again */
    uint64_t hash = ((uint64_t)view->source << 32 | view->destination) * 0xff51afd7ed558ccdull;

    hash = (hash ^ hash >> 32) + rest;
    hash = (hash ^ hash >> 32) * 0xc4ceb9fe1a85ec53ull;
    hash = (hash ^ hash >> 32) * 0xff51afd7ed558ccdull;
    return (uint32_t)(hash >> 32);
}
