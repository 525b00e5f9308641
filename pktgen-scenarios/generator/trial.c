/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A trial: one core sends and receives by turns. Frames are copies of the plan's with a stamp at
 * their end. What is sent in the warm-up is sent like the rest, but is no part of the accounts.
 */

#include "pktgen-scenarios/generator/trial.h"

#include <string.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "pktgen-scenarios/generator/pace.h"

#define BURST         32u
#define SILENCE_PARTS 4u /* of a second without a packet: nothing more is on its way */

struct sender {
    struct pace pace;
    uint64_t number; /* of the next packet, since the trial began */
    uint64_t first;  /* number of the first one after the warm-up */
    uint32_t frame;
};

static void
stamp_write(struct rte_mbuf *packet, unsigned stream, uint64_t number)
{
    const struct stamp stamp = { STAMP_MAGIC | stream, number, rte_rdtsc() };

    memcpy(rte_pktmbuf_mtod_offset(packet, uint8_t *, packet->data_len - sizeof(stamp)), &stamp,
           sizeof(stamp));
}

/* Copies of the stream's next frames. @return how many there were buffers for. */
static uint32_t
burst_make(struct trial *trial, unsigned index, struct sender *sender, struct rte_mbuf **packets,
           uint32_t n)
{
    const struct frames *frames = &trial->plan->streams[index].frames;

    if (rte_pktmbuf_alloc_bulk(trial->pool, packets, n) != 0)
        return 0;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t begin = frames->begins[sender->frame];
        const uint16_t length = (uint16_t)(frames->begins[sender->frame + 1] - begin);

        memcpy(rte_pktmbuf_append(packets[i], length), frames->octets + begin, length);
        stamp_write(packets[i], index, sender->number + i);
        sender->frame = sender->frame + 1 == frames->count ? 0 : sender->frame + 1;
    }
    return n;
}

static void
stream_send(struct trial *trial, unsigned index, struct sender *sender)
{
    const struct stream *stream = &trial->plan->streams[index];
    struct account *account = &trial->accounts[index];
    struct rte_mbuf *packets[BURST];
    uint32_t n = pace_take(&sender->pace, rte_rdtsc(), BURST);

    if (n == 0)
        return;
    n = burst_make(trial, index, sender, packets, n);
    const uint16_t taken = rte_eth_tx_burst(trial->ports[stream->from], 0, packets, (uint16_t)n);

    /* Numbers of what was not taken are not given again: they are missing like lost ones. */
    sender->number += n;
    account->sent += taken;
    account->refused += n - taken;
    if (taken < n)
        rte_pktmbuf_free_bulk(packets + taken, n - taken);
}

/* @return how many packets came. */
static uint32_t
port_receive(struct trial *trial, unsigned port, const struct sender *senders)
{
    struct rte_mbuf *packets[BURST];
    const uint16_t n = rte_eth_rx_burst(trial->ports[port], 0, packets, BURST);
    const uint64_t now = n != 0 ? rte_rdtsc() : 0;

    for (uint16_t i = 0; i < n; i++) {
        struct stamp copy;
        const struct stamp *stamp =
            packets[i]->pkt_len < sizeof(copy)
                ? NULL
                : rte_pktmbuf_read(packets[i], packets[i]->pkt_len - (uint32_t)sizeof(copy),
                                   sizeof(copy), &copy);
        const uint32_t stream = stamp != NULL ? stamp->magic - STAMP_MAGIC : STREAMS_MAX;

        if (stream >= trial->plan->n_streams || trial->plan->streams[stream].to != port)
            trial->foreign++;
        else if (stamp->number >= senders[stream].first)
            account_take(&trial->accounts[stream], stamp, now);
    }
    rte_pktmbuf_free_bulk(packets, n);
    return n;
}

static uint32_t
receive_all(struct trial *trial, const struct sender *senders)
{
    uint32_t n = 0;

    for (unsigned port = 0; port < trial->plan->n_ports; port++)
        n += port_receive(trial, port, senders);
    return n;
}

/* What was sent so far was the warm-up: the accounts begin. */
static void
accounts_begin(struct trial *trial, struct sender *senders)
{
    memset(trial->accounts, 0, sizeof(trial->accounts));
    trial->foreign = 0;
    for (unsigned i = 0; i < trial->plan->n_streams; i++) {
        senders[i].first = trial->accounts[i].next = senders[i].number;
        senders[i].pace.forgone = 0;
        pace_begin(&senders[i].pace, trial->rates[i], rte_get_tsc_hz(), rte_rdtsc());
    }
}

static void
send_for(struct trial *trial, struct sender *senders, double seconds,
         void (*progress)(const struct trial *, double))
{
    const uint64_t hertz = rte_get_tsc_hz(), began = rte_rdtsc();
    const uint64_t end = began + (uint64_t)(seconds * (double)hertz);
    uint64_t now = began, said = began;

    while (now < end) {
        for (unsigned i = 0; i < trial->plan->n_streams; i++)
            stream_send(trial, i, &senders[i]);
        receive_all(trial, senders);
        now = rte_rdtsc();
        if (now - said > hertz) {
            said = now;
            progress(trial, now < end ? (double)(end - now) / (double)hertz : 0.0);
        }
    }
    for (unsigned i = 0; i < trial->plan->n_streams; i++)
        trial->seconds[i] = (double)(now - began) / (double)hertz;
}

void
trial_run(struct trial *trial, void (*progress)(const struct trial *, double left))
{
    struct sender senders[STREAMS_MAX] = { 0 };
    const uint64_t hertz = rte_get_tsc_hz();

    for (unsigned i = 0; i < trial->plan->n_streams; i++)
        pace_begin(&senders[i].pace, trial->rates[i], hertz, rte_rdtsc());
    send_for(trial, senders, trial->plan->warm_up, progress);
    accounts_begin(trial, senders);
    send_for(trial, senders, trial->plan->seconds, progress);
    for (unsigned i = 0; i < trial->plan->n_streams; i++)
        trial->forgone[i] = senders[i].pace.forgone;
    for (uint64_t last = rte_rdtsc(); rte_rdtsc() - last < hertz / SILENCE_PARTS;) {
        if (receive_all(trial, senders) != 0)
            last = rte_rdtsc();
    }
}
