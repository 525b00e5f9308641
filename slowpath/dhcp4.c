/* SPDX-License-Identifier: BSD-3-Clause */

/* DHCPv4: which answer a message gets, and what is in it. See dhcp4.h. */

#include "slowpath/dhcp4.h"

#include <netinet/in.h>
#include <string.h>

#include "lib/net/checksum.h"
#include "slowpath/arp.h"

#define LEASE_FOREVER UINT32_MAX

/* A request on its way to an answer. */
struct exchange {
    const struct vif *vif;
    struct dhcp4_message request;
    uint32_t gateway, address; /* host order */
    enum dhcp4_type answer;
    struct dhcp4_builder builder;
    bool given[256]; /* options that are already in the answer */
};

/* A guest with checksum offload leaves the sum of the pseudo-header in the field for a device to
 * finish; on a virtual link there may be none. Over memory it is as good as a finished one. */
static bool
udp_checksum_is_right(const struct ipv4_header *ip, const uint8_t *datagram, size_t length)
{
    struct udp_header udp;

    memcpy(&udp, datagram, sizeof(udp));
    if (udp.checksum == 0 || checksum_transport_v4(ip, datagram, length) == 0)
        return true;
    const struct {
        be32 source, destination;
        uint8_t zero, protocol;
        be16 length;
    } __attribute__((packed)) pseudo = {
        ip->source, ip->destination, 0, IP_PROTOCOL_UDP, htobe16((uint16_t)length),
    };
    const be16 complement = checksum_finish(checksum_add(0, &pseudo, sizeof(pseudo)));
    return (udp.checksum ^ complement) == 0xffff;
}

/* Finds the DHCP message in a frame. */
static enum drop_reason
read_request(const struct vif *vif, const uint8_t *octets, size_t length,
             struct dhcp4_message *request)
{
    struct frame_view view;
    struct ip_view ip;
    struct udp_header udp;
    enum drop_reason reason = parse_frame(octets, length, &view);

    if (reason != PARSE_OK)
        return reason;
    if (view.type != ETHERTYPE_IPV4)
        return DROP_DHCP_INVALID;
    if (!mac_equal(&view.eth->source, &vif->mac))
        return DROP_SOURCE_MAC;
    reason =
        parse_ipv4(octets + view.l3_offset, length - view.l3_offset, length - view.l3_offset, &ip);
    if (reason != PARSE_OK)
        return reason;
    if (ip.v4->protocol != IP_PROTOCOL_UDP ||
        (be16toh(ip.v4->fragment) & (IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET)) != 0)
        return DROP_DHCP_INVALID;

    const uint8_t *datagram = octets + view.l3_offset + ip.header_length;
    const size_t room = ip.total_length - ip.header_length;

    if (room < sizeof(udp))
        return DROP_DHCP_INVALID;
    memcpy(&udp, datagram, sizeof(udp));
    const size_t datagram_length = be16toh(udp.length);
    if (datagram_length < sizeof(udp) || datagram_length > room ||
        udp.destination_port != htobe16(UDP_PORT_DHCP_SERVER) ||
        !udp_checksum_is_right(ip.v4, datagram, datagram_length))
        return DROP_DHCP_INVALID;
    if (!dhcp4_message_parse(datagram + sizeof(udp), datagram_length - sizeof(udp), request))
        return DROP_DHCP_INVALID;
    return mac_equal(&request->hardware, &vif->mac) ? PARSE_OK : DROP_DHCP_INVALID;
}

/* What a REQUEST gets (RFC 2131 section 4.3.2): the address that it asks for is the guest's or it
 * is not. */
static enum drop_reason
judge_request(struct exchange *exchange)
{
    const struct dhcp4_message *request = &exchange->request;
    const uint32_t bound = request->client_address; /* RENEWING and REBINDING, else 0 */

    if (request->has_server && request->server != exchange->gateway)
        return DROP_DHCP_IGNORED; /* SELECTING: it chose another server */
    if (!request->has_requested && bound == 0)
        return DROP_DHCP_INVALID;
    if ((request->has_requested && request->requested != exchange->address) ||
        (bound != 0 && bound != exchange->address))
        exchange->answer = DHCP4_NAK;
    return PARSE_OK;
}

/* True if the gateway is on the subnet that the guest is told of. */
static bool
gateway_is_on_subnet(const struct exchange *exchange)
{
    const uint8_t length = exchange->vif->service.prefix_length;

    return length < 32 && ((exchange->gateway ^ exchange->address) & ip_v4_mask(length)) == 0;
}

/* The classless routes (RFC 3442): the gateway's host route on the link, then the default route. */
static void
add_classless_routes(struct exchange *exchange)
{
    const be32 gateway = htobe32(exchange->gateway), on_link = 0;
    uint8_t routes[1 + 4 + 4 + 1 + 4];
    uint8_t length = 0;

    if (!gateway_is_on_subnet(exchange)) {
        routes[length++] = 32;
        memcpy(routes + length, &gateway, sizeof(gateway));
        memcpy(routes + length + 4, &on_link, sizeof(on_link));
        length += 8;
    }
    routes[length++] = 0;
    memcpy(routes + length, &gateway, sizeof(gateway));
    length += 4;
    dhcp4_add(&exchange->builder, DHCP4_OPTION_CLASSLESS_ROUTES, routes, length);
}

static bool
asks_for(const struct dhcp4_message *request, enum dhcp4_option code)
{
    return memchr(request->parameters, code, request->n_parameters) != NULL;
}

/* Adds an option if it is known and not there yet. */
static void
add_parameter(struct exchange *exchange, uint8_t code)
{
    const struct vif_service *service = &exchange->vif->service;
    be32 dns[VIF_DNS_MAX];

    if (exchange->given[code])
        return;
    exchange->given[code] = true;
    switch (code) {
    case DHCP4_OPTION_SUBNET_MASK:
        dhcp4_add_u32(&exchange->builder, code, ip_v4_mask(service->prefix_length));
        break;
    case DHCP4_OPTION_ROUTER:
        /* Who asked for classless routes gets no router beside them (RFC 3442). */
        if (asks_for(&exchange->request, DHCP4_OPTION_CLASSLESS_ROUTES))
            break;
        add_parameter(exchange, DHCP4_OPTION_SUBNET_MASK); /* before it (RFC 2132 section 3.3) */
        dhcp4_add_u32(&exchange->builder, code, exchange->gateway);
        break;
    case DHCP4_OPTION_CLASSLESS_ROUTES:
        add_classless_routes(exchange);
        break;
    case DHCP4_OPTION_DNS:
        for (unsigned i = 0; i < service->n_dns; i++)
            dns[i] = htobe32(ip_addr_to_v4(&service->dns[i]));
        if (service->n_dns > 0)
            dhcp4_add(&exchange->builder, code, dns, (uint8_t)(service->n_dns * sizeof(dns[0])));
        break;
    case DHCP4_OPTION_MTU:
        dhcp4_add_u16(&exchange->builder, code, exchange->vif->mtu);
        break;
    default:
        break;
    }
}

static void
add_lease(struct exchange *exchange)
{
    const uint32_t lease = exchange->vif->service.lease_seconds;

    dhcp4_add_u32(&exchange->builder, DHCP4_OPTION_LEASE_TIME, lease);
    if (lease == LEASE_FOREVER)
        return;
    dhcp4_add_u32(&exchange->builder, DHCP4_OPTION_T1, lease / 2);
    dhcp4_add_u32(&exchange->builder, DHCP4_OPTION_T2, (uint32_t)((uint64_t)lease * 7 / 8));
}

/* Writes the message into `octets`. @return its length, 0 if it does not fit. */
static size_t
write_message(struct exchange *exchange, uint8_t *octets)
{
    const struct dhcp4_message *request = &exchange->request;
    const bool gives_address = exchange->answer != DHCP4_NAK && request->type != DHCP4_INFORM;

    dhcp4_answer_begin(&exchange->builder, octets, request, exchange->answer, exchange->gateway,
                       exchange->answer == DHCP4_ACK ? request->client_address : 0,
                       gives_address ? exchange->address : 0);
    if (gives_address)
        add_lease(exchange);
    if (exchange->answer != DHCP4_NAK) {
        /* First what the client asked for, in its order; then what it needs in any case. */
        for (unsigned i = 0; i < request->n_parameters; i++)
            add_parameter(exchange, request->parameters[i]);
        add_parameter(exchange, DHCP4_OPTION_SUBNET_MASK);
        add_parameter(exchange, DHCP4_OPTION_ROUTER);
        add_parameter(exchange, DHCP4_OPTION_DNS);
        add_parameter(exchange, DHCP4_OPTION_MTU);
    }
    return dhcp4_answer_end(&exchange->builder);
}

/* The whole answer, addressed as RFC 2131 section 4.1 says. */
static enum drop_reason
write_answer(struct exchange *exchange, struct frame *reply)
{
    const struct dhcp4_message *request = &exchange->request;
    uint8_t octets[DHCP4_MESSAGE_MAX];
    const size_t length = write_message(exchange, octets);
    struct link_address link = link_to_guest(exchange->vif, IP_V4);
    uint32_t destination = exchange->address;

    if (length == 0)
        return DROP_DHCP_INVALID;
    if (exchange->answer == DHCP4_ACK && request->client_address != 0) {
        destination = request->client_address;
    } else if (exchange->answer == DHCP4_NAK || request->broadcast) {
        link.destination = MAC_BROADCAST;
        destination = INADDR_BROADCAST;
    }

    struct udp_header udp = {
        .source_port = htobe16(UDP_PORT_DHCP_SERVER),
        .destination_port = htobe16(UDP_PORT_DHCP_CLIENT),
        .length = htobe16((uint16_t)(sizeof(udp) + length)),
    };
    const size_t ip_offset = frame_begin(reply, &link, ETHERTYPE_IPV4);
    frame_add_ipv4(reply, 0, IP_PROTOCOL_UDP, htobe32(exchange->gateway), htobe32(destination),
                   sizeof(udp) + length);
    uint8_t *datagram = reply->octets + reply->length;
    memcpy(datagram, &udp, sizeof(udp));
    memcpy(datagram + sizeof(udp), octets, length);
    reply->length += sizeof(udp) + length;

    struct ipv4_header ip;
    memcpy(&ip, reply->octets + ip_offset, sizeof(ip));
    udp.checksum = checksum_transport_v4(&ip, datagram, sizeof(udp) + length);
    if (udp.checksum == 0)
        udp.checksum = 0xffff; /* zero would say "none" */
    memcpy(datagram, &udp, sizeof(udp));
    return PARSE_OK;
}

enum drop_reason
dhcp4_answer(const struct vif *vif, const uint8_t *octets, size_t length, uint8_t *type,
             struct frame *reply)
{
    struct exchange exchange = { .vif = vif, .answer = DHCP4_ACK };
    const struct dhcp4_message *request = &exchange.request;

    *type = 0;
    reply->length = 0;
    if (!vif->service.dhcp || vif->service.address.family != IP_V4)
        return DROP_DHCP_IGNORED;
    enum drop_reason reason = read_request(vif, octets, length, &exchange.request);
    if (reason != PARSE_OK)
        return reason;
    *type = request->type;
    exchange.gateway = ip_addr_to_v4(&vif->gateway);
    exchange.address = ip_addr_to_v4(&vif->service.address);
    if (request->relay_address != 0)
        return DROP_DHCP_IGNORED;

    switch (request->type) {
    case DHCP4_DISCOVER:
        exchange.answer = DHCP4_OFFER;
        break;
    case DHCP4_REQUEST:
        reason = judge_request(&exchange);
        if (reason != PARSE_OK)
            return reason;
        break;
    case DHCP4_INFORM:
        if (!guest_may_send_from(vif, request->client_address))
            return DROP_DHCP_INVALID;
        break;
    case DHCP4_DECLINE:
    case DHCP4_RELEASE:
        return request->has_server && request->server != exchange.gateway ? DROP_DHCP_IGNORED
                                                                          : PARSE_OK;
    default:
        return DROP_DHCP_INVALID; /* a server's message */
    }
    return write_answer(&exchange, reply);
}
