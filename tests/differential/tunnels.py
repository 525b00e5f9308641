# SPDX-License-Identifier: BSD-3-Clause
"""The three encapsulations over both underlay families: RFC 4023, RFC 7510, RFC 7348. Outer
headers are built by scapy, once for each endpoint; lengths, label and checksum are then written
into them."""

import struct

from scapy.all import GRE as GreHeader
from scapy.all import IP, UDP as UdpHeader, VXLAN, Dot1Q, Ether, IPv6
from scapy.contrib.mpls import MPLS

from headers import (ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_MPLS, GRE, UDP, Dropped, checksum,
                     checksum_is_right, read_ip)

ROUTER_MAC, ROUTER_MAC6 = bytes.fromhex("00005e000101"), bytes.fromhex("00005e000201")
PORTS = {"udp": 6635, "vxlan": 4789}
ENTROPY = range(49152, 65536)

# Octets between the outer Ethernet header and the inner IP packet, without the outer IP header.
SHIM = {"gre": 4 + 4, "udp": 8 + 4, "vxlan": 8 + 8 + 14}


def overhead(family, encapsulation):
    return (20 if family == 4 else 40) + SHIM[encapsulation]


def outer_header(encapsulation, family, source_mac, destination_mac, vlan, source, destination):
    """What stands before the inner packet: lengths, label, entropy and inner TTL zero."""
    ether = Ether(src=source_mac, dst=destination_mac)
    if vlan:
        ether = ether / Dot1Q(vlan=vlan)
    if family == 4:
        ip = IP(src=source, dst=destination, ttl=64, id=0, flags="DF", len=0, chksum=0,
                proto=GRE if encapsulation == "gre" else UDP)
    else:
        ip = IPv6(src=source, dst=destination, hlim=64, tc=0, fl=0, plen=0,
                  nh=GRE if encapsulation == "gre" else UDP)
    if encapsulation == "gre":
        shim = GreHeader(proto=ETHERTYPE_MPLS) / MPLS(label=0, cos=0, s=1, ttl=0)
    elif encapsulation == "udp":
        shim = UdpHeader(sport=0, dport=6635, len=0, chksum=0) / MPLS(label=0, cos=0, s=1, ttl=0)
    else:
        shim = (UdpHeader(sport=0, dport=4789, len=0, chksum=0) / VXLAN(flags=8, vni=0) /
                Ether(src="00:00:5e:00:01:01", dst="00:00:5e:00:01:01", type=ETHERTYPE_IPV4))
    return bytes(ether / ip / shim)


class Tunnel:
    """One endpoint's way out."""

    def __init__(self, encapsulation, family, source_mac, destination_mac, vlan, source,
                 destination):
        self.encapsulation, self.family = encapsulation, family
        self.header = outer_header(encapsulation, family, source_mac, destination_mac, vlan, source,
                                   destination)
        self.ip_at = 18 if vlan else 14
        self.transport_at = self.ip_at + (20 if family == 4 else 40)

    def wrap(self, inner, label, traffic_class):
        """The frame around an inner packet, its entropy (source port, flow label) zero; the MPLS
        traffic class (RFC 5462) is the class selector of the tunnel's DSCP."""
        frame = bytearray(self.header + inner.octets)
        ip, transport = self.ip_at, self.transport_at
        if self.encapsulation == "vxlan":
            frame[transport + 12:transport + 15] = label.to_bytes(3, "big")
            if inner.family == 6:
                frame[len(self.header) - 14:len(self.header)] = \
                    2 * ROUTER_MAC6 + struct.pack(">H", ETHERTYPE_IPV6)
        else:
            struct.pack_into(">I", frame, len(self.header) - 4,
                             label << 12 | traffic_class >> 5 << 9 | 1 << 8 | inner.ttl)
        if self.encapsulation != "gre":
            struct.pack_into(">H", frame, transport + 4, len(frame) - transport)
        if self.family == 4:
            frame[ip + 1] = traffic_class
            struct.pack_into(">H", frame, ip + 2, len(frame) - ip)
            struct.pack_into(">H", frame, ip + 10, checksum(bytes(frame[ip:ip + 20])))
        else:
            struct.pack_into(">H", frame, ip, 6 << 12 | traffic_class << 4)
            struct.pack_into(">H", frame, ip + 4, len(frame) - transport)
        return bytes(frame)


def without_entropy(frame, vlan):
    """A frame for the underlay with what the sender is free to choose set to zero (RFC 7510 section
    3, RFC 6438), and that choice: (source port or None, flow label or None)."""
    octets, at, port, label = bytearray(frame), 18 if vlan else 14, None, None
    if len(frame) < at + 20:
        return frame, (None, None)
    protocol, transport = frame[at + 9], at + (frame[at] & 15) * 4
    if frame[at] >> 4 == 6:
        label = struct.unpack_from(">I", frame, at)[0] & 0xfffff
        octets[at + 1] &= 0xf0
        octets[at + 2:at + 4] = b"\0\0"
        protocol, transport = frame[at + 6], at + 40
    if protocol not in (UDP, GRE) or \
            protocol == UDP and int.from_bytes(frame[transport + 2:transport + 4], "big") not in \
            PORTS.values():
        return frame, (None, None)  # no tunnel
    if protocol == UDP:
        port, = struct.unpack_from(">H", frame, transport)
        octets[transport:transport + 2] = b"\0\0"
    return bytes(octets), (port, label)


def is_tunnel(outer):
    """A packet for one of our tunnels, not for the host behind our address."""
    if outer.protocol == GRE:
        return True
    if outer.protocol != UDP:
        return False
    return len(outer.carried()) < 8 or outer.ports()[1] in PORTS.values()


def unwrap(outer):
    """What a tunnelled packet holds: its label, and a function that reads the inner packet; Dropped
    if anything is wrong."""
    if outer.protocol == GRE:
        return mpls(gre(outer.carried()))
    payload = udp(outer)
    if outer.ports()[1] == PORTS["udp"]:
        return mpls(payload)
    return vxlan(payload)


def gre(octets):
    """RFC 2784, RFC 2890: version 0, checksum and key accepted, MPLS inside."""
    if len(octets) < 4:
        raise Dropped("gre-header")
    flags, protocol = struct.unpack(">HH", octets[:4])
    has_checksum, has_key = bool(flags & 0x8000), bool(flags & 0x2000)
    if flags & ~0xa000 or protocol != ETHERTYPE_MPLS:
        raise Dropped("gre-header")
    at = 4 + 4 * has_checksum + 4 * has_key
    if len(octets) < at:
        raise Dropped("gre-header")
    if has_checksum and not checksum_is_right(octets):
        raise Dropped("gre-checksum")
    return octets[at:]


def udp(outer):
    """RFC 768 over RFC 791 or RFC 8200; a checksum of zero is none, also over IPv6 (RFC 6935)."""
    octets = outer.carried()
    if len(octets) < 8:
        raise Dropped("udp-header")
    length, check = struct.unpack(">HH", octets[4:8])
    if length != len(octets):
        raise Dropped("udp-header")
    if check != 0:
        if outer.family == 4:
            pseudo = outer.source + outer.destination + struct.pack(">BBH", 0, UDP, length)
        else:
            pseudo = outer.source + outer.destination + struct.pack(">IHBB", length, 0, 0, UDP)
        if not checksum_is_right(pseudo + octets):
            raise Dropped("udp-checksum")
    return octets[8:]


def mpls(octets):
    """RFC 3032: one label, and IP of either family behind it."""
    if len(octets) < 4:
        raise Dropped("label-stack")
    entry, = struct.unpack(">I", octets[:4])
    if not entry & 0x100:
        raise Dropped("label-stack")
    return entry >> 12, lambda: read_ip(octets[4:])


def vxlan(octets):
    """RFC 7348: the VNI is there, and a frame from one virtual router to another without a tag;
    reserved bits are not looked at."""
    if len(octets) < 8 + 14 or not octets[0] & 0x08:
        raise Dropped("vxlan-header")
    vni, inner = int.from_bytes(octets[4:7], "big"), octets[8:]
    if inner[:6] not in (ROUTER_MAC, ROUTER_MAC6):
        raise Dropped("vxlan-header")
    type_, = struct.unpack(">H", inner[12:14])
    if type_ not in (ETHERTYPE_IPV4, ETHERTYPE_IPV6):
        raise Dropped("ethertype")

    def packet():
        found = read_ip(inner[14:])
        if found.family != (4 if type_ == ETHERTYPE_IPV4 else 6):
            raise Dropped("ip-version")
        return found
    return vni, packet

