#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""tally.py over logs of programs that fail: every case is counted, and the last lines say what was
wrong."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

TALLY = pathlib.Path(__file__).resolve().parent / "tally.py"

FAILING = '''
import sys, unittest

class Sample(unittest.TestCase):
    def test_adds(self):
        """Has a line of its own."""
        self.assertEqual(1 + 1, 2)

    def test_finds(self):
        self.find()

    def find(self):
        raise RuntimeError("what is\\nnot there")

    def test_multiplies(self):
        self.assertEqual(3 * 3, 6, "of a product")

    def test_later(self):
        self.skipTest("another day")

unittest.main(verbosity=2)
'''

CMOCKA = """[==========] rings: Running 2 test(s).
[ RUN      ] a_ring_is_empty
[       OK ] a_ring_is_empty
[ RUN      ] a_ring_is_full
[  ERROR   ] --- 0x1 != 0x2
[   LINE   ] --- ../tests/unit/test_rings.c:12: error: Failure!
[  FAILED  ] a_ring_is_full
[  FAILED  ] rings: 1 test(s), listed below:
[  FAILED  ] a_ring_is_full
"""


def entry(name, result, stdout="", stderr=""):
    return {"name": f"millrace:{name}", "result": result, "returncode": int(result != "OK"),
            "stdout": stdout, "stderr": stderr}


class Tally(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def tally(self, *entries):
        """The lines it prints, and its status."""
        (self.folder / "gcc.json").write_text("\n".join(map(json.dumps, entries)))
        done = subprocess.run([sys.executable, TALLY, self.folder], stdout=subprocess.PIPE, text=True,
                              check=False)
        return done.stdout.rstrip().splitlines(), done.returncode

    def failing(self):
        path = self.folder / "test_sample.py"
        path.write_text(FAILING)
        done = subprocess.run([sys.executable, path], stderr=subprocess.PIPE, text=True, check=False)
        return entry("system / sample", "FAIL", stderr="==== the logs\n" + "daemon\n" * 99 +
                     done.stderr)

    def test_what_unittest_says_of_failures_comes_last(self):
        lines, status = self.tally(self.failing())
        self.assertEqual(lines[-1], "1 passed, 2 failed, 1 skipped")
        self.assertEqual(status, 1)
        end = lines[lines.index("failed:"):]
        self.assertIn("gcc: system / sample: test_finds", end[1])
        self.assertEqual(end[2:5], ["    RuntimeError: what is", "    not there",
                                    "    test_sample.py:13"])
        self.assertIn("gcc: system / sample: test_multiplies", end[5])
        self.assertEqual(end[6:8], ["    AssertionError: 9 != 6 : of a product",
                                    "    test_sample.py:16"])

    def test_what_cmocka_says_of_a_failure_comes_last(self):
        lines, _ = self.tally(entry("unit / rings", "FAIL", CMOCKA))
        self.assertEqual(lines[-4:], ["    0x1 != 0x2",
                                      "    ../tests/unit/test_rings.c:12: error: Failure!", "",
                                      "1 passed, 1 failed"])

    def test_a_crash_beyond_the_cases_is_a_failure(self):
        fine = CMOCKA[:CMOCKA.index("[ RUN      ] a_ring_is_full")]
        lines, _ = self.tally(entry("unit / rings", "FAIL", fine,
                                    "SUMMARY: AddressSanitizer: 8 byte(s) leaked\n"))
        self.assertEqual(lines[-1], "1 passed, 1 failed")
        self.assertEqual(lines[-3], "    SUMMARY: AddressSanitizer: 8 byte(s) leaked")

    def test_a_build_that_fails_is_a_failure_with_the_compilers_words(self):
        (self.folder / "build.step").write_text("failed\n")
        (self.folder / "build.log").write_text("compiling\nx.c:1:1: error: no such word\nstopped\n")
        lines, _ = self.tally(entry("unit / rings", "OK", "fine"))
        self.assertEqual(lines[-3:], ["    x.c:1:1: error: no such word", "", "1 passed, 1 failed"])

    def test_more_failures_than_one_reads_are_named_before_those_that_are_explained(self):
        entries = [entry(f"unit / x{number}", "TIMEOUT", f"words of {number}") for number in range(9)]
        lines, _ = self.tally(*entries)
        end = lines[lines.index("failed:") + 1:]
        self.assertEqual([line.rsplit(" ", 1)[1] for line in end[:3]], ["x6", "x7", "x8"])
        self.assertEqual(end[-3:], ["    words of 5", "", "0 passed, 9 failed"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
