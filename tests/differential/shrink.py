# SPDX-License-Identifier: BSD-3-Clause
"""Makes a failing case small: first fewer packets, then a smaller topology, as long as it fails in
the same way."""

import copy


def kind_of(fault):
    """The first word says what disagrees; a drop's or counter's numbers may change on the way."""
    return fault.split()[0].rstrip(":")


class Shrinker:
    """`fails(case)` gives the kinds of faults of a case; `remake(scenario, policy, sent)` a
    case."""

    def __init__(self, fails, remake):
        self.fails, self.remake = fails, remake

    def shrink(self, case):
        kinds = self.fails(case)
        if not kinds:
            return case
        self.wanted = kinds
        case = self.fewer_packets(case)
        while True:
            smaller = self.smaller_topology(case)
            if smaller is case:
                return case
            case = self.fewer_packets(smaller)

    def still(self, case):
        return bool(self.fails(case) & self.wanted)

    def fewer_packets(self, case):
        """Delta debugging over all packets: ever smaller pieces are left out."""
        packets = [(port, frame) for port, frames in case.sent.items() for frame in frames]
        piece = max(len(packets) // 2, 1)
        while piece:
            at = 0
            while at < len(packets) and len(packets) > 1:
                tried = packets[:at] + packets[at + piece:]
                smaller = self.remake(case.scenario, case.policy, self.by_port(case, tried))
                if tried and self.still(smaller):
                    packets = tried
                else:
                    at += piece
            piece //= 2
        return self.remake(case.scenario, case.policy, self.by_port(case, packets))

    @staticmethod
    def by_port(case, packets):
        sent = {port: [] for port in case.sent}
        for port, frame in packets:
            sent[port].append(frame)
        return sent

    def smaller_topology(self, case):
        """Leaves out one part after the other, and makes the rest plain."""
        for scenario in self.simpler(case.scenario):
            smaller = self.remake(scenario, case.policy, case.sent)
            try:
                if self.still(smaller):
                    return smaller
            except (KeyError, StopIteration):
                pass  # something else leads to what was left out
        return case

    @staticmethod
    def simpler(scenario):
        for part in ("routes", "labels", "vifs", "endpoints"):
            for at, each in enumerate(scenario[part]):
                if each.get("path") == {"gateway": True}:
                    continue  # always there
                yield dict(scenario, **{part: scenario[part][:at] + scenario[part][at + 1:]})
        if scenario["workers"] > 1:
            yield dict(scenario, workers=1)
        for part, key in (("vifs", "sources"), ("vifs", "mtu"), ("endpoints", "mtu")):
            for at, each in enumerate(scenario[part]):
                if key in each and key == "sources":
                    for source in each[key]:
                        made = copy.deepcopy(scenario)
                        made[part][at][key].remove(source)
                        yield made
                elif key in each:
                    made = copy.deepcopy(scenario)
                    del made[part][at][key]
                    yield made
