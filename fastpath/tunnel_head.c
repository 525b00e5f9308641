/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The heads of ordinary tunnelled frames: see tunnel_head.h. The values are those of the header
 * that a far end has ready for us (lib/table/endpoint.h), so that nothing about the encapsulations
 * is said twice; what is left to say is which bits of it matter.
 */

#include "fastpath/tunnel_head.h"

#include <stddef.h>
#include <string.h>

#include "fastpath/traffic_class.h"
#include "lib/net/encapsulation.h"
#include "lib/net/headers.h"
#include "lib/table/endpoint.h"

#define LABEL_SHIFT 12
#define VNI_SHIFT   8

/* The masks, header by header: what is zero may be anything. */
static const struct eth_header eth_mask = { .type = 0xffff };
static const struct vlan_header vlan_mask = { .tci = 0xffff, .type = 0xffff };
static const struct gre_header gre_mask = { 0xffff, 0xffff };
static const struct udp_header udp_mask = { .destination_port = 0xffff, .checksum = 0xffff };

/* A head that grows by a header at a time. */
static void
mask_add(struct tunnel_head *head, uint8_t *at, const void *mask, size_t octets)
{
    memcpy(head->mask + *at, mask, octets);
    *at = (uint8_t)(*at + octets);
}

static void
add_link(struct tunnel_head *head, uint8_t *at, const struct underlay *underlay)
{
    struct vlan_header tag = vlan_mask;

    tag.tci = htobe16(VLAN_ID_MASK);
    mask_add(head, at, &eth_mask, sizeof(eth_mask));
    if (underlay->vlan != VLAN_UNTAGGED)
        mask_add(head, at, &tag, sizeof(tag));
    head->outer_offset = *at;
}

/* No options and no fragment; to us. */
static void
add_ip(struct tunnel_head *head, uint8_t *at)
{
    if (head->family == IP_V4) {
        const struct ipv4_header mask = {
            .version_ihl = 0xff,
            .fragment = htobe16(IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET),
            .protocol = 0xff,
            .destination = UINT32_MAX,
        };

        head->total_offset = (uint8_t)(*at + offsetof(struct ipv4_header, total_length));
        head->class_shift = 16;
        mask_add(head, at, &mask, sizeof(mask));
    } else {
        struct ipv6_header mask = {
            .version_class_flow = htobe32(0xf0000000u),
            .next_header = 0xff,
        };

        memset(mask.destination, 0xff, sizeof(mask.destination));
        head->total_offset = (uint8_t)(*at + offsetof(struct ipv6_header, payload_length));
        head->total_more = sizeof(struct ipv6_header);
        head->class_shift = 20;
        mask_add(head, at, &mask, sizeof(mask));
    }
}

/* UDP without a checksum, or GRE without a flag. */
static void
add_transport(struct tunnel_head *head, uint8_t *at, enum encapsulation encapsulation)
{
    if (encapsulation == ENCAP_GRE) {
        head->udp_offset = head->total_offset;
        head->udp_more = head->total_more;
        mask_add(head, at, &gre_mask, sizeof(gre_mask));
    } else {
        head->udp_offset = (uint8_t)(*at + offsetof(struct udp_header, length));
        head->udp_more = (uint8_t)(*at - head->outer_offset);
        mask_add(head, at, &udp_mask, sizeof(udp_mask));
    }
}

static void
add_label(struct tunnel_head *head, uint8_t *at)
{
    const be32 bottom = htobe32(MPLS_BOTTOM_OF_STACK);

    head->label_offset = *at;
    head->label_shift = LABEL_SHIFT;
    memcpy(head->value + *at, &bottom, sizeof(bottom));
    mask_add(head, at, &bottom, sizeof(bottom));
}

/* With the inner Ethernet header, to the virtual router of the inner family. */
static void
add_vxlan(struct tunnel_head *head, uint8_t *at, uint8_t inner_family)
{
    const struct vxlan_header vxlan = { .flags = htobe32(VXLAN_FLAG_VNI) };
    const struct eth_header inner = {
        .destination = inner_family == IP_V6 ? MAC_VIRTUAL_ROUTER_V6 : MAC_VIRTUAL_ROUTER,
        .type = htobe16(inner_family == IP_V6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4),
    };
    struct eth_header mask = eth_mask;

    memset(&mask.destination, 0xff, sizeof(mask.destination));
    head->label_offset = (uint8_t)(*at + offsetof(struct vxlan_header, vni));
    head->label_shift = VNI_SHIFT;
    mask_add(head, at, &vxlan, sizeof(vxlan));
    memcpy(head->value + *at, &inner, sizeof(inner));
    mask_add(head, at, &mask, sizeof(mask));
}

static void
head_make(struct tunnel_head *head, const struct underlay *underlay, const struct ip_addr *us,
          enum encapsulation encapsulation, uint8_t inner_family)
{
    static const struct mac_addr any;
    struct endpoint far;
    uint8_t at = 0;

    *head = (struct tunnel_head){
        .family = us->family,
        .encapsulation = encapsulation,
        .inner_family = inner_family,
    };
    endpoint_header_build(&far, underlay, &any, us, encapsulation);
    memcpy(head->value, far.header + sizeof(far.header) - far.header_length, far.header_length);
    add_link(head, &at, underlay);
    add_ip(head, &at);
    add_transport(head, &at, encapsulation);
    if (encapsulation == ENCAP_VXLAN)
        add_vxlan(head, &at, inner_family);
    else
        add_label(head, &at);
    head->inner_offset = at;
    for (unsigned i = 0; i < TUNNEL_HEAD_OCTETS; i++)
        head->value[i] &= head->mask[i];
}

/* Which classes stay, by the rules for all of them. */
static void
classes_make(struct tunnel_classes *classes, const struct underlay *underlay)
{
    classes->ecn_kept = 0;
    classes->dscp_compared = underlay->dscp_model == DSCP_UNIFORM ? DSCP_MASK : 0;
    for (uint8_t outer = 0; outer <= ECN_MASK; outer++) {
        for (uint8_t inner = 0; inner <= ECN_MASK; inner++) {
            uint8_t class;

            if (traffic_class_inwards(underlay, outer, inner, &class) && class == inner)
                classes->ecn_kept |= 1u << (outer * (ECN_MASK + 1) + inner);
        }
    }
}

void
tunnel_heads_make(struct tunnel_heads *heads, const struct underlay *underlay)
{
    static const struct {
        enum encapsulation encapsulation;
        uint8_t inner_family;
    } kinds[] = {
        { ENCAP_UDP, IP_NONE },
        { ENCAP_GRE, IP_NONE },
        { ENCAP_VXLAN, IP_V4 },
        { ENCAP_VXLAN, IP_V6 },
    };
    static const uint8_t families[] = { IP_V4, IP_V6 };

    classes_make(&heads->classes, underlay);
    heads->n = 0;
    for (unsigned family = 0; family < sizeof(families); family++) {
        const struct ip_addr *us = underlay_address(underlay, families[family]);

        for (unsigned kind = 0; us != NULL && kind < sizeof(kinds) / sizeof(kinds[0]); kind++)
            head_make(&heads->heads[heads->n++], underlay, us, kinds[kind].encapsulation,
                      kinds[kind].inner_family);
    }
}
