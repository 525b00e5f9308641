# SPDX-License-Identifier: BSD-3-Clause
"""Random scenarios for the packet lab, each with its policy: which VRFs are joined, and to which
VRF the labels of the far ends belong. The policy is made together with the routes, not read off
them."""

import ipaddress

VRFS = ["red", "blue", "green", "grey", "pink"]
US, US6 = "192.0.2.11", "2001:db8:ff::11"
FABRIC_MAC = "02:00:00:00:00:fe"
# The next hops that the slow path need not ask for.
FIXED, FIXED_MAC = ["192.0.2.12", "2001:db8:ff::12"], "02:00:00:00:01:12"
GATEWAY, GATEWAY6 = "169.254.0.1", "fdaf:5a18:d5e2::1"
ENCAPSULATIONS = ["udp", "gre", "vxlan"]
ECMP_SETS_MAX = 16  # of the lab
LOCAL4, LOCAL6 = "10.0.0.{}", "2001:db8::{:x}"


def address_in(rng, network):
    """An address of a network, its edges more often than by chance."""
    first, span = int(network.network_address), network.num_addresses
    offset = rng.choice([0, span - 1, rng.randrange(span), rng.randrange(span)])
    return ipaddress.ip_address((first + offset).to_bytes(network.max_prefixlen // 8, "big"))


def chance(rng, probability):
    return rng.random() < probability


class Topology:
    """Draws one. `scenario` is what the lab is told; `policy`: {"joins": [[from, to, "all" or
    "local"]], "tunnels": {"ENDPOINT/LABEL": VRF}, "labels": {LABEL: VRF}}."""

    def __init__(self, rng):
        self.rng, self.ecmp_sets = rng, 0
        self.policy = {"joins": [], "tunnels": {}, "labels": {}}
        self.scenario = {"workers": rng.choice([1, 1, 1, 2, 3]), "underlay_address": US,
                         "underlay_mtu": rng.choice([1500, 1500, 1500, 1280, 2000, 9000]),
                         "vrfs": VRFS[:rng.randint(1, 5)], "routes": [], "labels": []}
        if chance(rng, 0.75):
            self.scenario["underlay_address6"] = US6
        if chance(rng, 0.3):
            self.scenario["underlay_vlan"] = rng.randint(1, 4094)
        if chance(rng, 0.3):
            self.scenario["dscp"] = "uniform"
        elif chance(rng, 0.3):
            self.scenario["dscp_value"] = rng.randrange(64)
        if chance(rng, 0.3):
            self.scenario["turn_us"] = 7919
        if chance(rng, 0.25):
            self.scenario["slowpath"] = {"fixed": FIXED, "fixed_mac": FIXED_MAC}
        self.make_ports()
        self.make_endpoints()
        self.make_guards()
        self.make_vifs()
        for vrf in self.scenario["vrfs"]:
            self.make_local_routes(vrf)
        for vrf in self.scenario["vrfs"]:
            self.make_upstream_routes(vrf)
        self.make_labels()

    def make_ports(self):
        ports = [{"name": "fabric", "role": "underlay", "mac": FABRIC_MAC}]
        ports += [{"name": f"p{i}", "role": "access"} for i in range(1, self.rng.randint(2, 5))]
        if chance(self.rng, 0.4):
            ports.append({"name": "host0", "role": "host"})
        self.rng.shuffle(ports)
        self.scenario["ports"] = ports

    def make_endpoints(self):
        rng, made = self.rng, {}
        for i in range(rng.randint(1, 6)):
            six = "underlay_address6" in self.scenario and chance(rng, 0.5)
            far = 12 if "slowpath" in self.scenario else rng.choice([12, 13, 200])
            key = (f"2001:db8:ff::{far}" if six else f"192.0.2.{far}", rng.choice(ENCAPSULATIONS))
            made[key] = {"name": f"e{i}", "address": key[0], "encapsulation": key[1],
                         "port": "fabric"}
            # One adjacency an address: all its endpoints have the same MAC address, or none has.
            if far != 200:
                made[key]["mac"] = FIXED_MAC if "slowpath" in self.scenario else \
                    f"02:00:00:00:{6 if six else 4:02x}:{far:02x}"
            if chance(rng, 0.25):
                made[key]["mtu"] = rng.randint(600, 1500)
        self.scenario["endpoints"] = list(made.values())

    def make_guards(self):
        """Outer sources that are allowed (C49), and the reverse path (C48)."""
        if chance(self.rng, 0.3):
            self.scenario["check_sources"] = True
            self.scenario["allowed_sources"] = [each["address"] for each in
                                                self.scenario["endpoints"]]
            if chance(self.rng, 0.3):
                self.scenario["allowed_sources"].append("192.0.2.64/27")
            if chance(self.rng, 0.3):
                self.scenario["allowed_sources"].append("2001:db8:ff::70/125")
        if chance(self.rng, 0.15):
            self.scenario["check_reverse_path"] = True

    def make_vifs(self):
        rng, vifs, taken = self.rng, [], set()
        access = [port["name"] for port in self.scenario["ports"] if port["role"] == "access"]
        for i in range(rng.choice([1, 2, rng.randint(1, 8), rng.randint(1, 8), rng.randint(1, 8)])):
            at = (rng.choice(access), rng.choice([0, 0, 100, 200, 4094, rng.randint(1, 4094)]))
            if at in taken:
                continue
            taken.add(at)
            vif = {"name": f"v{i}", "vrf": rng.choice(self.scenario["vrfs"]), "port": at[0],
                   "mac": f"02:00:00:00:00:{rng.randint(1, 12):02x}",
                   "mtu": rng.choice([1500, 1500, 1500, 1280, 1400, 576, 9000]),
                   "sources": self.sources()}
            if at[1]:
                vif["vlan"] = at[1]
            if chance(rng, 0.04):
                vif["up"] = 0
            if chance(rng, 0.3):
                vif["mss"] = rng.choice([21, 536, 1000, 1220, 1360, 1460, 8960, 65535])
            for direction in ("rate_in", "rate_out"):
                if chance(rng, 0.35):
                    vif[direction] = self.rate(both=direction == "rate_in")
            if "slowpath" in self.scenario:
                vif.pop("rate_out", None)
            vifs.append(vif)
        self.scenario["vifs"] = vifs

    def rate(self, both):
        """One that is soon used up, in packets or in bits or in both, or so high that it never
        is."""
        rng, made = self.rng, {"packets": 10 ** 9, "bits": 10 ** 12}
        if chance(rng, 0.6):
            made["packets"] = rng.choice([10, 97, 641, 997, 2003])
        if chance(rng, 0.4) and (both or made["packets"] == 10 ** 9):
            made["bits"] = rng.choice([8000, 64000, 1000 * 8 * 997])
        return made

    def sources(self):
        """Addresses and prefixes of both families, of one, or (seldom) none."""
        rng, made = self.rng, []
        if chance(rng, 0.85):
            made += [LOCAL4.format(rng.randint(1, 20)) + "/32" for _ in range(rng.randint(1, 2))]
            if chance(rng, 0.3):
                made.append(self.prefix4())
        if chance(rng, 0.7):
            made += [LOCAL6.format(rng.randint(1, 20)) + "/128" for _ in range(rng.randint(1, 2))]
            if chance(rng, 0.3):
                made.append(self.prefix6())
        return list(dict.fromkeys(made))

    def prefix4(self):
        base = self.rng.choice([0x0a010000, 0x0a010203, 0xac100000, 0xc6336400, 0x0a000000])
        length = self.rng.choice([8, 12, 15, 16, 17, 23, 24, 25, 30, 31, 32,
                                  self.rng.randint(1, 32)])
        return self.network(base ^ self.rng.getrandbits(32) >> self.rng.choice([8, 16, 24]), 32,
                            length)

    def prefix6(self):
        base = self.rng.choice([0x20010db8 << 96, 0x20010db800010002 << 64, 0xfd000000 << 96])
        length = self.rng.choice([16, 32, 47, 48, 49, 63, 64, 65, 96, 127, 128,
                                  self.rng.randint(1, 128)])
        return self.network(base ^ self.rng.getrandbits(128) >> self.rng.choice([32, 48, 64, 120]),
                            128, length)

    @staticmethod
    def network(number, bits, length):
        number = number >> (bits - length) << (bits - length)
        return f"{ipaddress.ip_address(number.to_bytes(bits // 8, 'big'))}/{length}"

    # --- routes

    def vifs_of(self, vrf):
        return [vif for vif in self.scenario["vifs"] if vif["vrf"] == vrf]

    def add_route(self, vrf, root, prefix, path):
        if not any(route["vrf"] == vrf and route["root"] == root and route["prefix"] == prefix
                   for route in self.scenario["routes"]):
            self.scenario["routes"].append({"vrf": vrf, "root": root, "prefix": prefix,
                                            "path": path})

    def make_local_routes(self, vrf):
        """Downstream: what the interfaces have. Upstream: what was announced back of it."""
        self.add_route(vrf, "upstream", GATEWAY + "/32", {"gateway": True})
        self.add_route(vrf, "upstream", GATEWAY6 + "/128", {"gateway": True})
        for vif in self.vifs_of(vrf):
            for source in vif["sources"]:
                self.add_route(vrf, "downstream", source, {"vif": vif["name"]})
                if chance(self.rng, 0.6):
                    self.add_route(vrf, "upstream", source, self.rng.choice(
                        [{"vif": vif["name"]}, {"vrf": vrf, "root": "downstream"}]))

    def make_upstream_routes(self, vrf):
        rng = self.rng
        for _ in range(rng.randint(2, 12)):
            prefix = self.prefix4() if chance(rng, 0.5) else self.prefix6()
            self.add_route(vrf, "upstream", prefix, self.path(vrf))
        if chance(rng, 0.5):
            self.add_route(vrf, "upstream", "0.0.0.0/0", self.path(vrf))
        if chance(rng, 0.5):
            self.add_route(vrf, "upstream", "::/0", self.path(vrf))

    def path(self, vrf):
        rng = self.rng
        kind = rng.random()
        if kind < 0.15 and self.ecmp_sets < ECMP_SETS_MAX:
            self.ecmp_sets += 1
            return {"ecmp": [self.member(vrf) for _ in range(rng.randint(2, 8))]}
        if kind < 0.30:
            other, root = rng.choice(self.scenario["vrfs"]), rng.choice(["upstream", "downstream"])
            self.policy["joins"].append([vrf, other, "all" if root == "upstream" else "local"])
            return {"vrf": other, "root": root}
        if kind < 0.36 and self.scenario["vifs"]:
            vif = rng.choice(self.scenario["vifs"])
            self.policy["joins"].append([vrf, vif["vrf"], "local"])
            return {"vif": vif["name"]}
        return self.member(vrf)

    def member(self, vrf):
        # A frame that a rate refused would not say which member had been chosen.
        up = [vif["name"] for vif in self.vifs_of(vrf)
              if vif.get("up", 1) and "rate_out" not in vif]
        if up and chance(self.rng, 0.2):
            return {"vif": self.rng.choice(up)}
        return self.tunnel(vrf)

    def tunnel(self, vrf):
        """A label of a far end, which belongs to this VRF alone."""
        endpoint = self.rng.choice(self.scenario["endpoints"])["name"]
        while True:
            label = self.rng.choice([16, 17, 1048575, self.rng.randint(16, 1048575)])
            if self.policy["tunnels"].setdefault(f"{endpoint}/{label}", vrf) == vrf:
                return {"endpoint": endpoint, "label": label}

    # --- labels

    def make_labels(self):
        for vif in self.scenario["vifs"]:
            self.add_label(vif["vrf"], {"vif": vif["name"]})
        for vrf in self.scenario["vrfs"]:
            self.add_label(vrf, {"vrf": vrf, "root": "downstream"})
            if chance(self.rng, 0.5):
                self.add_label(vrf, {"vrf": vrf, "root": "upstream"})

    def add_label(self, vrf, path):
        label = self.rng.choice([16, 17, 1048575, 524288, self.rng.randint(16, 1048575)])
        while str(label) in self.policy["labels"]:
            label = self.rng.randint(16, 1048575)
        self.policy["labels"][str(label)] = vrf
        self.scenario["labels"].append({"label": label, "path": path})
