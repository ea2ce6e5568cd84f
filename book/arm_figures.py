"""What the robot-arm chapter shows: success with its interval, and pictures and films of the arm.

    python -m book.arm_figures picture             # how an episode of each task begins
    python -m book.arm_figures film RUN_DIRECTORY  # what the policy does that a training left there

Both need OpenGL, without which the page is built all the same: it shows the files kept in
``book/results/roarm_films``.
"""

from __future__ import annotations

import argparse
import base64
import sys
from collections.abc import Callable
from pathlib import Path

import gymnasium as gym
import imageio.v3 as imageio
import numpy as np
from IPython.display import HTML, Markdown
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from scipy.stats import binomtest

import gcb6206.envs  # noqa: F401  (registers the environments)
from book import figures
from gcb6206.env_configs.config import read_yaml
from gcb6206.envs.roarm import HOME
from gcb6206.envs.roarm_model import (
    FOREARM,
    JOINT_LIMITS,
    SHOULDER_HEIGHT,
    UPPER_ARM,
    UPPER_ARM_OFFSET,
    forward_kinematics,
)
from gcb6206.infrastructure.logger import write_video
from gcb6206.scripts import run_ppo

FILMS = figures.RESULTS / "roarm_films"
TASKS = ("gcb6206/RoArmReach-v0", "gcb6206/RoArmPickPlace-v0")
FPS = 20
SLOWER = {TASKS[0]: 5, TASKS[1]: 2}  # pictures of each step of 0.05 s, so that a film is as much slower
FIELD = {TASKS[0]: 36, TASKS[1]: 26}  # degrees, of the camera
EPISODES = {TASKS[0]: 8, TASKS[1]: 4}  # in a film
HELD = 16  # pictures for which an episode's last one stays
EVALUATED = 100  # episodes of each recorded evaluation
GREEN, RED = (0, 158, 115), (213, 94, 0)


def wilson(successes: int, episodes: int) -> tuple[float, float]:
    """Wilson's 95% interval for a probability.

    All probabilities p that lie within 1.96 of their own standard deviations sqrt(p (1 - p) / episodes) of
    the share that was counted.

    >>> low, high = wilson(100, 100)
    >>> print(f"{low:.3f} to {high:.3f}")
    0.963 to 1.000
    """
    low, high = binomtest(successes, episodes).proportion_ci(0.95, method="wilson")
    return float(low), float(high)


def successes(name: str, step: int | None = None) -> dict[int, int]:
    """Per seed of a recorded run: successes in the 100 episodes of an evaluation, the last one by default.

    Args:
        name: of the recorded run.
        step: take the last evaluation not after this step.
    """
    found = {}
    for seed, logged in figures.curves(name).items():
        steps, rates = logged["eval/success_rate"]
        found[seed] = round(EVALUATED * rates[steps <= (step or np.inf)][-1])
    return found


def success_table(runs: dict[str, str], step: int | None = None) -> Markdown:
    """Successes of 100 episodes with their 95% interval, a row for each run, a column for each seed."""
    seeds = sorted({seed for name in runs.values() for seed in successes(name, step)})
    rows = ["| run |" + "".join(f" seed {seed} |" for seed in seeds), "|---|" + "---|" * len(seeds)]
    for label, name in runs.items():
        counts = successes(name, step)
        cells = "".join(f" {_percent(counts[s], EVALUATED) if s in counts else ''} |" for s in seeds)
        rows.append(f"| {label} |{cells}" if counts else f"| {label}: not recorded |" + " |" * len(seeds))
    return Markdown("\n".join(rows))


def plot_success(ax: Axes, runs: dict[str, str]) -> None:
    """Success of greedy episodes against steps, mean and range over the seeds, in percent."""
    figures.plot_runs(ax, runs, "eval/success_rate")
    ax.set(ylabel="success", ylim=(-0.02, 1.02))
    ax.yaxis.set_major_formatter("{x:.0%}")


def play(task: str, policy: Callable, episodes: int = EVALUATED, **kwargs) -> tuple[list[bool], list[int]]:
    """Play episodes of one arm.

    Args:
        task: a Gymnasium id.
        policy: from an observation to an action.
        episodes: how many; they begin from the seeds 0, 1, 2, ...
        kwargs: of the environment.

    Returns:
        Whether each succeeded, and how many steps it took.
    """
    env = gym.make(task, **kwargs)
    succeeded, lengths = [], []
    for seed in range(episodes):
        observation, _ = env.reset(seed=seed)
        steps, over = 0, False
        while not over:
            observation, _, terminated, truncated, info = env.step(policy(observation))
            steps, over = steps + 1, terminated or truncated
        succeeded.append(info["is_success"])
        lengths.append(steps)
    env.close()
    return succeeded, lengths


def show_film(name: str, about: str) -> HTML:
    """A film inside the page itself, so that it needs no other file.

    Args:
        name: of the file in ``book/results/roarm_films``, without its ending.
        about: what is to be seen, for those who do not see it.
    """
    content = base64.b64encode((FILMS / f"{name}.mp4").read_bytes()).decode()
    return HTML(
        f'<video controls muted playsinline loop preload="auto" width="640" height="480" aria-label="{about}" '
        f'style="height: auto; max-width: 100%" src="data:video/mp4;base64,{content}"></video>'
    )


def draw_reach(ax: Axes, limits: str) -> None:
    """The arm from the side as an episode begins, what its tool can get to, and where the targets lie.

    Args:
        ax: where to draw.
        limits: a key of ``JOINT_LIMITS``.
    """
    joints = np.random.default_rng(0).uniform(*JOINT_LIMITS[limits][:4].T, (200_000, 4))
    joints[:, 0] = 0.0
    x, _, z = forward_kinematics(joints).T
    seen, _, _ = np.histogram2d(z, x, bins=(35, 60), range=((0, 0.7), (-0.6, 0.6)))
    shade = np.where(seen > 0, 1.0, np.nan)
    ax.imshow(shade, extent=(-0.6, 0.6, 0, 0.7), origin="lower", cmap="Blues", vmin=0, vmax=3)
    ax.plot(*_side_view(HOME), color="black", linewidth=3, marker="o", markersize=4)
    ax.add_patch(Rectangle((0.12, 0.02), 0.28, 0.38, fill=False, edgecolor=figures.COLOURS[1], linewidth=2))
    ax.set(title=limits, xlabel="forward, m", xlim=(-0.6, 0.6), ylim=(0, 0.7), aspect="equal")


def _side_view(joints: np.ndarray) -> np.ndarray:
    """Foot, shoulder, elbow, wrist and tool in the arm's own plane: ``(2, 5)``, forward and up, metres."""
    upper, fore = joints[1], joints[1] + joints[2]
    shoulder = np.array([0.0, SHOULDER_HEIGHT])
    elbow = shoulder + [
        UPPER_ARM * np.sin(upper) + UPPER_ARM_OFFSET * np.cos(upper),
        UPPER_ARM * np.cos(upper) - UPPER_ARM_OFFSET * np.sin(upper),
    ]
    wrist = elbow + FOREARM * np.array([np.sin(fore), np.cos(fore)])
    x, y, z = forward_kinematics(joints)
    return np.array([[0.0, 0.0], shoulder, elbow, wrist, [np.hypot(x, y), z]]).T


def recorded_as(runs: dict[str, str]) -> Markdown:
    """What each recorded run is called, how long its seeds took, and all commands."""
    rows, commands, machines = ["| run | recorded as | minutes |", "|---|---|---|"], [], set()
    for label, name in runs.items():
        about = figures.record(name)
        if not about:
            rows.append(f"| {label} | not recorded | |")
            continue
        seconds = sum(seed["wall_seconds"] for seed in about["seeds"].values())
        rows.append(f"| {label} | `{name}` | {seconds / 60:.0f} |")
        commands.append(about["command"])
        machines.add(about["hardware"])
    where = f"Minutes are those of all seeds, on a machine with other work: {'; '.join(sorted(machines))}."
    return Markdown("\n".join([*rows, "", where, "", "```bash", *commands, "```"]))


def picture() -> Path:
    """Draw both tasks as an episode begins, side by side; the file."""
    pictures = []
    for task in TASKS:
        env = _make(task)
        env.reset(seed=1)
        pictures.append(env.render())
        env.close()
    FILMS.mkdir(parents=True, exist_ok=True)
    imageio.imwrite(FILMS / "arm.png", np.hstack(pictures))
    return FILMS / "arm.png"


def film(run: Path) -> Path:
    """Film the first greedy episodes of a trained policy, from the seeds 0, 1, 2, ...; the file.

    The frame of an episode's last picture is green after a success and red without.

    Args:
        run: the directory that ``run_ppo`` wrote.

    Raises:
        ConfigError, CheckpointError: there is no trained policy of one of the two tasks.
    """
    settings, agent = read_yaml(run / "config.yaml"), run_ppo.load_agent(run)
    task = settings["env_name"]
    env = _make(task, **(settings["env_kwargs"] or {}))
    pictures = []
    for seed in range(EPISODES[task]):
        observation, _ = env.reset(seed=seed)
        pictures += [env.render()] * (HELD // 2)
        over = False
        while not over:
            _, actions = agent.act(observation[None])
            observation, _, terminated, truncated, info = env.step(actions[0])
            pictures += _step_pictures(env, SLOWER[task])
            over = terminated or truncated
        pictures += [_framed(pictures[-1], GREEN if info["is_success"] else RED)] * HELD
    env.close()
    return write_video(FILMS / f"{settings['exp_name']}.mp4", np.array(pictures), FPS)


def _make(task: str, **kwargs) -> gym.Env:
    """The environment with a camera that sees as much as the task takes up."""
    env = gym.make(task, render_mode="rgb_array", **kwargs)
    env.unwrapped.batch.model.cam_fovy[:] = FIELD[task]
    return env


def _step_pictures(env: gym.Env, count: int) -> list[np.ndarray]:
    """Pictures at equal distances in time within the step that was just made, the last one at its end."""
    batch = env.unwrapped.batch
    states = batch._states[0]  # (substeps, time and qpos and qvel)
    pictures = []
    for state in states[len(states) // count - 1 :: len(states) // count]:
        batch._state[0] = state
        pictures.append(env.render())
    return pictures


def _framed(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """The picture ``(height, width, 3)`` with a coloured edge."""
    framed = np.full_like(picture, colour)
    framed[8:-8, 8:-8] = picture[8:-8, 8:-8]
    return framed


def _percent(count: int, episodes: int) -> str:
    """A share with its interval: ``97% (92 to 99)``."""
    low, high = wilson(count, episodes)
    return f"{count / episodes:.0%} ({100 * low:.0f} to {100 * high:.0f})"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m book.arm_figures", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(required=True, dest="command")
    commands.add_parser("picture", help="draw how an episode of each task begins")
    commands.add_parser("film", help="film a trained policy").add_argument(
        "run", type=Path, help="directory of a training"
    )
    args = parser.parse_args()
    print(picture() if args.command == "picture" else film(args.run))


if __name__ == "__main__":
    sys.exit(main())
