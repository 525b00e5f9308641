/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The heads of ordinary frames of an interface: see struct vif_head. What a head says must follow
 * from what the ingress half would judge (docs/architecture.md, "How a packet is judged"); it need
 * not say all of it, since what matches no head is judged one by one.
 */

#include <stddef.h>
#include <string.h>

#include "lib/net/headers.h"
#include "lib/table/vif.h"

/* A prefix so short has addresses of more than one kind, of which some may not be sent from. */
#define PREFIX_OF_ONE_KIND_V4 8
#define PREFIX_OF_ONE_KIND_V6 64

static void
require(struct vif_head *head, size_t offset, const void *value, size_t octets)
{
    memcpy(head->value + offset, value, octets);
    memset(head->mask + offset, 0xff, octets);
}

static void
require_bits(struct vif_head *head, size_t offset, uint8_t value, uint8_t bits)
{
    head->value[offset] = value & bits;
    head->mask[offset] = bits;
}

/* No frame has a bit under a mask of zeros. */
static void
match_nothing(struct vif_head *head)
{
    memset(head, 0, sizeof(*head));
    head->value[0] = 1;
}

/* Ethernet and the tag. @return where the IP header begins. */
static size_t
require_link(struct vif_head *head, const struct vif *vif, const struct mac_addr *gateway_mac,
             uint16_t ethertype)
{
    const be16 type = htobe16(ethertype), tag = htobe16(ETHERTYPE_VLAN);
    size_t at = offsetof(struct eth_header, type);

    require(head, offsetof(struct eth_header, destination), gateway_mac, sizeof(*gateway_mac));
    require(head, offsetof(struct eth_header, source), &vif->mac, sizeof(vif->mac));
    if (vif->vlan != VLAN_UNTAGGED) {
        require(head, at, &tag, sizeof(tag));
        require_bits(head, at + sizeof(tag), (uint8_t)(vif->vlan >> 8), VLAN_ID_MASK >> 8);
        require_bits(head, at + sizeof(tag) + 1, (uint8_t)vif->vlan, 0xff);
        at += sizeof(struct vlan_header);
    }
    require(head, at, &type, sizeof(type));
    return at + sizeof(type);
}

static bool
source_is_of_one_kind(const struct vif *vif)
{
    if (vif->n_sources == 0 || vif->sources[0].mask < ip_v4_mask(PREFIX_OF_ONE_KIND_V4))
        return false;
    const struct ip_addr network = ip_addr_from_v4(vif->sources[0].network);
    return ip_addr_is_unicast(&network);
}

static bool
source6_is_of_one_kind(const struct vif *vif)
{
    static const uint8_t zeros[PREFIX_OF_ONE_KIND_V6 / 8];

    if (vif->n_sources6 == 0 || vif->sources6[0].length < PREFIX_OF_ONE_KIND_V6)
        return false;
    const struct ip_addr network = ip_addr_from_v6(vif->sources6[0].network);
    /* special addresses are among those that begin with zeros */
    return ip_addr_is_unicast(&network) && memcmp(network.octets, zeros, sizeof(zeros)) != 0;
}

/* Frames to a group are for nobody, or for the slow path. */
static bool
is_group(const struct mac_addr *mac)
{
    return (mac->octets[0] & 1) != 0;
}

static void
head_make(struct vif *vif)
{
    struct vif_head *head = &vif->head;
    const uint16_t fragment = IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET;

    match_nothing(head);
    if (!vif->up || vif->metered_in || is_group(&vif->gateway_mac) || !source_is_of_one_kind(vif))
        return;
    const size_t ip = require_link(head, vif, &vif->gateway_mac, ETHERTYPE_IPV4);
    const be32 network = htobe32(vif->sources[0].network), mask = htobe32(vif->sources[0].mask);

    require_bits(head, ip + offsetof(struct ipv4_header, version_ihl), 0x45, 0xff);
    require_bits(head, ip + offsetof(struct ipv4_header, fragment), 0, fragment >> 8);
    require_bits(head, ip + offsetof(struct ipv4_header, fragment) + 1, 0, fragment & 0xff);
    memcpy(head->value + ip + offsetof(struct ipv4_header, source), &network, sizeof(network));
    memcpy(head->mask + ip + offsetof(struct ipv4_header, source), &mask, sizeof(mask));
}

static void
head6_make(struct vif *vif)
{
    struct vif_head *head = &vif->head6;

    match_nothing(head);
    /* a gateway that is a global address would be a destination as any */
    if (!vif->up || vif->metered_in || is_group(&vif->gateway_mac6) ||
        !source6_is_of_one_kind(vif) || ip_addr_is_unicast(&vif->gateway6))
        return;
    const struct vif_source6 *source = &vif->sources6[0];
    const size_t ip = require_link(head, vif, &vif->gateway_mac6, ETHERTYPE_IPV6);
    const size_t at = ip + offsetof(struct ipv6_header, source);

    require_bits(head, ip, 0x60, 0xf0);
    require(head, at, source->network, source->length / 8);
    if (source->length % 8 != 0)
        require_bits(head, at + source->length / 8, source->network[source->length / 8],
                     (uint8_t)(0xff00 >> source->length % 8));
}

void
vif_heads_make(struct vif *vif)
{
    head_make(vif);
    head6_make(vif);
}
