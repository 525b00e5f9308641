#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The rules of the house that a compiler does not check: which room may include which, the licence
lines, the format, and that the tree speaks of nothing outside itself."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# A room and the rooms that its files may include, itself apart. Longest prefix first.
WITHOUT_DPDK = {
    "lib/base": [],
    "lib/net": ["lib/base"],
    "lib/xmpp": ["lib/base", "lib/net"],
    "lib/rpc": ["lib/base", "lib/net"],
    "control/routeserver": ["lib/base", "lib/net", "lib/xmpp", "lib/rpc"],
    "control/cli": ["lib/base", "lib/net", "lib/rpc"],
}
WITH_DPDK = {
    "lib": ["lib"],
    "fastpath": ["lib"],
    "slowpath": ["lib"],
    "control": ["lib"],
}
# Single headers of a room that is otherwise out of reach: the facades of the three parts, and the
# list of drop reasons, which is a vocabulary and has no DPDK in it.
FACADES = {"control/main.c": ["fastpath/fastpath.h", "slowpath/slowpath.h"]}
VOCABULARY = {"lib/net": ["lib/stats/reasons.h"]}

# Meson runs a test in the build's directory.
TESTS_OF_BUILD = pathlib.Path("meson-info/intro-tests.json")
TEST_SOURCE = re.compile(r"tests/(house|interop|packet|system|unit)/test_\w+\.(py|c)$")

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', re.M)
CODE = (".c", ".h", ".py", ".sh", ".build", ".lua", ".conf", ".map")


def tracked_files():
    """The files of the tree: git's list, or everything but the builds where there is no git."""
    if (ROOT / ".git").exists() and shutil.which("git"):
        listing = subprocess.run(
            ["git", "-c", f"safe.directory={ROOT}", "-C", ROOT, "ls-files", "-z"],
            capture_output=True, text=True, check=True).stdout
        names = [name for name in listing.split("\0") if name]
    else:
        names = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*")
                 if path.is_file() and not path.relative_to(ROOT).parts[0].startswith(("build", "."))]
    return sorted(name for name in names if (ROOT / name).is_file())


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8", errors="replace")


def room_of(name):
    rooms = sorted([*WITHOUT_DPDK, *WITH_DPDK], key=len, reverse=True)
    return next((room for room in rooms if name.startswith(room + "/")), None)


def include_faults(name, text):
    """What one source file includes against the plan of the house: a list of sentences."""
    room = room_of(name)
    if room is None:
        return []
    faults = []
    allowed = [room, *WITHOUT_DPDK.get(room, []), *WITH_DPDK.get(room, [])]
    for ours, system in INCLUDE.findall(text):
        if (system or ours).startswith("rte_") and room in WITHOUT_DPDK:
            faults.append(f"{name} includes {system or ours}: {room} is free of DPDK")
        if not ours or ours.startswith("rte_") or \
                ours in [*FACADES.get(name, []), *VOCABULARY.get(room, [])]:
            continue
        target = room_of(ours)
        if target is None:
            faults.append(f"{name} includes {ours}: not written from the root of the tree")
        elif not any(target == room or target.startswith(room + "/") and target.startswith("lib/")
                     for room in allowed):
            faults.append(f"{name} includes {ours}: {room} does not know {target}")
    return faults


class House(unittest.TestCase):
    maxDiff = None

    def test_includes_point_down_to_lib(self):
        faults = []
        for name in tracked_files():
            if name.endswith((".c", ".h")):
                faults += include_faults(name, text_of(name))
        self.assertEqual(faults, [])

    def test_the_include_rule_catches_each_kind_of_fault(self):
        for name, line in [
                ("lib/base/x.c", "#include <rte_mbuf.h>"),
                ("lib/net/x.c", '#include "lib/table/fib.h"'),
                ("lib/table/x.c", '#include "control/rib.h"'),
                ("fastpath/x.c", '#include "slowpath/arp.h"'),
                ("slowpath/x.c", '#include "fastpath/fastpath.h"'),
                ("control/x.c", '#include "fastpath/fastpath.h"'),
                ("control/main.c", '#include "fastpath/worker.h"'),
                ("control/rib.c", '#include "control/routeserver/rib.h"'),
                ("control/routeserver/x.c", '#include "lib/table/fib.h"'),
                ("control/cli/x.c", '#  include <rte_eal.h>'),
                ("control/x.c", '#include "config.h"')]:
            self.assertTrue(include_faults(name, line), f"{name}: {line}")
        for name, line in [
                ("lib/table/x.c", "#include <rte_rcu_qsbr.h>"),
                ("control/main.c", '#include "slowpath/slowpath.h"'),
                ("control/x.c", '#include "lib/xmpp/route.h"'),
                ("control/routeserver/x.c", '#include "lib/xmpp/route.h"')]:
            self.assertEqual(include_faults(name, line), [])

    def test_every_source_says_its_licence(self):
        missing = []
        for name in tracked_files():
            if name.startswith("tests/fuzz/corpus/"):
                continue  # inputs: their octets are what they are
            head = text_of(name)[:400]
            if name.endswith(CODE) or os.path.basename(name) == "meson_options.txt" or \
                    head.startswith("#!"):
                if "SPDX-License-Identifier: BSD-3-Clause" not in head:
                    missing.append(name)
        self.assertEqual(missing, [])

    def test_sources_are_formatted(self):
        version = self.clang_format_version()
        # Versions differ in detail; the tree is kept in the format of this one.
        if version != 14:
            self.skipTest(f"clang-format 14 is wanted, {version or 'none'} is installed")
        sources = [name for name in tracked_files() if name.endswith((".c", ".h"))]
        done = subprocess.run(["clang-format", "--dry-run", "-Werror", *sources], cwd=ROOT,
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    @unittest.skipUnless(TESTS_OF_BUILD.exists(), "not run from a build")
    def test_every_test_is_one_that_the_build_runs(self):
        commands = {str(word) for test in json.loads(TESTS_OF_BUILD.read_text())
                    for word in test["cmd"]}
        programs = {"/".join(pathlib.Path(word).parts[-3:]) for word in commands}
        unused = [name for name in tracked_files()
                  if TEST_SOURCE.match(name) and name not in programs and
                  name.removesuffix(".c") not in programs]
        self.assertEqual(unused, [])

    def test_the_tree_speaks_of_nothing_outside_itself(self):
        # Written in pieces, so that this file does not find itself.
        outside = re.compile("|".join([r"\.\./" + "shared", "/wo" + "rk/", "/ho" + "me/",
                                       "/ro" + "ot/", r"deb\." + r"debian\.org"]))
        found = []
        for name in tracked_files():
            for number, line in enumerate(text_of(name).splitlines(), 1):
                if outside.search(line):
                    found.append(f"{name}:{number}: {line.strip()}")
        self.assertEqual(found, [])

    @staticmethod
    def clang_format_version():
        if not shutil.which("clang-format"):
            return None
        text = subprocess.run(["clang-format", "--version"], capture_output=True, text=True,
                              check=False).stdout
        found = re.search(r"version (\d+)", text)
        return int(found.group(1)) if found else None


if __name__ == "__main__":
    unittest.main(verbosity=2)
