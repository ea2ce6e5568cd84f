"""Judges of hw5.behaviour_log_prob: what is chosen, what is kept of it, and that both come from the same weights."""

from __future__ import annotations

import itertools

import numpy as np

from autograder.student_side.student import Reply, Student
from autograder.trusted.judging import Hints, compare, judge, nothing_else_changed, require

EXERCISE = "hw5.behaviour_log_prob"
READ = "realm/homework"
ASKED_AGAIN = (
    "These are choices of the policy's second answer: by then its weights may be others. Ask it once."
)
LEFT = "Something of a call before is left: begin every call from the start."
WIDE = "9 games, log-probabilities from -1e9 to 0, values of about 1000, and noise with which unlikely actions win"
CALLS = 3  # of which a right solution needs one


class Case:
    """What a policy says at each of its calls, and noise with which the choices differ from the likeliest ones.

    Args:
        number: of games.
        actions: each of them has.
        noisy: whether there is noise.
        wide: the noise makes very unlikely actions win, others are illegal, and values are large.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        number: int = 9,
        actions: int = 16,
        noisy: bool = True,
        wide: bool = False,
    ):
        logits = 2.0 * rng.normal(size=(CALLS, number, actions))
        rows = np.arange(number)
        unlikely = rng.integers(1, actions, size=number) if wide else None
        if wide:
            logits[:, rows, unlikely] = np.where(rows % 2, -40.0, -200.0)
            logits[:, rows, (unlikely + 1) % actions] = -1e9
        norms = np.log(np.exp(logits).sum(axis=2, keepdims=True))
        self.log_probs = (logits - norms).astype(np.float32)
        self.values = rng.normal(size=(CALLS, number)).astype(np.float32) * np.float32(1e3 if wide else 1)
        self.observations = rng.integers(0, 256, (number, 12)).astype(np.uint8)
        self.noise = rng.gumbel(size=(number, actions)).astype(np.float32) if noisy else None
        if wide:
            self.noise[rows, unlikely] = 100.0 - logits[0, rows, unlikely]
        while (
            noisy and not wide and number > 8 and actions > 8 and self._alike()
        ):  # a mistake gives what another one gives
            self.noise = rng.gumbel(size=(number, actions)).astype(np.float32)

    def run(self, student: Student, training: bool = True, times: int = 1) -> Reply:
        """The last of some calls; training is the policy's mode."""
        return student.run(
            EXERCISE,
            log_probs=self.log_probs,
            values=self.values,
            observations=self.observations,
            noise=self.noise,
            training=training,
            times=times,
        )

    @property
    def sums(self) -> np.ndarray:
        """Log-probabilities of the first call with the noise added."""
        return self.log_probs[0] + (0 if self.noise is None else self.noise)

    @property
    def actions(self) -> np.ndarray:
        """The right choices."""
        return self.sums.argmax(axis=1)

    def of(self, scores: np.ndarray, actions: np.ndarray | None = None) -> np.ndarray:
        """One score of each game, of the actions that are chosen."""
        chosen = self.actions if actions is None else actions
        return scores[np.arange(len(scores)), chosen]

    def _alike(self) -> bool:
        choices = [self.actions.tolist(), *(wrong.tolist() for wrong, _ in self.wrong_actions())]
        return any(a == b for a, b in itertools.combinations(choices, 2))

    def wrong_actions(self) -> Hints:
        """Choices that mistakes give."""
        log_probs, noise = self.log_probs[0], self.noise
        if noise is None:
            return [
                (log_probs.argmin(axis=1), "These are the least likely actions."),
                (self.log_probs[1].argmax(axis=1), ASKED_AGAIN),
            ]
        return [
            (log_probs.argmax(axis=1), "The noise is ignored: these are always the likeliest actions."),
            (
                noise.argmax(axis=1),
                "The noise alone decides: add it to the log-probabilities.",
            ),
            (
                (np.exp(log_probs) + noise).argmax(axis=1),
                "The noise is added to probabilities: it belongs to the log-probabilities.",
            ),
            ((log_probs - noise).argmax(axis=1), "The noise is subtracted: add it."),
            (self.sums.argmin(axis=1), "The smallest sum is chosen: take the largest."),
            (
                (self.log_probs[1] + noise).argmax(axis=1),
                ASKED_AGAIN,
            ),
        ]

    def wrong_kept(self) -> Hints:
        """What mistakes keep."""
        log_probs, sums = self.log_probs[0], self.sums
        normal = sums - np.log(np.exp(sums.astype(np.float64)).sum(axis=1, keepdims=True))
        return [
            (
                self.of(sums),
                "The noise is in what is kept: it decides what is chosen, and the policy knows nothing of it.",
            ),
            (self.of(normal), "The noise is in what is kept, normalised: keep what the policy gave."),
            (
                log_probs.max(axis=1),
                "These belong to the likeliest actions: keep that of the action that was chosen.",
            ),
            (
                self.of(np.exp(log_probs)),
                "These are probabilities: keep their logarithms, as the policy gives them.",
            ),
            (-self.of(log_probs), "The sign is turned: log-probabilities are below 0."),
            (
                self.of(self.log_probs[1]),
                "The policy was asked again for these: by then its weights may be others. Keep what it said when "
                "it chose.",
            ),
            (log_probs, "A row of each game is kept: one number is enough, that of its action."),
            (self.of(log_probs)[:, None], "An axis of length 1 is left over: one number for each game."),
            (self.values[0], "These are the values: the order is actions, log-probabilities, values."),
        ]


@judge(
    EXERCISE,
    points=0.25,
    title="three arrays: actions, log-probabilities, values",
    read=READ,
    why="They travel to another process, which knows no graph.",
)
def test_returned(student, rng):
    reply = Case(rng).run(student)
    require(
        reply["returned"] == "tuple of 3" or reply["returned"] == "list of 3",
        tried="one call: what comes back",
        got=reply["returned"],
        expected="tuple of 3",
        hint="return actions, log_probs, values",
    )
    arrays = "NumPy arrays; Tensor.numpy() makes them, without a gradient."
    precise = "Actions are int64, as argmax gives them; log-probabilities and values float32, as the policy gives them."
    for what, got, expected, hint in (
        ("types", reply["types"], ["ndarray"] * 3, arrays),
        ("precisions", reply["dtypes"], ["int64", "float32", "float32"], precise),
    ):
        require(
            got == expected,
            tried=f"one call: the {what}",
            got=got,
            expected=expected,
            hint=hint,
        )


@judge(
    EXERCISE,
    points=0.5,
    title="the policy is asked once, without gradients, with all observations",
    read=READ,
    depends=["returned"],
    why="At the next call the weights may be others: then action, log-probability and value no longer belong together.",
)
def test_once(student, rng):
    case = Case(rng)
    reply = case.run(student)
    require(
        reply["times"] == 1,
        tried="one call: how often the policy was asked",
        got=reply["times"],
        expected=1,
        hint="One answer holds all. At the next call its weights may be others: keep what it said when it chose.",
    )
    require(
        reply["with_gradients"] is False,
        tried="whether gradients were switched on when the policy was asked",
        got=reply["with_gradients"],
        expected=False,
        hint="Ask it under torch.no_grad(): otherwise a graph is built that nobody uses, also where you detach later.",
    )
    require(
        reply["shown"] == ["Tensor"],
        tried="the type of what the policy was shown",
        got=reply["shown"],
        expected=["Tensor"],
        hint="torch.from_numpy(observations): a network takes tensors.",
    )
    asked = reply["asked"]
    seen = asked[0] if isinstance(asked, list) and asked else None
    compare(
        seen,
        case.observations,
        tried="what the policy was shown",
        hint="The observations, as a tensor of bytes: the policy unpacks them itself.",
        dtype=True,
    )


@judge(
    EXERCISE,
    points=0.5,
    title="the largest sum of log-probability and noise is chosen",
    read=READ,
    depends=["once"],
    why="With Gumbel noise that is a draw from the policy, and the same noise gives the same draw.",
)
def test_actions(student, rng):
    case = Case(rng)
    compare(
        case.run(student)["actions"],
        case.actions,
        tried="9 games with noise: the actions",
        hints=case.wrong_actions(),
        hint="argmax of log_probs + noise, over the actions of each game.",
    )
    case = Case(rng, wide=True)
    compare(
        case.run(student)["actions"],
        case.actions,
        tried=f"{WIDE}: the actions",
        hint="The noise counts as it is, however large: it can make a very unlikely action win.",
    )


@judge(
    EXERCISE,
    points=0.75,
    title="the log-probability of what was chosen, without the noise",
    read=READ,
    depends=["actions"],
    why="The learner divides by this probability. With another number its ratio is wrong from the first step on.",
)
def test_kept(student, rng):
    case = Case(rng)
    compare(
        case.run(student)["log_probs"],
        case.of(case.log_probs[0]),
        tried="9 games with noise: the log-probabilities of their actions",
        hints=case.wrong_kept(),
        hint="Of each row, the entry of its action: what the policy gave when it was asked.",
        atol=1e-6,
    )
    case = Case(rng, wide=True)
    compare(
        case.run(student)["log_probs"],
        case.of(case.log_probs[0]),
        tried=f"{WIDE}: the log-probabilities of their actions",
        hint="As the policy gave it, however low: bound nothing, and do not compute it from the probability.",
        atol=1e-6,
    )


@judge(
    EXERCISE,
    points=0.25,
    title="without noise the likeliest actions",
    read=READ,
    depends=["kept"],
    why="An evaluation may want no chance in it.",
)
def test_greedy(student, rng):
    case = Case(rng, noisy=False)
    reply = case.run(student)
    compare(
        reply["actions"],
        case.actions,
        tried="9 games, noise None: the actions",
        hints=case.wrong_actions(),
        hint="argmax of the log-probabilities of each game.",
    )
    compare(
        reply["log_probs"],
        case.of(case.log_probs[0]),
        tried="9 games, noise None: the log-probabilities",
        hints=case.wrong_kept(),
        hint="That of the chosen action.",
    )


@judge(
    EXERCISE,
    points=0.25,
    title="the values of the same answer",
    read=READ,
    depends=["kept"],
    why="The learner's advantages compare with what the acting weights expected.",
)
def test_values(student, rng):
    case = Case(rng)
    compare(
        case.run(student)["values"],
        case.values[0],
        tried="9 games: the values",
        hints=[(case.values[1], "The policy was asked again for these: keep those of its first answer.")],
        hint="As the policy gave them, one for each game.",
        atol=1e-6,
    )
    case = Case(rng, wide=True)
    compare(
        case.run(student)["values"],
        case.values[0],
        tried=f"{WIDE}: the values",
        hint="As the policy gave them, however large.",
    )


@judge(
    EXERCISE,
    points=0.25,
    title="any number of games and actions",
    read=READ,
    depends=["kept", "values"],
    why="A film is played with one game.",
)
def test_any_size(student, rng):
    for number, actions in ((1, 16), (1, 1), (5, 1), (16, 16), (40, 3)):
        for noisy in (True, False):
            case = Case(rng, number, actions, noisy)
            reply = case.run(student)
            told = f"{number} games of {actions} actions, {'with' if noisy else 'without'} noise"
            for name, expected, hints in (
                (
                    "actions",
                    case.actions,
                    case.wrong_actions() if number > 8 else [],
                ),  # few may agree by chance
                ("log_probs", case.of(case.log_probs[0]), case.wrong_kept()),
                ("values", case.values[0], []),
            ):
                squeezed = (np.squeeze(expected), "Axes of length 1 are dropped: one entry for each game.")
                compare(reply[name], expected, tried=f"{told}: {name}", hints=[*hints, squeezed], atol=1e-6)


@judge(
    EXERCISE,
    points=0.25,
    title="the arguments stay, and so does everything else",
    read=READ,
    depends=["kept", "values"],
    why="The noise of a whole stretch is drawn beforehand, and the observations are sent to the learner.",
)
def test_no_trace(student, rng):
    case = Case(rng)
    nothing_else_changed(case.run(student, training=False), "a policy in its evaluation mode")
    first = case.run(student)
    nothing_else_changed(first)
    other = Case(rng)
    other.observations, other.noise = case.observations, case.noise
    reply, told = other.run(student), "the same observations and noise, and the policy with other weights"
    compare(reply["actions"], other.actions, tried=f"{told}: actions", hint=LEFT)
    compare(
        reply["log_probs"], other.of(other.log_probs[0]), tried=f"{told}: log_probs", hint=LEFT, atol=1e-6
    )
    second, told = (
        case.run(student, times=2),
        "a second call with the same policy, which has learned meanwhile",
    )
    later = case.log_probs[1]
    chosen = (later + case.noise).argmax(axis=1)
    hint = "The same policy says something else once it has learned: ask it at every call, and keep nothing of it."
    compare(second["actions"], chosen, tried=f"{told}: actions", hint=hint)
    compare(second["log_probs"], case.of(later, chosen), tried=f"{told}: log_probs", hint=hint, atol=1e-6)
    compare(second["values"], case.values[1], tried=f"{told}: values", hint=hint, atol=1e-6)
    again = case.run(student)
    for name in ("actions", "log_probs", "values"):
        compare(
            again[name],
            first[name] if isinstance(first[name], np.ndarray) else np.nan,
            tried=f"the same call again, after another one: {name}",
            hint=LEFT,
        )
