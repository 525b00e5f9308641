#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""How many lines of each parser its fuzzers' corpora reach: one line a parser.

    coverage.py            builds into build-coverage, with gcc, runs the seeds, prints
    coverage.py PARSER...  only these

The seeds are tests/fuzz/corpus and, where fuzzers have run, what they found (build-fuzz/found-NAME).
Fails if fewer lines are reached than `LEAST` percent: then a seed is missing for what a parser has
learnt. Lines that only a lack of memory leads to are never reached, so 100 is not to be had."""

import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build-coverage"
LEAST = 75

# Parser: (its sources, the fuzzers that are for it, the functions that count if not all do)
PARSERS = {
    "frames and tunnels": (["lib/net/parse.c"], ["frame", "tunnel"]),
    "arp": (["slowpath/arp_message.c"], ["arp"]),
    "nd": (["slowpath/nd_message.c"], ["nd"]),
    "dhcp4": (["slowpath/dhcp4_message.c"], ["dhcp4"]),
    "icmp": (["slowpath/icmp.c"], ["icmp"]),
    "icmp6": (["slowpath/icmp6.c"], ["icmp6"]),
    "path mtu": (["slowpath/path_mtu.c"], ["path_mtu"],
                 ["quoted_tunnel_parse", "parse_quoted_v4", "parse_quoted_v6", "is_tunnel"]),
    "mss": (["fastpath/mss.c"], ["mss"], ["mss_clamp_segment", "lower"]),
    "description": (["lib/net/description_read.c", "lib/net/description_build.c",
                     "lib/net/description_text.c"], ["description"]),
    "filter": (["control/filter.c"], ["filter"]),
    "rpc": (["lib/rpc/dispatch.c"], ["rpc"]),
    "xmpp stream": (["lib/xmpp/stream.c", "lib/xmpp/element.c"], ["xmpp_stream"]),
    "pubsub": (["lib/xmpp/pubsub_read.c", "lib/xmpp/draft.c"], ["xmpp_client", "xmpp_server"]),
    "xmpp client": (["lib/xmpp/client.c", "lib/xmpp/client_input.c"], ["xmpp_client"]),
    "xmpp server": (["lib/xmpp/server.c", "lib/xmpp/server_requests.c"], ["xmpp_server"]),
    "config": (["control/config.c", "control/config_check.c", "control/config_file.c",
                "control/config_read.c", "control/config_underlay.c", "control/config_vpn.c",
                "control/vif_config.c"], ["config"]),
    "route server's config": (["control/routeserver/config.c",
                               "control/routeserver/config_check.c"], ["routeserver_config"]),
}


def run(*command):
    return subprocess.run([str(word) for word in command], check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL).stdout


def build(fuzzers):
    if not (BUILD / "build.ninja").exists():
        run("meson", "setup", BUILD, ROOT, "-Db_coverage=true", "-Doptimization=0",
            "-Dwerror=false")
    run("ninja", "-C", BUILD, *(f"tests/fuzz/fuzz_{name}" for name in fuzzers))


def forget():
    for path in BUILD.rglob("*.gcda"):
        path.unlink()


def seeds(fuzzer):
    found = ROOT / "build-fuzz" / f"found-{fuzzer}"
    there = found.is_dir() and any(found.iterdir())
    return [ROOT / "tests/fuzz/corpus" / fuzzer, *([found] if there else [])]


def lines_of(source, functions):
    """{line: times} of a source, or of some of its functions, over all programs that ran."""
    times = {}
    name = source.rsplit("/", 1)[1]
    for data in BUILD.rglob(f"{name}.gcda"):
        told = subprocess.run(["gcov", "--json-format", "--stdout", str(data)], check=True,
                              cwd=BUILD, capture_output=True).stdout
        for each in told.splitlines():
            for file in json.loads(each)["files"]:
                if (BUILD / file["file"]).resolve() != ROOT / source:
                    continue
                for line in file["lines"]:
                    if functions and line.get("function_name") not in functions:
                        continue
                    number = line["line_number"]
                    times[number] = times.get(number, 0) + line["count"]
    return times


def main(arguments):
    chosen = {name: PARSERS[name] for name in arguments or PARSERS}
    build({fuzzer for _, fuzzers, *_ in chosen.values() for fuzzer in fuzzers})
    low = 0
    print(f"{'parser':24}{'lines':>7}{'reached':>9}{'percent':>9}  never reached")
    for name, (sources, fuzzers, *functions) in chosen.items():
        forget()
        for fuzzer in fuzzers:
            run(BUILD / "tests/fuzz" / f"fuzz_{fuzzer}", *seeds(fuzzer))
        lines = reached = 0
        missed = []
        for source in sources:
            times = lines_of(source, *functions or [None])
            lines += len(times)
            reached += sum(count > 0 for count in times.values())
            numbers = sorted(number for number, count in times.items() if count == 0)
            if numbers:
                missed.append(f"{source.rsplit('/', 1)[1]}:" + ",".join(map(str, numbers[:12])) +
                              (",…" if len(numbers) > 12 else ""))
        percent = 100 * reached / lines if lines else 0
        low += percent < LEAST
        print(f"{name:24}{lines:7}{reached:9}{percent:9.1f}  {' '.join(missed)}", flush=True)
    if low:
        print(f"{low} below {LEAST} percent")
    return 1 if low else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
