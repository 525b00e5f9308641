# SPDX-License-Identifier: BSD-3-Clause
"""A model of the forwarder, slow and obvious. It takes a scenario of the packet lab and one packet
at a time, and says what must become of it, in the order of docs/architecture.md ("How a packet is
judged"). It is written from the standards and the documents, not from the forwarder."""

from headers import (ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6, FRAGMENT, GRE, ICMP, ICMPV6,
                     UDP, Dropped, Frame, Packet4, Packet6, is_link_local, never_forwarded)
from reassembly import Piece, whole_frame
from tables import Tables
from tunnels import ROUTER_MAC, ROUTER_MAC6, is_tunnel, unwrap

VRFS_MAX = 4
BUFFER_OCTETS = 2048  # a fragment is made in one buffer; the lab's are of this size
HOST_MTU = 1500       # of the lab's ports
NOT_ECT, ECT1, ECT0, CE = range(4)
DHCP_SERVER, DHCP_CLIENT = 67, 68


class Outcome:
    """What becomes of a packet: frames (port, octets), punts, drops (reason, interface or ""), and
    what is counted, [(table, name, counter, octets)]; how many packets were made and how many
    ended with that, in fragmentation and reassembly. `flow` is what must go one way; `choices`
    which member of which ECMP sets was taken."""

    def __init__(self):
        self.out, self.punts, self.drops, self.counted = [], [], [], []
        self.made = self.ended = 0
        self.fragmented = self.together = self.held = False
        self.flow, self.choices = None, []

    def count(self, table, name, counter, octets):
        self.counted.append((table, name, counter, octets))


class Punt:
    """A packet for the slow path. `frame` from `l3_offset` on is what it is about."""

    def __init__(self, reason, port, vif, vrf, frame, l3_offset, mtu=0):
        self.reason, self.port, self.vif, self.vrf = reason, port, vif, vrf
        self.frame, self.l3_offset, self.mtu = frame, l3_offset, mtu


class Forwarder:
    """A scenario's tables, and what they do to one packet after another."""

    def __init__(self, scenario):
        self.tables = Tables(scenario)

    def outcomes(self, port, frame):
        """Every outcome that a frame may have: one, but for ECMP, where the member is free."""
        pending, found = [[]], []
        self.tables.reassembly.begin()
        while pending:
            choices = pending.pop()
            walk = Walk(self.tables, port, frame, choices)
            walk.run()
            found.append(walk.outcome)
            # The choices that were open on this way: the other members of each.
            taken = walk.outcome.choices
            for at in range(len(choices), len(taken)):
                _, _, members = taken[at]
                before = [index for _, index, _ in taken[:at]]
                pending += [before + [index] for index in range(1, members)]
        return found


class Walk:
    """One packet's way, with the choices that are free made as `choices` says."""

    def __init__(self, tables, port, frame, choices):
        self.tables, self.port, self.frame, self.choices = tables, port, frame, choices
        self.outcome = Outcome()
        self.vif = None  # the interface it came from
        self.vrf = ""    # the VRF that it entered
        self.packet = None
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
        self.outcome.punts.append(Punt(reason, self.port, self.vif.name if self.vif else "",
                                       self.vrf, self.frame if frame is None else frame,
                                       self.l3_offset if l3_offset is None else l3_offset, mtu))

    # --- from a virtual interface

    def from_guest(self):
        frame = Frame(self.frame)
        self.vif = self.tables.vif_at(self.port, frame.vlan)
        if self.vif is None:
            raise Dropped("no-interface")
        self.l3_offset, self.vrf = frame.offset, self.vif.vrf
        self.outcome.count("vifs", self.vif.name, "rx", len(self.frame))
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
            if not self.is_own(packet.source) and packet.source != bytes(16):
                raise Dropped("source-address")
            self.punt("nd")
            return
        to_gateway6 = packet.family == 6 and packet.destination == self.vif.gateway6
        if frame.to_group():
            raise Dropped("multicast")
        if frame.destination != router_mac:
            raise Dropped("destination-mac")
        if not (self.is_own(packet.source) if to_gateway6 else
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

    def is_own(self, source):
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

    # --- from the underlay

    def from_underlay(self):
        frame = Frame(self.frame)
        if frame.vlan != self.tables.underlay_vlan:
            raise Dropped("no-interface")
        self.l3_offset = frame.offset
        if frame.destination != self.tables.underlay_ports[self.port] and not frame.to_group():
            raise Dropped("destination-mac")
        if frame.type == ETHERTYPE_ARP:
            self.punt("underlay-arp")
        elif frame.type == ETHERTYPE_IPV4:
            if frame.to_group():
                raise Dropped("multicast")
            self.ip_from_underlay(frame, Packet4)
        elif frame.type == ETHERTYPE_IPV6:
            self.ip_from_underlay(frame, Packet6)
        else:
            raise Dropped("ethertype")

    def ip_from_underlay(self, frame, read):
        outer = read(self.frame[frame.offset:])
        if outer.family == 6 and outer.is_neighbour_discovery():
            self.punt("underlay-nd")
            return
        if frame.to_group():
            raise Dropped("multicast")
        if outer.destination not in self.tables.addresses:
            if self.tables.host is None or not is_link_local(outer.destination):
                raise Dropped("underlay-destination")
            self.to_host(frame)
        elif outer.protocol == (ICMP if outer.family == 4 else ICMPV6):
            if self.tables.host is None or outer.is_icmp_error():
                self.punt("underlay-local")
            else:
                self.to_host(frame)
        elif outer.fragment and outer.protocol in (UDP, GRE):
            self.put_together(frame, outer)
        elif is_tunnel(outer):
            self.out_of_tunnel(outer)
        else:
            self.to_host(frame)

    def put_together(self, frame, outer):
        """A fragment of a tunnelled packet, or of one for the host, which has sources of its
        own."""
        reason, piece = None, None
        if outer.family == 6 and (outer.first_header != FRAGMENT or
                                  outer.octets[40] not in (UDP, GRE)):
            reason = "outer-fragment"
        elif not self.is_allowed(outer.source):
            reason = "outer-source"
        else:
            piece = Piece(self.frame, outer, frame.offset)
        if reason is not None:
            if outer.protocol == GRE or self.tables.host is None:
                raise Dropped(reason)
            self.to_host(frame)
            return
        if not piece.is_possible():
            raise Dropped("reassembly")
        pieces, dropped = self.tables.reassembly.take(piece)
        self.outcome.drops += [("reassembly", "")] * dropped
        if pieces is None:
            self.outcome.held = dropped == 0
            return
        self.outcome.made, self.outcome.ended, self.outcome.together = 1, len(pieces), True
        marks = {each.ecn for each in pieces}
        if {NOT_ECT, CE} <= marks:  # RFC 3168 section 5.3
            raise Dropped("reassembly")
        self.frame = whole_frame(pieces, CE in marks)
        self.from_underlay()

    def is_allowed(self, source):
        return self.tables.sources is None or self.tables.sources.find(source) is not None

    def to_host(self, frame):
        """As it came, but for the tag."""
        if self.tables.host is None:
            raise Dropped("host")
        untagged = self.frame[:12] + self.frame[frame.offset - 2:]
        if len(untagged) > 14 + HOST_MTU:
            raise Dropped("too-big")
        self.send(self.tables.host, untagged)

    def from_host(self):
        """The kernel's frames go out as they are, with the underlay's tag."""
        Frame(self.frame)
        tag = b"\x81\0" + self.tables.underlay_vlan.to_bytes(2, "big")
        for port in self.tables.underlay_ports:
            self.send(port, self.frame if not self.tables.underlay_vlan else
                      self.frame[:12] + tag + self.frame[12:])

    def out_of_tunnel(self, outer):
        label, read_inner = unwrap(outer)
        if not self.is_allowed(outer.source):
            raise Dropped("outer-source")
        path = self.tables.labels.get(label)
        if path is None:
            raise Dropped("label-unknown")
        self.packet = read_inner()
        reason = never_forwarded(self.packet.destination)
        if reason:
            raise Dropped(reason)
        self.take_class(outer)
        self.l3_offset = 0
        self.vrf = self.tables.vifs[path["vif"]].vrf if "vif" in path else path["vrf"]
        self.outcome.count("vrfs", self.vrf, "from_tunnel", len(self.packet.octets))
        if self.tables.check_reverse_path and not self.comes_from(outer.source):
            raise Dropped("reverse-path")
        self.follow(path if "vif" in path else self.lookup(path["vrf"], path["root"]))

    def take_class(self, outer):
        """DSCP by the configured model (RFC 2983), ECN by RFC 6040, figure 4."""
        inside, outside = self.packet.traffic_class & 3, outer.traffic_class & 3
        if outside == CE and inside == NOT_ECT:
            raise Dropped("ecn")
        if outside == CE or (outside, inside) == (ECT1, ECT0):
            inside = outside
        dscp = outer.traffic_class if self.tables.uniform else self.packet.traffic_class
        self.packet.set_class(dscp & 0xfc | inside)

    def comes_from(self, far):
        """The VRF routes the packet's source back to the far end that it came from (C48), or the
        source is the virtual router, who tells from anywhere what became of a packet."""
        path = {"vrf": self.vrf, "root": "upstream"}
        for _ in range(VRFS_MAX):
            if path is not None and "vrf" in path:
                path = self.tables.roots[path["vrf"], path["root"]].find(self.packet.source)
        if path == {"gateway": True}:
            return True  # the virtual router of another host tells what became of a packet
        members = path.get("ecmp", [path]) if path else []
        return any("endpoint" in each and self.tables.endpoints[each["endpoint"]].address == far
                   for each in members)

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
        self.outcome.choices.append(((vrf, root, tuple(map(str, members))), index, len(members)))
        return members[index]

    def follow(self, path):
        self.outcome.flow = self.packet.flow()
        if path is None:
            raise Dropped("no-route")
        if "vif" in path:
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
        if self.vif is None:
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
