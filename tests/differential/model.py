# SPDX-License-Identifier: BSD-3-Clause
"""A model of the forwarder, slow and obvious. It takes a scenario of the packet lab and one packet
at a time, and says what must become of it, in the order of docs/architecture.md ("How a packet is
judged"). It is written from the standards and the documents, not from the forwarder."""

import collections

import slowpath
from from_underlay import VRFS_MAX, FromUnderlay
from headers import (ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6, UDP, Dropped, Frame, Packet4,
                     Packet6, is_link_local, never_forwarded)
from outcome import Choice, Outcome, Punt
from tables import Tables
from tunnels import ROUTER_MAC, ROUTER_MAC6

BUFFER_OCTETS = 2048  # a fragment is made in one buffer; the lab's are of this size
FRAMES_A_TURN = 32    # so many of a port come at the same time
DHCP_SERVER, DHCP_CLIENT = 67, 68


class Forwarder:
    """A scenario's tables, and what they do to one packet after another."""

    def __init__(self, scenario):
        self.tables = Tables(scenario)
        self.turn_us = scenario.get("turn_us", 0)
        self.came = collections.Counter()  # frames by ports
        self.last = None                   # the port of the last one
        self.begun = [(port, frame) for port, address in self.tables.underlay_ports.items()
                      for frame in slowpath.at_start(self.tables, address)
                      if self.tables.has_slowpath]

    def outcomes(self, port, frame):
        """Every outcome that a frame may have: one, but for ECMP, where the member is free."""
        pending, found = [[]], []
        now_us = self.came[port] // FRAMES_A_TURN * self.turn_us
        self.came[port] += 1
        self.last = port
        self.tables.reassembly.begin()
        self.tables.meters.begin()
        while pending:
            choices = pending.pop()
            walk = Walk(self.tables, port, frame, choices, now_us)
            walk.run()
            found.append(walk.outcome)
            # The choices that were open on this way: the other members of each.
            taken = walk.outcome.choices
            for at in range(len(choices), len(taken)):
                before = [choice.index for choice in taken[:at]]
                pending += [before + [index] for index in range(1, taken[at].members)]
        return found

    def undo(self):
        """Forgets that the last frame came."""
        self.came[self.last] -= 1
        self.tables.reassembly.undo()
        self.tables.meters.undo()


class Walk(FromUnderlay):
    """One packet's way, with the choices that are free made as `choices` says."""

    def __init__(self, tables, port, frame, choices, now_us):
        self.tables, self.port, self.frame, self.choices = tables, port, frame, choices
        self.now_us = now_us
        self.outcome = Outcome()
        self.vif = None  # the interface it came from
        self.vrf = ""    # the VRF that it entered
        self.packet = None
        self.is_own = False  # the packet is the router's
        self.l3_offset = 0
        self.blamed = None

    def run(self):
        self.outcome.count("ports", self.port, "rx", len(self.frame))
        try:
            if self.port in self.tables.underlay_ports:
                self.from_underlay()
            elif self.port == self.tables.host:
                self.from_host()
            else:
                self.from_guest()
        except Dropped as dropped:
            blamed = self.blamed or self.vif
            self.outcome.drops.append((dropped.reason, blamed.name if blamed else ""))

    def punt(self, reason, mtu=0, frame=None, l3_offset=None):
        punt = Punt(reason, self.port, self.vif.name if self.vif else "", self.vrf,
                    self.frame if frame is None else frame,
                    self.l3_offset if l3_offset is None else l3_offset, mtu)
        if self.tables.has_slowpath and reason in slowpath.ANSWERED:
            self.answer(punt)
        else:
            self.outcome.punts.append(punt)

    def answer(self, punt):
        """Whoever sent it is told by ICMP: over its link, or through its VRF if it came out of a
        tunnel."""
        self.outcome.answered.append(punt)
        error = slowpath.error_about(punt, *self.tables.routers_of(self.vif))
        if punt.reason == "no-route":  # what counts, whether somebody hears of it or not
            self.outcome.drops.append(("no-route", self.vif.name))
            if error is None:
                return
        elif error is None:
            raise Dropped("icmp-error-forbidden")
        else:
            self.outcome.ended += 1
        self.outcome.made += 1
        self.packet, self.is_own = error, True
        self.outcome.flow = error.flow()
        if self.vif is not None:
            self.deliver(self.vif, error)
        else:
            self.follow(self.lookup(self.vrf, "upstream"))

    # --- from a virtual interface

    def from_guest(self):
        frame = Frame(self.frame)
        self.vif = self.tables.vif_at(self.port, frame.vlan)
        if self.vif is None:
            raise Dropped("no-interface")
        self.l3_offset, self.vrf = frame.offset, self.vif.vrf
        self.outcome.count("vifs", self.vif.name, "rx", len(self.frame))
        if not self.tables.meters.let_in(self.vif.name, len(self.frame), self.now_us):
            raise Dropped("rate-in")
        if not self.vif.up:
            raise Dropped("interface-down")
        if frame.source != self.vif.mac:
            raise Dropped("source-mac")
        if frame.type == ETHERTYPE_ARP:
            self.punt("arp")  # whoever it asks: a guest may remember a router that is no more
        elif frame.type == ETHERTYPE_IPV4:
            self.ip_from_guest(frame, Packet4, ROUTER_MAC)
        elif frame.type == ETHERTYPE_IPV6:
            self.ip_from_guest(frame, Packet6, ROUTER_MAC6)
        else:
            raise Dropped("ethertype")

    def ip_from_guest(self, frame, read, router_mac):
        self.packet = packet = read(self.frame[frame.offset:])
        if self.is_dhcp(packet):
            self.punt("dhcp4")
            return
        if packet.family == 6 and packet.is_neighbour_discovery():
            if not self.may_ask(packet.source) and packet.source != bytes(16):
                raise Dropped("source-address")
            self.punt("nd")
            return
        to_gateway6 = packet.family == 6 and packet.destination == self.vif.gateway6
        if frame.to_group():
            raise Dropped("multicast")
        if frame.destination != router_mac:
            raise Dropped("destination-mac")
        if not (self.may_ask(packet.source) if to_gateway6 else
                self.vif.may_send_from(packet.source)):
            raise Dropped("source-address")
        reason = never_forwarded(packet.destination)
        if reason and not to_gateway6:
            raise Dropped(reason)
        if to_gateway6:
            self.punt("gateway")
            return
        if packet.destination != self.vif.gateway:  # which takes what is for it, whatever its TTL
            if packet.ttl <= 1:
                self.punt("ttl-expired")
                return
            self.packet.set_ttl(self.packet.ttl - 1)
        self.vif.clamp(packet)
        self.outcome.count("vrfs", self.vrf, "from_vif", len(packet.octets))
        self.follow(self.lookup(self.vrf, "upstream"))

    def may_ask(self, source):
        """A source that the guest may have towards the router: given to it, or of its link."""
        return self.vif.may_send_from(source) or is_link_local(source)

    def is_dhcp(self, packet):
        """A client's message to a server: broadcast, or to the first-hop router."""
        if packet.family != 4 or packet.protocol != UDP or \
                packet.ports() != (DHCP_CLIENT, DHCP_SERVER) or len(packet.carried()) < 8:
            return False
        if packet.source != bytes(4) and not self.vif.may_send_from(packet.source):
            return False
        return packet.destination in (b"\xff" * 4, self.vif.gateway)

    # --- the middle

    def lookup(self, vrf, root):
        """The path of the destination, through as many VRFs as it takes, and no more."""
        for _ in range(VRFS_MAX):
            path = self.tables.roots[vrf, root].find(self.packet.destination)
            if path is not None and "ecmp" in path:
                path = self.choose(vrf, root, path["ecmp"])
            if path is None or "vrf" not in path:
                return path
            vrf, root = path["vrf"], path.get("root", "downstream")
        raise Dropped("vrf-loop")

    def choose(self, vrf, root, members):
        """One of those that are up; of all, if none is."""
        members = [each for each in members if "endpoint" not in each or
                   self.tables.endpoints[each["endpoint"]].resolved] or members
        at = len(self.outcome.choices)
        index = self.choices[at] if at < len(self.choices) else 0
        self.outcome.choices.append(Choice((vrf, root, tuple(map(str, members))),
                                           self.packet.flow(), index, len(members)))
        return members[index]

    def follow(self, path):
        self.outcome.flow = self.packet.flow()
        if path is None and self.vif is None:
            raise Dropped("no-route")
        if path is None:  # RFC 1812 section 4.3.3.1: the guest is told
            self.punt("no-route", 0, self.packet.octets, 0)
        elif "vif" in path:
            self.towards_interface(self.tables.vifs[path["vif"]])
        elif "endpoint" in path:
            self.into_tunnel(self.tables.endpoints[path["endpoint"]], path["label"])
        elif self.vif is not None:
            self.punt("gateway", 0, self.packet.octets, 0)
        else:
            raise Dropped("ip-destination")

    # --- the ways out

    def towards_interface(self, vif):
        if not vif.up:
            self.blamed = vif
            raise Dropped("interface-down")
        self.fit(vif.mtu, lambda packet: self.deliver(vif, packet))

    def into_tunnel(self, endpoint, label):
        if self.vif is None and not self.is_own:
            if self.packet.ttl <= 1:
                self.punt("ttl-expired", 0, self.packet.octets, 0)
                return
            self.packet.set_ttl(self.packet.ttl - 1)
        self.fit(endpoint.mtu, lambda packet: self.encapsulate(endpoint, label, packet))

    def fit(self, mtu, send):
        """The packet goes as it is, or in fragments, or the sender is told that it cannot."""
        packet = self.packet
        if len(packet.octets) <= mtu:
            send(packet)
        elif packet.dont_fragment:
            self.punt("too-big", mtu, packet.octets, 0)
        elif packet.end() > 65535:
            raise Dropped("fragmentation")
        else:
            fragments = packet.fragments(min(mtu, BUFFER_OCTETS))
            self.outcome.made += len(fragments)
            self.outcome.ended += 1
            self.outcome.fragmented = True
            for fragment in fragments:
                send(fragment)

    def deliver(self, vif, packet):
        vif.clamp(packet)
        tag = b"" if not vif.vlan else b"\x81\x00" + vif.vlan.to_bytes(2, "big")
        source, type_ = (ROUTER_MAC, b"\x08\x00") if packet.family == 4 else \
            (ROUTER_MAC6, b"\x86\xdd")
        frame = vif.mac + source + tag + type_ + packet.octets
        self.outcome.count("vifs", vif.name, "tx", len(frame))
        if vif.rate_out.can_refuse():
            self.outcome.metered[len(self.outcome.out)] = vif
        self.send(vif.port, frame)

    def encapsulate(self, endpoint, label, packet):
        dscp = packet.traffic_class >> 2 if self.tables.uniform else self.tables.dscp
        frame = endpoint.tunnel.wrap(packet, label, dscp << 2 | packet.traffic_class & 3)
        if endpoint.resolved:
            self.outcome.count("endpoints", endpoint.name, "tx", len(frame))
            self.send(endpoint.port, frame)
        else:
            self.outcome.punts.append(Punt("adjacency", endpoint.port,
                                           self.vif.name if self.vif else "", "", frame, 0))

    def send(self, port, frame):
        self.outcome.count("ports", port, "tx", len(frame))
        self.outcome.out.append((port, frame))
