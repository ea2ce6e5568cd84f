"""Judges of hw5.should_train: both ratios on the lives of many buffers, and that asking changes nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from autograder.student_side.student import Reply, Student
from autograder.trusted.judging import compare, judge, require

EXERCISE = "hw5.should_train"
READ = "realm/homework"
INSERT, TRAIN, CLEAR = 1, 0, -1
REPEAT, GAP = 2, 3  # the last one comes again and is refused; two got lost before the one that comes
MOST = 10  # trainings in a row, of a learner that does what it is told


@dataclass
class View:
    """What a buffer shows when it is asked.

    Attributes:
        held: trajectories in it.
        inserted: so far.
        at: the insert up to which trainings are paid for.
        filling: whether none took place yet, or since it was cleared.
        trained: trainings so far.
        refused, lost: trajectories so far.
        costs: inserts that a training costs.
    """

    life: Life
    held: int = 0
    inserted: int = 0
    at: float = 0.0
    filling: bool = True
    trained: int = 0
    refused: int = 0
    lost: int = 0

    @property
    def costs(self) -> float:
        return self.life.batch / self.life.ratio

    @property
    def since(self) -> float:
        """Inserts that are not paid for."""
        return self.inserted - self.at


@dataclass(frozen=True)
class Life:
    """A buffer, and what happens to it.

    Attributes:
        capacity, batch, preload_ratio, ratio, sampler: its arguments.
        events: INSERT, TRAIN, CLEAR, REPEAT or GAP.
        follow: whether a learner trains wherever the answer is True.
    """

    capacity: int
    batch: int
    preload_ratio: float = 1.0
    ratio: float = 1.0
    sampler: str = "Uniform"
    events: tuple[int, ...] = ()
    follow: bool = False

    @property
    def preload(self) -> int:
        """Trajectories for which the first training waits."""
        return max(int(self.capacity // self.preload_ratio), self.batch)

    @property
    def told(self) -> str:
        """The buffer in words."""
        sampler = ", Fifo" if self.sampler == "Fifo" else ""
        return (
            f"capacity {self.capacity}, train_batch_size {self.batch}, preload_ratio {self.preload_ratio:g}, "
            f"production_consume_ratio {self.ratio:.4g}{sampler}"
        )

    def ask(self, student: Student) -> Reply:
        """The probe's answer."""
        return student.run(
            EXERCISE,
            capacity=self.capacity,
            train_batch_size=self.batch,
            preload_ratio=self.preload_ratio,
            production_consume_ratio=self.ratio,
            sampler=self.sampler,
            events=np.array(self.events, int),
            follow=self.follow,
        )

    def lived(self, rule: Callable[[View], bool]) -> tuple[np.ndarray, np.ndarray]:
        """A rule's answers after each event, and how many trainings follow it."""
        view, answers, trainings = View(self), [], []
        for event in self.events:
            view.refused, view.lost = view.refused + (event == REPEAT), view.lost + 2 * (event == GAP)
            if event in (INSERT, GAP):
                view.held, view.inserted = min(view.held + 1, self.capacity), view.inserted + 1
            elif event == TRAIN and view.held >= self.batch:
                self._train(view)
            elif event == CLEAR:
                view.held, view.filling, view.at = 0, True, float(view.inserted)
            answers.append(bool(rule(view)))
            times = 0
            while self.follow and view.held >= self.batch and times < MOST and rule(view):
                self._train(view)
                times += 1
            trainings.append(times)
        return np.array(answers), np.array(trainings)

    def _train(self, view: View) -> None:
        if view.filling:
            view.filling, view.at = False, float(view.inserted)
        else:
            view.at = max(view.at + view.costs, view.inserted - max(view.costs, 1.0))
        view.trained += 1
        view.held -= self.batch if self.sampler == "Fifo" else 0


def due(view: View) -> bool:
    """The right rule."""
    if view.held < view.life.batch:
        return False
    if view.filling:
        return view.held >= view.life.preload
    return view.life.sampler == "Fifo" or view.since >= view.costs - 1e-9


def rule(first=None, later=None, fifo=None, few=False) -> Callable[[View], bool]:
    """The right rule with a part replaced; few: also with too few trajectories."""

    def changed(view: View) -> bool:
        if view.held < view.life.batch and not few:
            return False
        if view.filling:
            return (first or (lambda v: v.held >= v.life.preload))(view)
        if view.life.sampler == "Fifo":
            return (fifo or (lambda v: True))(view)
        return (later or (lambda v: v.since >= v.costs - 1e-9))(view)

    return changed


BY_RATIO = "A training costs train_batch_size / production_consume_ratio inserts: "
SINCE = "After the first training one is always due: only the inserts since inserted_at_training pay."
FILL_UP = "After clear the buffer fills up again: look at filling, not at whether there was ever a training."
Rules = list[tuple[Callable[[View], bool], str]]
TURNED: Rules = [(lambda v: not due(v), "The answer is turned round.")]
AT_FIRST: Rules = [
    *TURNED,
    (rule(first=lambda v: True), "The first training does not wait: while filling, preload are needed."),
    (
        rule(first=lambda v: v.held >= v.life.capacity),
        "The first training waits for a full buffer: preload are enough.",
    ),
    (
        rule(first=lambda v: v.held > v.life.preload),
        "The first training comes one trajectory late: preload are enough.",
    ),
    (
        rule(few=True, first=lambda v: True),
        "There are fewer trajectories than a training takes: none is due.",
    ),
]
AFTERWARDS: Rules = [
    *TURNED,
    (rule(later=lambda v: True), SINCE),
    (rule(later=lambda v: v.inserted >= v.costs - 1e-9), SINCE),
    (rule(later=lambda v: v.since >= v.life.batch), f"{BY_RATIO}the ratio is missing."),
    (rule(later=lambda v: v.since >= v.life.batch * v.life.ratio), f"{BY_RATIO}divide by the ratio."),
    (rule(later=lambda v: v.since >= 1), f"{BY_RATIO}one insert is not always enough."),
    (rule(later=lambda v: v.since >= v.life.ratio), f"{BY_RATIO}the ratio alone says nothing."),
    (
        rule(later=lambda v: v.since > v.costs + 1e-9),
        "A training is due as soon as the inserts suffice, not one later.",
    ),
    (
        rule(later=lambda v: v.held - v.at >= v.costs),
        "len(self) no longer grows once the buffer is full: count inserts.",
    ),
    (rule(later=lambda v: v.held >= v.life.preload), SINCE),
    (rule(later=lambda v: v.since + v.refused >= v.costs), "What came twice was refused: it is no insert."),
    (rule(later=lambda v: v.since + v.lost >= v.costs), "What a worker lost never came: it is no insert."),
    (rule(later=lambda v: False), "After the first training none is ever due."),
]
EXACTLY = rule(later=lambda v: v.since >= v.costs)
OF_FRACTIONS: Rules = [
    (
        rule(later=lambda v: v.since >= max(1.0, v.costs - 1e-9)),
        "A training may cost less than an insert: then several are due after each.",
    ),
    (
        rule(later=lambda v: v.since >= v.costs - 1e-4),
        "The tolerance is for rounding errors: 1e-9 of an insert, not more.",
    ),
    (
        rule(later=lambda v: v.since >= math.ceil(v.costs - 1e-9)),
        f"{BY_RATIO}fractions too; do not round up.",
    ),
    (rule(later=lambda v: v.since >= int(v.costs)), f"{BY_RATIO}fractions too; do not cut them off."),
    (rule(later=lambda v: v.since >= round(v.costs)), f"{BY_RATIO}fractions too; do not round."),
    (EXACTLY, "Sums of fractions carry rounding errors: allow for 1e-9 of an insert."),
]
OF_FIFO: Rules = [
    (
        rule(fifo=lambda v: v.since >= v.costs - 1e-9),
        "Fifo hands out each trajectory once: what is there may be trained on, whenever it came.",
    ),
    (rule(few=True), "There are fewer trajectories than a training takes: none is due."),
]
AFTER_CLEAR: Rules = [
    (lambda v: due(v) if v.trained == 0 or not v.filling else v.held >= v.life.batch, FILL_UP),
    (
        lambda v: (
            due(v) if not v.trained or not v.filling else v.held >= v.life.batch and v.since >= v.costs - 1e-9
        ),
        FILL_UP,
    ),
    (
        rule(first=lambda v: v.inserted >= v.life.preload),
        "While filling len(self) counts, not what was ever inserted.",
    ),
]


def expect(student: Student, life: Life, what: str, hint: str, wrong: Rules) -> None:
    """Compares the answers with the right ones, and the trainings of a learner that follows them."""
    reply = life.ask(student)
    compare(
        reply["answers"],
        life.lived(due)[0],
        tried=f"{life.told}; {what}: the answer after each event",
        hints=[(life.lived(mistake)[0], text) for mistake, text in wrong],
        hint=hint,
    )
    if life.follow:
        compare(
            reply["trainings"],
            life.lived(due)[1],
            tried=f"{life.told}; {what}: trainings after each event",
            hints=[(life.lived(mistake)[1], text) for mistake, text in wrong],
            hint=hint,
        )


LIVES = [
    Life(1, 1, 1.0, 1.0, events=(INSERT, TRAIN, INSERT, INSERT, TRAIN, INSERT)),
    Life(1, 1, 5.0, 7.0, events=(INSERT,) * 5, follow=True),
    Life(7, 7, 3.5, 0.25, events=(INSERT,) * 80, follow=True),
    Life(5, 1, 2.5, 0.1, events=(INSERT,) * 60, follow=True),
    Life(40, 3, 40.0, 20.0, "Uniform", (INSERT,) * 20, follow=True),
    Life(6, 4, 1.0, 1.0, "Fifo", (INSERT,) * 30, follow=True),
]
FEW, FIRST, LATER = (
    "False with fewer than train_batch_size trajectories.",
    "While filling: True once len(self) is preload.",
    "Later: True once counts['inserted'] - inserted_at_training is what a training costs.",
)


@judge(
    EXERCISE,
    points=0.25,
    title="True or False",
    read=READ,
    why="The learner asks a question.",
)
def test_type(student, rng):
    life = Life(6, 2, 2.0, 1.5, events=(INSERT,) * 4 + (TRAIN,) + (INSERT,) * 3)
    reply = life.ask(student)
    require(
        reply["types"] == ["bool"],
        tried="eight events, two answers after each: their types",
        got=reply["types"],
        expected=["bool"],
        hint="return True, return False, or a comparison.",
    )


@judge(
    EXERCISE,
    points=0.5,
    title="asking changes nothing",
    read=READ,
    depends=["type"],
    why="The learner asks many times a second. If a question counted as a training, inserts would be lost.",
)
def test_polling(student, rng):
    for life in LIVES:
        reply = life.ask(student)
        require(
            reply["changed"] == [],
            tried=f"{life.told}: what changed when it was asked",
            got=", ".join(map(str, reply["changed"])) if isinstance(reply["changed"], list) else "?",
            expected="nothing",
            hint="sample moves the counters, when a training really takes place. should_train only looks.",
        )
        compare(
            reply["again"],
            reply["answers"] if isinstance(reply["answers"], np.ndarray) else np.nan,
            tried=f"{life.told}: the answers, asked a second time",
            hint="The second answer differs from the first, though nothing happened in between.",
        )


@judge(
    EXERCISE,
    points=0.75,
    title="the first training waits for preload trajectories",
    read=READ,
    depends=["polling"],
    why="A draw from a nearly empty buffer holds the same games again and again.",
)
def test_first(student, rng):
    batch, more = int(rng.integers(3, 6)), int(rng.integers(3, 6))
    capacity = 2 * (batch + more)
    for life in (
        Life(capacity, batch, 2.0, 1.0),
        Life(capacity, batch, 1.0, 2.0),
        Life(capacity, batch, 8.0, float(rng.integers(2, 5))),
        Life(capacity + 1, batch, 2.0, 0.5),
    ):
        life = Life(**{**vars(life), "events": (INSERT,) * (capacity + 3)})
        expect(student, life, f"{capacity + 3} inserts, no training", f"{FEW} {FIRST}", AT_FIRST)


@judge(
    EXERCISE,
    points=1.0,
    title="then as many inserts as a training costs",
    read=READ,
    depends=["first"],
    why="So each trajectory is sampled production_consume_ratio times in the long run.",
)
def test_ratio(student, rng):
    batch = 4 * int(rng.integers(3, 5))
    capacity, preload_ratio = 3 * batch, 2.0
    first = capacity // 2
    for ratio, fill in ((2.0, first), (0.5, first), (1.0, first), (2.0, 3 * capacity), (float(batch), first)):
        events = (INSERT,) * fill + (TRAIN,) + (INSERT,) * (2 * batch + 3)
        life = Life(capacity, batch, preload_ratio, ratio, events=events)
        expect(student, life, f"{fill} inserts, a training, {2 * batch + 3} inserts", LATER, AFTERWARDS)
    for event, what in ((REPEAT, "some come twice"), (GAP, "some get lost before others")):
        events = (INSERT,) * first + (TRAIN,) + (INSERT, event) * (batch + 2)
        life = Life(capacity, batch, preload_ratio, 1.0, events=events)
        expect(student, life, f"{first} inserts, a training, more inserts; {what}", LATER, AFTERWARDS)
    life = Life(capacity, batch, 2.0, 2.0, events=(INSERT,) * (4 * capacity), follow=True)
    told = f"{4 * capacity} inserts, and trained whenever it says so"
    expect(student, life, told, LATER, AFTERWARDS)


@judge(
    EXERCISE,
    points=0.5,
    title="a training may cost a fraction of inserts",
    read=READ,
    depends=["ratio"],
    why="Rounded costs add up: after thousands of trainings the samples per insert are not what was asked.",
)
def test_fractions(student, rng):
    for batch, ratio in (
        (5, 2.0),
        (4, 3.0),
        (2, 4.5),
        (int(rng.integers(3, 8)), float(rng.uniform(0.3, 4.0))),
    ):
        life = Life(2 * batch, batch, 2.0, ratio, events=(INSERT,) * 60, follow=True)
        expect(student, life, "60 inserts, and trained whenever it says so", LATER, OF_FRACTIONS)
    whole = int(rng.integers(2, 6))
    for hair in (1e-5, 1e-7):
        life = Life(9, 3, 3.0, 3 / (whole + hair), events=(INSERT,) * 3 + (TRAIN,) + (INSERT,) * (whole + 3))
        expect(student, life, f"a training costs {hair:g} more than {whole} inserts", LATER, OF_FRACTIONS)
    told = "150 inserts, and trained whenever it says so"
    rounding = [
        life
        for batch in range(1, 12)
        for ratio in (3.0, 0.7, 1.1, 6.0, 0.3, 7.0)
        for life in [Life(2 * batch, batch, 2.0, ratio, events=(INSERT,) * 150, follow=True)]
        if not np.array_equal(life.lived(EXACTLY)[0], life.lived(due)[0])
    ]
    for i in rng.permutation(len(rounding))[:3]:
        expect(student, rounding[i], told, LATER, OF_FRACTIONS)


@judge(
    EXERCISE,
    points=0.25,
    title="a late learner finds its trainings due",
    read=READ,
    depends=["fractions"],
    why="What came while the learner was busy counts as well, up to the next training.",
)
def test_late(student, rng):
    batch = int(rng.integers(3, 7))
    events = (INSERT,) * batch + (TRAIN,) + (INSERT,) * (2 * batch + 1) + (TRAIN,) * 4
    for ratio in (1.0, 2.0, 0.75):
        expect(
            student,
            Life(4 * batch, batch, 4.0, ratio, events=events),
            "a learner that comes late",
            LATER,
            AFTERWARDS,
        )


@judge(
    EXERCISE,
    points=0.25,
    title="Fifo: what is there, once the batch is full",
    read=READ,
    depends=["ratio"],
    why="It hands out each trajectory once, so nothing is sampled too often. What is left may be too few.",
)
def test_fifo(student, rng):
    batch = int(rng.integers(2, 5))
    events = (INSERT,) * (3 * batch + 1) + (TRAIN,) * 3 + (INSERT,) * (batch + 1) + (TRAIN,) * 2
    life = Life(4 * batch, batch, 2.0, 1.0, "Fifo", events)
    hint = f"{FEW} {FIRST} Later, with Fifo: True."
    expect(student, life, "trainings that empty it", hint, OF_FIFO)
    life = Life(3 * batch, batch, 1.0, 1.0, "Fifo", (INSERT,) * 40, follow=True)
    expect(student, life, "40 inserts, and trained whenever it says so", hint, OF_FIFO)


@judge(
    EXERCISE,
    points=0.25,
    title="after clear it fills up again",
    read=READ,
    depends=["fractions", "fifo"],
    why="A checkpoint empties the buffer. Then the draws would again be from too few.",
)
def test_clear(student, rng):
    batch = int(rng.integers(2, 5))
    capacity = 3 * batch
    events = (INSERT,) * capacity + (TRAIN,) + (INSERT,) * 2 + (CLEAR,) + (INSERT,) * (capacity + 1)
    for sampler, ratio in (("Uniform", 4.0), ("Uniform", 0.5), ("Fifo", 1.0)):
        life = Life(capacity, batch, 1.0, ratio, sampler, events + (TRAIN,) + (INSERT,) * (2 * batch))
        expect(
            student,
            life,
            "cleared in its middle",
            f"{FIRST} After clear, filling is True again.",
            AFTER_CLEAR,
        )


@judge(
    EXERCISE,
    points=0.25,
    title="any capacity, any ratios",
    read=READ,
    depends=["late", "clear"],
    why="A buffer for one trajectory, or trainings far apart, must work as well.",
)
def test_any(student, rng):
    for life in LIVES:
        expect(
            student, life, "all its events", f"{FEW} {FIRST} {LATER}", [*AT_FIRST, *AFTERWARDS, *OF_FRACTIONS]
        )
