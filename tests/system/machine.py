# SPDX-License-Identifier: BSD-3-Clause
"""Virtual machines of QEMU's with Linux in them: a Debian kernel, an initramfs made here of busybox
and what tools a test wants, and a shell behind a serial port that runs what it is told."""

import lzma
import os
import pathlib
import re
import shutil
import socket
import unittest

from millrace_lab import ROOT, LabError, run, tool, wait_for

QEMU = "qemu-system-x86_64"
PATIENCE = 300  # seconds: an emulated machine starts in ten where nobody else needs the processor

VIRTIO = ("virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "virtio_net")

# The start of every /init: what a test adds stands behind it.
INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in {modules}; do insmod /modules/$module.ko || echo "no module $module"; done
ip link set lo up
"""

# Each line from the serial port is run; its output goes back, closed by a line with the status.
SHELL = """stty -F /dev/ttyS1 raw -echo
exec </dev/ttyS1 >/dev/ttyS1 2>&1
echo ready
while read -r line; do
    eval "$line" </dev/null
    echo "status $?"
done
poweroff -f
"""


class Kernel:
    """A kernel of Debian's and its modules, installed or in a folder with the same tree: that of
    MILLRACE_GUEST_ROOT, or what tests/setup.sh has unpacked."""

    def __init__(self):
        wanted = os.environ.get("MILLRACE_GUEST_ROOT")
        for root in [wanted] if wanted else [ROOT / "build-guest", "/"]:
            root = pathlib.Path(root)
            for path in sorted(root.glob("boot/vmlinuz-*"), reverse=True):
                modules = root / "lib/modules" / path.name.split("-", 1)[1]
                if modules.is_dir():
                    self.path = path
                    self.files = {file.name.split(".")[0].replace("-", "_"): file
                                  for file in modules.rglob("*.ko*")}
                    return
        raise unittest.SkipTest("no kernel for a virtual machine: install linux-image-cloud-amd64, "
                                "or name a folder where it is unpacked in MILLRACE_GUEST_ROOT")

    def module(self, name):
        octets = self.files[name].read_bytes()
        return lzma.decompress(octets) if self.files[name].suffix == ".xz" else octets

    def with_needed(self, names, found=None):
        """The modules of these names behind those that they need; what the kernel has built in is
        no file."""
        found = {} if found is None else found
        for name in names:
            if name in self.files and name not in found:
                octets = self.module(name)
                needs = re.search(rb"\0depends=([\w,-]*)\0", octets).group(1).decode()
                self.with_needed(filter(None, needs.replace("-", "_").split(",")), found)
                found[name] = octets
        return found


def require(*packages):
    """Skips unless each (program, package) is there."""
    for name, package in ((QEMU, "qemu-system-x86"), ("busybox", "busybox-static"), *packages):
        if tool(name) is None:
            raise unittest.SkipTest(f"{name} (package {package}) is missing")


def initramfs(lab, label, kernel, modules, script, tools=()):
    """Packs a root file system: busybox, the modules, programs with their libraries, /init."""
    folder = lab.folder / f"{label}.root"
    for name in ("bin", "proc", "sys", "dev", "modules", "tmp", "usr/sbin"):
        (folder / name).mkdir(parents=True)
    shutil.copy(tool("busybox"), folder / "bin/busybox")
    found = kernel.with_needed(modules)
    for name, octets in found.items():
        (folder / f"modules/{name}.ko").write_bytes(octets)
    for name in tools:
        shutil.copy(tool(name), folder / "usr/sbin" / name)
        for library in re.findall(r"(/\S+) \(0x", run("ldd", tool(name)).stdout):
            (folder / library[1:]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, folder / library[1:])
    init = folder / "init"
    # busybox's shell takes its own applets before what stands in the path
    functions = "".join(f'{name}() {{ /usr/sbin/{name} "$@"; }}\n' for name in tools)
    init.write_text(INIT.format(modules=" ".join(found)) + functions + script)
    init.chmod(0o755)
    archive = lab.folder / f"{label}.cpio"
    run("sh", "-c", f"cd {folder} && find . | busybox cpio -o -H newc >{archive} 2>/dev/null")
    return archive


def start(namespace, label, kernel, archive, *arguments):
    """Boots a machine without hardware but that of the arguments; its console is the log. Emulated:
    a virtual machine in a virtual machine is not to be had everywhere."""
    return namespace.start(
        label, tool(QEMU), "-accel", "tcg", "-nodefaults", "-nographic", "-no-reboot", "-serial",
        "stdio", "-m", "256", "-kernel", kernel.path, "-initrd", archive, "-append",
        "console=ttyS0 quiet panic=-1", *arguments)


class Machine:
    """A machine with one network interface, eth0, whose other end is a TAP interface of a
    namespace, and with a shell for the test."""

    def __init__(self, namespace, name, tap, mac, modules, tools):
        kernel = Kernel()
        lab, path = namespace.lab, namespace.lab.folder / f"{name}.shell"
        archive = initramfs(lab, name, kernel, VIRTIO + tuple(modules), SHELL, tools)
        # Frames cross the TAP interface complete: no checksum is left to the other side.
        self.process = start(
            namespace, name, kernel, archive, "-machine", "q35", "-chardev",
            f"socket,id=shell,path={path},server=on,wait=off", "-serial", "chardev:shell",
            "-netdev", f"tap,id=net,ifname={tap},script=no,downscript=no,vnet_hdr=off", "-device",
            f"virtio-net-pci,netdev=net,mac={mac},romfile=")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        wait_for(f"the serial port of {name}", lambda: self.connect(path), alive=[self.process])
        self.lines = self.socket.makefile("r", errors="replace")
        self.socket.settimeout(PATIENCE)
        while self.lines.readline() != "ready\n":
            self.process.assert_alive("while it was starting")

    def connect(self, path):
        self.socket.connect(str(path))
        return True

    def run(self, command, check=True):
        """Runs a command in the machine. @return its output"""
        self.socket.sendall(command.encode() + b"\n")
        said = []
        while not (line := self.lines.readline()).startswith("status "):
            if not line:
                raise LabError(f"the machine has ended: {self.process.log_tail()}")
            said.append(line)
        if check and line != "status 0\n":
            raise LabError(f"{command}: {line}{''.join(said)}")
        return "".join(said)

    def close(self):
        self.lines.close()
        self.socket.close()
        if self.process.running:
            self.process.stop()
