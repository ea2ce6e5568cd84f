"""Curves out of TensorBoard logs: mean and band over seeds, as a picture or a CSV file.

    python -m gcb6206.scripts.parse_tensorboard "lr 1e-3=data/run_a,data/run_b" "lr 5e-2=data/run_c" \\
        -d eval_return -o curves.png
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

import numpy as np

from gcb6206.errors import nearest
from gcb6206.infrastructure.logger import event_files

Curve = tuple[np.ndarray, np.ndarray]


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
                points.setdefault(value.tag, []).append((event.step, value.simple_value))
    curves = {}
    for tag, pairs in points.items():
        pairs.sort(key=lambda pair: pair[0])
        curves[tag] = (np.array([step for step, _ in pairs]), np.array([value for _, value in pairs]))
    return curves


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


def main(words: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m gcb6206.scripts.parse_tensorboard",
        description="Draw or export one tag of several runs; the band goes from the lowest to the highest seed.",
    )
    parser.add_argument(
        "runs", nargs="+", metavar="LABEL=DIR[,DIR...]", help="a line of the plot and its seeds"
    )
    parser.add_argument("-d", "--data_key", default="eval_return", help="the tag (eval_return)")
    parser.add_argument(
        "-o", "--output_file", default="curves.png", help="picture, or .csv for the numbers (curves.png)"
    )
    parser.add_argument("-t", "--title", default="")
    parser.add_argument("-x", "--x_label_name", default="environment steps")
    parser.add_argument("-y", "--y_label_name", default=None, help="the tag by default")
    args = parser.parse_args(words)
    try:
        groups = {}
        for label, directories in map(parse_group, args.runs):
            scalars = [read_scalars(directory) for directory in directories]
            for directory, tags in zip(directories, scalars):
                if args.data_key not in tags:
                    raise ValueError(
                        f"{directory} has no tag {args.data_key!r}: {nearest(args.data_key, sorted(tags))}"
                    )
            groups[label] = [tags[args.data_key] for tags in scalars]
    except (FileNotFoundError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2

    if args.output_file.endswith(".csv"):
        with open(args.output_file, "w", encoding="utf-8", newline="") as file:
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
        plot_curves(groups, axes, args.x_label_name, args.y_label_name or args.data_key)
        axes.set_title(args.title)
        figure.savefig(args.output_file, dpi=150)
    print(f"wrote {args.output_file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
