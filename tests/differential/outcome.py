# SPDX-License-Identifier: BSD-3-Clause
"""What the model says of a packet."""

import collections
import copy

# Of an ECMP set a member was taken: `among` says which set, `index` which of `members`; all packets
# of a flow must take the same.
Choice = collections.namedtuple("Choice", "among flow index members")


class Outcome:
    """What becomes of a packet: frames (port, octets), punts, drops (reason, interface or ""), and
    what is counted, [(table, name, counter, octets)]; how many packets were made and how many
    ended with that, in fragmentation, reassembly and the slow path. `metered` are the frames, by
    their places in `out`, that the rate towards an interface may refuse; `answered` the punts that
    the slow path took in. `flow` is what must go one way; `choices` which member of which ECMP sets
    was taken."""

    def __init__(self):
        self.out, self.punts, self.drops, self.counted = [], [], [], []
        self.metered, self.answered = {}, []
        self.made = self.ended = 0
        self.fragmented = self.together = self.held = False
        self.flow, self.choices = None, []

    def count(self, table, name, counter, octets):
        self.counted.append((table, name, counter, octets))

    def copy(self):
        """One whose drops and counts can be changed apart."""
        made = copy.copy(self)
        made.drops, made.counted = list(self.drops), list(self.counted)
        return made

    def refuse(self, at):
        """The rate towards the interface is used up: the frame was not sent."""
        port, octets = self.out[at]
        vif = self.metered[at]
        self.counted.remove(("vifs", vif.name, "tx", len(octets)))
        self.counted.remove(("ports", port, "tx", len(octets)))
        self.drops.append(("rate-out", vif.name))


class Punt:
    """A packet for the slow path. `frame` from `l3_offset` on is what it is about."""

    def __init__(self, reason, port, vif, vrf, frame, l3_offset, mtu=0):
        self.reason, self.port, self.vif, self.vrf = reason, port, vif, vrf
        self.frame, self.l3_offset, self.mtu = frame, l3_offset, mtu
