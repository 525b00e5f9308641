# SPDX-License-Identifier: BSD-3-Clause
"""A guest behind a vhost-user or memif port: dpdk-testpmd has the guest's side of the port
(net_virtio_user, net_memif) and carries frames between it and a TAP interface, which becomes eth0 of
the workload's namespace. So what a guest can do, this can: ping, TCP, be killed and started again."""

from millrace_lab import tool, wait_for
from topology import Workload

TESTPMD = "dpdk-testpmd"


class Guest(Workload):
    """A workload whose port's other side is a process of its own."""

    def __init__(self, lab, name, vpn, address, mac, tag=None, port=None):
        super().__init__(lab, name, vpn, address, mac, tag, port)
        self.process = None
        self.starts = 0
        self.side = None  # the guest's side of the port, as an option of testpmd's
        self.listens = None  # the socket on which the guest's side listens
        self.early = False  # it must run before the vRouter's port is made
        self.forwarding = "io"  # testpmd's engine
        self.commands = ()  # testpmd's, before it begins

    @property
    def device(self):
        return f"g-{self.name}"

    def launch(self, compute):
        """Starts the guest's process; it may wait for the vRouter."""
        self.starts += 1
        if self.listens is not None:  # testpmd, unlike QEMU, leaves it and stumbles over it
            self.listens.unlink(missing_ok=True)
        script = self.lab.folder / f"{self.name}.testpmd"
        script.write_text("".join(f"{command}\n" for command in self.commands))
        self.process = compute.namespace.start(
            f"{self.name}.{self.starts}.guest", tool(TESTPMD), "--no-huge", "-m", "192", "--no-pci",
            "--no-shconf", "--iova-mode=va", "--no-telemetry",
            f"--file-prefix={self.lab.prefix}{self.name}", "-l", "0,1",
            f"--vdev={self.side}", f"--vdev=net_tap0,iface={self.device}", "--", "--auto-start",
            f"--forward-mode={self.forwarding}", f"--cmdline-file={script}", "--stats-period=1", "--no-lsc-interrupt", "--no-rmv-interrupt",
            "--total-num-mbufs=4096", "--rxd=256", "--txd=256")

    def plug(self, compute, mac=None):
        if self.process is None or not self.process.running:
            self.launch(compute)
        wait_for(f"the guest {self.name} to run", lambda: "statistics" in self.process.log,
                 alive=[self.process, compute.daemon])
        super().plug(compute, mac)

    def is_open_on(self, compute):
        # The TAP is the guest's, which runs already; the vRouter has the other side.
        return compute.namespace.has_interface(self.device)

    def crash(self):
        """The guest dies as a power failure would have it."""
        self.process.kill()
        wait_for(f"the interface of {self.name} to go",
                 lambda: not self.namespace.has_interface("eth0"))

    def comes_back(self, compute):
        if not self.namespace.has_interface("eth0"):
            self.plug(compute)
        self.configure()


def virtio_user(guest, path, server):
    guest.side = f"net_virtio_user0,path={path},queues=1,mac={guest.mac},server={int(server)}"
    guest.listens = path if server else None


def offloading(guest):
    """What a virtual machine with offloads does: the segments that come from its TAP are put
    together, and leave by virtio as large as they are, without their checksums."""
    guest.forwarding = "csum"
    guest.commands = ("port stop all", "csum set tcp hw 0", "csum set udp hw 0", "tso set 1400 0",
                      "csum mac-swap off 0", "csum mac-swap off 1", "set port 1 gro on",
                      "set gro flush 1", "port start all")


def offloaded(guest):
    """The other direction: it tells the vRouter that it can do without checksums and takes TCP
    uncut. Its TAP, which takes no frame above its MTU, gets segments again."""
    guest.commands = ("port stop all", "port config 0 rx_offload tcp_cksum on",
                      "port config 0 rx_offload udp_cksum on", "port config 0 rx_offload tcp_lro on",
                      "csum set ip hw 1", "csum set tcp hw 1", "tso set 1400 1",
                      *guest.commands[1:])


def memif(guest, path, role):
    guest.side = f"net_memif0,socket={path},socket-abstract=no,id=7,role={role}"
    guest.listens = path if role == "server" else None
