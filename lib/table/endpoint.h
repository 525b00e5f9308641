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
#include "lib/table/index.h"

struct reclaim;

#define ENDPOINT_HEADER_MAX 64

struct endpoint {
    /* The outer frame from Ethernet up to and without the MPLS label entry, lengths zero, the
     * IPv4 checksum computed for total length 0: egress adds the rest (RFC 1624). */
    uint8_t header[ENDPOINT_HEADER_MAX];
    uint8_t header_length; /* octets used in `header`: Ethernet + IPv4 + (GRE | UDP) */
    uint8_t encapsulation; /* enum encapsulation (lib/net/encapsulation.h) */
    uint16_t mtu;          /* largest inner IP packet, octets */
    uint16_t port;         /* underlay port */
    uint32_t adjacency;
    struct ip_addr address;
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
 * Writes the ready-made outer header of an IPv4 underlay: Ethernet (destination zero), IPv4 (TTL
 * 64, DF, DSCP 0) and GRE or UDP up to the label (RFC 4023, RFC 7510).
 * @param source_mac our port's MAC address
 * @param encapsulation ENCAP_UDP or ENCAP_GRE
 */
void endpoint_header_build(struct endpoint *endpoint, const struct mac_addr *source_mac,
                           const struct ip_addr *source, const struct ip_addr *destination,
                           uint8_t encapsulation);
