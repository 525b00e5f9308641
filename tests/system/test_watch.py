#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""explain, trace and capture, as a person uses them: what they say of packets that two vRouters
carry for real, in files that tshark and tcpdump read."""

import json
import signal
import subprocess

from millrace_lab import DEADLINE, Capture, LabError, program, run, wait_for
from systest import NetworkTest, main, rows

FIELDS = ["frame.interface_name", "frame.comment", "frame.packet_flags_direction", "icmp.type",
          "ip.src", "ip.dst", "mpls.label", "frame.protocols"]
INBOUND, OUTBOUND = "0x00000001", "0x00000002"


def tshark(path, *more):
    """The packets of a file, each as a dict of lists of strings."""
    fields = [word for field in FIELDS for word in ("-e", field)]
    text = run("tshark", "-n", "-r", path, "-d", "udp.port==6635,mpls", *more, "-T", "fields",
               "-E", "separator=|", "-E", "aggregator=;", *fields).stdout
    lines = [line for line in text.splitlines() if "|" in line]
    return [dict(zip(FIELDS, (value.split(";") if value else [] for value in line.split("|"))))
            for line in lines]


class Watch(NetworkTest):
    """One network for all; every test watches traffic of its own."""

    encapsulations = ("udp",)

    def setUp(self):
        self.red1, self.red2 = self.workload("red1"), self.workload("red2")
        self.red1.reaches("10.0.0.12")
        self.label = self.wait_route(self.one, "10.0.0.12/32")["label"]

    def watch(self, *words, compute=None):
        """millracectl in the background, once the daemon watches."""
        compute = compute or self.one
        before = {row["name"] for row in rows(compute, "counters.get", "counters", of="watch")}
        process = compute.namespace.start(
            f"millracectl-{words[0]}", program("millracectl"), "--socket",
            compute.daemon.socket_path, *words)

        def begun():
            return {row["name"] for row in
                    rows(compute, "counters.get", "counters", of="watch")} - before
        wait_for(f"millracectl {words[0]} to watch", begun, alive=[process])
        process.expected_end = True
        return process

    def path(self, name):
        return self.lab.folder / self.lab.unique(name)

    def ping(self, count=5):
        self.assertEqual(self.red1.ping("10.0.0.12", count=count), count)

    # --- explain

    def test_explain_says_what_every_stage_would_do(self):
        said = self.one.daemon.ctl("explain", "red1", "udp 10.0.0.11 > 10.0.0.12:53 ttl 64 size 80")
        lines = said.splitlines()
        self.assertEqual(lines[0].split(None, 1),
                         ["ingress", f"vif red1: source {self.red1.mac} 10.0.0.11 allowed"])
        self.assertEqual(lines[1].split(None, 1),
                         ["lookup", "red upstream: 10.0.0.12/32, endpoint 192.0.2.12, "
                          f"label {self.label}"])
        self.assertRegex(lines[2], r"^egress   tunnel udp: 192\.0\.2\.11 > 192\.0\.2\.12, source port "
                         rf"\d+, label {self.label}, ttl 63, 112 octets of 1500, port fabric, "
                         r"queue \d+$")
        self.assertEqual(len(lines), 3)

    def test_explain_goes_on_where_the_frame_arrives(self):
        said = self.one.daemon.ctl_json("explain", "red1", "icmp 10.0.0.11 > 10.0.0.12")
        self.assertEqual(said["verdict"], "forwarded")
        there = self.two.daemon.ctl_json("explain", "underlay", said["steps"][-1]["frame"])
        self.assertEqual([step["stage"] for step in there["steps"]], ["ingress", "egress"])
        self.assertEqual(there["steps"][-1]["vif"], "red2")
        self.assertEqual(there["steps"][-1]["ttl"], 63)
        text = f"udp 192.0.2.11 > 192.0.2.12 label {self.label} / icmp 10.0.0.11 > 10.0.0.12 ttl 63"
        words = self.two.daemon.ctl_json("explain", "underlay", *text.split())
        self.assertEqual(words["steps"][-1]["frame"], there["steps"][-1]["frame"])

    def test_explain_looks_up_in_a_vrf(self):
        said = self.one.daemon.ctl_json("explain", "red", "icmp 10.0.0.99 > 10.0.0.12")
        self.assertEqual([step["stage"] for step in said["steps"]], ["lookup", "egress"])
        self.assertEqual(said["steps"][0]["prefix"], "10.0.0.12/32")
        none = self.one.daemon.ctl_json("explain", "vrf:blue", "icmp 10.0.0.99 > 192.0.2.77")
        self.assertEqual((none["verdict"], none["steps"][-1]["reason"]), ("dropped", "no-route"))

    def test_explain_reads_a_packet_of_a_file(self):
        capture = Capture(self.red1.namespace, "eth0", "explained", "icmp")
        self.ping(2)
        wait_for("four packets", lambda: len(tshark(capture.path)) >= 4)
        path = capture.stop()
        first = self.one.daemon.ctl_json("explain", "red1", path)
        self.assertEqual(first["verdict"], "forwarded")
        # The answer came from the router: its guest may not send it.
        answer = self.one.daemon.ctl_json("explain", "red1", path, "-n", 2)
        self.assertEqual(answer["steps"][-1]["reason"], "source-mac")
        self.assertIn("fewer than 9 packets",
                      self.one.daemon.ctl("explain", "red1", path, "-n", 9, check=False))

    def test_explain_tells_what_is_wrong(self):
        for words, said in [
                (("red1", "udp 10.0.0.11 > 10.0.0.12 tll 3"),
                 "PACKET: character 27: unknown word 'tll'"),
                (("red1", "udp 10.0.0.11"), "no such file"),
                (("red1", "/tmp/no-such.pcap"), "/tmp/no-such.pcap: no such file"),
                (("red1", "-n", 2, "icmp 10.0.0.11 > 10.0.0.12"), "only a file"),
                (("red1", "icmp 10.0.0.11:5 > 10.0.0.12"), "only udp, tcp and vxlan have ports"),
                (("nowhere", "icmp 10.0.0.11 > 10.0.0.12"),
                 "VIF|VRF|underlay: an interface or a VRF or underlay is expected, not nowhere"),
                (("red1", "4500001"), "neither a description")]:
            self.assertIn(said, self.one.daemon.ctl("explain", *words, check=False))

    def test_explaining_leaves_no_trace_in_the_counters(self):
        before = self.one.daemon.rpc("counters.get", of="vif")["counters"], \
            self.one.daemon.rpc("drops.get")
        for text in ("udp 10.0.0.99 > 10.0.0.12", "udp 10.0.0.11 > 10.0.0.12 ttl 1",
                     "icmp 10.0.0.11 > 10.0.0.13"):
            self.one.daemon.ctl("explain", "blue1", text)
        after = self.one.daemon.rpc("counters.get", of="vif")["counters"], \
            self.one.daemon.rpc("drops.get")
        of_blue = [[row for row in part[0] if row["name"] == "blue1"] for part in (before, after)]
        self.assertEqual(*of_blue)
        self.assertEqual(before[1], after[1])

    # --- capture

    def test_a_ping_from_both_sides(self):
        inner, outer = self.path("inner.pcapng"), self.path("outer.pcapng")
        watching = [self.watch("capture", "red1", "-w", inner, "-c", 10, "icmp"),
                    self.watch("capture", "red1", "--side", "outer", "-w", outer, "-c", 10)]
        self.ping(5)
        for process in watching:
            self.assertEqual(process.wait_end(), 0)
            self.assertIn("10 packets, 0 more lost", process.log)

        packets = tshark(inner)
        self.assertEqual(len(packets), 10)
        for number, packet in enumerate(packets):
            asked = number % 2 == 0
            self.assertEqual(packet["frame.interface_name"], ["red1"])
            self.assertEqual(packet["icmp.type"], ["8" if asked else "0"])
            self.assertEqual(packet["frame.packet_flags_direction"],
                             [INBOUND if asked else OUTBOUND])
            self.assertEqual(packet["frame.comment"],
                             ["in, sent to endpoint 192.0.2.12" if asked else
                              "out, sent to vif red1"])

        packets = tshark(outer)
        self.assertEqual(len(packets), 10)
        for number, packet in enumerate(packets):
            asked = number % 2 == 0
            self.assertEqual(packet["frame.interface_name"], ["fabric"])
            self.assertEqual(packet["icmp.type"], ["8" if asked else "0"])
            self.assertEqual(packet["ip.src"], ["192.0.2.11", "10.0.0.11"] if asked else
                             ["192.0.2.12", "10.0.0.12"])
            self.assertEqual(packet["frame.packet_flags_direction"],
                             [OUTBOUND if asked else INBOUND])
            self.assertEqual(packet["frame.comment"],
                             ["out, sent to endpoint 192.0.2.12" if asked else
                              "in, sent to vif red1"])
            if asked:
                self.assertEqual(packet["mpls.label"], [str(self.label)])

    def test_an_endpoint_from_inside_has_bare_ip_packets(self):
        path = self.path("endpoint.pcapng")
        process = self.watch("capture", "192.0.2.12", "--side", "inner", "-w", path, "-c", 6,
                             "icmp", "and", "host", "10.0.0.11")
        self.ping(3)
        self.assertEqual(process.wait_end(), 0)
        packets = tshark(path)
        self.assertEqual([packet["ip.src"] for packet in packets],
                         [["10.0.0.11"], ["10.0.0.12"]] * 3)
        self.assertTrue(all(packet["frame.protocols"][0].startswith("raw:ip:icmp")
                            for packet in packets), packets)

    def test_tcpdump_reads_what_is_written_to_a_pipe(self):
        text = self.path("tcpdump.txt")
        command = (f"{program('millracectl')} --socket {self.one.daemon.socket_path} "
                   f"capture underlay -w - -c 4 icmp or udp port 6635 | "
                   f"tcpdump -n -l -r - > {text} 2>&1")
        with subprocess.Popen(self.one.namespace.command("bash", "-c", command),
                              stderr=subprocess.DEVNULL) as process:
            wait_for("the capture", lambda: rows(self.one, "counters.get", "counters", of="watch"))
            self.ping(2)
            self.assertEqual(process.wait(DEADLINE), 0)
        said = text.read_text()
        self.assertEqual(said.count("IP 192.0.2.11.") + said.count("IP 192.0.2.12."), 4, said)

    def test_a_reader_who_has_seen_enough_ends_the_capture(self):
        command = (f"{program('millracectl')} --socket {self.one.daemon.socket_path} "
                   "capture red1 -w - | tcpdump -n -c 2 -r - > /dev/null; exit ${PIPESTATUS[0]}")
        with subprocess.Popen(self.one.namespace.command("bash", "-c", command),
                              stderr=subprocess.DEVNULL) as process:
            wait_for("the capture", lambda: rows(self.one, "counters.get", "counters", of="watch"))

            def ended():
                self.red1.ping("10.0.0.12", count=1)
                return process.poll() is not None
            wait_for("the capture to end", ended)
            self.assertEqual(process.returncode, 0)
        self.assertEqual(rows(self.one, "counters.get", "counters", of="watch"), [])

    def test_a_filter_lets_pass_what_it_names(self):
        path = self.path("filtered.pcapng")
        process = self.watch("capture", "red1", "-w", path, "icmp[icmptype]", "==", "icmp-echo",
                             "and", "len", ">", "500")
        self.ping(2)
        self.assertEqual(self.red1.ping("10.0.0.12", count=2, size=600), 2)
        wait_for("two packets", lambda: len(tshark(path)) == 2, alive=[process])
        process.stop(signal.SIGINT)
        self.assertIn("2 packets, 0 more lost", process.log)
        self.assertEqual([packet["icmp.type"] for packet in tshark(path)], [["8"], ["8"]])

    def test_a_bad_filter_is_refused_with_its_place(self):
        said = self.one.daemon.ctl("capture", "red1", "udp", "and", "prot", "53", check=False)
        self.assertIn("FILTER: syntax error at character 5: 'and prot 53'", said)
        said = self.one.daemon.ctl("trace", "red1", "host", "10.0.0.300", check=False)
        self.assertIn("FILTER: invalid IPv4 address '10.0.0.300' at character 6", said)
        said = self.one.daemon.ctl("capture", "nowhere", check=False)
        self.assertIn("VIF|ENDPOINT|underlay: an interface or an endpoint or underlay is expected, not nowhere", said)
        said = self.one.daemon.ctl("capture", "red1", "--side", "left", check=False)
        self.assertIn("--side: inner or outer is expected, not left", said)

    def test_what_is_dropped_is_captured_with_the_reason(self):
        process = self.watch("capture", "red1", "-c", 1, "host", "10.0.0.99")
        self.red1.ping_burst("10.0.0.99", count=1)
        self.assertEqual(process.wait_end(), 0)
        self.assertRegex(process.log, r"in  icmp 10\.0\.0\.11 > 10\.0\.0\.99 .*: dropped: no-route")

    # --- trace

    def test_a_trace_shows_the_stages_of_live_packets(self):
        process = self.watch("trace", "red1", "icmp", "-c", 2)
        self.ping(1)
        self.assertEqual(process.wait_end(), 0)
        log = process.log
        self.assertRegex(log, r"\d\d:\d\d:\d\d\.\d{6} red1: icmp 10\.0\.0\.11 > 10\.0\.0\.12 ttl 64 ")
        self.assertRegex(log, rf"lookup   red upstream: 10\.0\.0\.12/32, endpoint 192\.0\.2\.12, "
                         rf"label {self.label}\n")
        self.assertRegex(log, r"egress   tunnel udp: 192\.0\.2\.11 > 192\.0\.2\.12, ")
        self.assertRegex(log, r"fabric: icmp 10\.0\.0\.12 > 10\.0\.0\.11 ttl 63 ")
        self.assertRegex(log, r"egress   vif red1: ttl 63, ")

    def test_a_trace_for_programs_is_a_line_of_json_a_packet(self):
        process = self.watch("trace", "all", "icmp", "-c", 4, "--json")
        self.ping(2)
        self.assertEqual(process.wait_end(), 0)
        records = [json.loads(line) for line in process.log.splitlines() if line.startswith("{")]
        self.assertEqual([record["verdict"] for record in records], ["forwarded"] * 4)
        self.assertEqual([record["from"] for record in records], ["red1", "fabric"] * 2)

    # --- the life of a watch

    def test_a_watch_whose_client_has_vanished_ends(self):
        process = self.watch("capture", "red1", "-w", "/dev/null")
        process.kill()
        wait_for("the watch to end",
                 lambda: rows(self.one, "counters.get", "counters", of="watch") == [])
        self.ping(2)

    def test_a_watch_ends_with_its_interface(self):
        guest = {"name": "passing", "vpn": "red", "port": f"tap:{self.lab.prefix[-6:]}p",
                 "mac": "02:00:00:00:77:01", "addresses": ["10.0.0.70"]}
        self.one.daemon.rpc("vif.add", **guest)
        process = self.watch("capture", "passing")
        self.one.daemon.rpc("vif.del", name="passing")
        self.assertEqual(process.wait_end(), 0)
        self.assertIn("what was watched is gone", process.log)

    def test_there_are_so_many_watches_and_no_more(self):
        ids = [self.one.daemon.rpc("trace.start")["id"] for _ in range(8)]
        with self.assertRaisesRegex(LabError, "8 watches are under way"):
            self.one.daemon.rpc("capture.start", at="red1")
        self.ping(3)
        for number in ids:
            answer = self.one.daemon.rpc("trace.stop", id=number)
            self.assertEqual(answer["lost"], 0)
        with self.assertRaisesRegex(LabError, "no such watch"):
            self.one.daemon.rpc("trace.read", id=ids[0])
        with self.assertRaisesRegex(LabError, "no such watch"):
            self.one.daemon.rpc("capture.stop", id=ids[0])


if __name__ == "__main__":
    main()
