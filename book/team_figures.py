"""The multi-agent chapters' tables and figures, from the recorded runs in ``book/results``."""

from __future__ import annotations

import functools
import math

import numpy as np
import torch
from IPython.display import Markdown
from matplotlib.axes import Axes

from book import figures, ranking
from book.sweep_figures import interval
from gcb6206.agents.mappo_agent import MAPPOAgent
from gcb6206.env_configs.mappo_config import MAPPOConfig
from gcb6206.envs.vmas import VmasTeam
from gcb6206.infrastructure.checkpoint import load_checkpoint
from gcb6206.runs.team import make_agent
from gcb6206.runs.team_rollout import play_episodes

RETURN = "eval/episode_reward_sum"  # 200 episodes with the mean actions, a mean over agents


def ends(name: str, frames: float = math.inf) -> np.ndarray:
    """The last evaluation of each seed, ``(seeds,)``.

    Args:
        name: the recorded run.
        frames: evaluations after so many frames do not count.
    """
    return np.array([returns[steps <= frames][-1] for steps, returns in _evaluations(name)])


def alike(name: str, reference: str) -> tuple[float, np.ndarray, np.ndarray]:
    """The ends of two recorded runs at equal frames, those of the shorter run.

    Returns:
        The frames; and the last evaluations up to there, and 1% more, of every recorded seed of each, ``(seeds,)``.
        Empty where one of the two has no evaluation so early.
    """
    frames = min(steps[-1] for run in (name, reference) for steps, _ in _evaluations(run))
    if any(steps[0] > 1.01 * frames for run in (name, reference) for steps, _ in _evaluations(run)):
        return frames, np.empty(0), np.empty(0)
    return frames, ends(name, 1.01 * frames), ends(reference, 1.01 * frames)


def verdict(name: str, reference: str) -> str:
    """``above``, ``below`` or ``tie``: a recorded run against another, or ``no equal frames``.

    Three seeds are too few for an interval of their mean, so the ranges of the seeds are compared.
    """
    _, first, second = alike(name, reference)
    return ranking.compare(ranking.spread(first), ranking.spread(second)) if len(first) else "no equal frames"


def verdicts(runs: dict[str, str], reference: str) -> Markdown:
    """Each run against a reference, with the returns that were compared.

    Args:
        runs: label of the row and name of the recorded run.
        reference: name of the recorded run to compare with.
    """
    rows = [
        "| | million frames | return of each seed | the reference there | verdict |",
        "|---|---|---|---|---|",
    ]
    for label, name in runs.items():
        frames, *both = alike(name, reference)
        shown = " | ".join(", ".join(map(_number, values)) or "–" for values in both)
        rows.append(f"| {label} | {frames / 1e6:.2f} | {shown} | {verdict(name, reference)} |")
    return Markdown("\n".join(rows))


def lowest_late(name: str) -> float:
    """The lowest evaluation of any seed in the last quarter of the training."""
    late = [values[steps > 0.75 * steps[-1]] for steps, values in _evaluations(name)]
    return min(values.min() for values in late)


def compared(runs: dict[str, str]) -> Markdown:
    """How recorded runs ended, and what a training cost.

    Args:
        runs: label of the row and name of the recorded run.
    """
    rows = ["| | return of each seed | mean | 95% interval | million frames | minutes per seed |"]
    rows.append("|---|---|---|---|---|---|")
    machines = set()
    for label, name in runs.items():
        about, last = figures.record(name), ends(name)
        if not len(last):
            rows.append(f"| {label} | not recorded | | | | |")
            continue
        low, high = interval(last)
        frames = _evaluations(name)[0][0][-1] / 1e6
        minutes = np.mean([seed["wall_seconds"] for seed in about["seeds"].values()]) / 60
        each = ", ".join(_number(value) for value in last)
        rows.append(
            f"| {label} | {each} | {_number(last.mean())} | {_number(low)} to {_number(high)} | {frames:.2f} "
            f"| {minutes:.1f} |"
        )
        machines.add(about["hardware"])
    where = "; ".join(sorted(machines)) or "nothing yet"
    rows += ["", f"Recorded on: {where}. Minutes are by the clock, with other work on the same cores."]
    return Markdown("\n".join(rows))


def plot(ax: Axes, runs: dict[str, str], tag: str = RETURN) -> None:
    """Draw each run's mean over the seeds against millions of frames, with the range between the seeds.

    Raises:
        ValueError: more runs than there are colours.
    """
    if len(runs) > len(figures.COLOURS):
        raise ValueError(f"{len(runs)} runs for {len(figures.COLOURS)} colours: draw fewer in one plot")
    for (label, name), colour in zip(runs.items(), figures.COLOURS):
        frames, values = figures.spread(name, tag)
        if not len(values):
            continue
        ax.plot(frames / 1e6, values.mean(0), color=colour, label=f"{label} ({len(values)} seeds)")
        ax.fill_between(frames / 1e6, values.min(0), values.max(0), color=colour, alpha=0.2, linewidth=0)
    ax.set(xlabel="million frames", ylabel="mean return")
    ax.legend()


def commands(names: list[str]) -> Markdown:
    """The recorded runs' command lines."""
    lines = [figures.record(name)["command"] for name in names if figures.record(name)]
    return Markdown("\n".join(["```bash", *lines, "```"]))


def trained(name: str, seed: int) -> tuple[MAPPOConfig, MAPPOAgent]:
    """A recorded run's settings, and its team as it was at the end; its critic is untrained."""
    kept = load_checkpoint(figures.RESULTS / name / f"seed_{seed}.pt")
    settings = {field: value for field, value in kept["settings"].items() if field != "seed"}
    config = MAPPOConfig(**settings)
    parts = config.build()
    agent = make_agent(parts, parts["make_team"](num_envs=1), seed=0)
    agent.actor.load_state_dict(kept["actor"])
    return config, agent


@functools.cache  # a page asks several times
def turned(name: str, seed: int, episodes: int = 1500) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which way a trained team turns the wheel, by the angle at which it finds it.

    Returns:
        ``(episodes,)`` each: the line's angle at the start, -pi/2 to pi/2; the mean of its angular velocity in the
        second half of the episode, in rad/s, positive counterclockwise; and the return.
    """
    config, agent = trained(name, seed)
    team = VmasTeam(config.scenario_name, episodes, n_agents=config.n_agents)
    line, angles, velocities = team.vmas.scenario.line, [], []

    def watch(_) -> None:
        angles.append(line.state.rot[:, 0].clone())
        velocities.append(line.state.ang_vel[:, 0].clone())

    returns = play_episodes(team, agent, 0, config.max_steps, watch=watch)
    late = torch.stack(velocities[len(velocities) // 2 :]).mean(dim=0)
    return angles[0].numpy(), late.numpy(), returns.numpy()


def agreement(velocities: np.ndarray) -> float:
    """The part of the episodes in which the wheel turns the way that is the more common one."""
    share = float((velocities > 0).mean())
    return max(share, 1 - share)


def by_angle(angles: np.ndarray, values: np.ndarray, bins: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """The mean of values in equal parts of -pi/2 to pi/2: the middles in degrees, and the means, ``(bins,)``."""
    edges = np.linspace(-math.pi / 2, math.pi / 2, bins + 1)
    which = np.clip(np.digitize(angles, edges) - 1, 0, bins - 1)
    means = [values[which == i].mean() if (which == i).any() else np.nan for i in range(bins)]
    return np.degrees((edges[:-1] + edges[1:]) / 2), np.array(means)


def _evaluations(name: str) -> list[tuple[np.ndarray, np.ndarray]]:
    return [logged[RETURN] for logged in figures.curves(name).values()]


def _number(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")
