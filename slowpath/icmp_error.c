/* SPDX-License-Identifier: BSD-3-Clause */

/* ICMP errors of both families: see icmp_error.h. */

#include "slowpath/icmp_error.h"

#include "slowpath/arp.h"
#include "slowpath/icmp6.h"
#include "slowpath/nd.h"
#include "slowpath/send.h"

#define ERRORS_PER_SECOND 100
#define ERRORS_BURST      50

/* What is told of a packet. Codes are zero for both families, but for IPv4's too big: without a
 * route that is "network unreachable" (RFC 1812 section 5.2.7.1), "no route" (RFC 4443
 * section 3.1).
 */
static struct icmp_error
error_of(const struct packet_note *note, uint8_t family)
{
    if (note->reason == PUNT_TTL_EXPIRED)
        return (struct icmp_error){
            .type = family == IP_V6 ? ICMP6_TIME_EXCEEDED : ICMP_TIME_EXCEEDED,
        };
    if (note->reason == PUNT_NO_ROUTE)
        return (struct icmp_error){
            .type = family == IP_V6 ? ICMP6_UNREACHABLE : ICMP_UNREACHABLE,
        };
    if (family == IP_V6)
        return (struct icmp_error){ .type = ICMP6_TOO_BIG, .mtu = note->mtu };
    return (struct icmp_error){
        .type = ICMP_UNREACHABLE,
        .code = ICMP_CODE_FRAGMENTATION_NEEDED,
        .mtu = note->mtu,
    };
}

static bool
add_error(const struct packet_note *note, const struct ip_addr *from, const struct ip_view *ip,
          size_t here, struct frame *reply)
{
    const struct icmp_error error = error_of(note, ip->family);

    return ip->family == IP_V6 ? icmp6_error_add(&error, from, ip, here, reply)
                               : icmp_error_add(&error, from, ip, here, reply);
}

static bool
may_speak(struct slowpath *slowpath, struct rate_limit *limit)
{
    return rate_limit_take(limit, ERRORS_PER_SECOND, ERRORS_BURST, slowpath->now_ms);
}

/* Whether the source, to which the error goes, is this guest. */
static bool
is_the_guests(const struct vif *vif, const struct ip_view *ip)
{
    if (ip->family == IP_V4)
        return guest_may_send_from(vif, ip->source);
    const struct ip_addr source = ip_addr_from_v6(ip->v6->source);
    return guest_may_send_from6(vif, &source);
}

static enum drop_reason
tell_guest(struct slowpath *slowpath, const struct packet_note *note, const struct vif *vif,
           const struct mac_addr *sent_to, const struct ip_view *ip, size_t here)
{
    const bool v6 = ip->family == IP_V6;
    const struct link_address link = link_to_guest(vif, ip->family);

    frame_begin(&slowpath->reply, &link, v6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4);
    if (!mac_is_station(sent_to) || !is_the_guests(vif, ip) ||
        !add_error(note, v6 ? &vif->gateway6 : &vif->gateway, ip, here, &slowpath->reply))
        return DROP_ICMP_ERROR_FORBIDDEN;
    if (!may_speak(slowpath, &slowpath->icmp_errors[vif->id]))
        return DROP_ICMP_ERROR_RATE;
    return send_frame(slowpath, vif->port, vif->id, &slowpath->reply);
}

static enum drop_reason
tell_vrf(struct slowpath *slowpath, const struct packet_note *note, const struct ip_view *ip,
         size_t here)
{
    const struct vrf_table *vrfs = &slowpath->config.tables->vrfs;
    const struct ip_addr from =
        ip->family == IP_V6 ? IP_VIRTUAL_ROUTER_V6 : ip_addr_from_v4(vrf_gateway(vrfs, note->vrf));

    slowpath->reply.length = 0;
    if (!add_error(note, &from, ip, here, &slowpath->reply))
        return DROP_ICMP_ERROR_FORBIDDEN;
    if (!may_speak(slowpath, &slowpath->icmp_vrf_errors[note->vrf]))
        return DROP_ICMP_ERROR_RATE;
    return send_routed(slowpath, note->vrf, &slowpath->reply);
}

enum drop_reason
icmp_error_tell(struct slowpath *slowpath, const struct packet_note *note,
                const struct punted *punted)
{
    struct frame_view frame;
    struct ip_view ip;

    if (note->l3_offset > punted->here)
        return DROP_FRAME_TOO_SHORT;

    const size_t here = punted->here - note->l3_offset;
    enum drop_reason reason =
        parse_ip(punted->octets + note->l3_offset, here, punted->length - note->l3_offset, &ip);
    if (reason != PARSE_OK)
        return reason;
    if (punted->vif == NULL) {
        if (note->vrf < slowpath->config.tables->limits.vrfs)
            return tell_vrf(slowpath, note, &ip, here);
        /* its label led into no VRF */
        return note->reason == PUNT_TTL_EXPIRED ? DROP_TTL_EXPIRED : DROP_TOO_BIG;
    }
    reason = parse_frame(punted->octets, punted->here, &frame);
    if (reason != PARSE_OK)
        return reason;
    return tell_guest(slowpath, note, punted->vif, &frame.eth->destination, &ip, here);
}
