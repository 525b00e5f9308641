#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The demo: a newcomer sees the product do its job, step by step, each step checked. Called by
./demo, which has installed and built what this needs. Python's standard library only."""

import json
import os
import pathlib
import re
import shutil
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from millrace_lab import (Capture, Lab, LabError, Numbered, program, remove_namespaces, run, tool,
                          wait_for)
from topology import Network, connected

# A test of the demo plays it beside one that somebody has left running.
PREFIX = os.environ.get("MILLRACE_DEMO_PREFIX", "millrace-demo-")
FOLDER = pathlib.Path("/run") / PREFIX.rstrip("-")
BOLD, GREEN, RED, GREY, PLAIN = (
    ("\033[1m", "\033[32m", "\033[31m", "\033[90m", "\033[0m") if sys.stdout.isatty()
    else ("", "", "", "", ""))


class Failure(Exception):
    """A check of the demo did not hold."""


def title(text):
    print(f"\n{BOLD}{text}{PLAIN}", flush=True)


def tell(text):
    print(f"  {text}", flush=True)


def show(text):
    """Output of a program, as it is."""
    for line in text.rstrip().splitlines():
        print(f"  {GREY}│{PLAIN} {line}", flush=True)


def check(holds, text):
    """A line that is true, or the end of the demo."""
    if not holds:
        raise Failure(text)
    print(f"  {GREEN}✓{PLAIN} {text}", flush=True)


class Demo:
    def __init__(self):
        self.lab = Lab(PREFIX, FOLDER)
        self.started = time.monotonic()

    def ctl(self, daemon, *words):
        """Runs millracectl, shows the command and what it said."""
        print(f"  {GREY}│ {daemon.label} # millracectl {' '.join(words)}{PLAIN}")
        said = daemon.ctl(*words)
        show(said)
        return said

    # ---- the steps ----

    def topology(self):
        title("Two computes, two route servers")
        tell("Two network namespaces, compute1 and compute2, each with a vRouter (millrace) on its one")
        tell("cable, the underlay. Two route servers (millrace-rs) behind a router there; the kernels")
        tell("reach them by host0, through the vRouters. Tenants red and blue use the same addresses.")
        self.network = Network(self.lab)
        self.one, self.two = self.network.computes
        self.rs1, self.rs2 = self.network.servers
        self.network.demo_workloads()
        for compute in self.network.computes:
            compute.encapsulations = ("udp",)
        # A route server that starts waits until every vRouter had time to publish before it says
        # that it is complete; 60 s by default, shorter for an audience.
        for server in self.network.servers:
            server.extra = "deferral-time = 3\n"
        begun = time.monotonic()
        self.network.start()
        self.workloads = self.network.workloads
        self.network.wait_in_sync()
        check(True, f"both vRouters are in sync with both route servers after "
                    f"{time.monotonic() - begun:.1f} s")
        self.ctl(self.one.daemon, "server", "list")
        for compute in self.network.computes:
            row, = (row for row in compute.daemon.rpc("counters.get", of="port")["counters"]
                    if row["name"] == "tap:host0")
            check(row["rx_packets"] > 0 and row["tx_packets"] > 0,
                  f"{compute.name}'s sessions share the underlay with the tunnels: host0 has sent "
                  f"{row['rx_packets']} packets and received {row['tx_packets']}")

    def dhcp(self):
        title("Workloads get address, route and MTU by DHCP from their vRouter")
        for name, workload in self.workloads.items():
            workload.dhcp()
            found = workload.namespace.ip("-4", "-o", "address", "show", "dev", "eth0").stdout
            address = re.search(r"inet ([\d./]+)", found)
            link = workload.namespace.ip("-o", "link", "show", "dev", "eth0").stdout
            mtu = int(re.search(r"mtu (\d+)", link).group(1))
            route = workload.namespace.ip("-4", "route", "show", "default").stdout
            where = f", behind tag {workload.tag} of {workload.port}" if workload.tag else ""
            check(address and address.group(1).startswith(workload.address) and "via" in route
                  and 1280 <= mtu < 1500,
                  f"{name}{where}: {address and address.group(1)}, MTU {mtu}, "
                  f"{' '.join(route.split()[:3])}")

    def reach(self, encapsulation):
        """Pings, isolation, TCP and a look at the underlay, over one encapsulation."""
        w = self.workloads
        expression = "udp port 6635" if encapsulation == "udp" else "proto gre"
        capture = Capture(self.one.namespace, "under0", f"underlay-{encapsulation}", expression)
        for source, target, how in (("red1", "red2", "across the underlay"),
                                    ("blue1", "blue2", "across the underlay"),
                                    ("red1", "red3", "on the same compute, to the tagged port"),
                                    ("blue2", "blue3", "on the same compute, to the tagged port"),
                                    ("red3", "red2", "from the tagged port across the underlay")):
            w[source].reaches(w[target].address)
            back = w[source].ping(w[target].address, count=10)
            check(back == 10, f"{source} → {target} ({w[target].address}) {how}: "
                              f"10 pings, {back} answers")
        before = self.received("blue2")
        back = w["red1"].ping(w["red2"].address, count=5)
        check(back == 5 and self.received("blue2") == before,
              f"red1 → {w['red2'].address} is red2; blue2 has the same address and receives nothing")
        back = w["red1"].ping_burst(w["blue3"].address, count=3)
        check(back == 0, f"red1 → {w['blue3'].address} exists in blue only: 3 pings, 0 answers")
        tell("on the underlay: protocols, sources, destinations (outer and inner), label")
        self.show_capture(capture.stop(), encapsulation)
        self.iperf("red1", "red2")

    def received(self, name):
        """Packets that a workload's interface has received."""
        path = "/sys/class/net/eth0/statistics/rx_packets"
        return int(self.workloads[name].namespace.run("cat", path).stdout)

    def iperf(self, source, target):
        one, two = self.workloads[source], self.workloads[target]
        server = two.namespace.start("iperf3", "iperf3", "-s", "-1", "-B", two.address)
        wait_for("iperf3 to listen",
                 lambda: "5201" in two.namespace.run("ss", "-ltn").stdout, alive=[server])
        said = one.namespace.run("iperf3", "-c", two.address, "-t", "3", "-J").stdout
        server.wait_end()
        end = json.loads(said)["end"]
        received = end["sum_received"]
        check(received["bytes"] > 0,
              f"iperf3, TCP, {source} → {target}: {received['bits_per_second'] / 1e6:.0f} Mbit/s "
              f"for {received['seconds']:.0f} s, {end['sum_sent'].get('retransmits', 0)} "
              "retransmissions")

    def show_capture(self, path, encapsulation):
        text = ""
        if tool("tshark"):
            text = run("tshark", "-r", path, "-c", "4", "-T", "fields", "-E", "separator= ",
                       "-e", "frame.protocols", "-e", "ip.src", "-e", "ip.dst", "-e", "mpls.label",
                       check=False).stdout
            text = "\n".join(line for line in text.splitlines() if "Running as user" not in line)
        else:
            text = run("tcpdump", "-n", "-c", "4", "-r", path, check=False).stdout
        show("\n".join(line[:160] for line in text.splitlines()))
        check(text.strip(), f"MPLS-over-{encapsulation.upper()} packets were seen there")

    def udp(self):
        title("Tenants reach their own, over MPLS-over-UDP")
        self.reach("udp")
        self.ctl(self.one.daemon, "route", "list", "red")

    def gre(self):
        title("The same over MPLS-over-GRE")
        tell("Both vRouters start again with encapsulations = {gre}; their TAP interfaces are new, so")
        tell("the workloads are plugged in again and ask for their addresses again.")
        for compute in self.network.computes:
            compute.encapsulations = ("gre",)
            compute.daemon.stop()
        for compute in self.network.computes:
            compute.start()
            self.replug(compute)
        self.network.wait_in_sync()
        self.reach("gre")
        self.ctl(self.one.daemon, "endpoint", "list")

    def replug(self, compute):
        compute.plug_all()
        for workload in compute.workloads:
            workload.dhcp()

    def sources(self, when, prefix="10.0.0.12/32"):
        """Tells which server each vRouter takes a route from."""
        for compute, wanted in ((self.one, "10.0.0.12/32"), (self.two, "10.0.0.11/32")):
            for route in compute.daemon.rpc("route.list", vrf="red")["routes"]:
                if route["prefix"] == wanted:
                    tell(f"{when}: {compute.name} takes red {wanted} from {route['server']} "
                         f"({route['why']})")

    def failover(self):
        title("Route servers die under load, and no packet is lost")
        w = self.workloads
        w["red1"].reaches(w["red2"].address)
        numbered = Numbered(self.lab, "failover", w["red1"].namespace, w["red2"].namespace,
                            w["red2"].address)
        numbered.wait_flowing(2000)
        self.sources("before")
        self.rs1.daemon.kill()
        tell("rs1 is killed")
        for compute in self.network.computes:
            wait_for(f"{compute.name} to notice", lambda c=compute: "rs1" not in connected(c))
        numbered.wait_flowing(2000)
        self.sources("during")
        self.rs1.start()
        for compute in self.network.computes:
            wait_for(f"{compute.name} to come back to rs1", lambda c=compute: "rs1" in connected(c))
        self.rs2.daemon.kill()
        tell("rs1 is back, and rs2 is killed at once")
        for compute in self.network.computes:
            wait_for(f"{compute.name} to notice", lambda c=compute: "rs2" not in connected(c))
        numbered.wait_flowing(2000)
        self.network.wait_in_sync(servers=[self.rs1])
        numbered.wait_flowing(2000)
        self.sources("after")
        report = numbered.finish()
        tell(f"{report['packets_per_second']:.0f} numbered packets a second for "
             f"{report['seconds']:.1f} s")
        check(report["lost"] == 0 and report["duplicated"] == 0,
              f"{report['sent']} packets sent, {report['received']} received, {report['lost']} lost,"
              f" {report['duplicated']} twice, {report['reordered']} out of order, longest gap "
              f"{report['longest_gap_ms']:.0f} ms")
        self.rs2.start()
        self.network.wait_in_sync()

    def labels(self, compute):
        return {label["target"]: label["label"] for label in
                compute.daemon.rpc("label.list")["labels"]}

    def restart(self):
        title("A vRouter starts again with both route servers dead")
        before = self.labels(self.one)
        for server in self.network.servers:
            server.daemon.kill()
        tell("rs1 and rs2 are killed")
        self.one.daemon.stop()
        tell("compute1's vRouter is stopped, and starts again")
        self.one.start()
        self.replug(self.one)
        check(not connected(self.one), "it has no route server")
        self.workloads["red1"].reaches(self.workloads["red2"].address)
        back = self.workloads["red1"].ping(self.workloads["red2"].address, count=10)
        check(back == 10, f"red1 → red2 from the snapshot of its routes: 10 pings, {back} answers")
        self.ctl(self.one.daemon, "route", "list", "red")
        after = self.labels(self.one)
        check(before == after, "the labels are the same: " +
              ", ".join(f"{name} {label}" for name, label in sorted(after.items())))
        for server in self.network.servers:
            server.start()
        self.network.wait_in_sync()
        check(True, "both route servers are back, and both vRouters in sync with them")

    def move(self):
        title("A workload moves from compute1 to compute2")
        mover = self.network.workload(None, "mover", "red", "10.0.0.19")
        words = [f"vpn={mover.vpn}", f"port={mover.port}", f"mac={mover.mac}",
                 f"address={mover.address}"]
        self.add(self.one, mover, words)
        mover.plug(self.one)
        mover.dhcp()
        source = self.workloads["red3"]
        source.reaches(mover.address)
        numbered = Numbered(self.lab, "move", source.namespace, mover.namespace, mover.address)
        numbered.wait_flowing(2000)
        self.ctl(self.one.daemon, "vif", "del", mover.name)
        self.add(self.two, mover, words)
        mover.plug(self.two)
        mover.configure()
        numbered.wait_flowing(2000)
        report = numbered.finish()
        check(report["received"] > 0,
              f"{mover.name} has moved with its address {mover.address}: the gap was "
              f"{report['longest_gap_ms']:.0f} ms ({report['lost']} of {report['sent']} packets, "
              "sent at full rate, fell into it)")
        for compute in self.network.computes:
            for route in compute.daemon.rpc("route.list", vrf="red")["routes"]:
                if route["prefix"] == f"{mover.address}/32" and route["from"] == "learnt":
                    tell(f"{compute.name} reaches it via {route['via']}")

    @staticmethod
    def add(compute, workload, words):
        print(f"  {GREY}│ {compute.name} # millracectl vif add {workload.name} {' '.join(words)}"
              f"{PLAIN}")
        found = json.loads(compute.daemon.ctl("vif", "add", workload.name, *words, "--json"))
        tell(f"{workload.name} is {found['state']}, with label {found['label']}")

    def counters(self):
        title("The counters add up")
        w = self.workloads
        w["red1"].reaches(w["red2"].address)
        before = self.ledgers()
        numbered = Numbered(self.lab, "counted", w["red1"].namespace, w["red2"].namespace,
                            w["red2"].address)
        numbered.wait_flowing(5000)
        report = numbered.finish()
        after = self.ledgers()
        check(report["lost"] == 0, f"{report['sent']} numbered packets sent, none lost")
        sent = report["sent"]
        steps = (
            ("compute1", "interface red1, from the guest", "vif", "red1", "rx_packets"),
            ("compute1", "VRF red, from interfaces", "vrf", "red", "from_vif_packets"),
            ("compute1", "endpoint 192.0.2.12", "endpoint", "192.0.2.12", "tx_packets"),
            ("compute2", "VRF red, from tunnels", "vrf", "red", "from_tunnel_packets"),
            ("compute2", "interface red2, to the guest", "vif", "red2", "tx_packets"),
        )
        for compute, text, kind, name, key in steps:
            counted = after[compute].of(kind, name, key) - before[compute].of(kind, name, key)
            # Beside the numbered packets: the end and the account, ARP of the guest.
            check(sent <= counted <= sent + 30, f"{compute}, {text}: {counted}")
        for name, ledger in after.items():
            left, right = (now - then for now, then in zip(ledger.balance(),
                                                           before[name].balance()))
            check(left == right, f"{name}: received + originated = {left}, sent + dropped + "
                                 f"consumed + held = {right}")
        for compute in self.network.computes:
            for kind in ("vif", "vrf", "endpoint"):
                self.ctl(compute.daemon, "counters", "get", kind)
            self.ctl(compute.daemon, "drops")

    def ledgers(self):
        """All counters, when no packet is on its way."""
        def balanced(compute):
            ledger = Ledger(compute)
            left, right = ledger.balance()
            return ledger if left == right else None
        return {compute.name: wait_for(f"the counters of {compute.name} to add up",
                                       lambda compute=compute: balanced(compute))
                for compute in self.network.computes}

    def farewell(self):
        folder = FOLDER
        control = program("millracectl")
        title("It stays up. Try:")
        for command in (
                f"{control} --socket {folder}/compute1.sock route list red",
                f"{control} --socket {folder}/compute1.sock vif list",
                f"{control} --socket {folder}/rs1.sock session list",
                f"ip netns exec {PREFIX}red1 ping 10.0.0.12",
                f"ip netns exec {PREFIX}compute1 tcpdump -n -i under0",
                f"{control} --socket {folder}/compute1.sock drops",
                f"less {folder}/compute1.log {folder}/rs1.log",
                "sudo ./demo --down            # takes it down"):
            tell(command)

    def play(self):
        for step in (self.topology, self.dhcp, self.udp, self.gre, self.failover, self.restart,
                     self.move, self.counters):
            step()


class Ledger:
    """All counters of a vRouter at one moment."""

    def __init__(self, compute):
        self.rows = compute.daemon.ctl_json("counters")
        if isinstance(self.rows, dict):
            self.rows = self.rows["counters"]
        self.drops = compute.daemon.rpc("drops.get")["drops"]

    def of(self, kind, name, key):
        return sum(row[key] for row in self.rows
                   if row["of"] == kind and row["name"].startswith(name))

    def total(self, kind, key):
        return sum(row.get(key, 0) for row in self.rows if row["of"] == kind)

    def balance(self):
        left = self.total("port", "rx_packets") + self.total("balance", "originated")
        right = (self.total("port", "tx_packets") + self.total("balance", "consumed") +
                 self.total("balance", "held") + sum(drop["packets"] for drop in self.drops))
        return left, right


def take_down():
    """Ends what an earlier demo left: its processes run in its namespaces."""
    remove_namespaces(PREFIX)
    shutil.rmtree(FOLDER, ignore_errors=True)


def main(arguments):
    if os.geteuid() != 0:
        sys.exit("network namespaces need root")
    take_down()
    run("rm", "-rf", FOLDER)
    if arguments == ["--down"]:
        print("the demo is down")
        return 0
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    demo = Demo()
    keep = "--keep" in arguments
    try:
        demo.play()
        if keep:
            demo.farewell()
            return 0
        title("Everything is taken down")
        for compute in demo.network.computes:
            compute.daemon.stop()
        for server in demo.network.servers:
            server.daemon.stop()
        unclean = demo.lab.close()
        check(not unclean, "every process ended cleanly\n" + "\n".join(unclean) if unclean else
              "every process ended cleanly, every namespace is gone")
        print(f"\n{GREEN}The demo is done{PLAIN}, in {time.monotonic() - demo.started:.0f} s. "
              "README.md says where to read on.")
        return 0
    except (Failure, LabError) as failure:
        print(f"  {RED}✗ {failure}{PLAIN}\n", flush=True)
        print(demo.lab.failure_report(), flush=True)
        print(f"\n{RED}The demo has failed:{PLAIN} {str(failure).splitlines()[0]}", flush=True)
        keep = False
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted")
        keep = False
        return 130
    finally:
        if not keep:
            demo.lab.close()
            shutil.rmtree(FOLDER, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
