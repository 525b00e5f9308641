# SPDX-License-Identifier: BSD-3-Clause
"""Frames from guests: what they send to each other and beyond, and what to the router."""

import ipaddress
import struct

import headers
from headers import mac, packed
from packets import DHCP_DISCOVER, DISCOVERY, fragment_header, ip4, ip6, transport
from tenants import FAR_MAC, TTLS, Tenants, ethernet
from topology import GATEWAY, chance
from tunnels import ROUTER_MAC, ROUTER_MAC6


class Guests(Tenants):
    """Draws frames of virtual interfaces."""

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

    def special_from_guest(self, vif, origin):
        """ARP, neighbour discovery, DHCP, and talk with the gateway. @return (family, MAC address
        or None, octets)."""
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
