#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What a bench prints is read strictly, and a budget that is not held is said to be so."""

import unittest

import rows


def row(**keys):
    return {"name": "x", "value": 20.0, "unit": "cycles", **keys}


class Rows(unittest.TestCase):
    def test_a_row_gets_its_ratio_and_its_configuration(self):
        found, configuration = rows.read('{"configuration": "one worker"}', None)
        self.assertIsNone(found)
        found, _ = rows.read('{"name": "x", "value": 20, "unit": "cycles", "p5": 18.5, '
                             '"peer": "rte_lpm", "peer-value": 16}', configuration)
        self.assertEqual((found["ratio"], found["configuration"]), (1.25, "one worker"))

    def test_what_is_no_row_is_refused(self):
        for line in ("hello", "[]", '{"name": "x", "value": 1}', '{"name": "x", "value": "1", '
                     '"unit": "cycles"}', '{"name": "x", "value": 1, "unit": "c", "speed": 3}',
                     '{"name": "x", "value": 1, "unit": "c", "peer": "y"}'):
            with self.assertRaises(rows.RowError, msg=line):
                rows.read(line, None)

    def test_each_kind_of_budget_is_held_and_is_missed(self):
        others = {"base": row(name="base", value=18.0)}
        peer = {"peer": "p", "peer-value": 40.0, "ratio": 0.5}
        for budget, more, held in (
                ({"at-most": 20}, {}, True), ({"at-most": 19.9}, {}, False),
                ({"at-least": 20}, {}, True), ({"at-least": 20.1}, {}, False),
                ({"ratio-at-most": 0.5}, peer, True), ({"ratio-at-most": 0.49}, peer, False),
                ({"times-faster": 2}, peer, True), ({"times-faster": 2.1}, peer, False),
                ({"above": "base", "at-most": 2}, {}, True),
                ({"above": "base", "at-most": 1}, {}, False),
                ({"above": "absent", "at-most": 1}, {}, None)):
            found = row(**more)
            rows.judge(found, [{"row": "x", **budget}], others)
            self.assertEqual(found.get("held"), held, budget)
            self.assertIn("budget", found)

    def test_a_budget_with_a_peer_is_for_the_row_with_that_peer(self):
        budgets = [{"row": "x", "peer": "naive", "ratio-at-most": 0.5}]
        other = row(**{"peer": "rte_fib", "peer-value": 40.0, "ratio": 0.5})
        rows.judge(other, budgets, {})
        self.assertNotIn("held", other)

    def test_totals_of_one_run_stand_against_each_other(self):
        budgets = [{"row": "x", "against": "ovs", "times-faster": 2.4}]
        both = {"x": row(**{"source-and-sink": 30.0}), "ovs": row(name="ovs", value=125.0)}
        (found,) = rows.comparisons(budgets, both)
        self.assertEqual((found["name"], found["value"], found["held"]), ("x-total", 50.0, True))
        both["ovs"]["value"] = 119.0
        (found,) = rows.comparisons(budgets, both)
        self.assertFalse(found["held"])
        self.assertEqual(list(rows.comparisons(budgets, {"x": both["x"]})), [])

    def test_every_budget_is_one_that_can_be_judged(self):
        kinds = {"at-most", "at-least", "ratio-at-most", "times-faster"}
        for budget in rows.budgets_read():
            self.assertEqual(len(kinds & set(budget)), 1, budget)
            self.assertLessEqual(set(budget), kinds | {"row", "peer", "against", "above"}, budget)


if __name__ == "__main__":
    unittest.main(verbosity=2)
