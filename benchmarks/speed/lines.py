"""What a benchmark's program prints, and the comparison that follows from it.

A program ends with two lines, here of two pairs:

    measured: {"unit": "steps/s", "rates": {"ours": [1500.0, 1400.0], "Stable-Baselines3": [700.0, 750.0]}}
    ratio: 2.00

The rates of one place in the lists were measured one after the other, so that a noisy machine hurts both.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable

OURS = "ours"


def parse(lines: Iterable[str]) -> dict:
    """What a program's output says: ``ratio``, and where it tells them ``unit``, ``rates`` and more.

    Raises:
        ValueError: no ratio at the end, or lists of rates that do not fit each other.
    """
    told, ratio = {}, None
    for line in lines:
        name, _, value = line.strip().partition(": ")
        if name == "measured":
            told = json.loads(value)
        elif name == "ratio":
            ratio = float(value)
    if ratio is None:
        raise ValueError("the program ended without a line 'ratio: X'")
    rates = told.get("rates", {})
    numbers = {name: len(values) for name, values in rates.items()}
    if len(set(numbers.values())) > 1 or (rates and OURS not in rates):
        raise ValueError(
            f"the rates do not fit each other: {numbers}, expected as many of each, and {OURS!r}"
        )
    return {"ratio": ratio, **told}


def compared(rates: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    """Ours to each peer, pair by pair: the ratios' ``median``, ``min`` and ``max``, and the peer's median ``rate``.

    >>> compared({"ours": [4.0, 9.0, 8.0], "slow": [2.0, 3.0, 4.0]})
    {'slow': {'median': 2.0, 'min': 2.0, 'max': 3.0, 'rate': 3.0}}
    """
    found = {}
    for peer, values in rates.items():
        if peer != OURS:
            ratios = [mine / theirs for mine, theirs in zip(rates[OURS], values)]
            found[peer] = {
                "median": statistics.median(ratios),
                "min": min(ratios),
                "max": max(ratios),
                "rate": statistics.median(values),
            }
    return found


def table(recorded: dict) -> list[str]:
    """The table that ``make bench`` prints, a line for each benchmark and peer."""
    rows = [("benchmark", "ours", "peer", "its rate", "ratio", "from .. to", "limit", "limit / ours")]
    for name, row in recorded["benchmarks"].items():
        limit = (
            [f"{row['limit']['rate']:,.5g}", f"{row['limit']['further']:.1f}"]
            if row.get("limit")
            else ["-", "-"]
        )
        ours = f"{row['ours']:,.5g} {row['unit']}" if "ours" in row else "-"
        for peer, of in (row.get("peers") or {"-": None}).items():
            middle = ["-"] * 3
            if of:
                middle = [f"{of['rate']:,.5g}", f"{of['median']:.2f}", f"{of['min']:.2f} .. {of['max']:.2f}"]
            rows.append((name, ours, peer, *middle, *limit))
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
