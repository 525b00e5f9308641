# SPDX-License-Identifier: BSD-3-Clause
"""What the slow path says: on the underlay, at its start, whose addresses are ours (RFC 5227 section
2.3, RFC 4862 section 5.4.2); and to its sender, of a packet that goes no further: RFC 792, RFC 1191,
RFC 1122 section 3.2.2 and RFC 1812 section 4.3.2 over IPv4, RFC 4443 over IPv6."""

import ipaddress
import struct

from scapy.all import ARP, Dot1Q, Ether, ICMPv6ND_NS, IPv6

from headers import (AUTHENTICATION, DESTINATION, FRAGMENT, HOP_BY_HOP, ICMP, ICMPV6, ROUTING,
                     Packet4, Packet6, checksum, never_forwarded, read_ip)

ANSWERED = ("ttl-expired", "too-big", "no-route")
HOPS = 64
NETWORK_CONTROL = 0xc0  # RFC 1812 section 4.3.2.5
LARGEST, LARGEST6 = 576, 1280
REDIRECT6 = 137


def at_start(tables, mac):
    """Frames: whose the IPv4 address is, and a probe for duplicates of the IPv6 address."""
    for octets in tables.addresses:
        address = str(ipaddress.ip_address(octets))
        if len(octets) == 4:
            link = Ether(src=mac, dst=b"\xff" * 6)
            body = ARP(hwsrc=mac, psrc=address, hwdst=bytes(6), pdst=address)
        else:
            group = ipaddress.ip_address("ff02::1:ff00:0").packed[:13] + octets[-3:]
            link = Ether(src=mac, dst=b"\x33\x33" + group[-4:])
            body = IPv6(src="::", dst=str(ipaddress.ip_address(group)), hlim=255) / \
                ICMPv6ND_NS(tgt=address)
        yield bytes(link / Dot1Q(vlan=tables.underlay_vlan) / body if tables.underlay_vlan else
                    link / body)


def error_about(punt, router, router6):
    """The error, from the router's address of the packet's family, to its source. @return None if
    there must be none."""
    packet = read_ip(punt.frame[punt.l3_offset:])
    if never_forwarded(packet.source) or is_error(packet):
        return None
    if packet.family == 6:
        return error6(punt, packet, router6)
    return None if packet.later_fragment else error4(punt, packet, router)


def is_error(packet):
    """It is an error itself, or cannot be told from one."""
    first = packet.carried()[:1]
    if packet.family == 4:
        return packet.protocol == ICMP and first in (b"", *map(bytes, ([3], [4], [5], [11], [12])))
    if packet.protocol in (HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION):
        return True
    return packet.protocol == ICMPV6 and (first == b"" or first[0] < 128 or first[0] == REDIRECT6)


def error4(punt, packet, router):
    """As much of the packet as a datagram of 576 octets has room for. The router's own datagrams
    are never in fragments: no identification (RFC 6864)."""
    kind, code = {"ttl-expired": (11, 0), "too-big": (3, 4), "no-route": (3, 0)}[punt.reason]
    message = struct.pack(">BBHI", kind, code, 0, punt.mtu) + packet.octets[:LARGEST - 20 - 8]
    message = message[:2] + struct.pack(">H", checksum(message)) + message[4:]
    header = struct.pack(">BBHHHBBH", 0x45, NETWORK_CONTROL, 20 + len(message), 0, 0x4000, HOPS,
                         ICMP, 0) + router + packet.source
    return Packet4(header[:10] + struct.pack(">H", checksum(header)) + header[12:] + message)


def error6(punt, packet, router):
    """As much of it as the smallest MTU has room for."""
    kind = {"ttl-expired": 3, "too-big": 2, "no-route": 1}[punt.reason]
    message = struct.pack(">BBHI", kind, 0, 0, punt.mtu) + packet.octets[:LARGEST6 - 40 - 8]
    pseudo = router + packet.source + struct.pack(">II", len(message), ICMPV6)
    message = message[:2] + struct.pack(">H", checksum(pseudo + message)) + message[4:]
    header = struct.pack(">IHBB", 6 << 28 | NETWORK_CONTROL << 20, len(message), ICMPV6, HOPS)
    return Packet6(header + router + packet.source + message)
