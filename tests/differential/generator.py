# SPDX-License-Identifier: BSD-3-Clause
"""What comes in at the ports of a scenario, at random."""

from guests import Guests
from topology import chance
from underlay import Underlay


class Generator(Guests, Underlay):
    """`packet()` draws (port, frame)."""

    def packet(self):
        self.number += 1
        if self.has_host and chance(self.rng, 0.03):
            return "host0", self.from_host()
        if self.scenario["vifs"] and chance(self.rng, 0.6):
            return self.from_guest(self.rng.choice(self.scenario["vifs"]))
        return "fabric", self.from_underlay()
