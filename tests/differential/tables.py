# SPDX-License-Identifier: BSD-3-Clause
"""What a scenario of the packet lab sets up, as the model looks it up."""

import ipaddress

from headers import mac, never_forwarded, packed
from meters import Meters, Rate
from reassembly import Reassembly
from tunnels import Tunnel, overhead

ZERO_MAC = "00:00:00:00:00:00"

# The virtual router's addresses beyond the links of guests.
ROUTER, ROUTER6 = packed("169.254.0.1"), packed("fdaf:5a18:d5e2::1")


class Vif:
    def __init__(self, made):
        self.name, self.vrf, self.port = made["name"], made["vrf"], made["port"]
        self.vlan, self.mtu, self.up = made.get("vlan", 0), made.get("mtu", 1500), made.get("up", 1)
        self.mac, self.mss = mac(made["mac"]), made.get("mss", 0)
        self.gateway = packed(made.get("gateway", "169.254.0.1"))
        self.gateway6 = packed(made.get("gateway6", "fe80::1"))
        self.sources = [ipaddress.ip_network(each) for each in made.get("sources", [])]
        self.rate_out = Rate(made.get("rate_out", {}))

    def clamp(self, packet):
        """MSS: of IPv4; an IPv6 header is 20 octets longer."""
        if self.mss:
            packet.clamp(self.mss - (20 if packet.family == 6 else 0))

    def may_send_from(self, source):
        """Given to it, and an address that could be answered to (RFC 1812 section 5.3.7)."""
        address = ipaddress.ip_address(source)
        return never_forwarded(source) is None and any(address in each for each in self.sources)


class Endpoint:
    def __init__(self, made, scenario):
        family = ipaddress.ip_address(made["address"]).version
        ours = scenario.get("underlay_address", "192.0.2.11") if family == 4 else \
            scenario["underlay_address6"]
        port = next(each for each in scenario["ports"] if each["name"] == made["port"])
        self.name, self.port = made["name"], made["port"]
        self.resolved, self.address = "mac" in made, packed(made["address"])
        self.tunnel = Tunnel(made["encapsulation"], family, port["mac"], made.get("mac", ZERO_MAC),
                             scenario.get("underlay_vlan", 0), ours, made["address"])
        self.mtu = made.get("mtu", scenario.get("underlay_mtu", 1500) -
                            overhead(family, made["encapsulation"]))


class Routes:
    """The prefixes of one root; the longest one wins."""

    def __init__(self):
        self.prefixes = {}

    def set(self, text, path):
        network = ipaddress.ip_network(text)
        self.prefixes[network.version, network.prefixlen, int(network.network_address)] = path

    def find(self, address):
        bits = len(address) * 8
        number = int.from_bytes(address, "big")
        for length in range(bits, -1, -1):
            key = (4 if bits == 32 else 6, length, number >> (bits - length) << (bits - length))
            if key in self.prefixes:
                return self.prefixes[key]
        return None


class Tables:
    """Everything of a scenario, and the fragments that wait."""

    def __init__(self, scenario):
        self.vifs = {each["name"]: Vif(each) for each in scenario["vifs"]}
        self.endpoints = {each["name"]: Endpoint(each, scenario) for each in scenario["endpoints"]}
        self.roots = {(vrf, root): Routes() for vrf in scenario["vrfs"]
                      for root in ("upstream", "downstream")}
        for each in scenario["routes"]:
            self.roots[each["vrf"], each.get("root", "upstream")].set(each["prefix"], each["path"])
        self.labels = {each["label"]: each["path"] for each in scenario["labels"]}
        self.underlay_ports = {each["name"]: mac(each["mac"]) for each in scenario["ports"]
                               if each["role"] == "underlay"}
        self.host = next((each["name"] for each in scenario["ports"] if each["role"] == "host"),
                         None)
        self.underlay_vlan = scenario.get("underlay_vlan", 0)
        self.reassembly, self.has_slowpath = Reassembly(), "slowpath" in scenario
        self.meters = Meters({each["name"]: Rate(each.get("rate_in", {}))
                              for each in scenario["vifs"]})
        self.uniform = scenario.get("dscp", "pipe") == "uniform"
        self.dscp = scenario.get("dscp_value", 0)
        self.check_reverse_path = scenario.get("check_reverse_path", False)
        self.sources = None
        if scenario.get("check_sources", False):
            self.sources = Routes()
            for prefix in scenario.get("allowed_sources", []):
                self.sources.set(prefix, True)
        self.addresses = [packed(scenario.get("underlay_address", "192.0.2.11"))]
        if "underlay_address6" in scenario:
            self.addresses.append(packed(scenario["underlay_address6"]))

    @staticmethod
    def routers_of(vif):
        """Who speaks to a guest, or through a VRF if there is none, of each family."""
        return (ROUTER, ROUTER6) if vif is None else (vif.gateway, vif.gateway6)

    def vif_at(self, port, vlan):
        return next((vif for vif in self.vifs.values() if vif.port == port and vif.vlan == vlan),
                    None)
