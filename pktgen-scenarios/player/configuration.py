# SPDX-License-Identifier: BSD-3-Clause
"""The files that a case's programs read: the vRouter's configuration and the route server's, from the
templates in common/, and the values of the Lua script."""

import pathlib

from player import world
from player.description import SCENARIOS, sizes_of
from player.peers import PACKET_OCTETS

COMMON = SCENARIOS / "common"
FREE_PACKETS = 16384   # beside those that a looped source holds
BASE_MIB = 512          # programs, tables
OCTETS_A_ROUTE = 2600   # in all processes together: feeder, route server, vRouter


def fill(template, marks):
    text = (COMMON / template).read_text()
    for mark, value in marks.items():
        text = text.replace(f"@{mark}@", str(value))
    return text


def packets(case):
    """Packet buffers: a looped source has its frames in buffers of the pool."""
    frames = max(case["flows"], world.LEAST_FRAMES) if case["ports"] == "looped" else 0
    return FREE_PACKETS + frames + frames // 8


def memory_needed(case):
    """MiB, all processes together."""
    return BASE_MIB + (packets(case) * PACKET_OCTETS +
                       case["vrfs"] * case["routes"] * OCTETS_A_ROUTE >> 20)


def route_server(case, folder, port):
    """The route server's configuration: see world.feed_name."""
    text = fill("millrace-rs.conf", {"SERVER": port, "FOLDER": folder})
    if case["vrfs"] == 1:
        target = '{"64512:1"}'
        text += f'vpn "{world.vrf_name(0)}" {{ export = {target}  import = {target} }}\n' \
            f'vpn "{world.feed_name(case, 0)}" {{ export = {target} }}\n'
    return text


def guest_keys(case, vrf, port, name="guest", mac=world.GUEST_MAC, far=False):
    """The keys of a guest's section. `far` is the one at the other end of a local scenario."""
    family = case["tenants"]
    address, prefix = (world.FAR_ADDRESS, world.FAR_PREFIX) if far else \
        (world.GUEST_ADDRESS, world.GUEST_PREFIX)
    keys = {"name": f"{name}{vrf}", "vpn": world.vrf_name(vrf), "port": port, "mac": mac,
            "address": [address[family]], "prefix": [prefix[family]], "dhcp": False,
            "router-advertisement": False}
    tag = world.tag_of(case, vrf)
    if tag is not None:
        keys["vlan"] = tag
    return keys


def _section(keys):
    """The same as a section of the configuration file."""
    lines = [f'vif "{keys["name"]}" {{']
    for key, value in keys.items():
        if key == "name":
            continue
        if isinstance(value, bool):
            value = str(value).lower()
        elif isinstance(value, list):
            value = "{" + ", ".join(f'"{item}"' for item in value) + "}"
        elif isinstance(value, str):
            value = f'"{value}"'
        lines.append(f"    {key} = {value}")
    return "\n".join([*lines, "}"]) + "\n"


def vrouter(case, name, folder, ports, server, worker=1, poll=True):
    """A vRouter's configuration. ports: (the underlay's, guests as of guest_keys). A vRouter named
    `far` is the second one of two."""
    underlay, vifs = ports
    family = case["underlay"]
    us = (world.PEER if name == "far" else world.US)[family]
    gateway6 = "6" if family == 6 else ""
    gateway = "" if case["direction"] == "back-to-back" else \
        f'    gateway{gateway6} = "{world.GATEWAY[family]}"\n' \
        f'    gateway-mac = "{world.GATEWAY_MAC}"'
    text = fill("millrace.conf", {
        "NAME": name, "FOLDER": folder, "WORKER": worker, "POLL": str(poll).lower(),
        "PACKETS": packets(case), "ENCAPSULATION": case["encapsulation"], "UNDERLAY": underlay, "MTU": case["mtu"],
        "ADDRESS": f"{us}/{world.LENGTH[family]}", "GATEWAY": gateway, "SERVER": server})
    if case["label"] == "vrf":
        for vrf in range(case["vrfs"]):
            text += f'\nvpn "{world.vrf_name(vrf)}" {{ label-mode = vrf ' \
                f'label = {world.vrf_label(vrf)} }}\n'
    elif case["direction"] == "decap":
        vifs = [{**keys, "label": world.vrf_label(int(keys["vpn"][1:]))} for keys in vifs]
    return text + "".join("\n" + _section(keys) for keys in vifs)


def guests(case, sources, sink):
    """The guests of a case with looped ports. sources: captures by access port; sink: a port."""
    decap = case["direction"] == "decap"
    vifs = [guest_keys(case, vrf, sink if decap else
                       f"pcap:{sources[vrf // world.TAGS]},/dev/null,loop")
            for vrf in range(case["vrfs"])]
    if case["direction"] == "local":
        vifs.append(guest_keys(case, 0, sink, "other", world.OTHER_MAC, far=True))
    return vifs


def lua_values(case, rate, seconds):
    """What common/pktgen.lua reads: a table with the values of the case."""
    sizes = sizes_of(case)
    return f"return {{ seconds = {seconds}, rate = {rate}, octets = {sum(sizes) / len(sizes)} }}\n"


def write(path, text):
    pathlib.Path(path).write_text(text)
    return path
