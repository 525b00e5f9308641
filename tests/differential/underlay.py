# SPDX-License-Identifier: BSD-3-Clause
"""Frames of the underlay: tunnelled packets, whole and in fragments, and what is for the host."""

import ipaddress
import struct

import headers
import tunnels
from headers import checksum, mac, packed
from packets import (DISCOVERY, EXTENSIONS, OPTIONS, UNKNOWN, broken, fragment_header, fragmented,
                     ip, ip6, patched, pseudo_header, transport)
from tenants import CLASSES, FAR_MAC, Tenants, ethernet
from topology import FABRIC_MAC, US, US6, chance
from tunnels import ROUTER_MAC, ROUTER_MAC6


class Underlay(Tenants):
    """Draws frames of the underlay port and the host port."""

    def from_underlay(self):
        """A frame, or the next of a packet in fragments."""
        if self.pieces and chance(self.rng, 0.4):
            return self.pieces.pop(self.rng.choice([0, 0, 0, self.rng.randrange(len(self.pieces))]))
        if chance(self.rng, 0.03):
            self.pieces += self.in_fragments()
            return self.pieces.pop(0)
        return self.one_from_underlay()

    def in_fragments(self):
        """A packet for our address, cut by the network; sometimes not as it should be. What may be
        taken for a part of another, or be given to the host, says nothing of its origin."""
        rng = self.rng
        family, faulty = rng.choice(list(self.ours)), chance(rng, 0.3)
        whole = self.tunnelled(family, faulty or "check_sources" in self.scenario, whole=True)
        if chance(rng, 0.15):
            whole = self.not_a_tunnel(family)[2]
        ident = rng.randint(1, 4) if faulty else 1000 + self.number
        places = sorted({8 * rng.randrange(1, max(len(whole) // 8, 2))
                         for _ in range(rng.choice([1, 1, 2, 3, 6, 8]))})
        made = fragmented(whole, ident, places, rng.choice([0, 0, 0, 1]))
        if faulty:
            at = rng.randrange(len(made))
            fault = rng.randrange(4)
            if fault == 0:
                del made[at]
            elif fault == 1:
                made.insert(rng.randrange(len(made) + 1), made[at])
            elif fault == 2:
                made += fragmented(whole, ident, [8 * rng.randrange(1, max(len(whole) // 8, 2))])
            else:
                made[at] = broken(rng, made[at])
        if chance(rng, 0.4):
            rng.shuffle(made)
        type_ = headers.ETHERTYPE_IPV4 if family == 4 else headers.ETHERTYPE_IPV6
        return [ethernet(mac(FABRIC_MAC), FAR_MAC, type_, each, *self.tags)
                for each in made or [whole]]

    def one_from_underlay(self):
        rng = self.rng
        family = rng.choice(list(self.ours)) if chance(rng, 0.97) else 6
        destination, type_ = mac(FABRIC_MAC), headers.ETHERTYPE_IPV4 if family == 4 else \
            headers.ETHERTYPE_IPV6
        hit = chance(rng, 0.04)
        if chance(rng, 0.06):
            destination, type_, payload = self.not_a_tunnel(family)
        else:
            payload = self.tunnelled(family, hit)
        tags = list(self.tags)
        if chance(rng, 0.03):
            fault = rng.randrange(4)
            if fault == 0:
                destination = rng.choice([b"\xff" * 6, ROUTER_MAC, FAR_MAC,
                                          bytes.fromhex("333300000001")])
            elif fault == 1:
                tags = rng.choice([[], [0], [7], [7, 7]])
            elif fault == 2:
                type_ = rng.choice([headers.ETHERTYPE_IPV4, headers.ETHERTYPE_IPV6,
                                    headers.ETHERTYPE_MPLS, 46])
            else:
                tags = [tag | 0xe000 for tag in tags] or [0x2000]
        frame = ethernet(destination, FAR_MAC, type_, payload, *tags)
        return self.hit(frame) if hit else frame

    def from_host(self):
        """What the kernel sends on the underlay, mostly."""
        rng = self.rng
        family = rng.choice(list(self.ours))
        far, us = self.far_address(family), self.ours[family]
        protocol, body = transport(rng.choice(["tcp", "udp"]), us, far, (5222, 40000), bytes(20))
        frame = ethernet(FAR_MAC, mac(FABRIC_MAC), 0x0800 if family == 4 else 0x86dd,
                         ip(us, far, protocol, body), *rng.choice([[], [], [], [7]]))
        return frame[:rng.randrange(20)] if chance(rng, 0.1) else frame

    def far_address(self, family):
        found = [packed(each["address"]) for each in self.scenario["endpoints"]
                 if ipaddress.ip_address(each["address"]).version == family]
        return self.rng.choice(found + [packed("192.0.2.77" if family == 4 else "2001:db8:ff::77")])

    def not_a_tunnel(self, family):
        """@return (MAC address, type, payload)"""
        rng = self.rng
        far, us = self.far_address(family), self.ours.get(family, packed(US6))
        kind = rng.randrange(4)
        to_us = rng.choice([mac(FABRIC_MAC)] * 3 + [b"\xff" * 6])
        if kind == 0:
            return to_us, headers.ETHERTYPE_ARP, struct.pack(
                ">HHBBH6s4s6s4s", 1, 0x800, 6, 4, rng.choice([1, 2]), FAR_MAC, packed("192.0.2.12"),
                bytes(6), packed(US))
        type_ = headers.ETHERTYPE_IPV4 if family == 4 else headers.ETHERTYPE_IPV6
        if kind == 1 and family == 6:
            destination, group = rng.choice([(to_us, us), (bytes.fromhex("3333ff000011"),
                                                           packed("ff02::1:ff00:11"))])
            return destination, type_, ip6(far, group, headers.ICMPV6, rng.choice(DISCOVERY),
                                           ttl=255)
        shape = rng.choice(["echo" if family == 4 else "echo6", "tcp", "udp", "sctp"])
        if family == 6 and chance(rng, 0.1):
            us = packed("fe80::11")
        protocol, body = transport(shape, far, us, (rng.choice([6635, 5222]), 5223),
                                   self.payload(UNKNOWN, 40))
        if shape in ("echo", "echo6") and chance(rng, 0.5):  # errors, too
            body = bytes([rng.choice([0, 1, 2, 3, 4, 5, 11, 12, 127, 128, 129])]) + body[1:]
        if kind == 2:
            protocol = rng.choice([1, 4, 41, 50, 58, 89, 255])
        return to_us, type_, ip(far, us, protocol, body)

    def tunnelled(self, family, hit, whole=False):
        """A tunnelled packet with its outer IP header; without checksums and faults, if it is to be
        cut."""
        rng = self.rng
        label = rng.choice(self.scenario["labels"])
        number, path = label["label"], label["path"]
        vrf = self.policy["labels"][str(number)]
        hit_outside = chance(rng, 0.06) and not whole
        origin = UNKNOWN if hit or hit_outside else self.origins[vrf]
        inner_family = rng.choice([4, 6])
        inner = self.tenant_packet(self.address(vrf, inner_family),
                                   self.inner_destination(vrf, path, inner_family), origin)
        if chance(rng, 0.03):
            number = rng.choice([0, 1, 3, 15, 16, 1048575, rng.getrandbits(20)])
            inner = self.retagged(inner)
        encapsulation = rng.choice(["udp", "gre", "vxlan"])
        far, us = self.far_address(family), self.ours.get(family, packed(US6))
        if chance(rng, 0.02):
            us = rng.choice([far, packed("224.0.0.1") if family == 4 else packed("ff02::1")])
        if encapsulation == "vxlan":
            shim = self.vxlan(number, inner, inner_family)
        else:
            shim = self.mpls(number, inner)
        if encapsulation == "gre":
            protocol = headers.GRE
            body = struct.pack(">HH", 0, headers.ETHERTYPE_MPLS) + shim if whole else self.gre(shim)
        else:
            protocol, port = headers.UDP, tunnels.PORTS[encapsulation]
            body = struct.pack(">HHHH", 49152, port, (8 + len(shim)) & 0xffff, 0) + shim if whole \
                else self.udp(shim, port, far, us)
        fields = {"ttl": rng.choice([64, 64, 255, 1, 0]), "tos": rng.choice(CLASSES)}
        if family == 4:
            fields["flags"] = rng.choice([0x4000, 0x4000, 0])
            if hit_outside and chance(rng, 0.3):
                fields["flags"] = rng.choice([0x2000, 1, 0x2010])
            if chance(rng, 0.05):
                fields["options"] = rng.choice(OPTIONS)
        elif hit_outside and chance(rng, 0.5):
            part = fragment_header(rng.choice([0, 0, 3]), rng.randint(0, 1), 77)
            before = (headers.DESTINATION, EXTENSIONS[headers.DESTINATION][0])
            fields["extensions"] = rng.choice([[part], [before, part], [(253, EXTENSIONS[253][0])]])
        elif not whole and chance(rng, 0.05):
            kind = rng.choice([headers.DESTINATION, headers.HOP_BY_HOP])
            fields["extensions"] = [(kind, EXTENSIONS[kind][0])]
        made = ip(far, us, protocol, body, **fields)
        if hit_outside and chance(rng, 0.6):
            return broken(rng, made)
        return made

    def inner_destination(self, vrf, path, family):
        """For the label of an interface: one of its addresses, mostly."""
        if "vif" in path and chance(self.rng, 0.7):
            vif = next(each for each in self.scenario["vifs"] if each["name"] == path["vif"])
            return self.guest_source(vif, family)
        return self.address(vrf, family)

    def mpls(self, label, inner):
        rng = self.rng
        entry = label << 12 | 1 << 8 | rng.choice([64, 63, 1, 0, 255])
        if chance(rng, 0.02):
            entry |= rng.getrandbits(3) << 9
        if chance(rng, 0.02):  # stacked, or no bottom
            return struct.pack(">II", entry & ~0x100, 16 << 12 | rng.randint(0, 1) << 8 | 9) + inner
        if chance(rng, 0.01):
            entry &= ~0x100
        octets = struct.pack(">I", entry) + inner
        return octets[:rng.randrange(8)] if chance(rng, 0.01) else octets

    def vxlan(self, label, inner, inner_family):
        rng = self.rng
        flags, source, destination, tags = 0x08, ROUTER_MAC, ROUTER_MAC, []
        type_ = headers.ETHERTYPE_IPV4 if inner_family == 4 else headers.ETHERTYPE_IPV6
        if chance(rng, 0.08):
            fault = rng.randrange(6)
            if fault == 0:
                flags = rng.choice([0, 0xf7, 0xff, 0x0c, 0x80])
            elif fault == 1:
                destination = rng.choice([ROUTER_MAC6, FAR_MAC, b"\xff" * 6, bytes(6)])
            elif fault == 2:
                type_ = rng.choice([headers.ETHERTYPE_IPV4, headers.ETHERTYPE_IPV6,
                                    headers.ETHERTYPE_ARP, headers.ETHERTYPE_MPLS])
            elif fault == 3:
                tags = [rng.choice([0, 100])]
            elif fault == 4:
                label, inner = label | 1 << rng.randint(20, 23), self.retagged(inner)
            else:
                source = FAR_MAC
        octets = bytes([flags, 0, 0, 0]) + label.to_bytes(3, "big") + \
            bytes([rng.choice([0, 0, 0, 1])]) + ethernet(destination, source, type_, inner, *tags)
        return octets[:rng.randrange(26)] if chance(rng, 0.01) else octets

    def gre(self, payload):
        rng = self.rng
        flags, words = rng.choice([(0, b"")] * 5 + [(0x2000, b"\0\0\0\x63"), (0x8000, bytes(4)),
                                                    (0xa000, bytes(8))])
        protocol = headers.ETHERTYPE_MPLS
        if chance(rng, 0.03):
            flags |= rng.choice([1, 7, 0x4000, 0x1000, 0x0800, 0x0100, 0x0008, 0x0080])
        if chance(rng, 0.02):
            protocol = rng.choice([0x8848, 0x0800, 0x6558, 0x86dd])
        octets = struct.pack(">HH", flags, protocol) + words + payload
        if flags & 0x8000 and chance(rng, 0.9):
            octets = patched(octets, 4, ">H", checksum(octets))
        return octets[:rng.randrange(12)] if chance(rng, 0.01) else octets

    def udp(self, payload, port, source, destination):
        rng = self.rng
        length = 8 + len(payload)
        if chance(rng, 0.02):
            length = rng.choice([0, 7, 8, length - 1, length + 1, 65535])
        octets = struct.pack(">HHHH", rng.randint(49152, 65535), port, length & 0xffff, 0) + payload
        if chance(rng, 0.25):
            found = checksum(pseudo_header(source, destination, headers.UDP, length & 0xffff) +
                             octets) or 0xffff
            if chance(rng, 0.15):
                found = rng.getrandbits(16)
            octets = patched(octets, 6, ">H", found)
        if chance(rng, 0.01):
            return octets[:rng.randrange(16)]
        return octets + bytes(3) if chance(rng, 0.01) else octets
