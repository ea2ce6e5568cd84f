"""The table of attacks: what each tried, the verdict, and whether it won, sealed and unsealed."""

from __future__ import annotations

import os
import time
from pathlib import Path

from . import hostile, second
from .scene import Attack, Outcome, Scene

ATTACKS = [*hostile.ATTACKS, *second.SECOND]


def run(
    folder: Path, names: list[str] | None = None, sealed_only: bool = False, apart: bool = False
) -> tuple[list[dict], str]:
    """Grades the attacks (all, or those named), sealed and then with stock nbgrader.

    Args:
        apart: each in a class of its own, with the two honest ones; only sealed.

    Returns:
        One row for each attack, and lines on the whole.

    Raises:
        ValueError: a name is unknown.
    """
    unknown = set(names or ()) - {attack.name for attack in ATTACKS}
    if unknown:
        raise ValueError(
            f"no attack {', '.join(sorted(unknown))}; known: {', '.join(a.name for a in ATTACKS)}"
        )
    attacks = [attack for attack in ATTACKS if not names or attack.name in names]
    if apart:
        found = []
        for attack in attacks:
            began = time.monotonic()
            scene = Scene(folder / attack.name, True, [attack]).play()
            found += rows(scene, None)
            found[-1]["leaked"] += scene.damage
            print(f"{attack.name}: {_told(scene, time.monotonic() - began)}", flush=True)
        return found, f"{sum(bool(row['leaked']) for row in found)} of {len(found)} won"
    began = time.monotonic()
    sealed = Scene(folder / "sealed", True, attacks).play()
    middle = time.monotonic()
    stock = None if sealed_only else unsealed(folder, attacks)
    end = time.monotonic()
    summary = f"{len(attacks)} attacks and 2 honest submissions, sealed: {_told(sealed, middle - began)}"
    return rows(sealed, stock), summary + ("" if stock is None else f"; stock in {end - middle:.0f} s")


# What else of the first attacks is of the kinds that the second ones are of.
KINDRED = ("kernel_calls", "siblings", "keyring", "canaries", "fork_bomb")


def whole_class(folder: Path, number: int, words: tuple[str, ...] = ()) -> tuple[list[dict], str]:
    """Grades all second attacks at once, with the whole homework and by default limits, as an instructor would.

    Args:
        number: of students at least; so many are honest that there are, but four at least.
        words: further arguments of `nbgrader autograde`.

    Returns:
        One row for each attack, and lines on the whole.
    """
    attacks = [*second.SECOND, *(attack for attack in hostile.ATTACKS if attack.name in KINDRED)]
    honest = max(4, number - len(attacks))
    began = time.monotonic()
    scene = Scene(folder / "class", True, attacks, whole=True, honest=honest, words=words).play()
    found = rows(scene, None)
    found[-1]["leaked"] += scene.damage
    lost = [row["attack"] for row in found if row["points"] is None or row["verdict"] == "none"]
    who = "root" if os.geteuid() == 0 else f"user {os.geteuid()}"
    lines = [
        f"{len(attacks)} attacks and {honest} honest ones, {' '.join(words) or 'locally'}, as {who}: "
        + _told(scene, time.monotonic() - began),
        f"autograde alone {scene.seconds['autograde']:.0f} s; without a verdict: {', '.join(lost) or 'nobody'}",
        f"left over: {'; '.join([*scene.remains, *scene.left_over.values()]) or 'nothing'}; "
        f"canary files changed: {'; '.join(scene.touched) or 'none'}",
    ]
    return found, "\n".join(lines)


def unsealed(folder: Path, attacks: list[Attack]) -> dict[str, Outcome]:
    """What attacks win against stock nbgrader, by name; those that need no exercise of the course in a class apart."""
    found = {}
    for name in ("checked", "bare"):
        bare = name == "bare"
        scene = Scene(folder / name, False, [a for a in attacks if a.on_check != bare], bare=bare).play()
        found |= {attack.name: scene.outcome(attack) for attack in scene.attacks}
    return found


def _told(scene: Scene, seconds: float) -> str:
    """How a class came through."""
    status = ", ".join(f"{name} {value}" for name, value in scene.status.items() if value) or "all 0"
    return (
        f"{seconds:.0f} s, exit status {status}, the grader's own memory at most {scene.peak:.2f} GiB, "
        f"{'; '.join(scene.damage) or 'the honest have their points'}"
    )


def rows(sealed: Scene, stock: dict[str, Outcome] | None) -> list[dict]:
    """One row for each attack.

    Its keys: attack, tried, verdict, points, deserved, leaked (how, empty for no), unsealed ("yes", "no" or
    "n.a.") and unsealed_how (how it won there, or why it was not tried).
    """
    found = []
    for attack in sealed.attacks:
        outcome = sealed.outcome(attack)
        if attack.unsealed or attack.name not in (stock or {}):
            works, how = "n.a.", [attack.unsealed or "not tried"]
        else:
            how = stock[attack.name].victories
            works = "yes" if how else "no"
        found.append(
            {
                "attack": attack.name,
                "tried": attack.tried,
                "verdict": outcome.verdict or "none",
                "points": outcome.points,
                "deserved": attack.deserved,
                "leaked": outcome.victories,
                "unsealed": works,
                "unsealed_how": how,
            }
        )
    return found


def table(found: list[dict]) -> str:
    """The rows as text."""
    lines = [("attack", "tried", "verdict", "leaked", "works unsealed")]
    for row in found:
        leaked = "YES: " + "; ".join(row["leaked"]) if row["leaked"] else "no"
        how = "; ".join(row["unsealed_how"])[:60]
        lines.append(
            (
                row["attack"],
                row["tried"][:70],
                row["verdict"],
                leaked,
                f"{row['unsealed']}: {how}".strip(": "),
            )
        )
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    return "\n".join(
        "  ".join([*(text.ljust(width) for text, width in zip(line, widths, strict=False)), line[4]]).rstrip()
        for line in lines
    )
