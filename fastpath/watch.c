/* SPDX-License-Identifier: BSD-3-Clause */

/* Watching live traffic: see watch.h. */

#include "fastpath/watch.h"

#include "fastpath/trace.h"
#include "fastpath/watch_record.h"
#include "fastpath/worker.h"
#include "lib/net/parse.h"

/* A frame, and what of it a watch may ask for. */
struct sight {
    bool underlay; /* of the underlay's port */
    uint32_t vif;  /* from a guest: the interface; else VIF_NONE */
    struct view frame;
    struct view inner;     /* the IP packet in the tunnel */
    bool tunnel;           /* there is one: `inner` and `source` are set */
    struct ip_addr source; /* of the outer packet */
};

/* Finds the packet in the tunnel. */
static void
look_into_tunnel(struct sight *sight)
{
    const struct view *frame = &sight->frame;
    struct frame_view ethernet;
    struct tunnel_view tunnel;
    struct ip_view outer;
    uint32_t start, here;

    sight->tunnel = false;
    if (parse_frame(frame->octets, frame->kept, &ethernet) != PARSE_OK)
        return;
    start = ethernet.l3_offset;
    here = frame->kept - start;
    if (parse_ip(frame->octets + start, here, frame->length - start, &outer) != PARSE_OK ||
        parse_tunnel(&outer, here, &tunnel) != PARSE_OK || tunnel.inner_offset > here)
        return;
    sight->tunnel = true;
    sight->source =
        outer.family == IP_V4 ? ip_addr_from_v4(outer.source) : ip_addr_from_v6(outer.v6->source);
    sight->inner = (struct view){
        .octets = outer.octets + tunnel.inner_offset,
        .length = (uint32_t)outer.total_length - tunnel.inner_offset,
        .kept = here - tunnel.inner_offset,
        .link = WATCH_IP,
    };
    if (sight->inner.kept > sight->inner.length)
        sight->inner.kept = sight->inner.length; /* the rest is padding */
}

/* Copies a packet into a worker's room, from `at` on, a tag that the port took out put back. */
static struct view
copy(struct worker *worker, const struct rte_mbuf *packet, uint32_t at)
{
    const uint32_t addresses = 2 * sizeof(struct mac_addr);
    const struct vlan_header tag = { htobe16(ETHERTYPE_VLAN), htobe16(packet->vlan_tci) };
    const bool stripped = (packet->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0;
    uint8_t *octets = worker->watched->octets + at;
    uint32_t room = worker->watched->room - at;
    struct view view = { .octets = octets, .link = WATCH_ETHERNET };

    if (room > worker->watching->keep)
        room = worker->watching->keep;
    view.length = rte_pktmbuf_pkt_len(packet);
    view.kept = trace_copy(packet, octets, room);
    if (stripped && view.kept >= addresses && view.kept + sizeof(tag) <= room) {
        memmove(octets + addresses + sizeof(tag), octets + addresses, view.kept - addresses);
        memcpy(octets + addresses, &tag, sizeof(tag));
        view.kept += (uint32_t)sizeof(tag);
        view.length += (uint32_t)sizeof(tag);
    }
    return view;
}

static uint32_t
vif_of(const struct worker *worker, const struct port *port, const struct view *frame)
{
    struct frame_view ethernet;

    return parse_frame(frame->octets, frame->kept, &ethernet) == PARSE_OK
               ? vif_lookup(&worker->tables->vifs, port->number, ethernet.vlan)
               : VIF_NONE;
}

/* Looks at a frame that came in. */
static struct sight
look(struct worker *worker, const struct port *port, const struct rte_mbuf *packet)
{
    struct sight sight = {
        .underlay = port->role == PORT_UNDERLAY,
        .vif = VIF_NONE,
        .frame = copy(worker, packet, 0),
    };

    if (sight.underlay)
        look_into_tunnel(&sight);
    else
        sight.vif = vif_of(worker, port, &sight.frame);
    return sight;
}

/* What of a frame the watch is about: the packet inside or the frame as it is. */
static const struct view *
part_for(const struct watch *watch, const struct sight *sight)
{
    return watch->side == WATCH_INNER && sight->tunnel ? &sight->inner : &sight->frame;
}

/* Whether a capture may want a frame that came in; of some it is known only when they have left. */
static bool
capture_wants(const struct watch *watch, const struct sight *sight)
{
    switch (watch->where) {
    case WATCH_VIF:
        if (!sight->underlay) /* from outside, the frames that it becomes are looked at */
            return sight->vif == watch->vif &&
                   (watch->side == WATCH_OUTER || watch_passes(watch, &sight->frame));
        return watch->side == WATCH_OUTER && sight->tunnel && watch_passes(watch, &sight->frame);
    case WATCH_ENDPOINT:
        return sight->tunnel && ip_addr_equal(&sight->source, &watch->endpoint) &&
               watch_passes(watch, part_for(watch, sight));
    case WATCH_UNDERLAY:
        return sight->underlay && (watch->side == WATCH_OUTER || sight->tunnel) &&
               watch_passes(watch, part_for(watch, sight));
    default:
        return false;
    }
}

static bool
wants(const struct watch *watch, const struct sight *sight)
{
    return watch->kind == WATCH_CAPTURE ? capture_wants(watch, sight)
                                        : watch_passes(watch, part_for(watch, sight));
}

static bool
account_is_vif(uint32_t account, uint32_t vif)
{
    return packet_account_is_vif(account) && packet_account_number(account) == vif;
}

static bool
account_is_endpoint(const struct worker *worker, uint32_t account, const struct ip_addr *address)
{
    const struct endpoint *endpoint =
        packet_account_is_endpoint(account)
            ? endpoint_at(&worker->tables->endpoints, packet_account_number(account))
            : NULL;

    return endpoint != NULL && ip_addr_equal(&endpoint->address, address);
}

/* Whether a packet that was traced has to do with what is watched. */
static bool
is_about(const struct worker *worker, const struct watch *watch, const struct sight *sight)
{
    const struct trace *trace = worker->watched;

    if (watch->where == WATCH_ALL || (watch->where == WATCH_UNDERLAY && sight->underlay) ||
        (watch->where == WATCH_VIF && sight->vif == watch->vif) ||
        (watch->where == WATCH_ENDPOINT && sight->tunnel &&
         ip_addr_equal(&sight->source, &watch->endpoint)))
        return true;
    for (unsigned i = 0; i < trace->n_steps; i++) {
        const struct trace_step *step = &trace->steps[i];
        const bool leaves = step->kind == TRACE_SEND || step->kind == TRACE_PUNT;

        if (watch->where == WATCH_VIF && ((leaves && account_is_vif(step->number, watch->vif)) ||
                                          (step->kind == TRACE_DROP && step->number == watch->vif)))
            return true;
        if (watch->where == WATCH_ENDPOINT && leaves &&
            account_is_endpoint(worker, step->number, &watch->endpoint))
            return true;
        if (watch->where == WATCH_UNDERLAY && leaves && packet_account_is_endpoint(step->number))
            return true;
    }
    return false;
}

/* The last word about the packet that was traced. */
static const struct trace_step *
verdict_of(const struct trace *trace)
{
    for (unsigned i = trace->n_steps; i-- > 0;) {
        const uint8_t kind = trace->steps[i].kind;

        if (kind == TRACE_SEND || kind == TRACE_PUNT || kind == TRACE_DROP)
            return &trace->steps[i];
    }
    return NULL;
}

/* A guest's packet from outside: the frames that carry it. */
static void
capture_frames(struct worker *worker, const struct watch *watch, uint32_t vif)
{
    const struct trace *trace = worker->watched;

    for (unsigned i = 0; i < trace->n_steps; i++) {
        const struct trace_step *step = &trace->steps[i];
        const struct view frame = {
            .octets = trace->octets + step->at,
            .length = step->length,
            .kept = step->kept,
            .link = WATCH_ETHERNET,
        };

        if (step->kind == TRACE_SEND && packet_account_is_endpoint(step->number) &&
            watch_passes(watch, &frame))
            watch_capture(worker, watch, &frame, WATCH_OUT, step->port, vif, step);
    }
}

static bool
is_delivered_to(const struct trace *trace, uint32_t vif)
{
    for (unsigned i = 0; i < trace->n_steps; i++) {
        if (trace->steps[i].kind == TRACE_SEND && account_is_vif(trace->steps[i].number, vif))
            return true;
    }
    return false;
}

/* Records what a watch wanted, now that it is known what became of it. */
static void
record(struct worker *worker, const struct watch *watch, const struct port *port,
       const struct sight *sight)
{
    const struct view *part = part_for(watch, sight);
    const struct trace *trace = worker->watched;

    if (watch->kind == WATCH_TRACE) {
        if (is_about(worker, watch, sight))
            watch_trace(worker, watch, part, port->number, sight->vif);
        return;
    }
    if (watch->where == WATCH_VIF && watch->side == WATCH_OUTER) {
        if (!sight->underlay)
            capture_frames(worker, watch, sight->vif);
        else if (is_delivered_to(trace, watch->vif))
            watch_capture(worker, watch, part, WATCH_IN, port->number, watch->vif,
                          verdict_of(trace));
        return;
    }
    watch_capture(worker, watch, part, WATCH_IN, port->number, sight->vif, verdict_of(trace));
}

/* The worker that it went to will see it, and what becomes of it. */
static bool
is_handed_over(const struct trace *trace)
{
    return trace->n_steps > 0 && trace->steps[trace->n_steps - 1].kind == TRACE_HANDOVER;
}

/* One packet that somebody wants, alone through the stages. */
static void
forward_one(struct worker *worker, const struct port *port, struct rte_mbuf *packet,
            bool handed_over, const struct sight *sight, uint32_t wanted)
{
    struct trace *trace = worker->watched;

    trace->n_steps = 0;
    trace->more = false;
    trace->keep = worker->watching->keep;
    trace->used = sight->frame.kept;
    worker->trace = trace;
    worker_stages(worker, port, &packet, 1, handed_over);
    worker->trace = NULL;
    for (unsigned i = 0; i < worker->watching->n && !is_handed_over(trace); i++) {
        if ((wanted & 1u << i) != 0)
            record(worker, worker->watching->watches[i], port, sight);
    }
    trace->used = 0;
}

/* Whether a watch may want anything that comes in through a port. */
static bool
concerns(const struct worker *worker, const struct watch *watch, const struct port *port)
{
    const struct vif *vif;

    if (watch->kind == WATCH_TRACE)
        return true;
    if (watch->where != WATCH_VIF || port->role == PORT_UNDERLAY)
        return port->role == PORT_UNDERLAY &&
               (watch->where != WATCH_VIF || watch->side == WATCH_OUTER);
    vif = vif_at(&worker->tables->vifs, watch->vif);
    return vif != NULL && vif->port == port->number;
}

static bool
anyone_concerns(const struct worker *worker, const struct port *port)
{
    for (unsigned i = 0; i < worker->watching->n; i++) {
        if (concerns(worker, worker->watching->watches[i], port))
            return true;
    }
    return false;
}

void
watch_forward(struct worker *worker, const struct port *port, struct rte_mbuf **packets, unsigned n,
              bool handed_over)
{
    unsigned begin = 0;

    if (!anyone_concerns(worker, port)) {
        worker_stages(worker, port, packets, n, handed_over);
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        const struct sight sight = look(worker, port, packets[i]);
        uint32_t wanted = 0;

        for (unsigned each = 0; each < worker->watching->n; each++)
            wanted |= (uint32_t)wants(worker->watching->watches[each], &sight) << each;
        if (wanted == 0)
            continue;
        /* in their order: a flow must not overtake itself */
        if (i > begin)
            worker_stages(worker, port, packets + begin, i - begin, handed_over);
        forward_one(worker, port, packets[i], handed_over, &sight, wanted);
        begin = i + 1;
    }
    if (n > begin)
        worker_stages(worker, port, packets + begin, n - begin, handed_over);
}

/* Whether a capture may want a frame that leaves. */
static bool
wants_sent(const struct worker *worker, const struct watch *watch, const struct port *port,
           uint32_t account)
{
    if (watch->kind != WATCH_CAPTURE)
        return false;
    switch (watch->where) {
    case WATCH_VIF:
        return watch->side == WATCH_INNER && account_is_vif(account, watch->vif);
    case WATCH_ENDPOINT:
        return account_is_endpoint(worker, account, &watch->endpoint);
    case WATCH_UNDERLAY:
        return port->role == PORT_UNDERLAY;
    default:
        return false;
    }
}

static void
look_at_sent(struct worker *worker, const struct watch *watch, const struct port *port,
             const struct rte_mbuf *packet, uint32_t account)
{
    struct sight sight = {
        .underlay = port->role == PORT_UNDERLAY,
        .frame = copy(worker, packet, worker->watched->used),
    };
    const struct trace_step step = { .kind = TRACE_SEND, .port = port->number, .number = account };
    const struct view *part;

    if (sight.underlay)
        look_into_tunnel(&sight);
    if (sight.underlay && watch->side == WATCH_INNER && !sight.tunnel)
        return;
    part = part_for(watch, &sight);
    if (watch_passes(watch, part))
        watch_capture(worker, watch, part, WATCH_OUT, port->number, VIF_NONE, &step);
}

void
watch_sent(struct worker *worker, const struct port *port, const struct transmit_buffer *buffer)
{
    for (unsigned i = 0; i < buffer->n; i++) {
        for (unsigned each = 0; each < worker->watching->n; each++) {
            const struct watch *watch = worker->watching->watches[each];

            if (wants_sent(worker, watch, port, buffer->accounts[i]))
                look_at_sent(worker, watch, port, buffer->packets[i], buffer->accounts[i]);
        }
    }
}
