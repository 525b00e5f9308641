/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Endpoints: the far ends of tunnels, with the outer header ready-made.
 *
 * One record for each (address, encapsulation), shared by all routes that lead there, immutable
 * once published and replaced by one store. The destination MAC address comes from the adjacency
 * (lib/table/adjacency.h), so the record need not change with it.
 */

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/net/addr.h"
#include "lib/net/encapsulation.h"
#include "lib/net/headers.h"
#include "lib/table/index.h"
#include "lib/table/underlay.h"

struct reclaim;

/* The widest: Ethernet and a tag, IPv6, UDP, VXLAN, and the inner frame's Ethernet header. */
#define ENDPOINT_HEADER_MAX 96

struct endpoint {
    uint8_t header_length; /* octets used in `header` */
    uint8_t encapsulation; /* enum encapsulation (lib/net/encapsulation.h) */
    uint16_t mtu;          /* largest inner IP packet, octets */
    uint16_t port;         /* underlay port */
    uint32_t adjacency;
    struct ip_addr address;
    /* Everything that stands before the inner IP packet, at the array's end, so that it ends where
     * the packet begins and can be copied with a length that the compiler knows; most of it, on a
     * cache line of its own. The destination MAC address, label or VNI, lengths, source port and
     * flow label are zero; the IPv4 checksum is computed for total length 0: egress adds the rest
     * (RFC 1624). */
    _Alignas(32) uint8_t header[ENDPOINT_HEADER_MAX];
};

struct endpoint_table {
    _Atomic(struct endpoint *) *entries; /* by index; written by control, read by workers */
    struct index_pool indexes;           /* control only */
};

/** @return 0 or -ENOMEM. */
int endpoint_table_init(struct endpoint_table *table, uint32_t limit, struct reclaim *reclaim);
void endpoint_table_free(struct endpoint_table *table);

/** Publishes a copy of `endpoint` under a free index. @return 0, -ENOSPC or -ENOMEM. Control. */
int endpoint_add(struct endpoint_table *table, const struct endpoint *endpoint, uint32_t *index);

/** Replaces a record by one store. @return 0 or -ENOMEM (the old one stays). Control. */
int endpoint_replace(struct endpoint_table *table, uint32_t index, const struct endpoint *endpoint);

/** Takes a record out; its index is used again after grace. No route may lead to it. Control. */
void endpoint_remove(struct endpoint_table *table, uint32_t index);

/** The record, or NULL if there is none (any more). Readers and control. */
static inline const struct endpoint *
endpoint_at(const struct endpoint_table *table, uint32_t index)
{
    return atomic_load_explicit(&table->entries[index], memory_order_acquire);
}

/**
 * Writes the ready-made outer header: Ethernet (destination zero) and the underlay's tag, IPv4 (TTL
 * 64, DF) or IPv6 (hop limit 64), GRE and label (RFC 4023), UDP and label (RFC 7510), or UDP, VXLAN
 * and the inner Ethernet header between two virtual routers (RFC 7348). UDP has no checksum, over
 * IPv6 by RFC 6935 and RFC 6936. Sets `mtu` to what the underlay leaves for the inner packet.
 * @param underlay has an address of the destination's family
 * @param source_mac our port's MAC address
 */
void endpoint_header_build(struct endpoint *endpoint, const struct underlay *underlay,
                           const struct mac_addr *source_mac, const struct ip_addr *destination,
                           enum encapsulation encapsulation);

/** Octets that an encapsulation puts between the outer Ethernet header and the inner IP packet. */
static inline uint16_t
endpoint_overhead(uint8_t family, enum encapsulation encapsulation)
{
    size_t octets = family == IP_V6 ? sizeof(struct ipv6_header) : sizeof(struct ipv4_header);

    switch (encapsulation) {
    case ENCAP_GRE:
        return (uint16_t)(octets + sizeof(struct gre_header) + sizeof(mpls_entry));
    case ENCAP_UDP:
        return (uint16_t)(octets + sizeof(struct udp_header) + sizeof(mpls_entry));
    case ENCAP_VXLAN:
        break;
    }
    return (uint16_t)(octets + sizeof(struct udp_header) + sizeof(struct vxlan_header) +
                      sizeof(struct eth_header));
}
