/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The slow path's loop: empties the punt rings, gives each packet to its protocol by the reason
 * that the worker noted, and counts what became of it. A punted packet ends as consumed, or as
 * dropped for a reason; a frame that waits for a neighbour goes on as it is.
 */

#define LOG_AREA "slowpath"

#include "slowpath/slowpath.h"

#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/ring/note.h"
#include "slowpath/arp.h"
#include "slowpath/context.h"
#include "slowpath/dhcp4.h"
#include "slowpath/icmp6.h"
#include "slowpath/icmp_error.h"
#include "slowpath/nd.h"
#include "slowpath/neighbour.h"
#include "slowpath/send.h"
#include "slowpath/underlay.h"

#define BURST 32

#define DHCP_LOG_PER_SECOND 1
#define DHCP_LOG_BURST      10

struct slowpath *
slowpath_create(const struct slowpath_config *config)
{
    struct slowpath *slowpath = calloc(1, sizeof(*slowpath));

    if (slowpath == NULL)
        return NULL;
    slowpath->config = *config;
    slowpath->reader = config->rings->n_workers;
    slowpath->counters = counters_block(config->counters, slowpath->reader);
    slowpath->icmp_errors = calloc(config->tables->limits.vifs, sizeof(slowpath->icmp_errors[0]));
    slowpath->icmp_vrf_errors =
        calloc(config->tables->limits.vrfs, sizeof(slowpath->icmp_vrf_errors[0]));
    slowpath->neighbours =
        neighbours_create(config->tables->adjacencies.limit, config->tables->limits.vifs);
    if (slowpath->icmp_errors == NULL || slowpath->icmp_vrf_errors == NULL ||
        slowpath->neighbours == NULL) {
        slowpath_destroy(slowpath);
        return NULL;
    }
    return slowpath;
}

void
slowpath_destroy(struct slowpath *slowpath)
{
    if (slowpath == NULL)
        return;
    neighbours_destroy(slowpath->neighbours);
    free(slowpath->icmp_errors);
    free(slowpath->icmp_vrf_errors);
    free(slowpath);
}

static enum drop_reason
reply_to_guest(struct slowpath *slowpath, const struct vif *vif)
{
    return send_frame(slowpath, vif->port, vif->id, &slowpath->reply);
}

static enum drop_reason
handle_arp(struct slowpath *slowpath, const struct punted *punted)
{
    const enum drop_reason reason =
        arp_answer(punted->vif, punted->octets, punted->here, &slowpath->reply);

    return reason == PARSE_OK ? reply_to_guest(slowpath, punted->vif) : reason;
}

static enum drop_reason
handle_nd(struct slowpath *slowpath, const struct punted *punted)
{
    const enum drop_reason reason =
        nd_answer(punted->vif, punted->octets, punted->here, &slowpath->reply);

    return reason == PARSE_OK ? reply_to_guest(slowpath, punted->vif) : reason;
}

static enum drop_reason
handle_dhcp4(struct slowpath *slowpath, const struct punted *punted)
{
    uint8_t type;

    if (punted->here < punted->length)
        return DROP_DHCP_INVALID;
    const enum drop_reason reason =
        dhcp4_answer(punted->vif, punted->octets, punted->length, &type, &slowpath->reply);
    if (reason != PARSE_OK)
        return reason;
    if (slowpath->reply.length > 0)
        return reply_to_guest(slowpath, punted->vif);
    if (rate_limit_take(&slowpath->dhcp_log, DHCP_LOG_PER_SECOND, DHCP_LOG_BURST,
                        slowpath->now_ms)) {
        if (type == DHCP4_DECLINE)
            log_warning("%s: the guest declines its address: somebody else uses it",
                        punted->vif->name);
        else
            log_info("%s: the guest gives its address back", punted->vif->name);
    }
    return PARSE_OK;
}

/* A packet for an address of the gateway; workers note DHCP as such. */
static enum drop_reason
handle_gateway(struct slowpath *slowpath, const struct punted *punted, size_t l3_offset)
{
    const struct vif *vif = punted->vif;

    if (punted->here < punted->length)
        return DROP_TOO_BIG;
    if (l3_offset >= punted->length)
        return DROP_FRAME_TOO_SHORT;
    const bool v6 = punted->octets[l3_offset] >> 4 == 6;
    const struct link_address link = link_to_guest(vif, v6 ? IP_V6 : IP_V4);
    const enum drop_reason reason =
        v6 ? icmp6_echo_answer(punted->octets, punted->length, l3_offset, &link, vif->mtu, NULL,
                               &slowpath->reply)
           : icmp_echo_answer(punted->octets, punted->length, l3_offset, &link, vif->mtu, NULL,
                              &slowpath->reply);
    return reason == PARSE_OK ? reply_to_guest(slowpath, vif) : reason;
}

/* Whether the frame can have come from this interface: its number may have got another meaning
 * while the packet waited in the ring, and no guest is to hear of another's packets. */
static enum drop_reason
check_origin(const struct vif *vif, const struct packet_note *note, const struct punted *punted)
{
    struct frame_view view;
    const enum drop_reason reason = parse_frame(punted->octets, punted->here, &view);

    if (reason != PARSE_OK)
        return reason;
    if (vif->port != note->port || vif->vlan != view.vlan)
        return DROP_NO_INTERFACE;
    return mac_equal(&view.eth->source, &vif->mac) ? PARSE_OK : DROP_SOURCE_MAC;
}

/* What comes from an interface, or out of a tunnel. */
static enum drop_reason
handle_inner(struct slowpath *slowpath, const struct packet_note *note, const struct punted *punted)
{
    const bool is_error = note->reason == PUNT_TTL_EXPIRED || note->reason == PUNT_TOO_BIG;

    if (note->vif == VIF_NONE && is_error)
        return icmp_error_tell(slowpath, note, punted);
    if (punted->vif == NULL)
        return DROP_NO_INTERFACE;
    const enum drop_reason stranger = check_origin(punted->vif, note, punted);
    if (stranger != PARSE_OK)
        return stranger;
    if (!punted->vif->up)
        return DROP_INTERFACE_DOWN;
    switch (note->reason) {
    case PUNT_ND:
        return handle_nd(slowpath, punted);
    case PUNT_ARP:
        return handle_arp(slowpath, punted);
    case PUNT_DHCP4:
        return handle_dhcp4(slowpath, punted);
    case PUNT_TTL_EXPIRED:
    case PUNT_TOO_BIG:
    case PUNT_NO_ROUTE:
        return icmp_error_tell(slowpath, note, punted);
    default:
        return handle_gateway(slowpath, punted, note->l3_offset);
    }
}

static void
handle(struct slowpath *slowpath, struct rte_mbuf *packet)
{
    const struct packet_note note = *packet_note(packet);
    struct punted punted = { .length = rte_pktmbuf_pkt_len(packet) };
    enum drop_reason reason;

    if (note.reason == PUNT_ADJACENCY) {
        neighbour_hold(slowpath, note.adjacency, packet);
        return;
    }
    punted.here = punted.length < FRAME_OCTETS_MAX ? punted.length : FRAME_OCTETS_MAX;
    punted.octets = rte_pktmbuf_read(packet, 0, (uint32_t)punted.here, slowpath->scratch);
    slowpath->reply.length = 0;
    if (punted.octets == NULL) {
        reason = DROP_FRAME_TOO_SHORT;
    } else if (note.reason == PUNT_UNDERLAY_ARP) {
        reason = underlay_arp(slowpath, note.port, &punted);
    } else if (note.reason == PUNT_UNDERLAY_ND) {
        reason = underlay_nd(slowpath, note.port, &punted);
    } else if (note.reason == PUNT_UNDERLAY_LOCAL) {
        reason = underlay_local(slowpath, note.port, &punted);
    } else {
        punted.vif = vif_at(&slowpath->config.tables->vifs, note.vif);
        reason = handle_inner(slowpath, &note, &punted);
        if (note.reason == PUNT_NO_ROUTE)
            reason = DROP_NO_ROUTE; /* as where nobody is told */
    }

    if (reason != PARSE_OK) {
        drop_packet(slowpath, note.vif, packet, reason);
        return;
    }
    counter_add(&slowpath->counters->balance.consumed, 1);
    rte_pktmbuf_free(packet);
}

/* Takes from a ring what was in it at the start of the turn, but never more than it can hold. */
static unsigned
empty_ring(struct slowpath *slowpath, struct punt_ring *ring)
{
    const unsigned present = rte_ring_count(ring->packets);
    unsigned taken = 0;

    while (taken < present) {
        struct rte_mbuf *packets[BURST];
        const unsigned wanted = present - taken < BURST ? present - taken : BURST;
        const unsigned n = punt_ring_take(ring, packets, wanted);
        if (n == 0)
            break;
        for (unsigned i = 0; i < n; i++)
            handle(slowpath, packets[i]);
        counter_add(&slowpath->counters->worker.bursts, 1);
        taken += n;
    }
    return taken;
}

unsigned
slowpath_poll_once(struct slowpath *slowpath, uint64_t now_ms)
{
    struct rings *rings = slowpath->config.rings;
    struct worker_counters *counters = &slowpath->counters->worker;
    unsigned taken = 0;

    slowpath->now_ms = now_ms;
    neighbours_turn(slowpath);
    underlay_turn(slowpath);
    nd_turn(slowpath);
    for (unsigned i = 0; i < rings->n_workers; i++)
        taken += empty_ring(slowpath, &rings->punt[i]);
    counter_add(&counters->loops, 1);
    counter_add(&counters->packets, taken);
    if (taken == 0)
        counter_add(&counters->idle_loops, 1);
    return taken;
}

int
slowpath_run(void *argument)
{
    struct slowpath *slowpath = argument;
    struct reclaim *reclaim = slowpath->config.tables->reclaim;
    struct idle idle = { 0 };

    reclaim_register(reclaim, slowpath->reader);
    reclaim_online(reclaim, slowpath->reader);
    while (!atomic_load_explicit(&slowpath->stop, memory_order_relaxed)) {
        const unsigned taken = slowpath_poll_once(slowpath, clock_monotonic_ms());
        /* What was in the rings before this turn is handled: no number that a worker noted before
         * the last quiescent state is left in them. */
        reclaim_quiescent(reclaim, slowpath->reader);
        idle_after_turn(&idle, taken);
    }
    reclaim_offline(reclaim, slowpath->reader);
    reclaim_unregister(reclaim, slowpath->reader);
    return 0;
}

void
slowpath_stop(struct slowpath *slowpath)
{
    atomic_store_explicit(&slowpath->stop, true, memory_order_relaxed);
}
