# SPDX-License-Identifier: BSD-3-Clause
"""The model of what comes in from the underlay and from the host's kernel."""

from headers import (ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6, FRAGMENT, GRE, ICMP, ICMPV6,
                     UDP, Dropped, Frame, Packet4, Packet6, is_link_local, never_forwarded)
from reassembly import Piece, whole_frame
from tunnels import is_tunnel, unwrap

VRFS_MAX = 4
HOST_MTU = 1500  # of the lab's ports
NOT_ECT, ECT1, ECT0, CE = range(4)


class FromUnderlay:
    """A part of a packet's walk."""

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
