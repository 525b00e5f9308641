# SPDX-License-Identifier: BSD-3-Clause
"""The rows of the benches: what a program may print, what budgets.json says of them, and how a row is
shown. README.md has the format in words."""

import json
import pathlib

BUDGETS = pathlib.Path(__file__).with_name("budgets.json")
COLUMNS = ("name", "value", "unit", "p5", "peer", "peer-value", "ratio", "budget", "held")
REQUIRED = {"name": str, "value": (int, float), "unit": str}
OPTIONAL = {"p5": (int, float), "peer": str, "peer-value": (int, float), "ratio": (int, float),
            "source-and-sink": (int, float), "configuration": str}


class RowError(Exception):
    """A line of a bench is no row; the text says why."""


def read(line, configuration):
    """One line of a bench's output. @return (row or None, the configuration of what follows)."""
    try:
        row = json.loads(line)
    except ValueError as error:
        raise RowError(f"not JSON: {line.strip()!r}") from error
    if not isinstance(row, dict):
        raise RowError(f"not an object: {line.strip()!r}")
    if set(row) == {"configuration"}:
        return None, row["configuration"]
    for key, kind in REQUIRED.items():
        if not isinstance(row.get(key), kind):
            raise RowError(f"no {key} in {line.strip()!r}")
    for key, value in row.items():
        if key not in REQUIRED and not isinstance(value, OPTIONAL.get(key, ())):
            raise RowError(f"{key} of {row['name']} is unknown or of the wrong type")
    if ("peer" in row) != ("peer-value" in row):
        raise RowError(f"{row['name']}: a peer and its value come together")
    if "peer" in row:
        row["ratio"] = round(row["value"] / row["peer-value"], 4)
    if configuration:
        row.setdefault("configuration", configuration)
    return row, configuration


def budgets_read(path=BUDGETS):
    return json.loads(path.read_text())


def _judge(row, budget, others):
    """Whether a row holds a budget, and the budget in words."""
    if "times-faster" in budget:
        return row["peer-value"] / row["value"] >= budget["times-faster"], \
            f">= {budget['times-faster']:g} x faster"
    if "ratio-at-most" in budget:
        return row["ratio"] <= budget["ratio-at-most"], f"ratio <= {budget['ratio-at-most']:g}"
    if "at-least" in budget:
        return row["value"] >= budget["at-least"], f">= {budget['at-least']:g}"
    if "above" in budget:
        base = others.get(budget["above"])
        if base is None:
            return None, f"<= {budget['above']} + {budget['at-most']:g}"
        return row["value"] <= base["value"] + budget["at-most"], \
            f"<= {base['value']:.1f} + {budget['at-most']:g}"
    return row["value"] <= budget["at-most"], f"<= {budget['at-most']:g}"


def judge(row, budgets, others):
    """Adds `budget` and `held` to a row that has one. `others` are the rows of this run by name."""
    for budget in budgets:
        if budget["row"] != row["name"] or "against" in budget or \
                budget.get("peer", row.get("peer")) != row.get("peer"):
            continue
        held, row["budget"] = _judge(row, budget, others)
        if held is not None:
            row["held"] = held
        return


def comparisons(budgets, others):
    """The rows that stand against a row of another program of the same run: totals, source and sink
    included on both sides."""
    for budget in budgets:
        ours, theirs = others.get(budget["row"]), others.get(budget.get("against"))
        if ours is None or theirs is None or "source-and-sink" not in ours:
            continue
        total = round(ours["value"] + ours["source-and-sink"], 2)
        row = {"name": ours["name"] + "-total", "value": total, "unit": ours["unit"],
               "peer": theirs["name"], "peer-value": theirs["value"],
               "ratio": round(total / theirs["value"], 4)}
        row["held"], row["budget"] = _judge(row, budget, others)
        yield row


def text_of(row):
    """A row of the table."""
    def shown(key, form):
        return "-" if row.get(key) is None else format(row[key], form)
    held = {True: "yes", False: "NO", None: "-"}[row.get("held")]
    return (f"{row['name']:<30}{row['value']:>14,.1f} {row['unit']:<10}{shown('p5', ',.1f'):>12}  "
            f"{row.get('peer', '-'):<22}{shown('peer-value', ',.1f'):>12}{shown('ratio', '.2f'):>8}  "
            f"{row.get('budget', '-'):<18}{held:<4}").rstrip()


def heading():
    return (f"{COLUMNS[0]:<30}{COLUMNS[1]:>14} {COLUMNS[2]:<10}{COLUMNS[3]:>12}  {COLUMNS[4]:<22}"
            f"{COLUMNS[5]:>12}{COLUMNS[6]:>8}  {COLUMNS[7]:<18}{COLUMNS[8]:<4}")
