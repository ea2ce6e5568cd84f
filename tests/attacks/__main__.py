"""Grades the class of attacks, sealed and with stock nbgrader, and prints what came of each."""

import argparse
import json
import sys
import tempfile
from datetime import date
from pathlib import Path

from gcb6206.scripts import record

from . import generator, report


def _lasting(row: dict) -> dict:
    """A row without what an attack found on this machine: paths and planted secrets."""
    return row if row["unsealed"] != "yes" else {**row, "unsealed_how": []}


def main() -> int:
    """The command line; 0 when no attack won against the sealed grader."""
    parser = argparse.ArgumentParser(prog="python -m tests.attacks", description=__doc__)
    parser.add_argument("attacks", nargs="*", help="names of attacks, or of random kinds (default: all)")
    parser.add_argument("--output", type=Path, help="also write the table there, as JSON")
    parser.add_argument("--sealed-only", action="store_true", help="leave stock nbgrader out")
    parser.add_argument("--apart", action="store_true", help="sealed, each in a class of its own")
    parser.add_argument(
        "--fuzz",
        type=int,
        metavar="N",
        help="instead: N random inputs of each kind, or of those named; see generator.py",
    )
    parser.add_argument(
        "--class", dest="students", type=int, nargs="?", const=60, metavar="N",
        help="instead: the second attacks in one class of N (60), the whole homework, default limits",
    )  # fmt: skip
    parser.add_argument("--ray", action="store_true", help="the class on a Ray of this machine")
    parser.add_argument("--seed", type=int, default=0, help="of the random inputs (0)")
    parser.add_argument("--keep", type=Path, help="an empty or new folder in which the course roots stay")
    args = parser.parse_args()
    if args.fuzz:
        return generator.main(args.fuzz, args.seed, args.attacks)
    with tempfile.TemporaryDirectory() as folder:
        place = args.keep or Path(folder)
        if args.students:
            rows, summary = report.whole_class(
                place, args.students, ("--Autograde.ray=local",) if args.ray else ()
            )
        else:
            rows, summary = report.run(place, args.attacks, args.sealed_only, args.apart)
    print(report.table(rows))
    print(summary)
    if args.output:
        about = {
            "command": f"python -m tests.attacks --output {args.output}",
            "commit": record.commit(),
            "date": f"{date.today()}",
            "hardware": record.hardware().removesuffix(", one thread used"),
            "summary": summary,
            "attacks": [_lasting(row) for row in rows],
        }
        args.output.parent.mkdir(parents=True, exist_ok=True)
        args.output.write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 1 if any(row["leaked"] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
