"""Run every benchmark beside its peers, measure this machine's limits, keep it all in one file, print the table.

    python -m benchmarks.speed [--output FILE] [--smallest]

What a killed run had measured is kept in ``build/bench/unfinished.json``; the same command at the same commit goes on
from there.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

from benchmarks.speed import lines

VERSION = platform.python_version()
UNFINISHED = Path("build/bench/unfinished.json")
OUTPUT = Path("build/bench/bench.json")
SETTINGS = {  # so that all of it takes about 20 minutes on two cores
    "autograde": ["--submissions", "20"],
    "dqn_atari": ["--pairs", "3", "--steps", "1000"],
    "dqn_cartpole": ["--pairs", "3"],
    "ppo_cartpole": ["--pairs", "3", "--rollouts", "2"],
    "two_arm": ["--seconds", "2"],
    "vmas_navigation": ["--pairs", "3", "--iterations", "4"],
}
# peers that this course's requirements do not hold: the benchmarks that know them, and their package
ELSEWHERE = {
    "BenchMARL": ("vmas_navigation",),
    "RLlib": ("ppo_cartpole",),
    "SBX": ("dqn_cartpole", "ppo_cartpole"),
}
PACKAGES = (
    "torch",
    "numpy",
    "gymnasium",
    "stable_baselines3",
    "torchrl",
    "ale-py",
    "mujoco",
    "vmas",
    "nbgrader",
)


def interpreter(peer: str) -> Path:
    """Where the environment of a peer is looked for."""
    return Path("build") / peer.lower() / "bin" / "python"


def words_of(name: str, small: bool) -> list[str]:
    """The arguments with which a benchmark is run."""
    words = ["--smallest"] if small else list(SETTINGS.get(name, []))
    for peer, programs in ELSEWHERE.items():
        if name in programs and interpreter(peer).exists():
            words += [f"--{peer.lower()}", str(interpreter(peer))]
    return words


def run(program: Path, words: list[str]) -> dict:
    """Run a benchmark, show what it prints, and read it.

    Raises:
        SystemExit: the program failed.
    """
    begun, said = time.monotonic(), []
    command = [sys.executable, "-u", str(program), *words]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([os.getcwd(), os.environ.get("PYTHONPATH", "")]),
    }
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as running:
        for line in running.stdout:
            said.append(line)
            if not line.startswith("measured: "):
                print(line, end="", flush=True)
    if running.returncode:
        sys.exit(
            f"{program} failed with {running.returncode}; what was measured before is kept in {UNFINISHED}"
        )
    row = lines.parse(said)
    if "rates" in row:
        row["ours"] = statistics.median(row["rates"][lines.OURS])
        row["peers"] = lines.compared(row["rates"])
    return {"arguments": " ".join(words), **row, "wall_seconds": round(time.monotonic() - begun, 1)}


def begin(small: bool) -> dict:
    """The unfinished recording of this commit and these settings, or a new one."""
    from gcb6206.scripts import record

    about = {
        "commit": record.commit(),
        "smallest": small,
        "hardware": record.hardware().removesuffix(", one thread used"),
    }
    if UNFINISHED.exists():
        kept = json.loads(UNFINISHED.read_text(encoding="utf-8"))
        if all(kept.get(name) == value for name, value in about.items()):
            return kept
    return {**about, "wall_seconds": 0.0, "load": os.getloadavg()[0], "benchmarks": {}}


def keep(state: dict, path: Path = UNFINISHED) -> None:
    """Write a recording; a kill leaves the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps(state, indent=1) + "\n", encoding="utf-8")
    beside.replace(path)


def not_measured(benchmarks: dict) -> dict[str, str]:
    """The peers that nothing was measured of, and why."""
    missing = {
        peer: f"there was none at `{interpreter(peer)}`; `benchmarks/peers/{peer.lower()}_*.py` says how to make it"
        for peer in ELSEWHERE
        if not any(peer in row.get("peers", {}) for row in benchmarks.values())
    }
    return {**missing, "CleanRL": f"its newest package, 1.2.0, cannot be installed with Python {VERSION}"}


def installed() -> dict[str, str]:
    """Versions of the packages that are measured."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, default=OUTPUT, help=f"the file that keeps it all ({OUTPUT})")
    parser.add_argument("--smallest", action="store_true", help="tiny sizes, to see that it runs")
    args = parser.parse_args()
    state = begin(args.smallest)
    begun, before = time.monotonic(), state["wall_seconds"]

    def done() -> None:
        state["wall_seconds"] = round(before + time.monotonic() - begun, 1)
        keep(state)

    programs = sorted(Path("benchmarks").glob("*.py"))
    for number, program in enumerate(programs, 1):
        if program.stem in state["benchmarks"]:
            print(f"== {program}: measured before", flush=True)
            continue
        print(f"== {program} ({number} of {len(programs)})", flush=True)
        state["benchmarks"][program.stem] = run(program, words_of(program.stem, args.smallest))
        done()
    from benchmarks.speed import limits  # only now: it loads what the programs should have had for themselves

    print("== the limits of this machine", flush=True)
    for said in limits.steps(state, args.smallest):
        print(said, flush=True)
        done()
    output = " ".join(["python -m benchmarks.speed", *(["--smallest"] if args.smallest else [])])
    head = {"command": output, "date": f"{date.today()}", "python": VERSION}
    keep(
        {**head, "versions": installed(), "not_measured": not_measured(state["benchmarks"]), **state},
        args.output,
    )
    UNFINISHED.unlink(missing_ok=True)
    print("\n".join(["", *lines.table(state)]))
    for peer, why in not_measured(state["benchmarks"]).items():
        print(f"{peer}: not measured: {why}")
    print(f"kept in {args.output}; {state['wall_seconds'] / 60:.0f} minutes")


if __name__ == "__main__":
    main()
