"""What the book's pages draw with: one look for all figures, recorded runs, and the instructors' edition.

A recorded run is a folder ``book/results/<name>/`` with ``record.json`` (the command and where it ran) and one
``seed_<n>.csv`` (columns ``tag,step,value``) per seed. Nothing here fills a gap: a run that is not recorded is
drawn as an empty frame that says so.
"""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML, Markdown
from matplotlib.axes import Axes
from matplotlib_inline.backend_inline import set_matplotlib_formats

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "book" / "results"
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B07D00", "#56B4E9"]

Curve = tuple[np.ndarray, np.ndarray]  # steps, values

set_matplotlib_formats("svg")
plt.rcParams.update(
    {
        "axes.grid": True,
        "axes.prop_cycle": plt.cycler(color=COLOURS),
        "axes.spines.right": False,
        "axes.spines.top": False,
        "figure.figsize": (7.2, 3.2),
        "figure.constrained_layout.use": True,
        "font.size": 11,
        "grid.alpha": 0.3,
        "legend.frameon": False,
        "svg.hashsalt": "gcb6206",
    }
)


def curves(name: str) -> dict[int, dict[str, Curve]]:
    """The logged curves of a recorded run: ``{seed: {tag: (steps, values)}}``, empty if it is not recorded."""
    seeds = {}
    for file in sorted((RESULTS / name).glob("seed_*.csv")):
        logged: dict[str, list] = {}
        with file.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                logged.setdefault(row["tag"], []).append((float(row["step"]), float(row["value"])))
        seeds[int(file.stem.split("_")[1])] = {tag: tuple(np.array(sorted(points)).T) for tag, points in logged.items()}
    return dict(sorted(seeds.items()))


def record(name: str) -> dict:
    """How a run was recorded (command, seeds, commit, versions, hardware), empty if it is not recorded."""
    file = RESULTS / name / "record.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def final_return(name: str, last: int = 3) -> dict[int, float]:
    """Per seed, the median of the last evaluations' mean returns."""
    return {seed: float(np.median(c["eval_return"][1][-last:])) for seed, c in curves(name).items() if "eval_return" in c}


def spread(name: str, tag: str) -> tuple[np.ndarray, np.ndarray]:
    """A tag's steps ``(points,)`` and the values of all seeds ``(seeds, points)``, cut to the shortest seed."""
    found = [c[tag] for c in curves(name).values() if tag in c]
    if not found:
        return np.empty(0), np.empty((0, 0))
    shortest = min(len(steps) for steps, _ in found)
    return found[0][0][:shortest], np.stack([values[:shortest] for _, values in found])


def plot_runs(ax: Axes, runs: dict[str, str], tag: str) -> None:
    """Draw a tag's mean over the seeds with the range between the lowest and the highest seed.

    Args:
        ax: where to draw.
        runs: label of the curve and name of the recorded run.
        tag: what was logged, such as ``eval_return``.
    """
    for (label, name), colour in zip(runs.items(), COLOURS):
        steps, values = spread(name, tag)
        if not len(values):
            ax.plot([], [], color=colour, label=f"{label}: not recorded")
            continue
        count = f"{len(values)} seed{'s' if len(values) > 1 else ''}"
        ax.plot(steps, values.mean(0), color=colour, label=f"{label} ({count})")
        ax.fill_between(steps, values.min(0), values.max(0), color=colour, alpha=0.2, linewidth=0)
    ax.set(xlabel="environment step", ylabel=tag)


def runs_table(runs: dict[str, str]) -> Markdown:
    """What was run, on what, how long, and how it ended: one row a recorded run."""
    rows = ["| run | median of the last 3 evaluations, per seed | minutes | hardware | command |", "|---|---|---|---|---|"]
    for label, name in runs.items():
        about, final = record(name), final_return(name)
        if not final:
            rows.append(f"| {label} | not recorded | | | |")
            continue
        ends = ", ".join(f"{value:.0f}" for value in final.values())
        seconds = about.get("wall_seconds", {})
        total = sum(seconds.values()) if isinstance(seconds, dict) else float(seconds)
        rows.append(f"| {label} | {ends} | {total / 60:.0f} | {about.get('hardware', '')} | `{about.get('command', '')}` |")
    return Markdown("\n".join(rows))


def curve_viewer(runs: dict[str, str], tags: list[str]) -> HTML:
    """The page's widget for choosing among recorded runs; it carries its data, four digits each."""
    data = []
    for label, name in runs.items():
        seeds = {
            seed: {tag: {"x": steps.astype(int).tolist(), "y": [float(f"{v:.4g}") for v in values]}
                   for tag, (steps, values) in logged.items() if tag in tags}
            for seed, logged in curves(name).items()
        }
        if seeds:
            data.append({"name": name, "label": label, "seeds": seeds})
    if not data:
        return HTML("<p>None of these runs is recorded yet.</p>")
    content = json.dumps({"runs": data, "tags": tags}, separators=(",", ":")).replace("<", "\\u003c")
    return HTML(
        '<div data-widget="curves" aria-label="Viewer of recorded runs">'
        f'<script type="application/json">{content}</script></div>'
    )


def show_solution(exercise_id: str) -> Markdown:
    """The reference solution in the instructors' edition (``SOLUTIONS=1``), in the readers' a pointer."""
    from gcb6206 import exercises

    exercise = exercises.get(exercise_id)
    if os.environ.get("SOLUTIONS", "0") in ("", "0"):
        return Markdown(f"*Your turn: `{exercise.name}` in `{exercise.notebook}`. The instructors' edition prints the solution here.*")
    source = (ROOT / "solutions" / f"{exercise.homework}.py").read_text(encoding="utf-8")
    start = source.index(f'@solves("{exercise_id}")')
    end = source.find("\n@solves(", start + 1)
    lines = [line for line in source[start : end if end > 0 else None].splitlines() if not line.strip().startswith("### ")]
    return Markdown("```python\n" + "\n".join(lines).rstrip() + "\n```")
