# SPDX-License-Identifier: BSD-3-Clause
"""Rates of interfaces: single-rate meters without excess (RFC 2697), one for packets and one for
octets, in each direction. A meter begins full, with what a twentieth of a second earns, but no less
than 32 packets or four of the largest frames."""

import copy
import fractions

PARTS_OF_SECOND = 20
PACKETS_MIN = 32
OCTETS_MIN = 4 * (9600 + 18)


class Meter:
    """Tokens that come one by one. A rate of zero: any amount."""

    def __init__(self, rate, least):
        self.rate, self.burst = rate, max(rate // PARTS_OF_SECOND, least)
        self.tokens, self.at_us = self.burst, fractions.Fraction(0)

    def take(self, amount, now_us):
        if self.rate == 0:
            return True
        earned = int((now_us - self.at_us) * self.rate / 1000000)
        self.at_us += fractions.Fraction(earned * 1000000, self.rate)
        self.tokens = min(self.tokens + earned, self.burst)
        if self.tokens < amount:
            return False
        self.tokens -= amount
        return True


class Rate:
    """{"packets": N, "bits": N} a second, of one direction. A frame takes a token of the first
    before the second is asked."""

    NEVER_USED_UP = 10 ** 9

    def __init__(self, made):
        self.packets = Meter(made.get("packets", 0), PACKETS_MIN)
        self.octets = Meter(made.get("bits", 0) // 8, OCTETS_MIN)

    def take(self, octets, now_us):
        return self.packets.take(1, now_us) and self.octets.take(octets, now_us)

    def can_refuse(self):
        return any(0 < meter.rate < self.NEVER_USED_UP for meter in (self.packets, self.octets))


class Meters:
    """Those of what guests send. A frame is metered once, whatever ways it may then have."""

    def __init__(self, rates):
        self.rates = rates  # by the interface's name
        self.begin()

    def begin(self):
        """The next frame comes."""
        self.verdict, self.before = None, None

    def let_in(self, name, octets, now_us):
        if self.verdict is None:
            self.before = (name, copy.deepcopy(self.rates[name]))
            self.verdict = self.rates[name].take(octets, now_us)
        return self.verdict

    def undo(self):
        """Forgets that the last frame came."""
        if self.before is not None:
            name, rate = self.before
            self.rates[name] = rate


class Egress:
    """What was sent to an interface, and what its rate refused. Frames of several ports and flows
    may have come in any order, so it is only known what must have been sent before. Only one of the
    two meters can refuse."""

    def __init__(self, vif):
        self.vif, self.passed, self.refused = vif, [], []

    def faults(self, passed_us):
        for name, meter, cost in (("packets", self.vif.rate_out.packets, lambda frame: 1),
                                  ("octets", self.vif.rate_out.octets, len)):
            if not 0 < meter.rate < Rate.NEVER_USED_UP:
                continue
            used = sum(cost(frame) for _, _, frame in self.passed)
            most = meter.burst + meter.rate * passed_us / 1000000
            if used > most:
                yield f"rate-out {self.vif.name}: {used} {name} of {most}"
            for flow, place, frame in self.refused:
                before = sum(cost(each) for other, at, each in self.passed
                             if other != flow or at < place)
                if before + cost(frame) <= meter.burst:
                    yield (f"rate-out {self.vif.name}: {frame.hex()} refused after {before} {name} "
                           f"of {meter.burst}")
