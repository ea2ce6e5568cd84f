"""What a homework's convergence judge makes of right and wrong code: `python -m autograder calibrate hw3`.

The reference, and each mutant that the exercise's entry in thresholds.yaml names, are trained and evaluated
as in a graded run, over many seeds. The threshold is chosen on one part of the runs, *fit*, unless the entry says
that it is `fixed`; how often it errs is counted on the others, *held_out*. Every run is kept in build/calibration as soon as it has ended, so a
calibration can be killed and resumed. `calibrate hw3` means hw3.convergence; another training has a name of its own,
such as hw3.convergence_pictures.

What is particular to a homework stands in its judge's module: `measure(student, rule, seed)`, the statistic
of one run.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import importlib
import io
import json
import math
import multiprocessing
import multiprocessing.connection
import re
import runpy
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import yaml
from scipy.stats import binom, binomtest
from tqdm import tqdm

from autograder.trusted.judges.convergence import THRESHOLDS, run_until_decided

COURSE = Path(__file__).parents[2]
REFERENCE = "reference"
FIT, HELD_OUT = "fit", "held_out"
CONFIDENCE = 0.95
CAUGHT = 0.05  # a mutant counts as caught when it passes the whole rule less often than this


# --- statistics -----------------------------------------------------------------------------------


def proportion_bounds(successes: int, runs: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The exact interval of Clopper and Pearson (1934) for a probability.

    >>> [round(bound, 4) for bound in proportion_bounds(10, 10)]
    [0.6915, 1.0]

    Args:
        successes, runs: how many of how many, at least one run.
    """
    low, high = binomtest(successes, runs).proportion_ci(confidence, method="exact")
    return float(low), float(high)


def at_least(needed: int, runs: int, p: float) -> float:
    """The probability of `needed` or more successes in independent runs that succeed with probability p."""
    return float(binom.sf(needed - 1, runs, p))


def choose_threshold(reference: list[float], mutants: list[list[float]]) -> float:
    """A bar between the 99% quantile of mutants clearly below the reference and the reference's 1% quantile.

    It stands three quarters of the way up, because the gap is not empty: half-learned policies end there, and
    weights from elsewhere that fit a disguise by chance.

    Clearly below is a mutant whose 99% quantile lies further under the reference's 1% quantile than this lies
    under its median, because tails reach further than the runs of a calibration. Any other mutant learns too
    well to be told apart by a bar, and sets none.

    Raises:
        ValueError: no mutant is clearly below.
    """
    low = float(np.quantile(reference, 0.01, method="lower"))
    limit = 2.0 * low - float(np.median(reference))
    highest = [float(np.quantile(values, 0.99, method="higher")) for values in mutants]
    below = [high for high in highest if high < limit]
    if not below:
        raise ValueError(
            f"no mutant's runs stay below {limit:.0f}, clearly under the reference's 1% quantile {low:.0f}: "
            "change the training until right code learns more surely"
        )
    return float(math.floor(0.25 * max(below) + 0.75 * low))


# --- runs -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Job:
    """One run: of `reference` or of a mutant such as "update/target_aliased", in a part, by number."""

    variant: str
    part: str
    number: int

    def seed(self, exercise: str) -> int:
        """The run's own seed."""
        return zlib.crc32(f"{exercise}:{self.variant}:{self.part}:{self.number}".encode())


def plan(rule: dict, seeds: int, held_out: int, mutant_seeds: int) -> list[Job]:
    """All runs of a calibration, mixed so that the ETA is honest; of a mutant's runs a quarter are to fit."""
    counts = {(REFERENCE, FIT): seeds, (REFERENCE, HELD_OUT): held_out}
    for mutant in rule["mutants"]:
        counts |= {(mutant, FIT): mutant_seeds // 4, (mutant, HELD_OUT): mutant_seeds - mutant_seeds // 4}
    jobs = [(n / count, Job(*key, n)) for key, count in counts.items() for n in range(count)]
    return [job for _, job in sorted(jobs, key=lambda pair: pair[0])]


def fingerprint(rule: dict) -> str:
    """Tells runs under other settings apart, not those of other code: after changing that, delete the log."""
    decides = ("threshold", "fixed", "seeds", "needed", "mutants", "calibration")  # what is made of the runs
    settings = {key: value for key, value in rule.items() if key not in decides}
    return f"{zlib.crc32(json.dumps(settings, sort_keys=True).encode()):08x}"


def recorded(log: Path, rule: dict) -> dict[Job, dict]:
    """The runs of this rule that a log holds; a last line that was cut off is left out."""
    found = {}
    for line in log.read_text(encoding="utf-8").splitlines() if log.is_file() else []:
        with contextlib.suppress(json.JSONDecodeError):
            record = json.loads(line)
            if record["rule"] == fingerprint(rule):
                found[Job(record["variant"], record["part"], record["number"])] = record
    return found


def run_jobs(exercise: str, rule: dict, jobs: list[Job], log: Path, workers: int) -> dict[Job, dict]:
    """Runs what the log does not hold yet, each in a process of its own, and appends it there.

    Returns:
        The records of all jobs.
    """
    records = recorded(log, rule)
    waiting = [job for job in jobs if job not in records]
    log.parent.mkdir(parents=True, exist_ok=True)
    bar = tqdm(total=len(jobs), initial=len(jobs) - len(waiting), unit="run", smoothing=0.05)
    with open(log, "a", encoding="utf-8") as file, bar:
        file.write("\n" if log.stat().st_size else "")  # ends a line that was cut off
        for record in _fork_runs(exercise, rule, waiting, workers):
            file.write(json.dumps(record) + "\n")
            file.flush()
            records[Job(record["variant"], record["part"], record["number"])] = record
            bar.set_postfix_str(f"{record['variant']} {record['value']:.3g}", refresh=False)
            bar.update()
    return {job: records[job] for job in jobs}


def _fork_runs(exercise: str, rule: dict, jobs: list[Job], workers: int) -> Iterator[dict]:
    """Runs each job in a forked child, which starts with everything imported; the records as they come.

    The parent has no thread beside its main one, so that no child inherits a lock that nobody will release.
    """
    import torch

    import solutions

    torch.set_num_threads(1)
    tqdm.monitor_interval = 0
    solutions.load()
    homework = exercise.partition(".")[0]
    _judge_of(exercise)
    importlib.import_module(f"autograder.student_side.probes.{homework}")
    if "scenario_name" in rule.get("training", {}):
        from gcb6206.envs.vmas import scenario_names

        scenario_names()  # imports VMAS, which takes as long as a run
    fork = multiprocessing.get_context("fork")
    waiting, running = list(jobs), {}
    while waiting or running:
        while waiting and len(running) < workers:
            job = waiting.pop(0)
            receiver, sender = fork.Pipe(duplex=False)
            child = fork.Process(target=_run, args=(exercise, rule, job, sender), daemon=True)
            child.start()
            sender.close()
            running[receiver] = (job, child)
        for receiver in multiprocessing.connection.wait(list(running)):
            job, child = running.pop(receiver)
            try:
                yield json.loads(receiver.recv_bytes())
            except EOFError:
                raise RuntimeError(f"{job} ended without a result") from None
            child.join()
            receiver.close()


def _judge_of(exercise: str) -> ModuleType:
    """The module of its judge."""
    homework, _, short = exercise.partition(".")
    return importlib.import_module(f"autograder.trusted.judges.{homework}.test_{short}")


def _run(exercise: str, rule: dict, job: Job, sender: multiprocessing.connection.Connection) -> None:
    """One run as it is graded, but for the sandbox. A run that ends with an error reaches no threshold."""
    from autograder.mutants import FOLDER
    from autograder.student_side.student import LocalStudent, StudentFailure
    from autograder.trusted.judging import JudgeFailure

    homework = exercise.partition(".")[0]
    measure = _judge_of(exercise).measure
    value, failure = -math.inf, ""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        if job.variant != REFERENCE:
            runpy.run_path(str(FOLDER / homework / f"{job.variant}.py"))
        start = time.process_time()
        try:
            value = measure(LocalStudent(), rule, job.seed(exercise))
        except (JudgeFailure, StudentFailure) as error:
            failure = str(error)[:500]
        seconds = time.process_time() - start
    if failure and job.variant == REFERENCE:
        raise RuntimeError(f"the reference failed at {job}: {failure}")
    record = {"rule": fingerprint(rule), **dataclasses.asdict(job)}
    record |= {"value": value, "cpu_seconds": round(seconds, 2), "failure": failure}
    sender.send_bytes(json.dumps(record).encode())


# --- what the runs say ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """What the held-out runs say about one variant.

    Attributes:
        runs, reached: held-out runs, and how many of them reached the threshold.
        rate: of these, with its exact 95% interval.
        passes: how probably the whole rule passes this variant, at the rate and at its interval's ends.
        unit_judge: the judge that finds this mistake in the function itself; "" for the reference.
    """

    variant: str
    quantiles: tuple[float, float, float]
    runs: int
    reached: int
    rate: tuple[float, float, float]
    passes: tuple[float, float, float]
    unit_judge: str

    @property
    def verdict(self) -> str:
        """Who tells this variant from a right one."""
        if self.variant == REFERENCE:
            return "right"
        if self.passes[0] < CAUGHT:
            return "caught by convergence"
        return f"caught by unit judge {self.unit_judge} only"


def summary(rule: dict) -> list[Row]:
    """One row a variant, the reference first, from the values that thresholds.yaml holds."""
    rows = []
    for variant, runs in rule["calibration"]["runs"].items():
        values, held_out = [*runs[FIT], *runs[HELD_OUT]], runs[HELD_OUT]
        reached = sum(value >= rule["threshold"] for value in held_out)
        rates = (reached / len(held_out), *proportion_bounds(reached, len(held_out)))
        rows.append(
            Row(
                variant=variant,
                quantiles=tuple(np.quantile(values, (0.01, 0.5, 0.99), method="nearest").tolist()),
                runs=len(held_out),
                reached=reached,
                rate=rates,
                passes=tuple(at_least(rule["needed"], rule["seeds"], p) for p in rates),
                unit_judge=runs.get("unit_judge", ""),
            )
        )
    return rows


def bounds(rows: list[Row]) -> dict[str, float]:
    """The most that the rule errs, by the intervals: on the reference, and on mutants that it catches."""
    caught = [row.passes[2] for row in rows if row.variant != REFERENCE and row.passes[0] < CAUGHT]
    return {"false_fail_at_most": 1.0 - rows[0].passes[1], "false_pass_at_most": max(caught, default=0.0)}


def submission_seconds(rule: dict, records: list[dict]) -> list[float]:
    """CPU seconds of whole submissions: of records taken `seeds` at a time, those until it is decided."""
    totals = []
    for first in range(0, len(records) - rule["seeds"] + 1, rule["seeds"]):
        group = records[first : first + rule["seeds"]]
        values = iter(record["value"] for record in group)
        used, _ = run_until_decided(lambda values=values: next(values), rule)
        totals.append(sum(record["cpu_seconds"] for record in group[: len(used)]))
    return totals


def table(rule: dict) -> str:
    """The calibration as text."""
    name = f"{rule['needed']} of {rule['seeds']}"
    lines = [
        f"threshold {rule['threshold']:g}, {name} runs; rates of held-out runs with exact 95% intervals",
        f"{'variant':40}{'1%':>6}{'50%':>6}{'99%':>6}{'runs':>6}  "
        f"{'one run passes':24}{name + ' passes':26}verdict",
    ]
    for row in summary(rule):
        rate, passes = (f"{p:.1%} [{low:.1%}, {high:.1%}]" for p, low, high in (row.rate, row.passes))
        quantiles = "".join(f"{value:6.3g}" for value in row.quantiles)
        lines.append(f"{row.variant:40}{quantiles}{row.runs:6}  {rate:24}{passes:26}{row.verdict}")
    return "\n".join(lines)


# --- the whole ------------------------------------------------------------------------------------


def unit_judges(homework: str, variants: list[str]) -> dict[str, str]:
    """Which judge of its own exercise catches each mutant; "none" if none does, or only the one calibrated."""
    from autograder import PUBLISHED_SEED
    from autograder.mutants import mutants_of, run_mutants

    known = mutants_of(homework)
    if any(variant.startswith("convergence/") for variant in variants):
        known += mutants_of(f"{homework}.convergence")
    named = {f"{m.exercise.partition('.')[2]}/{m.name}": m for m in known}
    unknown = sorted(set(variants) - set(named))
    if unknown:
        raise ValueError(f"thresholds.yaml: no mutant {unknown[0]!r} of {homework} in autograder/mutants")
    wanted = {named[variant].path: variant for variant in variants if not variant.startswith("convergence/")}
    outcomes = run_mutants([named[variant] for variant in wanted.values()], [PUBLISHED_SEED])
    caught_by = {wanted[outcome.mutant.path]: outcome.caught_by or "none" for outcome in outcomes}
    return {variant: caught_by.get(variant, "none") for variant in variants}


def write_rule(exercise: str, rule: dict, path: Path = THRESHOLDS) -> None:
    """Writes an exercise's threshold and calibration into thresholds.yaml, and leaves its other lines alone.

    Raises:
        ValueError: the file has no line `threshold:` for this exercise.
    """
    text = path.read_text(encoding="utf-8")
    entry = re.search(rf"^{re.escape(exercise)}:\n(?:(?: .*)?\n)*", text, re.MULTILINE)
    old = entry.group() if entry else ""
    new, found = re.subn(r"^  threshold: .*$", f"  threshold: {rule['threshold']:g}", old, flags=re.MULTILINE)
    if found != 1:
        raise ValueError(f"{path}: expected one line 'threshold:' under {exercise}, found {found}")
    kept = re.sub(r"^  calibration:.*\n(?:    .*\n)*", "", new, flags=re.MULTILINE).rstrip("\n")
    block = yaml.safe_dump(
        {"calibration": rule["calibration"]}, sort_keys=False, default_flow_style=None, width=105
    )
    block = "".join(f"  {line}\n" for line in block.splitlines())
    end = "\n" if text[entry.end() :] else ""
    path.write_text(f"{text[: entry.start()]}{kept}\n{block}{end}{text[entry.end() :]}", encoding="utf-8")


def calibrate(name: str, seeds: int, held_out: int, mutant_seeds: int, workers: int, resume: bool) -> str:
    """Measures, chooses the threshold and writes it with its calibration into thresholds.yaml.

    Args:
        name: of a homework such as "hw3", or of an exercise that trains.
        seeds, held_out: runs of the reference for choosing the threshold, and for measuring what it does.
        mutant_seeds: runs of each mutant, a quarter of them for choosing.
        workers: runs at a time.
        resume: go on with the runs of a calibration that was stopped.

    Returns:
        What was found, as text.

    Raises:
        ValueError: no such homework, too few runs, runs from before without `resume`, or no threshold fits.
    """
    from gcb6206.scripts.record import hardware

    exercise = name if "." in name else f"{name}.convergence"
    homework = exercise.partition(".")[0]
    known = yaml.safe_load(THRESHOLDS.read_text(encoding="utf-8"))
    if exercise not in known or ".convergence" not in exercise:
        raise ValueError(f"{name!r} has no convergence rule: thresholds.yaml knows {', '.join(known)}")
    rule = known[exercise]
    if min(seeds, held_out) < rule["seeds"] or mutant_seeds < 4 or workers < 1:
        raise ValueError(
            f"--seeds {seeds}, --held-out {held_out}, --mutant-seeds {mutant_seeds}, --workers {workers}: "
            f"expected at least {rule['seeds']}, {rule['seeds']}, 4 and 1"
        )
    log = COURSE / "build" / "calibration" / f"{name}.jsonl"
    if log.exists() and not resume:
        raise ValueError(f"{log} holds runs from before: go on with --resume, or delete the file")
    judges = unit_judges(homework, rule["mutants"])
    records = run_jobs(exercise, rule, plan(rule, seeds, held_out, mutant_seeds), log, workers)

    def of(variant: str, part: str) -> list[dict]:
        runs = [record for job, record in records.items() if (job.variant, job.part) == (variant, part)]
        return sorted(runs, key=lambda record: record["number"])

    runs: dict[str, dict] = {}
    for variant in (REFERENCE, *rule["mutants"]):
        runs[variant] = {} if variant == REFERENCE else {"unit_judge": judges[variant]}
        runs[variant] |= {part: [round(r["value"], 2) for r in of(variant, part)] for part in (FIT, HELD_OUT)}
    if not rule.get("fixed"):
        rule["threshold"] = choose_threshold(
            runs[REFERENCE][FIT], [runs[variant][FIT] for variant in rule["mutants"]]
        )
    rule["calibration"] = {"runs": runs}
    seconds = [r["cpu_seconds"] for part in (FIT, HELD_OUT) for r in of(REFERENCE, part)]
    submissions = submission_seconds(rule, of(REFERENCE, HELD_OUT))
    rule["calibration"] = {
        "command": f"python -m autograder calibrate {name} --seeds {seeds} --held-out {held_out} "
        f"--mutant-seeds {mutant_seeds}",
        "date": datetime.date.today().isoformat(),
        "hardware": hardware(),
        "cpu_seconds_of_a_run": {
            "median": round(float(np.median(seconds)), 1),
            "max": round(max(seconds), 1),
        },
        "cpu_seconds_of_a_submission": {
            "mean": round(float(np.mean(submissions)), 1),
            "max": round(max(submissions), 1),
        },
        **{name: round(value, 4) for name, value in bounds(summary(rule)).items()},
        "runs": runs,
    }
    write_rule(exercise, rule)
    return report(rule)


def report(rule: dict) -> str:
    """The table, and what the whole rule errs and costs; beside it, what one run or 3 of 5 would err."""
    found = rule["calibration"]
    lines = [table(rule), ""]
    for needed, seeds in ((1, 1), (2, 3), (3, 5)):
        err = bounds(summary({**rule, "needed": needed, "seeds": seeds}))
        lines.append(
            f"{needed} of {seeds}: fails a right submission in at most {err['false_fail_at_most']:.2%}, "
            f"passes a mutant that convergence catches in at most {err['false_pass_at_most']:.2%}"
        )
    run, whole = found["cpu_seconds_of_a_run"], found["cpu_seconds_of_a_submission"]
    lines.append(
        f"CPU seconds of the reference: a run {run['median']:g} (max {run['max']:g}), "
        f"a submission {whole['mean']:g} on average (max {whole['max']:g}); {found['hardware']}"
    )
    return "\n".join(lines)
