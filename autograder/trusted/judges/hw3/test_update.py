"""Judges of hw3.update: the critic's step, and the target network's copy when its time has come."""

from __future__ import annotations

import numpy as np

from autograder.student_side.student import Reply, Student, StudentFailure
from autograder.trusted.judging import close, compare, judge, require

EXERCISE = "hw3.update"
READ = "dqn/replay-and-targets"
NEVER, CHANGED = -1.0, -2.0
BY_NAME = "update calls self.update_critic once, and does not repeat what it does."


class Case:
    """Updates at some steps; the stand-in for update_critic adds 1 to every weight of the critic.

    Args:
        steps, period: by default some periods of steps in a row, at which counting calls would show.
        batch: transitions.
    """

    def __init__(
        self, rng: np.random.Generator, steps: np.ndarray | None = None, period: int = 0, batch: int = 4
    ):
        self.critic = rng.normal(size=(2, 4)).astype(np.float32)
        self.period = period or int(rng.integers(5, 8))
        first = self.period * int(rng.integers(1, 9)) + int(rng.integers(3, max(4, self.period - 1)))
        self.steps = np.arange(first, first + 3 * self.period) if steps is None else steps
        self.batch = {
            "obs": far_from_zero(rng, batch, 3),
            "action": rng.permutation(batch) % 2,
            "reward": far_from_zero(rng, batch),
            "next_obs": far_from_zero(rng, batch, 3),
            "done": np.arange(batch) % 3 == 0,
        }

    def run(self, student: Student) -> Reply:
        """Calls update at every one of the steps."""
        reply = student.run(EXERCISE, critic=self.critic, steps=self.steps, period=self.period, **self.batch)
        for key in ("critic", "target"):
            if not isinstance(reply[key], np.ndarray) or reply[key].shape != (len(self.steps), 2, 4):
                raise StudentFailure("refused", f"the answer {key!r} has the wrong form")
        return reply

    def ages(self, reply: Reply) -> np.ndarray:
        """How many critic steps the target network has seen after each update.

        NEVER where it is as it was at the start, CHANGED where it is neither that nor a copy of the critic.
        """
        lag = (reply["target"] - self.critic).mean(axis=(1, 2))
        even = np.all(np.isclose(reply["target"], self.critic + lag[:, None, None], atol=1e-3), axis=(1, 2))
        ages = np.where(even & (lag > -50), lag.round(), CHANGED)
        return np.where(even & np.isclose(lag, -100.0, atol=1e-3), NEVER, ages)

    def expected_ages(self, due: np.ndarray) -> np.ndarray:
        """The same, if the target network is copied after the critic's step at the steps marked."""
        count = np.arange(1, len(self.steps) + 1)
        last = np.maximum.accumulate(np.where(due, count, 0))
        return np.where(last > 0, last, NEVER).astype(float)


def far_from_zero(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Numbers of both signs that no usual limit leaves as they are."""
    return (rng.uniform(20, 200, size=shape) * rng.choice((-1, 1), size=shape)).astype(np.float32)


@judge(
    EXERCISE,
    points=0.5,
    title="updates the critic once, on the whole batch",
    read=READ,
    why="update is update_critic plus the target network's copy.",
)
def test_critic_step(student, rng):
    for case in (Case(rng), Case(rng, batch=1)):
        reply = case.run(student)
        count = np.arange(1, len(case.steps) + 1)
        compare(
            reply["calls"],
            count,
            tried=f"calls of update_critic after each of {len(count)} updates",
            hints=[
                (0 * count, f"update_critic is never called: {BY_NAME}"),
                (2 * count, "update_critic is called twice."),
            ],
            hint=BY_NAME,
        )
        size = len(case.batch["done"])
        for name, given in case.batch.items():
            received = reply["received"].get(name) if isinstance(reply["received"], dict) else None
            wrong = [
                (value, f"{name} arrived as {other}: check the order of the arguments.")
                for other, value in case.batch.items()
                if other != name and size > 1
            ]
            compare(
                received,
                given,
                tried=f"a batch of {size}: what update_critic received as {name}",
                hints=wrong,
                hint="Pass the batch on as it is, dtypes included: what it needs, update_critic converts itself.",
                dtype=True,
            )
        compare(
            reply["critic"],
            case.critic + count[:, None, None],
            tried=f"the critic's weights after each of {len(count)} updates",
            atol=1e-3,
            hint="Nothing but update_critic may change the critic: the copy goes into the target network.",
        )
        for key, what in (("same_optimizer", "optimiser"), ("same_schedule", "learning-rate schedule")):
            require(
                reply[key] is True,
                tried=f"the {what}'s state after {len(count)} updates with a stand-in for update_critic",
                got="changed",
                expected="as it was",
                hint=f"update must leave the {what} alone: that is update_critic's.",
            )


@judge(
    EXERCISE,
    points=0.5,
    title="returns what update_critic returned",
    read=READ,
    depends=["critic_step"],
    why="The training loop logs these numbers.",
)
def test_returned_figures(student, rng):
    case = Case(rng)
    returned = case.run(student)["returned"]
    expected = {"critic_loss": 2.0, "q_values": 2.0, "target_values": 3.0, "grad_norm": 4.0}
    second = returned[1] if isinstance(returned, list) and len(returned) > 1 else None
    missing = not isinstance(second, dict)
    require(
        not missing
        and set(second) == set(expected)
        and all(close(second[name], value, atol=0.0, rtol=0.0) for name, value in expected.items()),
        tried="the second of several updates: what it returned",
        got=second,
        expected=expected,
        hint="Return the dict of update_critic."
        if missing
        else "Return the numbers of this call, all of them, and no others.",
    )


@judge(
    EXERCISE,
    points=0.5,
    title="the target network is a copy, not the critic itself",
    read=READ,
    depends=["critic_step"],
    why="Two names for one network are no target network: it would move with every step.",
)
def test_is_a_copy(student, rng):
    case = Case(rng)
    reply = case.run(student)
    compare(
        reply["target_at_end"],
        reply["target"][-1],
        atol=1e-3,
        tried="1000 added to every weight of the critic after the last update: the target network's weights",
        hints=[
            (
                reply["target"][-1] + 1000.0,
                (
                    "The target network moves with the critic: copy the weights "
                    "(load_state_dict), do not assign the network."
                ),
            )
        ],
        hint="The target network must keep the weights of its last copy.",
    )


@judge(
    EXERCISE,
    points=0.5,
    title="copies the target network when the period divides the step",
    read=READ,
    depends=["critic_step", "is_a_copy"],
    why="If the target network changes at every step, the critic chases its own values. If it never changes, the targets stay those of random weights.",
)
def test_period(student, rng):
    period = int(rng.integers(3, 6))
    apart = np.cumsum(rng.integers(1, 2 * period, size=12))
    apart[5:] += -apart[5] % period  # one of them is due
    for case in (
        Case(rng),
        Case(rng, np.arange(2 * period), period),
        Case(rng, apart, period),
        Case(rng, np.arange(3), 1),
        Case(rng, int(rng.integers(2 * 10**7, 10**8)) + np.arange(2 * period), period),
    ):
        steps, period = case.steps, case.period
        ages = case.ages(case.run(student))
        due = steps % period == 0
        never = np.zeros_like(due)
        counted = [(np.arange(len(steps)) + first) % period == 0 for first in (0, 1)]
        late, early = (steps - 1) % period == 0, (steps + 1) % period == 0
        before = case.expected_ages(due) - (case.expected_ages(due) > 0)
        compare(
            ages,
            case.expected_ages(due),
            tried=(
                f"target_update_period={period}, steps {', '.join(map(str, steps.tolist()))}: how many critic"
                " steps the target network has seen after each (-1: it is as it was, -2: it is no copy)"
            ),
            hints=[
                (
                    case.expected_ages(never),
                    "The target network is not copied at large steps: every step that the period divides is due."
                    if steps[0] > 10**7
                    else "The target network is never copied: self.update_target_critic().",
                ),
                (
                    case.expected_ages(~never),
                    (
                        "The target network is copied at every step: only where "
                        "step % self.target_update_period == 0."
                    ),
                ),
                (case.expected_ages(~due), "The condition is inverted: copy where the remainder is 0."),
                *((case.expected_ages(by), "You count calls: use the given step.") for by in counted),
                (case.expected_ages(early), "One step early: step % period, not (step + 1) % period."),
                (case.expected_ages(late), "One step late: step % period, not (step - 1) % period."),
                (
                    case.expected_ages(due & (steps > 0)),
                    "Nothing is copied at step 0, which every period divides.",
                ),
                (before, "The copy is made before the critic's step: update the critic first."),
            ],
            hint="The target network changed, and is no copy: all weights of the critic, load_state_dict."
            if CHANGED in ages
            else "Copy where step % self.target_update_period == 0, after the critic's step.",
        )
