# SPDX-License-Identifier: BSD-3-Clause
"""One case of the differential test: a scenario, its policy and its packets; drawn from a seed,
read from a file, and run."""

import collections
import json
import pathlib
import random
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "packet"))

import lab  # noqa: E402
from generator import Generator  # noqa: E402
from isolation import leaks  # noqa: E402
from judge import Judge  # noqa: E402
from model import Forwarder  # noqa: E402
from shrink import Shrinker, kind_of  # noqa: E402
from topology import Topology  # noqa: E402

LAB_SECONDS = 120
SIZES = [50, 200, 300, 400]

# What the slow path gets is policed: no more than these are sent for each interface and reason, and
# in all, so that no token is missing (a tenth, and the whole, of the bursts in
# lib/stats/punts.def).
PUNTS_OF_INTERFACE, PUNTS_OF_REASON = 20, 200


class PatientLab:
    """The lab, started again when it died."""

    def __init__(self):
        self.lab = None

    def run(self, scenario, sent):
        """What the lab says; {"died": why} if it came to an end, or to none."""
        if self.lab is None:
            self.lab = lab.Lab()
        timer = threading.Timer(LAB_SECONDS, self.lab.process.kill)
        timer.start()
        try:
            return self.lab.run(scenario, sent)
        except (RuntimeError, OSError, ValueError) as error:
            self.lab.process.kill()
            self.lab.process.communicate()
            self.lab.directory.cleanup()
            self.lab = None
            return {"died": str(error)}
        finally:
            timer.cancel()

    def close(self):
        if self.lab is not None:
            self.lab.close()
            self.lab = None


class Punts:
    """Counts what may go to the slow path, so that its rates are kept; where one takes part, only
    what the model has answers to."""

    def __init__(self, has_slowpath):
        self.counts, self.has_slowpath = collections.Counter(), has_slowpath

    def room_for(self, outcomes):
        """Takes note of the punts that a packet may become; False if it would be one too many."""
        wanted = collections.Counter()
        for outcome in outcomes:
            one = collections.Counter()
            if outcome.punts and self.has_slowpath:
                return False
            for punt in outcome.punts + outcome.answered:
                one.update([(punt.vif, punt.reason), ("", punt.reason)] if punt.vif else
                           [("", punt.reason)])
                if punt in outcome.answered:  # at most 100 errors a second for each
                    one.update([("errors", punt.vif or punt.vrf)])
            wanted |= one
        if any(self.counts[key] + count > (PUNTS_OF_INTERFACE if key[0] else PUNTS_OF_REASON)
               for key, count in wanted.items()):
            return False
        self.counts += wanted
        return True


class Case:
    """sent: {port: [octets]}"""

    def __init__(self, scenario, policy, sent):
        self.scenario, self.policy, self.sent = scenario, policy, sent
        self.modelled = None

    @classmethod
    def draw(cls, seed, batch):
        """The case of a number: the same for the same seed."""
        rng = random.Random(f"{seed}/{batch}")
        topology = Topology(rng)
        scenario, policy = topology.scenario, topology.policy
        generator, forwarder = Generator(rng, scenario, policy), Forwarder(scenario)
        punts = Punts("slowpath" in scenario)
        sent = {port["name"]: [] for port in scenario["ports"]}
        outcomes = {port: [] for port in sent}
        for _ in range(rng.choice(SIZES)):
            port, frame = generator.packet()
            possible = forwarder.outcomes(port, frame)
            if punts.room_for(possible):
                sent[port].append(frame)
                outcomes[port].append(possible)
            else:
                forwarder.undo()
        case = cls(scenario, policy, sent)
        case.modelled = forwarder, outcomes
        return case

    @classmethod
    def load(cls, path):
        made = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
        return cls(made["scenario"], made["policy"],
                   {port: [bytes.fromhex(frame) for frame in frames]
                    for port, frames in made["sent"].items()})

    def save(self, path, faults):
        """With what was wrong, for whoever reads it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({
            "faults": faults, "scenario": self.scenario, "policy": self.policy,
            "sent": {port: [frame.hex() for frame in frames]
                     for port, frames in self.sent.items()}}, indent=1) + "\n", encoding="utf-8")

    def packets(self):
        return sum(len(frames) for frames in self.sent.values())

    def model(self):
        """What the model says: (the forwarder, {port: [[Outcome]]})."""
        forwarder = Forwarder(self.scenario)
        return forwarder, {port: [forwarder.outcomes(port, frame) for frame in frames]
                           for port, frames in self.sent.items()}

    def run(self, the_lab, told=None):
        """What is wrong with it, a list of lines. `told`: a scenario that the lab is given
        instead."""
        result = the_lab.run(told or self.scenario, self.sent)
        self.judge, self.tags_seen = None, 0
        if "died" in result:
            return [f"died {result['died']}"]
        leaked, self.tags_seen = leaks(self.scenario, self.policy, result)
        forwarder, outcomes = self.modelled or self.model()
        self.judge = Judge(forwarder, self.scenario, self.sent, outcomes, result)
        return leaked + self.judge.run()

    def shrunk(self, the_lab):
        """A smaller case that fails in the same way."""
        return Shrinker(lambda each: {kind_of(fault) for fault in each.run(the_lab)},
                        Case).shrink(self)
