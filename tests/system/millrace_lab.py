# SPDX-License-Identifier: BSD-3-Clause
"""A network on one machine, for the demo and the system tests: computes, route servers and
workloads as network namespaces, the Millrace programs as processes in them, and what one wants to
do to them. Python's standard library only.

Whoever makes a Lab takes it down again with close(), whatever happened. Everything carries the
lab's prefix in its name; nothing else on the machine is touched. Waiting is always for an event,
with a deadline.
"""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = pathlib.Path(os.environ.get("MILLRACE_BUILD", ROOT / "build"))

DEADLINE = 90.0  # seconds, for what should take one or two, on a machine that is busy with others
ANSWER = 20  # seconds, for the answer to a ping
POLL = 0.02
LOG_TAIL = 40  # lines


class LabError(Exception):
    """Something did not happen as it should have; the text says what."""


def program(name):
    """The path of a program of the build."""
    folders = {"millrace": "control", "millrace-rs": "control/routeserver",
               "millracectl": "control/cli", "numbered": "tests/tools"}
    path = BUILD / folders[name] / name
    if not path.exists():
        path = BUILD / name
    if not path.exists():
        raise LabError(f"{name} is not built in {BUILD}")
    return str(path)


def run(*command, check=True, timeout=DEADLINE, text=None):
    """Runs a command; its output (both streams) is in .stdout."""
    command = [str(word) for word in command]
    shown = " ".join(command).splitlines()[0][:200]  # one may have a whole program in it
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=timeout, check=False,
                              input=text, stdin=None if text is not None else subprocess.DEVNULL)
    except subprocess.TimeoutExpired as late:
        raise LabError(f"{shown}: not done after {timeout} s") from late
    if check and done.returncode != 0:
        raise LabError(f"{shown}: status {done.returncode}\n{done.stdout.strip()}")
    return done


def wait_for(what, condition, seconds=DEADLINE, alive=()):
    """Calls condition until it gives something true, which is returned. Fails at the deadline, and
    at once when one of the `alive` processes has ended."""
    deadline = time.monotonic() + seconds
    last = None
    while True:
        try:
            value = condition()
            if value:
                return value
            last = None
        except (LabError, OSError, ValueError, LookupError) as error:
            last = error
        for process in alive:
            process.assert_alive(f"while waiting for {what}")
        if time.monotonic() > deadline:
            raise LabError(f"waited {seconds:g} s in vain for {what}" +
                           (f" ({last})" if last else ""))
        time.sleep(POLL)


class Namespace:
    """A network namespace of the lab."""

    def __init__(self, lab, name):
        self.lab, self.short, self.name = lab, name, lab.prefix + name
        run("ip", "netns", "add", self.name)
        lab.namespaces[name] = self
        self.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1",
                 "net.ipv6.conf.default.disable_ipv6=1", check=False)
        self.ip("link", "set", "lo", "up")

    def command(self, *command):
        return ["ip", "netns", "exec", self.name, *map(str, command)]

    def run(self, *command, **options):
        return run(*self.command(*command), **options)

    def ip(self, *arguments, check=True):
        return run("ip", "-n", self.name, *arguments, check=check)

    def start(self, label, *command):
        """A process in the background; its output goes to a log of the lab."""
        return Process(self.lab, f"{label}", self.command(*command))

    def has_interface(self, name):
        return self.ip("link", "show", "dev", name, check=False).returncode == 0


def veth(one, one_name, other, other_name):
    """A cable between two namespaces. What the kernel would leave to the hardware, checksums, is
    switched off: the other end reads the frames as they are."""
    run("ip", "link", "add", one_name, "netns", one.name, "type", "veth",
        "peer", "name", other_name, "netns", other.name)
    for namespace, name in ((one, one_name), (other, other_name)):
        namespace.run("ethtool", "-K", name, "rx", "off", "tx", "off", "gso", "off", "gro", "off",
                      "tso", "off", check=False)
        namespace.ip("link", "set", name, "up")


def bridge(namespace, name):
    """A switch in a namespace, which hands on whatever it gets: where it can, the kernel would have
    it look into packets and drop wrong ones."""
    namespace.ip("link", "add", name, "type", "bridge")
    namespace.run("sysctl", "-qw", "net.bridge.bridge-nf-call-iptables=0",
                  "net.bridge.bridge-nf-call-ip6tables=0", check=False)
    namespace.ip("link", "set", name, "up")


class Process:
    """A process of the lab's, with its log."""

    def __init__(self, lab, label, command, directory=None):
        # A log of its own, also for the second process of that name.
        label = lab.unique(label)
        self.lab, self.label, self.command = lab, label, [str(word) for word in command]
        self.log_path = lab.folder / f"{label}.log"
        self.directory = directory
        self.handle = None
        self.expected_end = False
        lab.processes.append(self)
        self.launch()

    def launch(self):
        with open(self.log_path, "ab") as log:
            # Not a group of its own: an interrupt from the terminal reaches the whole lab, and the
            # lab's close() ends what is left.
            self.handle = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log,
                                           stderr=subprocess.STDOUT, cwd=self.directory,
                                           start_new_session=True)
        self.expected_end = False

    @property
    def running(self):
        return self.handle is not None and self.handle.poll() is None

    @property
    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def log_tail(self, lines=LOG_TAIL):
        return "\n".join(self.log.rstrip().splitlines()[-lines:])

    def assert_alive(self, when=""):
        if not self.running and not self.expected_end:
            raise LabError(f"{self.label} has ended with status {self.handle.returncode} {when}\n"
                           + self.log_tail())

    def send(self, number):
        if self.running:
            self.handle.send_signal(number)

    def wait_end(self, seconds=DEADLINE):
        self.expected_end = True
        try:
            return self.handle.wait(seconds)
        except subprocess.TimeoutExpired as late:
            raise LabError(f"{self.label} does not end\n{self.log_tail()}") from late

    def stop(self, number=signal.SIGTERM):
        """Asks it to end; an unclean end is an error."""
        self.assert_alive("before it was told to stop")
        self.expected_end = True
        self.send(number)
        self.send(signal.SIGCONT)
        status = self.wait_end()
        if status not in (0, -number):
            raise LabError(f"{self.label} ended with status {status}\n{self.log_tail()}")

    def kill(self):
        """Ends it without asking, as a crash would."""
        self.expected_end = True
        self.send(signal.SIGKILL)
        self.wait_end()

    def pause(self):
        self.send(signal.SIGSTOP)

    def resume(self):
        self.send(signal.SIGCONT)


class Rpc:
    """A connection to a control socket: JSON-RPC 2.0, a request a line."""

    def __init__(self, path, timeout=DEADLINE):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        try:
            self.socket.connect(str(path))
        except OSError:
            self.socket.close()
            raise
        self.file = self.socket.makefile("rwb")
        self.number = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send_line(self, line):
        """One raw line out, one line back."""
        self.file.write(line + b"\n")
        self.file.flush()
        answer = self.file.readline()
        if not answer:
            raise LabError("the control socket was closed")
        return json.loads(answer)

    def call(self, verb, **parameters):
        self.number += 1
        request = {"jsonrpc": "2.0", "id": self.number, "method": verb}
        if parameters:
            request["params"] = parameters
        answer = self.send_line(json.dumps(request).encode())
        if "error" in answer:
            raise LabError(f"{verb}: {answer['error']}")
        return answer["result"]


class Daemon(Process):
    """millrace or millrace-rs: a process with a control socket."""

    def __init__(self, lab, label, program_name, namespace, config):
        self.namespace = namespace
        self.socket_path = lab.folder / f"{label}.sock"
        self.config_path = lab.folder / f"{label}.conf"
        self.state_path = lab.folder / f"{label}.state"
        self.state_path.mkdir(exist_ok=True)
        self.write_config(config)
        wrapper = os.environ.get("MILLRACE_WRAPPER", "").split()
        super().__init__(lab, label, namespace.command(
            *wrapper, program(program_name), "-c", self.config_path))
        self.wait_ready()

    def write_config(self, text):
        self.config_path.write_text(text)

    def wait_ready(self):
        def answers():
            with Rpc(self.socket_path) as rpc:
                return rpc.number == 0
        wait_for(f"the control socket of {self.label}", answers, alive=[self])

    def start_again(self):
        if self.running:
            raise LabError(f"{self.label} is still running")
        if self.socket_path.exists():
            self.socket_path.unlink()
        self.launch()
        self.wait_ready()

    def rpc(self, verb, **parameters):
        with Rpc(self.socket_path) as rpc:
            return rpc.call(verb, **parameters)

    def ctl(self, *words, check=True):
        """millracectl, as a person would use it: its text."""
        return run(program("millracectl"), "--socket", self.socket_path, *words, check=check).stdout

    def ctl_json(self, *words):
        return json.loads(self.ctl("--json", *words))


class Capture:
    """tcpdump on an interface, into a file; with room for what comes while it has no processor."""

    def __init__(self, namespace, interface, label, expression=""):
        label = namespace.lab.unique(label)
        self.path = namespace.lab.folder / f"{label}.pcap"
        self.process = namespace.start(f"{label}.tcpdump", "tcpdump", "-n", "-U", "-Z", "root",
                                       "-B", "32768", "--immediate-mode", "-i", interface, "-w",
                                       self.path, *expression.split())
        wait_for(f"tcpdump on {interface}", lambda: "listening on" in self.process.log,
                 alive=[self.process])

    def stop(self):
        if self.process.running:
            self.process.stop(signal.SIGINT)
        return self.path


class Numbered:
    """Numbered packets from one namespace to an address in another (see tests/tools/numbered.c)."""

    def __init__(self, lab, label, sender, receiver, address, port=7001, window=32, flows=1):
        self.receiver = receiver.start(f"{label}.receiver", program("numbered"), "receive",
                                       f"{address}:{port}", "--flows", flows)
        wait_for("the receiver of numbered packets",
                 lambda: "listening" in self.receiver.log, alive=[self.receiver])
        self.sender = sender.start(f"{label}.sender", program("numbered"), "send",
                                   f"{address}:{port}", "--window", window, "--flows", flows)
        self.wait_flowing()

    def events(self, kind=None):
        found = []
        for line in self.sender.log.splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if kind is None or event["event"] == kind:
                found.append(event)
        return found

    @property
    def received(self):
        progress = self.events("progress")
        return progress[-1]["received"] if progress else 0

    def wait_flowing(self, more=1):
        """Waits until so many more packets have arrived than until now."""
        goal = self.received + more
        wait_for("numbered packets to flow", lambda: self.received >= goal,
                 alive=[self.sender, self.receiver])

    def finish(self):
        """Stops the sender; gives the report."""
        self.sender.expected_end = True
        self.sender.send(signal.SIGINT)
        self.sender.wait_end()
        self.receiver.stop()
        reports = self.events("report")
        if not reports or not reports[-1]["accounted"]:
            raise LabError(f"no account of the numbered packets\n{self.sender.log_tail()}")
        return reports[-1]


class Lab:
    """Everything of one network; see the head of this file."""

    def __init__(self, prefix, folder):
        self.prefix = prefix
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.namespaces = {}
        self.processes = []
        self.labels = set()
        self.taken_down = False

    def unique(self, label):
        """The label, with a number behind it where it was given out before."""
        found, number = label, 1
        while found in self.labels:
            number += 1
            found = f"{label}-{number}"
        self.labels.add(found)
        return found

    def namespace(self, name):
        return self.namespaces.get(name) or Namespace(self, name)

    def close(self):
        """Ends every process and removes every namespace; says which process ended on its own."""
        if self.taken_down:
            return []
        self.taken_down = True
        unclean = [process for process in self.processes
                   if not process.running and not process.expected_end
                   and process.handle.returncode != 0]
        for process in reversed(self.processes):
            process.send(signal.SIGCONT)
            process.send(signal.SIGTERM)
        for process in reversed(self.processes):
            try:
                process.handle.wait(5)
            except subprocess.TimeoutExpired:
                process.handle.kill()
                process.handle.wait()
        remove_namespaces(self.prefix)
        return [f"{process.label} ended with status {process.handle.returncode}\n"
                f"{process.log_tail()}" for process in unclean]

    def failure_report(self):
        """The ends of the logs that matter."""
        parts = []
        for process in self.processes:
            if isinstance(process, Daemon) or process.running != process.expected_end:
                state = "running" if process.running else f"ended: {process.handle.returncode}"
                parts.append(f"---- {process.label} ({state})\n{process.log_tail()}")
        return "\n".join(parts)


def remove_namespaces(prefix):
    """Removes the namespaces with this prefix and ends what runs in them."""
    for line in run("ip", "netns", "list").stdout.splitlines():
        name = line.split()[0] if line.split() else ""
        if not name.startswith(prefix):
            continue
        for pid in run("ip", "netns", "pids", name, check=False).stdout.split():
            try:
                os.kill(int(pid), signal.SIGKILL)
            except (ProcessLookupError, ValueError):
                pass
        run("ip", "netns", "delete", name, check=False)


def kernel_has_vlan(lab):
    """Whether this kernel makes 802.1Q interfaces."""
    probe = Namespace(lab, "probe")
    try:
        probe.ip("link", "add", "probe0", "type", "veth", "peer", "name", "probe1")
        return probe.ip("link", "add", "link", "probe0", "name", "probe0.1", "type", "vlan",
                        "id", "1", check=False).returncode == 0
    finally:
        del lab.namespaces["probe"]
        run("ip", "netns", "delete", probe.name)


def answers_in(text):
    """How many answers ping's closing lines tell of."""
    found = re.search(r"\d+ packets transmitted, (\d+) (?:packets )?received", text)
    if not found:
        raise LabError(f"ping said:\n{text}")
    return int(found.group(1))


def ping(namespace, address, count=5, size=56, extra=()):
    """Pings one after the other, each when the last one was answered, until one is not. @return how
    many were: `count`, if all is well. An answer may take its time: a machine may be busy."""
    once = namespace.command("ping", "-n", "-c", "1", "-W", ANSWER, "-s", size, *extra, address)
    for number in range(count):
        if answers_in(run(*once, check=False).stdout) == 0:
            return number
    return count


def ping_burst(namespace, address, count, interval=0.1, size=56, extra=()):
    """Pings one after the other at this interval, in seconds; for those of which some or all must
    get lost. @return how many answers came until soon after the last one"""
    said = namespace.run("ping", "-n", "-c", count, "-i", interval, "-W", "1", "-s", size, *extra,
                         address, check=False, timeout=DEADLINE + count * max(interval, 1)).stdout
    return answers_in(said)


def tool(name):
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/local/sbin")


def complain(text):
    print(text, file=sys.stderr)
