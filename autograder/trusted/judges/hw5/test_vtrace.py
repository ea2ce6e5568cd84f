"""Judges of hw5.vtrace: each weight by itself, then both, ends of both kinds, and any size."""

from __future__ import annotations

import numpy as np

from autograder.student_side.student import Reply, Student
from autograder.trusted.judges.gae import early, ends, late
from autograder.trusted.judging import Hints, close, compare, judge, nothing_else_changed, require

EXERCISE = "hw5.vtrace"
READ, ENDS = "realm/homework", "dqn/terminated-truncated"
SHAPE = (7, 3)  # steps, games
BY_C = "What an advantage carries is weighed by lambda * rho, not by c: an advantage is no target minus the value."


class Stretch:
    """Steps that other weights played, and what follows from them.

    Args:
        shape: steps, games.
        terminated, truncated: where episodes end.
        off: how far the two policies are apart; 0: they are the same.
        gamma, trace_lambda, clip_rho, clip_c: as vtrace takes them.
        scale: of rewards and values.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        shape: tuple[int, int] = SHAPE,
        terminated: tuple | list = (),
        truncated: tuple | list = (),
        off: float = 1.0,
        gamma: float = 0.8,
        trace_lambda: float = 0.9,
        clip_rho: float = 1.0,
        clip_c: float = 1.0,
        dtype: type = np.float64,
        scale: float = 1.0,
    ):
        self.gamma, self.trace_lambda = gamma, trace_lambda
        self.clip_rho, self.clip_c = clip_rho, clip_c
        drawn = rng.normal(size=(4, *shape))
        if off and drawn[0].size > 5:  # ratios beyond 2, far below 1, and in between
            drawn[0].flat[rng.permutation(drawn[0].size)[:5]] = np.log([3.0, 2.2, 0.2, 0.05, 1.4]) / off
        self.log_ratio, self.rewards, self.values = drawn[:3].astype(dtype) * np.array(
            [off, scale, scale], dtype
        )[:, None, None]  # fmt: skip
        self.terminated, self.truncated = np.zeros((2, *shape), bool)
        for where in terminated:
            self.terminated[where] = True
        for where in truncated:
            self.truncated[where] = True
        drawn[3] *= scale
        self.next_values = np.concatenate([self.values[1:], drawn[3][:1].astype(dtype)])
        done = self.terminated | self.truncated
        self.next_values[done] = drawn[3][done] + 2.0

    def ask(self, student: Student, **options: float) -> Reply:
        """The probe's answer; options are passed on by name, by default all of them."""
        own = {name: getattr(self, name) for name in ("trace_lambda", "clip_rho", "clip_c")}
        arrays = ("log_ratio", "rewards", "values", "next_values", "terminated", "truncated")
        return student.run(
            EXERCISE,
            **{name: getattr(self, name) for name in arrays},
            gamma=self.gamma,
            options=options or own,
        )

    def of(
        self,
        rho: np.ndarray | None = None,
        c: np.ndarray | None = None,
        masked: np.ndarray | None = None,
        cut: np.ndarray | None = None,
        next_values: np.ndarray | None = None,
        gamma: float | None = None,
        reach: float | None = None,
        advantage_rho: np.ndarray | None = None,
        weighted: str = "all",
    ) -> tuple[np.ndarray, np.ndarray]:
        """Targets and advantages, by default the right ones.

        Args:
            rho, c, next_values, gamma: instead of the right ones; c already holds lambda.
            masked: where what follows is worth 0.
            cut: where the trace is cut.
            reach: lambda of the advantages.
            advantage_rho: the weight of what an advantage carries.
            weighted: what rho weighs: `all`, or the `reward` alone.
        """
        with np.errstate(over="ignore"):  # infinite, and bounded in the next line
            ratio = np.exp(self.log_ratio)
        rho = np.minimum(self.clip_rho, ratio) if rho is None else rho
        c = self.trace_lambda * np.minimum(self.clip_c, ratio) if c is None else c
        masked = self.terminated if masked is None else masked
        cut = (self.terminated | self.truncated) if cut is None else cut
        following = (self.next_values if next_values is None else next_values) * (1.0 - masked)
        gamma = self.gamma if gamma is None else gamma
        reach = self.trace_lambda if reach is None else reach
        advantage_rho = rho if advantage_rho is None else advantage_rho
        if weighted == "reward":
            deltas = rho * self.rewards + gamma * following - self.values
        else:
            deltas = rho * (self.rewards + gamma * following - self.values)
        targets, advantages, excess = np.zeros_like(deltas), np.zeros_like(deltas), 0.0
        for t in reversed(range(len(deltas))):
            carried = gamma * excess * (1.0 - cut[t])
            advantages[t] = deltas[t] + reach * advantage_rho[t] * carried
            excess = deltas[t] + c[t] * carried
            targets[t] = self.values[t] + excess
        return targets, advantages

    def wrong_rho(self) -> list[tuple[dict, str]]:
        """What goes wrong with rho, as arguments of `of`."""
        ratio, most = np.exp(self.log_ratio), self.clip_rho
        with np.errstate(all="ignore"):
            return [
                ({"rho": np.ones_like(ratio)}, "rho has no ratio: it weighs the one-step error."),
                (
                    {"rho": np.minimum(most, self.log_ratio)},
                    "The logarithm is no ratio: take exp(log_ratio).",
                ),
                (
                    {"rho": np.minimum(most, 1 / ratio)},
                    "The ratio is upside down: pi of the learner over mu of the actor.",
                ),
                ({"rho": ratio}, "rho is not clipped: at most clip_rho."),
                (
                    {"rho": np.minimum(self.clip_c, ratio)},
                    "rho is clipped at clip_c: it has a limit of its own.",
                ),
                ({"rho": np.minimum(1.0, ratio)}, "rho is clipped at 1: its limit is clip_rho."),
                ({"rho": np.maximum(most, ratio)}, "rho is at least the limit: it is at most the limit."),
                *(
                    (
                        {"rho": np.minimum(top, np.clip(ratio, 0.8, 1.2))},
                        "That is PPO's clipping, on both sides: rho is only bounded above.",
                    )
                    for top in (most, np.inf)
                ),
                ({"weighted": "reward"}, "rho weighs the whole error, not only the reward."),
            ]

    def wrong_c(self) -> list[tuple[dict, str]]:
        """What goes wrong with c, as arguments of `of`."""
        ratio, lam = np.exp(self.log_ratio), self.trace_lambda
        return [
            ({"c": lam * ratio}, "c is not clipped: at most clip_c."),
            (
                {"c": lam * np.minimum(self.clip_rho, ratio)},
                "c is clipped at clip_rho: it has a limit of its own.",
            ),
            ({"c": lam * np.minimum(1.0, ratio)}, "c is clipped at 1: its limit is clip_c."),
            ({"c": np.minimum(self.clip_c, ratio)}, "Lambda is missing in c."),
            ({"c": np.minimum(self.clip_c, lam * ratio)}, "Lambda multiplies c after it is clipped."),
            (
                {"c": lam * np.ones_like(ratio)},
                "c has no ratio: it cuts the trace where the learner would act differently.",
            ),
            (
                {"c": lam * np.maximum(self.clip_c, ratio)},
                "c is at least the limit: it is at most the limit.",
            ),
        ]

    def told_right(
        self, reply: Reply, tried: str, hints: Hints = (), which: str = "both", hint: str = ""
    ) -> None:
        """Compares targets, advantages or both."""
        right, names = self.of(), ("targets", "advantages")
        for i, name in enumerate(names):
            if which not in ("both", name):
                continue
            wrong = [(self.of(**change)[i], text) for change, text in hints]
            own = [
                (right[1 - i], f"These are the {names[1 - i]}: the order is targets, advantages."),
                (right[i] - self.values, "The value is missing: v_t = V(s_t) + ..."),
                (
                    right[0] - self.values,
                    "An advantage is no target minus the value: it weighs what follows by rho.",
                ),
                (
                    right[i].squeeze(),
                    "Axes of length 1 are dropped: the result has the shape of the arguments.",
                ),
            ]
            # a number that the right idea gives too says nothing
            compare(
                reply[name],
                right[i],
                tried=f"{tried}: the {name}",
                hints=[*wrong, *own],
                hint=hint,
                atol=1e-6 if self.values.dtype == np.float64 else 1e-4,
                rtol=1e-6 if self.values.dtype == np.float64 else 1e-3,
            )


@judge(
    EXERCISE,
    points=0.25,
    title="targets and advantages, (steps, games), in the precision of the arguments",
    read=READ,
    why="Both go straight into the samples of the next training.",
)
def test_returned(student, rng):
    for dtype in (np.float32, np.float64):
        case = Stretch(rng, (4, 2), dtype=dtype)
        reply = case.ask(student)
        require(
            reply["returned"] in ("tuple of 2", "list of 2"),
            tried="one call: what comes back",
            got=reply["returned"],
            expected="tuple of 2",
            hint="return targets, advantages",
        )
        for what, got, expected in (
            ("types", reply["types"], ["ndarray", "ndarray"]),
            ("precisions", reply["dtypes"], [np.dtype(dtype).name] * 2),
            (
                "shapes",
                [getattr(reply[name], "shape", None) for name in ("targets", "advantages")],
                [(4, 2)] * 2,
            ),
        ):
            require(
                got == expected,
                tried=f"4 steps of 2 games, {np.dtype(dtype).name}: the {what}",
                got=got,
                expected=expected,
                hint="As the arguments have it.",
            )
    for name, right in zip(("targets", "advantages"), case.of()):
        require(
            close(reply[name], right, 1e-9, 1e-9) or not close(reply[name], right, 1e-5, 1e-5),
            tried=f"4 steps of 2 games, float64: digits of the {name} that are right",
            got="about 7",
            expected="about 15",
            hint="Something is computed in float32 on the way: stay in the precision of the arguments.",
        )


@judge(
    EXERCISE,
    points=0.75,
    title="for the same policy: GAE",
    read=READ,
    depends=["returned"],
    why="Where nothing is stale, nothing must be corrected. The targets are then those of lambda-returns.",
)
def test_same_policy(student, rng):
    case = Stretch(rng, off=0.0)
    shifted = np.concatenate([case.values[1:], 0 * case.values[:1]])
    repeated = np.concatenate([case.values[1:], case.values[-1:]])
    case.told_right(
        case.ask(student),
        "log_ratio 0 everywhere, no end",
        [
            ({"c": np.zeros(SHAPE)}, "Nothing is carried from row to row: v_t needs v_{t+1}."),
            ({"c": np.ones(SHAPE)}, "Lambda is missing in c."),
            ({"reach": 0.0}, "An advantage carries what follows as well."),
            ({"reach": 1.0}, "Lambda is missing in the advantages."),
            ({"reach": case.trace_lambda**2}, "Lambda counts twice in what an advantage carries."),
            ({"gamma": 1.0}, "The discount is missing."),
            ({"next_values": shifted}, "After the last row V(s') is next_values[-1], not 0."),
            ({"next_values": repeated}, "After the last row V(s') is next_values[-1], not values[-1]."),
            ({"next_values": 0 * case.values}, "The next value is missing."),
        ],
        hint="delta = r + gamma * V(s') - V(s); from the last row to the first.",
    )
    case = Stretch(rng, off=0.0, gamma=0.9, trace_lambda=1.0)
    returns, following = np.zeros(SHAPE), case.next_values[-1]
    for t in reversed(range(SHAPE[0])):
        returns[t] = following = case.rewards[t] + 0.9 * following
    reply = case.ask(student)
    for name, expected in (("targets", returns), ("advantages", returns - case.values)):
        compare(
            reply[name],
            expected,
            tried=f"log_ratio 0, lambda 1: the {name}, from discounted rewards",
            hint="With lambda 1 all values in between cancel.",
        )


@judge(
    EXERCISE,
    points=0.75,
    title="rho weighs the one-step error",
    read=READ,
    depends=["same_policy"],
    why="An action that the learner would hardly take any more says little about its value.",
)
def test_rho(student, rng):
    for clip in (1.0, 1.7, 0.6):
        case = Stretch(rng, trace_lambda=0.0, clip_rho=clip, clip_c=0.8)
        case.told_right(
            case.ask(student),
            f"lambda 0, clip_rho {clip}, ratios from 0.05 to 3",
            case.wrong_rho(),
            hint="With lambda 0: A = min(clip_rho, ratio) * (r + gamma * V(s') - V(s)), v = V(s) + A.",
        )


@judge(
    EXERCISE,
    points=0.75,
    title="c carries corrections back",
    read=READ,
    depends=["rho"],
    why="Each step at which the learner would have done something else makes what came later less telling.",
)
def test_c(student, rng):
    for rho, c, lam in ((2.5, 0.7, 0.9), (1.3, 1.7, 0.8), (1.3, 0.6, 1.0), (1.0, 1.0, 0.7)):
        case = Stretch(rng, clip_rho=rho, clip_c=c, trace_lambda=lam)
        case.told_right(
            case.ask(student),
            f"clip_rho {rho}, clip_c {c}, lambda {lam}",
            case.wrong_c(),
            which="targets",
            hint="v_t = V + delta + gamma * c_t * (v_{t+1} - V(s_{t+1})); c_t = lambda * min(clip_c, ratio).",
        )


@judge(
    EXERCISE,
    points=0.75,
    title="the advantages",
    read=READ,
    depends=["c"],
    why="The policy's step is weighed by rho, what follows by lambda, and c has no say here.",
)
def test_advantages(student, rng):
    for rho, c, lam in ((1.3, 1.6, 0.8), (2.5, 0.6, 0.7), (1.3, 0.8, 1.0)):
        case = Stretch(rng, clip_rho=rho, clip_c=c, trace_lambda=lam)
        ratio = np.exp(case.log_ratio)
        clipped_c, one = np.minimum(c, ratio), np.ones(SHAPE)
        case.told_right(
            case.ask(student),
            f"clip_rho {rho}, clip_c {c}, lambda {lam}",
            [
                ({"reach": 1.0}, "Lambda is missing: that is the advantage of the paper."),
                ({"reach": 0.0}, "An advantage carries what follows as well."),
                ({"advantage_rho": clipped_c}, BY_C),
                ({"advantage_rho": clipped_c, "reach": 1.0}, BY_C),
                ({"advantage_rho": lam * clipped_c}, BY_C),
                ({"advantage_rho": one}, "What an advantage carries is weighed by rho as well."),
                (
                    {"advantage_rho": one, "reach": 1.0},
                    "What an advantage carries is weighed by lambda * rho.",
                ),
                ({"advantage_rho": ratio}, "What an advantage carries is weighed by the clipped ratio."),
            ],
            which="advantages",
            hint="A_t = delta_t + gamma * lambda * rho_t * (v_{t+1} - V(s_{t+1})).",
        )


@judge(
    EXERCISE,
    points=0.5,
    title="a termination: nothing follows",
    read=ENDS,
    depends=["advantages"],
    why="After a terminal state there is no reward, so its value is 0; the next row is another episode.",
)
def test_termination(student, rng):
    case = Stretch(rng, terminated=ends(rng, SHAPE), clip_rho=1.5)
    done, never = case.terminated, np.zeros(SHAPE, bool)
    case.told_right(
        case.ask(student),
        "episodes that terminate, in the first and in the last row too",
        [
            ({"masked": never, "cut": never}, "The terminations are ignored."),
            ({"masked": never}, "The value after a termination is 0."),
            ({"cut": never}, "The trace runs on into the next episode."),
            ({"masked": ~done, "cut": ~done}, "The mask is inverted."),
            ({"masked": ~done}, "The mask of the next value is inverted."),
            ({"cut": ~done}, "The mask of the trace is inverted."),
            ({"cut": late(done)}, "The trace is cut one row late."),
            ({"cut": early(done)}, "The trace is cut one row early."),
            ({"masked": late(done), "cut": late(done)}, "The flags come one row late."),
            ({"masked": early(done), "cut": early(done)}, "The flags come one row early."),
        ],
        hint="Where row t terminated: delta = rho * (r - V(s)), and nothing is carried into it.",
    )


@judge(
    EXERCISE,
    points=0.5,
    title="a time limit: its last observation counts, but the trace is cut",
    read=ENDS,
    depends=["termination"],
    why="The clock stopped the episode, the world would have gone on. The next row is another episode all the same.",
)
def test_time_limit(student, rng):
    case = Stretch(rng, truncated=ends(rng, SHAPE), clip_rho=1.5)
    cut, never = case.truncated, np.zeros(SHAPE, bool)
    next_row = np.concatenate([case.values[1:], case.next_values[-1:]])
    case.told_right(
        case.ask(student),
        "episodes that a time limit stops, in the first and in the last row too",
        [
            (
                {"masked": cut},
                "A time limit is treated as an end: only a termination makes the next value 0.",
            ),
            ({"cut": never}, "The trace runs on into the next episode: a time limit cuts it too."),
            ({"masked": cut, "cut": never}, "A time limit keeps the next value and cuts the trace."),
            ({"next_values": next_row}, "That is the value of the next row: use next_values[t]."),
            ({"next_values": next_row, "cut": never}, "Time limits are ignored."),
            ({"cut": late(cut)}, "The trace is cut one row late."),
            ({"cut": early(cut)}, "The trace is cut one row early."),
        ],
        hint="Where row t was truncated: delta = rho * (r + gamma * next_values - V(s)), and nothing is carried.",
    )


@judge(
    EXERCISE,
    points=0.25,
    title="both kinds of ends, and both flags at once",
    read=ENDS,
    depends=["time_limit"],
    why="In the last allowed step a player may reach the end as well: then it terminated.",
)
def test_both(student, rng):
    where = ends(rng, SHAPE)
    case = Stretch(rng, terminated=where, truncated=[*where[::2], *ends(rng, SHAPE)], clip_c=1.4)
    terminated, truncated = case.terminated, case.truncated
    case.told_right(
        case.ask(student),
        "both kinds of ends, in some rows both flags",
        [
            ({"masked": terminated & ~truncated}, "Where both flags are set, the step terminated."),
            (
                {"cut": terminated ^ truncated},
                "Where both flags are set, the trace runs on: take | for either.",
            ),
            ({"cut": terminated & truncated}, "The trace is cut only where both are set: take | for either."),
            (
                {"cut": 1.0 * terminated + truncated},
                "Where both flags are set, 1 - terminated - truncated is -1: take | for either.",
            ),
        ],
        hint="The next value counts where the row did not terminate; the trace is cut where either flag is set.",
    )


@judge(
    EXERCISE,
    points=0.25,
    title="any size, any gamma, lambda and limits; limits of 1 and lambda 1 where nothing is said",
    read=READ,
    depends=["both"],
    why="One game, one step, or hundreds of them; an action that was given up has a ratio near 0.",
)
def test_any(student, rng):
    for shape in ((1, 1), (1, 4), (6, 1), (2, 2), (3, 3), (200, 2)):
        drawn = [tuple(int(rng.integers(size)) for size in shape) for _ in range(2)]
        case = Stretch(rng, shape, drawn[:1], drawn[1:], clip_rho=1.2, clip_c=0.9)
        case.told_right(
            case.ask(student),
            f"steps and games {shape}, both kinds of ends",
            [*case.wrong_rho(), *case.wrong_c()],
        )
    for gamma, lam, rho, c in ((1.0, 1.0, 9.0, 9.0), (0.0, 0.5, 1.0, 1.0), (0.999, 0.95, 0.1, 3.0)):
        case = Stretch(rng, gamma=gamma, trace_lambda=lam, clip_rho=rho, clip_c=c)
        told = f"gamma {gamma}, lambda {lam}, clip_rho {rho}, clip_c {c}"
        hint = "" if gamma else "gamma 0 is a discount like any other, though Python takes 0 for False."
        case.told_right(case.ask(student), told, [*case.wrong_rho(), *case.wrong_c()], hint=hint)
    case = Stretch(rng, scale=1e3, clip_rho=1.2)
    case.told_right(
        case.ask(student), "rewards and values of about 1000", hint="Nothing limits rewards and values."
    )
    case = Stretch(rng, (300, 2), off=0.0, gamma=1.0, trace_lambda=1.0)
    hint = "All that follows counts, however far away it is, until the episode ends."
    case.told_right(case.ask(student), "300 steps, log_ratio 0, gamma 1, lambda 1, no end", hint=hint)
    for options in ({"trace_lambda": 0.6}, {"clip_rho": 1.8}, {"clip_c": 1.8}):
        case = Stretch(rng, **{"trace_lambda": 1.0, **options})
        told = f"only {', '.join(options)} is given, the others keep their defaults"
        case.told_right(case.ask(student, **options), told)
    for dtype, log_ratio, clip in (
        (np.float64, 30.0, 1.0),
        (np.float32, 200.0, 1.0),
        (np.float64, 1000.0, 50.0),
    ):
        case = Stretch(rng, clip_rho=clip, clip_c=1.2 * clip, dtype=dtype)
        case.log_ratio[3], case.log_ratio[1, 0] = -60.0, log_ratio
        case.told_right(
            case.ask(student),
            f"an action that was given up, and one that was hardly possible: log_ratio -60 and {log_ratio:g} in "
            f"{dtype.__name__}, clip_rho {clip:g}, clip_c {1.2 * clip:g}",
            hint="clip_rho and clip_c bound the ratio, also where they are large, and nothing else does; one that is infinite "
            "counts as the limit, one near 0 as it is.",
        )


@judge(
    EXERCISE,
    points=0.25,
    title="the arguments stay, and so does everything else",
    read=READ,
    depends=["returned"],
    why="The same trajectory may be drawn again, for the next training.",
)
def test_no_trace(student, rng):
    where = ends(rng, SHAPE)
    case = Stretch(rng, terminated=where[:2], truncated=where[2:])
    first = case.ask(student)
    nothing_else_changed(first)
    require(
        first["apart"] is True,
        tried="whether a result shares its memory with an argument",
        got="it does",
        expected="arrays of their own",
        hint="If somebody changes the one later, the other changes too.",
    )
    Stretch(rng).ask(student)
    again = case.ask(student)
    for name in ("targets", "advantages"):
        compare(
            again[name],
            first[name] if isinstance(first[name], np.ndarray) else np.nan,
            tried=f"the same call again, after another one: the {name}",
            hint="Something of a call before is left: begin every call from the start.",
        )
