# SPDX-License-Identifier: BSD-3-Clause
"""The packet lab from Python: scenarios and frames in, frames and verdicts out. What comes out is
judged by scapy, which builds each expected packet on its own, and by tshark, which decodes it."""

import copy
import json
import os
import pathlib
import struct
import subprocess
import tempfile

from scapy.all import (GRE, IP, UDP, VXLAN, Dot1Q, Ether, IPv6, Padding, Raw,  # noqa: F401
                       conf)
from scapy.contrib.mpls import MPLS

conf.verb = 0

LAB = os.environ.get("PACKET_LAB", str(pathlib.Path(__file__).resolve().parents[2] /
                                       "build/tests/packet/packet_lab"))
EAL = ["--no-huge", "-m", "128", "--no-pci", "--no-shconf", "--no-telemetry", "--iova-mode=va",
       "-l", "0", "--log-level=*:error"]

ROUTER = "00:00:5e:00:01:01"
ROUTER6 = "00:00:5e:00:02:01"
FABRIC_MAC = "02:00:00:00:00:fe"
FAR_MAC = "02:00:00:00:01:12"
FAR2_MAC = "02:00:00:00:01:13"
US, FAR, FAR2, LOST = "192.0.2.11", "192.0.2.12", "192.0.2.13", "192.0.2.99"
US6, FAR6 = "2001:db8:f::11", "2001:db8:f::12"
GATEWAY = "169.254.0.1"
VM1, VM2, VM3, BLUE = ("02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:03",
                       "02:00:00:00:00:21")
BROADCAST = "ff:ff:ff:ff:ff:ff"

# One vRouter: red has vm1 (untagged) and vm3 (tag 200) on the port p1, vm2 on p2; blue has bm1 (tag
# 100) on p1, with vm1's address. Label 16 is vm1's, 17 vm2's, 20 red's, 21 blue's, 22 the hub's.
WORLD = {
    "underlay_address": US,
    "underlay_address6": US6,
    "ports": [
        {"name": "fabric", "role": "underlay", "mac": FABRIC_MAC},
        {"name": "p1", "role": "access"},
        {"name": "p2", "role": "access"},
    ],
    "vrfs": ["red", "blue", "green"],
    "vifs": [
        {"name": "vm1", "vrf": "red", "port": "p1", "mac": VM1,
         "sources": ["10.0.0.11/32", "10.9.0.0/24", "2001:db8::11/128", "2001:db8:9::/64"]},
        {"name": "vm2", "vrf": "red", "port": "p2", "mac": VM2, "mtu": 1400,
         "sources": ["10.0.0.12/32", "2001:db8::12/128"]},
        {"name": "vm3", "vrf": "red", "port": "p1", "vlan": 200, "mac": VM3,
         "sources": ["10.0.0.13/32"]},
        {"name": "bm1", "vrf": "blue", "port": "p1", "vlan": 100, "mac": BLUE,
         "sources": ["10.0.0.11/32"]},
    ],
    "endpoints": [
        {"name": "far", "address": FAR, "encapsulation": "udp", "port": "fabric", "mac": FAR_MAC,
         "mtu": 1454},
        {"name": "far-gre", "address": FAR, "encapsulation": "gre", "port": "fabric",
         "mac": FAR_MAC, "mtu": 1458},
        {"name": "far-vxlan", "address": FAR, "encapsulation": "vxlan", "port": "fabric",
         "mac": FAR_MAC},
        {"name": "far6", "address": FAR6, "encapsulation": "udp", "port": "fabric",
         "mac": FAR_MAC},
        {"name": "far6-gre", "address": FAR6, "encapsulation": "gre", "port": "fabric",
         "mac": FAR_MAC},
        {"name": "far6-vxlan", "address": FAR6, "encapsulation": "vxlan", "port": "fabric",
         "mac": FAR_MAC},
        {"name": "far2", "address": FAR2, "encapsulation": "udp", "port": "fabric",
         "mac": FAR2_MAC, "mtu": 1454},
        {"name": "lost", "address": LOST, "encapsulation": "udp", "port": "fabric", "mtu": 1454},
    ],
    "routes": [
        {"vrf": "red", "root": "upstream", "prefix": GATEWAY, "path": {"gateway": True}},
        {"vrf": "blue", "root": "upstream", "prefix": GATEWAY, "path": {"gateway": True}},
        {"vrf": "red", "root": "downstream", "prefix": "10.0.0.11", "path": {"vif": "vm1"}},
        {"vrf": "red", "root": "downstream", "prefix": "10.0.0.12", "path": {"vif": "vm2"}},
        {"vrf": "red", "root": "downstream", "prefix": "10.0.0.13", "path": {"vif": "vm3"}},
        {"vrf": "blue", "root": "downstream", "prefix": "10.0.0.11", "path": {"vif": "bm1"}},
    ],
    "labels": [
        {"label": 16, "path": {"vif": "vm1"}},
        {"label": 17, "path": {"vif": "vm2"}},
        {"label": 18, "path": {"vif": "vm3"}},
        {"label": 20, "path": {"vrf": "red", "root": "downstream"}},
        {"label": 21, "path": {"vrf": "blue", "root": "downstream"}},
        {"label": 22, "path": {"vrf": "red", "root": "upstream"}},
    ],
}


def world(*routes, labels=(), **changes):
    """The world with more upstream routes, (vrf, prefix, path) or (vrf, root, prefix, path), and
    members replaced."""
    made = copy.deepcopy(WORLD)
    for route in routes:
        vrf, root, prefix, path = route if len(route) == 4 else (route[0], "upstream", *route[1:])
        made["routes"].append({"vrf": vrf, "root": root, "prefix": prefix, "path": path})
    made["labels"] += [{"label": label, "path": path} for label, path in labels]
    made.update(changes)
    return made


def tunnel(endpoint, label):
    return {"endpoint": endpoint, "label": label}


def changed(members, name, **fields):
    """A copy of a list of the world in which one member's fields are different."""
    return [dict(member, **fields) if member["name"] == name else member for member in members]


def frame(packet):
    """The octets of a scapy packet, or octets as they are."""
    return packet if isinstance(packet, bytes) else bytes(packet)


def pcap_write(path, frames):
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for octets in frames:
            file.write(struct.pack("<IIII", 0, 0, len(octets), len(octets)) + octets)


def pcap_read(path):
    data = pathlib.Path(path).read_bytes()
    order = "<" if struct.unpack("<I", data[:4])[0] in (0xa1b2c3d4, 0xa1b23c4d) else ">"
    at, frames = 24, []
    while at < len(data):
        length = struct.unpack(order + "IIII", data[at:at + 16])[2]
        frames.append(data[at + 16:at + 16 + length])
        at += 16 + length
    return frames


class Lab:
    """The process that runs scenarios."""

    def __init__(self, buffer_octets=None):
        """`buffer_octets`: of each packet buffer, headroom included, if not DPDK's default."""
        size = [] if buffer_octets is None else ["--", str(buffer_octets)]
        self.directory = tempfile.TemporaryDirectory(prefix="lab-")
        self.process = subprocess.Popen([LAB, *EAL, *size], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def close(self):
        self.process.stdin.close()
        status = self.process.wait(timeout=60)
        self.process.stdout.close()
        self.directory.cleanup()
        if status != 0:
            raise RuntimeError(f"the lab ended with status {status}")

    def run(self, scenario, sent):
        """Runs `sent`, {port: [frame]}. Every buffer must come back to the pool. @return what the
        lab says, with `out`: {port: [octets]}."""
        scenario = dict(scenario, ports=[dict(port) for port in scenario["ports"]])
        for port in scenario["ports"]:
            receive = os.path.join(self.directory.name, port["name"] + ".in")
            send = os.path.join(self.directory.name, port["name"] + ".out")
            pcap_write(receive, [frame(packet) for packet in sent.get(port["name"], [])])
            port["spec"] = f"pcap:{receive},{send}"
        self.process.stdin.write(json.dumps(scenario) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the lab ended with status {self.process.wait(timeout=60)}")
        result = json.loads(line)
        if "error" in result:
            raise RuntimeError(result["error"])
        if result["buffers_lost"] != 0:
            raise RuntimeError(f"{result['buffers_lost']} buffers lost")
        result["out"] = {
            port["name"]: pcap_read(os.path.join(self.directory.name, port["name"] + ".out"))
            for port in scenario["ports"]}
        return result


def accounting_faults(result):
    """What does not add up: every packet that came in, or was made, went out, was dropped, taken in
    or punted, or waits for others; with a slow path: or for its next hop."""
    received = sum(port["rx"][0] for port in result["ports"].values())
    sent = sum(port["tx"][0] for port in result["ports"].values())
    dropped, punted = sum(result["drops"].values()), len(result["punted"])
    balance, slowpath = result["balance"], result.get("slowpath")
    faults, held = [], balance["held"]
    if slowpath:
        held += sum(each[2] for each in slowpath["neighbours"].values())
    if received + balance["originated"] != sent + dropped + balance["consumed"] + punted + held:
        faults.append(f"{received} received, {sent} sent, {dropped} dropped, {punted} punted, "
                      f"{held} held; {balance}")
    if not slowpath and punted != sum(result["punts"].values()):
        faults.append(f"{punted} punted, counted {result['punts']}")
    for name, frames in result["out"].items():
        written = [len(frames), sum(len(octets) for octets in frames)]
        if result["ports"][name]["tx"] != written:
            faults.append(f"{name} counted {result['ports'][name]['tx']}, sent {written}")
    return faults


def hops(inner):
    """TTL or hop limit."""
    return inner.hlim if isinstance(inner, IPv6) else inner.ttl


def outer_ip(source, destination, protocol, *, tos=0, flow=0):
    """The outer IP header of a tunnel of ours, of either family."""
    if ":" in destination:
        return IPv6(src=source, dst=destination, hlim=64, nh=protocol, tc=tos, fl=flow)
    return IP(src=source, dst=destination, ttl=64, flags="DF", id=0, proto=protocol, tos=tos)


def tunnel_link(mac, tag):
    ether = Ether(src=FABRIC_MAC, dst=mac)
    return ether if tag is None else ether / Dot1Q(vlan=tag)


def ours(address):
    return US6 if ":" in address else US


def over_udp(inner, label, *, endpoint=FAR, mac=FAR_MAC, sport=49152, ttl=None, tos=0, cos=0,
             flow=0, tag=None):
    """The frame that carries a packet over MPLS in UDP (RFC 7510), as scapy builds it."""
    return (tunnel_link(mac, tag) / outer_ip(ours(endpoint), endpoint, 17, tos=tos, flow=flow) /
            UDP(sport=sport, dport=6635, chksum=0) /
            MPLS(label=label, cos=cos, s=1, ttl=hops(inner) if ttl is None else ttl) / inner)


def over_gre(inner, label, *, endpoint=FAR, mac=FAR_MAC, ttl=None, tos=0, cos=0, flow=0, tag=None):
    """The same over MPLS in GRE (RFC 4023)."""
    return (tunnel_link(mac, tag) / outer_ip(ours(endpoint), endpoint, 47, tos=tos, flow=flow) /
            GRE(proto=0x8847) /
            MPLS(label=label, cos=cos, s=1, ttl=hops(inner) if ttl is None else ttl) / inner)


def over_vxlan(inner, vni, *, endpoint=FAR, mac=FAR_MAC, sport=49152, tos=0, flow=0, tag=None):
    """The same over VXLAN (RFC 7348), from virtual router to virtual router."""
    router = ROUTER6 if isinstance(inner, IPv6) else ROUTER
    return (tunnel_link(mac, tag) / outer_ip(ours(endpoint), endpoint, 17, tos=tos, flow=flow) /
            UDP(sport=sport, dport=4789, chksum=0) / VXLAN(flags=8, vni=vni) /
            Ether(src=router, dst=router) / inner)


OVER = {"udp": over_udp, "gre": over_gre, "vxlan": over_vxlan}


def from_far(inner, label, *, encapsulation="udp", ttl=63, s=1, source=FAR, tag=None, tos=0,
             router=None, **outer):
    """A frame from the far vRouter to us."""
    protocol = 47 if encapsulation == "gre" else 17
    ip = (IPv6(src=source, dst=US6, nh=protocol, tc=tos, **outer) if ":" in source
          else IP(src=source, dst=US, proto=protocol, tos=tos, **outer))
    if encapsulation == "vxlan":
        mac = router or (ROUTER6 if isinstance(inner, IPv6) else ROUTER)
        shim = (UDP(sport=50000, dport=4789, chksum=0) / VXLAN(flags=8, vni=label) /
                Ether(src=mac, dst=mac))
    elif encapsulation == "udp":
        shim = UDP(sport=50000, dport=6635, chksum=0) / MPLS(label=label, s=s, ttl=ttl)
    else:
        shim = GRE(proto=0x8847) / MPLS(label=label, s=s, ttl=ttl)
    ether = Ether(src=FAR_MAC, dst=FABRIC_MAC)
    return (ether if tag is None else ether / Dot1Q(vlan=tag)) / ip / shim / inner


def rebuilt(octets):
    """The frame with every length and checksum computed anew by scapy; a zero UDP checksum of a
    tunnel stays zero."""
    packet = Ether(octets)
    layer = packet
    while layer:
        if isinstance(layer, IP):
            layer.len = layer.chksum = None
        if isinstance(layer, IPv6):
            layer.plen = None
        if isinstance(layer, UDP) and not (isinstance(layer.underlayer, IP) and
                                           layer.underlayer.flags.MF):
            layer.len = None
            if layer.dport not in (6635, 4789):
                layer.chksum = None
        layer = layer.payload
    return bytes(packet)


TSHARK_FIELDS = ["frame.protocols", "eth.dst", "ip.src", "ip.dst", "ip.ttl", "ip.checksum.status",
                 "ipv6.src", "ipv6.dst", "ipv6.hlim", "vxlan.vni",
                 "udp.srcport", "udp.dstport", "gre.proto", "mpls.label", "mpls.bottom", "mpls.ttl",
                 "mpls.exp", "icmpv6.checksum.status", "_ws.malformed"]


def tshark(frames):
    """What tshark makes of frames: a dict of lists of strings for each."""
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        pcap_write(file.name, frames)
        fields = [word for field in TSHARK_FIELDS for word in ("-e", field)]
        text = subprocess.run(
            ["tshark", "-n", "-r", file.name, "-o", "ip.check_checksum:TRUE",
             "-d", "udp.port==6635,mpls", "-T", "fields", "-E", "separator=|", "-E",
             "aggregator=;", *fields],
            capture_output=True, text=True, check=True).stdout
    return [dict(zip(TSHARK_FIELDS, [value.split(";") if value else [] for value in
                                     line.split("|")])) for line in text.splitlines()]
