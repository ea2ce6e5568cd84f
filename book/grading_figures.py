"""The tables and the figure of the page on grading, from the recorded attacks, benchmark and calibration."""

from __future__ import annotations

import json
from html import escape

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown

from autograder.trusted import calibrate
from autograder.trusted.judges.convergence import rule_of
from book.figures import COLOURS, RESULTS

SCALES = {
    "hw4": ("way made in percent, median of the last three snapshots; runs below 0 stand at 0", (0, 80))
}


def recorded(name: str) -> dict:
    """The record `book/results/<name>/<name>.json`."""
    return json.loads((RESULTS / name / f"{name}.json").read_text(encoding="utf-8"))


def source(about: dict, name: str) -> str:
    """Where a record comes from, and the command that makes it again."""
    return f"Recorded on {about['date']}, {about['hardware']}.\n\n```bash\nmake results NAME={name}\n```"


def attacks() -> Markdown:
    """What each attack tried, its verdict, and whether it won, here and on plain nbgrader."""
    about = recorded("attacks")
    lines = ["| what it tried | verdict | leaked | works on plain nbgrader |", "|---|---|---|---|"]
    for row in about["attacks"]:
        tried = escape(row["tried"]).replace("|", "/")
        leaked = "**yes**" if row["leaked"] else "no"
        lines.append(f"| {tried} | {row['verdict']} | {leaked} | {row['unsealed']} |")
    table = "\n".join(lines)
    return Markdown(f"{table}\n\n{about['summary']}. {source(about, 'attacks')}")


def speed() -> Markdown:
    """Both graders on one class."""
    about = recorded("autograde")
    titles = {"stock": "nbgrader as it comes", "ours": f"sealed, {about['workers']} workers"}
    lines = ["| grader | seconds | submissions a minute | peak memory |", "|---|---|---|---|"]
    for name, title in titles.items():
        seconds, peak = about[name]["seconds"], about[name]["peak_gib"]
        rate = 60 * about["submissions"] / seconds
        lines.append(f"| {title} | {seconds:.0f} | {rate:.0f} | {peak:.1f} GiB |")
    lines.append(f"\n{about['submissions']} submissions of homework 3 without its training.")
    table = "\n".join(lines)
    return Markdown(f"{table} {source(about, 'autograde')}")


def training_of(name: str) -> dict:
    """What thresholds.yaml says of a homework's training, or of an exercise that trains."""
    return rule_of(name if "." in name else f"{name}.convergence")


def numbers(homework: str) -> dict[str, str]:
    """What the page's sentences on a homework's calibration quote."""
    rule = training_of(homework)
    calibration, rows = rule["calibration"], calibrate.summary(rule)
    reference = rows[0]
    caught, missed = ([row for row in rows[1:] if (row.passes[0] < calibrate.CAUGHT) is is_caught]
                      for is_caught in (True, False))  # fmt: skip
    training = rule["training"]
    steps = training.get("total_steps") or training["n_iters"] * training["frames_per_batch"]
    found = {
        "steps": f"{steps:,}",
        "every": f"{rule['snapshot_every']:,}",
        "threshold": f"{rule['threshold']:g}",
        "fit": len(calibration["runs"]["reference"]["fit"]),
        "held": reference.runs,
        "reached": reference.reached,
        "rate": f"{reference.rate[1]:.1%}",
        "false_fail": f"{calibration['false_fail_at_most']:.1%}",
        "false_pass": f"{calibration['false_pass_at_most']:.0%}",
        "run_seconds": calibration["cpu_seconds_of_a_run"]["median"],
        "mean_seconds": calibration["cpu_seconds_of_a_submission"]["mean"],
        "max_seconds": calibration["cpu_seconds_of_a_submission"]["max"],
        **{name: rule[name] for name in ("episodes", "needed", "seeds")},
    }
    for name, kind in (("caught", caught), ("missed", missed)):
        found[f"number_{name}"] = len(kind)
        found[name] = ", ".join(row.variant.split("/")[1] for row in kind) or "none"
    return {name: str(value) for name, value in found.items()}


def passes(homework: str, mistake: str) -> float:
    """The part of the submissions with a mistake that the rule passes, by the held-out runs."""
    rows = calibrate.summary(training_of(homework))
    return next(row.passes[0] for row in rows if row.variant == mistake)


def runs(homework: str) -> None:
    """A dot for each run of the reference and of the mistakes, and the threshold."""
    rule = training_of(homework)
    label, limits = SCALES.get(homework, ("median of the mean returns at the last three snapshots", (0, 510)))
    _, ax = plt.subplots(figsize=(7.6, 3.8))
    rng = np.random.default_rng(0)
    for row, (variant, found) in enumerate(rule["calibration"]["runs"].items()):
        colour = COLOURS[0 if variant == "reference" else 1]
        for part, face in (("fit", colour), ("held_out", "none")):
            heights = row + rng.uniform(-0.25, 0.25, len(found[part]))
            shown = np.clip(found[part], *limits)
            ax.scatter(
                shown, heights, s=16, facecolors=face, edgecolors=colour, linewidths=0.9, clip_on=False
            )
    ax.axvline(rule["threshold"], color="black", linewidth=1)
    names = [name.split("/")[-1] for name in rule["calibration"]["runs"]]
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
    ax.set(xlabel=label, xlim=limits)


def errors(homework: str) -> Markdown:
    """How often each variant passes, and who catches it."""
    rows = calibrate.summary(training_of(homework))

    def percent(p: float, low: float, high: float) -> str:
        return f"{p:.0%} ({low:.1%} to {high:.1%})"

    lines = ["| variant | runs | 1 %, 50 %, 99 % | one run passes | the rule passes | who catches it |"]
    lines.append("|---|---|---|---|---|---|")
    for row in rows:
        quantiles = ", ".join(
            f"{value:.0f}" if abs(value) >= 10 else f"{value:.1f}" for value in row.quantiles
        )
        who = row.verdict.removeprefix("caught by ")
        cells = [row.variant, row.runs, quantiles, percent(*row.rate), percent(*row.passes), who]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return Markdown("\n".join(lines))


def measured(homework: str) -> Markdown:
    """When and how the calibration was made."""
    calibration = training_of(homework)["calibration"]
    return Markdown(
        f"Measured on {calibration['date']}: {calibration['hardware']}.\n\n"
        f"```bash\n{calibration['command']}\n```"
    )
