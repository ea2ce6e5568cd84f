"""What a judge is written with: the `judge` mark, `compare` and `require`, and the failure that they raise.

@judge("hw3.get_action", points=0.5, title="...", why="...", read="dqn/dqn", depends=["greedy_at_zero"])
def test_random_at_one(student, rng):
    reply = student.run("hw3.get_action", ...)
    compare(reply["rate"], expected, tried="...", hints=[(value_of_a_known_mistake, "its hint")])
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from autograder.student_side.student import Reply, Student, StudentFailure
from autograder.student_side.text import clean

LONGEST = 2000  # characters of a value that are shown
Hints = Sequence[tuple[object, str]]


@dataclass(frozen=True)
class JudgeMark:
    """What a judge is worth and what it teaches.

    Attributes:
        exercise: id such as "hw3.update_critic".
        points: what passing it is worth.
        title: the claim, in a few words.
        why: the reason behind the claim.
        read: the book's page, relative to book/, optionally with a section.
        depends: names of judges of the same exercise (without `test_`) that must pass first.
    """

    exercise: str
    points: float
    title: str
    why: str
    read: str
    depends: tuple[str, ...] = ()


def judge(
    exercise: str, *, points: float, title: str, why: str, read: str, depends: Sequence[str] = ()
) -> Callable:
    """Marks a test function as a judge."""

    def mark(function: Callable) -> Callable:
        function.judge = JudgeMark(exercise, points, title, why, read, tuple(depends))
        return function

    return mark


class JudgeFailure(Exception):
    """The student's answer is wrong: what was tried, what came back, what was expected, and a hint.

    `got` and `expected` are texts; the `brief` ones leave out the entries of arrays.
    """

    def __init__(
        self, tried: str, got: str, expected: str, hint: str = "", brief: tuple[str, str] | None = None
    ):
        super().__init__(f"tried: {tried}; got: {got}; expected: {expected}; hint: {hint}")
        self.tried, self.got, self.expected, self.hint = tried, got, expected, hint
        self.got_brief, self.expected_brief = brief or (got, expected)


class NotYet(Exception):
    """The judge cannot say anything before something else is done; the message begins with "first ..."."""


def require(condition: object, *, tried: str, got: object, expected: object, hint: str = "") -> None:
    """Raises JudgeFailure unless the condition holds."""
    if not condition:
        raise JudgeFailure(
            tried, show(got), show(expected), hint, brief=(show(got, True), show(expected, True))
        )


def compare(
    got: object,
    expected: object,
    *,
    tried: str,
    hints: Hints = (),
    hint: str = "",
    atol: float = 1e-5,
    rtol: float = 1e-4,
    dtype: bool = False,
) -> None:
    """Compares an answer with what was expected: shape, then dtype (if asked), then value.

    Args:
        got: what came back, a number or an array.
        expected: number or array; an array's dtype is demanded only with `dtype=True`.
        tried: what the judge did, in words.
        hints: (wrong value, hint) pairs: the hint of the first wrong value that `got` equals is shown.
        hint: shown when no wrong value fits.
        atol, rtol: as in `numpy.isclose`.

    Raises:
        JudgeFailure: they differ.
    """
    want = np.asarray(expected)
    if not isinstance(got, (bool, int, float, np.ndarray, np.generic)):
        raise JudgeFailure(
            tried,
            show(got),
            f"{_describe(want)}, {show(expected)}",
            hint,
            brief=(show(got, True), _describe(want)),
        )
    have = np.asarray(got)

    def fail(got_text: str, expected_text: str) -> None:
        fitting = [
            text
            for wrong, text in hints
            if _equal(have, np.asarray(wrong), atol, rtol) and not _equal(want, np.asarray(wrong), atol, rtol)
        ]
        raise JudgeFailure(
            tried,
            got_text,
            expected_text,
            fitting[0] if fitting else hint,
            brief=(_brief(have, want, atol, rtol), show(expected, True)),
        )

    if have.shape != want.shape:
        fail(f"{_describe(have)}: {show(have)}", f"{_describe(want)}: {show(want)}")
    if dtype and have.dtype != want.dtype:
        fail(_describe(have), _describe(want))
    if not _equal(have, want, atol, rtol):
        fail(*_around_first_difference(have, want, atol, rtol))


def nothing_else_changed(reply: Reply, tried: str = "one call") -> None:
    """Demands that a probe found no side effect, "changed" in its answer: on arguments, random streams, modes."""
    changed = reply["changed"]
    require(
        changed == [],
        tried=f"{tried}: what it changed beside its result",
        got=", ".join(map(str, changed)) if isinstance(changed, list) else changed,
        expected="nothing",
        hint="Compute in your own copies, and leave the rest of the process as it was.",
    )


def no_seed_set(
    after: Mapping[str, object], after_another: Mapping[str, object], again: Mapping[str, object], tried: str
) -> None:
    """Demands that the caller's seed alone decides the random streams: no seed is set inside, not the clock's either.

    Args:
        after, after_another, again: the streams' states after one seed, after another, and after the first one again.
    """
    own = [
        name for name, state in after.items() if after_another.get(name) == state or again.get(name) != state
    ]
    require(
        own == [],
        tried=f"{tried}, after two seeds, and after the first one again: random streams that do not follow from the seed",
        got=", ".join(map(str, own)),
        expected="none",
        hint="You set a seed inside: what is drawn from then on no longer follows from the program's own seed.",
    )


def attempt(
    student: Student,
    probe: str,
    *,
    tried: str,
    expected: str,
    hint: str,
    says: str = "",
    **inputs: object,
) -> Reply:
    """Runs a probe whose raising an error is itself a known mistake, told with its hint.

    Args:
        says: what the error's text contains where it is that mistake; every other error gets no hint.
    """
    try:
        return student.run(probe, **inputs)
    except StudentFailure as failure:
        if failure.verdict != "failed" or failure.unsolved:
            raise
        raise JudgeFailure(
            tried, failure.message, expected, hint if says in failure.message else ""
        ) from None


def close(got: object, expected: object, atol: float = 1e-5, rtol: float = 1e-4) -> bool:
    """Whether two numbers or arrays have the same shape and the same values."""
    if not isinstance(got, (bool, int, float, np.ndarray, np.generic)):
        return False
    return _equal(np.asarray(got), np.asarray(expected), atol, rtol)


def array_of(reply: dict, key: str, ndim: int) -> np.ndarray:
    """A probe's answer that must be an array with that many axes; anything else no probe has written."""
    value = reply[key]
    if not isinstance(value, np.ndarray) or value.ndim != ndim:
        raise StudentFailure(
            "refused", f"the answer {key!r} is {show(value, True)}; expected an array with {ndim} axes"
        )
    return value


def show(value: object, brief: bool = False) -> str:
    """A value in a few characters; brief leaves out the entries of arrays of more than one entry."""
    if isinstance(value, np.ndarray) and value.size != 1:
        if brief or value.size > 200:
            return _describe(value)
        return np.array2string(
            value, precision=4, separator=", ", threshold=40, edgeitems=4, suppress_small=True
        )
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.item()
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str):
        return clean(value, LONGEST)
    return clean(repr(value), LONGEST)


def _around_first_difference(have: np.ndarray, want: np.ndarray, atol: float, rtol: float) -> tuple[str, str]:
    """Both values; of larger arrays only the first row in which they differ."""
    if have.ndim == 0 or have.size <= 16:
        return show(have), show(want)
    wrong = ~np.isclose(
        np.asarray(have, float), np.asarray(want, float), atol=atol, rtol=rtol, equal_nan=True
    )
    rows = np.flatnonzero(wrong.reshape(len(wrong), -1).any(axis=1))
    what = "row" if have.ndim > 1 else "entry"
    return (
        (
            f"{len(rows)} of {len(wrong)} {'rows' if have.ndim > 1 else 'entries'} differ, first "
            f"{what} {rows[0]}: {show(have[rows[0]])}"
        ),
        f"{what} {rows[0]}: {show(want[rows[0]])}",
    )


def _equal(a: np.ndarray, b: np.ndarray, atol: float, rtol: float) -> bool:
    if a.shape != b.shape:
        return False
    return bool(
        np.all(np.isclose(np.asarray(a, float), np.asarray(b, float), atol=atol, rtol=rtol, equal_nan=True))
    )


def _describe(array: np.ndarray) -> str:
    if array.ndim == 0:
        return f"a number ({array.dtype})"
    return f"array of shape {array.shape}, {array.dtype}"


def _brief(have: np.ndarray, want: np.ndarray, atol: float, rtol: float) -> str:
    if have.size == 1:
        return show(have)
    if have.shape != want.shape:
        return _describe(have)
    wrong = ~np.isclose(
        np.asarray(have, float), np.asarray(want, float), atol=atol, rtol=rtol, equal_nan=True
    )
    return f"{_describe(have)}: {int(wrong.sum())} of {wrong.size} entries differ"
