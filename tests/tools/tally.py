#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Counts the cases of a run of the tests, from the logs that ./check collected in a directory:
*.json, the log of one `meson test`, and *.step, a build that counts as one case.

A test program is more than one case: the cases of cmocka, of Python's unittest and of TAP are
counted one by one. A program that prints none of these is one case, and so is the failure of a
program beyond its cases (a crash, a time-out, a leak). Prints the end of the log of everything that
failed, every skip with its reason, and closes with `N passed, N failed`.
"""

import json
import pathlib
import re
import sys

LOG_TAIL_LINES = 60

CMOCKA = re.compile(r"^\[\s*(OK|FAILED|SKIPPED)\s*\] (\w+)\s*$", re.M)
UNITTEST = re.compile(
    r"^(\w+) \(([^()\n]+)\)(?:\n[^\n]*)?? \.\.\. (?:.*?\b)?"
    r"(ok|FAIL|ERROR|expected failure|skipped (.*))$", re.M)
TAP = re.compile(r"^(not ok|ok)\b[ \d]*(?:- )?([^#\n]*)(?:# *(SKIP|TODO)\b *(.*))?$", re.M)

BADGE = {"passed": "\033[32m✓\033[0m", "failed": "\033[31m✗\033[0m", "skipped": "\033[33m-\033[0m"}


def cases_of(output):
    """The cases that a program's output tells of: [(name, verdict, reason)]."""
    verdicts = {"OK": "passed", "FAILED": "failed", "SKIPPED": "skipped"}
    found = [(name, verdicts[word], "") for word, name in CMOCKA.findall(output)]
    if found:
        # A failed case is named again in cmocka's closing list.
        return list({name: (name, verdict, reason) for name, verdict, reason in found}.values())
    for name, _, word, reason in UNITTEST.findall(output):
        verdict = ("skipped" if word.startswith("skipped") else
                   "failed" if word in ("FAIL", "ERROR") else "passed")
        found.append((name, verdict, reason.strip("'\"")))
    if found:
        return found
    for word, name, directive, reason in TAP.findall(output):
        verdict = "skipped" if directive == "SKIP" else "passed" if word == "ok" else "failed"
        found.append((name.strip(), verdict, reason))
    return found


def cases_of_test(test):
    """The cases of one entry of meson's log."""
    output = test.get("stdout", "") + "\n" + test.get("stderr", "")
    cases = cases_of(output)
    result = test["result"]
    if not cases:
        lines = output.strip().splitlines()
        verdict = {"OK": "passed", "EXPECTEDFAIL": "passed", "SKIP": "skipped"}.get(result, "failed")
        return [(test["name"], verdict, lines[-1] if lines else "no reason given")]
    if result not in ("OK", "EXPECTEDFAIL", "SKIP") and not any(c[1] == "failed" for c in cases):
        cases.append((f"the program itself ({result.lower()}, status {test['returncode']})",
                      "failed", ""))
    return cases


def main(directory):
    totals = {"passed": 0, "failed": 0, "skipped": 0}
    failures, skips = [], []

    def count(where, name, verdict, reason, log):
        totals[verdict] += 1
        if verdict == "failed":
            failures.append((where, name, log))
        elif verdict == "skipped":
            skips.append((where, name, reason))

    for path in sorted(pathlib.Path(directory).glob("*.step")):
        verdict = {"ok": "passed", "skipped": "skipped"}.get(path.read_text().strip(), "failed")
        log = path.with_suffix(".log").read_text(errors="replace")
        count("build", path.stem, verdict, log.strip(), log)
    for path in sorted(pathlib.Path(directory).glob("*.json")):
        for line in path.read_text(errors="replace").splitlines():
            test = json.loads(line)
            log = test.get("stdout", "") + "\n" + test.get("stderr", "")
            where = f"{path.stem}: {test['name'].removeprefix('millrace:')}"
            for name, verdict, reason in cases_of_test(test):
                count(where, name, verdict, reason, log)

    shown = set()
    for where, name, log in failures:
        print(f"{BADGE['failed']} {where}: {name}")
    for where, _, log in failures:
        if where not in shown:
            shown.add(where)
            print(f"\n---- {where}: the last lines of its log")
            print("\n".join(log.rstrip().splitlines()[-LOG_TAIL_LINES:]))
    if skips:
        print("\nskipped:")
    for where, name, reason in skips:
        print(f"{BADGE['skipped']} {where}: {name}: {reason or 'no reason given'}")
    closing = f"{totals['passed']} passed, {totals['failed']} failed"
    if totals["skipped"]:
        closing += f", {totals['skipped']} skipped"
    print()
    print(closing)
    return 0 if totals["failed"] == 0 and totals["passed"] > 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
