/* SPDX-License-Identifier: BSD-3-Clause */

/* The table of tunnel endpoints, and the outer header that each keeps ready. */

#include "lib/table/endpoint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/net/checksum.h"
#include "lib/net/encapsulation.h"
#include "lib/net/headers.h"
#include "lib/table/reclaim.h"

#define OUTER_TTL 64

int
endpoint_table_init(struct endpoint_table *table, uint32_t limit, struct reclaim *reclaim)
{
    table->entries = calloc(limit, sizeof(*table->entries));
    if (index_pool_init(&table->indexes, limit, reclaim) != 0 || table->entries == NULL) {
        endpoint_table_free(table);
        return -ENOMEM;
    }
    return 0;
}

void
endpoint_table_free(struct endpoint_table *table)
{
    for (uint32_t i = 0; table->entries != NULL && i < table->indexes.high; i++)
        free(atomic_load_explicit(&table->entries[i], memory_order_relaxed));
    free(table->entries);
    table->entries = NULL;
    index_pool_free(&table->indexes);
}

static struct endpoint *
endpoint_copy(const struct endpoint *endpoint)
{
    /* on cache lines of its own: workers read the first two of it for each packet */
    struct endpoint *copy = aligned_alloc(64, (sizeof(*copy) + 63) / 64 * 64);

    if (copy != NULL)
        *copy = *endpoint;
    return copy;
}

int
endpoint_add(struct endpoint_table *table, const struct endpoint *endpoint, uint32_t *index)
{
    struct endpoint *copy;

    if (index_take(&table->indexes, index) != 0)
        return -ENOSPC;
    copy = endpoint_copy(endpoint);
    if (copy == NULL) {
        index_give(&table->indexes, *index);
        return -ENOMEM;
    }
    atomic_store_explicit(&table->entries[*index], copy, memory_order_release);
    return 0;
}

/* Stores `endpoint` (or NULL) in place of what is there, which is freed after grace. */
static void
endpoint_store(struct endpoint_table *table, uint32_t index, struct endpoint *endpoint)
{
    struct endpoint *old = atomic_load_explicit(&table->entries[index], memory_order_relaxed);

    atomic_store_explicit(&table->entries[index], endpoint, memory_order_release);
    reclaim_defer(table->indexes.reclaim, free, old);
}

int
endpoint_replace(struct endpoint_table *table, uint32_t index, const struct endpoint *endpoint)
{
    struct endpoint *copy = endpoint_copy(endpoint);

    if (copy == NULL)
        return -ENOMEM;
    endpoint_store(table, index, copy);
    return 0;
}

void
endpoint_remove(struct endpoint_table *table, uint32_t index)
{
    endpoint_store(table, index, NULL);
    index_retire(&table->indexes, index);
}

/* Ethernet and the tag of the underlay. @return where the IP header begins. */
static uint8_t *
write_link(uint8_t *at, const struct underlay *underlay, const struct mac_addr *source_mac,
           uint8_t family)
{
    const be16 type = htobe16(family == IP_V6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4);
    struct eth_header eth = { .source = *source_mac, .type = type };
    struct vlan_header tag = { .tci = htobe16(underlay->vlan), .type = type };

    if (underlay->vlan == 0)
        return mempcpy(at, &eth, sizeof(eth));
    eth.type = htobe16(ETHERTYPE_VLAN);
    return mempcpy(mempcpy(at, &eth, sizeof(eth)), &tag, sizeof(tag));
}

static uint8_t *
write_ip(uint8_t *at, const struct underlay *underlay, const struct ip_addr *destination,
         uint8_t protocol)
{
    const uint8_t class = underlay->dscp_model == DSCP_PIPE ? (uint8_t)(underlay->dscp << 2) : 0;

    if (destination->family == IP_V6) {
        struct ipv6_header ip = {
            .version_class_flow = htobe32(6u << 28 | (uint32_t) class << 20),
            .next_header = protocol,
            .hop_limit = OUTER_TTL,
        };

        memcpy(ip.source, underlay->v6.octets, sizeof(ip.source));
        memcpy(ip.destination, destination->octets, sizeof(ip.destination));
        return mempcpy(at, &ip, sizeof(ip));
    }
    struct ipv4_header ip = {
        .version_ihl = 0x45,
        .dscp_ecn = class,
        .fragment = htobe16(IPV4_DONT_FRAGMENT),
        .ttl = OUTER_TTL,
        .protocol = protocol,
        .source = htobe32(ip_addr_to_v4(&underlay->v4)),
        .destination = htobe32(ip_addr_to_v4(destination)),
    };

    ip.checksum = checksum_ipv4(&ip, sizeof(ip));
    return mempcpy(at, &ip, sizeof(ip));
}

/* What stands between the outer IP header and the inner packet. */
static uint8_t *
write_shim(uint8_t *at, enum encapsulation encapsulation)
{
    const struct gre_header gre = { .protocol = htobe16(ETHERTYPE_MPLS) };
    const struct vxlan_header vxlan = { .flags = htobe32(VXLAN_FLAG_VNI) };
    const struct eth_header inner = { .destination = MAC_VIRTUAL_ROUTER,
                                      .source = MAC_VIRTUAL_ROUTER };
    struct udp_header udp = { .destination_port = htobe16(UDP_PORT_MPLS) };

    if (encapsulation == ENCAP_GRE) {
        at = mempcpy(at, &gre, sizeof(gre));
        return at + sizeof(mpls_entry);
    }
    if (encapsulation == ENCAP_UDP)
        return (uint8_t *)mempcpy(at, &udp, sizeof(udp)) + sizeof(mpls_entry);
    udp.destination_port = htobe16(UDP_PORT_VXLAN);
    at = mempcpy(at, &udp, sizeof(udp));
    at = mempcpy(at, &vxlan, sizeof(vxlan));
    return mempcpy(at, &inner, sizeof(inner));
}

void
endpoint_header_build(struct endpoint *endpoint, const struct underlay *underlay,
                      const struct mac_addr *source_mac, const struct ip_addr *destination,
                      enum encapsulation encapsulation)
{
    const uint8_t protocol = encapsulation == ENCAP_GRE ? IP_PROTOCOL_GRE : IP_PROTOCOL_UDP;
    uint8_t header[ENDPOINT_HEADER_MAX] = { 0 };
    uint8_t *at = write_link(header, underlay, source_mac, destination->family);

    at = write_ip(at, underlay, destination, protocol);
    at = write_shim(at, encapsulation);
    endpoint->header_length = (uint8_t)(at - header);
    memset(endpoint->header, 0, sizeof(endpoint->header));
    memcpy(endpoint->header + sizeof(header) - endpoint->header_length, header,
           endpoint->header_length);
    endpoint->encapsulation = (uint8_t)encapsulation;
    endpoint->mtu =
        (uint16_t)(underlay->mtu - endpoint_overhead(destination->family, encapsulation));
    endpoint->address = *destination;
}
