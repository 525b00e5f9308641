# SPDX-License-Identifier: BSD-3-Clause
"""What the model reads in frames and packets, written from the RFCs: IEEE 802.3 and 802.1Q, RFC
791, RFC 8200. A reading that fails raises Dropped with the reason that a counter must show."""

import ipaddress
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


def mac(text):
    """The octets of a MAC address."""
    return bytes.fromhex(text.replace(":", ""))


def packed(text):
    """The octets of an IP address of either family."""
    return ipaddress.ip_address(text).packed


def never_forwarded(destination):
    """RFC 1122 section 3.2.1.3, RFC 1812 section 5.3.7; RFC 4291 sections 2.5 and 2.7. @return a
    reason or None."""
    if len(destination) == 4:
        if destination == b"\xff" * 4 or 224 <= destination[0] < 240:
            return "multicast"
        return "ip-destination" if destination[0] in (0, 127) or destination[0] >= 240 else None
    if destination[0] == 0xff:
        return "multicast"
    if is_link_local(destination) or int.from_bytes(destination, "big") <= 1 or \
            destination[:12] == b"\0" * 10 + b"\xff\xff":
        return "ip-destination"
    return None


def is_link_local(address):
    return len(address) == 16 and address[0] == 0xfe and address[1] & 0xc0 == 0x80


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

    def clamp(self, mss):
        """Lowers the maximum segment size that a TCP SYN offers; the checksum follows (RFC 1624),
        right or wrong as it was."""
        segment = self.carried()
        if self.protocol != TCP or self.fragment or len(segment) < 20 or not segment[13] & 2:
            return
        header_length = (segment[12] >> 4) * 4
        if header_length < 20 or header_length > len(segment):
            return
        for at, option in options_of(segment[20:header_length]):
            offered = int.from_bytes(option[2:4], "big")
            if option[0] == 2 and len(option) == 4 and offered > mss:
                self.patch_sum(self.transport + 22 + at, struct.pack(">H", mss),
                               self.transport, self.transport + 16)

    def patch_sum(self, at, value, begin, checksum_at):
        """Writes octets under a checksum over what begins at `begin`, and updates it."""
        octets, swapped = bytearray(self.octets), (at - begin) % 2
        before, after = octets[at:at + 2], value
        if swapped:
            before, after = before[::-1], after[::-1]
        total = (~int.from_bytes(octets[checksum_at:checksum_at + 2], "big") & 0xffff) + \
            (~int.from_bytes(before, "big") & 0xffff) + int.from_bytes(after, "big")
        while total >> 16:
            total = (total & 0xffff) + (total >> 16)
        octets[at:at + 2] = value
        octets[checksum_at:checksum_at + 2] = struct.pack(">H", ~total & 0xffff)
        self.octets = bytes(octets)

    def carried(self):
        """The octets of what it carries, as many as there are."""
        return b"" if self.transport is None else self.octets[self.transport:]

    def ports(self):
        """Source and destination port of a whole TCP, UDP or SCTP packet, or None."""
        if self.protocol not in (TCP, UDP, SCTP) or self.fragment or len(self.carried()) < 4:
            return None
        return struct.unpack(">HH", self.carried()[:4])

    def is_icmp_error(self):
        """RFC 1122 section 3.2.2, RFC 4443 section 2.1."""
        kinds = (3, 4, 5, 11, 12) if self.family == 4 else range(128)
        return not self.fragment and len(self.carried()) > 0 and self.carried()[0] in kinds

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


def options_of(octets):
    """The options of an IPv4 or TCP header: [(where, octets)], up to their end or the first that is
    wrong (RFC 791 section 3.1, RFC 9293 section 3.1)."""
    found, at = [], 0
    while at < len(octets) and octets[at] != 0:
        length = 1 if octets[at] == 1 else octets[at + 1] if at + 1 < len(octets) else 0
        if length == 0 or (length == 1 and octets[at] != 1) or at + length > len(octets):
            break
        found.append((at, octets[at:at + length]))
        at += length
    return found


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


    def end(self):
        """Where its last octet stands in the datagram that it is or is a part of, header
        included."""
        offset = struct.unpack(">H", self.octets[6:8])[0] & 0x1fff
        return offset * 8 + len(self.octets)

    def fragments(self, mtu):
        """RFC 791 section 3.2. All but the last have as much as fits behind the first header. What
        is a later fragment already has no options but those that are copied."""
        header, data = self.octets[:self.header_length], self.octets[self.header_length:]
        room = (mtu - len(header)) // 8 * 8
        copied = header[20:] if self.later_fragment else b"".join(
            octets for _, octets in options_of(header[20:]) if octets[0] & 0x80)
        later = header[:20] + copied + bytes(-len(copied) % 4)
        flags, = struct.unpack(">H", header[6:8])
        made = []
        for at in range(0, len(data), room):
            piece, begin = data[at:at + room], header if at == 0 else later
            more = 0x2000 if at + room < len(data) else flags & 0x2000
            octets = bytearray(begin + piece)
            octets[0] = 0x40 | len(begin) // 4
            struct.pack_into(">H", octets, 2, len(octets))
            struct.pack_into(">H", octets, 6, flags & 0x8000 | (flags & 0x1fff) + at // 8 | more)
            octets[10:12] = b"\0\0"
            struct.pack_into(">H", octets, 10, checksum(bytes(octets[:len(begin)])))
            made.append(Packet4(bytes(octets)))
        return made


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
