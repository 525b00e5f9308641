/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What travels with a packet that changes threads: a note in the packet buffer's private area.
 * Numbers, never pointers into tables: the reader looks them up again and finds them gone if they
 * are.
 */

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

/* What a worker is to do with a packet that another thread gives it. */
enum packet_task {
    TASK_SEND,    /* a complete frame: send it on `port` */
    TASK_RECEIVE, /* a frame of the underlay port `port`: take it as if it had just been received */
    TASK_ROUTE,   /* an IP packet without link header: route it in the upstream root of `vrf` */
};

struct packet_note {
    uint8_t reason;     /* punts: enum punt_reason */
    uint8_t task;       /* injected or handed over: enum packet_task */
    uint8_t hops;       /* VRFs that the packet has been looked up in */
    uint16_t port;      /* where it came from, or, injected or handed over, where it goes to */
    uint32_t vif;       /* the interface it came from, or VIF_NONE */
    uint32_t vrf;       /* the VRF it is in; VRF_NONE before it is in one */
    uint32_t adjacency; /* PUNT_ADJACENCY: what the complete outer frame waits for */
    uint16_t l3_offset; /* from the frame's start to the (inner) IP header, octets */
    uint16_t mtu;       /* PUNT_TOO_BIG: the largest IP packet that would pass, octets */
    uint32_t account;   /* injected or handed over: whose transmission it counts as, below */
};

/* Whose transmission a frame counts as, beside its port's: an interface's, an endpoint's, or, zero,
 * nobody's. */
#define PACKET_ACCOUNT_NONE     0u
#define PACKET_ACCOUNT_VIF      (1u << 30)
#define PACKET_ACCOUNT_ENDPOINT (1u << 31)
/* With PACKET_ACCOUNT_VIF: whoever sends it asks the interface's meter first. */
#define PACKET_ACCOUNT_METERED (1u << 29)

/** Whom a packet is counted for when it is sent: an interface, an endpoint, or nobody. */
static inline bool
packet_account_is_vif(uint32_t account)
{
    return (account & PACKET_ACCOUNT_VIF) != 0;
}

static inline bool
packet_account_is_endpoint(uint32_t account)
{
    return (account & PACKET_ACCOUNT_ENDPOINT) != 0;
}

/** The interface's id or the endpoint's index. */
static inline uint32_t
packet_account_number(uint32_t account)
{
    return account & ~(PACKET_ACCOUNT_VIF | PACKET_ACCOUNT_ENDPOINT | PACKET_ACCOUNT_METERED);
}

/** Octets of private area that every packet pool reserves. */
#define PACKET_PRIVATE_OCTETS RTE_ALIGN_CEIL(sizeof(struct packet_note), RTE_MBUF_PRIV_ALIGN)

/** The note of a packet; from a pool made with PACKET_PRIVATE_OCTETS. */
static inline struct packet_note *
packet_note(struct rte_mbuf *packet)
{
    return rte_mbuf_to_priv(packet);
}
