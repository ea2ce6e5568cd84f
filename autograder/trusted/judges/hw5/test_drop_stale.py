"""Judges of hw5.drop_stale: which trajectories stay, in which order, and what stays untouched."""

from __future__ import annotations

import itertools

import numpy as np

from autograder.student_side.student import Reply, Student
from autograder.trusted.judging import Hints, JudgeFailure, compare, judge, nothing_else_changed, require

EXERCISE = "hw5.drop_stale"
READ = "realm/homework"


class Case:
    """Trajectories that were played with these versions, a learner, and a limit.

    Args:
        versions: of the trajectories.
        version: the learner's.
        max_lag: the limit.
        order: which of them the list holds, by default all.
    """

    def __init__(self, versions: list, version: int, max_lag: int | None, order: list | None = None):
        self.versions, self.version, self.max_lag = np.array(versions, int), version, max_lag
        self.order = np.array(range(len(versions)) if order is None else order, int)

    @property
    def told(self) -> str:
        """The case in words."""
        played = self.versions[self.order].tolist()
        return f"versions {played}, the learner at {self.version}, max_lag {self.max_lag}"

    def run(self, student: Student) -> Reply:
        """One call."""
        return student.run(
            EXERCISE,
            versions=self.versions,
            order=self.order,
            version=self.version,
            max_lag=self.max_lag,
        )

    def split(self, fresh: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The numbers of those that are fresh, and of the others; fresh is one flag for each in the list."""
        fresh = np.broadcast_to(fresh, self.order.shape)
        return self.order[fresh], self.order[~fresh]

    @property
    def lags(self) -> np.ndarray:
        """Of those in the list."""
        return self.version - self.versions[self.order]

    def sorted(self, numbers: np.ndarray) -> list[np.ndarray]:
        """The numbers in other orders: by themselves, and by their versions, rising and falling."""
        by_version = numbers[np.argsort(self.versions[numbers], kind="stable")]
        falling = numbers[np.argsort(-self.versions[numbers], kind="stable")]
        return [np.sort(numbers), by_version, falling]

    def popped(self) -> tuple[np.ndarray, np.ndarray]:
        """What comes out if stale ones are taken out of the list while it is gone through."""
        left, dropped, at = self.order.tolist(), [], 0
        while at < len(left):
            if self.version - self.versions[left[at]] > self.max_lag:
                dropped.append(left.pop(at))
            at += 1
        return np.array(left, int), np.array(dropped, int)

    def right(self) -> tuple[np.ndarray, np.ndarray]:
        """Kept and dropped."""
        return self.split(np.array(True) if self.max_lag is None else self.lags <= self.max_lag)

    def expect(self, reply: Reply, hint: str = "", first: Hints = ()) -> None:
        """Compares both lists; `first` are pairs of flags that a mistake gives, and its hint."""
        if reply["refused"] is True:
            raise JudgeFailure(f"{self.told}: two lists", str(reply["raised"]), "two lists", hint)
        limit, lags = self.max_lag, self.lags
        wrong = list(first) if limit is None else [
            *first,
            (lags < limit, "A lag of max_lag is still allowed: it is the largest that is."),
            (lags > limit, "Kept and dropped have changed places."),
            (lags <= limit + 1, "A lag of max_lag + 1 is too old."),
            (np.array(True), "Nothing is dropped, however old."),
            (np.array(False), "Nothing is kept, however new."),
            *((lags <= min(limit, most), "max_lag itself is limited: it may be any number.") for most in (10, 100, 1000)),
            (self.versions[self.order] <= limit, "The version is compared with the limit: compare the lag."),
            (self.versions[self.order] >= limit, "The version is compared with the limit: compare the lag."),
        ]  # fmt: skip
        kept, dropped = self.right()
        popped = (np.nan, np.nan) if limit is None else self.popped()
        if not len(kept) and len(dropped):
            hint = hint or "All of them are too old, so all are dropped and none is kept."
            wrong = [(np.array(True), hint), *wrong]
        unique = [np.array(list(dict.fromkeys(part.tolist())), int) for part in (kept, dropped)]
        for name, expected, i in (("kept", kept, 0), ("dropped", dropped, 1)):
            others = [
                *(
                    (changed, "The order has changed: each list in the order given.")
                    for changed in self.sorted(expected)
                ),
                (expected[::-1], "The order is turned round: each list in the order given."),
                (
                    popped[i],
                    "A list that loses entries while a loop goes through it skips the next: fill two new ones.",
                ),
                (unique[i], "What the buffer drew twice counts twice."),
                (np.concatenate([kept, dropped]) if i else np.nan, "All of them are in the second list."),
                (np.full(len(expected), -1), "These are other objects: hand back those that were given."),
            ]
            compare(
                reply[name],
                expected,
                tried=f"{self.told}: the numbers (places in the list of all) of those that are {name}",
                hints=[*((self.split(fresh)[i], text) for fresh, text in wrong), *others],
                hint=hint or "Kept are those whose lag is at most max_lag; dropped are the others.",
            )


@judge(
    EXERCISE,
    points=0.25,
    title="two lists",
    read=READ,
    why="What is dropped is counted.",
)
def test_returned(student, rng):
    reply = Case([3, 7, 5], 8, 2).run(student)
    require(
        reply["returned"] in ("tuple of 2", "list of 2"),
        tried="three trajectories: what comes back",
        got=reply["returned"],
        expected="tuple of 2",
        hint="return kept, dropped",
    )
    require(
        reply["types"] == ["list", "list"],
        tried="three trajectories: the types of both",
        got=reply["types"],
        expected=["list", "list"],
        hint="Two lists, also where one of them is empty.",
    )


@judge(
    EXERCISE,
    points=0.5,
    title="up to the limit they stay",
    read=READ,
    depends=["returned"],
    why="The lag says how many updates the weights have moved on since. At most max_lag is allowed.",
)
def test_limit(student, rng):
    limit = int(rng.integers(3, 7))
    version = 2 * limit + 3
    lags = np.concatenate([[limit - 1, limit, limit + 1, version], rng.integers(0, version + 1, size=4)])
    versions = version - np.concatenate([[1], rng.permutation(lags), [0]])
    case = Case(versions.tolist(), version, limit)
    case.expect(case.run(student))


@judge(
    EXERCISE,
    points=0.25,
    title="a limit of 0 is a limit",
    read=READ,
    depends=["limit"],
    why="Then only what the newest weights played may be learned from.",
)
def test_zero(student, rng):
    version = int(rng.integers(3, 9))
    case = Case(rng.permutation(np.arange(version - 2, version + 1)).tolist(), version, 0)
    case.expect(
        case.run(student), first=[(np.array(True), "0 is no None, though Python takes both for False.")]
    )


@judge(
    EXERCISE,
    points=0.25,
    title="without a limit all stay",
    read=READ,
    depends=["limit"],
    why="None switches the limit off.",
)
def test_none(student, rng):
    for last in (1000, 1001):  # the limit is what a trajectory from the future would spoil
        case = Case([*rng.integers(0, 1000, size=5).tolist(), last], 1000, None)
        case.expect(case.run(student), "With max_lag None every trajectory is kept, and no lag is asked for.")


@judge(
    EXERCISE,
    points=0.25,
    title="the same objects, in the order given",
    read=READ,
    depends=["limit"],
    why="Trajectories are large, and the order decides the minibatches: the same draw must give the same training.",
)
def test_order(student, rng):
    versions = rng.permutation(np.repeat([2, 9, 5, 10, 4], 2)).tolist()
    order = rng.permutation([*range(10), *rng.integers(0, 10, size=4).tolist()]).tolist()
    case = Case(versions, 10, 4, order)
    case.expect(case.run(student))


@judge(
    EXERCISE,
    points=0.25,
    title="a trajectory from the future is an error",
    read=READ,
    depends=["zero"],
    why="It means that the learner starts to count its versions again, and then every lag is wrong.",
)
def test_future(student, rng):
    cases = (([3, 9, 4], 8), ([9], 8), ([2, 9], 8), ([8, 2, 3, 9], 8), ([8, 9, 2], 8), ([0, 1], 0), ([1], 0))
    for (versions, version), max_lag in itertools.product(cases, (0, 10)):  # some are dropped before, or none
        later = int(rng.integers(50)) if version else 0
        versions, version = [played + later for played in versions], version + later
        case = Case(versions, version, max_lag)
        reply = case.run(student)
        require(
            reply["refused"] is True,
            tried=case.told,
            got="two lists",
            expected="a ValueError",
            hint="lag(trajectory, version) raises it; version - trajectory.version would only be negative.",
        )
        require(
            str(max(versions)) in str(reply["message"]) and str(version) in str(reply["message"]),
            tried=f"{case.told}: the message of the ValueError",
            got=reply["raised"],
            expected="as lag says it, with both versions",
            hint="Let the error of lag pass.",
        )


@judge(
    EXERCISE,
    points=0.25,
    title="no trajectories, version 0, any limit; and nothing else changes",
    read=READ,
    depends=["limit", "none"],
    why="The buffer keeps what it handed out, and hands it out again.",
)
def test_any(student, rng):
    for case in (
        Case([], 7, 2),
        Case([], 0, 0),
        Case([], 3, None),
        Case([0], 0, 0),
        Case([0, 0], 0, 3),
        Case([1, 3, 0], 4, 2),
        Case([4], 9, 1),
        Case([0, 10**6, 5], 10**6, 10**6),
        Case([0, 10**6, 5, 999], 10**6, 10**6 - 6),
    ):
        reply = case.run(student)
        case.expect(reply)
        nothing_else_changed(reply, case.told)
        require(
            reply["own"] is True,
            tried=f"{case.told}: whether a result is a list that was there before",
            got="it is, or one that an earlier call handed out",
            expected="two new lists",
            hint="Make two new lists in every call: the old ones may still be in use.",
        )
