#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Malformed and unexpected frames: each is dropped for the reason that is true, nothing gets through,
every packet is accounted for, and every buffer comes back."""

import collections
import struct
import unittest

from scapy.all import ARP, GRE, ICMP, IP, IPv6, UDP, Dot1Q, Ether, Raw

import lab
from lab import (BROADCAST, FABRIC_MAC, FAR, FAR_MAC, ROUTER, US, VM1, VM3, frame, from_far, tunnel,
                 world)
from lab_case import LabCase
from table import guest

WORLD = world(("red", "10.1.0.0/16", tunnel("far", 9)))
GUEST = frame(guest("10.1.0.1"))
GUEST_OPTIONS = frame(guest("10.1.0.1", options=b"\x07\x07\x04\x00\x00\x00\x00\x00"))
GUEST_TAGGED = frame(guest("10.1.0.1", source="10.0.0.13", mac=VM3, tag=200))
INNER = IP(src="10.0.0.50", dst="10.0.0.11", ttl=9) / UDP(sport=7, dport=8) / Raw(b"inner")
OVER_UDP = frame(from_far(INNER, 16))
OVER_GRE = frame(from_far(INNER, 16, encapsulation="gre"))
TO_US = Ether(src=FAR_MAC, dst=FABRIC_MAC)
SHIM = lab.MPLS(label=16, s=1, ttl=9)


def checksum(header):
    total = sum(struct.unpack(f">{len(header) // 2}H", header))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def patched(octets, at, value, *, right=14):
    """The frame with `value` at an offset; the checksum of the IP header at `right` made right
    again, None: left wrong."""
    octets = bytearray(octets)
    octets[at:at + len(value)] = value
    if right is not None:
        end = right + (octets[right] & 15) * 4
        octets[right + 10:right + 12] = b"\0\0"
        octets[right + 10:right + 12] = struct.pack(">H", checksum(bytes(octets[right:end])))
    return bytes(octets)


def outer(protocol, payload, **fields):
    """A frame from the underlay whose outer IP header is right, whatever it carries."""
    return frame(TO_US / IP(src=FAR, dst=US, proto=protocol, **fields) / Raw(payload))


def udp_with(payload, **fields):
    """A right UDP tunnel header in front of anything."""
    return outer(17, frame(UDP(sport=50000, dport=6635, len=8 + len(payload), chksum=0)) + payload,
                 **fields)


def gre_with(payload, flags=0, protocol=0x8847):
    return outer(47, struct.pack(">HH", flags, protocol) + payload)


LABELLED = frame(SHIM / INNER)
INNER_AT = 14 + 20 + 8 + 4

# What is sent, and why it is dropped. Frames of p1 come from a guest, of fabric from the underlay.
MALFORMED = {
    "p1": [
        ("nothing", b"", "frame-too-short"),
        ("one octet", b"\0", "frame-too-short"),
        ("ethernet without its type", GUEST[:13], "frame-too-short"),
        ("ethernet alone", GUEST[:14], "frame-too-short"),
        ("a tag without a type", GUEST_TAGGED[:17], "frame-too-short"),
        ("IPv6 to the router's other address", frame(Ether(src=VM1, dst=ROUTER) / IPv6() / UDP()),
         "destination-mac"),
        ("IEEE 802.3 length", frame(Ether(src=VM1, dst=ROUTER, type=46) / Raw(b"x" * 46)),
         "ethertype"),
        ("S-tag", frame(Ether(src=VM1, dst=ROUTER, type=0x88a8) / Raw(GUEST[12:])), "ethertype"),
        ("MPLS from a guest", frame(Ether(src=VM1, dst=ROUTER, type=0x8847) / SHIM / INNER),
         "ethertype"),
        ("a priority tag in a tag", frame(Ether(src=VM1, dst=ROUTER) / Dot1Q(vlan=0) /
                                          Dot1Q(vlan=200) / INNER), "ethertype"),
        ("version 0", patched(GUEST, 14, b"\x05"), "ip-version"),
        ("version 6", patched(GUEST, 14, b"\x65"), "ip-version"),
        ("version 15", patched(GUEST, 14, b"\xf5"), "ip-version"),
        ("version 5 and nothing more", GUEST[:14] + b"\x55", "ip-version"),
        ("header length 0", patched(GUEST, 14, b"\x40", right=None), "ip-header"),
        ("header length 4", patched(GUEST, 14, b"\x44", right=None), "ip-header"),
        ("header length beyond the total length",
         patched(frame(guest("10.1.0.1", size=0)), 14, b"\x4f", right=None), "ip-header"),
        ("total length 0", patched(GUEST, 16, b"\0\0"), "ip-header"),
        ("total length 19", patched(GUEST, 16, b"\0\x13"), "ip-header"),
        ("total length one too many", patched(GUEST, 16, struct.pack(">H", len(GUEST) - 13)),
         "ip-header"),
        ("total length 65535", patched(GUEST, 16, b"\xff\xff"), "ip-header"),
        ("checksum one off", patched(GUEST, 25, bytes([GUEST[25] ^ 1]), right=None), "ip-checksum"),
        ("checksum 0", patched(GUEST, 24, b"\0\0", right=None), "ip-checksum"),
        ("checksum of the options",
         patched(GUEST_OPTIONS, 35, b"\x09", right=None), "ip-checksum"),
    ],
    "fabric": [
        ("nothing", b"", "frame-too-short"),
        ("ethernet alone", OVER_UDP[:14], "frame-too-short"),
        ("tagged", frame(Ether(src=FAR_MAC, dst=FABRIC_MAC) / Dot1Q(vlan=5) / Raw(OVER_UDP[14:])),
         "no-interface"),
        ("IPv6", frame(TO_US / IPv6() / UDP()), "underlay-destination"),
        ("bare MPLS", frame(Ether(src=FAR_MAC, dst=FABRIC_MAC, type=0x8847) / SHIM / INNER),
         "ethertype"),
        ("another station's frame", patched(OVER_UDP, 0, b"\x02\0\0\0\0\x77", right=None),
         "destination-mac"),
        ("another station's ARP", frame(Ether(src=FAR_MAC, dst="02:00:00:00:00:77") / ARP()),
         "destination-mac"),
        ("broadcast IP", patched(OVER_UDP, 0, b"\xff" * 6, right=None), "multicast"),
        ("another destination", patched(OVER_UDP, 33, b"\x0c"), "underlay-destination"),
        ("outer version 6", patched(OVER_UDP, 14, b"\x65"), "ip-version"),
        ("outer header length 4", patched(OVER_UDP, 14, b"\x44", right=None), "ip-header"),
        ("outer total length too long", patched(OVER_UDP, 16, b"\x20\0"), "ip-header"),
        ("outer checksum", patched(OVER_UDP, 24, b"\0\0", right=None), "ip-checksum"),
        ("TCP", outer(6, b"x" * 40), "host"),
        ("ESP", outer(50, b"x" * 40), "host"),
        ("IP in IP", outer(4, frame(INNER)), "host"),
        ("ICMPv6 in IPv4", outer(58, b"\x80" * 40), "host"),
        ("UDP to another port", frame(TO_US / IP(src=FAR, dst=US) / UDP(dport=4790) / Raw(b"x" * 40)),
         "host"),
        ("UDP from port 6635 to another",
         frame(TO_US / IP(src=FAR, dst=US) / UDP(sport=6635, dport=7) / Raw(LABELLED)),
         "host"),
        ("ragged fragment", udp_with(LABELLED, flags="MF"), "reassembly"),
        ("ragged GRE fragment", patched(OVER_GRE, 20, b"\x20\0"), "reassembly"),
        ("fragment beyond the largest datagram", udp_with(LABELLED, frag=8191), "reassembly"),
        ("UDP length too long", patched(OVER_UDP, 38, b"\x01\0", right=None), "udp-header"),
        ("UDP length too short", patched(OVER_UDP, 38, b"\0\x10", right=None), "udp-header"),
        ("UDP length 7", patched(OVER_UDP, 38, b"\0\x07", right=None), "udp-header"),
        ("UDP length 0", patched(OVER_UDP, 38, b"\0\0", right=None), "udp-header"),
        ("UDP checksum", patched(OVER_UDP, 40, b"\x12\x34", right=None), "udp-checksum"),
        ("GRE version 1", gre_with(LABELLED, flags=1), "gre-header"),
        ("GRE version 7", gre_with(LABELLED, flags=7), "gre-header"),
        ("GRE routing", gre_with(b"\0" * 4 + LABELLED, flags=0x4000), "gre-header"),
        ("GRE sequence number", gre_with(b"\0" * 4 + LABELLED, flags=0x1000), "gre-header"),
        ("GRE strict source route", gre_with(LABELLED, flags=0x0800), "gre-header"),
        ("GRE recursion", gre_with(LABELLED, flags=0x0100), "gre-header"),
        ("GRE reserved", gre_with(LABELLED, flags=0x0008), "gre-header"),
        ("GRE with IPv4", gre_with(frame(INNER), protocol=0x0800), "gre-header"),
        ("GRE with upstream-assigned MPLS", gre_with(LABELLED, protocol=0x8848), "gre-header"),
        ("GRE without room for its key", outer(47, b"\x20\0\x88\x47\0\0\0"), "gre-header"),
        ("GRE without room for its checksum", outer(47, b"\x80\0\x88\x47\0"), "gre-header"),
        ("GRE checksum", gre_with(b"\x12\x34\0\0" + LABELLED, flags=0x8000), "gre-checksum"),
        ("two labels", udp_with(frame(lab.MPLS(label=16, s=0, ttl=9) / SHIM / INNER)),
         "label-stack"),
        ("two labels over GRE", gre_with(frame(lab.MPLS(label=16, s=0, ttl=9) / SHIM / INNER)),
         "label-stack"),
        ("not the bottom of the stack, and IP", udp_with(frame(lab.MPLS(label=16, s=0, ttl=9) /
                                                              INNER)), "label-stack"),
        ("explicit null", udp_with(frame(lab.MPLS(label=0, s=1, ttl=9) / INNER)), "label-unknown"),
        ("router alert", udp_with(frame(lab.MPLS(label=1, s=1, ttl=9) / INNER)), "label-unknown"),
        ("implicit null", udp_with(frame(lab.MPLS(label=3, s=1, ttl=9) / INNER)), "label-unknown"),
        ("a label of nobody", udp_with(frame(lab.MPLS(label=1048575, s=1, ttl=9) / INNER)),
         "label-unknown"),
        ("a label and nothing", udp_with(frame(SHIM)), "frame-too-short"),
        ("inner IPv6 to its sender", udp_with(frame(SHIM / IPv6() / UDP())), "ip-destination"),
        ("inner Ethernet", udp_with(frame(SHIM / Raw(GUEST))), "ip-version"),
        ("inner header length", patched(OVER_UDP, INNER_AT, b"\x44", right=None), "ip-header"),
        ("inner total length one too many",
         patched(OVER_UDP, INNER_AT + 2, struct.pack(">H", len(INNER) + 1), right=INNER_AT),
         "ip-header"),
        ("inner total length hidden by padding",
         patched(OVER_UDP, INNER_AT + 2, struct.pack(">H", len(INNER) + 1), right=INNER_AT) + b"x" * 9,
         "ip-header"),
        ("inner checksum", patched(OVER_UDP, INNER_AT + 10, b"\0\0", right=None), "ip-checksum"),
        ("inner multicast", frame(from_far(IP(src="10.0.0.50", dst="224.0.0.5") / UDP(), 16)),
         "multicast"),
        ("inner broadcast", frame(from_far(IP(src="10.0.0.50", dst="255.255.255.255") / UDP(), 16)),
         "multicast"),
        ("inner loopback", frame(from_far(IP(src="10.0.0.50", dst="127.0.0.1") / UDP(), 16)),
         "ip-destination"),
        ("inner zero network", frame(from_far(IP(src="10.0.0.50", dst="0.0.0.7") / UDP(), 16)),
         "ip-destination"),
    ],
}


def cuts_of_frame(octets, ip_at=14):
    """Every length of a frame that is cut on the way: its Ethernet or IP header is not whole, or the
    total length says more than there is."""
    return [(octets[:length], "frame-too-short" if length < ip_at + 20 else "ip-header")
            for length in range(len(octets))]


def cuts_of_udp():
    """A whole outer header, and everything that it carries cut at every length."""
    carried = frame(UDP(sport=50000, dport=6635)) + LABELLED
    for length in range(len(carried)):
        body = bytearray(carried[:length])
        if length < 8:
            reason = "udp-header"
        else:
            struct.pack_into(">HH", body, 4, length, 0)
            reason = cut_after_label(length - 8)
        yield outer(17, bytes(body)), reason


def cuts_of_gre(flags, words):
    header = 4 + 4 * words
    carried = struct.pack(">HH", flags, 0x8847) + b"\0" * 4 * words + LABELLED
    for length in range(len(carried)):
        body = carried[:length]
        if flags & 0x8000 and length >= 8:
            body = bytearray(body)
            even = body + b"\0" if length % 2 else body
            struct.pack_into(">H", body, 4, checksum(bytes(even)))
        yield (outer(47, bytes(body)),
               "gre-header" if length < header else cut_after_label(length - header))


def cut_after_label(length):
    if length < 4:
        return "label-stack"
    return "frame-too-short" if length < 24 else "ip-header"


FAMILIES = {
    "guest": ("p1", cuts_of_frame(GUEST)),
    "guest_with_options": ("p1", cuts_of_frame(GUEST_OPTIONS)),
    "tagged_guest": ("p1", cuts_of_frame(GUEST_TAGGED, ip_at=18)),
    "udp_tunnel": ("fabric", cuts_of_frame(OVER_UDP)),
    "gre_tunnel": ("fabric", cuts_of_frame(OVER_GRE)),
    "udp_payload": ("fabric", list(cuts_of_udp())),
    "gre_payload": ("fabric", list(cuts_of_gre(0, 0))),
    "gre_payload_with_checksum": ("fabric", list(cuts_of_gre(0x8000, 1))),
    "gre_payload_with_key": ("fabric", list(cuts_of_gre(0x2000, 1))),
    "gre_payload_with_checksum_and_key": ("fabric", list(cuts_of_gre(0xa000, 2))),
}


class Malformed(LabCase):
    def dropped(self, sent, reasons, scenario=None):
        """Sends frames that are all to be dropped for these reasons, and nothing else happens."""
        result = self.run_lab(scenario or WORLD, sent, reasons)
        self.assertEqual(result["punted"], [])
        self.assertEqual(sum(len(frames) for frames in result["out"].values()), 0)
        return result

    def cut(self, family):
        port, cuts = FAMILIES[family]
        for octets, reason in cuts:
            with self.subTest(octets=octets.hex()):
                self.dropped({port: [octets]}, {reason: 1})
        self.dropped({port: [octets for octets, _ in cuts]},
                     dict(collections.Counter(reason for _, reason in cuts)))

    def test_a_storm_of_everything_malformed(self):
        sent = {port: [octets for _, octets, _ in rows] * 7 for port, rows in MALFORMED.items()}
        reasons = collections.Counter(reason for rows in MALFORMED.values()
                                      for _, _, reason in rows * 7)
        for workers in (1, 2):
            self.dropped(sent, dict(reasons), dict(WORLD, workers=workers))

    def test_good_frames_between_malformed_ones_pass(self):
        bad = [octets for _, octets, _ in MALFORMED["fabric"]]
        sent = [octets for pair in zip(bad, [OVER_UDP, OVER_GRE] * len(bad)) for octets in pair]
        result = self.play(WORLD, {"fabric": sent})
        self.assertEqual(result["out"]["p1"],
                         [frame(Ether(src=ROUTER, dst=VM1) / INNER)] * len(bad))

    def test_truncated_arp_and_icmp_go_to_the_slow_path_alone(self):
        arp = frame(Ether(src=VM1, dst=BROADCAST) / ARP())
        icmp = outer(1, frame(ICMP()))
        sent = {"p1": [arp[:length] for length in range(14, len(arp))],
                "fabric": [outer(1, frame(ICMP())[:length]) for length in range(8)] + [icmp]}
        result = self.play(WORLD, sent)
        self.assertEqual(result["punts"], {"arp": 28, "underlay-local": 9})
        self.assertEqual(result["drops"], {})

    def test_an_octet_of_an_ipv4_header_that_changed_on_the_way(self):
        """The checksum is wrong then, outside or inside, whatever else is."""
        for port, octets, places in (("p1", GUEST, [14]), ("fabric", OVER_UDP, [14, 46]),
                                     ("fabric", OVER_GRE, [14, 42])):
            for begin in places:
                self.assertEqual(octets[begin], 0x45)
                sent = [octets[:at] + bytes([octets[at] ^ bit]) + octets[at + 1:]
                        for at in range(begin, begin + 20) for bit in (1, 0x10, 0x80)]
                result = self.play(WORLD, {port: sent})
                self.assertEqual(sum(result["drops"].values()), len(sent))
                self.assertEqual(sum(len(frames) for frames in result["out"].values()), 0)

    def test_octets_of_every_value_at_every_place_of_the_headers(self):
        """A header with one octet changed never gets through as if it were whole: what comes out is
        consistent, whatever it is."""
        for port, octets, header in (("p1", GUEST, 42), ("fabric", OVER_UDP, 74),
                                     ("fabric", OVER_GRE, 66)):
            sent = [octets[:at] + bytes([value]) + octets[at + 1:]
                    for at in range(header) for value in (0, 1, 0x40, 0x7f, 0x80, 0xff)]
            result = self.play(WORLD, {port: sent})
            for out in result["out"]["fabric"]:
                self.assertEqual(checksum(out[14:34]), 0)
                self.assertEqual(checksum(out[46:46 + (out[46] & 15) * 4]), 0)
            for out in result["out"]["p1"]:
                self.assertEqual(checksum(out[14:14 + (out[14] & 15) * 4]), 0)


def named_cut(family):
    return lambda self: self.cut(family)


def named_drop(port, octets, reason):
    return lambda self: self.dropped({port: [octets]}, {reason: 1})


for each in FAMILIES:
    setattr(Malformed, f"test_every_cut_of_{each}", named_cut(each))
for each, rows in MALFORMED.items():
    for title, sent_octets, why in rows:
        setattr(Malformed, f"test_{'guest' if each == 'p1' else 'underlay'}: {title}".replace(
            " ", "_").replace(":", ""), named_drop(each, sent_octets, why))


if __name__ == "__main__":
    unittest.main(verbosity=2)
