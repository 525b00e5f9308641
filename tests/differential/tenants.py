# SPDX-License-Identifier: BSD-3-Clause
"""What tenants send, wherever it enters: IP packets, mostly with a way, for a part without one,
and for a part broken."""

import ipaddress
import struct

import headers
import tunnels
from headers import packed
from packets import (EXTENSIONS, OPTIONS, UNKNOWN, broken, fragment_header, ip, right_checksum,
                     tag_of, transport)
from topology import GATEWAY6, US, US6, address_in, chance

SPECIAL4 = ["0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.5", "239.255.255.255", "240.0.0.1",
            "255.255.255.255", "169.254.0.1", "169.254.0.2"]
SPECIAL6 = ["::", "::1", "fe80::1", "fe80::2", "febf::1", "fec0::1", "ff02::1", "ff0e::5",
            GATEWAY6, "::ffff:10.0.0.1", "::10.0.0.1", "64:ff9b::1"]
TTLS = [64] * 30 + [255, 128, 2, 2, 1, 1, 0]
CLASSES = [0, 0, 0, 0xb8, 0x28, 0x02, 0x01, 0x03, 0xba, 0xff]
FAR_MAC = bytes.fromhex("020000000112")


def ethernet(destination, source, type_, payload, *tags):
    octets = destination + source
    for tag in tags:
        octets += struct.pack(">HH", headers.ETHERTYPE_VLAN, tag)
    return octets + struct.pack(">H", type_) + payload


class Tenants:
    """Draws IP packets of the tenants of a scenario."""

    def __init__(self, rng, scenario, policy):
        self.rng, self.scenario, self.policy = rng, scenario, policy
        self.number, self.pieces = 0, []
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

    def retagged(self, payload):
        """The payload with tags that promise nothing about its origin."""
        for origin in self.origins.values():
            payload = payload.replace(tag_of(origin, self.number), tag_of(UNKNOWN, self.number))
        return payload

    def hit(self, frame):
        """The frame cut, or with an octet of its headers changed, or its tag."""
        rng = self.rng
        if chance(rng, 0.3):
            return frame[:rng.randrange(len(frame))]
        at = rng.randrange(min(len(frame), 110))
        frame = frame[:at] + bytes([rng.getrandbits(8)]) + frame[at + 1:]
        return right_checksum(frame, 14) if chance(rng, 0.5) else frame
