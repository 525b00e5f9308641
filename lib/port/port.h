/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Ports: where frames enter and leave, behind one interface whatever drives them.
 *
 * A port has a number of ours (stable while it lives), a role, and a worker that owns its queue
 * pair: polled and transmitted to by that worker alone. The backend is DPDK's ethdev; rte_vhost is
 * to become the second one behind the same functions.
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
};

struct port {
    uint16_t number; /* index in the port table */
    uint16_t ethdev; /* DPDK's port id */
    uint8_t role;    /* enum port_role */
    uint8_t owner;   /* worker that polls it and sends on it */
    uint16_t mtu;    /* largest IP packet, octets */
    struct mac_addr mac;
    uint8_t kind;             /* enum port_kind */
    int tap_fd;               /* PORT_TAP: the driver's file descriptor, else -1 */
    char kernel_name[16];     /* of the kernel's interface, empty if there is none */
    char spec[PORT_SPEC_MAX]; /* as the configuration names it: "tap:vm1", "0000:3b:02.0" */
};

/* What a worker polls: immutable, replaced by one store. */
struct poll_set {
    unsigned n;
    struct port *ports[];
};

struct reclaim;

struct port_table {
    _Atomic(struct port *) ports[PORTS_MAX];           /* by number; control writes */
    _Atomic(struct poll_set *) poll_sets[WORKERS_MAX]; /* by worker; control writes */
    unsigned n_workers;
    bool taken[PORTS_MAX]; /* control only: in use, or not yet through with grace */
    struct reclaim *reclaim;
};

/** The port of a number, or NULL if there is none (any more). Readers and control. */
static inline struct port *
port_at(struct port_table *table, uint16_t number)
{
    return atomic_load_explicit(&table->ports[number], memory_order_acquire);
}

/** The ports that `worker` polls; never NULL. That worker, between two quiescent states. */
static inline const struct poll_set *
port_poll_set(struct port_table *table, unsigned worker)
{
    return atomic_load_explicit(&table->poll_sets[worker], memory_order_acquire);
}

/** Takes up to `n` frames from a port. Its owner. */
static inline unsigned
port_receive(const struct port *port, struct rte_mbuf **packets, unsigned n)
{
    return rte_eth_rx_burst(port->ethdev, 0, packets, (uint16_t)n);
}

/** Gives up to `n` frames to a port; what is not taken stays the caller's. Its owner. */
static inline unsigned
port_send(const struct port *port, struct rte_mbuf **packets, unsigned n)
{
    return rte_eth_tx_burst(port->ethdev, 0, packets, (uint16_t)n);
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
 * @param port the port, allocated, not yet published; port_close() frees it
 * @return 0 or a negative errno with a text in `error`.
 */
int port_open(const char *spec, enum port_role role, uint16_t mtu, struct rte_mempool *pool,
              struct port **port, char *error, size_t error_size);

/** Stops and removes a port that no worker sees any more, and frees it. May block; helper thread.
 */
void port_close(struct port *port);

/**
 * Publishes a port: gives it a number and an owner (the worker with the fewest ports), makes it
 * visible by number and in its owner's poll set. Control thread.
 * @return 0, -ENOSPC or -ENOMEM.
 */
int port_publish(struct port_table *table, struct port *port);

/**
 * Takes a port out of the table and of its owner's poll set; after grace `gone(argument)` runs on
 * the control thread, which then has the port closed. Control thread. @return 0 or -ENOMEM.
 */
int port_withdraw(struct port_table *table, struct port *port, void (*gone)(void *),
                  void *argument);

/** True if the port's link is up. Never blocks. Control thread. */
bool port_link_is_up(const struct port *port);
