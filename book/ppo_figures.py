"""What the PPO chapters share: excerpts of the course's code, and trainings that take seconds."""

from __future__ import annotations

import argparse
import inspect
import re
import textwrap
from collections.abc import Callable

import numpy as np
from IPython.display import Markdown

from gcb6206.env_configs.ppo_config import PPOConfig
from gcb6206.exercises import filled
from gcb6206.infrastructure.logger import NullLogger
from gcb6206.infrastructure.ppo_run import PPORun


def show_source(function: Callable, first: str, last: str) -> Markdown:
    """A function's source from the first line that matches ``first`` to the next that matches ``last``.

    Args:
        function: of the package.
        first, last: regular expressions.

    Raises:
        ValueError: the source has no such lines any more.
    """
    lines = inspect.getsource(function).splitlines()
    begin = next((i for i, line in enumerate(lines) if re.search(first, line)), None)
    end = next((i for i in range(begin or 0, len(lines)) if re.search(last, lines[i])), None)
    if begin is None or end is None:
        raise ValueError(f"{function.__qualname__} has no lines from {first!r} to {last!r}: name others")
    return Markdown(f"```python\n{textwrap.dedent(chr(10).join(lines[begin : end + 1]))}\n```")


def small_run(seed: int, **settings) -> PPORun:
    """A run whose rollouts and updates take seconds: CartPole, 4 environments, 256 steps each.

    Args:
        seed: of the run.
        settings: fields of ``PPOConfig`` that are to differ.
    """
    chosen = {"total_steps": 10_240, "n_steps": 256, "learning_rate": 1e-3, **settings}
    args = argparse.Namespace(seed=seed, eval_interval=10**9, num_eval_episodes=20)
    return PPORun(PPOConfig(**chosen).build(), NullLogger(), args)


def train(run: PPORun, implementations: dict[str, Callable] | None = None) -> dict[str, np.ndarray]:
    """Train to the end of a run, with some exercises filled otherwise.

    Args:
        run: as ``small_run`` gives it.
        implementations: what fills an exercise during this training, such as ``{"hw1.compute_gae": f}``.

    Returns:
        Arrays, one number for each update: ``step``, ``return`` (mean over the last 100 episodes) and
        ``value`` (mean of the critic over the rollout).
    """
    rows = []
    with filled(implementations or {}):
        for progress in run.updates():
            samples = run.collect()
            run.agent.update(samples, progress)
            mean_return = run.collector.figures()["rollout/ep_rew_mean"]
            rows.append((run.step, mean_return, float(samples["values"].mean())))
    return dict(zip(("step", "return", "value"), np.array(rows).T))
