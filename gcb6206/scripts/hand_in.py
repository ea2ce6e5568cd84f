"""Make what is handed in of a BankHeist run: its network and its log, as two small files beside the notebook.

python -m gcb6206.scripts.hand_in data/hw3_dqn_bankheist_... -o .
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from gcb6206.errors import CheckpointError
from gcb6206.infrastructure.checkpoint import load_checkpoint, save_checkpoint
from gcb6206.runs.frame import CHECKPOINT
from gcb6206.scripts.parse_tensorboard import read_scalars, write_scalars
from gcb6206.scripts.scripting_utils import exit_status, parse

WEIGHTS, LOG = "bankheist.pt", "bankheist.csv"


@dataclasses.dataclass(frozen=True)
class Flags:
    """What to hand in."""

    run: Annotated[str, Positional, arg(metavar="DIR")]
    """the run's directory"""
    output: Annotated[str, arg(aliases=("-o",), metavar="DIR")] = "."
    """where bankheist.pt and bankheist.csv are written"""


def hand_in(run: str | Path, output: str | Path) -> list[Path]:
    """Write a run's critic, in float16, and its scalars; the two files.

    Raises:
        CheckpointError: the run has no checkpoint, or one without a critic.
        FileNotFoundError: it has no log.
    """
    state = load_checkpoint(Path(run) / CHECKPOINT)
    if "critic" not in state.get("agent", {}):
        raise CheckpointError(f"the run in {run} was not made by run_hw3: its checkpoint has no critic")
    scalars, output = read_scalars(run), Path(output)
    critic = {name: weight.half() for name, weight in state["agent"]["critic"].items()}
    save_checkpoint(
        output / WEIGHTS, {"critic": critic, "settings": state["settings"], "step": state["step"]}
    )
    write_scalars(output / LOG, scalars)
    return [output / WEIGHTS, output / LOG]


@exit_status
def main(words: list[str] | None = None) -> None:
    """The command line."""
    flags = parse(Flags, words)
    for path in hand_in(flags.run, flags.output):
        print(f"wrote {path} ({path.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    sys.exit(main())
