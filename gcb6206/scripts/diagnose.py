"""Say what is unhealthy in the TensorBoard log of a PPO run, how that shows, and what to try first.
It reads runs of ours and of Stable-Baselines3, which use the same tags but one. Exit status: 0 healthy, 1 something
was found, 2 the directory cannot be read as a PPO run.

    python -m gcb6206.scripts.diagnose data/hw1_ppo_cartpole_seed1_... [--json]

Where the limits come from. The usual advice for PPO calls approx_kl from 0.01 to 0.05 and clip_fraction from
0.1 to 0.3 healthy. The healthy runs recorded in ``tests/data/diagnose`` go lower without harm (medians from
0.003 and 0.03 on), so only values far outside are called a fault; each constant below says how far. A single
update says little: the figures are medians, of ``WINDOW`` updates in a row, of the last third, or of all.

That one is approx_kl. Stable-Baselines3 logs the mean over the last epoch of an update, as ``train/approx_kl``. Our
runs log the mean over all epochs, as ``train/approx_kl_mean``. The last epoch's is larger: ``LAST_OVER_MEAN`` times
with ten epochs. The usual advice is for the last epoch's, so for our runs its range and ``KL_HIGH`` are divided by that.

What it does not see: a wrong implementation that still learns, a hard task that needs more steps, an
exception that ended the run between two updates. It takes a task that is solved at once for a fault: the
return does not rise, or the entropy is gone before half of the run. An entropy bonus of the wrong sign on
real-valued actions, whose narrowing policy moves ever further by the measure of approx_kl, is called too
large steps.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import struct
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
from tyro.conf import Positional, arg

from gcb6206.env_configs.config import read_yaml
from gcb6206.infrastructure.logger import event_files
from gcb6206.scripts.parse_tensorboard import Curve, read_scalars
from gcb6206.scripts.scripting_utils import exit_status, parse

RETURN, LENGTH = "rollout/ep_rew_mean", "rollout/ep_len_mean"
KL_MEAN, KL_LAST = "train/approx_kl_mean", "train/approx_kl"  # over all epochs; over the last one
CLIPPED, ENTROPY = "train/clip_fraction", "train/entropy_loss"
VALUE_LOSS, EXPLAINED = "train/value_loss", "train/explained_variance"
RATE, CLIP_RANGE, ENT_COEF, STD = "train/learning_rate", "train/clip_range", "train/ent_coef", "train/std"
NEEDED = (CLIPPED, ENTROPY, VALUE_LOSS, EXPLAINED, RATE)  # beside one of approx_kl
OTHER_RUNS = {
    "critic_loss": "a DQN run of this course",
    "rollout/exploration_rate": "a DQN run of Stable-Baselines3",
    "train/policy_loss": "an A2C run of Stable-Baselines3",
    "train/critic_loss": "an off-policy run of Stable-Baselines3, such as SAC or TD3",
}  # what the tag gives away

CLIPPED_USUAL, RATE_USUAL = "(usual: 0.1 to 0.3)", "(usual: 1e-5 to 1e-3)"
TUNING_ORDER = (
    "learning_rate",
    "n_steps",
    "gamma",
    "clip_range",
)  # by what a bad value cost in the book's sweeps
WINDOW = 3  # updates in a row whose median counts
FEWEST_UPDATES = 5  # fewer show no course
KL_RANGE = (0.01, 0.05)  # the usual advice, for the last epoch's approx_kl
LAST_OVER_MEAN = 1.25  # with ten epochs 1.2 to 1.35
KL_HIGH = 0.1  # of the last epoch's: twice the upper end of the usual advice
KL_ZERO = 1e-4  # a hundredth of its lower end, for both: no run's approx_kl lies near it
CLIPPED_MANY = 0.3  # the upper end of the usual advice
CLIPPED_HIGH = 0.5  # here most samples teach nothing any more
LOW_RATE, HIGH_RATE = 0.99e-5, 1.01e-3  # the usual range, 1% wider because logs hold seven digits
WIDE_CLIP_RANGE = 0.303  # the usual upper end, 0.3, likewise
RATE_SPENT = 0.01  # of the largest learning rate; a straight line to 0 is there for the last hundredth only
SPENT_PART = 0.25  # of the run without a learning rate
ENTROPY_GONE = 0.05  # of the first entropy or standard deviation, before half of the run is over
ENTROPY_KEPT = 0.9  # of the first entropy, in the last third of the run
STD_GROWN = 1.1  # of the first standard deviation, which healthy runs change slowly
CRITIC_ERROR = 1000.0  # root of the value loss; well-scaled returns are smaller than this themselves
EXPLAINED_LOW = 0.1  # at best; a constant explains 0, and the healthy runs reach more than 0.7
STILL_WRONG = 0.1  # of the largest value loss; below, a critic has hardly anything left to explain
MOVED = 0.1  # of the first return; less is no change
NOISE = 3.0  # standard deviations of the return's noise; less is no change


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a run."""

    what: str
    """What is unhealthy, in one sentence."""
    evidence: str
    """The figures that show it, and from which step."""
    try_first: str
    """What to try first."""


@dataclasses.dataclass(frozen=True)
class Log:
    """The scalars of a PPO run."""

    curves: dict[str, Curve]
    """For each tag its steps and values, both ``(points,)``."""
    settings: dict = dataclasses.field(default_factory=dict)
    """The configuration that a run of ours keeps beside its log; empty for one of Stable-Baselines3."""
    cut_off: bool = False
    """The last record of the log is incomplete."""

    @property
    def kl(self) -> str:
        """The tag of this log's approx_kl."""
        return KL_LAST if KL_LAST in self.curves else KL_MEAN

    def as_kl(self, last: float) -> float:
        """A value of the last epoch's approx_kl in this log's measure."""
        return last if self.kl == KL_LAST else last / LAST_OVER_MEAN

    @property
    def kl_usual(self) -> str:
        """The usual advice in this log's measure."""
        return "(usual: {:.2g} to {:.2g})".format(*map(self.as_kl, KL_RANGE))

    def steps(self, tag: str) -> np.ndarray:
        """Steps of a tag, ``(points,)``."""
        return self.curves[tag][0]

    def values(self, tag: str) -> np.ndarray:
        """Values of a tag, ``(points,)``."""
        return self.curves[tag][1]

    def middle(self, tag: str) -> float:
        """The median of a tag."""
        return float(np.median(self.values(tag)))

    def late(self, tag: str) -> float:
        """The median of a tag's last third."""
        return float(np.median(self.values(tag)[len(self.values(tag)) * 2 // 3 :]))

    def smooth(self, tag: str) -> Curve:
        """Medians of ``WINDOW`` points in a row, and the step at which each of these windows begins."""
        windows = np.lib.stride_tricks.sliding_window_view(self.values(tag), WINDOW)
        return self.steps(tag)[: len(windows)], np.median(windows, axis=1)

    def first_not_finite(self) -> tuple[int | None, list[str]]:
        """The first step with NaN or infinity, and its tags; None where all is finite.

        The explained variance does not count: it may be NaN where the returns do not vary.
        """
        bad = {
            tag: steps[~np.isfinite(values)]
            for tag, (steps, values) in self.curves.items()
            if tag != EXPLAINED
        }
        first = {tag: int(steps[0]) for tag, steps in bad.items() if len(steps)}
        step = min(first.values(), default=None)
        return step, sorted(tag for tag, at in first.items() if at == step)

    def before(self, step: int) -> Log:
        """The log without this step and what came after it."""
        curves = {
            tag: (steps[steps < step], values[steps < step]) for tag, (steps, values) in self.curves.items()
        }
        return dataclasses.replace(self, curves=curves)


# --- rules: each looks for one fault ---------------------------------------------------------------


def not_finite(log: Log) -> Finding | None:
    """NaN or infinity somewhere in the log."""
    step, tags = log.first_not_finite()
    if step is None:
        return None
    return Finding(
        "The run has computed NaN or infinity, and nothing after that means anything.",
        f"not finite from step {step} on: {', '.join(tags)}",
        "Check that observations and rewards are finite (np.isfinite in the environment's step). If they "
        "are, lower the learning rate, and look for an unguarded logarithm, root or division in the losses.",
    )


def critic_error_huge(log: Log) -> Finding | None:
    """Returns of a scale that no critic can reach, and whose gradient drowns the policy's."""
    error = log.late(VALUE_LOSS) ** 0.5
    if error < CRITIC_ERROR:
        return None
    reward = ""
    if RETURN in log.curves and LENGTH in log.curves:
        reward = f"; a step's mean reward is {log.late(RETURN) / log.late(LENGTH):.3g}"
    return Finding(
        "The value loss has exploded: rewards or returns are far too large for the critic.",
        f"the critic's typical error (root of value_loss) is {error:.3g} in the last third, expected below "
        f"{CRITIC_ERROR:g}{reward}",
        "Scale the rewards down, so that returns are of the order of 1 to 100, or set normalize_rewards.",
    )


def targets_constant(log: Log) -> Finding | None:
    """Returns without variance, which leave the advantages to chance."""
    missing = np.isnan(log.values(EXPLAINED))
    if missing.mean() < 0.5:
        return None
    return Finding(
        "There is nothing to learn: the returns are the same at every step.",
        f"explained_variance is NaN, which it is where returns do not vary, in {missing.mean():.0%} of the "
        f"updates, from step {log.steps(EXPLAINED)[missing][0]} on",
        "Check that gamma is not 0, and that the reward depends on what the policy does.",
    )


def learning_rate_spent(log: Log) -> Finding | None:
    """A schedule that has reached 0 long before the end."""
    steps, rates = log.curves[RATE]
    spent = rates <= RATE_SPENT * rates.max()
    if spent.mean() < SPENT_PART or not spent[-1]:
        return None
    since = steps[np.flatnonzero(~spent)[-1] + 1] if not spent.all() else steps[0]
    return Finding(
        "The learning rate is spent: for much of the run nothing is learned.",
        f"learning_rate is at most {rates[spent].max():.2g} from step {since} on, after {rates.max():.2g}: "
        f"in {spent.mean():.0%} of the updates; approx_kl is {np.median(log.values(log.kl)[spent]):.2g} there",
        "Let the schedule reach its end when the run ends (progress goes from 0 to 1 over total_steps), or "
        "keep the rate constant.",
    )


def clip_range_wide(log: Log) -> Finding | None:
    """A policy that moves far in every update, although little is clipped."""
    steps, kl = log.smooth(log.kl)
    far = kl > log.as_kl(KL_HIGH)
    wide = log.middle(CLIP_RANGE) if CLIP_RANGE in log.curves else 0.0
    if not far.any() or wide < WIDE_CLIP_RANGE or log.values(RATE).max() > HIGH_RATE:
        return None
    return Finding(
        "The clip range is too wide to hold the policy near the one that collected the samples.",
        f"clip_range is {wide:.2g} (usual: up to 0.3); approx_kl is up to {kl.max():.2g} "
        f"{log.kl_usual}, above {log.as_kl(KL_HIGH):.2g} from step {steps[far][0]} on, although clip_fraction is "
        f"{log.middle(CLIPPED):.2g}",
        "Set clip_range to 0.2; then n_epochs to 10 or fewer, or a target_kl of 0.03.",
    )


def steps_too_large(log: Log) -> Finding | None:
    """Updates that carry the policy far from the one that collected the samples."""
    steps, kl = log.smooth(log.kl)
    clipped = log.smooth(CLIPPED)[1]
    far = (kl > log.as_kl(KL_HIGH)) | ((clipped > CLIPPED_HIGH) & (kl > KL_ZERO))
    if not far.any():
        return None
    rate = log.values(RATE).max()
    fast = rate > HIGH_RATE
    return Finding(
        "The learning rate is too high: each update throws the policy far away."
        if fast
        else "Each update moves the policy too far from the one that collected the samples.",
        f"approx_kl is up to {kl.max():.2g} {log.kl_usual}, clip_fraction up to {clipped.max():.2g} "
        f"{CLIPPED_USUAL}, too high from step {steps[far][0]} on; learning_rate is {rate:.2g} {RATE_USUAL}",
        f"Set the learning rate to 3e-4; it is {rate / 3e-4:.0f} times that."
        if fast
        else "Lower n_epochs to 10 or fewer, or divide the learning rate by 3; a target_kl of 0.03 ends such "
        "updates.",
    )


def clip_range_narrow(log: Log) -> Finding | None:
    """A clip range in which the policy can hardly move."""
    clipped, kl = log.middle(CLIPPED), log.middle(log.kl)
    if clipped < CLIPPED_MANY or kl > 10 * KL_ZERO:
        return None
    known = f"; clip_range is {log.middle(CLIP_RANGE):.2g}" if CLIP_RANGE in log.curves else ""
    return Finding(
        "The clip range is too narrow: most samples are clipped although the policy hardly moves.",
        f"clip_fraction is {clipped:.2g} {CLIPPED_USUAL} at an approx_kl of {kl:.2g} {log.kl_usual}{known}",
        "Set clip_range to 0.2.",
    )


def steps_too_small(log: Log) -> Finding | None:
    """Updates that leave the policy where it is."""
    kl = log.middle(log.kl)
    if kl > KL_ZERO:
        return None
    rate = log.middle(RATE)
    slow = rate < LOW_RATE
    return Finding(
        "The learning rate is too low: the policy does not move."
        if slow
        else "The policy does not move: its updates are far too small.",
        f"approx_kl is {kl:.2g} over the whole run {log.kl_usual}, clip_fraction {log.middle(CLIPPED):.2g}; "
        f"learning_rate is {rate:.2g} {RATE_USUAL}",
        "Set the learning rate to 3e-4."
        if slow
        else "Set the learning rate to 3e-4 and n_epochs to 10. If they are that already, see that the "
        "policy loss has a gradient: a detached log_prob, or advantages that are all equal, give none.",
    )


def returns_fall(log: Log) -> Finding | None:
    """Learning that makes things worse than they were at the start."""
    steps, returns = log.smooth(RETURN)
    least = least_change(log)
    if returns[-1] >= returns[0] - least or returns.max() > returns[0] + least:
        return None
    return Finding(
        "The return falls: the policy learns to do worse.",
        f"ep_rew_mean goes from {returns[0]:.4g} to {returns[-1]:.4g}, below {returns[0] - least:.4g} from "
        f"step {steps[returns < returns[0] - least][0]} on, while approx_kl is {log.middle(log.kl):.2g}"
        f"{horizon(log)}",
        "Check the signs: of the advantage (return minus value), of the policy loss (minus the surrogate), "
        "and of the reward itself. Then gamma: one too small prefers what pays at once.",
    )


def entropy_collapsed(log: Log) -> Finding | None:
    """A policy that has become certain early, so that it tries nothing any more."""
    name, (steps, spread) = spread_of(log)
    limit = ENTROPY_GONE * spread[0]
    half = (log.steps(log.kl)[0] + log.steps(log.kl)[-1]) / 2
    if not (spread[0] > 0 and spread[-1] < limit and steps[spread >= limit][-1] < half):
        return None
    return Finding(
        "The entropy has collapsed: the policy became certain early and tries nothing any more.",
        f"the {name} falls from {spread[0]:.3g} to {spread[-1]:.3g} and stays below {limit:.2g} from step "
        f"{steps[spread < limit][0]} on{entropy_weight(log)}",
        "Check the sign of the entropy bonus (the loss holds minus ent_coef times entropy), then raise "
        "ent_coef to 0.01 and lower the learning rate.",
    )


def entropy_stays(log: Log) -> Finding | None:
    """A policy that stays as random as it began, although it moves."""
    name, (_, spread) = spread_of(log)
    third = len(spread) // 3
    middle, late = np.median(spread[third:-third]), np.median(spread[-third:])
    least = STD_GROWN if STD in log.curves else ENTROPY_KEPT
    if not late > least * spread[0] or late < 0.99 * middle:
        return None
    return Finding(
        "The policy stays random: its entropy does not fall.",
        f"the {name} is {late:.3g} in the last third, {late / spread[0]:.2g} times what it was at the start, "
        f"and no longer falls{entropy_weight(log)}",
        "Set ent_coef to 0, or to 0.01 at most. If it is, check that actions and their log-probabilities "
        "belong together.",
    )


def critic_explains_nothing(log: Log) -> Finding | None:
    """A critic that is no better than a constant, and still wrong.

    One whose loss has become small may have an explained variance far below 0: where hardly any variance is
    left, it has nothing to explain.
    """
    explained, largest = (log.smooth(tag)[1].max() for tag in (EXPLAINED, VALUE_LOSS))
    loss = log.late(VALUE_LOSS)
    if not (explained < EXPLAINED_LOW and loss > STILL_WRONG * largest):
        return None
    return Finding(
        "The critic explains nothing: its values are no better than a constant.",
        f"explained_variance is {explained:.2g} at its best (a constant explains 0, the truth 1), and "
        f"value_loss does not fall: {loss:.3g} in the last third, {largest:.3g} at most",
        "Check that vf_coef is 0.5 and that the value loss has a gradient; then that the returns are "
        "computed from the right rewards and episode ends. Large returns need normalize_rewards.",
    )


def returns_lost(log: Log) -> Finding | None:
    """A return that rose and fell back."""
    steps, returns = log.smooth(RETURN)
    best = returns.argmax()
    rise = returns[best] - returns[0]
    if rise <= least_change(log) or returns[best] - returns[-1] < rise / 2:
        return None
    return Finding(
        "The return rose and was lost again.",
        f"ep_rew_mean rises from {returns[0]:.4g} to {returns[best]:.4g} at step {steps[best]}, and is "
        f"{returns[-1]:.4g} at the end",
        "See whether the environment changes during the run (a curriculum, or normalisation that is not "
        "restored on resuming). If it does not, let learning rate and clip range fall in a straight line.",
    )


def returns_flat(log: Log) -> Finding | None:
    """A return that has not risen, although the policy moves."""
    returns = log.smooth(RETURN)[1]
    least = least_change(log)
    if returns.max() - returns[0] > least:
        return None
    return Finding(
        "The return has not risen.",
        f"ep_rew_mean is {returns[0]:.4g} at the start and {returns.max():.4g} at best; only a rise of more "
        f"than {least:.2g} counts{horizon(log)}",
        "Check the reward first: print those of one episode, and see that a better policy gets more. Then tune "
        f"{', '.join(TUNING_ORDER)}, in this order. For gamma: 1 / (1 - gamma) steps must reach as far as the reward "
        "is delayed.",
    )


def no_returns(log: Log) -> Finding | None:
    """Hardly any episode ended, or nothing counts the rewards."""
    points = len(log.values(RETURN)) if RETURN in log.curves else 0
    if points >= WINDOW:
        return None
    return Finding(
        "The log holds too few returns.",
        f"{RETURN} has {points} points, at least {WINDOW} are needed",
        "Hardly any episode has ended: give the environment a time limit. With Stable-Baselines3, wrap it in "
        "Monitor.",
    )


def too_few_updates(log: Log) -> Finding | None:
    """A log too short to judge."""
    points = len(log.values(log.kl))
    if points >= FEWEST_UPDATES:
        return None
    return Finding(
        "The log is too short to judge the run.",
        f"{points} updates, at least {FEWEST_UPDATES} are needed",
        "Train longer, or lower n_steps, so that there are more updates for the same steps.",
    )


def unfinished(log: Log) -> Finding | None:
    """A log that ends before its run should."""
    steps = log.steps(log.kl)
    rollout = np.median(np.diff(steps)) if len(steps) > 1 else steps[0]
    planned = log.settings.get("total_steps")
    early = planned is not None and steps[-1] <= planned - rollout
    if not (early or log.cut_off):
        return None
    of = f" of {planned}" if planned else ""
    return Finding(
        "The log ends before the run should: it is still going, or it was stopped.",
        f"the last update is at step {steps[-1]}{of}"
        + ("; its last record is cut off" if log.cut_off else ""),
        "Look at the last lines that the run printed for what ended it, and go on with run_ppo --resume.",
    )


# --- what the rules share --------------------------------------------------------------------------


def least_change(log: Log) -> float:
    """The smallest change of the return that counts: ``MOVED`` of the first one, ``NOISE`` of its noise.

    The noise's standard deviation comes from the second differences, 1 -2 1, which no steady rise changes:
    that of independent noise is sqrt(6) times as large, and 1.48 times the median of its absolute values.
    """
    bends = np.abs(np.diff(log.values(RETURN), n=2))
    noise = 1.48 * float(np.median(bends)) / 6**0.5
    return max(MOVED * abs(float(log.smooth(RETURN)[1][0])), NOISE * noise)


def spread_of(log: Log) -> tuple[str, Curve]:
    """How undecided the policy is: its standard deviation where that is logged, its entropy otherwise."""
    if STD in log.curves:
        return "standard deviation of the actions", log.smooth(STD)
    steps, losses = log.smooth(ENTROPY)
    return "entropy", (steps, -losses)


def horizon(log: Log) -> str:
    """How far the discount looks ahead, where the run's settings tell."""
    gamma = log.settings.get("gamma", 1.0)
    if gamma == 1.0 or LENGTH not in log.curves:
        return ""
    ahead, length = 1 / (1 - gamma), log.late(LENGTH)
    return f"; gamma is {gamma}, which looks {ahead:.3g} steps ahead, in episodes of {length:.0f}"


def entropy_weight(log: Log) -> str:
    """The entropy's weight in the loss, where the log holds it."""
    return f"; ent_coef is {log.middle(ENT_COEF):.3g}" if ENT_COEF in log.curves else ""


# The most severe first, causes before their effects. Beside each rule stand the effects that its finding
# explains, which are not looked for any more; None: nothing else is.
RETURNS = (returns_fall, returns_lost, returns_flat)
RULES: tuple[tuple[Callable[[Log], Finding | None], tuple[Callable, ...] | None], ...] = (
    (not_finite, (unfinished,)),
    (too_few_updates, None),
    (no_returns, RETURNS),
    (critic_error_huge, (steps_too_small, entropy_stays, critic_explains_nothing, *RETURNS)),
    (targets_constant, (entropy_collapsed, entropy_stays, *RETURNS)),
    (learning_rate_spent, (steps_too_small, entropy_stays, critic_explains_nothing, *RETURNS)),
    (clip_range_wide, (steps_too_large, entropy_collapsed, entropy_stays, *RETURNS)),
    (steps_too_large, (steps_too_small, entropy_collapsed, entropy_stays, critic_explains_nothing, *RETURNS)),
    (clip_range_narrow, (steps_too_small, entropy_stays, critic_explains_nothing, *RETURNS)),
    (steps_too_small, (entropy_stays, critic_explains_nothing, *RETURNS)),
    (returns_fall, (entropy_collapsed, critic_explains_nothing, returns_flat)),
    (entropy_collapsed, (critic_explains_nothing, *RETURNS)),
    (entropy_stays, (critic_explains_nothing, *RETURNS)),
    (critic_explains_nothing, RETURNS),
    (returns_lost, ()),
    (returns_flat, ()),
    (unfinished, ()),
)


def diagnose(log: Log) -> dict[str, Finding]:
    """What is wrong with a run, by the names of the rules, the most severe first; empty for a healthy one."""
    findings, explained = {}, set()
    for rule, effects in RULES:
        if rule in explained or not (finding := rule(log)):
            continue
        findings[rule.__name__] = finding
        if effects is None:
            break
        explained.update(effects)
        if rule is not_finite:
            log = log.before(log.first_not_finite()[0])  # shows what led there
    return findings


def read_log(run_dir: str | Path) -> Log:
    """The log of a PPO run.

    Raises:
        FileNotFoundError: the directory holds no TensorBoard log.
        ValueError: the log is no PPO run's, or that of several runs.
    """
    try:
        curves = read_scalars(run_dir)
    except FileNotFoundError as error:
        inner = sorted({str(path.parent) for path in Path(run_dir).glob("*/events.out.tfevents.*")})
        raise FileNotFoundError(
            f"{error}; there is one in {', '.join(inner)}" if inner else str(error)
        ) from None
    kl = KL_LAST if KL_LAST in curves else KL_MEAN
    if missing := [tag for tag in (kl, *NEEDED) if tag not in curves]:
        kind = next(
            (name for tag, name in OTHER_RUNS.items() if tag in curves), "no PPO run that has learned"
        )
        raise ValueError(
            f"{run_dir} is {kind}: it lacks {', '.join(missing)}, and has {', '.join(sorted(curves))}"
        )
    if (np.diff(curves[kl][0]) == 0).any():
        raise ValueError(
            f"{run_dir} holds several runs, whose steps overlap: give each a directory of its own"
        )
    whole = functools.reduce(
        np.intersect1d, (curves[tag][0] for tag in (kl, *NEEDED))
    )  # a cut log ends within a step
    for tag in (kl, *NEEDED):
        steps, values = curves[tag]
        curves[tag] = steps[np.isin(steps, whole)], values[np.isin(steps, whole)]
    config = Path(run_dir) / "config.yaml"
    settings = read_yaml(config) if config.exists() else {}
    return Log(curves, settings, any(stops_inside_a_record(path) for path in event_files(run_dir)))


def stops_inside_a_record(path: Path) -> bool:
    """Whether a TensorBoard file stops inside a record: 8 bytes of length, 4 of checksum, data, 4 more."""
    left = path.stat().st_size
    with open(path, "rb") as file:
        while left >= 12:
            (length,) = struct.unpack("<Q", file.read(8))
            file.seek(4 + length + 4, 1)
            left -= 16 + length
    return left != 0


def report(run_dir: str, log: Log, findings: dict[str, Finding]) -> str:
    """The findings as text for a terminal."""
    steps = log.steps(log.kl)
    lines = [f"{run_dir}: {len(steps)} updates, to step {steps[-1]}"]
    for number, (name, finding) in enumerate(findings.items(), 1):
        lines.append(f"\n{number}. {finding.what} [{name}]")
        for label, text in (("seen", finding.evidence), ("try first", finding.try_first)):
            lines += textwrap.wrap(text, 100, initial_indent=f"   {label}: ", subsequent_indent="      ")
    if not findings:
        lines.append(
            f"healthy: approx_kl {log.middle(log.kl):.2g}, clip_fraction {log.middle(CLIPPED):.2g}, "
            f"explained_variance {log.middle(EXPLAINED):.2g}, ep_rew_mean {log.values(RETURN)[0]:.4g} to "
            f"{log.values(RETURN)[-1]:.4g}"
        )
    return "\n".join(lines)


@dataclasses.dataclass(frozen=True)
class Flags:
    """Which run."""

    run_dir: Annotated[str, Positional, arg(metavar="RUN_DIR")]
    """holds the TensorBoard log"""
    json: bool = False
    """print the findings as JSON"""


@exit_status
def main(words: list[str] | None = None) -> int:
    """The command line: 1 if anything is wrong with the run."""
    flags = parse(Flags, words)
    log = read_log(flags.run_dir)
    findings = diagnose(log)
    if flags.json:
        named = [{"name": name, **dataclasses.asdict(finding)} for name, finding in findings.items()]
        print(json.dumps({"run_dir": flags.run_dir, "healthy": not findings, "findings": named}, indent=2))
    else:
        print(report(flags.run_dir, log, findings))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
