/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The validated parse views: see parse.h. Each function reads a field only after it has compared
 * the length with where that field ends.
 */

#include "lib/net/parse.h"

#include <string.h>

#include "lib/net/checksum.h"
#include "lib/net/encapsulation.h"

#define MPLS_ENTRY_OCTETS 4u

/* Extension headers that are looked at, and what each has at least. */
#define IPV6_EXTENSIONS_MAX 8
#define IPV6_EXTENSION_MIN  8u

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
parse_ipv4(const uint8_t *packet, size_t here, size_t length, struct ip_view *view)
{
    const struct ipv4_header *header = (const void *)packet;

    if (here > length)
        here = length;
    if (here < 1)
        return DROP_FRAME_TOO_SHORT;
    if (packet[0] >> 4 != 4)
        return DROP_IP_VERSION;
    if (here < IPV4_HEADER_MIN)
        return DROP_FRAME_TOO_SHORT;

    const uint16_t header_length = (uint16_t)((header->version_ihl & 0x0f) * 4);
    const uint16_t total_length = be16toh(header->total_length);

    if (header_length < IPV4_HEADER_MIN || total_length < header_length || total_length > length)
        return DROP_IP_HEADER;
    if (header_length > here)
        return DROP_FRAME_TOO_SHORT;
    if (checksum_ipv4(packet, header_length) != 0)
        return DROP_IP_CHECKSUM;

    view->v4 = header;
    view->family = IP_V4;
    view->protocol = header->protocol;
    view->fragment =
        (be16toh(header->fragment) & (IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET)) != 0;
    view->header_length = header_length;
    view->transport = header_length;
    view->total_length = total_length;
    view->source = be32toh(header->source);
    view->destination = be32toh(header->destination);
    return PARSE_OK;
}

/* Follows the chain of extension headers to what is carried, `here` octets at most. */
static void
walk_extensions(const uint8_t *packet, size_t here, struct ip_view *view)
{
    uint8_t next = view->v6->next_header;
    size_t at = sizeof(*view->v6);

    view->transport = 0;
    view->fragment = false;
    for (unsigned i = 0; i < IPV6_EXTENSIONS_MAX; i++) {
        view->protocol = next;
        switch (next) {
        case IPV6_HOP_BY_HOP:
        case IPV6_ROUTING:
        case IPV6_DESTINATION:
        case IPV6_AUTH:
        case IPV6_FRAGMENT:
            break;
        default:
            view->transport = (uint16_t)at;
            return;
        }
        if (at + IPV6_EXTENSION_MIN > here)
            return;
        if (next == IPV6_FRAGMENT) {
            const struct ipv6_fragment *fragment = (const void *)(packet + at);

            if ((be16toh(fragment->offset) & (IPV6_FRAGMENT_OFFSET | IPV6_MORE_FRAGMENTS)) != 0)
                view->fragment = true;
            if ((be16toh(fragment->offset) & IPV6_FRAGMENT_OFFSET) != 0) {
                /* what follows is the middle of something */
                view->protocol = fragment->next_header;
                return;
            }
        }
        const size_t octets = next == IPV6_FRAGMENT ? sizeof(struct ipv6_fragment)
                              : next == IPV6_AUTH   ? (packet[at + 1] + 2u) * 4
                                                    : (packet[at + 1] + 1u) * 8;
        next = packet[at];
        at += octets;
        if (at > here)
            return;
    }
}

enum drop_reason
parse_ipv6(const uint8_t *packet, size_t here, size_t length, struct ip_view *view)
{
    const struct ipv6_header *header = (const void *)packet;

    if (here > length)
        here = length;
    if (here < 1)
        return DROP_FRAME_TOO_SHORT;
    if (packet[0] >> 4 != 6)
        return DROP_IP_VERSION;
    if (here < sizeof(*header))
        return DROP_FRAME_TOO_SHORT;

    const size_t total_length = sizeof(*header) + be16toh(header->payload_length);

    if (total_length > length || total_length > UINT16_MAX ||
        (header->payload_length == 0 && header->next_header == IPV6_HOP_BY_HOP))
        return DROP_IP_HEADER;
    view->v6 = header;
    view->family = IP_V6;
    view->header_length = sizeof(*header);
    view->total_length = (uint16_t)total_length;
    view->source = view->destination = 0;
    walk_extensions(packet, here < total_length ? here : total_length, view);
    return PARSE_OK;
}

enum drop_reason
parse_ip(const uint8_t *packet, size_t here, size_t length, struct ip_view *view)
{
    if (here == 0 || length == 0)
        return DROP_FRAME_TOO_SHORT;
    return packet[0] >> 4 == 6 ? parse_ipv6(packet, here, length, view)
                               : parse_ipv4(packet, here, length, view);
}

bool
parse_is_nd(const struct ip_view *view, size_t here)
{
    if (view->family != IP_V6 || view->protocol != IP_PROTOCOL_ICMPV6 || view->fragment ||
        view->transport == 0 || view->transport >= here || view->transport >= view->total_length)
        return false;

    const uint8_t type = view->octets[view->transport];

    return type >= ND_ROUTER_SOLICITATION && type <= ND_REDIRECT;
}

bool
icmp_type_is_error(uint8_t family, uint8_t type)
{
    if (family == IP_V6)
        return type < 128;
    switch (type) {
    case 3:  /* destination unreachable */
    case 4:  /* source quench */
    case 5:  /* redirect */
    case 11: /* time exceeded */
    case 12: /* parameter problem */
        return true;
    default:
        return false;
    }
}

bool
parse_is_icmp_error(const struct ip_view *view, size_t here)
{
    const uint8_t protocol = view->family == IP_V4 ? IP_PROTOCOL_ICMP : IP_PROTOCOL_ICMPV6;

    return view->protocol == protocol && !view->fragment && view->transport != 0 &&
           view->transport < here && view->transport < view->total_length &&
           icmp_type_is_error(view->family, view->octets[view->transport]);
}

/* The label stack entry at `offset` from the outer IP header: exactly one (RFC 3032). */
static enum drop_reason
parse_label(const struct ip_view *outer, size_t here, size_t offset, struct tunnel_view *view)
{
    const struct {
        mpls_entry entry;
    } __attribute__((packed)) *stack = (const void *)(outer->octets + offset);

    if (offset + MPLS_ENTRY_OCTETS > outer->total_length)
        return DROP_LABEL_STACK;
    if (offset + MPLS_ENTRY_OCTETS > here)
        return DROP_FRAME_TOO_SHORT;
    if ((be32toh(stack->entry) & MPLS_BOTTOM_OF_STACK) == 0)
        return DROP_LABEL_STACK;
    view->label = mpls_entry_label(stack->entry);
    view->family = IP_NONE;
    view->inner_offset = (uint16_t)(offset + MPLS_ENTRY_OCTETS);
    return PARSE_OK;
}

/* VXLAN and the inner frame's header at `offset` from the outer IP header. */
static enum drop_reason
parse_vxlan(const struct ip_view *outer, size_t here, size_t offset, struct tunnel_view *view)
{
    const struct {
        struct vxlan_header vxlan;
        struct eth_header eth;
    } __attribute__((packed)) *header = (const void *)(outer->octets + offset);

    if (offset + sizeof(*header) > outer->total_length)
        return DROP_VXLAN_HEADER;
    if (offset + sizeof(*header) > here)
        return DROP_FRAME_TOO_SHORT;
    if ((be32toh(header->vxlan.flags) & VXLAN_FLAG_VNI) == 0 ||
        (!mac_equal(&header->eth.destination, &MAC_VIRTUAL_ROUTER) &&
         !mac_equal(&header->eth.destination, &MAC_VIRTUAL_ROUTER_V6)))
        return DROP_VXLAN_HEADER;
    switch (be16toh(header->eth.type)) {
    case ETHERTYPE_IPV4:
        view->family = IP_V4;
        break;
    case ETHERTYPE_IPV6:
        view->family = IP_V6;
        break;
    default:
        return DROP_ETHERTYPE;
    }
    view->label = be32toh(header->vxlan.vni) >> 8;
    view->inner_offset = (uint16_t)(offset + sizeof(*header));
    return PARSE_OK;
}

static be16
udp_checksum(const struct ip_view *outer, const struct udp_header *udp, size_t length)
{
    return outer->family == IP_V4 ? checksum_transport_v4(outer->v4, udp, length)
                                  : checksum_transport_v6(outer->v6, IP_PROTOCOL_UDP, udp, length);
}

static enum drop_reason
parse_tunnel_udp(const struct ip_view *outer, size_t here, struct tunnel_view *view)
{
    const size_t length = (size_t)outer->total_length - outer->transport;
    const struct udp_header *udp = (const void *)(outer->octets + outer->transport);

    if (length < sizeof(*udp))
        return DROP_UDP_HEADER;
    if (here < outer->transport + sizeof(*udp))
        return DROP_FRAME_TOO_SHORT;

    const bool vxlan = udp->destination_port == htobe16(UDP_PORT_VXLAN);

    if (!vxlan && udp->destination_port != htobe16(UDP_PORT_MPLS))
        return DROP_UNDERLAY_PROTOCOL;
    if (be16toh(udp->length) != length)
        return DROP_UDP_HEADER;
    view->unverified = udp->checksum != 0 && here < outer->total_length;
    if (udp->checksum != 0 && !view->unverified && udp_checksum(outer, udp, length) != 0)
        return DROP_UDP_CHECKSUM;
    view->encapsulation = vxlan ? ENCAP_VXLAN : ENCAP_UDP;
    return vxlan ? parse_vxlan(outer, here, outer->transport + sizeof(*udp), view)
                 : parse_label(outer, here, outer->transport + sizeof(*udp), view);
}

static enum drop_reason
parse_tunnel_gre(const struct ip_view *outer, size_t here, struct tunnel_view *view)
{
    const size_t length = (size_t)outer->total_length - outer->transport;
    const struct gre_header *gre = (const void *)(outer->octets + outer->transport);
    size_t header_length = sizeof(*gre);

    if (length < sizeof(*gre))
        return DROP_GRE_HEADER;
    if (here < outer->transport + sizeof(*gre))
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
        view->unverified = here < outer->total_length;
        if (!view->unverified && checksum_finish(checksum_add(0, gre, length)) != 0)
            return DROP_GRE_CHECKSUM;
    }
    view->encapsulation = ENCAP_GRE;
    return parse_label(outer, here, outer->transport + header_length, view);
}

bool
parse_is_tunnel(const struct ip_view *outer, size_t here)
{
    const struct udp_header *udp = (const void *)(outer->octets + outer->transport);

    if (outer->protocol == IP_PROTOCOL_GRE)
        return true;
    if (outer->protocol != IP_PROTOCOL_UDP)
        return false;
    if (outer->fragment || outer->transport == 0 || here < outer->transport + sizeof(*udp))
        return true; /* nobody can tell yet */
    return udp->destination_port == htobe16(UDP_PORT_VXLAN) ||
           udp->destination_port == htobe16(UDP_PORT_MPLS);
}

enum drop_reason
parse_tunnel(const struct ip_view *outer, size_t here, struct tunnel_view *view)
{
    view->unverified = false;
    if (outer->protocol != IP_PROTOCOL_UDP && outer->protocol != IP_PROTOCOL_GRE)
        return DROP_UNDERLAY_PROTOCOL;
    if (outer->fragment)
        return DROP_OUTER_FRAGMENT;
    if (outer->transport == 0)
        return DROP_FRAME_TOO_SHORT;
    return outer->protocol == IP_PROTOCOL_UDP ? parse_tunnel_udp(outer, here, view)
                                              : parse_tunnel_gre(outer, here, view);
}

uint32_t
parse_flow_hash(const struct ip_view *view, size_t here)
{
    /* what an IPv6 fragment carries stands in the first one alone */
    uint64_t rest = view->fragment && view->family == IP_V6 ? 0 : view->protocol;

    if (here > view->total_length)
        here = view->total_length;
    if ((view->protocol == IP_PROTOCOL_TCP || view->protocol == IP_PROTOCOL_UDP ||
         view->protocol == IP_PROTOCOL_SCTP) &&
        !view->fragment && view->transport != 0 &&
        here >= view->transport + sizeof(struct tcp_ports))
        rest =
            flow_rest(view->protocol, *(const struct tcp_ports *)(view->octets + view->transport));
    return flow_hash(view->family == IP_V4 ? flow_addresses_v4(view->source, view->destination)
                                           : flow_addresses_v6(view->v6),
                     rest);
}
