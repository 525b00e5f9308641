/* SPDX-License-Identifier: BSD-3-Clause */

/* Traces as JSON: see trace_json.h. */

#include "control/trace_json.h"

#include <stdio.h>
#include <string.h>

#include "control/control.h"
#include "control/names.h"
#include "control/trace_frames.h"
#include "lib/net/description.h"
#include "lib/ring/note.h"

/* Where a path leads, for people; what programs need goes into `step`. */
static void
path_to_json(struct control *control, path_t path, json_t *step, char text[TRACE_TEXT_MAX])
{
    const uint32_t target = path_target(path);
    char address[IP_ADDR_TEXT_MAX];

    switch (path_kind(path)) {
    case PATH_VIF:
        snprintf(text, TRACE_TEXT_MAX, "vif %s", name_of_vif(control, target));
        set_text(step, "vif", name_of_vif(control, target));
        break;
    case PATH_TUNNEL: {
        const struct endpoint *endpoint = endpoint_at(&control->tables->endpoints, target);

        if (endpoint == NULL) {
            snprintf(text, TRACE_TEXT_MAX, "an endpoint that is gone");
            break;
        }
        snprintf(text, TRACE_TEXT_MAX, "endpoint %s, label %u",
                 ip_addr_format(&endpoint->address, address), path_label(path));
        set_text(step, "endpoint", address);
        set_number(step, "label", path_label(path));
        break;
    }
    case PATH_VRF:
        snprintf(text, TRACE_TEXT_MAX, "%s %s", name_of_vrf(control, target), name_of_root(target));
        set_text(step, "to_vrf", name_of_vrf(control, target));
        break;
    case PATH_ECMP: {
        const struct ecmp_set *set = ecmp_at(&control->tables->ecmp, path);

        snprintf(text, TRACE_TEXT_MAX, "%u next hops", set == NULL ? 0 : set->n_members);
        break;
    }
    case PATH_GATEWAY:
        snprintf(text, TRACE_TEXT_MAX, "the gateway's own address");
        break;
    default:
        snprintf(text, TRACE_TEXT_MAX, "no route");
        break;
    }
}

static void
from_vif_to_json(struct control *control, const struct traced *traced,
                 const struct trace_step *from, json_t *step, char text[TRACE_TEXT_MAX])
{
    const struct vif *vif = vif_at(&control->tables->vifs, from->number);
    char mac[MAC_TEXT_MAX], address[IP_ADDR_TEXT_MAX], rate[TRACE_RATE_MAX];
    struct ip_addr source, destination;

    set_text(step, "vif", name_of_vif(control, from->number));
    if (vif == NULL || !traced_addresses(traced, &source, &destination)) {
        snprintf(text, TRACE_TEXT_MAX, "vif %s: allowed", name_of_vif(control, from->number));
        return;
    }
    traced_rate_to_json(control, vif, TRACE_FROM_GUEST, step, rate);
    snprintf(text, TRACE_TEXT_MAX, "vif %s: source %s %s allowed%s",
             name_of_vif(control, from->number), mac_format(&vif->mac, mac),
             ip_addr_format(&source, address), rate);
}

static void
from_tunnel_to_json(struct control *control, const struct trace_step *from, json_t *step,
                    char text[TRACE_TEXT_MAX])
{
    char to[TRACE_TEXT_MAX];

    path_to_json(control, from->path, step, to);
    set_number(step, "label", from->number);
    snprintf(text, TRACE_TEXT_MAX, "tunnel: label %u, which leads to %.300s", from->number, to);
}

/* The prefix that matched: the longest one there is, unless the table has changed meanwhile. */
static bool
matching_prefix(struct control *control, const struct trace_step *lookup,
                const struct ip_addr *address, struct ip_prefix *prefix)
{
    for (int bits = ip_family_bits(address->family); bits >= 0; bits--) {
        *prefix = ip_prefix_of_network(address, (uint8_t)bits);
        const path_t path = fib_get(control->tables->fib, lookup->number, prefix);

        if (path != PATH_NONE)
            return path == lookup->path;
    }
    return false;
}

static void
lookup_to_json(struct control *control, const struct traced *traced,
               const struct trace_step *lookup, json_t *step, char text[TRACE_TEXT_MAX])
{
    char to[TRACE_TEXT_MAX], shown[IP_PREFIX_TEXT_MAX + 2] = "";
    struct ip_addr source, destination;
    struct ip_prefix prefix;

    path_to_json(control, lookup->path, step, to);
    set_text(step, "vrf", name_of_vrf(control, lookup->number));
    set_text(step, "root", name_of_root(lookup->number));
    if (lookup->path != PATH_NONE && traced_addresses(traced, &source, &destination) &&
        matching_prefix(control, lookup, &destination, &prefix)) {
        set_text(step, "prefix", ip_prefix_format(&prefix, shown));
        strcat(shown, ", ");
    }
    snprintf(text, TRACE_TEXT_MAX, "%s %s: %s%.200s", name_of_vrf(control, lookup->number),
             name_of_root(lookup->number), shown, to);
}

/* The slow path tells somebody of the packet, and drops it. */
static bool
ends_as_dropped(const struct trace_step *step)
{
    return step->kind == TRACE_DROP || (step->kind == TRACE_PUNT && step->reason == PUNT_NO_ROUTE);
}

static void
punt_to_json(struct control *control, const struct trace_step *punt, json_t *step,
             char text[TRACE_TEXT_MAX])
{
    const uint32_t number = packet_account_number(punt->number);
    const struct endpoint *endpoint = packet_account_is_endpoint(punt->number)
                                          ? endpoint_at(&control->tables->endpoints, number)
                                          : NULL;
    int length;

    set_text(step, "reason", punt_reason_name((enum punt_reason)punt->reason));
    if (ends_as_dropped(punt)) {
        snprintf(text, TRACE_TEXT_MAX, "%s: %s; the guest is told", drop_reason_name(DROP_NO_ROUTE),
                 drop_reason_text(DROP_NO_ROUTE));
        return;
    }
    length = snprintf(text, TRACE_TEXT_MAX, "to the slow path: %s",
                      punt_reason_name((enum punt_reason)punt->reason));
    if (punt->reason == PUNT_TOO_BIG) {
        set_number(step, "mtu", punt->path);
        snprintf(text + length, TRACE_TEXT_MAX - (size_t)length, ", %u octets would pass",
                 (unsigned)punt->path);
    } else if (endpoint != NULL) {
        const struct adjacency *next = &control->tables->adjacencies.entries[endpoint->adjacency];
        char address[IP_ADDR_TEXT_MAX];

        snprintf(text + length, TRACE_TEXT_MAX - (size_t)length,
                 ", the MAC address of %s is not known", ip_addr_format(&next->address, address));
    }
}

static void
drop_to_json(struct control *control, const struct trace_step *drop, json_t *step,
             char text[TRACE_TEXT_MAX])
{
    const enum drop_reason reason = (enum drop_reason)drop->reason;

    set_text(step, "reason", drop_reason_name(reason));
    if (drop->number != VIF_NONE)
        set_text(step, "vif", name_of_vif(control, drop->number));
    snprintf(text, TRACE_TEXT_MAX, "%s: %s", drop_reason_name(reason), drop_reason_text(reason));
}

static json_t *
step_to_json(struct control *control, const struct traced *traced, const struct trace_step *each)
{
    json_t *step = json_object();
    const char *stage = "lookup";
    char text[TRACE_TEXT_MAX] = "";

    switch ((enum trace_kind)each->kind) {
    case TRACE_FROM_VIF:
        stage = "ingress";
        from_vif_to_json(control, traced, each, step, text);
        break;
    case TRACE_FROM_TUNNEL:
        stage = "ingress";
        from_tunnel_to_json(control, each, step, text);
        break;
    case TRACE_LOOKUP:
        lookup_to_json(control, traced, each, step, text);
        break;
    case TRACE_MEMBER: {
        char to[TRACE_TEXT_MAX];

        path_to_json(control, each->path, step, to);
        snprintf(text, TRACE_TEXT_MAX, "by its flow, %.300s", to);
        break;
    }
    case TRACE_SEND:
        stage = "egress";
        traced_send_to_json(control, traced, each, step, text);
        break;
    case TRACE_PUNT:
        stage = ends_as_dropped(each) ? "drop" : "punt";
        punt_to_json(control, each, step, text);
        break;
    case TRACE_HANDOVER: /* the other worker's record is the packet's */
        break;
    case TRACE_CUT:
        stage = "egress";
        set_number(step, "fragments", each->number);
        set_number(step, "mtu", each->path);
        snprintf(text, sizeof(text), "cut into %u fragments of at most %u octets", each->number,
                 (unsigned)each->path);
        break;
    case TRACE_HELD:
        stage = "ingress";
        snprintf(text, sizeof(text), "a fragment of a tunnelled packet, waits for others");
        break;
    case TRACE_WHOLE:
        stage = "ingress";
        set_number(step, "fragments", each->number);
        snprintf(text, sizeof(text), "put together of %u fragments", each->number);
        break;
    case TRACE_DROP:
        stage = "drop";
        drop_to_json(control, each, step, text);
        break;
    }
    set_text(step, "stage", stage);
    set_text(step, "text", text);
    return step;
}

/* In one word what the steps come to: the packet may end as several. */
static const char *
verdict_name(const struct traced *traced)
{
    const char *name = "held";

    for (unsigned i = 0; i < traced->n_steps; i++) {
        if (traced->steps[i].kind == TRACE_SEND)
            return "forwarded";
        if (traced->steps[i].kind == TRACE_PUNT)
            name = "slow-path";
        if (ends_as_dropped(&traced->steps[i]))
            name = "dropped";
    }
    return name;
}

json_t *
traced_to_json(struct control *control, const struct traced *traced)
{
    json_t *steps = json_array();
    char text[DESCRIPTION_TEXT_MAX];

    for (unsigned i = 0; i < traced->n_steps; i++)
        json_array_append_new(steps, step_to_json(control, traced, &traced->steps[i]));
    if (traced->more)
        json_array_append_new(
            steps, json_pack("{s:s, s:s}", "stage", "more", "text", "further steps are not shown"));
    if (traced->link == WATCH_IP)
        description_of_packet(traced->packet, traced->kept, traced->length, text, sizeof(text));
    else
        description_of_frame(traced->packet, traced->kept, traced->length, text, sizeof(text));
    return json_pack("{s:s, s:s, s:o}", "packet", text, "verdict", verdict_name(traced), "steps",
                     steps);
}

void
trace_verdict_text(struct control *control, const struct trace_step *step, char *text, size_t size)
{
    const uint32_t number = step == NULL ? 0 : packet_account_number(step->number);
    char address[IP_ADDR_TEXT_MAX];

    if (step == NULL) {
        snprintf(text, size, "held");
    } else if (ends_as_dropped(step)) {
        snprintf(text, size, "dropped: %s",
                 step->kind == TRACE_PUNT ? punt_reason_name((enum punt_reason)step->reason)
                                          : drop_reason_name((enum drop_reason)step->reason));
    } else if (step->kind == TRACE_PUNT) {
        snprintf(text, size, "to the slow path: %s",
                 punt_reason_name((enum punt_reason)step->reason));
    } else if (packet_account_is_vif(step->number)) {
        snprintf(text, size, "sent to vif %s", name_of_vif(control, number));
    } else if (packet_account_is_endpoint(step->number) &&
               endpoint_at(&control->tables->endpoints, number) != NULL) {
        snprintf(
            text, size, "sent to endpoint %s",
            ip_addr_format(&endpoint_at(&control->tables->endpoints, number)->address, address));
    } else {
        snprintf(text, size, "sent on port %s", name_of_port(control, step->port));
    }
}
