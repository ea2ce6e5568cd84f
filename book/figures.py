"""What the book's pages draw with: one look for all figures, recorded runs, and the instructors' edition.

A recorded run is a folder ``book/results/<name>/`` with ``record.json`` (the command and where it ran) and
one ``seed_<n>.csv`` (columns ``tag,step,value``) per seed. Nothing here fills a gap: a run that is not
recorded is drawn as an empty frame that says so.
"""

from __future__ import annotations

import base64
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
    """The curves of a recorded run: ``{seed: {tag: (steps, values)}}``, empty if it is not recorded."""
    seeds = {}
    for file in sorted((RESULTS / name).glob("seed_*.csv")):
        logged: dict[str, list] = {}
        with file.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                logged.setdefault(row["tag"], []).append((float(row["step"]), float(row["value"])))
        by_tag = {tag: tuple(np.array(sorted(points)).T) for tag, points in logged.items()}
        seeds[int(file.stem.split("_")[1])] = by_tag
    return dict(sorted(seeds.items()))


def record(name: str) -> dict:
    """How a run was recorded (command, seeds, commit, versions, hardware), empty if it is not recorded."""
    file = RESULTS / name / "record.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def final_return(name: str, last: int = 3) -> dict[int, float]:
    """Per seed, the median of the last evaluations' mean returns."""
    evaluated = {seed: c["eval_return"][1] for seed, c in curves(name).items() if "eval_return" in c}
    return {seed: float(np.median(values[-last:])) for seed, values in evaluated.items()}


def spread(name: str, tag: str) -> tuple[np.ndarray, np.ndarray]:
    """A tag over all seeds: the first seed's steps ``(points,)``, and values there ``(seeds, points)``."""
    found = [c[tag] for c in curves(name).values() if tag in c]
    if not found:
        return np.empty(0), np.empty((0, 0))
    grid = found[0][0]
    grid = grid[grid <= min(steps[-1] for steps, _ in found)]
    return grid, np.stack([np.interp(grid, steps, values) for steps, values in found])


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


def milestones(name: str, level: float) -> dict[int, tuple[float | None, float, float]]:
    """Per seed: the first evaluation at a level, the share at that level from there on, and the lowest there.

    A seed that never reaches it has step None, share 0 and its highest evaluation.
    """
    found = {}
    for seed, logged in curves(name).items():
        steps, values = logged["eval_return"]
        reached = np.flatnonzero(values >= level)
        if len(reached):
            later = values[reached[0] :]
            found[seed] = (float(steps[reached[0]]), float((later >= level).mean()), float(later.min()))
        else:
            found[seed] = (None, 0.0, float(values.max()))
    return found


def milestone_table(runs: dict[str, str], level: float = 475.0) -> Markdown:
    """When each seed first evaluates at a level, how often from there on, and how low it falls again."""
    goal = f"{level:.0f}"
    rows = [f"| run | seed | first {goal} at step | at {goal} from there on | lowest from there on |"]
    rows.append("|---|---|---|---|---|")
    for label, name in runs.items():
        for seed, (step, share, lowest) in milestones(name, level).items():
            ends = "never | | highest: " if step is None else f"{step:,.0f} | {share:.0%} | "
            rows.append(f"| {label} | {seed} | {ends}{lowest:.0f} |")
    return Markdown("\n".join(rows) if rows[2:] else "*None of these runs is recorded yet.*")


def films(name: str, shown: dict[str, str], speed: float = 1.0) -> HTML:
    """Films of a recorded run side by side, inside the page itself.

    Args:
        name: of the recorded run.
        shown: title and file of each film, the file without its ending.
        speed: at which they play.
    """
    parts = []
    for title, file in shown.items():
        path = RESULTS / name / f"{file}.mp4"
        if not path.is_file():
            parts.append(f"<figure><figcaption>{title}: not recorded</figcaption></figure>")
            continue
        data = base64.b64encode(path.read_bytes()).decode()
        parts.append(
            f'<figure style="margin: 0"><video controls loop muted width="250" aria-label="The game {title}" '
            f'onplay="this.playbackRate={speed}" src="data:video/mp4;base64,{data}"></video><figcaption>{title}</figcaption></figure>'
        )
    return HTML(f'<div style="display: flex; flex-wrap: wrap; gap: 1rem">{"".join(parts)}</div>')


def runs_table(runs: dict[str, str], digits: int = 0) -> Markdown:
    """How each recorded run ended, how long it took and what its command is; and on what they ran."""
    rows = ["| run | median of the last 3 evaluations, per seed | minutes | recorded as |"]
    rows.append("|---|---|---|---|")
    machines, commands = set(), []
    for label, name in runs.items():
        about, final = record(name), final_return(name)
        if not final:
            rows.append(f"| {label} | not recorded | | |")
            continue
        ends = ", ".join(f"{value:.{digits}f}" for value in final.values())
        seconds = sum(seed["wall_seconds"] for seed in about["seeds"].values())
        rows.append(f"| {label} | {ends} | {seconds / 60:.0f} | `{name}` |")
        machines.add(about["hardware"])
        commands.append(about["command"])
    where = "; ".join(sorted(machines)) or "nothing yet"
    rows += ["", f"Recorded on: {where}. Minutes are those of all seeds.", "", "```bash", *commands, "```"]
    return Markdown("\n".join(rows))


def curve_viewer(runs: dict[str, str], tags: list[str]) -> HTML:
    """The page's widget for choosing among recorded runs; it carries its data, four digits each."""
    data = []
    for label, name in runs.items():
        seeds = {
            seed: {
                tag: {"x": steps.astype(int).tolist(), "y": [float(f"{v:.4g}") for v in values]}
                for tag, (steps, values) in logged.items()
                if tag in tags
            }
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


def replays() -> dict[str, dict]:
    """The recorded replays of teams, by the names of their runs; see ``gcb6206/runs/team_replay.py``."""
    files = sorted(RESULTS.glob("*/replay.json"))
    found = {file.parent.name: json.loads(file.read_text(encoding="utf-8")) for file in files}
    order = ("navigation", "wheel", "buzz_wire", "reverse_transport")
    return dict(sorted(found.items(), key=lambda item: [item[1]["scenario"] != name for name in order]))


def replay_viewer() -> HTML:
    """The page's widget for watching teams at the checkpoints of their training; it carries all replays."""
    data = [
        {"label": name.removeprefix("vmas_").replace("_", " "), "about": record(name)["about"], **replay}
        for name, replay in replays().items()
    ]
    if not data:
        return HTML("<p>No team is recorded yet.</p>")
    content = json.dumps({"replays": data}, separators=(",", ":")).replace("<", "\\u003c")
    return HTML(
        '<div data-widget="team-replay" aria-label="Replays of teams in training">'
        f'<script type="application/json">{content}</script></div>'
    )


def show_solution(exercise_id: str) -> Markdown:
    """The reference solution in the instructors' edition (``SOLUTIONS=1``), in the readers' a pointer."""
    from gcb6206 import exercises

    exercise = exercises.get(exercise_id)
    if os.environ.get("SOLUTIONS", "0") in ("", "0"):
        turn = f"Your turn: `{exercise.name}` in `{exercise.notebook}`."
        return Markdown(f"*{turn} The instructors' edition prints the solution here.*")
    source = (ROOT / "solutions" / f"{exercise.homework}.py").read_text(encoding="utf-8")
    start = source.index(f'@solves("{exercise_id}")')
    end = source.find("\n@solves(", start + 1)
    lines = source[start : end if end > 0 else None].splitlines()
    code = "\n".join(line for line in lines if not line.strip().startswith("### "))
    return Markdown(f"```python\n{code.rstrip()}\n```")
