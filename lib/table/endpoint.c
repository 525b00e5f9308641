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

void
endpoint_header_build(struct endpoint *endpoint, const struct mac_addr *source_mac,
                      const struct ip_addr *source, const struct ip_addr *destination,
                      uint8_t encapsulation)
{
    struct eth_header eth = { .source = *source_mac, .type = htobe16(ETHERTYPE_IPV4) };
    struct ipv4_header ip = {
        .version_ihl = 0x45,
        .fragment = htobe16(IPV4_DONT_FRAGMENT),
        .ttl = OUTER_TTL,
        .protocol = encapsulation == ENCAP_GRE ? IP_PROTOCOL_GRE : IP_PROTOCOL_UDP,
        .source = htobe32(ip_addr_to_v4(source)),
        .destination = htobe32(ip_addr_to_v4(destination)),
    };
    uint8_t *at = endpoint->header;

    ip.checksum = checksum_ipv4(&ip, sizeof(ip));
    memset(endpoint->header, 0, sizeof(endpoint->header));
    at = mempcpy(at, &eth, sizeof(eth));
    at = mempcpy(at, &ip, sizeof(ip));
    if (encapsulation == ENCAP_GRE) {
        struct gre_header gre = { .protocol = htobe16(ETHERTYPE_MPLS) };

        at = mempcpy(at, &gre, sizeof(gre));
    } else {
        /* source port and length come with the packet; the checksum stays zero */
        struct udp_header udp = { .destination_port = htobe16(UDP_PORT_MPLS) };

        at = mempcpy(at, &udp, sizeof(udp));
    }
    endpoint->header_length = (uint8_t)(at - endpoint->header);
    endpoint->encapsulation = encapsulation;
    endpoint->address = *destination;
}
