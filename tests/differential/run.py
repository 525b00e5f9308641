#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The differential test by hand: random scenarios and packets through the packet lab and through
the model, compared.

    run.py --packets 1000000             more of it, on all CPUs
    run.py --seed SEED --batch NUMBER    one case again, shrunk and saved if it fails
    run.py --replay FILE...              saved cases again
"""

import argparse
import collections
import concurrent.futures
import os
import pathlib
import random
import time

from case import Case, PatientLab, lab

FAILED = pathlib.Path(lab.LAB).resolve().parents[1] / "differential/failed"
FAILURES_MAX = 5  # each is shrunk, and that takes its time
FAULTS_SHOWN, FAULT_WIDTH = 6, 400
BATCHES_A_TASK = 50


class Summary:
    """What was run: counts of packets, of tags seen, of verdicts; and what failed."""

    def __init__(self):
        self.batches = self.packets = self.tags = 0
        self.verdicts = collections.Counter()
        self.failures = []  # (batch, path, faults)

    def add(self, other):
        self.batches += other.batches
        self.packets += other.packets
        self.tags += other.tags
        self.verdicts += other.verdicts
        self.failures += other.failures

    def text(self):
        verdicts = ", ".join(f"{name} {count}" for name, count in sorted(self.verdicts.items()))
        return (f"{self.packets} packets in {self.batches} scenarios, {self.tags} that came out "
                f"were looked at for leaks\n{verdicts}")


def verdict(outcome):
    if outcome.drops:
        return outcome.drops[0][0]
    if outcome.answered:
        return f"told {outcome.answered[0].reason}"
    if outcome.punts:
        return f"punt {outcome.punts[0].reason}"
    if outcome.held:
        return "held"
    return "sent in fragments" if outcome.fragmented else \
        "sent, put together" if outcome.together else "sent"


def run_case(case, name, the_lab, summary):
    faults = case.run(the_lab)
    summary.batches += 1
    summary.packets += case.packets()
    summary.tags += case.tags_seen
    if case.judge is not None:
        summary.verdicts.update(map(verdict, case.judge.chosen.values()))
    if faults:
        small = case.shrunk(the_lab)
        path = FAILED / f"{name}.json"
        found = small.run(the_lab)
        small.save(path, found)
        summary.failures.append((name, path, found))


def run_batches(seed, batches):
    """Cases of a seed by their numbers, in this process."""
    summary, the_lab = Summary(), PatientLab()
    try:
        for batch in batches:
            run_case(Case.draw(seed, batch), f"{seed}-{batch}", the_lab, summary)
            if len(summary.failures) >= FAILURES_MAX:
                break
    finally:
        the_lab.close()
    return summary


def run_packets(seed, packets, processes):
    """At least so many packets, in so many processes."""
    summary, first = Summary(), 0
    with concurrent.futures.ProcessPoolExecutor(processes) as pool:
        running = set()
        while summary.packets < packets and len(summary.failures) < FAILURES_MAX:
            while len(running) < 2 * processes:
                running.add(pool.submit(run_batches, seed, range(first, first + BATCHES_A_TASK)))
                first += BATCHES_A_TASK
            done, running = concurrent.futures.wait(
                running, return_when=concurrent.futures.FIRST_COMPLETED)
            for each in done:
                summary.add(each.result())
        for each in running:
            each.cancel()
        for each in running:
            if not each.cancelled():
                summary.add(each.result())
    return summary


def replay(paths):
    """Saved cases. @return a Summary."""
    summary, the_lab = Summary(), PatientLab()
    try:
        for path in paths:
            run_case(Case.load(path), pathlib.Path(path).stem, the_lab, summary)
    finally:
        the_lab.close()
    return summary


def the_seed():
    """The seed of this run: MILLRACE_SEED, or one drawn for it."""
    return os.environ.get("MILLRACE_SEED") or str(random.SystemRandom().randrange(10 ** 9))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packets", type=int, default=100000)
    parser.add_argument("--seed", default=the_seed())
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--batch", type=int)
    parser.add_argument("--replay", nargs="+")
    options = parser.parse_args()
    begin = time.monotonic()
    if options.replay:
        summary = replay(options.replay)
    elif options.batch is not None:
        summary = run_batches(options.seed, [options.batch])
    else:
        print(f"seed {options.seed}", flush=True)
        summary = run_packets(options.seed, options.packets, options.processes)
    print(f"{summary.text()}\n{time.monotonic() - begin:.0f} s")
    for name, path, faults in summary.failures:
        print(f"FAILED {name}, shrunk and saved: {path}")
        for fault in faults[:FAULTS_SHOWN]:
            print(f"    {fault[:FAULT_WIDTH]}")
    return 1 if summary.failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
