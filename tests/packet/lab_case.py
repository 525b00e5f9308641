# SPDX-License-Identifier: BSD-3-Clause
"""A test case with a lab, a process that runs scenarios, for all its tests."""

import unittest

import lab


class LabCase(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.lab = lab.Lab()
        cls.addClassCleanup(cls.lab.close)

    def play(self, scenario, sent):
        """Runs packets; everything must add up."""
        result = self.lab.run(scenario, sent)
        self.assertEqual(lab.accounting_faults(result), [])
        return result

    def run_lab(self, scenario, sent, drops=()):
        """The same; and no more must be dropped than `drops`."""
        result = self.play(scenario, sent)
        self.assertEqual(result["drops"], dict(drops))
        return result

    def expect(self, frames, *packets):
        self.assertEqual([octets.hex() for octets in frames],
                         [lab.frame(packet).hex() for packet in packets])


class DecodedCase(LabCase):
    """tshark must find nothing wrong with what comes out."""

    def run_lab(self, scenario, sent, drops=()):
        result = super().run_lab(scenario, sent, drops)
        frames = [octets for out in result["out"].values() for octets in out]
        for decoded in lab.tshark(frames) if frames else []:
            self.assertEqual(decoded["_ws.malformed"], [])
            self.assertIn(decoded["icmpv6.checksum.status"], [[], ["1"]])
        return result
