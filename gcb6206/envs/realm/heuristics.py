"""Simple players, written for many games at once. They walk by grid distance and never flash.

    random        any legal action
    nearest       to the nearest treasure, then to the end
    tour          to the treasures in the order of the shortest tour (Held and Karp 1962), then to the end

>>> from gcb6206.envs.realm.env import RealmVectorEnv
>>> envs = RealmVectorEnv(4, maps=False, size=64)
>>> _, _ = envs.reset(seed=0)
>>> nearest(envs.games).shape
(4,)
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gcb6206.envs.realm.game import TRIGGER, Layout, RealmGames, walk
from gcb6206.envs.realm.maps import CELL, UNREACHED


def random_player(generator: np.random.Generator) -> Callable[[RealmGames], np.ndarray]:
    """A player that draws legal actions."""

    def act(games: RealmGames) -> np.ndarray:
        return np.where(games.action_mask, generator.random(games.action_mask.shape), -1.0).argmax(axis=1)

    return act


def nearest(games: RealmGames) -> np.ndarray:
    """Actions ``(N,)`` towards the nearest treasure by grid distance."""
    far = np.where(games.present, games.distance, UNREACHED)
    return head_for(games, np.where(games.present.any(axis=1), far.argmin(axis=1), games.end))


class Tour:
    """A player that follows the shortest tour; each game's is worked out when its episode begins."""

    def __init__(self):
        self._orders: dict[int, list[int]] = {}

    def __call__(self, games: RealmGames) -> np.ndarray:
        """Actions ``(N,)`` towards the first treasure of the tour that is left."""
        targets = games.end.copy()
        for i in games.rows:
            if games.steps[i] == 0:
                self._orders[i] = shortest_tour(games.layout(i))
            targets[i] = next((site for site in self._orders[i] if games.present[i, site]), games.end[i])
        return head_for(games, targets)


def head_for(games: RealmGames, targets: np.ndarray) -> np.ndarray:
    """The walks ``(N,)`` that lead nearest to a site each, and not into the end while treasures are left."""
    number = games.number
    direction = np.tile(np.arange(8), number)
    rows = np.repeat(games.rows, 8)
    slot, fast = games.slot[rows], games.is_fast[rows]
    landing = walk(games.walls, slot, games.position[rows], direction, fast)
    left = way_left(games.distances, slot, landing, targets[rows])
    to_end = ((games.places[slot, games.end[rows]] - landing) ** 2).sum(axis=1)
    too_soon = (to_end <= TRIGGER**2) & games.present.any(axis=1)[rows]
    return np.where(too_soon, left + UNREACHED, left).reshape(number, 8).argmin(axis=1)


def way_left(
    distances: np.ndarray, slot: np.ndarray, position: np.ndarray, targets: np.ndarray
) -> np.ndarray:
    """How far positions are from sites, in cells, without the steps of whole cells.

    The way leads straight to the middle of the cell or of one of its neighbours, and on from there by grid distance.

    Args:
        distances: ``(slots, size, size, 16)``.
        slot, targets: ``(n,)``.
        position: ``(n, 2)`` units, in free cells.

    Returns:
        ``(n,)`` float.
    """
    cell = position // CELL
    around = {}
    for dx in (-1, 0, 1):
        for dy in (-1, 0, 1):
            x, y = (cell + (dx, dy)).T
            around[dx, dy] = distances[slot, x, y, targets].astype(float)
    best = np.full(len(position), float(UNREACHED))
    for (dx, dy), onwards in around.items():
        straight = np.linalg.norm((cell + (dx, dy)) * CELL + CELL // 2 - position, axis=1) / CELL
        blocked = np.maximum(around[dx, 0], around[0, dy]) == UNREACHED  # no way between two rocks' corners
        best = np.minimum(best, np.where(blocked, UNREACHED, onwards + straight))
    return best


def shortest_tour(layout: Layout) -> list[int]:
    """The treasures in the order of the shortest way from the start through all of them to the end."""
    cells = layout.map.sites
    between = layout.map.distances[cells[:, 0], cells[:, 1]].astype(float)  # (16, 16)
    treasures = list(layout.treasures)
    costs, before = tour_table(between[layout.start, treasures], between[np.ix_(treasures, treasures)])
    return [treasures[i] for i in best_order(costs, before, between[treasures, layout.end])]


def tour_table(first: np.ndarray, between: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Dynamic programming over sets of places (Held and Karp 1962).

    Args:
        first: ``(n,)``, costs from the start to each place.
        between: ``(n, n)``, costs from place to place.

    Returns:
        ``(2^n, n)``: the least cost of visiting a set and being at one of it (infinite where that cannot be), and the
        place before.
    """
    n = len(first)
    costs = np.full((1 << n, n), np.inf)
    before = np.zeros((1 << n, n), np.int8)
    members = (np.arange(1 << n)[:, None] >> np.arange(n)) & 1
    for i in range(n):
        costs[1 << i, i], before[1 << i, i] = first[i], -1
    count = members.sum(axis=1)
    for size in range(2, n + 1):
        sets = np.flatnonzero(count == size)
        for i in range(n):
            with_i = sets[members[sets, i] == 1]
            ways = costs[with_i ^ (1 << i)] + between[:, i]
            before[with_i, i] = ways.argmin(axis=1)
            costs[with_i, i] = ways.min(axis=1)
    return costs, before


def best_order(costs: np.ndarray, before: np.ndarray, last: np.ndarray) -> list[int]:
    """The order in which all places are visited at the least cost, that of ``last`` ``(n,)`` included."""
    n = len(last)
    if n == 0:
        return []
    visited, place = (1 << n) - 1, int((costs[-1] + last).argmin())
    order = []
    while place >= 0:
        order.append(place)
        visited, place = visited ^ (1 << place), int(before[visited, place])
    return order[::-1]


def play(games: RealmGames, player: Callable[[RealmGames], np.ndarray], longest: int) -> np.ndarray:
    """The scores ``(N,)`` that a player reaches in games that have just begun."""
    scores, playing = np.zeros(games.number), np.ones(games.number, bool)
    for _ in range(longest):
        events = games.advance(player(games), playing)
        scores += events.score
        playing &= ~events.ended & (games.steps < games.options.max_step)
        if not playing.any():
            break
    return scores


def deal(layouts: list[Layout], options) -> RealmGames:
    """Games that have just begun, one for each layout."""
    maps = list({id(layout.map): layout.map for layout in layouts}.values())
    games = RealmGames(len(layouts), options, layouts[0].map.size, len(maps))
    for i, layout in enumerate(layouts):
        games.begin(i, layout, next(k for k, known in enumerate(maps) if known is layout.map))
    return games
