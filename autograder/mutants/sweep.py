"""How often the judges err: every mutant and every right variant, at many seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from autograder.mutants import Mutant, Outcome, run_mutants
from autograder.trusted.calibrate import CONFIDENCE, proportion_bounds
from autograder.trusted.report import JudgeResult


@dataclass
class Record:
    """What the judges made of one mutant, an outcome a seed in the order of the seeds."""

    mutant: Mutant
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def judge(self) -> str:
        """The judge that catches it, "" if none did at any seed."""
        return next((outcome.caught_by for outcome in self.outcomes if outcome.caught_by), "")

    @property
    def broken(self) -> str:
        """How the grader failed, so that nothing is to be read from it; "" where it did not."""
        if any(outcome.report and outcome.report.grader_failed for outcome in self.outcomes):
            return "the grader failed"
        return next((outcome.ending for outcome in self.outcomes if outcome.report is None), "")

    @property
    def passed(self) -> list[int]:
        """The seeds at which no judge caught it."""
        return [o.report.seed for o in self.outcomes if o.report is not None and not o.caught_by]

    @property
    def other_hint(self) -> list[int]:
        """The seeds at which a wrong one was caught, and its student not given its hint."""
        caught = [o for o in self.outcomes if o.report is not None and o.caught_by]
        return [o.report.seed for o in caught if not o.as_it_should_be and not self.mutant.is_right]

    @property
    def as_declared(self) -> bool:
        """A right one passed at every seed; a wrong one not more often than its `may_pass` explains."""
        if self.broken:
            return False
        if self.mutant.is_right:
            return len(self.passed) == len(self.outcomes)
        return proportion_bounds(len(self.passed), len(self.outcomes))[0] <= self.mutant.may_pass

    def failed(self, judge: str = "") -> list[int]:
        """The seeds at which that judge failed it, or any judge."""
        return [
            outcome.report.seed
            for outcome in self.outcomes
            if outcome.report and any(_failed(r) and judge in ("", r.test) for r in outcome.report.results)
        ]


def sweep(mutants: list[Mutant], seeds: Sequence[int]) -> list[Record]:
    """Judges every mutant at every seed, with a progress bar on stderr."""
    from tqdm import tqdm

    records = {mutant: Record(mutant) for mutant in mutants}
    with tqdm(total=len(mutants) * len(seeds), unit="run", smoothing=0.02) as bar:
        for outcome in run_mutants(mutants, seeds):
            records[outcome.mutant].outcomes.append(outcome)
            left = len(seeds) - len(records[outcome.mutant].outcomes)
            bar.update(1 if outcome.report else 1 + left)
    return list(records.values())


def table(records: list[Record], seeds: int) -> str:
    """The rates of every judge, then whatever is not as it should be, then the sum."""
    from autograder.trusted.runner import judges_of

    head = f"{'right':>7}{'failed at':>11}{'<=':>7}{'wrong':>7}{'passed at':>11}{'<=':>7}"
    lines = [f"{'exercise':24}{'judge':20}{head}"]
    for exercise in dict.fromkeys(record.mutant.exercise for record in records):
        here = [record for record in records if record.mutant.exercise == exercise]
        right = [record for record in here if record.mutant.is_right]
        for judge in judges_of(exercise):
            wrong = [record for record in here if not record.mutant.is_right and record.judge == judge]
            failed = len({seed for record in right for seed in record.failed(judge)})
            passed = len({seed for record in wrong for seed in record.passed})
            rates = _rate(len(right), failed, seeds) + _rate(len(wrong), passed, seeds)
            lines.append(f"{exercise:24}{judge:20}{rates}".rstrip())
    for record in records:
        lines += [f"{'~' if record.as_declared else '✗'} {text}" for text in _remarks(record)]
    right = [record for record in records if record.mutant.is_right]
    wrong = [record for record in records if not record.mutant.is_right]
    return "\n".join(
        [
            *lines,
            f"{seeds} seeds; at how many a judge failed a right variant, or passed a mutant that it catches,",
            f"and the upper end of that rate's exact {CONFIDENCE:.0%} interval (Clopper-Pearson)",
            f"{len(wrong)} mutants, {sum(bool(r.passed) for r in wrong)} passed at some seed; "
            f"{len(right)} right variants, {sum(bool(r.failed()) for r in right)} failed at some seed; "
            f"{sum(not r.as_declared for r in records)} not as declared",
        ]
    )


def _failed(result: JudgeResult) -> bool:
    return result.verdict not in ("passed", "skipped")


def _rate(judged: int, seeds_hit: int, seeds: int) -> str:
    if not judged:
        return f"{'-':>7}{'':18}"
    return f"{judged:7}{seeds_hit:11}{proportion_bounds(seeds_hit, seeds)[1]:7.1%}"


def _remarks(record: Record) -> list[str]:
    name, runs = f"{record.mutant.exercise} {record.mutant.name}", len(record.outcomes)

    def at(seeds: list[int]) -> str:
        some = ", ".join(map(str, seeds[:5])) + (", ..." if len(seeds) > 5 else "")
        return f"at {len(seeds)} of {runs} seeds ({some})"

    if record.broken:
        return [f"{name}: {record.broken}, after {runs} of its seeds"]
    if record.mutant.is_right:
        judges = dict.fromkeys(r.test for o in record.outcomes for r in o.report.results if _failed(r))
        return [f"{name}: failed by {judge} {at(record.failed(judge))}" for judge in judges]
    remarks = []
    if record.passed:
        rate = proportion_bounds(len(record.passed), runs)[1]
        remarks.append(
            f"{name}: passed {record.judge or 'every judge'} {at(record.passed)}, "
            f"a rate of at most {rate:.1%}; declared {record.mutant.may_pass:.1%}"
        )
    if record.other_hint:
        remarks.append(f"{name}: caught without its hint {at(record.other_hint)}")
    return remarks
