# SPDX-License-Identifier: BSD-3-Clause
"""The addresses, routes and frames of a case: who is where in every scenario's network.

    guest 10.1.0.0/16 or 2001:db8:1::/64 ── vif ── VRF v0, v1, … ── tunnels to 198.18.0.0/15
    in each VRF, behind a tag if there are several       or 2001:db8:fffe::/48, by one gateway

Destinations lie in 32.0.0.0/3 or 2001:db8:8000::/33 of each VRF: one prefix of that size, or, with more
routes, 80 % hosts in clusters of a hundred, 15 % networks and 5 % larger ones."""

import random

from player import frames
from player.description import sizes_of

GUEST_MAC, OTHER_MAC, GATEWAY_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:fe"
SOURCE_MAC = "02:70:63:61:70:00"  # of the first net_pcap port of a process: what decap frames are for
ROUTER_MAC = {4: "00:00:5e:00:01:01", 6: "00:00:5e:00:02:01"}
US = {4: "192.0.2.1", 6: "2001:db8:ffff::1"}
PEER = {4: "192.0.2.2", 6: "2001:db8:ffff::2"}
LENGTH = {4: 24, 6: 64}
GATEWAY = {4: "192.0.2.254", 6: "2001:db8:ffff::fe"}
GUEST_PREFIX = {4: "10.1.0.0/16", 6: "2001:db8:1::/64"}
GUEST_ADDRESS = {4: "10.1.0.0", 6: "2001:db8:1::"}
FAR_PREFIX = {4: "32.0.0.0/3", 6: "2001:db8:8000::/33"}
FAR_ADDRESS = {4: "32.0.0.0", 6: "2001:db8:8000::"}
FAR_ENDPOINT = {4: "198.18.0.1", 6: "2001:db8:fffe::1"}
BITS = {4: 32, 6: 128}
HOSTS_IN_CLUSTER = 100
TAGS = 4000          # of one port
FIRST_LABEL = 16     # of interfaces and VRFs of ours: one each, in order
LEAST_FRAMES = 512   # in a source: fewer repeat too soon for the caches to be themselves


def text(value, family):
    return str(frames.ipaddress.ip_address(value.to_bytes(BITS[family] // 8, "big")))


def vrf_name(index):
    return f"v{index}"


def feed_name(case, index):
    """The VPN that the routes of a VRF are published to. One VRF gets them from a VPN of the feeder's
    own, by a route target, so that nothing comes back to the feeder; ten thousand such pairs would
    take the route server's configuration file too long."""
    return f"feed{index}" if case["vrfs"] == 1 else vrf_name(index)


def vrf_label(index):
    return FIRST_LABEL + index


def access_ports(case):
    """How many access ports the guests stand on."""
    return -(-case["vrfs"] // TAGS)


def tag_of(case, vrf):
    """The 802.1Q tag of a VRF's guest, None where it has its port for itself."""
    return None if case["vrfs"] == 1 else 1 + vrf % TAGS


def endpoint(case, number):
    return frames.number(FAR_ENDPOINT[case["underlay"]])[0] + number % case["endpoints"]


def destination(case, route):
    """(address, prefix length) of a route of a VRF, as numbers."""
    family, count = case["tenants"], case["routes"]
    base = frames.number(FAR_ADDRESS[family])[0]
    if count == 1:
        return base, int(FAR_PREFIX[family].split("/")[1])
    host_net, net, large = (8, 24, 20) if family == 4 else (64, 64, 48)
    quarter = 1 << (BITS[family] - (5 if family == 4 else 36))
    hosts, networks = count * 80 // 100, count * 15 // 100
    if route < hosts:
        cluster, host = divmod(route, HOSTS_IN_CLUSTER)
        return base + (cluster << host_net) + host * 2 + 1, BITS[family]
    if route < hosts + networks:
        return base + quarter + ((route - hosts) << (BITS[family] - net)), net
    return base + 2 * quarter + ((route - hosts - networks) << (BITS[family] - large)), large


def next_hops(case, vrf, route, generation=0):
    """(address, label) of each next hop of a route; another generation has other labels."""
    number = vrf * case["routes"] + route
    label = 16 + (number // case["endpoints"] + generation) % ((1 << 20) - 16)
    return [(text(endpoint(case, number + i), case["underlay"]), label) for i in range(case["ecmp"])]


def routes(case):
    """Every route that the feeder publishes: (VRF, prefix, next hops)."""
    if case["direction"] in ("local", "back-to-back"):
        return
    for vrf in range(case["vrfs"]):
        for route in range(case["routes"]):
            address, length = destination(case, route)
            yield vrf, f"{text(address, case['tenants'])}/{length}", next_hops(case, vrf, route)


def _order(case, count):
    """Numbers of flows, as they follow each other."""
    order = range(count)
    if case["order"] == "random":
        order = list(order)
        random.Random(case["seed"]).shuffle(order)
    return order


def _flow(case, flow):
    """(VRF, guest's address, far address) of a flow."""
    family = case["tenants"]
    vrf, rest = flow % case["vrfs"], flow // case["vrfs"]
    far, length = destination(case, rest % case["routes"])
    within = rest // case["routes"] if length < BITS[family] else 0
    return vrf, frames.number(GUEST_ADDRESS[family])[0] + rest % 65536, far + within


def source_frames(case):
    """The frames of the measured flows: (access port, frame), or (0, frame) from the underlay."""
    family, outer = case["tenants"], case["underlay"]
    guest, router = frames.mac(GUEST_MAC), frames.mac(ROUTER_MAC[family])
    ours, gateway = frames.mac(SOURCE_MAC), frames.mac(GATEWAY_MAC)
    us = frames.number(US[outer])[0]
    sizes = sizes_of(case)
    inner_macs = (frames.mac(ROUTER_MAC[family]), router)
    for turn, number in enumerate(_order(case, max(case["flows"], LEAST_FRAMES))):
        flow = number % case["flows"]
        vrf, near, far = _flow(case, flow)
        size = sizes[turn % len(sizes)]
        if case["direction"] == "decap":
            inner = frames.flow_packet(family, far, near, flow, size)
            packet = frames.tunnel(case["encapsulation"], outer, endpoint(case, flow), us,
                                   vrf_label(vrf), flow, family, inner, inner_macs)
            yield 0, frames.ethernet(ours, gateway, outer, packet)
            continue
        inner = frames.flow_packet(family, near, far, flow, size)
        yield vrf // TAGS, frames.ethernet(router, guest, family, inner, tag_of(case, vrf))


def hostile_frames(case):
    """What the second guest sends: ARP requests for everybody, and packets from others' addresses."""
    family = case["tenants"]
    me, router = frames.mac(OTHER_MAC), frames.mac(ROUTER_MAC[family])
    far = frames.number(FAR_ADDRESS[family])[0]
    for number in range(LEAST_FRAMES):
        if number % 2 == 0:
            request = b"\x00\x01\x08\x00\x06\x04\x00\x01" + me + \
                frames.number("10.9.0.1")[0].to_bytes(4, "big") + bytes(6) + \
                (frames.number("10.9.1.0")[0] + number).to_bytes(4, "big")
            yield b"\xff" * 6 + me + b"\x08\x06" + request + bytes(64 - 42)
        else:
            source = frames.number(GUEST_ADDRESS[family])[0] + number
            yield frames.ethernet(router, me, family, frames.flow_packet(
                family, source, far + number, number, 100))
