/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Ports: where frames enter and leave, behind one interface whatever drives them.
 *
 * A port has a number of ours (stable while it lives), a role, and queue pairs: an access port one,
 * an underlay port as many as there are workers where its device chooses the receive queue by a
 * hash of the outer headers, ports of UDP included, and one where it does not.
 * A receive queue is polled by one worker at a time; which one, port_move() changes. A transmit
 * queue belongs to one worker for as long as the port lives, and only its owner sends on it: what
 * another worker has for it goes through the hand-over ring (lib/ring/rings.h). All are DPDK's
 * ethdevs.
 *
 * Making and removing a port may block and runs on the helper thread; publishing it to the workers
 * is one store by the control thread; a port that was taken out is closed after grace.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_ethdev.h>
#include <rte_mempool.h>

#include "lib/net/addr.h"
#include "lib/port/spec.h"
#include "lib/ring/rings.h"

#define PORTS_MAX 1024
#define PORT_NONE UINT16_MAX

enum port_role {
    PORT_ACCESS,   /* virtual interfaces */
    PORT_UNDERLAY, /* the fabric */
    PORT_HOST,     /* host0: what is for the kernel of this host */
    PORT_ROLES,
};

/* What a port does for whoever sends a packet on it with the flags for that: writes the checksum of
 * TCP and UDP, cuts TCP over IPv4 and IPv6 into segments; or leaves that to a guest that can do
 * without. Bits. */
enum port_offload {
    PORT_CHECKSUM = 1,
    PORT_SEGMENTS_V4 = 2,
    PORT_SEGMENTS_V6 = 4,
};

/* The pair of a receive and a transmit queue of the same number. */
struct port_queue {
    uint8_t receiver;      /* worker that polls, or is to poll as soon as the gate opens; control */
    uint8_t sender;        /* worker that owns the transmit queue; does not change */
    _Atomic uint64_t gate; /* lib/port/turn.h */
};

struct port {
    uint16_t number; /* index in the port table */
    uint16_t ethdev; /* DPDK's port id */
    uint8_t role;    /* enum port_role */
    uint8_t n_queues;
    bool takes_chains;        /* a frame may be sent in several segments */
    bool prepares;            /* the driver must see packets with offloads before they are sent */
    _Atomic uint8_t offloads; /* enum port_offload; vhost: those of the guest that is there now */
    uint16_t mtu;             /* largest IP packet, octets */
    struct mac_addr mac;
    struct port_queue queues[WORKERS_MAX];
    uint8_t kind;             /* enum port_kind */
    int tap_fd;               /* PORT_TAP: the driver's file descriptor, else -1 */
    char kernel_name[16];     /* of the kernel's interface, empty if there is none */
    char spec[PORT_SPEC_MAX]; /* as the configuration names it: "tap:vm1", "0000:3b:02.0" */
};

/* A receive queue. */
struct poll {
    struct port *port;
    uint16_t queue;
};

/* What a worker polls: immutable, replaced by one store. */
struct poll_set {
    unsigned n;
    unsigned n_leaving; /* queues behind the first n, polled no more, to be let go */
    struct poll polls[];
};

/* What a worker says at the end of each turn, on a cache line of its own. */
struct port_turn {
    _Alignas(RTE_CACHE_LINE_SIZE) _Atomic uint64_t epoch; /* that the turn began in */
};

struct reclaim;

struct port_table {
    _Atomic(struct port *) ports[PORTS_MAX];           /* by number; control writes */
    _Atomic(struct poll_set *) poll_sets[WORKERS_MAX]; /* by worker; control writes */
    struct port_turn turns[WORKERS_MAX];               /* by worker, which writes */
    struct port_turn epoch; /* counts the queues that were let go; those that do write */
    _Atomic(struct port *) of_role[PORT_ROLES]; /* published last; control writes */
    unsigned n_workers;
    /* control only: */
    struct port *published[PORTS_MAX]; /* as in `ports`, but a step ahead of it */
    bool taken[PORTS_MAX];             /* a number in use, or not yet through with grace */
    struct reclaim *reclaim;
};

/** The port of a number, or NULL if there is none (any more). Readers and control. */
static inline struct port *
port_at(struct port_table *table, uint16_t number)
{
    return atomic_load_explicit(&table->ports[number], memory_order_acquire);
}

/** The port of a role that one port has, the underlay's or the host's; NULL if there is none.
 * Readers and control. */
static inline struct port *
port_of_role(struct port_table *table, enum port_role role)
{
    return atomic_load_explicit(&table->of_role[role], memory_order_acquire);
}

/** What `worker` polls; never NULL. Control, and that worker (lib/port/turn.h). */
static inline const struct poll_set *
port_poll_set(struct port_table *table, unsigned worker)
{
    return atomic_load_explicit(&table->poll_sets[worker], memory_order_acquire);
}

/** The queue pair on which frames of `worker` leave; its sender may be another worker. */
static inline unsigned
port_queue_of(const struct port *port, unsigned worker)
{
    return port->n_queues == 1 ? 0 : worker % port->n_queues;
}

/** The worker that sends what `worker` has for the port. Workers; for the slow path any `worker`.
 */
static inline unsigned
port_sender(const struct port *port, unsigned worker)
{
    return port->queues[port_queue_of(port, worker)].sender;
}

/** Takes up to `n` frames from a queue. Its receiver. */
static inline unsigned
port_receive(const struct port *port, unsigned queue, struct rte_mbuf **packets, unsigned n)
{
    return rte_eth_rx_burst(port->ethdev, (uint16_t)queue, packets, (uint16_t)n);
}

/** Gives up to `n` frames to a queue; what is not taken stays the caller's. Its sender. */
static inline unsigned
port_send(const struct port *port, unsigned queue, struct rte_mbuf **packets, unsigned n)
{
    return rte_eth_tx_burst(port->ethdev, (uint16_t)queue, packets, (uint16_t)n);
}

/** Octets of data room, headroom not counted, that a packet buffer must have so that a frame with
 * an IP packet of `mtu` octets fits into one. */
uint16_t port_frame_octets(uint16_t mtu);

/** Makes an empty table. @return NULL without memory. */
struct port_table *port_table_create(unsigned n_workers, struct reclaim *reclaim);
void port_table_destroy(struct port_table *table);

/**
 * Opens, configures and starts a port: may block; helper thread (or at start, before the workers).
 * @param spec see lib/port/spec.h
 * @param mtu wanted MTU, 0: the port's own
 * @param queues queue pairs at most; an access port takes 1
 * @param port the port, allocated, not yet published; port_close() frees it
 * @return 0 or a negative errno with a text in `error`.
 */
int port_open(const char *spec, enum port_role role, uint16_t mtu, unsigned queues,
              struct rte_mempool *pool, struct port **port, char *error, size_t error_size);

/** Stops and removes a port that no worker sees any more, and frees it. May block; helper thread.
 */
void port_close(struct port *port);

/**
 * Publishes a port: gives it a number, its receive queues each to the worker with the fewest, and
 * its transmit queues each to a worker of its own; makes it visible by number and in the poll sets.
 * Control thread.
 * @return 0, -ENOSPC or -ENOMEM.
 */
int port_publish(struct port_table *table, struct port *port);

/**
 * Takes a port out of the table and of the poll sets; after grace `gone(argument)` runs on
 * the control thread, which then has the port closed. Control thread. @return 0 or -ENOMEM.
 */
int port_withdraw(struct port_table *table, struct port *port, void (*gone)(void *),
                  void *argument);

/**
 * Has another worker poll a receive queue, without loss and without two packets of a flow changing
 * places (lib/port/turn.h): it begins as soon as everything that the one before received is on its
 * way. The transmit queue stays where it is. Control thread.
 * @return 0, -EINVAL (no such queue or worker), -EBUSY (the queue is still on its way from an
 * earlier move) or -ENOMEM.
 */
int port_move(struct port_table *table, struct port *port, unsigned queue, unsigned worker);

/** True if the port's link is up. Never blocks. Control thread. */
bool port_link_is_up(const struct port *port);
