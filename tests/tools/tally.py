#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Counts the cases of a run of the tests, from the logs that ./check collected in a directory:
*.json, the log of one `meson test`, and *.step, a build that counts as one case.

A test program is more than one case: the cases of cmocka, of Python's unittest and of TAP are
counted one by one. A program that prints none of these is one case, and so is the failure of a
program beyond its cases (a crash, a time-out, a leak). Prints every skip with its reason, the end of
the log of everything that failed, then each failure with the lines that say what was wrong, for
often the last lines are all that one sees, and closes with `N passed, N failed`.
"""

import json
import pathlib
import re
import sys

LOG_TAIL_LINES = 60
REASON_LINES = 6
REASON_COLUMNS = 200
EXPLAINED = 6  # failures; of more than these only the names are told

CMOCKA = re.compile(r"^\[\s*(OK|FAILED|SKIPPED)\s*\] (\w+)\s*$", re.M)
UNITTEST = re.compile(
    r"^(\w+) \(([^()\n]+)\)(?:\n[^\n]*)?? \.\.\. (?:.*?\b)?"
    r"(ok|FAIL|ERROR|expected failure|skipped (.*))$", re.M)
TAP = re.compile(r"^(not ok|ok)\b[ \d]*(?:- )?([^#\n]*)(?:# *(SKIP|TODO)\b *(.*))?$", re.M)

# Where a failure is told at length: unittest's account of a case, with its name and what follows
# upon the calls; cmocka's lines between the beginning and the end of a case.
ACCOUNT = re.compile(r"^={70}\n(?:FAIL|ERROR): (\w+)[^\n]*\n(.*?)(?=^={70}$|^-{70}\nRan )",
                     re.M | re.S)
CALL = re.compile(r'^  File "([^"]+)", line (\d+), in .*\n(?:    .*\n)*', re.M)
WRONG = re.compile(r"^\[\s*(?:ERROR|LINE)\s*\] ---\s*(.*)$", re.M)
COMPLAINT = re.compile(r"error|fatal|Sanitizer|assertion", re.I)

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
    output = log_of(test)
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


def log_of(test):
    return test.get("stdout", "") + "\n" + test.get("stderr", "")


def text_and_place(account):
    """What an exception says, which stands behind the innermost call, and where a test was then."""
    calls = list(CALL.finditer(account))
    text = account[calls[-1].end():] if calls else account
    places = [f"{pathlib.Path(call.group(1)).name}:{call.group(2)}" for call in calls]
    tests = [place for place in places if place.startswith("test_")]
    return lines_of(text)[:REASON_LINES] + (tests or places)[-1:]


def lines_of(text):
    return [line for line in text.splitlines() if line.strip()]


def what_was_wrong(name, log):
    """The few lines of a log that say why a case failed."""
    for case, account in ACCOUNT.findall(log):
        if case == name:
            return text_and_place(account)
    begun = re.search(rf"^\[ RUN +\] {re.escape(name)}$", log, re.M)
    if begun:
        own = log[begun.end():].split("[ RUN ", 1)[0]
        wrong = WRONG.findall(own)
        if wrong:
            return wrong[:REASON_LINES]
    told = [line for line in lines_of(log) if COMPLAINT.search(line)]
    return (told or lines_of(log)[-REASON_LINES:])[:REASON_LINES]


class Tally:
    def __init__(self):
        self.totals = {"passed": 0, "failed": 0, "skipped": 0}
        self.failures, self.skips = [], []

    def count(self, where, name, verdict, reason, log):
        self.totals[verdict] += 1
        if verdict == "failed":
            self.failures.append((where, name, log))
        elif verdict == "skipped":
            self.skips.append((where, name, reason))

    def read(self, directory):
        for path in sorted(directory.glob("*.step")):
            verdict = {"ok": "passed", "skipped": "skipped"}.get(path.read_text().strip(), "failed")
            log = path.with_suffix(".log").read_text(errors="replace")
            self.count("build", path.stem, verdict, log.strip(), log)
        for path in sorted(directory.glob("*.json")):
            for line in path.read_text(errors="replace").splitlines():
                test = json.loads(line)
                where = f"{path.stem}: {test['name'].removeprefix('millrace:')}"
                for name, verdict, reason in cases_of_test(test):
                    self.count(where, name, verdict, reason, log_of(test))

    def tell(self):
        if self.skips:
            print("\nskipped:")
        for where, name, reason in self.skips:
            print(f"{BADGE['skipped']} {where}: {name}: {reason or 'no reason given'}")
        for where, log in {where: log for where, _, log in self.failures}.items():
            print(f"\n---- {where}: the last lines of its log")
            print("\n".join(log.rstrip().splitlines()[-LOG_TAIL_LINES:]))
        if self.failures:
            print("\nfailed:")
        for where, name, _ in self.failures[EXPLAINED:]:
            print(f"{BADGE['failed']} {where}: {name}")
        for where, name, log in self.failures[:EXPLAINED]:
            print(f"{BADGE['failed']} {where}: {name}")
            for line in what_was_wrong(name, log):
                print(f"    {line[:REASON_COLUMNS]}")
        closing = f"{self.totals['passed']} passed, {self.totals['failed']} failed"
        if self.totals["skipped"]:
            closing += f", {self.totals['skipped']} skipped"
        print(f"\n{closing}")


def main(directory):
    tally = Tally()
    tally.read(pathlib.Path(directory))
    tally.tell()
    return 0 if tally.totals["failed"] == 0 and tally.totals["passed"] > 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
