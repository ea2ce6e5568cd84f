"""What the judges of both advantage estimators share: rollouts of every kind, and what is claimed of them.

Here time is the first axis. A homework says how its function is called, in `Estimator`, and keeps what only its
own function can get wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from autograder.student_side.student import Reply, Student
from autograder.trusted.judging import Hints, compare, nothing_else_changed, require


class Rollout:
    """Rewards, values and ends, and what follows from them.

    Args:
        shape: time, then whatever runs side by side.
        terminated, truncated: where episodes end, an index of the arrays each.
        scale: of rewards and values.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        shape: tuple[int, ...],
        terminated: tuple | list = (),
        truncated: tuple | list = (),
        gamma: float | None = None,
        lam: float | None = None,
        scale: float = 1.0,
    ):
        self.scale = scale
        self.gamma = float(rng.uniform(0.6, 0.75)) if gamma is None else gamma
        self.lam = float(rng.uniform(0.85, 0.95)) if lam is None else lam
        self.rewards, self.values = rng.normal(size=(2, *shape)).astype(np.float32)
        self.terminated, self.truncated = np.zeros((2, *shape), bool)
        for where in terminated:
            self.terminated[where] = True
        for where in truncated:
            self.truncated[where] = True
        self.next_values = np.concatenate([self.values[1:], rng.normal(size=(1, *shape[1:]))]).astype(
            np.float32
        )
        self.next_values[self.done] = rng.normal(size=self.done.sum()) + 2.0
        for array in (self.rewards, self.values, self.next_values):
            array *= np.float32(scale)

    @property
    def done(self) -> np.ndarray:
        """Where an episode ends."""
        return self.terminated | self.truncated

    def advantages(
        self,
        rewards: np.ndarray | None = None,
        masked: np.ndarray | None = None,
        cut: np.ndarray | None = None,
        next_values: np.ndarray | None = None,
        gamma: float | None = None,
        trace: float | None = None,
        axis: int = 0,
    ) -> np.ndarray:
        """GAE, by default the right one.

        Args:
            rewards, next_values, gamma: instead of the given ones.
            masked: where, or how much of, what follows is worth 0.
            cut: where, or how much of, the trace is cut.
            trace: instead of gamma * lambda.
            axis: along which the recursion runs.
        """
        rewards = self.rewards if rewards is None else rewards
        masked = self.terminated if masked is None else masked
        cut = self.done if cut is None else cut
        next_values = self.next_values if next_values is None else next_values
        gamma = self.gamma if gamma is None else gamma
        trace = gamma * self.lam if trace is None else trace
        deltas = np.moveaxis(rewards + gamma * next_values * (1.0 - masked) - self.values, axis, 0)
        result, following = np.zeros_like(deltas), 0.0
        for t in reversed(range(len(deltas))):
            result[t] = following = deltas[t] + trace * following * (1.0 - np.moveaxis(cut, axis, 0)[t])
        return np.moveaxis(result, 0, axis)


@dataclass(frozen=True)
class Estimator:
    """How a homework's function is called, and how its answer is read.

    Attributes:
        exercise: its id.
        inputs: a rollout -> what the probe takes.
        time_first: an array of the answer -> the same with time first.
        names: of the values, the next values, the flag that an episode ended, and "at step t".
        own: a rollout -> hints for what only this function can get wrong.
    """

    exercise: str
    inputs: Callable[[Rollout], dict]
    time_first: Callable[[np.ndarray], np.ndarray]
    names: dict[str, str]
    own: Callable[[Rollout], Hints] = lambda rollout: []

    def ask(self, student: Student, rollout: Rollout) -> Reply:
        """The probe's answer to a rollout."""
        return student.run(self.exercise, **self.inputs(rollout))

    def advantages(self, reply: Reply) -> object:
        """The advantages of an answer, time first where they have the right number of axes."""
        return self._read(reply["advantages"])

    def returns(self, reply: Reply) -> object:
        """The second half of an answer, read in the same way."""
        return self._read(reply["returns"])

    def expect(
        self, student: Student, rollout: Rollout, tried: str, hints: Hints = (), hint: str = ""
    ) -> Reply:
        """Compares the advantages with the right ones; the whole answer."""
        right, reply = rollout.advantages(), self.ask(student, rollout)
        compare(
            self.advantages(reply),
            right,
            tried=f"{tried}: the advantages",
            hints=[
                *hints,
                *self.own(rollout),
                (right.squeeze(), "Axes of length 1 are dropped: the result has the shape of the arguments."),
            ],
            hint=hint,
            atol=1e-4 * rollout.scale,
            rtol=1e-3,
        )
        return reply

    def _read(self, answer: object) -> object:
        try:
            return self.time_first(answer) if isinstance(answer, np.ndarray) else answer
        except (ValueError, IndexError):  # another number of axes
            return answer


def late(flags: np.ndarray, first: np.ndarray | None = None) -> np.ndarray:
    """Flags that come one step late; the first step has none, or those of `first`."""
    return np.concatenate([np.zeros_like(flags[:1]) if first is None else first, flags[:-1]])


def early(flags: np.ndarray) -> np.ndarray:
    """Flags that come one step early."""
    return np.concatenate([flags[1:], np.zeros_like(flags[:1])])


def all_but(flags: np.ndarray, t: int) -> np.ndarray:
    """Flags without those of step t."""
    result = flags.copy()
    result[t] = False
    return result


def ends(rng: np.random.Generator, shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Ends in the first step and place, in the last, in two steps that follow each other, and one drawn at random."""
    drawn = [tuple(int(rng.integers(size)) for size in shape[1:]) for _ in range(2)]
    places = [tuple(0 for _ in shape[1:]), tuple(size - 1 for size in shape[1:]), *drawn]
    middle = int(rng.integers(2, shape[0] - 3))
    steps = [0, shape[0] - 1, middle, middle + 1, int(rng.integers(1, shape[0] - 1))]
    return list(dict.fromkeys((t, *place) for t, place in zip(steps, [*places[:3], places[2], places[3]])))


def one_step_error(estimator: Estimator, student: Student, rng: np.random.Generator, shape: tuple) -> None:
    """With lambda 0 the one-step error remains."""
    case, names = Rollout(rng, shape, lam=0.0), estimator.names
    shifted = np.concatenate([case.values[1:], np.zeros_like(case.values[:1])])
    repeated = np.concatenate([case.values[1:], case.values[-1:]])
    estimator.expect(
        student,
        case,
        "no end, gamma below 1, lambda 0",
        [
            (
                case.advantages(next_values=shifted),
                f"After the last step the rollout goes on: its next value is {names['last']}, not 0.",
            ),
            (
                case.advantages(next_values=repeated),
                f"The last step's next value is {names['last']}, not its own value.",
            ),
            (
                case.rewards - case.values,
                "The next value is missing: r + gamma * V' - V. (gamma and lambda swapped, or the mask "
                "inverted, look like this too: lambda is 0 and nothing terminated.)",
            ),
            (case.rewards + case.gamma * case.next_values, "The value itself is not subtracted."),
            (case.rewards + case.next_values - case.values, "The discount gamma is missing."),
            (
                case.gamma * (case.rewards + case.next_values) - case.values,
                "The reward is discounted too: discount only the next value.",
            ),
            (
                case.rewards - case.gamma * case.next_values + case.values,
                "A sign is wrong: r + gamma * V' - V.",
            ),
            (case.advantages(trace=case.gamma), "lambda is ignored: the trace decays by gamma * lambda."),
        ],
        "With lambda 0 every advantage is r + gamma * V(s') - V(s).",
    )


def recursion(estimator: Estimator, student: Student, rng: np.random.Generator, shape: tuple) -> None:
    """Errors k steps ahead count with (gamma * lambda)^k."""
    case = Rollout(rng, shape)
    deltas = case.advantages(trace=0.0)
    forward, before = np.zeros_like(deltas), 0.0
    for t in range(len(deltas)):
        forward[t] = before = deltas[t] + case.gamma * case.lam * before
    next_only = deltas + case.gamma * case.lam * np.concatenate([deltas[1:], 0 * deltas[:1]])
    estimator.expect(
        student,
        case,
        "no end",
        [
            (
                deltas,
                "Only the one-step errors: add gamma * lambda times the following advantage. (An inverted mask of the ends looks like this too: no episode ended here.)",
            ),
            (case.advantages(trace=case.gamma), "lambda is missing in the trace: gamma * lambda."),
            (case.advantages(trace=case.lam), "gamma is missing in the trace: gamma * lambda."),
            (case.advantages(trace=1.0), "The trace decays by gamma * lambda a step; yours does not decay."),
            (forward, "The recursion runs forwards: begin with the last step."),
            (next_only, "Only the next error is added: the recursion adds the following *advantage*."),
        ],
        "A_t = delta_t + gamma * lambda * A_{t+1}; after the last step A counts as 0.",
    )
    case = Rollout(rng, shape, gamma=0.9, lam=1.0)
    returns, following = np.zeros_like(case.rewards), case.next_values[-1]
    for t in reversed(range(shape[0])):
        returns[t] = following = case.rewards[t] + 0.9 * following
    compare(
        estimator.advantages(estimator.ask(student, case)),
        returns - case.values,
        tried="lambda 1: discounted rewards, bootstrapped after the last, minus values",
        hint="With lambda 1 all values in between cancel.",
        atol=1e-4,
        rtol=1e-3,
    )


def termination(estimator: Estimator, student: Student, rng: np.random.Generator, shape: tuple) -> None:
    """Nothing follows a termination, wherever it stands."""
    where = ends(rng, shape)
    case, at = Rollout(rng, shape, terminated=where), estimator.names["at"]
    done, never = case.terminated, np.zeros_like(case.terminated)
    last, first = all_but(done, -1), all_but(done, 0)
    estimator.expect(
        student,
        case,
        f"terminated at {_told(estimator, where)}",
        [
            (case.advantages(masked=last, cut=last), "An episode may also terminate in the last step."),
            (case.advantages(masked=first, cut=first), "An episode may also terminate in the first step."),
            (
                case.advantages(masked=~done),
                "The mask is inverted: the next value counts where the step did not terminate.",
            ),
            (
                case.advantages(masked=never, cut=never),
                "The terminations are ignored: neither the next value nor the following advantage counts there.",
            ),
            (
                case.advantages(masked=never),
                f"The value after a termination is 0: multiply {estimator.names['next']} by ~terminated.",
            ),
            (
                case.advantages(cut=never),
                "The trace runs on into the next episode: cut it where an episode ended.",
            ),
            (
                case.advantages(masked=late(done), cut=late(done)),
                f"One step late: terminated[{at}] belongs to step t itself, not to the step after it.",
            ),
            (
                case.advantages(masked=early(done), cut=early(done)),
                f"One step early: at step t look at terminated[{at}], not at that of t + 1.",
            ),
            *(
                (
                    case.advantages(cut=flags),
                    "The trace is cut one step late: cut it at the step that ended the episode.",
                )
                for flags in (late(done), late(done, first=done[:1]))
            ),
            (
                case.advantages(cut=early(done)),
                "The trace is cut one step early: at step t look at the flags of step t.",
            ),
            (
                case.advantages(masked=early(done)),
                f"The next value is switched off one step early: at step t look at terminated[{at}].",
            ),
            (
                case.advantages(masked=late(done)),
                f"The next value is switched off one step late: at step t look at terminated[{at}].",
            ),
        ],
        "Where step t terminated, the advantage is r - V(s). What comes after does not count.",
    )


def time_limit(estimator: Estimator, student: Student, rng: np.random.Generator, shape: tuple) -> None:
    """A time limit keeps the next value and cuts the trace."""
    where, names = ends(rng, shape), estimator.names
    case, at = Rollout(rng, shape, truncated=where), names["at"]
    cut, never = case.truncated, np.zeros_like(case.truncated)
    next_row = np.concatenate([case.values[1:], case.next_values[-1:]])
    estimator.expect(
        student,
        case,
        f"stopped by a time limit at {_told(estimator, where)}",
        [
            (
                case.advantages(masked=cut),
                "A time limit is treated as an end: only a termination makes the next value 0.",
            ),
            (
                case.advantages(cut=never),
                "The trace runs on into the next episode: cut it where a time limit ended one too.",
            ),
            (
                case.advantages(next_values=next_row),
                f"You bootstrap from the next row, which is another episode: use {names['next']}[{at}].",
            ),
            (
                case.advantages(next_values=next_row, cut=never),
                f"Time limits are ignored: use {names['next']}[{at}], and cut the trace.",
            ),
            (
                case.advantages(cut=late(cut)),
                "The trace is cut one step late: cut it at the step of the limit.",
            ),
            (
                case.advantages(cut=early(cut)),
                f"The trace is cut one step early: at step t look at {names['ended']}[{at}].",
            ),
            (
                case.advantages(masked=cut, cut=never),
                "A time limit keeps the next value and cuts the trace; yours does the opposite.",
            ),
            (case.advantages(cut=all_but(cut, -1)), "An episode may also end in the last step."),
            (case.advantages(cut=all_but(cut, 0)), "An episode may also end in the first step."),
        ],
        f"Where a time limit stopped step t, the advantage is r + gamma * {names['next']}[{at}] - V(s).",
    )


def both(estimator: Estimator, student: Student, rng: np.random.Generator, shape: tuple) -> None:
    """A step may be a termination, a time limit or both, and the termination wins."""
    where = ends(rng, shape)
    others = ends(rng, shape)
    case = Rollout(rng, shape, terminated=where, truncated=[*where[::2], *others])
    terminated, truncated = case.terminated, case.truncated
    one_minus_both = 1.0 * terminated + 1.0 * truncated
    at_once = "Where terminated and truncated are both set"
    estimator.expect(
        student,
        case,
        f"terminated at {_told(estimator, where)}, of these also truncated {_told(estimator, where[::2])}, and "
        f"others truncated",
        [
            (
                case.advantages(masked=terminated & ~truncated),
                f"{at_once}, you treat the step as a time limit: it terminated, so what follows is worth 0.",
            ),
            (
                case.advantages(cut=one_minus_both),
                f"{at_once}, 1 - terminated - truncated is -1: cut the trace where either is set (|).",
            ),
            (
                case.advantages(masked=one_minus_both),
                f"{at_once}, 1 - terminated - truncated is -1, and truncated must not change the next value.",
            ),
            (
                case.advantages(cut=terminated ^ truncated),
                f"{at_once}, the trace runs on: cut it where either is set (|).",
            ),
            (
                case.advantages(cut=terminated & truncated),
                "The trace is cut only where both flags are set: cut it where either is (|).",
            ),
            (
                case.advantages(masked=terminated ^ truncated, cut=terminated ^ truncated),
                f"{at_once}, the step must count as an end.",
            ),
        ],
        "The next value counts where the step did not terminate; the trace is cut where either flag is set.",
    )


def any_size(estimator: Estimator, student: Student, rng: np.random.Generator, shapes: list[tuple]) -> None:
    """Every axis may have length 1, rollouts may be long, gamma and lambda lie anywhere from 0 to 1, values anywhere."""
    for shape in shapes:
        flags = [tuple(int(rng.integers(size)) for size in shape) for _ in range(2)]
        case = Rollout(rng, shape, terminated=flags[:1], truncated=flags[1:])
        told = f"{estimator.names['sizes']} {shape}, both kinds of ends"
        got = getattr(estimator.returns(estimator.expect(student, case, told)), "shape", None)
        require(
            got == shape,
            tried=f"{told}: the shape of the {estimator.names['returns']}",
            got=got,
            expected=shape,
            hint="Axes of length 1 are dropped: the result has the shape of the arguments.",
        )
    for scale in (1e-3, 1e3, 1e5):
        case = Rollout(rng, (6, *shapes[-1][1:]), scale=scale)
        told = (
            f"{estimator.names['sizes']} {case.rewards.shape}, no end, rewards and values of about {scale:g}"
        )
        estimator.expect(
            student, case, told, hint="Rewards and values have any size: nothing limits or rounds them."
        )
    long = (300, *shapes[-1][1:])
    for shape, gamma, lam in (
        (long, 0.1, 0.5),
        (long, 0.99, 0.95),
    ):
        case = Rollout(rng, shape, gamma=gamma, lam=lam)
        told = f"{estimator.names['sizes']} {shape}, no end, gamma {gamma:g}, lambda {lam:g}"
        estimator.expect(student, case, told)
    zero = "0 is a number like any other: yours is replaced by a default."
    for gamma, lam in ((1.0, 1.0), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0)):
        where = ends(rng, (7, *shapes[-1][1:]))
        case = Rollout(rng, (7, *shapes[-1][1:]), where[:3], where[2:], gamma, lam)
        other = [(case.advantages(gamma=default), zero) for default in (0.9, 0.95, 0.99)]
        other += [(case.advantages(trace=gamma * default), zero) for default in (0.9, 0.95, 0.97)]
        told = f"{estimator.names['sizes']} {case.rewards.shape}, both kinds of ends, gamma {gamma:g}, lambda {lam:g}"
        estimator.expect(
            student,
            case,
            told,
            other,
            "gamma and lambda of 0 or 1 are no special cases: the same formula, with the same ends.",
        )


def apart(
    estimator: Estimator, student: Student, rng: np.random.Generator, shape: tuple, end: tuple[list, list]
) -> None:
    """What comes after an end, or runs beside, changes nothing.

    Args:
        end: where episodes terminate, and where they are truncated, all in one step, in every row but the last.
    """
    case, step = Rollout(rng, shape, terminated=end[0], truncated=end[1]), end[0][0][0]
    before = estimator.advantages(estimator.ask(student, case))
    first = tuple({where[1:] for where in (*end[0], *end[1])})
    for place in np.ndindex(shape[1:]):
        changed = slice(step + 1, None) if place in first else slice(None)
        case.rewards[(changed, *place)] += 1e5
        case.values[(changed, *place)] -= 1e5
        case.next_values[(changed, *place)] += 1e5
    after = estimator.advantages(estimator.ask(student, case))
    for advantages in (before, after):
        require(
            getattr(advantages, "shape", None) == shape,
            tried=f"{estimator.names['sizes']} {shape}: the shape of the advantages",
            got=getattr(advantages, "shape", None) or advantages,
            expected=shape,
        )
    kept = tuple(np.array(axis) for axis in zip(*first))
    compare(
        after[(slice(step + 1), *kept)],
        before[(slice(step + 1), *kept)],
        tried=f"episodes ended in step {step}; all that follows or runs beside them changed: the advantages before",
        hint=(
            "Keep every environment and every agent apart, and stop the recursion at every end. (A sum from which you subtract something later keeps a rounding error.)"
        ),
    )


def returns(estimator: Estimator, student: Student, rng: np.random.Generator, shape: tuple, own=None) -> None:
    """The returns are advantages plus values.

    Args:
        own: (rollout, advantages) -> hints of the homework's own.
    """
    case = Rollout(rng, shape, terminated=ends(rng, shape)[:2], truncated=ends(rng, shape)[2:])
    reply, what = estimator.ask(student, case), estimator.names["returns"]
    right = estimator.advantages(reply)  # its own: they are the other judges' matter
    require(
        getattr(right, "shape", None) == shape,
        tried=f"{estimator.names['sizes']} {shape}: the shape of the advantages",
        got=getattr(right, "shape", None) or right,
        expected=shape,
    )
    discounted, following = np.zeros_like(right), 0.0
    for t in reversed(range(len(right))):
        discounted[t] = following = case.rewards[t] + case.gamma * following * ~case.done[t]
    normalized = (right - right.mean()) / (right.std() + 1e-8)
    after = "add the advantages after the recursion has computed them."
    compare(
        estimator.returns(reply),
        right + case.values,
        tried=f"both kinds of ends: the {what}",
        hints=[
            (right, "These are the advantages: add the values."),
            (case.values, f"These are the values alone: {after}"),
            (right - case.values, "The values are subtracted: add them."),
            (right + case.next_values, "The next values are added: add V of the same observation."),
            (discounted, f"These are discounted rewards: the {what} are advantages plus values."),
            (
                normalized + case.values,
                "The advantages were normalised before: add the values to the raw ones.",
            ),
            (case.advantages(trace=0.0) + case.values, f"The one-step errors were added: {after}"),
            *(own(case, right) if own else []),
        ],
        hint=f"The {what} are advantages plus values.",
    )


def leaves_no_trace(estimator: Estimator, student: Student, rng: np.random.Generator, shape: tuple) -> None:
    """A call changes nothing, and is no other because of the calls before it."""
    where = ends(rng, shape)
    case = Rollout(rng, shape, terminated=where[:2], truncated=where[2:])
    reply = estimator.ask(student, case)
    nothing_else_changed(reply)
    again = estimator.ask(student, case)
    for name, read in (("advantages", estimator.advantages), (estimator.names["returns"], estimator.returns)):
        compare(
            read(again),
            read(reply) if isinstance(read(reply), np.ndarray) else np.nan,
            tried=f"the same call again: the {name}",
            hint="Something of the call before is left: each call must start from the beginning.",
        )


def _told(estimator: Estimator, where: list[tuple]) -> str:
    return f"{estimator.names['place']} {', '.join(map(str, where))}"
