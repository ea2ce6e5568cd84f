"""Judges of hw5.mask_logits: what a softmax makes of the result, and what flows back through it."""

from __future__ import annotations

import itertools

import numpy as np

from autograder.student_side.student import Reply, Student
from autograder.trusted.judging import Hints, compare, judge, nothing_else_changed, require

EXERCISE = "hw5.mask_logits"
READ = "realm/homework"
PRECISIONS = (np.float32, np.float64)


class Case:
    """Logits, and which actions are legal: at least one in each row.

    Args:
        shape: batch, actions.
        size: of the logits.
    """

    def __init__(self, rng: np.random.Generator, shape: tuple[int, int], size: float = 1.0, dtype=np.float32):
        self.logits = (size * rng.normal(size=shape)).astype(dtype)
        self.legal = rng.random(shape) < 0.6
        self.weights = rng.normal(size=shape).astype(dtype)
        batch, actions = shape
        self.legal[np.arange(batch), rng.integers(actions, size=batch)] = True
        if actions > 2:  # an illegal action in each row, in the row's first or last place in some
            places = np.where(np.arange(batch) % 3 == 0, 0, rng.integers(actions, size=batch))
            self.legal[np.arange(batch), places] = False
            self.legal[~self.legal.any(axis=1), 1] = True

    def run(self, student: Student) -> Reply:
        """One call."""
        return student.run(EXERCISE, logits=self.logits, legal=self.legal, weights=self.weights)

    def right(self) -> np.ndarray:
        """The probabilities after a softmax."""
        return softmax(np.where(self.legal, self.logits.astype(np.float64), -np.inf))

    def wrong(self) -> Hints:
        """Probabilities that mistakes give."""
        logits, legal = self.logits.astype(np.float64), self.legal
        shares, already = (
            self.right(),
            "These are probabilities already: return logits, a softmax is yet to come.",
        )
        return [
            (softmax(shares), already),
            (softmax(np.where(legal, shares, -np.inf)), already),
            (softmax(logits), "The mask changes nothing: an illegal action keeps its probability."),
            (
                softmax(np.where(legal, -np.inf, logits)) if not legal.all(axis=1).any() else np.nan,
                "The mask is the wrong way round: legal is True where an action may be taken.",
            ),
            (
                softmax(logits * legal),
                "A logit of 0 is no probability of 0: after the softmax it is exp(0) beside the others.",
            ),
            (
                softmax(logits - 1.0 * ~legal),
                "The illegal logits are only 1 lower: that is a third of the probability, not 0.",
            ),
        ]


def softmax(logits: np.ndarray) -> np.ndarray:
    """Over the last axis."""
    with np.errstate(all="ignore"):
        powers = np.exp(logits - logits.max(axis=-1, keepdims=True)) if logits.size else logits
        return powers / powers.sum(axis=-1, keepdims=True)


def probabilities(case: Case, reply: Reply, tried: str, hint: str = "") -> None:
    """Demands that illegal actions have probability 0 and legal ones what they have among themselves."""
    value = reply["value"]
    shaped = isinstance(value, np.ndarray) and value.shape == case.logits.shape
    got = softmax(value) if shaped and value.dtype.kind == "f" else value
    compare(
        got,
        case.right().astype(case.logits.dtype),
        tried=f"{tried}: the probabilities after a softmax",
        hints=[] if hint else case.wrong(),
        hint=hint or "An illegal action has probability 0; the legal ones share 1 as they would without it.",
        atol=1e-6,
    )
    left = float(got[~case.legal].max(initial=0.0))
    require(
        left == 0.0,
        tried=f"{tried}: the largest probability of an illegal action",
        got=left,
        expected=0,
        hint=hint
        or "Small is not enough: over millions of steps it is drawn. Take a logit as low as ILLEGAL.",
    )


@judge(
    EXERCISE,
    points=0.25,
    title="a tensor of the logits' shape and precision",
    read=READ,
    why="The result stands in place of the logits.",
)
def test_returned(student, rng):
    for dtype in PRECISIONS:
        case = Case(rng, (5, 4), dtype=dtype)
        reply = case.run(student)
        value = reply["value"]
        for what, got, expected in (
            ("type", reply["type"], "Tensor"),
            ("shape", getattr(value, "shape", None), (5, 4)),
            ("precision", str(getattr(value, "dtype", None)), np.dtype(dtype).name),
        ):
            require(
                got == expected,
                tried=f"logits (5, 4), {np.dtype(dtype).name}: the {what} of the result",
                got=got,
                expected=expected,
                hint="As the logits have it.",
            )


@judge(
    EXERCISE,
    points=0.5,
    title="illegal actions have probability 0, the others what is left",
    read=READ,
    depends=["returned"],
    why="A player must never choose what the game forbids, and must choose the others as the policy says.",
)
def test_illegal(student, rng):
    for dtype in PRECISIONS:
        case = Case(rng, (7, 6), size=2.0, dtype=dtype)
        probabilities(case, case.run(student), f"7 rows of 6 actions, some of them illegal, {dtype.__name__}")


@judge(
    EXERCISE,
    points=0.25,
    title="legal logits stay as they are",
    read=READ,
    depends=["illegal"],
    why="Probabilities or log-probabilities would be normalised a second time.",
)
def test_legal(student, rng):
    for dtype, zeros in itertools.product(PRECISIONS, (False, True)):
        case = Case(rng, (6, 5), size=3.0, dtype=dtype)
        if zeros:  # a logit of 0 is like any other; in the first rows all of them are
            case.logits[:2] = 0.0
            case.logits[np.arange(6), case.legal.argmax(axis=1)] = 0.0
        value, inside = case.run(student)["value"], case.legal
        shaped = isinstance(value, np.ndarray) and value.shape == case.logits.shape
        told = f"6 rows of 5 actions, {'some logits 0, ' if zeros else ''}{dtype.__name__}"
        shares, tried = case.right(), f"{told}: the legal logits of the result"
        compare(
            value[inside] if shaped else value,
            case.logits[inside],
            tried=tried,
            hints=[
                (shares[inside], "These are probabilities already: return logits."),
                (np.log(shares[inside]), "These are log-probabilities already: return logits."),
            ],
            hint="Change nothing but the illegal ones.",
            atol=1e-6,
            rtol=1e-5,
        )
        compare(
            value[inside],
            case.logits[inside],
            tried=f"{tried}, digit by digit",
            hint="Digits are lost on the way: stay in the precision of the logits, and add nothing to them.",
            atol=0.0,
            rtol=8 * float(np.finfo(dtype).eps),
        )


@judge(
    EXERCISE,
    points=0.25,
    title="every logit is finite",
    read=READ,
    depends=["illegal"],
    why="The entropy multiplies each probability with its logarithm: 0 times infinity is NaN, and spreads.",
)
def test_finite(student, rng):
    for dtype in PRECISIONS:
        value = Case(rng, (6, 5), dtype=dtype).run(student)["value"]
        bad = int((~np.isfinite(value)).sum()) if isinstance(value, np.ndarray) else value
        require(
            bad == 0,
            tried=f"6 rows of 5 actions, {dtype.__name__}: how many logits are infinite or NaN",
            got=bad,
            expected=0,
            hint="Minus infinity has probability 0 too, but its share of the entropy is NaN. Take ILLEGAL.",
        )


@judge(
    EXERCISE,
    points=0.25,
    title="legal logits learn, illegal ones do not",
    read=READ,
    depends=["legal", "finite"],
    why="A gradient through an action that nobody could take would move the network for nothing.",
)
def test_gradient(student, rng):
    for dtype in PRECISIONS:
        case = Case(rng, (6, 5), dtype=dtype)
        compare(
            case.run(student)["gradient"],
            case.weights * case.legal,
            tried=f"the gradient of a weighted sum of the result with regard to the logits, {dtype.__name__}",
            hints=[
                (0 * case.weights, "No gradient arrives at the logits: do not detach them."),
                (
                    case.weights,
                    "A gradient flows through the illegal logits too: put a constant in their place, do not add one.",
                ),
            ],
            hint="The weight at a legal action, 0 at an illegal one.",
        )


@judge(
    EXERCISE,
    points=0.25,
    title="any logits, any mask, any batch",
    read=READ,
    depends=["legal"],
    why="Late in training the logits are large; in a corner one action is left; a batch may hold one game.",
)
def test_any(student, rng):
    for shape, size in (((1, 16), 1.0), ((4, 1), 1.0), ((1, 1), 5.0), ((1, 2), 3.0), ((3, 3), 30.0)):
        case = Case(rng, shape, size)
        probabilities(case, case.run(student), f"logits {shape}")
    everything = Case(rng, (3, 4))
    everything.legal[:] = True
    probabilities(everything, everything.run(student), "all actions legal")
    single = Case(rng, (4, 4), 5.0)
    single.legal = rng.permutation(np.eye(4, dtype=bool))
    probabilities(single, single.run(student), "one legal action in each row")
    low = "Legal logits may be as low as -10,000: what stands for the illegal ones lies far below that."
    for sign, dtype in itertools.product((1.0, -1.0), PRECISIONS):
        large = Case(rng, (5, 6), dtype=dtype)
        large.logits += np.where(large.legal, -sign, sign).astype(dtype) * dtype(9_900)
        told = f"logits of about {-sign * 9900:,.0f} for legal and {sign * 9900:,.0f} for illegal actions, "
        told += dtype.__name__
        compare(
            (reply := large.run(student))["value"][large.legal],
            large.logits[large.legal],
            tried=f"{told}: the legal ones",
            hint="Legal logits come back as they are, however large.",
        )
        probabilities(large, reply, told, low)
    for several, illegal, dtype in itertools.product((False, True), (0.0, 10_000.0), PRECISIONS):
        lowest = Case(rng, (6, 6), dtype=dtype)
        lowest.legal = lowest.legal if several else rng.permutation(np.eye(6, dtype=bool))
        lowest.logits = np.where(lowest.legal, -10_000.0, illegal).astype(dtype)
        told = (
            f"{'some legal actions' if several else 'one legal action'} in each row, all of them at -10,000"
        )
        probabilities(
            lowest, lowest.run(student), f"{told}, the others at {illegal:,.0f}, {dtype.__name__}", low
        )
    nobody = Case(rng, (1, 3))
    nobody.logits, nobody.legal, nobody.weights = (
        part[:0] for part in (nobody.logits, nobody.legal, nobody.weights)
    )
    require(
        getattr(nobody.run(student)["value"], "shape", None) == (0, 3),
        tried="a batch of 0 rows: the shape of the result",
        got=getattr(nobody.run(student)["value"], "shape", None),
        expected=(0, 3),
    )


@judge(
    EXERCISE,
    points=0.25,
    title="the arguments stay, and so does everything else",
    read=READ,
    depends=["returned"],
    why="The network's own output may be needed again, and the game's mask is the game's.",
)
def test_no_trace(student, rng):
    for dtype in PRECISIONS:
        case = Case(rng, (6, 5), dtype=dtype)
        reply = case.run(student)
        nothing_else_changed(reply, f"one call, {dtype.__name__}")
    compare(
        case.run(student)["value"],
        reply["value"] if isinstance(reply["value"], np.ndarray) else np.nan,
        tried="the same call again",
        hint="Something of the call before is left: begin every call from the start.",
    )
