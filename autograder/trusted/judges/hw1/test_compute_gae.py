"""Judges of hw1.compute_gae: small rollouts against the definition, invariances, traps at every index."""

from __future__ import annotations

import numpy as np

from autograder.student_side.student import Reply, Student
from autograder.trusted.judging import array_of, compare, judge, require

EXERCISE = "hw1.compute_gae"
ADVANTAGES, ENDS = "ppo/four-stages", "dqn/terminated-truncated"


class Case:
    """A rollout, and what follows from it.

    Args:
        steps, envs: its size.
        terminated, truncated: (step, environment) of the ends.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        steps: int = 6,
        envs: int = 2,
        terminated: tuple = (),
        truncated: tuple = (),
        gamma: float | None = None,
        gae_lambda: float | None = None,
    ):
        self.gamma = float(rng.uniform(0.6, 0.75)) if gamma is None else gamma
        self.gae_lambda = float(rng.uniform(0.85, 0.95)) if gae_lambda is None else gae_lambda
        self.rewards = rng.normal(size=(steps, envs))
        self.values = rng.normal(size=(steps, envs)).astype(np.float32)
        self.terminated, self.truncated = np.zeros((2, steps, envs), bool)
        for where in terminated:
            self.terminated[where] = True
        for where in truncated:
            self.truncated[where] = True
        self.last_values = rng.normal(size=envs).astype(np.float32)
        self.next_values = np.concatenate([self.values[1:], self.last_values[None]])
        ended = self.terminated | self.truncated
        self.next_values[ended] = rng.normal(size=ended.sum()).astype(np.float32) + 2.0

    def run(self, student: Student) -> Reply:
        """Calls compute_gae on this rollout."""
        return student.run(EXERCISE, **self.inputs())

    def inputs(self) -> dict:
        """What the probe takes."""
        names = ("rewards", "values", "next_values", "terminated", "truncated", "gamma", "gae_lambda")
        return {name: getattr(self, name) for name in names}

    def advantages(
        self,
        masked: np.ndarray | None = None,
        cut: np.ndarray | None = None,
        next_values: np.ndarray | None = None,
        gamma: float | None = None,
        gae_lambda: float | None = None,
        trace: float | None = None,
    ) -> np.ndarray:
        """GAE, by default the right one.

        Args:
            masked: where what follows is worth 0.
            cut: where the trace is cut.
            next_values: instead of the given ones.
            gamma, gae_lambda: instead of the given ones.
            trace: instead of gamma * lambda.
        """
        masked = self.terminated if masked is None else masked
        cut = (self.terminated | self.truncated) if cut is None else cut
        next_values = self.next_values if next_values is None else next_values
        gamma = self.gamma if gamma is None else gamma
        trace = gamma * (self.gae_lambda if gae_lambda is None else gae_lambda) if trace is None else trace
        result, following = np.zeros(self.rewards.shape), 0.0
        for t in reversed(range(len(self.rewards))):
            delta = self.rewards[t] + gamma * next_values[t] * ~masked[t] - self.values[t]
            result[t] = following = delta + trace * following * ~cut[t]
        return result


def late(flags: np.ndarray) -> np.ndarray:
    """Flags that come one step late."""
    return np.concatenate([np.zeros_like(flags[:1]), flags[:-1]])


def early(flags: np.ndarray) -> np.ndarray:
    """Flags that come one step early."""
    return np.concatenate([flags[1:], np.zeros_like(flags[:1])])


@judge(
    EXERCISE,
    points=0.25,
    title="returns advantages and returns, both (T, N)",
    read="ppo/four-stages",
    why="The training flattens both into samples, and uses its arrays again.",
)
def test_returned_arrays(student, rng):
    case = Case(rng, steps=5, envs=3, terminated=[(1, 0)], truncated=[(2, 1)])
    reply = case.run(student)
    returned = reply["returned"]
    require(
        isinstance(returned, str) and returned in ("tuple of 2", "list of 2"),
        tried="one call",
        got=returned,
        expected="tuple of 2",
        hint="return advantages, returns",
    )
    for name in ("advantages", "returns"):
        shape = getattr(reply[name], "shape", None)
        require(
            shape == (5, 3),
            tried=f"5 steps, 3 environments: the shape of the {name}",
            got=shape if shape is not None else reply[name],
            expected=(5, 3),
            hint="Every step of every environment has its own.",
        )
    names = ("rewards", "values", "next_values", "terminated", "truncated")
    for name, after in zip(names, reply["arguments"]):
        compare(
            after,
            getattr(case, name),
            tried=f"{name} after the call",
            atol=0.0,
            rtol=0.0,
            hint=f"compute_gae changed {name}: compute in arrays of your own.",
        )


@judge(
    EXERCISE,
    points=0.75,
    title="with lambda 0 the one-step error remains",
    read=ADVANTAGES,
    depends=["returned_arrays"],
    why="delta compares what a step brought, the reward and the next value, with what was expected.",
)
def test_one_step_error(student, rng):
    case = Case(rng, gae_lambda=0.0)
    shifted = np.concatenate([case.values[1:], np.zeros_like(case.values[:1])])
    repeated = np.concatenate([case.values[1:], case.values[-1:]])
    compare(
        case.run(student)["advantages"],
        case.advantages(),
        tried="6 steps, 2 environments, no end, gamma below 1, lambda 0: the advantages",
        hints=[
            (
                case.advantages(next_values=shifted),
                "After the last step the rollout goes on: its next value is next_values[-1], not 0.",
            ),
            (
                case.advantages(next_values=repeated),
                "The last step's next value is next_values[-1], not its own value.",
            ),
            (
                case.rewards - case.values,
                "Nothing of the next value arrives: r + gamma * V' - V. Is the mask inverted (nothing "
                "terminated here), or are gamma and lambda swapped?",
            ),
            (case.rewards + case.gamma * case.next_values, "The value itself is not subtracted."),
            (case.rewards + case.next_values - case.values, "The discount gamma is missing."),
            (
                case.gamma * (case.rewards + case.next_values) - case.values,
                "The reward is discounted as well: only the next value is.",
            ),
            (case.rewards - case.gamma * case.next_values + case.values, "The signs: r + gamma * V' - V."),
            (
                case.advantages(trace=case.gamma),
                "lambda is ignored: the trace decays by gamma * lambda.",
            ),
        ],
        hint="With lambda 0 every advantage is r + gamma * V(s') - V(s).",
    )


@judge(
    EXERCISE,
    points=1.0,
    title="the recursion over time",
    read=ADVANTAGES,
    depends=["one_step_error"],
    why="Lambda blends all numbers of steps: errors k steps ahead count with (gamma * lambda)^k.",
)
def test_recursion(student, rng):
    case = Case(rng)
    deltas = case.advantages(trace=0.0)
    forward, following = np.zeros_like(deltas), 0.0
    for t in range(len(deltas)):
        forward[t] = following = deltas[t] + case.gamma * case.gae_lambda * following
    hints = [
        (
            deltas,
            "Only the one-step errors: add gamma * lambda times the following advantage. Or is the mask "
            "of the ends inverted (no episode ended here)?",
        ),
        (case.advantages(trace=case.gamma), "lambda is missing in the trace: gamma * lambda."),
        (case.advantages(trace=case.gae_lambda), "gamma is missing in the trace: gamma * lambda."),
        (case.advantages(trace=1.0), "The trace decays by gamma * lambda a step; yours does not decay."),
        (forward, "The recursion runs forwards: begin with the last step."),
        (
            deltas + case.gamma * case.gae_lambda * np.concatenate([deltas[1:], 0 * deltas[:1]]),
            "Only the next error is added: the recursion adds the following *advantage*.",
        ),
    ]
    compare(
        case.run(student)["advantages"],
        case.advantages(),
        tried="6 steps, 2 environments, no end: the advantages",
        hints=hints,
    )
    case = Case(rng, gamma=0.9, gae_lambda=1.0)
    returns, following = np.zeros_like(case.rewards), case.last_values
    for t in reversed(range(6)):
        returns[t] = following = case.rewards[t] + 0.9 * following
    compare(
        case.run(student)["advantages"],
        returns - case.values,
        tried="the same with lambda 1: discounted rewards, bootstrapped after the last, minus values",
        hint="With lambda 1 all values in between cancel.",
    )


@judge(
    EXERCISE,
    points=1.0,
    title="a termination: nothing follows",
    read=ENDS,
    depends=["recursion"],
    why="After a terminal state there is no reward, so its value is 0; the next row is another episode.",
)
def test_termination(student, rng):
    steps, envs = 7, 2
    ends = [(int(rng.integers(1, 3)), 0), (int(rng.integers(3, 5)), 0), (int(rng.integers(2, 5)), 1)]
    case = Case(rng, steps, envs, terminated=ends)
    done, never = case.terminated, np.zeros_like(case.terminated)
    compare(
        case.run(student)["advantages"],
        case.advantages(),
        tried=f"{steps} steps, terminated at (step, environment) {', '.join(map(str, ends))}: the advantages",
        hints=[
            (
                case.advantages(masked=~done),
                "The mask is inverted: the next value counts where the step did not terminate.",
            ),
            (
                case.advantages(masked=never, cut=never),
                "terminated is ignored: neither the next value nor the following advantage counts there.",
            ),
            (
                case.advantages(masked=never),
                "The value after a termination is 0: multiply next_values by ~terminated.",
            ),
            (
                case.advantages(cut=never),
                "The trace runs on into the next episode: cut it where an episode ended.",
            ),
            (
                case.advantages(masked=late(done), cut=late(done)),
                "One step late: terminated[t] belongs to step t itself, not to the step after it.",
            ),
            (
                case.advantages(masked=early(done), cut=early(done)),
                "One step early: at step t look at terminated[t], not at terminated[t + 1].",
            ),
            (
                case.advantages(cut=late(done)),
                "The trace is cut one step late: cut it at the step that ended the episode.",
            ),
            (
                case.advantages(cut=early(done)),
                "The trace is cut one step early: at step t look at the flags of step t.",
            ),
            (
                case.advantages(masked=early(done)),
                "The next value is switched off one step early: at step t look at terminated[t].",
            ),
        ],
        hint="Where step t terminated, the advantage is r - V(s), whatever comes after.",
    )


@judge(
    EXERCISE,
    points=1.0,
    title="a time limit: bootstrapped, but the trace is cut",
    read=ENDS,
    depends=["termination"],
    why=(
        "The clock stopped the episode, the world would have gone on: its last observation keeps its value. "
        "The following row is another episode all the same."
    ),
)
def test_time_limit(student, rng):
    steps, envs = 7, 2
    ends = [(int(rng.integers(1, 3)), 0), (int(rng.integers(3, 5)), 0), (int(rng.integers(2, 5)), 1)]
    case = Case(rng, steps, envs, truncated=ends)
    cut, never = case.truncated, np.zeros_like(case.truncated)
    next_row = np.concatenate([case.values[1:], case.last_values[None]])
    compare(
        case.run(student)["advantages"],
        case.advantages(),
        tried=f"{steps} steps, truncated at (step, environment) {', '.join(map(str, ends))}: the advantages",
        hints=[
            (
                case.advantages(masked=cut),
                "A time limit is treated as an end: only a termination makes the next value 0.",
            ),
            (
                case.advantages(cut=never),
                "The trace runs on into the next episode: cut it where the episode was truncated too.",
            ),
            (
                case.advantages(next_values=next_row),
                "You bootstrap from the next row, which is another episode: use next_values[t].",
            ),
            (
                case.advantages(next_values=next_row, cut=never),
                "truncated is ignored: use next_values[t], and cut the trace.",
            ),
            (
                case.advantages(cut=late(cut)),
                "The trace is cut one step late: cut it at the step that was truncated.",
            ),
            (
                case.advantages(cut=early(cut)),
                "The trace is cut one step early: at step t look at truncated[t].",
            ),
            (
                case.advantages(masked=cut, cut=never),
                "A time limit keeps the next value and cuts the trace; yours does the opposite.",
            ),
        ],
        hint="Where step t was truncated, the advantage is r + gamma * next_values[t] - V(s).",
    )


@judge(
    EXERCISE,
    points=0.5,
    title="another episode changes nothing",
    read=ENDS,
    depends=["time_limit"],
    why="What happens after an end, or in another environment, was not caused by the actions before.",
)
def test_other_episodes(student, rng):
    end = int(rng.integers(2, 4))
    case = Case(rng, 6, 3, terminated=[(end, 0)], truncated=[(end, 1)])
    before = array_of(case.run(student), "advantages", 2)
    case.rewards[end + 1 :, :2] += 50.0
    case.values[end + 1 :, :2] -= 50.0
    case.next_values[end + 1 :, :2] += 50.0
    case.rewards[:, 2] += 50.0
    after = array_of(case.run(student), "advantages", 2)
    compare(
        after[: end + 1, :2],
        before[: end + 1, :2],
        tried=f"all steps after {end} and environment 2 changed: the advantages before",
        hint="The recursion must keep environments apart and stop at every end.",
    )


@judge(
    EXERCISE,
    points=0.5,
    title="the returns are advantages plus values",
    read=ADVANTAGES,
    depends=["recursion"],
    why="The critic learns towards V + A: its own estimate, corrected by what was seen.",
)
def test_returns(student, rng):
    case = Case(rng, terminated=[(2, 0)], truncated=[(3, 1)])
    reply = case.run(student)
    right = array_of(reply, "advantages", 2)  # its own: they are the other judges' matter
    discounted, following = np.zeros_like(right), 0.0
    for t in reversed(range(len(right))):
        ended = case.terminated[t] | case.truncated[t]
        discounted[t] = following = case.rewards[t] + case.gamma * following * ~ended
    normalized = (right - right.mean()) / (right.std() + 1e-8)
    compare(
        reply["returns"],
        right + case.values,
        tried="6 steps with a termination and a time limit: the returns",
        hints=[
            (right, "These are the advantages: add the values."),
            (
                case.values,
                "These are the values alone: add the advantages after the recursion has computed them.",
            ),
            (right - case.values, "The values are subtracted: add them."),
            (right + case.next_values, "The next values are added: add V of the same observation, values."),
            (discounted, "These are discounted rewards: the returns are advantages + values."),
            (
                normalized + case.values,
                "The advantages were normalised before: add the values to the raw ones.",
            ),
            (
                case.advantages(trace=0.0) + case.values,
                "The one-step errors were added: add the advantages after the recursion has computed them.",
            ),
        ],
        hint="returns = advantages + values",
    )
