#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The traffic scenarios are consistent, play, lose nothing, and fail when they must. How fast they are
is for a quiet machine to say."""

import json
import os
import pathlib
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from millrace_lab import BUILD, ROOT, program, run, tool
from systest import main

SCENARIOS = ROOT / "pktgen-scenarios"
sys.path.insert(0, str(SCENARIOS))

from player import configuration, connected, description, looped

README_MUST = ("**Question.**", "**What is measured.**", "**What to expect.**", "\n    ")
PLAYABLE = os.geteuid() == 0 and tool("dpdk-testpmd") is not None


def every_case():
    return [case for name in description.names() for case in description.load(name)]


class Descriptions(unittest.TestCase):
    def test_every_folder_is_a_scenario_and_says_what_it_must(self):
        folders = {path.parent.name for path in SCENARIOS.glob("*/scenario.json")}
        self.assertEqual(sorted(folders), description.names())
        for name in folders:
            text = (SCENARIOS / name / "README.md").read_text()
            self.assertTrue(text.startswith(f"# {name}\n"), name)
            for part in README_MUST:
                self.assertIn(part, text, name)
        for path in SCENARIOS.iterdir():
            self.assertTrue(path.is_file() or path.name in folders or path.name in
                            ("common", "player", "generator"), path)

    def test_every_case_is_listed_with_its_title(self):
        said = run(SCENARIOS / "run", "--list").stdout
        for case in every_case():
            self.assertRegex(said, rf"(?m)^{case['name']} +{case['title']}$")

    def test_every_encapsulation_family_and_direction_has_a_case(self):
        found = {(case["direction"], case["encapsulation"], case["tenants"], case["underlay"])
                 for case in every_case()}
        for direction in ("encap", "decap"):
            for encapsulation in description.ENCAPSULATIONS:
                for tenants in (4, 6):
                    for underlay in (4, 6):
                        self.assertIn((direction, encapsulation, tenants, underlay), found)

    def test_a_wrong_description_is_refused(self):
        right = {"title": "x", "passes": {"lost": 0}}
        self.assertEqual(description.cases_of("x", right)[0]["flows"], 1024)
        for wrong in ({}, {"title": "x"}, {**right, "speed": 1}, {**right, "flows": 0},
                      {**right, "flows": True}, {**right, "tenants": 5}, {**right, "frame": 20},
                      {**right, "tenants": 6, "frame": 60}, {**right, "frame": {"big": 1}},
                      {**right, "latency": True}, {**right, "rate": -1}, {**right, "ecmp": 2},
                      {**right, "passes": {"luck": 1}}, {**right, "passes": {}},
                      {**right, "cases": {"a": {"title": "y"}}}, {**right, "cases": {}},
                      {**right, "direction": "local", "routes": 2},
                      {**right, "direction": "back-to-back"},
                      {**right, "ports": "memif", "vrfs": 2}):
            with self.assertRaises(description.DescriptionError, msg=str(wrong)):
                description.cases_of("x", wrong)

    def test_every_configuration_is_right(self):
        folder = pathlib.Path("/tmp/scenario")  # only named in the files
        with tempfile.TemporaryDirectory() as scratch:
            for case in every_case():
                if case["ports"] == "looped":
                    sources = [folder / f"source{port}.pcap" for port in range(3)]
                    texts = {"vrouter": looped.configured(case, folder, sources, 5222)}
                else:
                    texts = connected.configured(case, folder, connected.Ports(case, folder), 5222)
                for text in texts.values():
                    path = configuration.write(pathlib.Path(scratch) / "millrace.conf", text)
                    run(program("millrace"), "--check-config", "-c", path)
            path = pathlib.Path(scratch) / "rs.conf"
            path.write_text(configuration.route_server(description.load("encap/udp")[0], folder, 5222))
            run(program("millrace-rs"), "--check-config", path)

    def test_the_lua_script_is_lua(self):
        compiler = next(filter(None, map(shutil.which, ("luac", "luac5.4", "luac5.3"))), None)
        if compiler is None:
            self.skipTest("no Lua compiler is installed")
        run(compiler, "-p", SCENARIOS / "common" / "pktgen.lua")
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
            file.write(configuration.lua_values(description.load("encap/udp")[0], 0, 3))
            file.flush()
            run(compiler, "-p", file.name)


@unittest.skipUnless(PLAYABLE, "root and dpdk-testpmd are needed")
class Playing(unittest.TestCase):
    def play(self, *arguments, tree=SCENARIOS):
        """(exit status, the results) of a short run."""
        done = run(tree / "run", "--json", "--seconds", "1", "--starts", "1", *arguments,
                   check=False, timeout=600)
        results = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        self.assertTrue(results, done.stdout)
        return done.returncode, results

    def altered(self, file, before, after):
        """A copy of the scenarios in which one text is another."""
        scratch = tempfile.TemporaryDirectory(prefix="millrace-test-")
        self.addCleanup(scratch.cleanup)
        tree = pathlib.Path(scratch.name) / "pktgen-scenarios"
        shutil.copytree(SCENARIOS, tree, ignore=shutil.ignore_patterns("__pycache__"))
        (tree.parent / "tests").symlink_to(ROOT / "tests")
        os.environ["MILLRACE_BUILD"] = str(BUILD)
        text = (tree / file).read_text()
        self.assertIn(before, text)
        (tree / file).write_text(text.replace(before, after))
        return tree

    def test_into_a_tunnel_and_out_of_one_nothing_is_lost(self):
        status, results = self.play("encap/gre-ipv6", "decap/vxlan-over-ipv6")
        self.assertEqual((status, len(results)), (0, 2), results)
        for result in results:
            self.assertEqual((result["lost"], result["drops"]), (0, {}))
            self.assertGreater(result["mpps"], 0)

    def test_a_generator_at_the_other_side_has_latency_and_a_flood_does_not_get_through(self):
        _, (result,) = self.play("hostile-guest/beside-a-flood")
        self.assertNotIn("error", result)
        self.assertGreater(result["latency_us"]["p99"], 0)
        self.assertEqual(result["reordered"], 0)
        self.assertGreater(result["drops"]["source-address"], 0)

    def test_loss_is_found_and_fails(self):
        # Half of the flows have no route.
        tree = self.altered("player/world.py", '"32.0.0.0/3"', '"32.0.0.0/23"')
        status, (result,) = self.play("encap/udp", tree=tree)
        self.assertEqual((status, result["passed"]), (1, False))
        self.assertGreater(result["drops"]["no-route"], 0)
        self.assertIn("lost", " ".join(result["missed"]))

    def test_an_expectation_that_is_not_met_fails(self):
        tree = self.altered("encap/scenario.json", '"ratio_to_testpmd": 0.01',
                            '"ratio_to_testpmd": 1000')
        status, (result,) = self.play("encap/udp", tree=tree)
        self.assertEqual((status, result["lost"]), (1, 0))
        self.assertIn("ratio_to_testpmd", " ".join(result["missed"]))


if __name__ == "__main__":
    main()
