# SPDX-License-Identifier: BSD-3-Clause
"""IP packets for the generator, whole and broken, of both families. What they carry is built by
scapy, once for each shape; addresses, lengths and checksums are then written into it. A packet's
payload repeats a tag that says in which VRF it began, so that a piece of it tells, too."""

import binascii
import struct

from scapy.all import (DHCP, ICMP, IP, SCTP, TCP, UDP, BOOTP, ICMPv6EchoRequest, ICMPv6ND_NA,
                       ICMPv6ND_NS, ICMPv6ND_RA, ICMPv6ND_Redirect, ICMPv6ND_RS,
                       IPv6ExtHdrDestOpt, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, NoPayload, PadN)

import headers
from headers import checksum
from topology import chance

TAG_OCTETS = 8
TAG_START = b"\xa5\xc3"
UNKNOWN = 255  # the origin of a packet whose identity may have been hit


def tag_of(origin, number):
    body = TAG_START + bytes([origin]) + number.to_bytes(3, "big")
    return body + binascii.crc_hqx(body, 0).to_bytes(2, "big")


def origins_in(octets):
    """The origins of all tags that stand whole in some octets."""
    found, at = set(), octets.find(TAG_START)
    while at >= 0:
        tag = octets[at:at + TAG_OCTETS]
        if len(tag) == TAG_OCTETS and binascii.crc_hqx(tag, 0) == 0:  # of tag and check
            found.add(tag[2])
            at += TAG_OCTETS - 2
        at = octets.find(TAG_START, at + 2)
    return found


def alone(layer):
    """The octets of one scapy layer."""
    layer = layer.copy()
    layer.payload = NoPayload()
    return bytes(layer)


# What stands behind the IP header: (protocol, header). Lengths and checksums come later.
SHAPES = {
    "udp": (headers.UDP, alone(UDP(sport=0, dport=0, len=0, chksum=0))),
    "tcp": (headers.TCP, alone(TCP(flags="A", chksum=0))),
    "tcp-syn": (headers.TCP, alone(TCP(flags="S", chksum=0, options=[
        ("MSS", 8960), ("SAckOK", b""), ("Timestamp", (1, 0)), ("NOP", None), ("WScale", 7)]))),
    "tcp-odd": (headers.TCP, alone(TCP(flags="SA", chksum=0, options=[
        ("NOP", None), ("MSS", 1460), ("NOP", None), ("NOP", None), ("MSS", 1300)]))),
    "sctp": (headers.SCTP, alone(SCTP(chksum=0))),
    "echo": (headers.ICMP, alone(ICMP(type=8, id=7, seq=9, chksum=0))),
    "echo6": (headers.ICMPV6, alone(ICMPv6EchoRequest(id=7, seq=9, cksum=0))),
}
CHECKSUM_AT = {headers.UDP: 6, headers.TCP: 16, headers.ICMP: 2, headers.ICMPV6: 2}

# IPv6 extension headers; the first octet says what follows.
EXTENSIONS = {
    headers.HOP_BY_HOP: [alone(IPv6ExtHdrHopByHop(options=[PadN(optdata=b"\0" * 4)])),
                         alone(IPv6ExtHdrHopByHop(options=[PadN(optdata=b"\0" * 20)]))],
    headers.DESTINATION: [alone(IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 4)])),
                          alone(IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 12)]))],
    headers.ROUTING: [alone(IPv6ExtHdrRouting(addresses=["2001:db8::77"]))],
    headers.AUTHENTICATION: [b"\0\x04\0\0" + b"\x11" * 20],
    135: [b"\0\0" + b"\x22" * 6],   # mobility: not among those that the model walks
    253: [b"\0\0" + b"\x33" * 6],
}
OPTIONS = [alone(IP(options=[text]))[20:] for text in (b"\x07\x07\x04\0\0\0\0\0", b"\x94\x04\0\0",
                                                       b"\x01" * 40)]
DISCOVERY = [bytes(each) for each in (
    ICMPv6ND_RS(cksum=0), ICMPv6ND_RA(cksum=0), ICMPv6ND_NS(tgt="fe80::1", cksum=0),
    ICMPv6ND_NS(tgt="2001:db8::1", cksum=0), ICMPv6ND_NA(tgt="2001:db8::1", cksum=0),
    ICMPv6ND_Redirect(tgt="fe80::2", dst="2001:db8::1", cksum=0))]
DHCP_DISCOVER = bytes(BOOTP(chaddr=b"\x02\0\0\0\0\x01") /
                      DHCP(options=[("message-type", "discover"), "end"]))


def ip4(source, destination, protocol, body, *, ttl=64, tos=0, ident=0, flags=0, options=b""):
    """An IPv4 packet (RFC 791); `flags` with the offset, as they stand in the header."""
    header = struct.pack(">BBHHHBBH4s4s", 0x45 + len(options) // 4, tos,
                         20 + len(options) + len(body), ident, flags, ttl, protocol, 0, source,
                         destination) + options
    return header[:10] + struct.pack(">H", checksum(header)) + header[12:] + body


def ip6(source, destination, protocol, body, *, ttl=64, tos=0, label=0, extensions=()):
    """An IPv6 packet (RFC 8200) with extension headers [(number, octets)] before the body."""
    numbers = [number for number, _ in extensions] + [protocol]
    chain = b"".join(bytes([following]) + octets[1:]
                     for (_, octets), following in zip(extensions, numbers[1:]))
    return struct.pack(">IHBB16s16s", 6 << 28 | tos << 20 | label, len(chain) + len(body),
                       numbers[0], ttl, source, destination) + chain + body


def ip(source, destination, protocol, body, **fields):
    return (ip4 if len(source) == 4 else ip6)(source, destination, protocol, body, **fields)


def fragment_header(offset, more, ident):
    """offset in units of 8 octets (RFC 8200 section 4.5)."""
    return (headers.FRAGMENT, struct.pack(">BBHI", 0, 0, offset << 3 | more, ident))


def fragmented(octets, ident, places, mark=0):
    """The packet in fragments that end at these octets of what it carries; `mark`: the last one met
    congestion (RFC 3168)."""
    six = octets[0] >> 4 == 6
    header = octets[:40 if six else (octets[0] & 15) * 4]
    data, made = octets[len(header):], []
    for begin, end in zip([0, *places], [*places, len(data)]):
        more = end < len(data)
        if six:
            number, body = fragment_header(begin // 8, int(more), ident)
            piece = header[:6] + bytes([number]) + header[7:] + header[6:7] + body[1:]
        else:
            place = struct.pack(">HH", ident & 0xffff, begin // 8 | more << 13)
            piece = header[:4] + place + header[8:]
        piece += data[begin:end]
        piece = patched(piece, 4 if six else 2, ">H", len(piece) - (40 if six else 0))
        if mark and not more:
            piece = patched(piece, 1, ">B", piece[1] | (0x30 if six else 3))
        made.append(right_checksum(piece, 0))
    return made


def pseudo_header(source, destination, protocol, length):
    if len(source) == 4:
        return source + destination + struct.pack(">BBH", 0, protocol, length)
    return source + destination + struct.pack(">IHBB", length, 0, 0, protocol)


def transport(shape, source, destination, ports, payload):
    """A transport header and payload, lengths and checksum right. @return (protocol, octets)."""
    protocol, header = SHAPES[shape]
    octets = bytearray(header + payload)
    if protocol in (headers.UDP, headers.TCP, headers.SCTP):
        struct.pack_into(">HH", octets, 0, *ports)
    if protocol == headers.UDP:
        struct.pack_into(">H", octets, 4, len(octets))
    if protocol in CHECKSUM_AT:
        pseudo = b"" if protocol == headers.ICMP else \
            pseudo_header(source, destination, protocol, len(octets))
        found = checksum(pseudo + bytes(octets))
        struct.pack_into(">H", octets, CHECKSUM_AT[protocol],
                         found or (0xffff if protocol == headers.UDP else 0))
    return protocol, bytes(octets)


def right_checksum(octets, at):
    """The octets with the checksum of the IPv4 header at an offset made right, if there is one."""
    end = at + (octets[at] & 15) * 4 if at < len(octets) else len(octets) + 1
    if end > len(octets) or end - at < 20 or octets[at] >> 4 != 4:
        return octets
    fixed = octets[:at + 10] + b"\0\0" + octets[at + 12:]
    return fixed[:at + 10] + struct.pack(">H", checksum(fixed[at:end])) + fixed[at + 12:]


def patched(octets, at, format_, value):
    """The octets with one number written into them, if they reach that far."""
    size = struct.calcsize(format_)
    if at + size > len(octets):
        return octets
    return octets[:at] + struct.pack(format_, value) + octets[at + size:]


def broken(rng, octets):
    """An IP packet with one fault in its header, or cut, or longer than it says."""
    six = octets[0] >> 4 == 6
    length, = struct.unpack_from(">H", octets, 4 if six else 2)
    kind = rng.randrange(8)
    if kind == 0:
        made = bytes([rng.getrandbits(4) << 4 | octets[0] & 15]) + octets[1:]
    elif kind == 1:
        made = bytes([octets[0] & 0xf0 | rng.getrandbits(4)]) + octets[1:]
    elif kind == 2:
        wrong = rng.choice([0, 1, 19, 20, 39, 40, length - 1, length + 1, 65535])
        made = patched(octets, 4 if six else 2, ">H", wrong & 0xffff)
    elif kind == 3:
        return octets[:rng.randrange(len(octets))]
    elif kind == 4:
        return octets + bytes(rng.choice([1, 4, 18, 46]))
    elif kind == 5 and not six:
        return patched(octets, 10, ">H", rng.getrandbits(16))
    elif kind == 6 and six:
        return patched(octets, 40 + 1, ">B", rng.choice([1, 9, 255]))
    else:
        made = patched(octets, rng.randrange(40 if six else 20), ">B", rng.getrandbits(8))
    return right_checksum(made, 0) if chance(rng, 0.7) else made
