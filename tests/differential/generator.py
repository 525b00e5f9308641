# SPDX-License-Identifier: BSD-3-Clause
"""What guests and the underlay send in a scenario, at random: mostly what has a way, for a part what
has none, and for a part what is broken."""

import ipaddress
import struct

import headers
import tunnels
from headers import checksum
from packets import (DHCP_DISCOVER, DISCOVERY, EXTENSIONS, OPTIONS, UNKNOWN, broken, fragment_header,
                     ip, ip4, ip6, patched, pseudo_header, right_checksum, tag_of, transport)
from topology import FABRIC_MAC, GATEWAY, GATEWAY6, US, US6, address_in, chance
from tunnels import ROUTER_MAC, ROUTER_MAC6

SPECIAL4 = ["0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.5", "239.255.255.255", "240.0.0.1",
            "255.255.255.255", "169.254.0.1", "169.254.0.2"]
SPECIAL6 = ["::", "::1", "fe80::1", "fe80::2", "febf::1", "fec0::1", "ff02::1", "ff0e::5",
            GATEWAY6, "::ffff:10.0.0.1", "::10.0.0.1", "64:ff9b::1"]
# A checksum over more than one packet buffer is not verified: only what fits into one is broken.
BUFFER_OCTETS = 2048 - 128
TTLS = [64] * 30 + [255, 128, 2, 2, 1, 1, 0]
CLASSES = [0, 0, 0, 0xb8, 0x28, 0x02, 0x01, 0x03, 0xba, 0xff]
FAR_MAC = bytes.fromhex("020000000112")


def packed(text):
    return ipaddress.ip_address(text).packed


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def ethernet(destination, source, type_, payload, *tags):
    octets = destination + source
    for tag in tags:
        octets += struct.pack(">HH", headers.ETHERTYPE_VLAN, tag)
    return octets + struct.pack(">H", type_) + payload


class Generator:
    """`packet()` draws (port, frame)."""

    def __init__(self, rng, scenario, policy):
        self.rng, self.scenario, self.policy = rng, scenario, policy
        self.number = 0
        self.origins = {vrf: i for i, vrf in enumerate(scenario["vrfs"])}
        self.networks = {}
        for route in scenario["routes"]:
            network = ipaddress.ip_network(route["prefix"])
            self.networks.setdefault((route["vrf"], network.version), []).append(network)
        self.limits = sorted({vif["mtu"] for vif in scenario["vifs"]} |
                             {self.endpoint_mtu(each) for each in scenario["endpoints"]})
        self.has_host = any(port["role"] == "host" for port in scenario["ports"])
        self.ours = {4: packed(US)}
        if "underlay_address6" in scenario:
            self.ours[6] = packed(US6)
        self.tags = [scenario["underlay_vlan"]] if "underlay_vlan" in scenario else []

    def endpoint_mtu(self, endpoint):
        family = ipaddress.ip_address(endpoint["address"]).version
        return endpoint.get("mtu", self.scenario["underlay_mtu"] -
                            tunnels.overhead(family, endpoint["encapsulation"]))

    def packet(self):
        self.number += 1
        if self.has_host and chance(self.rng, 0.03):
            return "host0", self.from_host()
        if self.scenario["vifs"] and chance(self.rng, 0.6):
            return self.from_guest(self.rng.choice(self.scenario["vifs"]))
        return "fabric", self.from_underlay()

    # --- IP packets of tenants

    def address(self, vrf, family):
        """An address that the tenant's routes may know, or (seldom) one that nobody has."""
        rng = self.rng
        if chance(rng, 0.06):
            return packed(rng.choice(SPECIAL4 if family == 4 else SPECIAL6))
        if chance(rng, 0.75):
            networks = self.networks.get((vrf, family))
        else:
            networks = [each for (_, version), found in self.networks.items()
                        if version == family for each in found]
        if not networks or chance(rng, 0.03):
            return rng.getrandbits(32 if family == 4 else 128).to_bytes(4 if family == 4 else 16,
                                                                       "big")
        found = address_in(rng, rng.choice(networks))
        if chance(rng, 0.05):  # just outside
            number = (int(found) + rng.choice([-1, 1])) % (1 << found.max_prefixlen)
            return number.to_bytes(found.max_prefixlen // 8, "big")
        return found.packed

    def payload(self, origin, before, size=None):
        """Tags, as many as a random size wants; the size is often at the edge of a limit."""
        rng = self.rng
        if size is not None:
            pass
        elif chance(rng, 0.12):
            size = max(rng.choice(self.limits) - before + rng.choice([-1, 0, 0, 1]), 0)
        else:
            size = rng.choice([0, 1, 8, 16, 24, 32, 33, 64, 100, 200, rng.randrange(1500)])
        tag = tag_of(origin, self.number)
        return (tag * (size // len(tag) + 1))[:size]

    def tenant_packet(self, source, destination, origin):
        rng = self.rng
        six = len(source) == 16
        fields = {"ttl": rng.choice(TTLS), "tos": rng.choice(CLASSES)}
        shape = rng.choice(["udp", "udp", "udp", "tcp", "tcp-syn", "tcp-syn",
                            "tcp-odd", "sctp", "echo6" if six else "echo", "other"])
        before = 40 if six else 20
        extensions = []
        if six:
            fields["label"] = rng.choice([0, rng.getrandbits(20)])
            if chance(rng, 0.15):
                for _ in range(rng.randint(1, 3)):
                    kind = rng.choice(list(EXTENSIONS))
                    extensions.append((kind, rng.choice(EXTENSIONS[kind])))
            if chance(rng, 0.1):
                extensions.insert(rng.randint(0, len(extensions)), fragment_header(
                    rng.choice([0, 0, 0, 1, 185, 8191]), rng.randint(0, 1), rng.randint(1, 4)))
            if extensions:
                fields["extensions"] = extensions
                before += sum(len(octets) for _, octets in extensions)
        else:
            fields["ident"] = rng.choice([0, 1, 2, rng.getrandbits(16)])
            fields["flags"] = rng.choice([0, 0x4000, 0x4000])
            if chance(rng, 0.1):
                fields["flags"] |= rng.choice([0x2000, 0x2000, 0x2001, 185, 0x1fff, 0x8000])
            if chance(rng, 0.08):
                fields["options"] = rng.choice(OPTIONS)
                before += len(fields["options"])
        size = None
        if not six and chance(rng, 0.01):  # ends near the largest datagram's end, and is too big
            fields["flags"], size = rng.choice([0x1e00, 0x1f00, 0x1fff]), rng.choice([1600, 3000])
        if shape == "other":
            protocol = rng.choice([4, 41, 50, 59, 89, 254, rng.getrandbits(8)])
            body = self.payload(origin, before, size)
        else:
            payload = self.payload(origin, before + 8, size)
            ports = (rng.choice([1000, 1001, 1002, 40000, 67, 68, 6635]),
                     rng.choice([53, 80, 443, 67, 68, 4789, 50000]))
            protocol, body = transport(shape, source, destination, ports, payload)
            if chance(rng, 0.02):
                body = body[:rng.randrange(len(body) + 1)]
        made = ip(source, destination, protocol, body, **fields)
        return broken(rng, made) if chance(rng, 0.08) else made

    # --- from guests

    def guest_source(self, vif, family):
        rng = self.rng
        networks = [network for network in map(ipaddress.ip_network, vif["sources"])
                    if network.version == family]
        if not networks or chance(rng, 0.05):
            return self.address(vif["vrf"], family)
        found = address_in(rng, rng.choice(networks))
        if chance(rng, 0.03):
            number = (int(found) + rng.choice([-1, 1])) % (1 << found.max_prefixlen)
            return number.to_bytes(found.max_prefixlen // 8, "big")
        return found.packed

    def guest_family(self, vif):
        families = [ipaddress.ip_network(each).version for each in vif["sources"]] or [4, 6]
        return self.rng.choice(families)

    def from_guest(self, vif):
        rng = self.rng
        origin = self.origins[vif["vrf"]]
        kind = rng.random()
        if kind < 0.06:
            family, destination, payload = self.special_from_guest(vif, origin)
        else:
            family, destination = self.guest_family(vif), None
            payload = self.tenant_packet(self.guest_source(vif, family),
                                         self.address(vif["vrf"], family), origin)
        types = {4: headers.ETHERTYPE_IPV4, 6: headers.ETHERTYPE_IPV6, 0: headers.ETHERTYPE_ARP}
        destination = destination or (ROUTER_MAC6 if family == 6 else ROUTER_MAC)
        source, type_ = mac(vif["mac"]), types[family]
        tags = [vif["vlan"]] if "vlan" in vif else []
        if chance(rng, 0.06):
            fault = rng.randrange(6)
            if fault == 0:
                source = rng.choice([ROUTER_MAC, bytes(6), b"\xff" * 6, FAR_MAC])
            elif fault == 1:
                destination = rng.choice([ROUTER_MAC, ROUTER_MAC6, mac(vif["mac"]), b"\xff" * 6,
                                          bytes.fromhex("01005e0000fb"), FAR_MAC])
            elif fault == 2:
                type_ = rng.choice([*types.values(), headers.ETHERTYPE_MPLS, 0x88a8, 46,
                                    headers.ETHERTYPE_VLAN])
            elif fault == 3 and not tags:
                tags = [rng.choice([0, 0x6000, 0x1000])]  # a priority tag
            elif fault == 4:
                return vif["port"], self.hit(ethernet(destination, source, type_, self.retagged(
                    payload), *tags))
            elif tags:
                tags = [tags[0] | 0xe000]
        return vif["port"], ethernet(destination, source, type_, payload, *tags)

    def retagged(self, payload):
        """The payload with tags that promise nothing about its origin."""
        for origin in self.origins.values():
            payload = payload.replace(tag_of(origin, self.number), tag_of(UNKNOWN, self.number))
        return payload

    def hit(self, frame):
        """The frame cut, or with an octet of its headers changed, or its tag."""
        rng = self.rng
        if len(frame) > BUFFER_OCTETS:
            return frame
        if chance(rng, 0.3):
            return frame[:rng.randrange(len(frame))]
        at = rng.randrange(min(len(frame), 110))
        frame = frame[:at] + bytes([rng.getrandbits(8)]) + frame[at + 1:]
        return right_checksum(frame, 14) if chance(rng, 0.5) else frame

    def special_from_guest(self, vif, origin):
        """ARP, neighbour discovery, DHCP, and talk with the gateway. @return (family, MAC address or
        None, octets)."""
        rng = self.rng
        own = self.guest_source(vif, 4)
        own6 = rng.choice([self.guest_source(vif, 6), packed("fe80::5"), bytes(16)])
        kind = rng.randrange(6)
        if kind == 0:
            arp = struct.pack(">HHBBH6s4s6s4s", 1, 0x800, 6, 4, rng.choice([1, 1, 2]),
                              mac(vif["mac"]), own, bytes(6), packed(GATEWAY))
            return 0, rng.choice([b"\xff" * 6, ROUTER_MAC]), arp[:rng.choice([28, 28, 28, 7])]
        if kind == 1:
            body = rng.choice(DISCOVERY)
            group = rng.choice(["ff02::1", "ff02::2", "ff02::1:ff00:1", "fe80::1"])
            extensions = [fragment_header(0, rng.randint(0, 1), 5)] if chance(rng, 0.2) else []
            return 6, rng.choice([bytes.fromhex("3333ff000001"), ROUTER_MAC6, None]), ip6(
                own6, packed(group), headers.ICMPV6, body, ttl=255, extensions=extensions)
        if kind == 2:
            source, destination = rng.choice([(bytes(4), b"\xff" * 4), (own, packed(GATEWAY)),
                                              (own, b"\xff" * 4), (bytes(4), packed(GATEWAY))])
            _, body = transport("udp", source, destination, (68, rng.choice([67, 67, 67, 68])),
                                DHCP_DISCOVER)
            flags = rng.choice([0, 0, 0, 0x2000])
            return 4, rng.choice([b"\xff" * 6, ROUTER_MAC]), ip4(
                source, destination, headers.UDP, body, ttl=rng.choice([64, 1]), flags=flags)
        if kind == 3:
            gateway = packed(GATEWAY)
            protocol, body = transport(rng.choice(["echo", "udp"]), own, gateway, (9, 10),
                                       self.payload(origin, 28))
            return 4, None, ip4(own, gateway, protocol, body, ttl=rng.choice(TTLS))
        gateway = packed("fe80::1")
        protocol, body = transport(rng.choice(["echo6", "udp"]), own6, gateway, (9, 10),
                                   self.payload(origin, 48))
        return 6, None, ip6(own6, gateway, protocol, body, ttl=rng.choice(TTLS))

    # --- from the underlay

    def from_underlay(self):
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

    def tunnelled(self, family, hit):
        """A tunnelled packet with its outer IP header."""
        rng = self.rng
        label = rng.choice(self.scenario["labels"])
        number, path = label["label"], label["path"]
        vrf = self.policy["labels"][str(number)]
        hit_outside = chance(rng, 0.04)
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
            protocol, body = headers.GRE, self.gre(shim)
        else:
            protocol = headers.UDP
            body = self.udp(shim, tunnels.PORTS[encapsulation], far, us)
        fields = {"ttl": rng.choice([64, 64, 255, 1, 0]), "tos": rng.choice(CLASSES)}
        if family == 4:
            fields["flags"] = rng.choice([0x4000, 0x4000, 0])
            if chance(rng, 0.02):
                fields["flags"] = rng.choice([0x2000, 1, 0x2010])
            if chance(rng, 0.05):
                fields["options"] = rng.choice(OPTIONS)
        elif chance(rng, 0.05 if not hit_outside else 0.3):
            fields["extensions"] = [rng.choice([
                (headers.DESTINATION, EXTENSIONS[headers.DESTINATION][0]),
                (headers.HOP_BY_HOP, EXTENSIONS[headers.HOP_BY_HOP][0]),
                fragment_header(rng.choice([0, 0, 3]), rng.randint(0, 1), 77),
                (253 if hit_outside else headers.DESTINATION, EXTENSIONS[253][0])])]
        made = ip(far, us, protocol, body, **fields)
        return broken(rng, made) if hit_outside and len(made) < BUFFER_OCTETS else made

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
        if len(payload) > BUFFER_OCTETS - 100:
            flags, words = 0, b""
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
            if chance(rng, 0.15) and len(octets) < BUFFER_OCTETS:
                found = rng.getrandbits(16)
            octets = patched(octets, 6, ">H", found)
        if chance(rng, 0.01):
            return octets[:rng.randrange(16)]
        return octets + bytes(3) if chance(rng, 0.01) else octets
