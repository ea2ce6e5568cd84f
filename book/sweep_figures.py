"""The hyperparameter chapter's figures and sentences, from the recorded sweeps in ``book/results/sweeps``.

A *setting* is one value of one hyperparameter, everything else as in the task's preset, with one run per
seed. Its *score* is what the whole training is judged by: the mean evaluation return over the last two thirds
of the steps, which counts both how soon a run learns and how well it ends.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json
import math

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown
from matplotlib.axes import Axes

from book import figures, ranking
from gcb6206.env_configs.config import read_yaml
from gcb6206.env_configs.ppo_config import PPOConfig
from gcb6206.scripts import diagnose, sweep
from gcb6206.scripts.scripting_utils import load_config

TASKS = {"ppo_cartpole": "CartPole-v1", "ppo_pendulum": "Pendulum-v1"}
USUAL = {  # the ranges of the original notes, which give none for the last two
    "learning_rate": (1e-5, 1e-3),
    "n_steps": (512, 8192),
    "batch_size": (32, 512),
    "n_epochs": (3, 30),
    "gamma": (0.9, 0.9999),
    "gae_lambda": (0.9, 0.99),
    "clip_range": (0.1, 0.3),
    "ent_coef": (0.0, 0.01),
    "vf_coef": None,
    "max_grad_norm": None,
}
LEARNED = {"ppo_cartpole": 475.0, "ppo_pendulum": -300.0}  # the median of a run's last three evaluations
LIMITS = {"ppo_cartpole": (0, 515), "ppo_pendulum": (-1500, -100)}  # of the drawn returns
HEALTH = {  # name: (tag, sign, range in the original notes; for approx_kl in our measure, the mean of all epochs)
    "approx_kl": ("approx_kl", 1, tuple(end / diagnose.LAST_OVER_MEAN for end in diagnose.KL_RANGE)),
    "clip_fraction": ("clip_fraction", 1, (0.1, 0.3)),
    "entropy": ("entropy_loss", -1, None),
    "value loss": ("value_loss", 1, None),
    "explained variance": ("explained_variance", 1, None),
}
RAMP = ["#440154", "#3b528b", "#21918c", "#5ec962", "#e8a202", "#d55e00"]  # from low values to high ones


@dataclasses.dataclass(frozen=True)
class Setting:
    """One value of one hyperparameter.

    Attributes:
        value: of the hyperparameter; None is no limit.
        usual: whether it is the task's preset.
        seeds: of the runs.
        steps: ``(evaluations,)``, environment steps.
        returns: ``(seeds, evaluations)``, mean return of the greedy episodes.
        scores: ``(seeds,)``.
    """

    value: float | None
    usual: bool
    seeds: list[int]
    steps: np.ndarray
    returns: np.ndarray
    scores: np.ndarray


@functools.cache
def described(task: str) -> dict:
    """What ``book/results/sweeps.yaml`` says of a sweep."""
    return read_yaml(figures.ROOT / sweep.SWEEPS)[task]


@functools.cache
def preset(task: str):
    """The task's own configuration, which the sweep varies; the package's own values are called the default."""
    overrides = {name: str(value) for name, value in described(task)["overrides"].items()}
    return load_config(figures.ROOT / described(task)["config"], overrides)


def lines(task: str) -> list[dict]:
    """The recorded lines of a sweep, in the order of their seeds."""
    return sorted(sweep.read_lines(figures.RESULTS / "sweeps" / f"{task}.jsonl"), key=lambda run: run["seed"])


def runs(task: str) -> list[dict]:
    """Those lines whose run came to its end; ``recorded`` names the others."""
    return [run for run in lines(task) if run["error"] is None]


def evaluations(run: dict) -> tuple[np.ndarray, np.ndarray]:
    """Steps and mean returns of a run's evaluations."""
    curve = run["curves"]["eval_return"]
    return np.array(curve["step"]), np.array(curve["value"], float)


def score(task: str, run: dict) -> float:
    """The mean evaluation return over the last two thirds of the training.

    It is read off every ``eval_interval`` steps, in a straight line between two evaluations: settings with
    long rollouts are evaluated less often, and count alike.
    """
    total, every = preset(task).total_steps, described(task)["eval_interval"]
    grid = np.arange(every, total + 1, every)
    return float(np.interp(grid[grid >= total / 3], *evaluations(run)).mean())


def settings(task: str, field: str) -> list[Setting]:
    """What is recorded of a hyperparameter's values, in the order of ``sweeps.yaml``."""
    every, found = runs(task), []
    for value in described(task)["values"][field]:
        usual = value == getattr(preset(task), field)
        same = [run for run in every if run["change"] == (None if usual else [field, value])]
        if same:
            curves = [evaluations(run) for run in same]
            scores = np.array([score(task, run) for run in same])
            seeds = [run["seed"] for run in same]
            found.append(Setting(value, usual, seeds, curves[0][0], np.array([c[1] for c in curves]), scores))
    return found


def interval(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The 95% bootstrap interval of the mean over the first axis, from *all* resamples: no chance is in it.

    (``scipy.stats.bootstrap`` draws some of them at random, and would change the pages' digits at every build.)

    >>> [float(end) for end in interval(np.array([1.0, 1.0, 1.0]))]
    [1.0, 1.0]

    Args:
        samples: ``(seeds, ...)``, up to 6 seeds (of which there are 6^6 resamples); one seed has no width.

    Returns:
        The lower and the upper ends ``(...)``, NaN for a single seed.
    """
    samples = np.asarray(samples, float)
    count = len(samples)
    if count > 6:
        raise ValueError(f"{count} seeds have {count}^{count} resamples: draw some of them instead")
    if count == 1:
        return samples[0] * np.nan, samples[0] * np.nan
    drawn = np.array(list(itertools.product(range(count), repeat=count)))
    weights = (drawn[:, :, None] == np.arange(count)).mean(axis=1)  # (resamples, seeds)
    low, high = np.percentile(np.tensordot(weights, samples, 1), [2.5, 97.5], axis=0)
    return low, high


def text(value: float | None) -> str:
    """A value as the pages write it."""
    if value is None:
        return "none"
    return f"{value:.0e}".replace("e-0", "e-") if 0 < value < 0.01 else f"{value:g}"


def is_usual(field: str, value: float | None) -> bool:
    """Whether the original notes' range holds a value."""
    return USUAL[field] is not None and value is not None and USUAL[field][0] <= value <= USUAL[field][1]


def colours(found: list[Setting]) -> list[str]:
    """One for each setting: black for the task's own, else from dark for low values to bright for high ones."""
    return ["black" if s.usual else RAMP[i] for i, s in enumerate(found)]


def curves(field: str) -> None:
    """Learning curves of all values of a hyperparameter, on both tasks, with intervals over the seeds."""
    _, axes = plt.subplots(1, 2, figsize=(7.6, 3.3))
    for ax, (task, name) in zip(axes, TASKS.items()):
        found = settings(task, field)
        for setting, colour in zip(found, colours(found)):
            style = {
                "color": colour,
                "linewidth": 2.2 if setting.usual else 1.4,
                "label": text(setting.value),
            }
            ax.plot(setting.steps / 1000, setting.returns.mean(0), **style, zorder=3 if setting.usual else 2)
            low, high = interval(setting.returns)
            ax.fill_between(setting.steps / 1000, low, high, color=colour, alpha=0.15, linewidth=0)
        ax.set(title=name, xlabel="thousand environment steps", ylim=LIMITS[task])
        below = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.2), "ncols": len(found)}
        ax.legend(**below, fontsize=8, handlelength=1, handletextpad=0.4, columnspacing=0.8)
    axes[0].set_ylabel("evaluation return")


def scores(field: str) -> Markdown:
    """The scores of all values of a hyperparameter, with intervals, as two short lists."""
    items = []
    for task, name in TASKS.items():
        cells, results = [], measured(task, field)
        for setting in settings(task, field):
            _, (low, high) = results[text(setting.value)]
            ends = "one seed" if np.isnan(low) else f"{low:.0f} to {high:.0f}"
            shown = f"{text(setting.value)}: {setting.scores.mean():.0f} ({ends})"
            cells.append(f"**{shown}**" if setting.usual else shown)
        items.append(f"- {name}: {'; '.join(cells)}. *{ranking.sentence(results).capitalize()}.*")
    return Markdown("\n".join(items))


def measured(task: str, field: str) -> dict[str, tuple[float, ranking.Interval]]:
    """Mean score and interval of each value of a hyperparameter, as ``ranking`` wants them."""
    found = settings(task, field)
    return {text(s.value): (float(s.scores.mean()), tuple(map(float, interval(s.scores)))) for s in found}


def strip(ax: Axes, task: str, field: str) -> None:
    """The score against the values of one hyperparameter: a dot a seed, mean and interval, the usual range."""
    found = settings(task, field)
    inside = [i for i, setting in enumerate(found) if is_usual(field, setting.value)]
    if inside:
        ax.axvspan(inside[0] - 0.4, inside[-1] + 0.4, color="black", alpha=0.06, linewidth=0)
    ax.plot([setting.scores.mean() for setting in found], color=figures.COLOURS[0], linewidth=1.2)
    for i, setting in enumerate(found):
        colour = "black" if setting.usual else figures.COLOURS[0]
        ax.plot([i] * len(setting.scores), setting.scores, ".", color=colour, alpha=0.35, markersize=4)
        ax.plot(i, setting.scores.mean(), "o", color=colour, markersize=5)
        ax.vlines(i, *interval(setting.scores), color=colour, linewidth=2)
    ax.set_xticks(range(len(found)), [text(setting.value) for setting in found], fontsize=9)
    ax.set(ylim=LIMITS[task], xlim=(-0.6, len(found) - 0.4))
    ax.grid(axis="x", visible=False)


def strips() -> None:
    """All hyperparameters on both tasks, on one scale a task, so that steep is steep."""
    _, axes = plt.subplots(len(USUAL), 2, figsize=(7.2, 1.45 * len(USUAL)), sharey="col")
    for row, field in zip(axes, USUAL):
        for ax, (task, name) in zip(row, TASKS.items()):
            strip(ax, task, field)
            if field == next(iter(USUAL)):
                ax.set_title(f"{name}, score")
        row[0].set_ylabel(field, fontsize=9)


def spans(task: str, usual_only: bool) -> dict[str, float]:
    """For each hyperparameter the best mean score of its values minus the worst: what a bad value costs.

    Args:
        task: the sweep.
        usual_only: count the values in the original notes' range only; what has no range has NaN.
    """
    found = {}
    for field in USUAL:
        kept = [s for s in settings(task, field) if not usual_only or is_usual(field, s.value)]
        means = [s.scores.mean() for s in kept]
        found[field] = float(max(means) - min(means)) if means else float("nan")
    return found


def seed_noise(task: str) -> float:
    """The span that five values without any effect would have on average, by the seeds' noise alone.

    2.326 standard errors: the mean range of five standard normal numbers. The seeds' standard deviation is
    the median over all settings; NaN where no setting has two seeds.
    """
    every = [s.scores for field in USUAL for s in settings(task, field) if len(s.scores) > 1]
    if not every:
        return math.nan
    return float(2.326 * np.median([np.std(x, ddof=1) / math.sqrt(len(x)) for x in every]))


def span_intervals(
    task: str, usual_only: bool, draws: int = 1000
) -> dict[str, tuple[float, ranking.Interval]]:
    """What a bad value of each hyperparameter costs, with the 95% bootstrap interval over the seeds.

    The seeds of every value are drawn anew, with replacement, from a generator that begins at the same place for
    every hyperparameter. What has no range is left out with ``usual_only``.
    """
    found = {}
    for field, span in spans(task, usual_only).items():
        kept = [s.scores for s in settings(task, field) if not usual_only or is_usual(field, s.value)]
        if not kept:
            continue
        rng = np.random.default_rng(0)
        means = [x[rng.integers(len(x), size=(draws, len(x)))].mean(axis=1) for x in kept]
        low, high = np.percentile(np.max(means, axis=0) - np.min(means, axis=0), [2.5, 97.5])
        found[field] = (span, (float(low), float(high)))
    return found


def costs_table() -> Markdown:
    """The spans in the usual range, the largest first, with their intervals and who ties with whom."""
    rows = ["| task | hyperparameter | span (95% interval) | ties with |", "|---|---|---|---|"]
    for task, name in TASKS.items():
        found = span_intervals(task, usual_only=True)
        for field in sorted(found, key=lambda field: -found[field][0]):
            span, (low, high) = found[field]
            ties = [other for other in found if other != field
                    and ranking.compare(found[field][1], found[other][1]) == "tie"]  # fmt: skip
            shown = ", ".join(f"`{other}`" for other in ties) or "none"
            rows.append(f"| {name} | `{field}` | {span:.0f} ({low:.0f} to {high:.0f}) | {shown} |")
    return Markdown("\n".join(rows))


def presets() -> Markdown:
    """The package's default of each hyperparameter beside what the two tasks' own files set."""
    rows = [
        f"| | default | {' | '.join(f'preset of {name}' for name in TASKS.values())} |",
        "|---|---|---|---|",
    ]
    for field in USUAL:
        values = [PPOConfig(), *(preset(task) for task in TASKS)]
        rows.append(f"| `{field}` | {' | '.join(text(getattr(value, field)) for value in values)} |")
    return Markdown("\n".join(rows))


def ranked(task: str) -> list[str]:
    """The hyperparameters, those first whose bad values cost most."""
    costs = spans(task, usual_only=False)
    return sorted(costs, key=lambda field: -costs[field])


def costs() -> None:
    """The spans of all hyperparameters on both tasks, each sorted."""
    _, axes = plt.subplots(1, 2, figsize=(7.6, 3.6))
    for ax, (task, name) in zip(axes, TASKS.items()):
        order = ranked(task)[::-1]
        every, usual = spans(task, False), spans(task, True)
        ax.barh(order, [every[f] for f in order], color=figures.COLOURS[0], alpha=0.35, label="all values")
        ax.barh(order, [usual[f] for f in order], height=0.4, color=figures.COLOURS[0], label="usual range")
        ax.axvline(seed_noise(task), color="black", linewidth=1, linestyle=":", label="noise of the seeds")
        ax.set(title=name, xlabel="best minus worst mean score")
        ax.tick_params(axis="y", labelsize=9)
        ax.grid(axis="y", visible=False)
    axes[0].legend(fontsize=8, loc="lower right")


def way(task: str, run: dict) -> float:
    """How far the weights could go in a training: the learning rate times the number of gradient steps."""
    config = preset(task)
    if run["change"]:
        config = dataclasses.replace(config, **dict([run["change"]]))
    return config.learning_rate * config.total_steps * config.n_epochs / config.batch_size


def ways() -> None:
    """The score against the way of ``way``, for the three hyperparameters that change it."""
    _, axes = plt.subplots(1, 2, figsize=(7.6, 3.1))
    for ax, (task, name) in zip(axes, TASKS.items()):
        for i, field in enumerate(("learning_rate", "batch_size", "n_epochs")):
            same = [run for run in runs(task) if run["change"] and run["change"][0] == field]
            x, y = [way(task, run) for run in same], [score(task, run) for run in same]
            ax.plot(x, y, "os^"[i], color=figures.COLOURS[i], alpha=0.6, markersize=5, label=field)
        usual = [run for run in runs(task) if run["change"] is None]
        ax.plot([way(task, run) for run in usual], [score(task, run) for run in usual], "k*", label="preset")
        ax.set(title=name, xlabel="learning rate x gradient steps", xscale="log", ylim=LIMITS[task])
    axes[0].set_ylabel("score")
    axes[1].legend(fontsize=8, loc="lower right")


def learned(task: str, run: dict) -> bool:
    """Whether the median of a run's last three evaluations reaches the task's level."""
    return bool(np.median(evaluations(run)[1][-3:]) >= LEARNED[task])


def health(task: str, name: str, which: bool) -> np.ndarray:
    """One figure of the log, its median over the updates, for each run that learned (or that did not)."""
    tag, sign, _ = HEALTH[name]
    chosen = [run["curves"][tag]["value"] for run in runs(task) if learned(task, run) == which]
    return np.array([sign * np.median([v for v in values if v is not None]) for values in chosen])


def health_table() -> Markdown:
    """Where the middle 80% of the runs are, of those that learned and of the others."""

    def middle(values: np.ndarray) -> str:
        if len(values) < 2:
            return "too few"
        low, high = (np.format_float_positional(v, 2, fractional=False, trim="-")
                     for v in np.percentile(values, [10, 90]))  # fmt: skip
        return f"{low} to {high}"

    rows = ["| task | figure | original notes | runs that learned | runs that did not |"]
    rows.append("|---|---|---|---|---|")
    for task, title in TASKS.items():
        for name, (_, _, usual) in HEALTH.items():
            given = "{:g} to {:g}".format(*usual) if usual else "falling" if name == "value loss" else "–"
            both = [middle(health(task, name, which)) for which in (True, False)]
            rows.append(f"| {title} | {name} | {given} | {' | '.join(both)} |")
    return Markdown("\n".join(rows))


def health_dots() -> None:
    """A dot a run: its median of each figure, those that learned above those that did not."""
    _, axes = plt.subplots(len(HEALTH), 2, figsize=(7.4, 7.4))
    rng = np.random.default_rng(0)
    for row, (name, (_, _, usual)) in zip(axes, HEALTH.items()):
        for ax, (task, title) in zip(row, TASKS.items()):
            if usual:
                ax.axvspan(*usual, color="black", alpha=0.1, linewidth=0)
            for height, which in ((1, True), (0, False)):
                values = health(task, name, which)
                heights = height + rng.uniform(-0.25, 0.25, len(values))
                ax.plot(values, heights, ".", color=figures.COLOURS[1 - height], alpha=0.6, markersize=5)
            if name in ("approx_kl", "value loss"):
                ax.set_xscale("log")
            else:
                ax.locator_params(axis="x", nbins=5)
            ax.set_yticks([0, 1], ["did not", "learned"] if task == "ppo_cartpole" else ["", ""], fontsize=9)
            ax.set(ylim=(-0.6, 1.6), xlabel=f"{title}: {name}")
            ax.xaxis.label.set_size(9)
            ax.grid(axis="y", visible=False)


def wanted(task: str) -> int:
    """How many runs ``sweeps.yaml`` asks for."""
    config = str(figures.ROOT / described(task)["config"])
    return len(sweep.jobs_of({**described(task), "config": config}))


def recorded() -> Markdown:
    """How many runs there are, which of them broke off, and how they are made again."""
    items = []
    for task, name in TASKS.items():
        found, asked = lines(task), wanted(task)
        some = "" if len(found) == asked else f" of {asked}, the rest still to be recorded"
        items.append(f"- {name}: {len(found)} runs{some}; {preset(task).total_steps:,} steps each")
        broken = [f"{run['change']}, seed {run['seed']}" for run in found if run["error"] is not None]
        if broken:
            items.append(f"- {name}, broken off and left out: {'; '.join(broken)}")
    commands = "\n".join(f"python -m gcb6206.scripts.sweep {task}" for task in TASKS)
    return Markdown("\n".join([*items, "", f"```bash\n{commands}\n```"]))


def viewer() -> Markdown:
    """The chapter's widget; it carries the evaluation curves and the scores, four digits each.

    As Markdown, since the theme gives HTML outputs a pale ground in dark mode.
    """

    def short(values) -> list[float | None]:
        return [None if np.isnan(v) else float(f"{v:.4g}") for v in np.atleast_1d(values)]

    data = []
    for task, name in TASKS.items():
        fields = {}
        for field in USUAL:
            found = settings(task, field)
            fields[field] = [
                {
                    "value": text(s.value),
                    "usual": s.usual,
                    "step": s.steps.tolist(),
                    "seeds": {seed: short(r) for seed, r in zip(s.seeds, s.returns)},
                    "mean": short(s.returns.mean(0)),
                    "low": short(interval(s.returns)[0]),
                    "high": short(interval(s.returns)[1]),
                    "score": short([s.scores.mean(), *interval(s.scores)]),
                }
                for s in found
            ]
        data.append({"task": task, "name": name, "limits": LIMITS[task], "fields": fields})
    content = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    return Markdown(
        '<div data-widget="ppo-sweep" aria-label="Viewer of the hyperparameter sweeps">'
        f'<script type="application/json">{content}</script></div>'
    )
