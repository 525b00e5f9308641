/* SPDX-License-Identifier: BSD-3-Clause */

/* The packets and frames of a trace, as they read themselves: see trace_frames.h. */

#include "control/trace_frames.h"

#include <stdio.h>
#include <stdlib.h>

#include "control/control.h"
#include "control/names.h"
#include "lib/base/text.h"
#include "lib/net/encapsulation.h"
#include "lib/net/parse.h"
#include "lib/ring/note.h"

/* The IP packet that was looked up: the tenant's. */
static bool
tenant_packet(const struct traced *traced, struct ip_view *ip)
{
    const uint8_t *packet = traced->packet;
    uint32_t here = traced->kept, length = traced->length;
    struct tunnel_view tunnel;
    struct frame_view frame;

    if (traced->link == WATCH_ETHERNET) {
        if (parse_frame(packet, here, &frame) != PARSE_OK)
            return false;
        packet += frame.l3_offset;
        here -= frame.l3_offset;
        length -= frame.l3_offset;
    }
    if (parse_ip(packet, here, length, ip) != PARSE_OK)
        return false;
    if (traced->link != WATCH_ETHERNET || !traced->from_fabric)
        return true;
    if (parse_tunnel(ip, here, &tunnel) != PARSE_OK || tunnel.inner_offset > here)
        return false;
    return parse_ip(packet + tunnel.inner_offset, here - tunnel.inner_offset,
                    length - tunnel.inner_offset, ip) == PARSE_OK;
}

static struct ip_addr
source_of(const struct ip_view *ip)
{
    return ip->family == IP_V4 ? ip_addr_from_v4(ip->source) : ip_addr_from_v6(ip->v6->source);
}

static struct ip_addr
destination_of(const struct ip_view *ip)
{
    return ip->family == IP_V4 ? ip_addr_from_v4(ip->destination)
                               : ip_addr_from_v6(ip->v6->destination);
}

bool
traced_addresses(const struct traced *traced, struct ip_addr *source, struct ip_addr *destination)
{
    struct ip_view ip;

    if (!tenant_packet(traced, &ip))
        return false;
    *source = source_of(&ip);
    *destination = destination_of(&ip);
    return true;
}

/* What a tunnel's frame says of itself. @return characters written */
static int
tunnel_to_json(struct control *control, const uint8_t *frame, uint32_t here, uint32_t length,
               json_t *step, char text[TRACE_TEXT_MAX])
{
    char source[IP_ADDR_TEXT_MAX], destination[IP_ADDR_TEXT_MAX], port[32] = "";
    struct tunnel_view tunnel;
    struct ip_view outer, inner;
    struct frame_view view;

    if (parse_frame(frame, here, &view) != PARSE_OK)
        return 0;
    frame += view.l3_offset;
    here -= view.l3_offset;
    length -= view.l3_offset;
    if (parse_ip(frame, here, length, &outer) != PARSE_OK ||
        parse_tunnel(&outer, here, &tunnel) != PARSE_OK || tunnel.inner_offset > here ||
        parse_ip(frame + tunnel.inner_offset, here - tunnel.inner_offset,
                 length - tunnel.inner_offset, &inner) != PARSE_OK)
        return 0;

    const struct ip_addr from = source_of(&outer), to = destination_of(&outer);

    ip_addr_format(&from, source);
    ip_addr_format(&to, destination);
    if (tunnel.encapsulation != ENCAP_GRE) {
        const struct udp_header *udp = (const void *)(outer.octets + outer.transport);

        set_number(step, "source_port", be16toh(udp->source_port));
        snprintf(port, sizeof(port), ", source port %u", be16toh(udp->source_port));
    }
    set_text(step, "encapsulation", encapsulation_name(tunnel.encapsulation));
    set_text(step, "source", source);
    set_text(step, "endpoint", destination);
    set_number(step, "label", tunnel.label);
    set_number(step, "ttl", ip_view_ttl(&inner));
    set_number(step, "octets", outer.total_length);
    return snprintf(text, TRACE_TEXT_MAX,
                    "tunnel %s: %s > %s%s, label %u, ttl %u, %u octets of %u, ",
                    encapsulation_name(tunnel.encapsulation), source, destination, port,
                    tunnel.label, ip_view_ttl(&inner), outer.total_length, control->underlay.mtu);
}

/* ", rate 12 % used (10000 packets/s, 2.5 Gbit/s)" */
void
traced_rate_to_json(struct control *control, const struct vif *vif, enum trace_direction direction,
                    json_t *step, char text[TRACE_RATE_MAX])
{
    static const char *const units[] = { "", "k", "M", "G", "T" };
    const struct vif_rate *rate = direction == TRACE_FROM_GUEST ? &vif->rate_in : &vif->rate_out;
    double bits = (double)rate->bits;
    unsigned unit = 0, used[2];
    int length;

    text[0] = '\0';
    if (rate->packets == 0 && rate->bits == 0)
        return;
    control->rates_used(control, vif, &used[TRACE_FROM_GUEST], &used[TRACE_TO_GUEST]);
    set_number(step, "rate_used_percent", used[direction]);
    length = snprintf(text, TRACE_RATE_MAX, ", rate %u %% used (", used[direction]);
    if (rate->packets != 0)
        length += snprintf(text + length, TRACE_RATE_MAX - (size_t)length, "%llu packets/s%s",
                           (unsigned long long)rate->packets, rate->bits == 0 ? ")" : ", ");
    for (; bits >= 1000 && unit < 4; unit++)
        bits /= 1000;
    if (rate->bits != 0)
        snprintf(text + length, TRACE_RATE_MAX - (size_t)length, "%.4g %sbit/s)", bits,
                 units[unit]);
}

static int
delivery_to_json(struct control *control, uint32_t id, const uint8_t *frame, uint32_t here,
                 uint32_t length, json_t *step, char text[TRACE_TEXT_MAX])
{
    const struct vif *vif = vif_at(&control->tables->vifs, id);
    struct frame_view view;
    char tag[16] = "", rate[TRACE_RATE_MAX];
    struct ip_view ip;

    set_text(step, "vif", name_of_vif(control, id));
    if (vif == NULL || parse_frame(frame, here, &view) != PARSE_OK ||
        parse_ip(frame + view.l3_offset, here - view.l3_offset, length - view.l3_offset, &ip) !=
            PARSE_OK)
        return snprintf(text, TRACE_TEXT_MAX, "vif %s: ", name_of_vif(control, id));
    set_number(step, "ttl", ip_view_ttl(&ip));
    set_number(step, "octets", ip.total_length);
    if (view.vlan != VLAN_UNTAGGED)
        snprintf(tag, sizeof(tag), "tag %u, ", view.vlan);
    traced_rate_to_json(control, vif, TRACE_TO_GUEST, step, rate);
    return snprintf(text, TRACE_TEXT_MAX, "vif %s: ttl %u, %u octets of %u%s, %s",
                    name_of_vif(control, id), ip_view_ttl(&ip), ip.total_length, vif->mtu, rate,
                    tag);
}

void
traced_send_to_json(struct control *control, const struct traced *traced,
                    const struct trace_step *send, json_t *step, char text[TRACE_TEXT_MAX])
{
    const struct port *port = send->port < PORTS_MAX ? port_at(control->ports, send->port) : NULL;
    const uint8_t *frame = traced->frames + send->at;
    const uint32_t number = packet_account_number(send->number);
    int length = 0;

    if (packet_account_is_endpoint(send->number))
        length = tunnel_to_json(control, frame, send->kept, send->length, step, text);
    else if (packet_account_is_vif(send->number))
        length = delivery_to_json(control, number, frame, send->kept, send->length, step, text);
    set_text(step, "port", name_of_port(control, send->port));
    length += snprintf(text + length, TRACE_TEXT_MAX - (size_t)length, "port %s",
                       name_of_port(control, send->port));
    if (port != NULL && traced->worker != WORKER_UNKNOWN) {
        const unsigned queue = port_queue_of(port, traced->worker);

        set_number(step, "queue", queue);
        snprintf(text + length, TRACE_TEXT_MAX - (size_t)length, ", queue %u", queue);
    }
    if (traced->whole_frames) {
        char *hex = text_hex(frame, send->kept);

        json_object_set_new(step, "frame", json_string(hex));
        free(hex);
    }
}
