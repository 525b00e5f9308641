# SPDX-License-Identifier: BSD-3-Clause
"""The network of the demo and of most system tests, and the configuration of the programs in it:

      red1 blue1   red3 behind tag 100             red2 blue2   blue3 behind tag 200
        │    │      │                                │    │      │
     ┌──┴────┴──────┴──┐                          ┌──┴────┴──────┴──┐
     │    compute1     │                          │    compute2     │
     └────────┬────────┘                          └────────┬────────┘
              │ 192.0.2.11         underlay     192.0.2.12 │
              └──────────────┬─────────────────────────────┘
                             │ 192.0.2.1
                    ┌────────┴────────┐
                    │ rs1 198.51.100.1│  route servers, behind their host;
                    │ rs2 198.51.100.2│  also 2001:db8:99::1 and ::2, by 2001:db8:f::1
                    └─────────────────┘

A compute has one cable, the underlay's, and it belongs to the vRouter: XMPP leaves the kernel by
host0 and shares it with the tunnels. A workload is a namespace with one interface, eth0.
"""

import sys

from millrace_lab import (DEADLINE, HERE, Daemon, bridge, kernel_has_vlan, ping, ping_burst, veth,
                          wait_for)


def braces(texts):
    """A list of texts in a configuration file."""
    return "{" + ", ".join(f'"{text}"' for text in texts) + "}"


class Workload:
    """A namespace behind a virtual interface of a vRouter."""

    def __init__(self, lab, name, vpn, address, mac, tag=None, port=None):
        self.lab, self.name, self.vpn, self.mac, self.tag = lab, name, vpn, mac, tag
        self.address = address
        self.address6 = None  # one of IPv6 beside it; before it is plugged in
        self.port = port or f"tap:{name}"
        self.namespace = lab.namespace(name)
        self.relay = None
        self.keys = {}  # more keys of its section, or others' values

    @property
    def device(self):
        """The kernel's interface that the vRouter makes for this workload's port."""
        return self.port.split(":", 1)[1]

    @property
    def addresses(self):
        return [address for address in (self.address, self.address6) if address is not None]

    def section(self):
        """Its section in the configuration of a vRouter."""
        keys = {"vpn": f'"{self.vpn}"', "port": f'"{self.port}"', "mac": f'"{self.mac}"',
                "address": braces(self.addresses)}
        if self.tag is not None:
            keys["vlan"] = self.tag
        keys.update(self.keys)
        inner = "\n".join(f"    {key} = {value}" for key, value in keys.items())
        return f'vif "{self.name}" {{\n{inner}\n}}\n'

    def parameters(self):
        """The same as parameters of vif.add."""
        found = {"name": self.name, "vpn": self.vpn, "port": self.port, "mac": self.mac,
                 "addresses": self.addresses}
        if self.tag is not None:
            found["vlan"] = self.tag
        return found

    def is_open_on(self, compute):
        return any(vif["name"] == self.name and vif["state"] in ("up", "down")
                   for vif in compute.daemon.rpc("vif.list")["vifs"])

    def plug(self, compute, mac=None):
        """Puts the vRouter's TAP interface, or its tag, into the workload as eth0: what plugging
        in a guest is. Again after each start of the vRouter, which makes the TAP anew."""
        if self.namespace.has_interface("eth0"):
            self.namespace.ip("link", "delete", "eth0", check=False)
        if self.relay is not None and self.relay.running:
            self.relay.kill()
        host = compute.namespace
        # Not as soon as the kernel shows it: the driver opens it once more, by name, before that.
        wait_for(f"the port of {self.name}", lambda: self.is_open_on(compute),
                 alive=[compute.daemon] if compute.daemon else [])
        device = self.device
        if self.tag is not None:
            host.ip("link", "set", self.device, "up")
            device = f"tag{self.tag}"
            if self.lab_has_vlan():
                host.ip("link", "add", "link", self.device, "name", device, "type", "vlan",
                        "id", self.tag)
            else:
                self.relay = host.start(f"{self.name}.tag", sys.executable, HERE / "vlan_port.py",
                                        self.device, self.tag, device)
                wait_for(f"the tagged port of {self.name}", lambda: host.has_interface(device),
                         alive=[self.relay])
                # It may end when the vRouter takes the trunk away.
                self.relay.expected_end = True
        host.ip("link", "set", device, "netns", self.namespace.name)
        if self.address6 is not None:
            self.speak_ipv6()
        self.namespace.ip("link", "set", device, "name", "eth0")
        self.namespace.ip("link", "set", "eth0", "address", mac or self.mac)
        self.namespace.ip("link", "set", "eth0", "up")

    def lab_has_vlan(self):
        if not hasattr(self.lab, "has_vlan"):
            self.lab.has_vlan = kernel_has_vlan(self.lab)
        return self.lab.has_vlan

    def dhcp(self, client="udhcpc"):
        """Takes its address from the vRouter; gives what the client said."""
        script = HERE / "dhcp-client-script"
        if client == "udhcpc":
            return self.namespace.run("udhcpc", "-f", "-n", "-q", "-t", "10", "-T", "1", "-i",
                                      "eth0", "-s", script, "-O", "staticroutes", "-O", "mtu").stdout
        config = self.lab.folder / f"{self.name}.dhclient.conf"
        config.write_text(
            "option rfc3442-classless-static-routes code 121 = array of unsigned integer 8;\n"
            "request subnet-mask, routers, interface-mtu, domain-name-servers,\n"
            "    rfc3442-classless-static-routes;\ntimeout 60;\n")
        leases, pid = (self.lab.folder / f"{self.name}.{suffix}" for suffix in ("leases", "pid"))
        leases.touch()
        said = self.namespace.run("dhclient", "-1", "-v", "-4", "-cf", config, "-lf", leases, "-pf",
                                  pid, "-sf", script, "eth0").stdout
        if pid.exists():
            self.namespace.run("kill", pid.read_text().strip(), check=False)
        return said

    def configure(self, gateway="169.254.0.1"):
        """The same as DHCP would, by hand; the way out for IPv6 is the router's to tell."""
        if self.address is not None:
            self.namespace.ip("address", "replace", f"{self.address.split('/')[0]}/32",
                              "dev", "eth0")
            self.namespace.ip("route", "replace", gateway, "dev", "eth0")
            self.namespace.ip("route", "replace", "default", "via", gateway)
        if self.address6 is not None:
            self.namespace.ip("-6", "address", "replace", f"{self.address6}/128", "dev", "eth0",
                              "nodad")
            wait_for(f"{self.name} to hear its router",
                     lambda: "default" in self.namespace.ip("-6", "route", "show").stdout)

    def speak_ipv6(self):
        """Has the kernel take a router's word for the way out, and not lose time with finding out
        whether somebody else has its link-local address."""
        settings = {"disable_ipv6": 0, "accept_ra": 1, "accept_dad": 0}
        self.namespace.run("sysctl", "-qw", *(f"net.ipv6.conf.{of}.{key}={value}"
                                              for of in ("all", "default")
                                              for key, value in settings.items()))

    def ping(self, address, count=5, size=56, extra=()):
        """How many pings, one after the other, were answered before one was not."""
        return ping(self.namespace, address, count, size, extra)

    def ping_burst(self, address, count=2, interval=0.1, extra=()):
        """How many of so many pings at an interval were answered, where not all must be."""
        return ping_burst(self.namespace, address, count, interval, extra=extra)

    def reaches(self, address, seconds=DEADLINE, size=56, extra=()):
        """Waits until one ping gets through."""
        wait_for(f"{self.name} to reach {address}",
                 lambda: ping_burst(self.namespace, address, 1, size=size, extra=extra) == 1,
                 seconds)


class Compute:
    """A host with a vRouter."""

    def __init__(self, lab, name, *underlay_addresses):
        self.lab, self.name = lab, name
        self.underlay_addresses = list(underlay_addresses)
        self.underlay_port = "af_packet:under0"
        self.underlay_keys = {"mtu": 1500}  # more keys of the underlay's section
        self.gateways = []  # on the underlay; used where there is an address of their family
        self.namespace = lab.namespace(name)
        self.workloads = []
        self.daemon = None
        self.encapsulations = ("udp", "gre")
        self.servers = []
        self.vpns = {"red": "instance-id = 1", "blue": "instance-id = 2"}
        self.head = ""

    def config(self):
        folder = self.lab.folder
        parts = [
            f'host-name = "{self.name}"\n'
            f'encapsulations = {{{", ".join(self.encapsulations)}}}\n'
            f'state-directory = "{folder}/{self.name}.state"\n'
            f'control-socket {{ path = "{folder}/{self.name}.sock" }}\n{self.head}',
            f'underlay "fabric" {{\n    port = "{self.underlay_port}"\n'
            f'    address = {braces(self.underlay_addresses)}\n'
            + "".join(f"    {key} = {value}\n" for key, value in
                      (self.gateway_keys() | self.underlay_keys).items())
            + "}\n"]
        for server in self.servers:
            parts.append(f'server "{server.name}" {{\n    address = "{server.address}"\n'
                         f"    dialect = draft\n    tls = {server.tls}\n}}\n")
        for vpn, keys in self.vpns.items():
            parts.append(f'vpn "{vpn}" {{ {keys} }}\n')
        parts += [workload.section() for workload in self.workloads]
        return "\n".join(parts)

    def gateway_keys(self):
        families = {":" in address for address in self.underlay_addresses}
        return {"gateway6" if ":" in gateway else "gateway": f'"{gateway}"'
                for gateway in self.gateways if (":" in gateway) in families}

    def cable(self, peer, name):
        """The underlay's cable, to an interface of a peer. The kernel hears on it what the vRouter
        hears, being the one that hands it over, and must not take it for its own as well."""
        veth(self.namespace, "under0", peer, name)
        self.namespace.run("sysctl", "-qw", "net.ipv4.conf.under0.rp_filter=1",
                           "net.ipv4.conf.under0.arp_ignore=8",
                           "net.ipv6.conf.under0.disable_ipv6=1")

    def cable_to_servers(self, number):
        """A cable of its own to the route servers, where the underlay does not lead to them."""
        control = self.servers[0].namespace
        veth(self.namespace, "mgmt0", control, f"mgmt{number}")
        control.ip("address", "add", f"10.255.{number}.1/30", "dev", f"mgmt{number}")
        self.namespace.ip("address", "add", f"10.255.{number}.2/30", "dev", "mgmt0")
        for server in self.servers:
            self.namespace.ip("route", "add", f"{server.address}/32", "via",
                              f"10.255.{number}.1")

    def start(self):
        if self.daemon is None:
            self.daemon = Daemon(self.lab, self.name, "millrace", self.namespace, self.config())
        else:
            self.daemon.write_config(self.config())
            self.daemon.start_again()

    def plug_all(self):
        for workload in self.workloads:
            workload.plug(self)


class RouteServer:
    """A route server, at an address of a namespace."""

    def __init__(self, lab, name, namespace, address):
        self.lab, self.name, self.namespace, self.address = lab, name, namespace, address
        self.daemon = None
        self.tls = "none"
        self.extra = ""
        self.vrfs = {
            "red": 'import = {"64512:1"}\n    export = {"64512:1"}',
            "blue": 'import = {"64512:2"}\n    export = {"64512:2"}',
        }

    def config(self):
        parts = [f'listen = {{"{self.address}"}}\ntls = {self.tls}\n'
                 f'control-socket {{ path = "{self.lab.folder}/{self.name}.sock" }}\n{self.extra}']
        parts += [f'vpn "{vpn}" {{\n    {keys}\n}}\n' for vpn, keys in self.vrfs.items()]
        return "\n".join(parts)

    def start(self):
        if self.daemon is None:
            self.daemon = Daemon(self.lab, self.name, "millrace-rs", self.namespace, self.config())
        else:
            self.daemon.write_config(self.config())
            self.daemon.start_again()


class Network:
    """The picture at the head of this file. Nothing is started yet."""

    def __init__(self, lab):
        self.lab = lab
        control = lab.namespace("control")
        bridge(control, "fabric")
        control.run("sysctl", "-qw", *(f"net.ipv6.conf.{name}.disable_ipv6=0"
                                       for name in ("lo", "fabric")))
        for address, device in (("192.0.2.1/24", "fabric"), ("2001:db8:f::1/64", "fabric"),
                                ("198.51.100.1/32", "lo"), ("198.51.100.2/32", "lo"),
                                ("2001:db8:99::1/128", "lo"), ("2001:db8:99::2/128", "lo")):
            control.ip("address", "add", address, "dev", device,
                       *(["nodad"] if ":" in address else []))
        self.servers = [RouteServer(lab, "rs1", control, "198.51.100.1"),
                        RouteServer(lab, "rs2", control, "198.51.100.2")]
        self.computes = [Compute(lab, "compute1", "192.0.2.11/24"),
                         Compute(lab, "compute2", "192.0.2.12/24")]
        for compute in self.computes:
            compute.cable(control, compute.name)
            control.ip("link", "set", compute.name, "master", "fabric")
            compute.gateways = ["192.0.2.1", "2001:db8:f::1"]
            compute.underlay_keys["host-interface"] = '"host0"'
            compute.servers = self.servers
        self.workloads = {}

    def workload(self, compute, name, vpn, address, tag=None, port=None):
        number = len(self.workloads) + 1
        workload = Workload(self.lab, name, vpn, address, f"02:00:00:00:00:{number:02x}", tag, port)
        self.workloads[name] = workload
        if compute is not None:
            compute.workloads.append(workload)
        return workload

    def demo_workloads(self):
        one, two = self.computes
        self.workload(one, "red1", "red", "10.0.0.11")
        self.workload(one, "blue1", "blue", "10.0.0.11")
        self.workload(one, "red3", "red", "10.0.0.13", tag=100, port="tap:trunk1")
        self.workload(two, "red2", "red", "10.0.0.12")
        self.workload(two, "blue2", "blue", "10.0.0.12")
        self.workload(two, "blue3", "blue", "10.0.0.23", tag=200, port="tap:trunk2")

    def start(self):
        for server in self.servers:
            server.start()
        for compute in self.computes:
            compute.start()
        for compute in self.computes:
            compute.plug_all()

    def wait_in_sync(self, computes=None, servers=None, seconds=DEADLINE):
        """Until each vRouter has a session with each server and has heard everything from it."""
        names = {server.name for server in (self.servers if servers is None else servers)}
        for compute in computes or self.computes:
            wait_for(f"{compute.name} to be in sync with {', '.join(sorted(names))}",
                     lambda compute=compute: names <= in_sync(compute), seconds,
                     alive=[compute.daemon])


def in_sync(compute):
    """The names of the servers that a vRouter is in sync with."""
    return {server["name"] for server in server_list(compute) if server.get("in_sync")}


def connected(compute):
    """The names of the servers that a vRouter has a session with."""
    return {server["name"] for server in server_list(compute)
            if server.get("state") in ("syncing", "in sync")}


def server_list(compute):
    return compute.daemon.rpc("server.list")["servers"]
