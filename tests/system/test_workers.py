#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Two workers on each compute: numbered packets of many flows go both ways while the receive queues
of every port move from worker to worker. Nothing is lost, and no packet overtakes another of its
flow."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from millrace_lab import LabError, Numbered, wait_for
from systest import LONG, NetworkTest, main, rows

FLOWS = 12
WORKERS = 2
ROUNDS = 60 if LONG else 12


class Udp(NetworkTest):
    """MPLS over UDP."""

    encapsulations = ("udp",)

    @classmethod
    def populate(cls):
        super().populate()
        cpus = sorted(os.sched_getaffinity(0))[:WORKERS]
        for compute in cls.network.computes:
            compute.head += f'workers = {{{", ".join(map(str, cpus))}}}\n'

    def workers(self, compute):
        return rows(compute, "worker.list", "workers")

    def receiver(self, compute, port, queue):
        """The worker that polls a queue, or is to."""
        found = [worker["id"] for worker in self.workers(compute)
                 if {"port": port, "queue": queue} in worker["receives"]]
        self.assertEqual(len(found), 1, found)
        return found[0]

    def queues(self, compute):
        return [(queue["port"], queue["queue"]) for worker in self.workers(compute)
                for queue in worker["receives"]]

    def move_all(self, compute):
        """Has the other worker poll each queue, by hand of millracectl."""
        for port, queue in self.queues(compute):
            other = (self.receiver(compute, port, queue) + 1) % WORKERS

            def moved(port=port, queue=queue, other=other):
                compute.daemon.ctl("worker", "move", port, queue, other)  # an error: still moving
                return True

            wait_for(f"{port} {queue} to move", moved)
            self.assertEqual(self.receiver(compute, port, queue), other)

    def handed_over(self, compute):
        return sum(worker["handed_over"] for worker in self.workers(compute))

    def test_flows_keep_their_order_while_queues_move(self):
        pairs = (("red1", "red2"), ("blue2", "blue1"))
        for source, target in pairs:
            self.workload(source).reaches(self.workload(target).address)
        before = [self.workers(compute) for compute in self.network.computes]
        flowing = [Numbered(self.lab, f"{source}-{target}", self.workload(source).namespace,
                            self.workload(target).namespace, self.workload(target).address,
                            window=96, flows=FLOWS) for source, target in pairs]
        for _ in range(ROUNDS):
            for compute in self.network.computes:
                self.move_all(compute)
            for each in flowing:
                each.wait_flowing(300)
        for each in flowing:
            report = each.finish()
            self.assertEqual((report["lost"], report["duplicated"], report["reordered"]),
                             (0, 0, 0), report)
        for compute, earlier in zip(self.network.computes, before):
            for worker, was in zip(self.workers(compute), earlier):
                self.assertGreater(worker["packets"] - was["packets"], 500, worker)
            self.assertEqual(sum(worker["handed_over"] for worker in self.workers(compute)),
                             sum(worker["taken_over"] for worker in self.workers(compute)))
            self.assertGreater(self.handed_over(compute), 500)
            self.assertEqual(self.drops(compute, "handover"), 0)

    def test_what_cannot_be_moved_is_said(self):
        for words, text in ((("tap:absent", 0, 1), "no such port"),
                            (("tap:red1", 1, 1), "1 queues"),
                            (("tap:red1", 0, 7), "2 workers")):
            said = self.one.daemon.ctl("worker", "move", *words, check=False)
            self.assertIn(text, said)
        with self.assertRaises(LabError):
            self.one.daemon.rpc("worker.move", port="tap:red1", queue=0)


class Gre(Udp):
    """MPLS over GRE, which brings all that one compute sends the other to one queue."""

    encapsulations = ("gre",)


if __name__ == "__main__":
    main()
