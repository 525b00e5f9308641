#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Does each conformance row's test notice when the row is broken?

mutants.list names, for each row, one line of the code and what to put in its place, and the test
that must then fail. `mutants.py --list` checks that the list is whole and that every mutant still
fits the code; `mutants.py [WORD...]` takes those of the rows, or with the words in their titles, in
a copy of the tree: each one's test must pass without it, and fail with it, in the case that is
named.

An entry of mutants.list:

    [C6 a local address serves traffic before its echo]
    file: control/rib.c
    line: if (!path_is_own_echo(path))
    with: if (false)
    test: unit rib c06_local_addresses_wait_for_the_echo

`line` must be in the file exactly once, blanks at both ends aside. `test` is a suite, a program of
it by its name in meson, and the case; in the suite system, a file and Class.case. What no row speaks
of has a title without one.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LIST = HERE / "mutants.list"
CONFORMANCE = ROOT / "docs" / "conformance.md"
KEYS = ("file", "line", "with", "test")
ROW = re.compile(r"[CR]\d+")
ROWS = re.compile(r"(?:[CR]\d+ ?)+")
CANNOT_BUILD = 125  # what `meson test` ends with

# The rows that have code so far; the others' rows in docs/conformance.md say when they come.
ROWS_WANTED = (
    [f"C{n}" for n in (*range(1, 17), *range(18, 22), *range(24, 31), *range(32, 40), 41,
                       *range(44, 50))] + [f"R{n}" for n in range(1, 7)])


class Mutant:
    def __init__(self, title, fields):
        self.title = title
        rows = ROWS.match(title)
        self.rows = rows.group().split() if rows else []
        for key in KEYS:
            setattr(self, "replacement" if key == "with" else key, fields[key])
        self.suite, self.program, self.case = self.test.split()

    def applied(self, text):
        """The file's text with the line replaced; raises ValueError where the line is not there
        exactly once."""
        lines = text.split("\n")
        places = [number for number, line in enumerate(lines) if line.strip() == self.line]
        if len(places) != 1:
            raise ValueError(f"{self.title}: {self.file} has {len(places)} lines «{self.line}»")
        indent = lines[places[0]][:len(lines[places[0]]) - len(lines[places[0]].lstrip())]
        lines[places[0]] = indent + self.replacement
        return "\n".join(lines)


def read_list(path=LIST):
    mutants, title, fields = [], None, {}

    def close():
        if title is not None:
            missing = [key for key in KEYS if key not in fields]
            if missing:
                raise ValueError(f"{title}: no {', '.join(missing)}")
            mutants.append(Mutant(title, fields))

    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("["):
            close()
            title, fields = line.strip("[] \t"), {}
            continue
        key, _, value = line.partition(":")
        if key not in KEYS or key in fields or title is None:
            raise ValueError(f"{path.name}:{number}: {line}")
        fields[key] = value.strip()
    close()
    return mutants


def source_of(mutant):
    """The file that holds the test of a mutant."""
    name = mutant.program if mutant.program.endswith(".py") else None
    folder = ROOT / "tests" / mutant.suite
    if name:
        return folder / name
    for candidate in (f"test_{mutant.program}.c", f"test_{mutant.program}.py"):
        if (folder / candidate).exists():
            return folder / candidate
    return folder / f"test_{mutant.program}.c"


def faults_of_the_list():
    """What is wrong with the list and with docs/conformance.md: sentences."""
    faults = []
    mutants = read_list()
    for mutant in mutants:
        path = ROOT / mutant.file
        if not path.exists():
            faults.append(f"{mutant.title}: no file {mutant.file}")
            continue
        try:
            mutant.applied(path.read_text())
        except ValueError as error:
            faults.append(str(error))
        source = source_of(mutant)
        if not source.exists() or mutant.case.split(".")[-1] not in source.read_text():
            faults.append(f"{mutant.title}: no test {mutant.test}")
    covered = {row for mutant in mutants for row in mutant.rows}
    faults += [f"{row} has no mutant" for row in ROWS_WANTED if row not in covered]

    tests = "\n".join(path.read_text(errors="replace") for path in (ROOT / "tests").rglob("*")
                      if path.suffix in (".c", ".py") and path.is_file())
    table = dict(re.findall(r"^\| (%s) \|.*\| ([^|]*) \| [^|]* \|$" % ROW.pattern,
                            CONFORMANCE.read_text(), re.M))
    for row in ROWS_WANTED:
        named = re.findall(r"`([^`]+)`", table.get(row, ""))
        if not named:
            faults.append(f"docs/conformance.md names no test for {row}")
        faults += [f"docs/conformance.md names {name} for {row}: there is no such test"
                   for name in named if name.split(".")[-1] not in tests]
    return faults


def run(*command, **options):
    return subprocess.run([str(word) for word in command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
                          stdin=subprocess.DEVNULL, **options)


def copy_tree(target):
    names = subprocess.run(["git", "-c", f"safe.directory={ROOT}", "-C", ROOT, "ls-files", "-z"],
                           capture_output=True, check=True).stdout
    packer = subprocess.Popen(["tar", "-C", ROOT, "--null", "-T", "-", "-cf", "-"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    unpacker = subprocess.Popen(["tar", "-C", target, "-xf", "-"], stdin=packer.stdout)
    packer.stdin.write(names)
    packer.stdin.close()
    if packer.wait() or unpacker.wait():
        raise OSError("the tree could not be copied")


def run_test(mutant, tree, build):
    """Builds and runs a mutant's test; gives its output, and what became of the case that names the
    row: "passed", "failed", None if it did not run; or "does not compile"."""
    environment = dict(os.environ, MILLRACE_BUILD=str(build))
    if mutant.suite == "system":
        done = run("ninja", "-C", build)
        if done.returncode:
            return done.stdout, "does not compile"
        done = run("/usr/bin/python3", tree / "tests/system" / mutant.program, "-v", mutant.case,
                   cwd=tree, env=environment, timeout=300)
        output, status = done.stdout, done.returncode
    else:
        # Builds what this test needs, and no more.
        done = run("meson", "test", "-C", build, "--suite", mutant.suite, "--print-errorlogs",
                   mutant.program, env=environment, timeout=900)
        if done.returncode == CANNOT_BUILD:
            return done.stdout, "does not compile"
        log = build / "meson-logs" / "testlog.txt"
        output, status = log.read_text(errors="replace"), done.returncode
    case = mutant.case.split(".")[-1]
    failed = re.search(r"^\[ *(FAILED|ERROR) *\] %s$|^(FAIL|ERROR): (test_)?%s\b" % (case, case), output,
                       re.M)
    # A crash ends the program in the case that was running.
    running = re.findall(r"\[ RUN +\] (\w+)", output)
    crashed = status != 0 and running and running[-1] == case and \
        not re.search(r"\[ +OK \] %s\b" % case, output)
    if status != 0:
        return output, "failed" if failed or crashed else None
    skipped = re.search(r"SKIPPED *\] %s\b|^(test_)?%s .*skipped" % (case, case), output, re.M)
    return output, None if skipped else "passed"


def print_case(good, mutant, verdict, output):
    """One case a mutant, as TAP, for whoever counts."""
    print(f"{'ok' if good else 'not ok'} - {mutant.title}: {verdict} by {mutant.test}", flush=True)
    if not good:
        print("\n".join(f"    {line}" for line in output.splitlines()[-30:]), flush=True)


def run_mutant(mutant, tree, build):
    """True if it is caught."""
    path = tree / mutant.file
    original = path.read_text()
    path.write_text(mutant.applied(original))
    try:
        output, outcome = run_test(mutant, tree, build)
    finally:
        path.write_text(original)
    verdict = {"failed": "caught", "does not compile": outcome}.get(outcome, "SURVIVED")
    print_case(outcome == "failed", mutant, verdict, output)
    return outcome == "failed"


def run_mutants(wanted):
    """Those whose rows, or whose words in the title, are wanted; of an empty set, all."""
    survivors = 0
    chosen = [mutant for mutant in read_list()
              if not wanted or wanted & {*mutant.rows, *mutant.title.split()}]
    with tempfile.TemporaryDirectory(prefix="millrace-mutants-") as scratch:
        tree = pathlib.Path(scratch) / "tree"
        tree.mkdir()
        copy_tree(tree)
        build = tree / "build"
        setup = run("meson", "setup", build, tree, "-Dwerror=false", "-Doptimization=1")
        if setup.returncode:
            print(f"not ok - the unchanged tree\n{setup.stdout}")
            return 1
        sound = {}  # what a test that fails anyway says about a mutant is nothing
        for mutant in chosen:
            if mutant.test not in sound:
                output, outcome = run_test(mutant, tree, build)
                sound[mutant.test] = outcome == "passed"
                if outcome != "passed":
                    print_case(False, mutant, f"without it, {outcome or 'not run'}", output)
            if not sound[mutant.test] or not run_mutant(mutant, tree, build):
                survivors += 1
    return 1 if survivors else 0


def main(arguments):
    if arguments == ["--list"]:
        faults = faults_of_the_list()
        for fault in faults:
            print(f"not ok - {fault}")
        if not faults:
            for mutant in read_list():
                print(f"ok - {mutant.title}: fits {mutant.file}")
        return 1 if faults else 0
    return run_mutants(set(arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
