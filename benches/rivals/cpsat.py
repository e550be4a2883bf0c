"""The problem as a direct assignment model for OR-Tools CP-SAT.

Usage: cpsat.py PROBLEM SECONDS. Prints one JSON document: status, objective, bound, times.

As many host slots as there are items; Boolean variables put items in slots, give slots an option,
and say at which site an item is. Alike slots are put in order.
"""

import json
import os
import sys
import time

from ortools.sat.python import cp_model


def build(problem):
    model = cp_model.CpModel()
    items = [g for g, group in enumerate(problem["groups"]) for _ in range(group["count"])]
    groups, options = problem["groups"], problem["options"]
    slots = range(len(items))
    sites = sorted({option["site"] for option in options})
    chosen = {(h, o): model.new_bool_var("") for h in slots for o in range(len(options))}
    placed = {(i, h): model.new_bool_var("") for i in range(len(items)) for h in slots}
    at = {(i, s): model.new_bool_var("") for i in range(len(items)) for s in sites}

    for h in slots:
        model.add_at_most_one(chosen[h, o] for o in range(len(options)))
        for d in range(len(groups[0]["demand"])):
            model.add(
                sum(groups[g]["demand"][d] * placed[i, h] for i, g in enumerate(items))
                <= sum(option["capacity"][d] * chosen[h, o] for o, option in enumerate(options))
            )
    for i, g in enumerate(items):
        model.add_exactly_one(placed[i, h] for h in slots)
        model.add_exactly_one(at[i, s] for s in sites)
        barred = set(range(len(options))) - set(groups[g]["options"])
        for h in slots:
            for o in barred:
                model.add_bool_or(~placed[i, h], ~chosen[h, o])
            for s in sites:
                here = [chosen[h, o] for o, option in enumerate(options) if option["site"] == s]
                # If the item is in the slot, the slot's site is the item's.
                model.add(sum(here) == at[i, s]).only_enforce_if(placed[i, h])
    # Slots of no use come last; else their costs fall.
    cost = [
        sum(option["cost"] * chosen[h, o] for o, option in enumerate(options)) for h in slots
    ]
    for h in list(slots)[1:]:
        model.add(cost[h - 1] >= cost[h])

    for rule in problem["forbidden"]:
        a, b = rule["groups"]
        for s, t in rule["pairs"]:
            if s in sites and t in sites:
                for i in (i for i, g in enumerate(items) if g == a):
                    for j in (j for j, g in enumerate(items) if g == b and j != i):
                        model.add_bool_or(~at[i, s], ~at[j, t])

    total = sum(cost)
    if problem["traffic"]:
        total += traffic(model, problem, items, sites, at)
    model.minimize(total)
    return model


def traffic(model, problem, items, sites, at):
    """What each item sends through each meter, by the site it is at."""
    meter, prices = problem["traffic"]["meter"], problem["traffic"]["prices"]
    total = 0
    for a, b, amount in problem["traffic"]["flows"]:
        for i in (i for i, g in enumerate(items) if g == a):
            for j in (j for j, g in enumerate(items) if g == b and j != i):
                for s in sites:
                    behind = {}
                    for t in sites:
                        behind.setdefault(meter[s * problem["sites"] + t], []).append(at[j, t])
                    for m, there in behind.items():
                        if m < 0:
                            continue
                        sent = model.new_bool_var("")
                        model.add(sent >= at[i, s] + sum(there) - 1)
                        price, unit = int(prices[m][0]), int(prices[m][1])
                        nano = (amount * price + unit * 500_000_000) // (unit * 1_000_000_000)
                        total += nano * sent
    return total


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        problem = json.load(file)
    begun = time.monotonic()
    model = build(problem)
    built = time.monotonic()
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = float(sys.argv[2])
    solver.parameters.num_workers = os.cpu_count()
    status = solver.solve(model)
    names = {cp_model.OPTIMAL: "optimal", cp_model.FEASIBLE: "feasible"}
    found = status in names
    print(
        json.dumps(
            {
                "status": names.get(status, "unknown"),
                "objective": round(solver.objective_value) if found else None,
                "bound": round(solver.best_objective_bound) if found else None,
                "build_s": built - begun,
                "solve_s": time.monotonic() - built,
            }
        )
    )


main()
