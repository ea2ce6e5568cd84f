"""Record demonstrations of the two arms' expert: ``python -m gcb6206.scripts.record_demonstrations --episodes 60``.
The same command goes on where it was interrupted.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from gcb6206.env_configs.config import check_fields
from gcb6206.envs.two_arm.env import TwoArmPegInHole
from gcb6206.envs.two_arm.expert import expert_episode
from gcb6206.errors import ConfigError
from gcb6206.scripts.scripting_utils import exit_status, parse

SAVED = 10  # episodes between two writings of the file
MADE_BY = ("seed", "steps", "noise", "image_size")  # what must be the same for a recording to go on


@dataclasses.dataclass(frozen=True)
class Flags:
    """What to record."""

    output: str = "data/two_arm/demonstrations.npz"
    """the file"""
    episodes: int = 60
    """how many; episode i has the seed seed + i"""
    steps: int = 60
    """steps of each episode; the peg is in the hole after about 40"""
    noise: float = 0.1
    """standard deviation of the noise on the expert's actions; the actions without it are recorded"""
    image_size: int = 64
    """width and height of a picture in pixels; 0 records none, which is ten times as fast"""
    seed: int = 0
    """seed of the first episode"""

    def __post_init__(self):
        check_fields(self, {
            "at least 1": "episodes steps",
            "at least 0": "noise image_size",
            "a whole number from 0 to 2**63 - 1": "seed",
        })  # fmt: skip


def record(flags: Flags) -> Path:
    """Record what is not in the file yet.

    The file's arrays have a row for every step: those of ``expert_episode``, and ``first`` bool, the step is its
    episode's first; besides ``seed, steps, noise, image_size``.

    Raises:
        ConfigError: the file holds something else, or demonstrations made in another way.
    """
    path, made_by = Path(flags.output), {name: getattr(flags, name) for name in MADE_BY}
    episodes = read(path, made_by) if path.exists() else []
    if len(episodes) >= flags.episodes:
        print(f"{path} has {len(episodes)} episodes already")
        return path
    views = {"observation": "images", "history_length": 1, "image_size": flags.image_size}
    env = TwoArmPegInHole(**(views if flags.image_size else {}))
    path.parent.mkdir(parents=True, exist_ok=True)
    begun = len(episodes)
    with tqdm(total=flags.episodes, initial=begun, unit="episode") as bar:
        try:
            for number in range(begun, flags.episodes):
                episodes.append(expert_episode(env, flags.seed + number, flags.steps, flags.noise))
                succeeded = np.mean([episode["success"][-1] for episode in episodes])
                bar.set_postfix(success=f"{succeeded:.2f}")
                bar.update()
                if len(episodes) % SAVED == 0:
                    write(path, episodes, made_by)
        finally:
            if len(episodes) > begun:
                write(path, episodes, made_by)
    return path


def write(path: Path, episodes: list[dict], made_by: dict) -> None:
    """Write the file, whole or not at all."""
    arrays = {name: np.concatenate([episode[name] for episode in episodes]) for name in episodes[0]}
    arrays["first"] = np.concatenate([np.arange(len(episode["action"])) == 0 for episode in episodes])
    unfinished = path.with_name(f".{path.stem}.{os.getpid()}.npz")
    try:
        np.savez_compressed(unfinished, **arrays, **made_by)
        os.replace(unfinished, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            unfinished.unlink()


def read(path: Path, made_by: dict) -> list[dict]:
    """The file's episodes.

    Raises:
        ConfigError: it holds something else, or demonstrations made in another way.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        found = {name: arrays.pop(name).item() for name in MADE_BY}
        first = np.flatnonzero(arrays.pop("first"))
    except (KeyError, ValueError, OSError, EOFError) as error:
        raise ConfigError(
            f"{path} holds no demonstrations ({error}): name another file with --output"
        ) from None
    for name, value in made_by.items():
        if found[name] != value:
            raise ConfigError(
                f"--{name} is {value}, but {path} was recorded with {found[name]}: leave the flag as it was, or name "
                "another file with --output"
            )
    parts = {name: np.split(array, first[1:]) for name, array in arrays.items()}
    return [{name: rows[i] for name, rows in parts.items()} for i in range(len(first))]


@exit_status
def main(words: list[str] | None = None) -> None:
    """The command line."""
    print(f"recorded {record(parse(Flags, words, use_underscores=True))}")


if __name__ == "__main__":
    sys.exit(main())
