/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Virtual interfaces: a port, or a port and an 802.1Q tag, bound to one VRF (C2).
 *
 * A record is immutable once published and replaced by one store; workers read its first cache
 * lines, the slow path the rest. The control thread writes.
 */

#include <stdatomic.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/net/addr.h"
#include "lib/net/headers.h"
#include "lib/table/index.h"

struct reclaim;

#define VIF_NAME_MAX    64
#define VIF_SOURCES_MAX 16
#define VIF_DNS_MAX     4
#define VIF_NONE        UINT32_MAX
#define VIF_MTU_MIN     576
#define VIF_MTU_MAX     9600
#define VLAN_UNTAGGED   0
#define VLAN_ID_MAX     4094

/* An IPv4 network that the guest may send from: an address it was given, or a prefix behind it. */
struct vif_source {
    uint32_t network, mask; /* host order */
};

struct vif_source6 {
    uint8_t network[16]; /* host bits zero */
    uint8_t length;
};

/* What may pass in one direction; zero: any amount. */
struct vif_rate {
    uint64_t packets; /* a second */
    uint64_t bits;    /* a second, of frames without their check sequence */
};

/* What a rate may be. */
#define VIF_RATE_PACKETS_MIN 10u
#define VIF_RATE_PACKETS_MAX 1000000000u    /* a second */
#define VIF_RATE_BITS_MIN    8000u          /* a second */
#define VIF_RATE_BITS_MAX    1000000000000u /* a second */

/* What DHCP, ARP and neighbour discovery tell the guest. */
struct vif_service {
    bool dhcp;              /* DHCP is answered */
    struct ip_addr address; /* IPv4; the guest's first address */
    uint8_t prefix_length;  /* 32: point-to-point model; else the subnet of the multipoint model */
    uint32_t lease_seconds;
    uint8_t n_dns;
    struct ip_addr dns[VIF_DNS_MAX];
    bool router_advertisement; /* a router solicitation is answered */
    uint8_t n_addresses6;      /* the guest's own IPv6 addresses: nobody answers for them */
    struct ip_addr addresses6[VIF_SOURCES_MAX];
};

/*
 * What the first octets of an ordinary frame from a guest look like, ready to be compared with the
 * frame in one go: the MAC addresses, tag and type, the IP version (IPv4: without options, no
 * fragment), and the first source address or prefix of the family that all may be sent from. A head
 * that no frame matches stands where nothing is ordinary: the interface is down, has a rate, or no
 * such source.
 */
#define VIF_HEAD_OCTETS 64

struct vif_head {
    _Alignas(VIF_HEAD_OCTETS) uint8_t mask[VIF_HEAD_OCTETS];
    uint8_t value[VIF_HEAD_OCTETS]; /* of the octets under the mask */
};

/* Ethernet and the tag as they stand before each packet to the guest, at the array's end, so that
 * they end where the packet begins. */
struct vif_header {
    uint8_t octets[sizeof(struct eth_header) + sizeof(struct vlan_header)];
};

struct vif {
    /* read by workers for each packet */
    uint32_t id;
    uint32_t vrf; /* number of the VRF (lib/table/vrf.h) */
    uint16_t port;
    uint16_t vlan; /* VLAN_UNTAGGED or 1-4094 */
    uint16_t mtu;  /* largest IP packet towards the guest, octets */
    bool up;       /* administratively up and the port's link is up */
    uint8_t n_sources, n_sources6;
    uint16_t mss;                 /* the largest TCP/IPv4 segment in a SYN, either way; 0: any */
    bool metered_in, metered_out; /* one of the rates is set; by the table */
    uint8_t header_length;        /* octets used in the headers; */
    struct vif_header header, header6; /* by the table */
    struct mac_addr mac;               /* the guest's */
    struct mac_addr gateway_mac;       /* the virtual router's, for IPv4 and ARP */
    struct mac_addr gateway_mac6;      /* and for IPv6 */
    uint32_t rates_version; /* another one for other rates: meters begin anew; set by the table */
    struct vif_head head, head6; /* of IPv4 and IPv6; by the table */
    struct vif_source sources[VIF_SOURCES_MAX];
    struct vif_source6 sources6[VIF_SOURCES_MAX];
    struct vif_rate rate_in, rate_out; /* from and to the guest (C44) */

    /* read by the slow path */
    struct ip_addr gateway;  /* the first-hop router's IPv4 address towards this guest */
    struct ip_addr gateway6; /* and its link-local IPv6 address */
    struct vif_service service;
    char name[VIF_NAME_MAX];
};

/* The interfaces of one port: by tag, or the one without. */
struct vif_port {
    _Atomic uint32_t untagged; /* VIF_NONE if there is none */
    _Atomic uint32_t *by_vlan; /* 4096 words while there are tags, else NULL */
    uint16_t n_tags;           /* control only */
};

struct vif_table {
    _Atomic(struct vif *) *entries; /* by id */
    uint32_t limit;
    struct vif_port *ports; /* by port number; fixed array of `n_ports` */
    uint16_t n_ports;
    struct index_pool ids; /* control only */
    uint32_t rates_version;
};

/** @return 0 or -ENOMEM. */
int vif_table_init(struct vif_table *table, uint32_t limit, uint16_t n_ports,
                   struct reclaim *reclaim);
void vif_table_free(struct vif_table *table);

/**
 * Publishes a copy of `vif` under a free id and binds its port and tag to it.
 * @return 0, -EINVAL (no such port or tag, or a rate out of range), -EEXIST (they are taken),
 * -ENOSPC or -ENOMEM. Control thread.
 */
int vif_add(struct vif_table *table, const struct vif *vif, uint32_t *id);

/** Replaces a record by one store; port and tag must be the same. @return 0, -EINVAL, -ENOMEM. */
int vif_replace(struct vif_table *table, uint32_t id, const struct vif *vif);

/** Takes an interface out; its id is used again after grace. Control thread. */
void vif_remove(struct vif_table *table, uint32_t id);

/** Makes the heads of a record, whose other fields for workers are set. */
void vif_heads_make(struct vif *vif);

/** The record, or NULL if there is none (any more). Readers and control. */
static inline const struct vif *
vif_at(const struct vif_table *table, uint32_t id)
{
    return id < table->limit ? atomic_load_explicit(&table->entries[id], memory_order_acquire)
                             : NULL;
}

/** The id of the interface at a port and tag (VLAN_UNTAGGED: none), or VIF_NONE. Readers. */
static inline uint32_t
vif_lookup(const struct vif_table *table, uint16_t port, uint16_t vlan)
{
    const struct vif_port *at = &table->ports[port];

    if (vlan == VLAN_UNTAGGED)
        return atomic_load_explicit(&at->untagged, memory_order_acquire);
    const _Atomic uint32_t *by_vlan = __atomic_load_n(&at->by_vlan, __ATOMIC_ACQUIRE);
    return by_vlan == NULL ? VIF_NONE : atomic_load_explicit(&by_vlan[vlan], memory_order_acquire);
}
