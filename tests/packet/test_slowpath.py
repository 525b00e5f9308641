#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Packets through the stages, the slow path and back out of a port: what guests and neighbours hear.
scapy builds every question and judges every answer."""

import unittest

from scapy.all import ARP, BOOTP, DHCP, ICMP, IP, UDP, Dot1Q, Ether, IPerror, Raw, UDPerror

import lab
from lab import (BLUE, BROADCAST, FABRIC_MAC, FAR, FAR_MAC, GATEWAY, LOST, ROUTER, US, VM1, VM2,
                 over_udp, tunnel, world)
from lab_case import LabCase
from table import guest, inner_of

OWN, ZERO = "10.0.0.11", "00:00:00:00:00:00"
LEASE = {"address": OWN, "lease": 7200, "dns": ["9.9.9.9", "1.1.1.1"]}
XID = 0x12345678


def guests(**changes):
    """The world without a far side: nothing but what guests ask and hear."""
    vifs = lab.changed(lab.WORLD["vifs"], "vm1", dhcp=LEASE, mtu=1400)
    return world(("red", "10.0.0.12/32", {"vif": "vm2"}),
                 **dict({"endpoints": [], "ports": lab.WORLD["ports"][1:], "vifs": vifs,
                         "slowpath": {}}, **changes))


def fabric(*routes, until_ms=0, mac=None):
    """The world with one far vRouter, whose MAC address is not known unless it is told. The guest's
    packets come before what the underlay says."""
    far = {"name": "far", "address": FAR, "encapsulation": "udp", "port": "fabric", "mtu": 1454}
    ports = lab.WORLD["ports"]
    return world(*routes, ports=[ports[1], ports[2], ports[0]], underlay_address6=None,
                 endpoints=[dict(far, mac=mac) if mac else far],
                 slowpath={"until_ms": until_ms})


def arp(target, *, op=1, mac=VM1, source=OWN, to=BROADCAST, tag=None):
    ether = Ether(src=mac, dst=to) / Dot1Q(vlan=tag) if tag else Ether(src=mac, dst=to)
    return ether / ARP(op=op, hwsrc=mac, psrc=source, hwdst=ZERO, pdst=target)


def arp_answer(target, *, mac=VM1, source=OWN, tag=None):
    ether = Ether(src=ROUTER, dst=mac) / Dot1Q(vlan=tag) if tag else Ether(src=ROUTER, dst=mac)
    return ether / ARP(op=2, hwsrc=ROUTER, psrc=target, hwdst=mac, pdst=source)


def dhcp(kind, *options, source="0.0.0.0", to=BROADCAST, destination="255.255.255.255", **bootp):
    return (Ether(src=VM1, dst=to) / IP(src=source, dst=destination) / UDP(sport=68, dport=67) /
            BOOTP(chaddr=bytes.fromhex(VM1.replace(":", "")), xid=XID, **bootp) /
            DHCP(options=[("message-type", kind), *options, "end"]))


def rebuilt(octets):
    """The frame with its lengths and checksums computed anew; what an ICMP error quotes is data."""
    packet = Ether(octets)
    if ICMP in packet:
        packet[IP].len = packet[IP].chksum = packet[ICMP].chksum = None
        packet[ICMP].payload = Raw(bytes(packet[ICMP].payload))
        return bytes(packet)
    return lab.rebuilt(octets)


class SlowPath(LabCase):
    def run_lab(self, scenario, sent, drops=()):
        """The same; and scapy must find nothing wrong with what comes out."""
        result = super().run_lab(scenario, sent, drops)
        for port, frames in result["out"].items():
            for octets in frames:
                self.assertEqual(rebuilt(octets).hex(), octets.hex(), port)
        return result

    # --- ARP

    def test_c09_every_arp_request_is_answered(self):
        targets = [GATEWAY, "10.0.0.12", "10.0.0.255", "8.8.8.8", "203.0.113.1"]
        sent = [arp(target) for target in targets] + [arp(GATEWAY, to=ROUTER)]
        result = self.run_lab(guests(), {"p1": sent})
        self.expect(result["out"]["p1"], *[arp_answer(target) for target in targets],
                    arp_answer(GATEWAY))
        self.assertEqual(result["vifs"]["vm1"]["tx"], [6, 6 * 42])

    def test_c09_probes_and_announcements_are_not_answered(self):
        sent = [arp(OWN, source="0.0.0.0"), arp(GATEWAY, source="0.0.0.0"), arp(OWN),
                arp(OWN, op=2), arp(GATEWAY, op=2)]
        result = self.run_lab(guests(), {"p1": sent}, {"arp-ignored": 5})
        self.expect(result["out"]["p1"])

    def test_c10_c11_one_virtual_mac_address_behind_every_tag(self):
        sent = {"p1": [arp(GATEWAY), arp(GATEWAY, mac=BLUE, tag=100)],
                "p2": [arp(GATEWAY, mac=VM2, source="10.0.0.12")]}
        result = self.run_lab(guests(), sent)
        self.expect(result["out"]["p1"], arp_answer(GATEWAY),
                    arp_answer(GATEWAY, mac=BLUE, tag=100))
        self.expect(result["out"]["p2"], arp_answer(GATEWAY, mac=VM2, source="10.0.0.12"))
        for octets in result["out"]["p1"] + result["out"]["p2"]:
            self.assertEqual(octets[6:12].hex(), "00005e000101")

    def test_c46_c47_a_guest_cannot_speak_for_another(self):
        stolen = Ether(src=VM1, dst=BROADCAST) / arp(GATEWAY, mac=VM2)[ARP]
        sent = [arp(GATEWAY, source="10.0.0.12"), stolen, arp(GATEWAY, mac=VM2)]
        result = self.run_lab(guests(), {"p1": sent}, {"source-address": 1, "source-mac": 2})
        self.expect(result["out"]["p1"])
        self.expect(result["out"]["p2"])

    def test_many_that_flood_do_not_silence_one_that_is_quiet(self):
        macs = {tag: f"02:00:00:00:02:{tag:02x}" for tag in range(1, 31)}
        vifs = [{"name": f"g{tag}", "vrf": "red", "port": "p1", "vlan": tag, "mac": mac,
                 "sources": [OWN]} for tag, mac in macs.items()]
        floods = [arp(GATEWAY, mac=macs[tag], tag=tag) for tag in range(1, 30)] * 110
        result = self.play(dict(guests(vifs=vifs), routes=[], labels=[]),
                           {"p1": [*floods, arp(GATEWAY, mac=macs[30], tag=30)]})
        self.expect(result["out"]["p1"][-1:], arp_answer(GATEWAY, mac=macs[30], tag=30))

    # --- DHCP

    def answer(self, *sent, drops=(), **changes):
        """The DHCP answer to the last of `sent`: its frame, its options as a dict."""
        result = self.run_lab(guests(**changes), {"p1": sent}, drops)
        packet = Ether(result["out"]["p1"][-1])
        self.assertEqual((packet.src, packet[IP].src, packet[UDP].sport, packet[UDP].dport),
                         (ROUTER, GATEWAY, 67, 68))
        self.assertEqual((packet[BOOTP].op, packet[BOOTP].xid), (2, XID))
        options = [option for option in packet[DHCP].options if isinstance(option, tuple)]
        return packet, {option[0]: option[1] if len(option) == 2 else option[1:]
                        for option in options}

    def test_dhcp_from_discover_to_renewal(self):
        wanted = ("param_req_list", [1, 3, 6, 26, 51])
        offer, options = self.answer(dhcp("discover", wanted))
        self.assertEqual((offer.dst, offer[IP].dst, offer[BOOTP].yiaddr), (VM1, OWN, OWN))
        self.assertEqual(options, {
            "message-type": 2, "server_id": GATEWAY, "lease_time": 7200, "renewal_time": 3600,
            "rebinding_time": 6300, "subnet_mask": "255.255.255.255", "router": GATEWAY,
            "name_server": ("9.9.9.9", "1.1.1.1"), "interface-mtu": 1400})
        for request in [
                dhcp("request", ("requested_addr", OWN), ("server_id", GATEWAY), wanted),
                dhcp("request", ("requested_addr", OWN), wanted),
                dhcp("request", wanted, source=OWN, ciaddr=OWN),
                dhcp("request", wanted, source=OWN, ciaddr=OWN, to=ROUTER, destination=GATEWAY)]:
            ack, granted = self.answer(request)
            self.assertEqual((ack.dst, ack[IP].dst, ack[BOOTP].yiaddr), (VM1, OWN, OWN))
            self.assertEqual(granted, dict(options, **{"message-type": 5}))

    def test_dhcp_refuses_another_address_to_all(self):
        nak, options = self.answer(dhcp("request", ("requested_addr", "10.0.0.99")))
        self.assertEqual((nak.dst, nak[IP].dst, nak[BOOTP].yiaddr),
                         (BROADCAST, "255.255.255.255", "0.0.0.0"))
        self.assertEqual(options, {"message-type": 6, "server_id": GATEWAY})

    def test_dhcp_with_classless_routes(self):
        offer, options = self.answer(dhcp("discover", ("param_req_list", [1, 121, 3])))
        self.assertNotIn("router", options)
        routes = bytes.fromhex("20a9fe0001 00000000 00 a9fe0001".replace(" ", ""))
        self.assertIn(b"\x79" + bytes([len(routes)]) + routes, bytes(offer[DHCP]))

    def test_dhcp_of_the_multipoint_model(self):
        vifs = lab.changed(lab.WORLD["vifs"], "vm1", gateway=GATEWAY,
                           dhcp=dict(LEASE, prefix_length=24))
        _, options = self.answer(dhcp("discover"), vifs=vifs)
        self.assertEqual((options["subnet_mask"], options["router"]), ("255.255.255.0", GATEWAY))

    def test_dhcp_to_who_can_only_hear_broadcast(self):
        offer, _ = self.answer(dhcp("discover", flags=0x8000))
        self.assertEqual((offer.dst, offer[IP].dst), (BROADCAST, "255.255.255.255"))

    def test_dhcp_that_gets_no_answer(self):
        sent = [dhcp("request", ("requested_addr", OWN), ("server_id", "10.0.0.2")),
                dhcp("discover", giaddr="10.0.0.2"), dhcp("offer"),
                dhcp("release", ("server_id", GATEWAY), source=OWN, ciaddr=OWN)]
        result = self.run_lab(guests(), {"p1": sent}, {"dhcp-ignored": 2, "dhcp-invalid": 1})
        self.expect(result["out"]["p1"])
        self.assertEqual(result["balance"]["consumed"], 1)
        other = Ether(src=VM2, dst=BROADCAST) / dhcp("discover")[IP]
        other[BOOTP].chaddr = bytes.fromhex(VM2.replace(":", ""))
        result = self.run_lab(guests(), {"p2": [other]}, {"dhcp-ignored": 1})

    # --- ICMP

    def test_the_gateway_answers_echo(self):
        echo = guest(GATEWAY, payload=ICMP(id=7, seq=9) / Raw(b"hello" * 20), ttl=1)
        result = self.run_lab(guests(), {"p1": [echo]})
        self.expect(result["out"]["p1"],
                    Ether(src=ROUTER, dst=VM1) / IP(src=GATEWAY, dst=OWN, id=0, flags="DF") /
                    ICMP(type=0, id=7, seq=9) / Raw(b"hello" * 20))

    def error(self, octets, kind, code):
        packet = Ether(octets)
        self.assertEqual((packet.src, packet.dst, packet[IP].src, packet[IP].dst),
                         (ROUTER, VM1, GATEWAY, OWN))
        self.assertEqual((packet[ICMP].type, packet[ICMP].code), (kind, code))
        self.assertLessEqual(packet[IP].len, 576)
        return packet

    def test_time_exceeded_quotes_the_packet(self):
        probe = guest("10.0.0.12", ttl=1, payload=UDP(sport=33000, dport=33434) / Raw(b"q" * 32))
        result = self.run_lab(guests(), {"p1": [probe]})
        [octets] = result["out"]["p1"]
        self.assertEqual(octets[14 + 20 + 8:].hex(), lab.frame(probe)[14:].hex())
        packet = self.error(octets, 11, 0)
        self.assertEqual((packet[IPerror].dst, packet[UDPerror].dport), ("10.0.0.12", 33434))

    def test_fragmentation_needed_tells_the_mtu(self):
        vifs = lab.changed(lab.WORLD["vifs"], "vm2", mtu=1300)
        result = self.run_lab(guests(vifs=vifs),
                              {"p1": [guest("10.0.0.12", size=1273, flags="DF")]})
        packet = self.error(result["out"]["p1"][0], 3, 4)
        self.assertEqual(packet[ICMP].nexthopmtu, 1300)
        self.assertEqual(packet[IP].len, 576)

    def test_no_error_about_errors_fragments_and_groups(self):
        told = IP(src="10.0.0.12", dst=OWN) / UDP() / Raw(b"x" * 8)
        sent = [guest("10.0.0.12", ttl=1, payload=ICMP(type=3, code=1) / told),
                guest("10.0.0.12", ttl=1, frag=100, payload=Raw(b"x" * 64))]
        result = self.run_lab(guests(), {"p1": sent}, {"icmp-error-forbidden": 2})
        self.expect(result["out"]["p1"])

    # --- the underlay

    announcement = (Ether(src=FABRIC_MAC, dst=BROADCAST) /
                    ARP(op=1, hwsrc=FABRIC_MAC, psrc=US, hwdst=ZERO, pdst=US))
    question = (Ether(src=FABRIC_MAC, dst=BROADCAST) /
                ARP(op=1, hwsrc=FABRIC_MAC, psrc=US, hwdst=ZERO, pdst=FAR))
    said = (Ether(src=FAR_MAC, dst=FABRIC_MAC) /
            ARP(op=2, hwsrc=FAR_MAC, psrc=FAR, hwdst=FABRIC_MAC, pdst=US))

    def tunnelled(self, octets, packet):
        """The frame that carries a guest's packet, with the entropy port that was chosen."""
        expected = over_udp(inner_of(packet), 44)
        expected[UDP].sport = int.from_bytes(octets[34:36], "big")
        return expected

    def test_packets_wait_for_the_next_hop_and_go_out_in_order(self):
        sent = [guest("10.1.0.1", id=number) for number in range(5)]
        result = self.run_lab(fabric(("red", "10.1.0.0/16", tunnel("far", 44))),
                              {"p1": sent, "fabric": [self.said]})
        asked, announced, *carried = result["out"]["fabric"]
        self.expect([asked, announced], self.question, self.announcement)
        self.expect(carried, *[self.tunnelled(octets, packet)
                               for octets, packet in zip(carried, sent)])
        self.assertEqual(result["endpoints"]["far"][0], 5)
        self.assertEqual(result["vifs"]["vm1"]["tx"], [0, 0])
        self.assertEqual(result["slowpath"]["neighbours"], {FAR: ["reachable", FAR_MAC, 0]})

    def test_no_more_wait_than_may(self):
        sent = [guest("10.1.0.1", id=number) for number in range(12)]
        result = self.run_lab(fabric(("red", "10.1.0.0/16", tunnel("far", 44))), {"p1": sent},
                              {"adjacency-hold": 4})
        self.assertEqual(result["slowpath"]["neighbours"], {FAR: ["incomplete", ZERO, 8]})

    def test_a_next_hop_that_does_not_answer(self):
        result = self.run_lab(fabric(("red", "10.1.0.0/16", tunnel("far", 44)), until_ms=4000),
                              {"p1": [guest("10.1.0.1")]}, {"adjacency-failed": 1})
        self.expect(result["out"]["fabric"], self.question, self.announcement, self.question,
                    self.question, self.announcement)
        self.assertEqual(result["slowpath"]["neighbours"], {FAR: ["failed", ZERO, 0]})

    def test_our_underlay_address_answers_arp_and_echo(self):
        asks = (Ether(src=FAR_MAC, dst=BROADCAST) /
                ARP(op=1, hwsrc=FAR_MAC, psrc="192.0.2.77", hwdst=ZERO, pdst=US))
        ping = (Ether(src=FAR_MAC, dst=FABRIC_MAC) / IP(src="192.0.2.77", dst=US) /
                ICMP(id=1, seq=2) / Raw(b"ping"))
        result = self.run_lab(dict(fabric(), endpoints=[]), {"fabric": [asks, ping]})
        self.expect(result["out"]["fabric"], self.announcement,
                    Ether(src=FABRIC_MAC, dst=FAR_MAC) /
                    ARP(op=2, hwsrc=FABRIC_MAC, psrc=US, hwdst=FAR_MAC, pdst="192.0.2.77"),
                    Ether(src=FABRIC_MAC, dst=FAR_MAC) /
                    IP(src=US, dst="192.0.2.77", id=0, flags="DF") /
                    ICMP(type=0, id=1, seq=2) / Raw(b"ping"))

    def test_c46_what_is_said_unasked_makes_no_neighbour(self):
        stranger = (Ether(src=VM2, dst=BROADCAST) /
                    ARP(op=1, hwsrc=VM2, psrc=LOST, hwdst=ZERO, pdst=LOST))
        result = self.run_lab(fabric(), {"fabric": [stranger]}, {"arp-ignored": 1})
        self.assertEqual(list(result["slowpath"]["neighbours"]), [FAR])


if __name__ == "__main__":
    unittest.main(verbosity=2)
