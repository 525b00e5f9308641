# SPDX-License-Identifier: BSD-3-Clause
"""Compares what the lab did with what the model says: every octet, counter, drop and punt; and,
without the model, that no packet left its VRF but where policy joins it to another."""

import collections

import lab
from meters import Egress
from tunnels import ENTROPY, without_entropy


def for_the_slow_path(reason, packet):
    """A punted packet without its TTL where the router is free to have lowered it already (RFC 1812
    section 4.3.2.3)."""
    if reason not in ("gateway", "too-big", "no-route"):
        return packet
    if packet[0] >> 4 == 6:
        return packet[:7] + b"\0" + packet[8:]
    return packet[:8] + b"\0" + packet[9:10] + b"\0\0" + packet[12:]


# With so many flows for each member, none is without one but by a chance of one in a million.
FLOWS_A_MEMBER = 16


class Taken:
    """Frames that came out of one port, or punts, to be taken one by one."""

    def __init__(self):
        self.places = collections.defaultdict(collections.deque)

    def add(self, octets, place):
        self.places[octets].append(place)

    def has(self, octets):
        return bool(self.places.get(octets))

    def take(self, octets):
        """@return where it stood, or None."""
        return self.places[octets].popleft() if self.has(octets) else None

    def rest(self):
        return [(place, octets) for octets, places in self.places.items() for place in places]


class Judge:
    """One run of a scenario against the model. `faults`: what disagrees, each a line whose first
    word says what kind it is."""

    def __init__(self, forwarder, scenario, sent, outcomes, result):
        """sent: {port: [octets]}; outcomes: {port: [[Outcome]]}, for each packet those that it may
        have, of this forwarder; result: the lab's."""
        self.forwarder, self.scenario, self.result = forwarder, scenario, result
        self.vlan = scenario.get("underlay_vlan", 0)
        self.sent, self.outcomes = sent, outcomes
        self.faults, self.chosen, self.entropy = [], {}, {}
        self.egress = {}   # interface -> what its rate let through
        self.members = {}  # (ECMP set, flow) -> the indices that it may have

    def fault(self, text):
        self.faults.append(text)

    def run(self):
        self.collect()
        self.choose()
        self.compare_frames()
        self.compare_punts()
        self.compare_counters()
        for egress in self.egress.values():
            for fault in egress.faults(self.result["passed_us"]):
                self.fault(fault)
        for fault in lab.accounting_faults(self.result):
            self.fault("accounting " + fault)
        return self.faults

    def collect(self):
        self.frames, self.punts, self.freedom = {}, Taken(), {}
        for port, frames in self.result["out"].items():
            taken = self.frames[port] = Taken()
            for at, octets in enumerate(frames):
                key, self.freedom[port, at] = self.key_of(port, octets)
                taken.add(key, at)
        for at, punted in enumerate(self.result["punted"]):
            frame = bytes.fromhex(punted["frame"])
            if punted["reason"] == "adjacency":
                frame, self.freedom["punt", at] = self.key_of(punted["port"], frame)
            else:
                frame = for_the_slow_path(punted["reason"], frame[punted["l3_offset"]:])
            self.punts.add((punted["reason"], punted["port"], punted["vif"], punted["vrf"],
                            punted["mtu"], frame), at)

    def key_of(self, port, octets):
        if port in self.forwarder.tables.underlay_ports:
            return without_entropy(octets, self.vlan)
        return octets, (None, None)

    def punt_key(self, punt):
        frame = punt.frame if punt.reason == "adjacency" else \
            for_the_slow_path(punt.reason, punt.frame[punt.l3_offset:])
        return (punt.reason, punt.port, punt.vif, punt.vrf, punt.mtu, frame)

    # --- which member of an ECMP set it was

    def choose(self):
        """Takes for each packet the one outcome; a flow's choice must be the same each time."""
        open_ = []
        for port, packets in self.outcomes.items():
            for at, outcomes in enumerate(packets):
                if len(outcomes) == 1:
                    self.settle(port, at, outcomes[0])
                else:
                    open_.append((port, at, outcomes))
        # What is to be seen first; what leaves no trace then follows its flow.
        for port, at, outcomes in sorted(open_, key=lambda each: self.silent(each[2])):
            known = [outcome for outcome in outcomes if self.agrees(outcome)]
            possible = [outcome for outcome in known if self.is_seen(outcome)] or known
            if any(map(self.leaves_a_trace, possible)):
                possible = list(filter(self.leaves_a_trace, possible))
            self.remember(possible)
            self.settle(port, at, min(possible, key=self.unlikely))

    def agrees(self, outcome):
        """Its choices are among those that its flow may have made."""
        return all(choice.index in self.members.get((choice.among, choice.flow), [choice.index])
                   for choice in outcome.choices)

    def remember(self, possible):
        """What one packet may have chosen is all that its flow may choose."""
        may = {}
        for outcome in possible:
            for choice in outcome.choices:
                may.setdefault((choice.among, choice.flow), set()).add(choice.index)
        for key, indices in may.items():
            self.members[key] = self.members.get(key, indices) & indices

    def is_seen(self, outcome):
        return all(self.punts.has(self.punt_key(punt)) for punt in outcome.punts) and \
            all(self.frames[port].has(octets) for port, octets in outcome.out)

    @staticmethod
    def leaves_a_trace(outcome):
        return bool(outcome.out or outcome.punts)

    def unlikely(self, outcome):
        """A drop that is still to be found is likelier than one too many."""
        if self.leaves_a_trace(outcome):
            return 0
        reason, vif = outcome.drops[0]
        found = self.result["vifs"][vif]["drops"] if vif else self.result["drops"]
        known = sum(each.drops == outcome.drops for each in self.chosen.values())
        return 1 if found.get(reason, 0) > known else 2

    def silent(self, outcomes):
        return sum(not self.leaves_a_trace(outcome) for outcome in outcomes)

    def settle(self, port, at, outcome):
        """This is what became of the packet: takes its frames out of what is there."""
        outcome = self.chosen[port, at] = outcome.copy() if outcome.metered else outcome
        where = f"{port}[{at}] {self.sent[port][at].hex()}"
        outcome.places = []
        for number, (out, octets) in enumerate(outcome.out):
            place = self.frames[out].take(octets)
            if number in outcome.metered:
                self.meter(outcome, number, (port, at, number), place is not None)
            if place is None:
                if number not in outcome.metered:
                    self.fault(f"missing frame to {out}: {octets.hex()} of {where}")
            else:
                outcome.places.append((out, place))
                self.check_entropy(outcome, self.freedom[out, place], where)
        for punt in outcome.punts:
            place = self.punts.take(self.punt_key(punt))
            if place is None:
                self.fault(f"missing punt {self.punt_text(self.punt_key(punt))} of {where}")
            elif punt.reason == "adjacency":
                self.check_entropy(outcome, self.freedom["punt", place], where)

    def meter(self, outcome, number, place, passed):
        """A frame that the rate towards an interface may have refused."""
        vif = outcome.metered[number]
        egress = self.egress.setdefault(vif.name, Egress(vif))
        frame = ((place[0], outcome.flow), place, outcome.out[number][1])
        if passed:
            egress.passed.append(frame)
        else:
            egress.refused.append(frame)
            outcome.refuse(number)

    @staticmethod
    def punt_text(key):
        return " ".join(str(each) for each in key[:-1]) + " " + key[-1].hex()

    def check_entropy(self, outcome, freedom, where):
        port, label = freedom
        if port is not None and port not in ENTROPY:
            self.fault(f"entropy port {port} of {where}")
        if port is None and label is None:
            return
        for kind, value in (("port", port), ("label", label)):
            if value is not None and \
                    self.entropy.setdefault((kind, outcome.flow), value) != value:
                self.fault(f"entropy {kind} {value} of a flow that had "
                           f"{self.entropy[kind, outcome.flow]}: {where}")

    # --- what is left, and what was counted

    def compare_frames(self):
        for port, frame in self.forwarder.begun:
            if self.frames[port].take(frame) is None:
                self.fault(f"missing frame of the start to {port}: {frame.hex()}")
        for port, taken in self.frames.items():
            for place, octets in taken.rest():
                self.fault(f"unexpected frame from {port}[{place}]: {octets.hex()}")
        self.compare_spread()
        self.compare_order()

    def compare_spread(self):
        """Flows have different entropy, and use every member of an ECMP set."""
        for wanted in ("port", "label"):
            values = [value for (kind, _), value in self.entropy.items() if kind == wanted]
            if len(values) >= 30 and len(set(values)) < len(values) // 2:
                self.fault(f"spread of {len(values)} flows over {len(set(values))} {wanted}s only")
        used = {}
        for (ecmp, _), indices in self.members.items():
            if len(indices) == 1:
                used.setdefault(ecmp, []).extend(indices)
        for (vrf, root, members), indices in used.items():
            if len(indices) >= FLOWS_A_MEMBER * len(members) and \
                    len(set(indices)) < len(set(members)):
                self.fault(f"spread of {len(indices)} flows over {len(set(indices))} of {members} "
                           f"in {vrf} {root}")

    def compare_order(self):
        """The packets of a flow that came in at one port leave at another in their order; but with
        several workers, not those that came in fragments, which another worker puts together."""
        last = {}
        for (port, at), outcome in sorted(self.chosen.items(), key=lambda each: each[0]):
            if outcome.flow is None or outcome.answered or \
                    (outcome.together and self.scenario["workers"] > 1):
                continue
            for out, place in outcome.places:
                key = (port, out, outcome.flow)
                if place < last.get(key, -1):
                    self.fault(f"order of {port}[{at}] {self.sent[port][at].hex()}")
                last[key] = max(place, last.get(key, -1))

    def compare_punts(self):
        for place, key in self.punts.rest():
            self.fault(f"unexpected punt [{place}] {self.punt_text(key)}")

    def compare_counters(self):
        drops, punts, vif_drops = collections.Counter(), collections.Counter(), {}
        counted, made, ended = collections.Counter(), len(self.forwarder.begun), 0
        for port, frame in self.forwarder.begun:
            counted["ports", port, "tx", "packets"] += 1
            counted["ports", port, "tx", "octets"] += len(frame)
        for outcome in self.chosen.values():
            for reason, vif in outcome.drops:
                drops[reason] += 1
                vif_drops.setdefault(vif, collections.Counter())[reason] += 1
            punts.update(punt.reason for punt in outcome.punts + outcome.answered)
            made, ended = made + outcome.made, ended + outcome.ended
            for table, name, counter, octets in outcome.counted:
                counted[table, name, counter, "packets"] += 1
                counted[table, name, counter, "octets"] += octets
        self.same("drops", self.result["drops"], drops)
        self.same("punts", self.result["punts"], punts)
        for name, found in self.result["vifs"].items():
            self.same(f"vif-drops {name}", found["drops"], vif_drops.get(name, {}))
        self.same("balance", self.result["balance"], {
            "originated": made, "consumed": ended, "held": self.forwarder.tables.reassembly.held()})
        for table in ("ports", "vifs", "vrfs", "endpoints"):
            for name, found in self.result[table].items():
                found = {"tx": found} if table == "endpoints" else found
                for counter, numbers in found.items():
                    if counter not in ("drops", "rates_used"):
                        expected = [counted[table, name, counter, unit]
                                    for unit in ("packets", "octets")]
                        if numbers != expected:
                            self.fault(f"counter {table} {name} {counter} {numbers}, "
                                       f"expected {expected}")

    def same(self, what, found, expected):
        expected = {reason: count for reason, count in expected.items() if count}
        found = {reason: count for reason, count in found.items() if count}
        if found != expected:
            differing = {reason: (found.get(reason, 0), expected.get(reason, 0))
                         for reason in sorted({*found, *expected})
                         if found.get(reason, 0) != expected.get(reason, 0)}
            self.fault(f"{what}: (found, expected) {differing}")
