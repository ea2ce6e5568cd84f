"""Clone demonstrations by a small vision-language-action policy: ``python -m gcb6206.scripts.clone_vla --episodes 60``.
Its directory ``checkpoint_UPDATE`` is what ``train_mappo --pretrained_checkpoint`` begins with. -cfg FILE.yaml --help
shows that file's values.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from gcb6206.networks.vla_policy import MultiAgentVLAPolicy
from gcb6206.runs.vla import CloningRun
from gcb6206.scripts.scripting_utils import RunFlags, exit_status, start_run


def run_training(config: dict, logger, args: argparse.Namespace) -> MultiAgentVLAPolicy:
    """Clone: step by step, until the updates are used up.

    Args:
        config: the run's parts, as ``CloningConfig().build()`` gives them.
        logger: takes scalars.
        args: seed, intervals and counts, as the command line gives them.

    Returns:
        The policy.
    """
    run = CloningRun(config, logger, args)
    for progress in run.rounds():
        run.learn(progress)
    return run.policy


@dataclasses.dataclass(frozen=True)
class Flags(RunFlags):
    """How to run it."""

    eval_interval: Annotated[int, arg(aliases=("-ei",))] = 0
    """updates between evaluations; 0 for one at the end"""
    num_eval_episodes: int = 20
    """episodes in each evaluation"""
    num_render_episodes: Annotated[int, arg(aliases=("-nvid",))] = 0
    """films of the trained policy"""
    checkpoint_interval: int = 100
    """updates between checkpoints; 0 for none"""
    log_root: Annotated[str, arg(metavar="DIR")] = "runs/cloning"
    """where the run's directory is made"""

    BASES, NEEDS_FILE, KIND = ("cloning",), False, "cloning"
    KEPT = ("seed", "eval_interval", "num_eval_episodes", "num_render_episodes", "checkpoint_interval")
    LIMITS = {
        **RunFlags.LIMITS,
        "at least 1": "num_eval_episodes",
        "at least 0": "eval_interval num_render_episodes checkpoint_interval",
    }

    def directory(self, log_name: str, changes: dict) -> str:
        """The run's name, its seed, and when."""
        return f"{log_name}_seed{self.seed}_{time.strftime('%Y-%m-%d_%H-%M-%S')}"


def start(words: list[str] | None = None) -> Path:
    """Run what a command line asks for; the run's directory."""
    return start_run(Flags, words, lambda config, flags: None, run_training, use_underscores=True)


main = exit_status(start)

if __name__ == "__main__":
    sys.exit(main())
