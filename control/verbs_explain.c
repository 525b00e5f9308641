/* SPDX-License-Identifier: BSD-3-Clause */

/* route.explain: what would become of a packet, stage by stage. The stages themselves say it
 * (control->explain); here the packet is made as it would come in, and the answer put in words. */

#include "control/verbs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/control.h"
#include "control/place.h"
#include "control/trace_json.h"
#include "lib/base/text.h"
#include "lib/net/description.h"
#include "lib/net/parse.h"
#include "lib/ring/note.h"
#include "lib/rpc/server.h"

#define PACKET_TEXT_MAX 32768      /* characters of the parameter */
#define HEADER_OCTETS   18         /* Ethernet and a tag */
#define ROOM_OCTETS     (1u << 17) /* for the frames that a packet becomes */

/* A packet that was asked about, with room for an Ethernet header before it. */
struct question {
    uint8_t octets[HEADER_OCTETS + DESCRIPTION_PACKET_MAX];
    uint8_t *packet; /* in `octets` */
    size_t length;
    bool is_ip; /* without an Ethernet header */
    bool has_from, has_to;
    struct mac_addr from, to;
};

/* True if the octets are one whole IP packet and nothing else: hardly ever true of a frame. */
static bool
is_ip_packet(const uint8_t *packet, size_t length)
{
    struct ip_view ip;

    return parse_ip(packet, length, length, &ip) == PARSE_OK && ip.total_length == length;
}

/* Reads the packet: in words if it has an arrow in it, else in hexadecimal digits. */
static bool
read_packet(struct rpc_request *request, const json_t *params, struct question *question)
{
    const char *text = rpc_string(params, "packet", ""), *link = rpc_string(params, "link", NULL);
    char problem[DESCRIPTION_PROBLEM_MAX];
    int error;

    question->packet = question->octets + HEADER_OCTETS;
    question->has_from = question->has_to = false;
    if (link != NULL && strcmp(link, "ethernet") != 0 && strcmp(link, "ip") != 0) {
        rpc_fail(request, RPC_INVALID_PARAMETER, "link", "ethernet or ip is expected");
        return false;
    }
    if (strchr(text, '>') != NULL) {
        static struct description built;

        if (description_build(text, &built, problem) != 0) {
            rpc_fail(request, RPC_INVALID_PARAMETER, "packet", "%s", problem);
            return false;
        }
        memcpy(question->packet, built.packet, built.length);
        question->length = built.length;
        question->is_ip = true;
        question->has_from = built.has_from;
        question->has_to = built.has_to;
        question->from = built.from;
        question->to = built.to;
        return true;
    }
    error = text_unhex(text, question->packet, DESCRIPTION_PACKET_MAX, &question->length);
    if (error == 0 && question->length == 0)
        error = -EINVAL;
    if (error != 0) {
        rpc_fail(request, RPC_INVALID_PARAMETER, "packet",
                 error == -EMSGSIZE ? "more octets than any frame has"
                                    : "neither a description (PROTOCOL ADDRESS > ADDRESS ...) nor "
                                      "octets in hexadecimal digits");
        return false;
    }
    question->is_ip =
        link != NULL ? strcmp(link, "ip") == 0 : is_ip_packet(question->packet, question->length);
    return true;
}

/* Puts an Ethernet header before an IP packet, from `from` to `to` unless the words say others. */
static void
add_ethernet(struct question *question, const struct mac_addr *from, const struct mac_addr *to,
             uint16_t vlan)
{
    const bool v6 = question->packet[0] >> 4 == 6;
    const be16 type = htobe16(v6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4);
    struct eth_header header = {
        .destination = question->has_to ? question->to : *to,
        .source = question->has_from ? question->from : *from,
        .type = type,
    };
    const struct vlan_header tag = { htobe16(vlan), type };

    if (!question->is_ip)
        return;
    if (vlan != VLAN_UNTAGGED) {
        header.type = htobe16(ETHERTYPE_VLAN);
        question->packet -= sizeof(tag);
        question->length += sizeof(tag);
        memcpy(question->packet, &tag, sizeof(tag));
    }
    question->packet -= sizeof(header);
    question->length += sizeof(header);
    memcpy(question->packet, &header, sizeof(header));
}

/* As the guest of an interface would send it. */
static bool
from_guest(struct rpc_request *request, struct control *control, const struct interface *interface,
           struct question *question, struct packet_note *note)
{
    const struct vif *vif = vif_at(&control->tables->vifs, interface->id);

    if (vif == NULL) {
        rpc_fail(request, RPC_REFUSED, "at", "the interface is not there yet, or no more");
        return false;
    }
    add_ethernet(question, &vif->mac,
                 question->packet[0] >> 4 == 6 ? &vif->gateway_mac6 : &vif->gateway_mac, vif->vlan);
    note->task = TASK_RECEIVE;
    note->port = vif->port;
    return true;
}

/* As it would come from the fabric. */
static void
from_fabric(struct control *control, struct question *question, struct packet_note *note)
{
    static const struct mac_addr somebody = { { 0x02, 0, 0, 0, 0, 0x01 } };

    add_ethernet(question, &somebody, &control->underlay_port->mac, control->underlay.vlan);
    note->task = TASK_RECEIVE;
    note->port = control->underlay_port->number;
}

/* As the VRF would look it up. */
static bool
in_vrf(struct rpc_request *request, const struct vrf *vrf, struct question *question,
       struct packet_note *note)
{
    struct frame_view frame;

    if (!question->is_ip && parse_frame(question->packet, question->length, &frame) == PARSE_OK) {
        question->packet += frame.l3_offset;
        question->length -= frame.l3_offset;
    }
    question->is_ip = true;
    if (question->length == 0) {
        rpc_fail(request, RPC_INVALID_PARAMETER, "packet", "there is no IP packet in it");
        return false;
    }
    note->task = TASK_ROUTE;
    note->vrf = vrf->number;
    return true;
}

/* The worker that would have it: the one that polls the port's only queue. */
static uint32_t
worker_of(struct control *control, const struct packet_note *note)
{
    const struct port *port =
        note->task == TASK_RECEIVE ? port_at(control->ports, note->port) : NULL;

    return port != NULL && port->n_queues == 1 ? port->queues[0].receiver : WORKER_UNKNOWN;
}

static void
answer(struct rpc_request *request, struct control *control, const struct question *question,
       const struct packet_note *note, bool fabric)
{
    static uint8_t octets[ROOM_OCTETS];
    struct trace trace = { .keep = UINT32_MAX, .room = sizeof(octets), .octets = octets };
    const int error = control->explain(control, note, question->packet, question->length, &trace);
    const struct traced traced = {
        .steps = trace.steps,
        .n_steps = trace.n_steps,
        .more = trace.more,
        .frames = octets,
        .packet = question->packet,
        .length = (uint32_t)question->length,
        .kept = (uint32_t)question->length,
        .link = note->task == TASK_ROUTE ? WATCH_IP : WATCH_ETHERNET,
        .from_fabric = fabric,
        .whole_frames = true,
        .worker = worker_of(control, note),
    };

    if (error != 0)
        rpc_fail(request, error == -ENODEV ? RPC_REFUSED : RPC_INTERNAL, NULL, "%s",
                 strerror(-error));
    else
        rpc_reply(request, traced_to_json(control, &traced));
}

static void
route_explain(struct rpc_request *request, const json_t *params, void *context)
{
    static struct question question;
    struct control *control = context;
    struct packet_note note = { .vif = VIF_NONE };
    char problem[PLACE_PROBLEM_MAX];
    struct place place;
    const int error = place_find(control, rpc_string(params, "at", ""),
                                 PLACE_VIF | PLACE_VRF | PLACE_UNDERLAY, &place, problem);

    if (error != 0) {
        rpc_fail(request, error == -ENOENT ? RPC_NOT_FOUND : RPC_INVALID_PARAMETER, "at", "%s",
                 problem);
        return;
    }
    if (!read_packet(request, params, &question))
        return;
    if (place.kind == PLACE_VIF) {
        if (!from_guest(request, control, place.interface, &question, &note))
            return;
    } else if (place.kind == PLACE_UNDERLAY) {
        from_fabric(control, &question, &note);
    } else if (!in_vrf(request, place.vrf, &question, &note)) {
        return;
    }
    answer(request, control, &question, &note, place.kind == PLACE_UNDERLAY);
}

int
verbs_explain_add(struct rpc_server *server, struct control *control)
{
    static const struct rpc_parameter parameters[] = {
        { "at", RPC_STRING, true, 0, 0 },
        { "packet", RPC_STRING, true, 0, PACKET_TEXT_MAX },
        { "link", RPC_STRING, false, 0, 0 },
        { NULL, 0, false, 0, 0 },
    };
    static const struct rpc_verb verbs[] = { { "route.explain", parameters, route_explain } };

    return rpc_server_add(server, verbs, sizeof(verbs) / sizeof(verbs[0]), control);
}
