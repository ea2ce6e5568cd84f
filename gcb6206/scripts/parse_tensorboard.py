"""Curves out of TensorBoard logs: mean and band over seeds, as a picture or a CSV file.
The band goes from the lowest to the highest seed.

    python -m gcb6206.scripts.parse_tensorboard "lr 1e-3=data/run_a,data/run_b" "lr 5e-2=data/run_c" \\
        -o curves.png
"""

from __future__ import annotations

import csv
import dataclasses
import sys
from pathlib import Path
from typing import Annotated

import numpy as np
from tyro.conf import Positional, arg

from gcb6206.errors import ConfigError, nearest
from gcb6206.infrastructure.logger import event_files
from gcb6206.scripts.scripting_utils import WORDS, exit_status, parse

Curve = tuple[np.ndarray, np.ndarray]
RETURNS = (
    "eval_return",  # of run_hw3
    "eval/mean_reward",  # of run_ppo, and of Stable-Baselines3
    "eval/episode_reward_sum",  # of train
    "train_return",
    "rollout/ep_rew_mean",
    "train/episode_reward_sum",
)  # the tags of returns, evaluations first


def read_scalars(log_dir: str | Path) -> dict[str, Curve]:
    """All scalars of a run: for each tag its steps and values, both ``(points,)``, sorted by step.

    Raises:
        FileNotFoundError: the directory holds no TensorBoard log.
    """
    from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

    files = event_files(log_dir)
    if not files:
        raise FileNotFoundError(f"no TensorBoard log (events.out.tfevents.*) in {log_dir}")
    points: dict[str, list[tuple[int, float]]] = {}
    for path in files:
        for event in LegacyEventFileLoader(str(path)).Load():
            for value in event.summary.value:
                if value.HasField("histo"):
                    continue
                points.setdefault(value.tag, []).append((event.step, value.simple_value))
    curves = {}
    for tag, pairs in points.items():
        pairs.sort(key=lambda pair: pair[0])
        curves[tag] = (np.array([step for step, _ in pairs]), np.array([value for _, value in pairs]))
    return curves


def write_scalars(path: Path, scalars: dict) -> None:
    """Write all tags of a run as ``tag,step,value`` lines."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["tag", "step", "value"])
        for tag in sorted(scalars):
            for step, value in zip(*scalars[tag]):
                writer.writerow([tag, int(step), f"{value:.6g}"])


def mean_and_band(curves: list[Curve]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Several seeds of one tag on common steps.

    Args:
        curves: a ``(steps, values)`` pair for each seed.

    Returns:
        The first curve's steps within the range of all, the mean, the lowest and the highest value there; curves
        with other steps are interpolated.
    """
    first, last = max(steps[0] for steps, _ in curves), min(steps[-1] for steps, _ in curves)
    grid = curves[0][0][(curves[0][0] >= first) & (curves[0][0] <= last)]
    values = np.stack([np.interp(grid, steps, values) for steps, values in curves])
    return grid, values.mean(axis=0), values.min(axis=0), values.max(axis=0)


def plot_curves(groups: dict[str, list[Curve]], axes, x_label: str = "environment steps", y_label: str = ""):
    """Draw one line with its band for each group; the axes.

    Args:
        groups: label to the curves of its seeds.
        axes: matplotlib axes.
        x_label, y_label: texts at the axes.
    """
    for label, curves in groups.items():
        grid, mean, low, high = mean_and_band(curves)
        seeds = f"{len(curves)} seed" + "s" * (len(curves) > 1)
        (line,) = axes.plot(grid, mean, label=f"{label} ({seeds})")
        axes.fill_between(grid, low, high, color=line.get_color(), alpha=0.2, linewidth=0)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.grid(alpha=0.3)
    axes.legend()
    return axes


def parse_group(word: str) -> tuple[str, list[Path]]:
    """``label=dir,dir`` as a label and directories; without a label the first directory's name serves."""
    label, equals, directories = word.rpartition("=")
    paths = [Path(part) for part in directories.split(",") if part]
    if not paths:
        raise ValueError(f"{word!r} names no directory: expected LABEL=DIR[,DIR...]")
    return (label if equals else paths[0].name), paths


@dataclasses.dataclass(frozen=True)
class Flags:
    """What to draw."""

    runs: Annotated[
        tuple[str, ...],
        Positional,
        WORDS,
        arg(metavar="[LABEL=]DIR[,DIR]...", help_behavior_hint="(at least one)"),
    ]
    """lines of the plot, and the seeds of each"""
    data_key: Annotated[str | None, arg(aliases=("-d",))] = None
    """the tag; none: the return of the evaluations, whose name differs from program to program"""
    output_file: Annotated[str, arg(aliases=("-o",))] = "curves.png"
    """picture, or .csv for the numbers"""
    title: Annotated[str, arg(aliases=("-t",))] = ""
    """text above the picture"""
    x_label_name: Annotated[str, arg(aliases=("-x",))] = "environment steps"
    """text below the picture"""
    y_label_name: Annotated[str | None, arg(aliases=("-y",))] = None
    """text beside the picture; none: the tag"""


def curve_of(directory: Path, tag: str | None) -> tuple[str, Curve]:
    """A tag of a run and its curve; without a tag, that of the return which says most.

    Raises:
        FileNotFoundError: the directory holds no TensorBoard log.
        ConfigError: the log has no such tag.
    """
    scalars = read_scalars(directory)
    tag = tag or next((name for name in RETURNS if name in scalars), None)
    if tag is None:
        raise ConfigError(
            f"{directory} has no return: name one of its tags with -d: {', '.join(sorted(scalars))}"
        )
    if tag not in scalars:
        raise ConfigError(f"{directory} has no tag {tag!r}: {nearest(tag, sorted(scalars))}")
    return tag, scalars[tag]


@exit_status
def main(words: list[str] | None = None) -> None:
    """The command line."""
    flags = parse(Flags, words, use_underscores=True)
    found = {
        label: [curve_of(directory, flags.data_key) for directory in directories]
        for label, directories in map(parse_group, flags.runs)
    }
    groups = {label: [curve for _, curve in curves] for label, curves in found.items()}
    if flags.output_file.endswith(".csv"):
        with open(flags.output_file, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["label", "step", "mean", "low", "high", "seeds"])
            for label, curves in groups.items():
                for row in zip(*mean_and_band(curves)):
                    writer.writerow([label, int(row[0]), *(f"{value:.6g}" for value in row[1:]), len(curves)])
    else:
        import matplotlib

        matplotlib.use("Agg")
        import matplotlib.pyplot as plt

        figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
        tags = dict.fromkeys(tag for curves in found.values() for tag, _ in curves)
        plot_curves(groups, axes, flags.x_label_name, flags.y_label_name or ", ".join(tags))
        axes.set_title(flags.title)
        figure.savefig(flags.output_file, dpi=150)
    print(f"wrote {flags.output_file}")


if __name__ == "__main__":
    sys.exit(main())
