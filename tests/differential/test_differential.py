#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The differential test as the short tier runs it: saved cases, then random ones; and that the test
itself notices what it is there for."""

import copy
import os
import pathlib
import unittest

from case import Case, PatientLab
from headers import packed
from isolation import joined, leaks, tunnel_of
from packets import UNKNOWN, origins_in
from run import FAILED, replay, run_packets, the_seed
from shrink import Shrinker
from tunnels import SHIM, overhead

CASES = sorted((pathlib.Path(__file__).parent / "cases").glob("*.json"))
PACKETS = int(os.environ.get("MILLRACE_DIFFERENTIAL_PACKETS", "100000"))
# Leaks are planted until one was found on each way out with packets of each family; so many
# scenarios are enough for that.
LEAK_WAYS = {(f"{encapsulation} over IPv{outer}", inner) for encapsulation in SHIM
             for outer in (4, 6) for inner in (4, 6)} | {("interface", 4), ("interface", 6)}
LEAK_BATCHES_MAX = 200

# Every verdict that a packet can have here; each must have been seen.
VERDICTS = {
    "sent", "sent in fragments", "sent, put together", "held", "reassembly", "fragmentation",
    "no-interface", "rate-in", "rate-out", "interface-down", "frame-too-short", "ethertype",
    "source-mac", "destination-mac", "source-address", "multicast", "ip-version", "ip-header", "ip-checksum",
    "ip-destination", "underlay-destination", "host", "outer-fragment", "outer-source",
    "udp-header", "udp-checksum", "gre-header", "gre-checksum", "label-stack", "label-unknown",
    "vxlan-header", "reverse-path", "ecn", "no-route", "vrf-loop", "punt arp", "punt nd",
    "punt dhcp4", "punt gateway", "punt ttl-expired", "punt too-big", "punt no-route",
    "punt underlay-arp", "punt underlay-nd", "punt underlay-local", "punt adjacency",
    "told ttl-expired", "told too-big", "icmp-error-forbidden",
}


def told(summary):
    return "\n".join(f"{name}, saved as {path}:\n  " + "\n  ".join(fault[:600] for fault in faults)
                     for name, path, faults in summary.failures)


class Differential(unittest.TestCase):
    maxDiff = None

    def test_saved_cases(self):
        """Each failed once, before what was wrong was put right."""
        self.assertNotEqual(CASES, [], "there are none")
        summary = replay(CASES)
        self.assertEqual(summary.failures, [], told(summary))
        self.assertEqual(summary.batches, len(CASES))

    def test_random_packets(self):
        seed = the_seed()
        print(f"seed {seed}; what fails is saved under {FAILED}", flush=True)
        summary = run_packets(seed, PACKETS, 1)
        print(summary.text(), flush=True)
        self.assertEqual(summary.failures, [], f"seed {seed}: {told(summary)}")
        self.assertGreaterEqual(summary.packets, PACKETS)
        self.assertGreater(summary.tags, PACKETS // 10)
        self.assertEqual(VERDICTS - set(summary.verdicts), set(), "never seen")


def with_path(scenario, path, other):
    """The scenario with another path wherever this one is."""
    made = copy.deepcopy(scenario)
    for route in made["routes"]:
        if route["path"] == path:
            route["path"] = other
    return made


def plants(case):
    """Leaks to be planted where packets are known to pass: (what, scenario with the leak). Of a
    case that was run."""
    used = {(tunnel_of(octets), case.scenario["vrfs"][origin])
            for outcome in case.judge.chosen.values() if outcome.made == 0
            for port, octets in outcome.out if port == "fabric" and len(octets) < 600
            for origin in origins_in(octets) - {UNKNOWN}}
    for route in case.scenario["routes"]:
        path, vrf = route["path"], route["vrf"]
        spread = [member for other in case.scenario["routes"]
                  for member in other["path"].get("ecmp", [])]
        if "endpoint" not in path or path in spread:
            continue
        endpoint = next(each for each in case.scenario["endpoints"]
                        if each["name"] == path["endpoint"])
        tunnel = (packed(endpoint["address"]), endpoint["encapsulation"], path["label"])
        if (tunnel, vrf) not in used:
            continue
        for name, other in targets(case, vrf):
            made = with_path(case.scenario, path, other)
            made.pop("check_reverse_path", None)
            for vif in made["vifs"]:
                vif.update(up=1, mtu=9000)
                vif.pop("rate_out", None)
            yield f"{vrf} {path} to {name}", made


def targets(case, vrf):
    """Ways out of VRFs that policy does not join to this one: a tunnel of each endpoint, one
    interface."""
    whole, local = joined(case.policy, vrf)
    roomy = {each["name"] for each in case.scenario["endpoints"] if "mac" in each}
    for tunnel, owner in case.policy["tunnels"].items():
        endpoint, label = tunnel.split("/")
        if owner not in whole and endpoint in roomy:
            roomy.remove(endpoint)
            yield f"{owner}'s {tunnel}", {"endpoint": endpoint, "label": int(label)}
    for vif in case.scenario["vifs"]:
        if vif["vrf"] not in local:
            yield f"{vif['vrf']}'s {vif['name']}", {"vif": vif["name"]}
            break


def way_of(leak):
    """The way out that a leak took, and the family of its packet."""
    port, octets = leak.split(" at ")[1].split(": ")
    octets = bytes.fromhex(octets)
    at = 18 if octets[12:14] == b"\x81\x00" else 14
    if port != "fabric":
        return "interface", octets[at] >> 4
    outer, (_, encapsulation, _) = octets[at] >> 4, tunnel_of(octets)
    return f"{encapsulation} over IPv{outer}", octets[at + overhead(outer, encapsulation)] >> 4


class TheTestItself(unittest.TestCase):
    """A test that cannot fail proves nothing."""

    def test_a_planted_leak_is_found(self):
        the_lab, planted, missing = PatientLab(), 0, set(LEAK_WAYS)
        try:
            for batch in range(LEAK_BATCHES_MAX):
                case = Case.draw("leaks", batch)
                self.assertEqual(case.run(the_lab), [])
                for name, made in list(plants(case))[:8]:
                    with self.subTest(leak=name, batch=batch):
                        faults = case.run(the_lab, made)
                        leaked = [fault for fault in faults if fault.split()[0] == "leak"]
                        self.assertNotEqual(leaked, [])
                        self.assertIn("missing", {fault.split()[0] for fault in faults})
                        missing -= set(map(way_of, leaked))
                    planted += 1
                if not missing:
                    break
        finally:
            the_lab.close()
        print(f"{planted} leaks planted in {batch + 1} scenarios", flush=True)
        self.assertEqual(missing, set(), "no leak there")

    def test_without_a_leak_none_is_found(self):
        the_lab = PatientLab()
        try:
            case = Case.draw("leaks", 0)
            found, seen = leaks(case.scenario, case.policy, the_lab.run(case.scenario, case.sent))
            self.assertEqual(found, [])
            self.assertGreater(seen, 0)
        finally:
            the_lab.close()

    def test_a_failing_case_becomes_small(self):
        case = Case.draw("shrink", 0)
        port, wanted = next((port, frames[-1]) for port, frames in case.sent.items() if frames)
        vif = case.scenario["vifs"][0]["name"]

        def fails(each):
            there = any(made["name"] == vif for made in each.scenario["vifs"])
            return {"bad"} if wanted in each.sent[port] and there else set()

        small = Shrinker(fails, Case).shrink(case)
        self.assertEqual(small.packets(), 1)
        self.assertEqual([made["name"] for made in small.scenario["vifs"]], [vif])
        self.assertEqual([route for route in small.scenario["routes"]
                          if route["path"] != {"gateway": True}], [])
        self.assertEqual(small.scenario["labels"] + small.scenario["endpoints"], [])

    def test_a_dead_lab_is_a_fault(self):
        the_lab = PatientLab()
        try:
            case = Case.draw("dead", 0)
            broken = copy.deepcopy(case)
            broken.scenario["routes"].append({"vrf": "none", "prefix": "::/0", "path": {}})
            self.assertEqual([fault.split()[0] for fault in broken.run(the_lab)], ["died"])
            self.assertEqual(case.run(the_lab), [])
        finally:
            the_lab.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
