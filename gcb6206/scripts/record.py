"""Record training runs for the book: ``python -m gcb6206.scripts.record dqn_cartpole``.

``book/results/results.yaml`` says what each recorded result is. For every seed a CSV of all scalars is kept
(``tag,step,value``) with the films that the command asks for, and ``record.json`` holds the command, commit,
versions, hardware and wall times. Where a ``replay`` is described, the first seed's run also leaves
``replay.json``: the episode with this start, at each evaluation; with ``actor: true`` every seed leaves the trained
policy in ``seed_N.pt``. What is recorded already is left alone, so that an interrupted recording goes on where
it stopped (a seed from its last checkpoint); for a replay alone, the first seed runs again.

A result with one seed says under ``one_seed`` why there are no more. A result may name a ``mutant``, a wrong version
of one exercise as the grader's collection holds it, such as ``hw4/multi_agent_gae/time_limit_as_end``: then everything
else is as usual, and the run shows what the mistake costs.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.metadata
import json
import platform
import runpy
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import torch
from tyro.conf import Positional, arg

from gcb6206.env_configs.config import read_yaml
from gcb6206.errors import ConfigError, nearest
from gcb6206.exercises import HOMEWORKS
from gcb6206.infrastructure.checkpoint import load_checkpoint, save_checkpoint
from gcb6206.runs import team_replay
from gcb6206.runs.frame import CHECKPOINT
from gcb6206.scripts import clone_vla, run_hw3, run_ppo, train, train_mappo, train_realm, train_two_arm
from gcb6206.scripts.hand_in import hand_in
from gcb6206.scripts.parse_tensorboard import read_scalars, write_scalars
from gcb6206.scripts.scripting_utils import WORDS, exit_status, load_solutions, parse

RESULTS = Path("book/results")
UNFINISHED = Path("build/recording")  # runs that a kill left there go on from their checkpoint
MUTANTS = Path("autograder/mutants")
POLICIES = Path("data/results")
PACKAGES = ("torch", "numpy", "gymnasium", "ale-py", "mujoco", "vmas")
PROGRAMS = {
    "run_hw3": (run_hw3, ["--solutions", "--no_gpu"]),
    "run_ppo": (run_ppo, ["--solutions"]),
    "train": (train, ["--solutions"]),
    "clone_vla": (clone_vla, []),
    "train_mappo": (train_mappo, ["--solutions"]),
    "train_realm": (train_realm, ["--solutions"]),
    "train_two_arm": (train_two_arm, ["--solutions"]),
}
FIELDS = (
    "about",
    "command",
    "program",
    "seeds",
    "mutant",
    "replay",
    "actor",
    "policy",
    "begins_with",
    "planned",
    "one_seed",
)


def record(name: str, results: Path = RESULTS, force: bool = False, seed: int | None = None) -> Path:
    """Run and keep every seed of a result that is not there yet; the result's directory.

    Args:
        name: of the result.
        results: where ``results.yaml`` is.
        force: run also what is there.
        seed: run this one only, as where another process runs the others.

    Raises:
        ConfigError: no result of that name is described, or its mutant is none.
    """
    described = read_yaml(results / "results.yaml")
    if name not in described:
        raise ConfigError(f"unknown result {name!r}: {nearest(name, list(described))}")
    for field in described[name]:
        if field not in FIELDS:
            raise ConfigError(
                f"result {name!r} has an unknown field {field!r}: {nearest(field, list(FIELDS))}"
            )
    directory = results / name
    directory.mkdir(exist_ok=True)
    about_path = directory / "record.json"
    about = json.loads(about_path.read_text()) if about_path.exists() and not force else {}
    seeds = about.get("seeds", {})
    program = described[name].get("program", "run_hw3")
    module, flags = PROGRAMS[program]
    mutant = described[name].get("mutant")
    if mutant:
        fill_mutant(mutant)
        flags = [flag for flag in flags if flag != "--solutions"]  # which would fill the right version again
    first, start = described[name]["seeds"][0], described[name].get("replay")
    replay = directory / team_replay.REPLAY
    wanted = described[name]["seeds"] if seed is None else [seed]
    for seed in wanted:
        replayed = start is not None and seed == first
        if str(seed) in seeds and not (replayed and not replay.exists()):
            print(f"{name} seed {seed}: recorded before")
            continue
        words = [
            *described[name]["command"].split(),
            *_begins_with(described[name], seed),
            "--seed",
            str(seed),
        ]
        begun, code, new = time.time(), commit(), str(seed) not in seeds
        with unfinished(name, seed) as log_root:
            asked = ["--replay", str(start)] if replayed else []
            interrupted = sorted(log_root.glob(f"*/{CHECKPOINT}"))
            if interrupted:
                log_dir = module.start(["--resume", str(interrupted[-1].parent), *flags])
            else:
                log_dir = module.start([*words, *asked, *flags, "--log_root", str(log_root)])
            if new:
                write_scalars(directory / f"seed_{seed}.csv", read_scalars(log_dir))
                for number, film in enumerate(sorted(log_dir.glob("videos/*.mp4"))):
                    shutil.copy(film, directory / f"seed_{seed}_{number}.mp4")
                if described[name].get("actor") and program == "run_hw3":
                    weights, _ = hand_in(log_dir, log_dir)
                    shutil.copy(weights, directory / f"seed_{seed}.pt")
                elif described[name].get("actor"):
                    state = load_checkpoint(log_dir / CHECKPOINT)
                    agent = state["agent"]
                    kept = {"settings": state["settings"], "actor": agent.get("actor") or agent["policy"]}
                    save_checkpoint(directory / f"seed_{seed}.pt", kept)
                if described[name].get("policy"):
                    (kept,) = (path for path in log_dir.glob("checkpoint_*") if path.name[-1].isdigit())
                    shutil.copytree(kept, POLICIES / name / f"seed_{seed}", dirs_exist_ok=True)
            if replayed:
                whole = json.loads((log_dir / team_replay.REPLAY).read_text())
                replay.write_text(team_replay.text(team_replay.thinned(whole)))
        if about_path.exists() and not force:  # another process may have recorded other seeds meanwhile
            seeds = {**json.loads(about_path.read_text())["seeds"], **seeds}
        if new:
            seeds[str(seed)] = {"wall_seconds": round(time.time() - begun, 1), "commit": code}
        if replayed:
            about["replay"] = {"seed": seed, "start": start, "commit": code}
        about = {
            "name": name,
            "about": described[name]["about"],
            "command": f"python -m gcb6206.scripts.{program} {' '.join([*flags, *words[:-1]])} SEED".replace(
                f"/seed_{seed} ", "/seed_SEED "
            ),
            **({"mutant": mutant} if mutant else {}),
            "versions": {package: importlib.metadata.version(package) for package in PACKAGES},
            "python": platform.python_version(),
            "hardware": hardware(torch.get_num_threads()),
            "seeds": dict(sorted(seeds.items())),
            **({"replay": about["replay"]} if "replay" in about else {}),
        }
        about_path.write_text(json.dumps(about, indent=1) + "\n")
    return directory


@contextlib.contextmanager
def unfinished(name: str, seed: int) -> Iterator[Path]:
    """A folder for a seed's run, which is removed once it is recorded; what was killed there can go on."""
    folder = UNFINISHED / name / f"seed_{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    yield folder
    shutil.rmtree(folder)


def _begins_with(description: dict, seed: int) -> list[str]:
    """The flag that names the recorded policy from which a result's run goes on."""
    before = description.get("begins_with")
    if before is None:
        return []
    policy = POLICIES / before / f"seed_{seed}"
    if not policy.is_dir():
        raise ConfigError(f"no policy {policy}: record {before} first, make results NAME={before}")
    return ["--pretrained_checkpoint", str(policy)]


def fill_mutant(mutant: str) -> None:
    """Fill all exercises with the reference solutions, and one with a mistake.

    Raises:
        ConfigError: the grader's collection has no such mistake.
    """
    path = MUTANTS / f"{mutant}.py"
    if not path.is_file():
        known = sorted(p.relative_to(MUTANTS).with_suffix("").as_posix() for p in MUTANTS.glob("hw*/*/*.py"))
        raise ConfigError(f"unknown mutant {mutant!r}: {nearest(mutant, known)}")
    for homework in HOMEWORKS:
        load_solutions(homework)
    runpy.run_path(str(path))


def commit() -> str:
    """The commit that is checked out, with a mark if the package's files differ from it."""
    head = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    tracked = ["git", "status", "--porcelain", "--untracked-files=no", "gcb6206", "solutions", "experiments"]
    changed = subprocess.run(tracked, capture_output=True, text=True, check=False).stdout.strip()
    return (head or "unknown") + (" with changes" if changed else "")


def hardware(threads: int = 1) -> str:
    """The processor, how many cores it has, and how many threads a run used."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        models = [
            line.split(":", 1)[1].strip()
            for line in cpuinfo.read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ]
        used = "one thread" if threads == 1 else f"{threads} threads"
        return f"{models[0] if models else model}, {len(models)} cores, {used} used"
    return model


@dataclasses.dataclass(frozen=True)
class Flags:
    """What to record."""

    names: Annotated[
        tuple[str, ...], Positional, WORDS, arg(metavar="NAME...", help_behavior_hint="(at least one)")
    ]
    """results of book/results/results.yaml, or 'all'"""
    force: bool = False
    """record again what is there already"""
    seed: int | None = None
    """record this seed only"""


@exit_status
def main(words: list[str] | None = None) -> None:
    """The command line."""
    flags = parse(Flags, words)
    for name in read_yaml(RESULTS / "results.yaml") if flags.names == ("all",) else flags.names:
        print(f"recorded {record(name, force=flags.force, seed=flags.seed)}")


if __name__ == "__main__":
    sys.exit(main())
