# SPDX-License-Identifier: BSD-3-Clause
"""No packet of one VRF leaves in another that policy does not join. Knows nothing of the model: a
packet's tag says where it began; its port and 802.1Q tag, or the far end's label, whose it is
now."""

import ipaddress

from headers import GRE, Dropped, Frame
from packets import UNKNOWN, origins_in
from tunnels import PORTS


def joined(policy, vrf):
    """The VRFs that policy lets a VRF's packets reach: (as a whole, their own interfaces only)."""
    whole, local, pending = {vrf}, {vrf}, [vrf]
    while pending:
        at = pending.pop()
        for begin, end, extent in policy["joins"]:
            if begin != at:
                continue
            local.add(end)
            if extent == "all" and end not in whole:
                whole.add(end)
                pending.append(end)
    return whole, local


def leaks(scenario, policy, result):
    """The packets that came out in a VRF which policy does not join to theirs. @return (what
    leaked, how many packets had a tag to look at)."""
    vifs = {(vif["port"], vif.get("vlan", 0)): vif["vrf"] for vif in scenario["vifs"]}
    reach = [joined(policy, vrf) for vrf in scenario["vrfs"]]
    tunnels = tunnel_owners(scenario, policy)
    found, seen = [], 0
    for port, frames in result["out"].items():
        underlay = any(each["name"] == port and each["role"] == "underlay"
                       for each in scenario["ports"])
        for octets in frames:
            origins = origins_in(octets) - {UNKNOWN}
            if not origins:
                continue
            seen += 1
            owner = tunnels.get(tunnel_of(octets)) if underlay else \
                vifs.get((port, vlan_of(octets)))
            for origin in origins:
                whole, local = reach[origin]
                if owner not in (whole if underlay else local):
                    found.append(f"leak from {scenario['vrfs'][origin]} into {owner} at {port}: "
                                 f"{octets.hex()}")
    return found, seen


def vlan_of(octets):
    try:
        return Frame(octets).vlan
    except Dropped:
        return None


def tunnel_owners(scenario, policy):
    """{(far address, encapsulation, label): VRF}"""
    owners = {}
    endpoints = {each["name"]: each for each in scenario["endpoints"]}
    for tunnel, vrf in policy["tunnels"].items():
        name, label = tunnel.split("/")
        if name in endpoints:
            address = ipaddress.ip_address(endpoints[name]["address"]).packed
            owners[address, endpoints[name]["encapsulation"], int(label)] = vrf
    return owners


def tunnel_of(octets):
    """Where a frame to the underlay goes: (far address, encapsulation, label)."""
    at = 18 if octets[12:14] == b"\x81\x00" else 14
    if octets[at] >> 4 == 4:
        address, protocol, payload = octets[at + 16:at + 20], octets[at + 9], octets[at + 20:]
    else:
        address, protocol, payload = octets[at + 24:at + 40], octets[at + 6], octets[at + 40:]
    if protocol == GRE:
        return address, "gre", int.from_bytes(payload[4:8], "big") >> 12
    if payload[2:4] == PORTS["udp"].to_bytes(2, "big"):
        return address, "udp", int.from_bytes(payload[8:12], "big") >> 12
    return address, "vxlan", int.from_bytes(payload[12:15], "big")
