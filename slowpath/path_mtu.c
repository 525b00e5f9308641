/* SPDX-License-Identifier: BSD-3-Clause */

/* ICMP errors about our tunnels: see path_mtu.h. */

#include "slowpath/path_mtu.h"

#include <string.h>

#include "lib/net/checksum.h"
#include "lib/ring/path_mtu.h"
#include "slowpath/icmp.h"

#define PER_SECOND 10
#define BURST      20

/* What every path must carry (RFC 791, RFC 8200), and so the least that is believed. */
#define IPV4_MTU_MIN 576

#define DYNAMIC_PORT_FIRST 49152 /* where the entropy of our UDP source ports begins (RFC 7510) */
#define TRANSPORT_QUOTED   8     /* octets behind the IP header that routers quote at least */

static bool
is_tunnel(uint8_t protocol, const uint8_t *transport)
{
    struct udp_header udp;
    struct gre_header gre;

    if (protocol == IP_PROTOCOL_GRE) {
        memcpy(&gre, transport, sizeof(gre));
        return gre.flags_version == 0 && gre.protocol == htobe16(ETHERTYPE_MPLS);
    }
    memcpy(&udp, transport, sizeof(udp));
    return protocol == IP_PROTOCOL_UDP && be16toh(udp.source_port) >= DYNAMIC_PORT_FIRST &&
           (udp.destination_port == htobe16(UDP_PORT_MPLS) ||
            udp.destination_port == htobe16(UDP_PORT_VXLAN));
}

static bool
parse_quoted_v4(const uint8_t *octets, size_t length, struct quoted_tunnel *quoted)
{
    struct ipv4_header ip;

    if (length < sizeof(ip) + TRANSPORT_QUOTED)
        return false;
    memcpy(&ip, octets, sizeof(ip));
    quoted->source = ip_addr_from_v4(be32toh(ip.source));
    quoted->destination = ip_addr_from_v4(be32toh(ip.destination));
    quoted->length = be16toh(ip.total_length);
    return ip.version_ihl == 0x45 && ip.fragment == htobe16(IPV4_DONT_FRAGMENT) &&
           is_tunnel(ip.protocol, octets + sizeof(ip));
}

static bool
parse_quoted_v6(const uint8_t *octets, size_t length, struct quoted_tunnel *quoted)
{
    struct ipv6_header ip;

    if (length < sizeof(ip) + TRANSPORT_QUOTED)
        return false;
    memcpy(&ip, octets, sizeof(ip));
    quoted->source = ip_addr_from_v6(ip.source);
    quoted->destination = ip_addr_from_v6(ip.destination);
    quoted->length = (uint32_t)sizeof(ip) + be16toh(ip.payload_length);
    return is_tunnel(ip.next_header, octets + sizeof(ip));
}

bool
quoted_tunnel_parse(const uint8_t *octets, size_t length, struct quoted_tunnel *quoted)
{
    if (length == 0)
        return false;
    switch (octets[0] >> 4) {
    case 4:
        return parse_quoted_v4(octets, length, quoted);
    case 6:
        return parse_quoted_v6(octets, length, quoted);
    default:
        return false;
    }
}

/* Whether tunnels to this address are among ours: every endpoint's is on the allow-list. */
static bool
is_endpoint(const struct tables *tables, const struct ip_addr *address)
{
    const uint32_t root = tables_sources_root(&tables->limits);
    path_t path;

    if (address->family == IP_V4) {
        const uint32_t v4 = ip_addr_to_v4(address);

        fib_lookup_bulk(tables->fib, &root, &v4, &path, 1);
    } else {
        const uint8_t *v6 = address->octets;

        fib_lookup6_bulk(tables->fib, &root, &v6, &path, 1);
    }
    return path_kind(path) != PATH_NONE;
}

/* The ICMP message, if it is whole, right, and tells of a path MTU. */
static bool
read_message(const struct ip_view *ip, size_t here, struct icmp_header *header)
{
    const bool v6 = ip->family == IP_V6;
    const uint8_t *message = ip->octets + ip->transport;
    const size_t length = ip->total_length - (size_t)ip->transport;

    if (ip->fragment || ip->transport == 0 || here < ip->total_length || length < sizeof(*header) ||
        ip->protocol != (v6 ? IP_PROTOCOL_ICMPV6 : IP_PROTOCOL_ICMP))
        return false;
    memcpy(header, message, sizeof(*header));
    if (v6)
        return header->type == ICMP6_TOO_BIG &&
               checksum_transport_v6(ip->v6, IP_PROTOCOL_ICMPV6, message, length) == 0;
    return header->type == ICMP_UNREACHABLE && header->code == ICMP_CODE_FRAGMENTATION_NEEDED &&
           checksum_finish(checksum_add(0, message, length)) == 0;
}

enum drop_reason
path_mtu_hear(struct slowpath *slowpath, const struct ip_view *ip, size_t here)
{
    const struct underlay *underlay = slowpath->config.underlay;
    const struct ip_addr *ours = underlay_address(underlay, ip->family);
    struct icmp_header header;
    struct quoted_tunnel quoted;

    if (!read_message(ip, here, &header))
        return DROP_UNDERLAY_PROTOCOL;
    const size_t quote = ip->transport + sizeof(header);
    if (ours == NULL ||
        !quoted_tunnel_parse(ip->octets + quote, ip->total_length - quote, &quoted) ||
        !ip_addr_equal(&quoted.source, ours))
        return DROP_UNDERLAY_PROTOCOL;

    const bool v6 = ip->family == IP_V6;
    const uint32_t told = v6 ? be32toh(header.rest) : be32toh(header.rest) & UINT16_MAX;
    if (told < (v6 ? IPV6_MTU_MIN : IPV4_MTU_MIN) || told >= quoted.length ||
        quoted.length > underlay->mtu ||
        !is_endpoint(slowpath->config.tables, &quoted.destination) ||
        !rate_limit_take(&slowpath->path_mtus, PER_SECOND, BURST, slowpath->now_ms))
        return DROP_PATH_MTU;

    const struct path_mtu path_mtu = { quoted.destination, (uint16_t)told };
    return path_mtu_tell(slowpath->config.rings, &path_mtu) ? PARSE_OK : DROP_PATH_MTU;
}
