# SPDX-License-Identifier: BSD-3-Clause
"""What the model reads in frames and packets, written from the RFCs: IEEE 802.3 and 802.1Q, RFC 791,
RFC 8200. A reading that fails raises Dropped with the reason that a counter must show."""

import struct

ETHERTYPE_IPV4, ETHERTYPE_ARP, ETHERTYPE_VLAN = 0x0800, 0x0806, 0x8100
ETHERTYPE_IPV6, ETHERTYPE_MPLS = 0x86dd, 0x8847
ICMP, TCP, UDP, GRE, ICMPV6, SCTP = 1, 6, 17, 47, 58, 132
HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION = 0, 43, 44, 51, 60
NEIGHBOUR_DISCOVERY = range(133, 138)  # RFC 4861: RS, RA, NS, NA, redirect


class Dropped(Exception):
    """The packet ends here: `reason` as lib/stats/drops.def names it."""

    def __init__(self, reason):
        super().__init__(reason)
        self.reason = reason


def checksum(octets):
    """RFC 1071. The sum of 16-bit words in one's complement is the whole number modulo 65535."""
    if len(octets) % 2:
        octets += b"\0"
    number = int.from_bytes(octets, "big")
    return 0xffff - (number % 0xffff or (0xffff if number else 0))


def checksum_is_right(octets):
    """True for octets whose own checksum field is among them."""
    return checksum(octets) == 0


class Frame:
    """Ethernet with at most one tag."""

    def __init__(self, octets):
        if len(octets) < 14:
            raise Dropped("frame-too-short")
        self.destination, self.source = octets[:6], octets[6:12]
        self.type, = struct.unpack(">H", octets[12:14])
        self.vlan, self.offset = 0, 14
        if self.type == ETHERTYPE_VLAN:
            if len(octets) < 18:
                raise Dropped("frame-too-short")
            tag, self.type = struct.unpack(">HH", octets[14:18])
            self.vlan, self.offset = tag & 0x0fff, 18  # 0: a priority tag, the same as none

    def to_group(self):
        return bool(self.destination[0] & 1)


class Packet:
    """An IP packet whose header is right; `octets` ends where the packet does. `protocol` and
    `transport` say what it carries and where; a transport of None: not there to be read."""

    def __init__(self, octets):
        self.octets = octets
        self.protocol = self.transport = None
        self.fragment = self.later_fragment = self.dont_fragment = False
        self.fragment_header, self.fragment_key = False, None

    def set_ttl(self, ttl):
        self.ttl = ttl
        self.patch(7 if self.family == 6 else 8, bytes([ttl]))

    def set_class(self, traffic_class):
        """DSCP and ECN (RFC 2474, RFC 3168)."""
        self.traffic_class = traffic_class
        if self.family == 6:
            first, = struct.unpack(">H", self.octets[:2])
            self.patch(0, struct.pack(">H", first & 0xf00f | traffic_class << 4))
        else:
            self.patch(1, bytes([traffic_class]))

    def patch(self, at, value):
        """Writes octets into the header; an IPv4 header's checksum follows."""
        octets = bytearray(self.octets)
        octets[at:at + len(value)] = value
        if self.family == 4:
            octets[10:12] = b"\0\0"
            octets[10:12] = struct.pack(">H", checksum(bytes(octets[:self.header_length])))
        self.octets = bytes(octets)

    def carried(self):
        """The octets of what it carries, as many as there are."""
        return b"" if self.transport is None else self.octets[self.transport:]

    def ports(self):
        """Source and destination port of a whole TCP, UDP or SCTP packet, or None."""
        if self.protocol not in (TCP, UDP, SCTP) or self.fragment or len(self.carried()) < 4:
            return None
        return struct.unpack(">HH", self.carried()[:4])

    def flow(self):
        """What must go one way: the five-tuple; fragments by what all of a datagram have."""
        if self.fragment:
            return (self.source, self.destination, "fragment", self.fragment_key)
        return (self.source, self.destination, self.protocol, self.ports())


def expect(octets, version, header_length):
    """The version first, if there is an octet to say it; then whether the header is whole."""
    if octets and octets[0] >> 4 != version:
        raise Dropped("ip-version")
    if len(octets) < header_length:
        raise Dropped("frame-too-short")


class Packet4(Packet):
    family = 4

    def __init__(self, octets):
        expect(octets, 4, 20)
        self.header_length = (octets[0] & 15) * 4
        total, = struct.unpack(">H", octets[2:4])
        if self.header_length < 20 or total < self.header_length or total > len(octets):
            raise Dropped("ip-header")
        if not checksum_is_right(octets[:self.header_length]):
            raise Dropped("ip-checksum")
        super().__init__(octets[:total])
        flags, = struct.unpack(">H", octets[6:8])
        self.dont_fragment = bool(flags & 0x4000)
        self.later_fragment = bool(flags & 0x1fff)
        self.fragment = self.later_fragment or bool(flags & 0x2000)
        self.traffic_class, self.ttl, self.protocol = octets[1], octets[8], octets[9]
        self.fragment_key = self.protocol
        self.source, self.destination = octets[12:16], octets[16:20]
        if not self.later_fragment:
            self.transport = self.header_length


class Packet6(Packet):
    family = 6
    header_length = 40

    def __init__(self, octets):
        expect(octets, 6, 40)
        payload, self.protocol, self.ttl = struct.unpack(">HBB", octets[4:8])
        if 40 + payload > len(octets):
            raise Dropped("ip-header")
        if payload == 0 and self.protocol == HOP_BY_HOP:
            raise Dropped("ip-header")  # a jumbogram (RFC 2675), or a header without its octets
        self.first_header = self.protocol
        super().__init__(octets[:40 + payload])
        self.protocol = self.first_header
        self.dont_fragment = True  # RFC 8200 section 5: only the sender fragments
        self.traffic_class = struct.unpack(">H", octets[:2])[0] >> 4 & 0xff
        self.source, self.destination = octets[8:24], octets[24:40]
        self.walk()

    def walk(self):
        """The extension headers, as far as they are known and whole (RFC 8200 section 4)."""
        at = 40
        while self.protocol in (HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION):
            here = self.octets[at:at + 8]
            if len(here) < 8:
                return
            if self.protocol == FRAGMENT:
                offset, = struct.unpack(">H", here[2:4])
                self.fragment_header = True
                self.later_fragment = bool(offset & 0xfff8)
                # An atomic fragment (RFC 6946) is a whole packet.
                self.fragment = self.later_fragment or bool(offset & 1)
                self.fragment_key = here[0]
                length = 8
            elif self.protocol == AUTHENTICATION:
                length = (here[1] + 2) * 4  # RFC 4302
            else:
                length = (here[1] + 1) * 8
            if at + length > len(self.octets):
                return
            self.protocol, at = here[0], at + length
            if self.later_fragment:
                return
        self.transport = at

    def is_neighbour_discovery(self):
        return (self.protocol == ICMPV6 and not self.fragment and len(self.carried()) > 0 and
                self.carried()[0] in NEIGHBOUR_DISCOVERY)


def read_ip(octets):
    """The packet of the version that its first four bits say."""
    if octets and octets[0] >> 4 == 6:
        return Packet6(octets)
    return Packet4(octets)
