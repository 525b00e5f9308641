# SPDX-License-Identifier: BSD-3-Clause
"""Packets made and read by scapy, in a process of its own inside a namespace: it is slow to load,
and its view of the machine's interfaces would be the wrong one."""

import json
import sys

from millrace_lab import LabError, run

PYTHON = "/usr/bin/python3"  # the distribution's, which has the distribution's scapy
PATIENCE = 300  # seconds: scapy needs a second of a processor for its start

SEND = """
import sys
from scapy.all import Ether, IP, UDP, TCP, ICMP, ARP, GRE, Raw, Dot1Q, sendp, get_if_hwaddr, conf
from scapy.contrib.mpls import MPLS
conf.verb = 0
interface = sys.argv[1]
source = get_if_hwaddr(interface)
destination = sys.argv[4]
packet = eval(sys.argv[2])
sendp(packet, iface=interface, count=int(sys.argv[3]), verbose=False)
"""

READ = """
import json, sys
from scapy.all import IP, IPv6, UDP, GRE, rdpcap, bind_layers, raw
from scapy.contrib.mpls import MPLS
from scapy.layers.vxlan import VXLAN
bind_layers(UDP, MPLS, dport=6635)
bind_layers(GRE, MPLS, proto=0x8847)
found = []
for packet in rdpcap(sys.argv[1]):
    outer = packet.payload
    while outer and outer.name not in ("IP", "IPv6"):
        outer = outer.payload
    if not outer:
        continue
    # Checksums are fine if building the packet anew, with checksums of scapy's, gives the same
    # octets. A zero outer UDP checksum is legal and stays.
    again = outer.copy()
    layer = again
    while layer:
        for key in ("chksum", "cksum"):
            if layer.fields.get(key) is not None and (layer.name == "IP" or layer.fields[key] != 0):
                delattr(layer, key)
        if layer.name == "IP":
            del layer.len
        if layer.name == "IPv6":
            del layer.plen
        layer = layer.payload
    layers, layer = [], outer
    while layer and layer.name not in ("Raw", "Padding"):
        fields = {"type": layer.name}
        for key in ("src", "dst", "proto", "ttl", "sport", "dport", "label", "s", "flags", "len",
                    "tos", "chksum", "nh", "hlim", "tc", "fl", "vni"):
            if key in layer.fields:
                value = layer.fields[key]
                fields[key] = value if isinstance(value, (int, str)) else str(value)
        layers.append(fields)
        layer = layer.payload
    found.append({"layers": layers, "checksums_fine": raw(again) == raw(outer)})
print(json.dumps(found))
"""


def inject(namespace, interface, packet, count=1, destination=None):
    """Sends a packet (an expression in scapy's terms) out of an interface. In the expression,
    `source` is the interface's own MAC address and `destination` that of its neighbour."""
    if destination is None:
        destination = peer_mac(namespace, interface)
    namespace.run(PYTHON, "-c", SEND, interface, packet, count, destination, timeout=PATIENCE)


def peer_mac(namespace, interface):
    """The MAC address at the other end of an underlay cable."""
    for other in namespace.lab.namespaces.values():
        if other is namespace or not other.has_interface(interface):
            continue
        said = json.loads(other.ip("-j", "link", "show", "dev", interface).stdout)
        return said[0]["address"]
    return "ff:ff:ff:ff:ff:ff"


def underlay_packets(path):
    """The IP packets of a capture, each as its layers and whether all checksums are right."""
    done = run(PYTHON, "-c", READ, path, check=False, timeout=PATIENCE)
    for line in done.stdout.splitlines():
        if line.startswith("["):
            return json.loads(line)
    if "No data could be read" in done.stdout:
        return []
    raise LabError(f"scapy could not read {path}: {done.stdout[-500:]}")


def have_scapy():
    return run(PYTHON, "-c", "import scapy", check=False).returncode == 0


if __name__ == "__main__":
    sys.exit("a part of the system tests")
