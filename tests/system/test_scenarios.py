#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The traffic scenarios play, and lose nothing. How fast they are is for a quiet machine to say."""

import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from millrace_lab import ROOT, run, tool
from systest import main


class Scenarios(unittest.TestCase):
    def test_every_scenario_is_listed_with_its_title(self):
        said = run(ROOT / "pktgen-scenarios" / "run", "--list").stdout
        for path in (ROOT / "pktgen-scenarios").glob("*/scenario.json"):
            self.assertIn(path.parent.name, said)
            for name in ("README.md", "millrace.conf", "pktgen.lua"):
                self.assertTrue((path.parent / name).exists(), name)

    def test_every_scenario_plays_and_loses_nothing(self):
        if os.geteuid() != 0 or not tool("dpdk-testpmd"):
            self.skipTest("root and dpdk-testpmd are needed")
        said = run(ROOT / "pktgen-scenarios" / "run", "--all", "--json", "--seconds", "0.3",
                   check=False, timeout=600).stdout
        results = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
        self.assertTrue(results, said)
        for result in results:
            self.assertEqual(result["lost"], 0, result)
            self.assertGreater(result["mpps"], 0)


if __name__ == "__main__":
    main()
