"""Measures this machine, and works out the limit of each benchmark, where its time goes, and how costs grow."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.speed import growth, machine, needs, parts, worlds
from benchmarks.speed.needs import Need

SECONDS = 0.15  # of each measurement


class Machine:
    """What was measured so far; nothing is measured twice.

    Args:
        known: of an earlier part of this recording, as ``state`` holds it.
        seconds: of each measurement.
    """

    def __init__(self, known: dict, seconds: float):
        self.state = {"products": {}, "worlds": {}, "bytes": {}, **known}
        self.seconds = seconds

    def at(self, need: Need, threads: int) -> dict:
        """What ``needs.seconds_of`` wants to know, with all products and worlds of this need."""
        machine.use_threads(1)
        if "calls" not in self.state:
            self.state["calls"] = machine.measure_calls(self.seconds)
        products = self.state["products"]
        machine.use_threads(threads)
        on = f"{threads} thread{'s' * (threads > 1)}"
        if on not in self.state["bytes"]:
            self.state["bytes"][on] = machine.measure_copies(self.seconds)
        for product in need.products:
            name = f"{product}, {on}"
            if name not in products:
                taken = machine.measure_product(product, self.seconds)
                products[name] = {"seconds": taken, "flops": product.flops}
        for name in need.worlds:
            machine.use_threads(needs.CORES if name in worlds.MANY else 1)
            if name not in self.state["worlds"]:
                self.state["worlds"][name] = worlds.WORLDS[name](self.seconds)
        ending = f", {on}"
        return {
            "products": {
                name.removesuffix(ending): found["seconds"]
                for name, found in products.items()
                if name.endswith(ending)
            },
            "bytes": self.state["bytes"][on],
            "call": min(self.state["calls"].values()),
            "worlds": self.state["worlds"],
        }


def limit_of(name: str, row: dict, known: Machine) -> dict | None:
    """A benchmark's limit: ``rate``, how many times ``further`` it is than ours, and what it consists of."""
    if "ours" not in row:
        return None
    if name == "realm_roles":
        roles = needs.realm_roles_parts()
        at = {}
        for need in roles.values():
            at = known.at(need, 1)
        rate = needs.roles_limit(roles, at, row["bytes_a_step"])
        return {"says": "each role's arithmetic and bytes", "rate": rate, "further": rate / row["ours"]}
    if name not in needs.LIMITS:
        return None
    limited = needs.LIMITS[name]
    need = limited.need()
    seconds = needs.seconds_of(need, known.at(need, limited.threads))
    rate = 1.0 / seconds["total"]
    return {
        "says": limited.says,
        "rate": rate,
        "further": rate / row["ours"],
        "seconds": seconds,
        "flops": need.flops,
        "bytes": need.bytes,
        "calls": need.calls,
        "threads": limited.threads,
    }


def steps(state: dict, small: bool) -> Iterator[str]:
    """Fill a recording's ``limit`` and ``parts`` of each benchmark, ``machine`` and ``growth``; says what was done."""
    known = Machine(state.get("machine", {}), SECONDS / 3 if small else SECONDS)
    state["machine"] = known.state
    for name, row in state["benchmarks"].items():
        if "limit" not in row:
            row["limit"] = limit_of(name, row, known)
            yield f"{name}: its limit"
        if "parts" not in row:
            row["parts"] = parts.measure(name, small)
            row["operations"] = parts.operations(name)
            yield f"{name}: where its time goes"
    if "growth" not in state:
        state["growth"] = growth.measure(known.at, known.seconds)
        yield "how costs grow"
