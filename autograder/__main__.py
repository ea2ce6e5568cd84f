"""The grader's command line: `python -m autograder judge ...` and `python -m autograder mutants ...`."""

from __future__ import annotations

import argparse
import sys
import textwrap
from pathlib import Path

from autograder import PUBLISHED_SEED

FULL_MARKS, LOST_POINTS, BAD_REQUEST, GRADER_FAILED = 0, 1, 2, 3

DESCRIPTION = "Judge solutions of the course's exercises."
EXAMPLES = """\
examples:
  python -m autograder judge hw3.update_critic --solution my_solution.py
  python -m autograder judge hw3 --solution my_solution.py --seed 7 --json
  python -m autograder mutants hw3

A solution file is Python that fills exercises:

  from gcb6206.exercises import solves

  @solves("hw3.get_action")
  def get_action(self, observation, epsilon=0.02):
      ...

exit status: 0 full marks (mutants: all as they should be), 1 points lost (mutants: some are not),
             2 the request is wrong, 3 the grader itself failed
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    main_parser = argparse.ArgumentParser(
        prog="python -m autograder",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = main_parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    judge = commands.add_parser(
        "judge",
        help="judge a solution file in the sandbox",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Run a solution file in the sandbox and judge what it fills.",
    )
    judge.add_argument("exercise", help="exercise id such as hw3.update_critic, or a homework such as hw3")
    judge.add_argument("--solution", required=True, metavar="FILE", help="Python file with @solves functions")
    judge.add_argument(
        "--seed",
        type=int,
        default=PUBLISHED_SEED,
        metavar="N",
        help=f"decides the inputs (default {PUBLISHED_SEED}, the seed of check())",
    )
    judge.add_argument("--json", action="store_true", help="print the whole report as JSON")
    judge.add_argument(
        "--unsafe-no-sandbox",
        action="store_true",
        help="run the file without protection; only for code that you wrote yourself",
    )

    mutants = commands.add_parser(
        "mutants",
        help="show that the judges catch every known mistake",
        description="Judge known-wrong and known-right solutions and print what became of them.",
    )
    mutants.add_argument("name", nargs="?", default="", help="a homework or an exercise (default: all)")
    mutants.add_argument("--seed", type=int, default=PUBLISHED_SEED, metavar="N", help="decides the inputs")
    return main_parser


def judge_file(args: argparse.Namespace) -> int:
    """Judges one solution file."""
    from autograder.runner import exercises_of, run_judges
    from autograder.sandbox import kernel_student

    if args.seed < 0:
        raise ValueError(f"--seed is {args.seed}; expected 0 or a positive whole number")
    exercises = exercises_of(args.exercise)
    path = Path(args.solution)
    if not path.is_file():
        raise ValueError(f"there is no solution file {args.solution!r}")
    source = path.read_text(encoding="utf-8")
    compile(source, str(path), "exec")  # a syntax error is told before a kernel is started
    with kernel_student(source, unsafe=args.unsafe_no_sandbox) as student:
        report = run_judges(exercises, student, args.seed)
    print(report.to_json() if args.json else report.to_text())
    if report.grader_failed:
        return GRADER_FAILED
    return FULL_MARKS if report.score == report.max_score else LOST_POINTS


def judge_mutants(args: argparse.Namespace) -> int:
    """Judges the mutants and prints a table of exercise, mutant, judge that caught it, hint."""
    from autograder.mutants import mutants_of, run_mutants

    mutants = mutants_of(args.name)
    outcomes = sorted(run_mutants(mutants, args.seed), key=lambda outcome: mutants.index(outcome.mutant))
    print(f"{'':2}{'exercise':24}{'mutant':36}{'caught by':22}hint")
    for outcome in outcomes:
        found = outcome.caught_by or ("full marks" if outcome.mutant.is_right else "SURVIVED")
        hint = textwrap.shorten(outcome.hint, 90, placeholder=" ...")
        mark = "✓" if outcome.as_it_should_be else "✗"
        print(f"{mark:2}{outcome.mutant.exercise:24}{outcome.mutant.name:36}{found:22}{hint}")
    wrong = [o.mutant for o in outcomes if not o.as_it_should_be]
    right = sum(m.is_right for m in mutants)
    print(
        f"{len(mutants) - right} mutants, {sum(not m.is_right for m in wrong)} not caught as they should be; "
        f"{right} right variants, {sum(m.is_right for m in wrong)} not passed"
    )
    return LOST_POINTS if wrong else FULL_MARKS


def main(words: list[str] | None = None) -> int:
    """Runs one command; its exit status."""
    from autograder.sandbox import SandboxUnavailable

    args = parser().parse_args(words)
    try:
        return judge_file(args) if args.command == "judge" else judge_mutants(args)
    except SyntaxError as error:
        print(f"error: {error.filename}, line {error.lineno}: {error.msg}", file=sys.stderr)
    except (ValueError, OSError, SandboxUnavailable) as error:
        print(f"error: {error}", file=sys.stderr)
    return BAD_REQUEST


if __name__ == "__main__":
    sys.exit(main())
