"""See ../random_walk.sh. Draws a script of steps, runs it, and after every stretch of steps lets usher
settle: then the application must say what the model says, and one cycle more must not write anything.
When something is wrong the script is made as short as it can be made in the time, and printed."""

import json
import os
import random
import signal
import subprocess
import sys
import time

from postgres import Postgres
from run import Wrong
from steps_job import ConfigurationSteps
from steps_plans import PlanSteps
from steps_runs import CycleSteps, GuardSteps, HandSteps
from steps_source import GroupSteps, PeopleSteps

STEPS = int(os.environ.get("STEPS") or 200)
SEED = int(os.environ.get("SEED") or 1) or random.SystemRandom().randrange(1 << 32)
SHRINK_S = int(os.environ.get("SHRINK_S") or 120)
T = os.environ["T"]

# How often each kind of step is drawn.
KINDS = {
    "add_person": 14, "change": 10, "rename": 4, "disable": 5, "enable": 5, "delete": 4, "restore": 4, "purge": 2,
    "rehire": 2, "assign": 8, "unassign": 5, "manager": 6, "no_manager": 2,
    "add_group": 3, "rename_group": 2, "delete_group": 1, "restore_group": 1, "purge_group": 1, "join": 10, "leave": 5,
    "nest": 4, "assign_nested": 2,
    "filter": 1, "no_filter": 1, "group_filter": 1, "map": 1, "scope": 1, "nested": 1, "policy": 2, "no_policy": 1,
    "skip_flag": 1, "cancel": 2, "protect": 2,
    "vanish": 2, "adopt": 2, "drift": 3, "reassert": 1,
    "cycle": 8, "faults": 6, "kill": 5, "demand": 4, "demand_group": 1, "pause": 1, "restart": 2, "forget": 1, "hold": 2,
    "plan": 3, "undo": 2, "settle": 4,
}


class Run(PeopleSteps, GroupSteps, ConfigurationSteps, CycleSteps, GuardSteps, HandSteps, PlanSteps):
    pass


# --- drawing a script ---

def draw(rng, steps):
    """A list of steps, each a list of a name and numbers. People and groups are meant by any number: what
    it comes to, is found out when the step runs."""
    names = list(KINDS)
    script = [["add_person", rng.randrange(1 << 30)] for _ in range(6)] + [["add_group", 0], ["assign", 3], ["settle"]]
    while len(script) < steps:
        name = rng.choices(names, [KINDS[n] for n in names])[0]
        script.append([name, rng.randrange(1 << 30), rng.randrange(1 << 30)])
    return script + [["settle"]]


def draw_options(rng):
    options = {"unique": rng.random() < 0.7, "bulk": rng.random() < 0.3, "patch": rng.random() < 0.85}
    options["settings"] = {"client.listing": rng.choice(["auto", "always", "never"]),
                           "client.updateMethod": rng.choice(["auto", "patch", "put"]) if options["patch"] else "auto"}
    return options


# --- running it ---

class Databases:
    """Where the walks keep their data: files of their own, or with DATABASE=postgres a server."""

    def __init__(self):
        self.server = Postgres() if os.environ.get("DATABASE") == "postgres" else None
        self.count = 0

    def new(self):
        if not self.server:
            return None
        self.count += 1
        name = f"walk{self.count}"
        subprocess.run([f"{self.server.programs}/createdb", "-h", self.server.dir, "-U", "usher", name], check=True)
        return f"postgresql:///{name}?host={self.server.dir}&user=usher"

    def remove(self):
        if self.server:
            self.server.remove()


def attempt(script, options, label, databases):
    data = f"{T}/walk-{label}"
    subprocess.run(["rm", "-rf", data], check=True)
    run = Run(data, options, databases.new())
    try:
        for i, step in enumerate(script):
            began = time.monotonic()
            run.target.log.append(("STEP", i, step))
            try:
                run.step(*step)
            except Wrong as wrong:
                return i, wrong, run
            if os.environ.get("TRACE"):
                print(f"{i} {step} {time.monotonic() - began:.2f} s", flush=True)
    finally:
        run.end()
        if os.environ.get("LOG"):
            with open(os.environ["LOG"], "w", encoding="utf-8") as file:
                file.writelines(json.dumps(line) + "\n" for line in run.target.log)
    return None, None, run


# --- making it short ---

def shorten(script, options, failed_at, databases):
    """Leaves stretches out, ever smaller ones, while it goes on failing."""
    end = time.monotonic() + SHRINK_S
    script = script[:failed_at + 1]
    if script[-1][0] != "settle":
        script.append(["settle"])
    size = len(script) // 2
    tries = 0
    while size >= 1 and time.monotonic() < end:
        at = 0
        while at < len(script) - 1 and time.monotonic() < end:
            shorter = script[:at] + script[at + size:]
            if shorter and shorter[-1][0] != "settle":
                shorter.append(["settle"])
            tries += 1
            failed, _, _ = attempt(shorter, options, "shrink", databases)
            if failed is not None:
                script = shorter[:failed + 1]
            else:
                at += size
        size //= 2
    return script, tries


def walk(script, options, databases):
    began = time.monotonic()
    failed, wrong, run = attempt(script, options, "run", databases)
    if failed is None:
        print(f"passed: {len(script)} steps, {run.cycles} cycles ({run.faulty} with faults, {run.kills} killed), "
              f"settled {run.settles} times in {time.monotonic() - began:.0f} s; {len(run.model.people)} people, "
              f"{run.target.writes} writes", flush=True)
        return 0
    print(f"FAILED at step {failed} {script[failed]} (SEED={SEED}): {wrong}", file=sys.stderr, flush=True)
    short, tries = shorten(script, options, failed, databases)
    failed, wrong, _ = attempt(short, options, "short", databases)
    path = os.environ.get("SAVE") or "/tmp/random_walk.json"
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"script": short, "options": options}, file)
    print(f"shortened to {len(short)} steps in {tries} tries, kept in {path}: {wrong}", file=sys.stderr)
    for step in short:
        print("  ", json.dumps(step), file=sys.stderr)
    print("  ", options, file=sys.stderr)
    return 1


def main():
    if len(sys.argv) > 1:
        with open(sys.argv[1], encoding="utf-8") as file:
            saved = json.load(file)
        script, options = saved["script"], saved["options"]
    else:
        rng = random.Random(SEED)
        options = draw_options(rng)
        script = draw(rng, STEPS)
    print(f"SEED={SEED} {len(script)} steps, {options}", flush=True)
    databases = Databases()
    try:
        code = walk(script, options, databases)
    finally:
        databases.remove()
    sys.exit(code)


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    main()
