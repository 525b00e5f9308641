/* SPDX-License-Identifier: BSD-3-Clause */

/* Sending: see transmit.h. */

#include "fastpath/transmit.h"

#include <string.h>

#include "fastpath/drop.h"
#include "fastpath/handover.h"
#include "fastpath/trace.h"
#include "fastpath/watch.h"
#include "fastpath/worker.h"

static void
count_sent(struct worker *worker, uint32_t account, uint32_t octets)
{
    if (packet_account_is_vif(account))
        traffic_add(&worker->counters->vifs[packet_account_number(account)].tx, 1, octets);
    else if (packet_account_is_endpoint(account))
        traffic_add(&worker->counters->endpoints[packet_account_number(account)].tx, 1, octets);
}

/* The interface that a frame is for, or VIF_NONE. */
static uint32_t
vif_of_account(uint32_t account)
{
    return packet_account_is_vif(account) ? packet_account_number(account) : VIF_NONE;
}

static void
drop_rest(struct worker *worker, struct transmit_buffer *buffer, unsigned from,
          enum drop_reason reason)
{
    for (unsigned i = from; i < buffer->n; i++)
        drop(worker, buffer->packets[i], reason, vif_of_account(buffer->accounts[i]));
}

/* Whether the rate of the interface that a packet is for lets it pass (C44). */
static bool
rate_allows(struct worker *worker, uint32_t account, const struct rte_mbuf *packet)
{
    const uint32_t id = packet_account_number(account);
    const struct vif *vif = vif_at(&worker->tables->vifs, id);

    return vif == NULL || !vif->metered_out ||
           rate_take(&worker->meters[id].out, &vif->rate_out, vif->rates_version,
                     rte_pktmbuf_pkt_len(packet), worker->now);
}

/* @return DROP_REASONS for a frame that may be given to the port, made fit for it. */
static enum drop_reason
admit(struct worker *worker, const struct port *port, uint32_t account, struct rte_mbuf *packet)
{
    if ((account & PACKET_ACCOUNT_METERED) != 0 && !rate_allows(worker, account, packet))
        return DROP_RATE_OUT;
    /* drivers that take no chains read on beyond the first segment */
    if (!port->takes_chains && packet->nb_segs > 1 && rte_pktmbuf_linearize(packet) != 0)
        return DROP_SEGMENTS;
    return DROP_REASONS;
}

/* Takes the frames out of a buffer that are beyond their interfaces' rates, or not for the port. */
static void
sift(struct worker *worker, const struct port *port, struct transmit_buffer *buffer)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < buffer->n; i++) {
        const uint32_t account = buffer->accounts[i];
        const enum drop_reason reason = admit(worker, port, account, buffer->packets[i]);

        if (reason != DROP_REASONS) {
            drop(worker, buffer->packets[i], reason, vif_of_account(account));
            continue;
        }
        buffer->packets[kept] = buffer->packets[i];
        buffer->accounts[kept++] = account;
    }
    buffer->n = kept;
}

/* Has the driver make packets with offloads ready for its device. */
static void
prepare(struct worker *worker, const struct port *port, struct transmit_buffer *buffer)
{
    const uint16_t queue = (uint16_t)port_queue_of(port, worker->number);
    unsigned ready = 0;

    for (;;) {
        ready += rte_eth_tx_prepare(port->ethdev, queue, buffer->packets + ready,
                                    (uint16_t)(buffer->n - ready));
        if (ready == buffer->n)
            return;
        drop(worker, buffer->packets[ready], DROP_SEGMENTS,
             vif_of_account(buffer->accounts[ready]));
        buffer->n--;
        memmove(&buffer->packets[ready], &buffer->packets[ready + 1],
                (buffer->n - ready) * sizeof(buffer->packets[0]));
        memmove(&buffer->accounts[ready], &buffer->accounts[ready + 1],
                (buffer->n - ready) * sizeof(buffer->accounts[0]));
    }
}

static void
send_to_port(struct worker *worker, const struct port *port, struct transmit_buffer *buffer)
{
    uint32_t lengths[BURST_PACKETS]; /* a port frees what it takes */
    uint64_t octets = 0;

    if (unlikely(buffer->metered || !port->takes_chains))
        sift(worker, port, buffer);
    if (unlikely(port->prepares))
        prepare(worker, port, buffer);
    if (unlikely(worker->watching != NULL))
        watch_sent(worker, port, buffer);
    for (unsigned i = 0; i < buffer->n; i++)
        lengths[i] = rte_pktmbuf_pkt_len(buffer->packets[i]);

    const unsigned sent =
        port_send(port, port_queue_of(port, worker->number), buffer->packets, buffer->n);

    for (unsigned i = 0; i < sent; i++) {
        count_sent(worker, buffer->accounts[i], lengths[i]);
        octets += lengths[i];
    }
    traffic_add(&worker->counters->ports[port->number].tx, sent, octets);
    drop_rest(worker, buffer, sent, DROP_TRANSMIT);
}

static void
send_to_worker(struct worker *worker, unsigned sender, const struct port *port,
               struct transmit_buffer *buffer)
{
    for (unsigned i = 0; i < buffer->n; i++) {
        *packet_note(buffer->packets[i]) = (struct packet_note){
            .task = TASK_SEND,
            .port = port->number,
            .vif = VIF_NONE,
            .account = buffer->accounts[i],
        };
    }
    drop_rest(worker, buffer, hand_over(worker, sender, buffer->packets, buffer->n), DROP_HANDOVER);
}

static void
let_go(struct transmit_buffer *buffer)
{
    for (unsigned i = 0; i < buffer->n; i++)
        rte_pktmbuf_free(buffer->packets[i]);
}

static void
flush_port(struct worker *worker, uint16_t number)
{
    struct transmit_buffer *buffer = &worker->transmit.buffers[number];
    const struct port *port = port_at(worker->ports, number);
    struct trace *trace = worker->trace;
    unsigned sender;

    worker->trace = NULL; /* what leaves now is not the packet at work */
    if (unlikely(worker->explains))
        let_go(buffer);
    else if (port == NULL)
        drop_rest(worker, buffer, 0, DROP_PORT_GONE);
    else if ((sender = port_sender(port, worker->number)) == worker->number)
        send_to_port(worker, port, buffer);
    else
        send_to_worker(worker, sender, port, buffer);
    buffer->n = 0;
    buffer->metered = false;
    worker->trace = trace;
}

void
transmit_burst(struct worker *worker, uint16_t port, struct rte_mbuf *const *packets,
               const uint32_t *accounts, unsigned n)
{
    struct transmit *all = &worker->transmit;
    struct transmit_buffer *buffer = &all->buffers[port];

    for (unsigned taken = 0, part; taken < n; taken += part) {
        if (unlikely(buffer->n == BURST_PACKETS))
            flush_port(worker, port);
        else if (buffer->n == 0)
            all->waiting[all->n_waiting++] = port;
        part = RTE_MIN(n - taken, BURST_PACKETS - buffer->n);
        memcpy(buffer->packets + buffer->n, packets + taken, part * sizeof(packets[0]));
        memcpy(buffer->accounts + buffer->n, accounts + taken, part * sizeof(accounts[0]));
        buffer->n += part;
        for (unsigned i = taken; i < taken + part; i++) {
            buffer->metered |= (accounts[i] & PACKET_ACCOUNT_METERED) != 0;
            trace_send(worker, port, packets[i], accounts[i]);
        }
    }
}

void
transmit(struct worker *worker, uint16_t port, struct rte_mbuf *packet, uint32_t account)
{
    transmit_burst(worker, port, &packet, &account, 1);
}

void
transmit_flush(struct worker *worker)
{
    struct transmit *all = &worker->transmit;

    for (unsigned i = 0; i < all->n_waiting; i++)
        flush_port(worker, all->waiting[i]);
    all->n_waiting = 0;
}
