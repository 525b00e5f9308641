# SPDX-License-Identifier: BSD-3-Clause
"""Ethernet frames for traffic sources, plain or in a tunnel, and the capture files that hold them.
Python's standard library only: a million frames take a few seconds."""

import ipaddress
import struct

ETHERTYPE = {4: b"\x08\x00", 6: b"\x86\xdd"}
UDP, GRE = 17, 47
UDP_PORT = {"udp": 6635, "vxlan": 4789}
TTL = 64
# What a flow's tunnel has as source port: any of RFC 7510's range, the same for a flow.
ENTROPY_FIRST, ENTROPY_PORTS = 49152, 16384


def mac(text):
    return bytes(int(octet, 16) for octet in text.split(":"))


def number(text):
    """An address as a number, and its family."""
    address = ipaddress.ip_address(text)
    return int(address), address.version


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip(family, source, destination, protocol, payload):
    """An IP packet; source and destination are numbers."""
    if family == 6:
        return struct.pack("!IHBB", 6 << 28, len(payload), protocol, TTL) + \
            source.to_bytes(16, "big") + destination.to_bytes(16, "big") + payload
    header = struct.pack("!BBHHHBBHII", 0x45, 0, 20 + len(payload), 0, 0, TTL, protocol, 0,
                         source, destination)
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload


def udp(source_port, destination_port, payload):
    """A datagram without a checksum."""
    return struct.pack("!HHHH", source_port, destination_port, 8 + len(payload), 0) + payload


def ethernet(destination, source, family, packet, vlan=None):
    tag = b"" if vlan is None else struct.pack("!HH", 0x8100, vlan)
    return destination + source + tag + ETHERTYPE[family] + packet


def least_frame(family, stamp=0):
    """The shortest frame of a UDP packet with so many octets in it."""
    return 14 + (20 if family == 4 else 40) + 8 + stamp


def flow_packet(family, source, destination, flow, frame):
    """The IP packet of a flow whose Ethernet frame has `frame` octets."""
    payload = bytes(frame - least_frame(family))
    return ip(family, source, destination, UDP, udp(1024 + flow % 40000, 5000, payload))


def tunnel(encapsulation, family, source, destination, label, entropy, inner_family, packet,
           inner_macs=None):
    """The outer IP packet around an inner one. `gre-key` is GRE of Ethernet frames with a key, which
    is what switches speak; the others are Millrace's."""
    protocol, shim = UDP, b""
    if encapsulation in ("udp", "gre"):
        shim = struct.pack("!I", label << 12 | 1 << 8 | TTL)
    elif encapsulation == "vxlan":
        shim = struct.pack("!II", 0x08000000, label << 8) + ethernet(*inner_macs, inner_family, b"")
    elif encapsulation == "gre-key":
        shim = struct.pack("!I", label) + ethernet(*inner_macs, inner_family, b"")
    payload = shim + packet
    if encapsulation == "gre":
        protocol, payload = GRE, b"\x00\x00\x88\x47" + payload
    elif encapsulation == "gre-key":
        protocol, payload = GRE, b"\x20\x00\x65\x58" + payload
    else:
        port = ENTROPY_FIRST + ((entropy * 2654435761) & 0xFFFFFFFF) % ENTROPY_PORTS
        payload = udp(port, UDP_PORT[encapsulation], payload)
    return ip(family, source, destination, protocol, payload)


def capture_write(path, frames):
    """Writes frames as a capture file. @return how many."""
    count = 0
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for count, frame in enumerate(frames, 1):
            file.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)
    return count
