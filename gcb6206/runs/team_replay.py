"""Replays: what a team does from one start at each evaluation of its training, small enough for a page.

A replay is JSON: what is drawn (``entities``) stands once, what moves in ``checkpoints``, one episode with the
mean actions for each evaluation. Positions, angles and returns are packed: see ``pack``.
"""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path

import numpy as np

from gcb6206.agents.mappo_agent import MAPPOAgent
from gcb6206.envs.vmas import VmasTeam
from gcb6206.runs.team_rollout import play_episodes

REPLAY = "replay.json"
UNIT = 1000  # numbers are kept as whole thousandths
LARGEST = 200_000  # characters of a recorded replay


def pack(values: list[float]) -> list[int]:
    """Numbers in thousandths: the first, then each one's difference to the one before, until nothing changes.

    >>> pack([0.5, 0.75, 0.7, 0.7, 0.7])
    [500, 250, -50]
    """
    whole = [round(value * UNIT) for value in values]
    packed = [whole[0], *(after - before for before, after in itertools.pairwise(whole))]
    while len(packed) > 1 and packed[-1] == 0:
        packed.pop()
    return packed


def unpack(packed: list[int], count: int) -> list[float]:
    """The first ``count`` numbers that ``pack`` was given, to a thousandth.

    >>> unpack([500, 250, -50], 5)
    [0.5, 0.75, 0.7, 0.7, 0.7]
    """
    total, values = 0, []
    for i in range(count):
        total += packed[i] if i < len(packed) else 0
        values.append(total / UNIT)
    return values


def tracks(checkpoint: dict) -> np.ndarray:
    """A checkpoint's x, y and angle of every entity at every step, ``(entities, 3, steps + 1)``."""
    count = checkpoint["steps"] + 1
    return np.array([[unpack(track, count) for track in entity] for entity in checkpoint["poses"]])


def entities(team: VmasTeam) -> list[dict]:
    """What there is to draw in a team's world, back to front: landmarks, joints among them, then agents.

    Returns:
        For each its ``name``, whether it is an ``agent``, its ``colour`` (``#rrggbb``) and ``shape``: a
        ``circle`` with its ``radius``, a ``line`` with its ``length``, or a ``box`` with ``length`` and ``width``.
    """
    world = team.vmas.world
    drawn = []
    for entity in world.entities:
        shape, kind = entity.shape, type(entity.shape).__name__
        if kind == "Sphere":
            size = {"shape": "circle", "radius": _rounded(shape.radius)}
        elif kind == "Line":
            size = {"shape": "line", "length": _rounded(shape.length)}
        else:
            size = {"shape": "box", "length": _rounded(shape.length), "width": _rounded(shape.width)}
        about = {"name": entity.name, "agent": entity in world.agents, "colour": _colour(entity.color)}
        drawn.append({**about, **size})
    return drawn


def poses(team: VmasTeam) -> list[tuple[float, float, float]]:
    """Where everything is in the first environment: x, y and angle, in the order of ``entities``."""
    return [
        (*entity.state.pos[0].tolist(), entity.state.rot[0].item()) for entity in team.vmas.world.entities
    ]


def play(team: VmasTeam, agent: MAPPOAgent, seed: int, max_steps: int) -> dict:
    """One episode with the mean actions, from the start that the seed decides.

    Args:
        team: one environment.
        agent: chooses the actions.
        seed: of the environment.
        max_steps: the time limit.

    Returns:
        ``steps``; ``return``, packed, what was earned before each step and at the end (a mean over the agents);
        and ``poses``, for each of ``entities`` its packed x, y and angle at those times.
    """
    seen, earned = [], []

    def watch(so_far: float) -> None:
        seen.append(poses(team))
        earned.append(so_far)

    play_episodes(team, agent, seed, max_steps, watch=watch)
    packed = [[pack(track) for track in zip(*entity)] for entity in zip(*seen)]
    return {"steps": len(seen) - 1, "return": pack(earned), "poses": packed}


def add(directory: Path, team: VmasTeam, agent: MAPPOAgent, start: int, max_steps: int, about: dict) -> None:
    """Add one episode from a start to the replay in a run's directory.

    Args:
        directory: the run's.
        team: one environment.
        agent: chooses the actions.
        start: seed of the environment, the same at every evaluation.
        max_steps: the time limit.
        about: ``iteration``, ``frames`` and ``mean_return`` of the evaluation.
    """
    header = {
        "scenario": team.scenario_name,
        "start": start,
        "max_steps": max_steps,
        "entities": entities(team),
    }
    keep(directory / REPLAY, header, {**about, **play(team, agent, start, max_steps)})


def keep(path: Path, header: dict, checkpoint: dict) -> None:
    """Add a checkpoint to the replay in a file, which is written whole or not at all.

    Whatever the file has of this iteration and later ones is forgotten: it is of a run that was killed and goes on
    from an earlier checkpoint.
    """
    before = json.loads(path.read_text(encoding="utf-8"))["checkpoints"] if path.exists() else []
    earlier = [other for other in before if other["iteration"] < checkpoint["iteration"]]
    unfinished = path.with_name(path.name + ".writing")
    unfinished.write_text(text({**header, "checkpoints": [*earlier, checkpoint]}))
    os.replace(unfinished, path)


def text(replay: dict) -> str:
    """A replay as JSON without blanks, a line for each checkpoint."""
    lines = json.dumps(replay, separators=(",", ":")).replace('{"iteration"', '\n{"iteration"')
    return lines + "\n"


def thinned(replay: dict, largest: int = LARGEST) -> dict:
    """As many of a replay's checkpoints, evenly spread and with the last, as fit into so many characters."""
    every, kept = replay["checkpoints"], replay
    for step in range(1, len(every) + 1):
        kept = {**replay, "checkpoints": every[::-step][::-1]}
        if len(text(kept)) <= largest:
            break
    return kept


def _rounded(size: float) -> float:
    return round(float(size), 3)


def _colour(colour) -> str:
    """A colour of VMAS, three parts from 0 to 1 (or such for every environment), as ``#rrggbb``."""
    parts = colour[0] if getattr(colour, "ndim", 1) > 1 else colour
    return "#" + "".join(f"{round(255 * float(part)):02x}" for part in parts[:3])
