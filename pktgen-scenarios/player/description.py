# SPDX-License-Identifier: BSD-3-Clause
"""What a scenario is: scenario.json, read strictly. A scenario has one case or several, which differ in
a few values; a case has a value for every key, and everything else — frames, routes, configuration, the
values of the Lua script — is made from it, so that no two generators can disagree."""

import itertools
import json
import pathlib

SCENARIOS = pathlib.Path(__file__).resolve().parents[1]

ENCAPSULATIONS = ("udp", "gre", "vxlan")
DIRECTIONS = ("encap", "decap", "local", "back-to-back")
PORTS = ("looped", "memif", "vhost")

# Every key that a case has, and its value where scenario.json has none.
DEFAULTS = {
    "direction": "encap",      # from a guest to a tunnel, back, between guests, or over two vRouters
    "ports": "looped",         # captures in the vRouter's own process, or a generator's ports
    "encapsulation": "udp",
    "tenants": 4,              # family of the guests' packets
    "underlay": 4,             # family of the tunnels
    "label": "interface",      # or vrf: what the label of a tunnelled packet leads to
    "flows": 1024,
    "order": "turn",           # or random: how flows follow each other
    "seed": 1,
    "frame": 64,               # octets without check sequence, or {"octets": weight, …}
    "mtu": 1500,               # of the underlay
    "vrfs": 1,
    "routes": 1,               # in each VRF
    "endpoints": 1,
    "ecmp": 1,                 # next hops of a route
    "churn": 0,                # route changes a second while packets flow
    "hostile": False,          # a second guest floods ARP requests and wrong sources
    "rate": "full",            # or packets a second; or no-drop: the highest without loss
    "latency": False,
    "seconds": 3,
    "starts": 3,               # of the vRouter, each with its own figure
}
# What `passes` may ask for: a bound for the median of all starts, or for the sum (lost).
PASSES = {"lost": int, "ratio_to_testpmd": (int, float), "mpps": (int, float),
          "latency_p99_us": (int, float), "changes_per_second": (int, float)}
CHOICES = {"direction": DIRECTIONS, "ports": PORTS, "encapsulation": ENCAPSULATIONS,
           "tenants": (4, 6), "underlay": (4, 6), "label": ("interface", "vrf"),
           "order": ("turn", "random")}
BOUNDS = {"flows": (1, 1 << 20), "vrfs": (1, 10000), "routes": (1, 1000000), "seed": (0, 1 << 32),
          "endpoints": (1, 10000), "ecmp": (1, 16), "churn": (0, 100000), "mtu": (1280, 9600),
          "seconds": (0.1, 600), "starts": (1, 100)}
STAMP = 20  # octets at the end of a frame, of the generator's


class DescriptionError(Exception):
    """scenario.json is wrong; the text says where."""


def names():
    """Every scenario, in order."""
    return sorted(path.parent.name for path in SCENARIOS.glob("*/scenario.json"))


def sizes_of(case):
    """The sizes of the frames as a pattern that repeats."""
    if isinstance(case["frame"], int):
        return [case["frame"]]
    return list(itertools.chain.from_iterable(
        [int(size)] * weight for size, weight in case["frame"].items()))


def least_frame(case):
    stamp = 0 if case["ports"] == "looped" else STAMP
    return 14 + {4: 20, 6: 40}[case["tenants"]] + 8 + stamp


def _check(where, case):
    for key, choices in CHOICES.items():
        if case[key] not in choices:
            raise DescriptionError(f"{where}: {key} is one of {', '.join(map(str, choices))}")
    for key, (least, most) in BOUNDS.items():
        if isinstance(case[key], bool) or not isinstance(case[key], (int, float)) or \
                not least <= case[key] <= most:
            raise DescriptionError(f"{where}: {key} is from {least} to {most}")
    if case["rate"] not in ("full", "no-drop") and not \
            (isinstance(case["rate"], int) and not isinstance(case["rate"], bool)
             and case["rate"] > 0):
        raise DescriptionError(f"{where}: rate is full, no-drop or packets a second")
    for key in ("latency", "hostile"):
        if not isinstance(case[key], bool):
            raise DescriptionError(f"{where}: {key} is true or false")
    try:
        sizes = sizes_of(case)
    except (AttributeError, TypeError, ValueError) as error:
        raise DescriptionError(f"{where}: frame is octets, or octets and weights") from error
    if not sizes or min(sizes) < least_frame(case) or max(sizes) > 9000:
        raise DescriptionError(f"{where}: frames are from {least_frame(case)} to 9000 octets")
    if case["ports"] == "looped":
        for key, plain in (("rate", "full"), ("latency", False), ("hostile", False)):
            if case[key] != plain:
                raise DescriptionError(f"{where}: {key} needs a generator: ports memif or vhost")
        if case["direction"] == "back-to-back":
            raise DescriptionError(f"{where}: back-to-back needs a generator: ports memif or vhost")
    elif case["vrfs"] != 1 or case["direction"] == "decap":
        raise DescriptionError(f"{where}: several VRFs, and decap, need looped ports")
    if case["ecmp"] > case["endpoints"]:
        raise DescriptionError(f"{where}: {case['ecmp']} next hops need as many endpoints")
    if case["direction"] in ("local", "back-to-back") and \
            (case["routes"], case["vrfs"], case["churn"]) != (1, 1, 0):
        raise DescriptionError(f"{where}: the routes of {case['direction']} are its guests'")


def _check_passes(where, passes):
    if not isinstance(passes, dict) or not passes:
        raise DescriptionError(f"{where}: passes says what must hold")
    for key, value in passes.items():
        if key not in PASSES or isinstance(value, bool) or not isinstance(value, PASSES[key]):
            raise DescriptionError(f"{where}: passes: {key} is unknown or of the wrong type")


def cases_of(name, description):
    """The cases of a description: dictionaries with every key, `name`, `title` and `passes`."""
    known = {*DEFAULTS, "title", "passes", "cases"}
    unknown = set(description) - known
    if unknown:
        raise DescriptionError(f"{name}: unknown keys: {', '.join(sorted(unknown))}")
    if not isinstance(description.get("title"), str):
        raise DescriptionError(f"{name}: a title is wanted")
    variants = description.get("cases", {"": {}})
    if not isinstance(variants, dict) or not variants:
        raise DescriptionError(f"{name}: cases is an object, a member a case")
    cases = []
    for variant, own in variants.items():
        where = f"{name}/{variant}" if variant else name
        unknown = set(own) - {*DEFAULTS, "passes"}
        if unknown:
            raise DescriptionError(f"{where}: unknown keys: {', '.join(sorted(unknown))}")
        case = {**DEFAULTS, **{key: description[key] for key in DEFAULTS if key in description},
                **{key: own[key] for key in DEFAULTS if key in own}}
        passes = {**description.get("passes", {}), **own.get("passes", {})}
        _check(where, case)
        _check_passes(where, passes)
        cases.append({"name": where, "title": description["title"], **case, "passes": passes})
    return cases


def load(name):
    """The cases of a scenario by its name, or the one of NAME/CASE."""
    scenario, _, variant = name.partition("/")
    path = SCENARIOS / scenario / "scenario.json"
    if not path.exists():
        raise DescriptionError(f"no scenario {scenario}")
    try:
        cases = cases_of(scenario, json.loads(path.read_text()))
    except ValueError as error:
        raise DescriptionError(f"{path}: {error}") from error
    if not variant:
        return cases
    chosen = [case for case in cases if case["name"] == name]
    if not chosen:
        raise DescriptionError(f"{scenario} has no case {variant}; there are "
                               + ", ".join(case["name"].partition("/")[2] for case in cases))
    return chosen
