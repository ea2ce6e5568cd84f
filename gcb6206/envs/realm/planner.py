"""How good a game of the realm can be played: a plan that is played by the rules, and a score that none exceeds.

``plan`` works in two stages. The order of the treasures comes from dynamic programming on the lengths of the ways, of
which one may be shortened by the flash, with and without a detour to the buff. Then a search through the game's own
moves, step by step, finds a path in that order; of positions that lie close together it keeps the first, and it drops
those that are further behind the best than a margin. With ``resolution=1`` and an infinite margin nothing is dropped:
among the paths that take all treasures with at most one flash there is no shorter one. That is for small maps.

``upper_bound`` needs no path. Its proof stands at its function.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from gcb6206.envs.realm import heuristics
from gcb6206.envs.realm.game import NEVER, TRIGGER, Layout, flash, score, walk
from gcb6206.envs.realm.maps import CELL, NEIGHBOURS, SITES
from gcb6206.envs.realm.options import RealmOptions

WALK_UNITS = 700  # a walk's length
SETS = 2  # of each number of treasures are tried, where the steps do not suffice for more
LATTICE = 125  # units between the points of the upper bound's lattice


@dataclass(frozen=True)
class Plan:
    """Actions from the start to the end point.

    Attributes:
        actions: ``(steps,)``.
        score: what they earn; 0 where no plan was found.
        source: where they come from: ``search``, ``nearest`` or ``tour``.
    """

    actions: np.ndarray
    score: float
    source: str


def plan(
    layout: Layout, options: RealmOptions, resolution: int = 250, margin: float = 5.0, orders: int = 2
) -> Plan:
    """A good plan for a game: the best of the searches and of the walking heuristics, so that none of these beats it.

    Args:
        layout: the episode.
        options: its rules. Only one flash is planned: a second one needs an episode longer than the cooldown.
        resolution: units within which positions count as the same.
        margin: steps by which a state may be behind the best; infinite to drop none.
        orders: how many orders are searched, the most promising first.
    """
    best = max(
        (_recorded(layout, options, name) for name in ("nearest", "tour")), key=lambda found: found.score
    )
    ways = Ways(layout, options)
    for treasures in _wanted(ways):
        for order, leg in ways.orders(treasures)[:orders]:
            actions = search(layout, options, ways, order, leg, resolution, margin)
            if actions is not None:
                earned = replay(layout, options, actions)
                if earned > best.score:
                    best = Plan(actions, earned, "search")
        if best.source == "search":
            break
    return best


def replay(layout: Layout, options: RealmOptions, actions: np.ndarray) -> float:
    """What actions earn by the rules; 0 where they do not reach the end in time."""
    games = heuristics.deal([layout], options)
    everyone = np.ones(1, bool)
    for action in actions[: options.max_step]:
        events = games.advance(np.array([action]), everyone)
        if events.ended[0]:
            return float(events.score[0])
    return 0.0


class Ways:
    """Lengths of ways on one layout, in steps, as estimates: fields over the cells, and between sites."""

    def __init__(self, layout: Layout, options: RealmOptions):
        self.layout, self.options = layout, options
        realm = layout.map
        cells = np.argwhere(~realm.walls)
        number = np.full(realm.walls.shape, -1)
        number[tuple(cells.T)] = np.arange(len(cells))
        self._graph, flat = _cell_graph(realm.walls, cells, number), number[tuple(realm.sites.T)]
        self.steps = dijkstra(self._graph, indices=flat)  # (16, cells)
        self.number, self.between = number, self.steps[:, flat]
        landings = []
        for direction in range(8):
            middle = cells * CELL + CELL // 2
            where, free = flash(
                realm.walls[None], np.zeros(len(cells), int), middle, np.full(len(cells), direction)
            )
            where = np.where(free[:, None], where // CELL, cells)
            landings.append(number[tuple(where.T)])
        self._landings = np.array(landings)  # (8, cells), the cell itself where a flash leads into rock
        after = self.steps[:, self._landings].min(axis=1)  # (16, cells): to each site after the best flash
        self.flashed_between = np.array(
            [[(self.steps[a] + 1 + after[b]).min() for b in range(SITES)] for a in range(SITES)]
        )

    def tour(self, treasures: list[int]) -> list[int]:
        """The treasures in the order of the shortest tour without a flash."""
        costs, before = heuristics.tour_table(
            self.between[self.layout.start, treasures], self.between[np.ix_(treasures, treasures)]
        )
        order = heuristics.best_order(costs, before, self.between[treasures, self.layout.end])
        return [treasures[i] for i in order]

    def flash_field(self, site: int) -> np.ndarray:
        """Steps ``(cells,)`` to a site where one flash may be used on the way."""
        jump = 1 + self.steps[site, self._landings].min(axis=0)
        cells = len(jump)
        graph = csr_array(self._graph)
        rows = np.concatenate([np.full(cells, cells), *[graph.nonzero()[0]]])
        columns = np.concatenate([np.arange(cells), graph.nonzero()[1]])
        data = np.concatenate([jump, graph.data])
        whole = csr_array((data, (rows, columns)), shape=(cells + 1, cells + 1))
        return np.minimum(self.steps[site], dijkstra(whole, indices=cells)[:cells])

    def orders(self, treasures: list[int]) -> list[tuple[list[int], int]]:
        """Orders of sites to pass, ended by the end, and which way the flash shortens, the most promising first."""
        found = []
        for places in (treasures, [*treasures, 0]):
            saved = 0.0
            if 0 in places:  # the buff's steps are longer
                saved = self.options.buff_duration * (1000 / WALK_UNITS - 1)
            cost, order, leg = _flash_tour(self.between, self.flashed_between, self.layout, places)
            found.append((cost - saved, order, leg))
            walked = self.tour(treasures) if 0 not in places else None
            if walked is not None:
                legs = [self.layout.start, *walked, self.layout.end]
                gains = [self.between[a, b] - self.flashed_between[a, b] for a, b in itertools.pairwise(legs)]
                leg = int(np.argmax(gains))
                cost = sum(self.between[a, b] for a, b in itertools.pairwise(legs)) - gains[leg]
                found.append((cost, [*walked, self.layout.end], leg))
        found.sort(key=lambda item: item[0])
        unique = []
        for _, order, leg in found:
            if (order, leg) not in unique:
                unique.append((order, leg))
        return unique


def search(
    layout: Layout,
    options: RealmOptions,
    ways: Ways,
    order: list[int],
    leg: int,
    resolution: int,
    margin: float,
) -> np.ndarray | None:
    """The actions of a short path through sites in a given order, or None.

    Args:
        layout, options: the game.
        ways: estimates of what is left.
        order: sites; the last is the end.
        leg: the way, counted from 0, that is flashed on; without a margin any way may be.
        resolution, margin: see ``plan``.
    """
    realm, exact = layout.map, math.isinf(margin)
    walls, places = realm.walls[None], realm.places
    order = np.array(order)
    left = np.append(
        np.cumsum(ways.between[order[:-1], order[1:]][::-1])[::-1], 0.0
    )  # after each site of the order
    fields = ways.steps[order]
    saved = 0.0
    if not exact:
        flash_field = ways.flash_field(order[leg])
        begin = order[leg - 1] if leg else layout.start
        saved = max(0.0, ways.between[begin, order[leg]] - ways.flashed_between[begin, order[leg]])

    wanted = np.zeros(SITES, bool)
    wanted[order] = True
    position = places[layout.start][None].copy()
    taken = np.zeros((1, SITES), bool)
    stage, flashed = np.zeros(1, int), np.zeros(1, bool)
    fast_until, buff_at = np.zeros((2, 1), int)
    respawn = NEVER if options.buff_respawn is None else options.buff_respawn
    span = realm.size * CELL // resolution + 1
    states = (2 ** (len(order) + 1) * (options.max_step + 1) ** 2 if exact else 8 * len(order)) * span**2
    if states >= 2**63:
        raise ValueError(
            f"an exact search over {len(order)} sites, {options.max_step} steps and a map of {realm.size} cells has "
            "more states than numbers: lower max_step, or give a margin"
        )
    seen = np.empty(0, np.int64)
    history = []
    for step in range(options.max_step):
        # every state with every move
        walks = np.repeat(np.arange(len(position)), 8)
        direction = np.tile(np.arange(8), len(position))
        slot = np.zeros(len(walks), int)
        landing = walk(walls, slot, position[walks], direction, (step < fast_until)[walks])
        jumpers = np.flatnonzero(~flashed if exact else ~flashed & (stage == leg))
        jumps = np.repeat(jumpers, 8)
        jump_direction = np.tile(np.arange(8), len(jumpers))
        arrival, free = flash(walls, np.zeros(len(jumps), int), position[jumps], jump_direction)
        parent = np.concatenate([walks, jumps[free]])
        action = np.concatenate([direction, 8 + jump_direction[free]])
        position = np.concatenate([landing, arrival[free]])
        flashed = flashed[parent] | (action >= 8)

        near = ((position[:, None] - places) ** 2).sum(axis=2) <= TRIGGER**2
        taken = taken[parent] | near & wanted
        fresh = near[:, 0] & (step >= buff_at[parent])
        buff_at = np.where(fresh, step + 1 + respawn, buff_at[parent])
        fast_until = np.where(fresh, step + 1 + options.buff_duration, fast_until[parent])
        stage = (~taken[:, order]).argmax(axis=1)  # the first that is left
        complete = taken[:, order[:-1]].all(axis=1)
        arrived = near[:, layout.end]
        if (arrived & complete).any():
            actions = [int(action[np.flatnonzero(arrived & complete)[0]])]
            at = parent[np.flatnonzero(arrived & complete)[0]]
            for earlier_parent, earlier_action in reversed(history):
                actions.append(int(earlier_action[at]))
                at = earlier_parent[at]
            return np.array(actions[::-1])
        keep = np.flatnonzero(~arrived)
        stage = np.where(complete, len(order) - 1, stage)

        if not exact:
            cell = ways.number[tuple((position[keep] // CELL).T)]
            estimate = fields[stage[keep], cell] + left[stage[keep]]
            waiting = ~flashed[keep] & (stage[keep] <= leg)
            estimate[waiting] -= saved
            on_leg = waiting & (stage[keep] == leg)
            estimate[on_leg] = flash_field[cell[on_leg]] + left[leg]
            near_best = estimate <= estimate.min(initial=np.inf) + margin
            keep, estimate = keep[near_best], estimate[near_best]
            keep = keep[np.argsort(estimate, kind="stable")]
        fast, gone = step + 1 < fast_until[keep], step + 1 < buff_at[keep]
        if exact:  # states differ by all that matters
            reached, most = taken[keep][:, order] @ (1 << np.arange(len(order))), options.max_step + 1
            fast = np.where(fast, np.minimum(fast_until[keep], most - 1), 0)
            gone = np.where(gone, np.minimum(buff_at[keep], most - 1), 0)
        else:
            reached, most = stage[keep], 2
        x, y = (position[keep] // resolution).T
        key = ((reached * 2 + flashed[keep]) * most + fast) * most + gone
        key = (key * span + x) * span + y
        _, first = np.unique(key, return_index=True)
        first = first[~np.isin(key[first], seen, assume_unique=True)]
        if not len(first):
            return None
        seen = np.concatenate([seen, key[first]])
        keep = keep[first]
        history.append((parent[keep], action[keep]))
        position, taken, stage, flashed = position[keep], taken[keep], stage[keep], flashed[keep]
        fast_until, buff_at = fast_until[keep], buff_at[keep]
    return None


def upper_bound(layout: Layout, options: RealmOptions) -> float:
    """A score that no play of this game exceeds.

    Proof. Measure lengths by the norm whose unit ball is the octagon of the eight walks:
    |(x, y)| = (max + (sqrt(2) - 1) * min) / 700 of the absolute values, so that a walk without the buff has length 1.

    1. A small step goes first along x, then along y, by at most 71 units each when it is diagonal, from one free cell
       into its neighbour. So the straight line between its ends stays within 71 units of free cells, that is within
       W, the free cells widened by 125 units to all sides. Its length is that of the move, or less where rock holds it.
       A walk is therefore a path in W of length at most 1.0001 (495 * sqrt(2) is not quite 700), and 10/7 with the buff.
    2. W is a union of lattice squares of side 125. Between points of the lattice, the shortest path in W under this
       norm is as long as the shortest path along edges and diagonals of those squares. For a shortest path may be
       taken to bend at corners of W only, which are lattice points; and between two lattice points that see each other
       a staircase through the squares that the line of sight crosses, of axis and diagonal steps, is as long as the
       line. So the distance of lattice points is found by Dijkstra's algorithm.
    3. Any other point of W is within (1 + (sqrt(2) - 1)) * 62.5 / 700 of a corner of its square. So from anywhere that
       takes site a to anywhere that takes site b it is at least the distance of the two sets of lattice points within
       1000 + 89 units of a and of b, minus two of those.
    4. Whoever takes the treasures of a set and then the end passes these places in some order. The walked part of the
       path is at least the sum of the distances of 3, minimised over orders by dynamic programming. A flash is a step
       of its own that may lead anywhere; with f flashes at most f of the ways are shortened, to 0 at best.
    5. T steps hold at most f = 1 + (T - 1) // flash_cooldown flashes. The buff is taken at most 1 + T / buff_respawn
       times, and each time adds at most buff_duration * 3/7 to what T - f walks reach. So T is at least what follows
       from the smallest f that allows it.
    6. The score is 100 for each treasure of the set, 150, and 0.2 for each step of max_step that is left; the largest
       over all sets, with T at most max_step, is the bound.
    """
    gaps = site_gaps(layout)
    treasures = list(layout.treasures)
    n = len(treasures)
    flashes = min(1 + (options.max_step - 1) // options.flash_cooldown, n + 1)  # more shorten nothing
    start, end = layout.start, layout.end
    plain = gaps[start, treasures], gaps[np.ix_(treasures, treasures)], gaps[treasures, end], gaps[start, end]
    tables = _shortened_tables(plain, tuple(0.0 * np.asarray(costs) for costs in plain), flashes)
    faster = options.buff_duration * 3 / 7
    best = 0.0
    for mask in range(1 << n):
        least = math.inf
        for f in range(flashes + 1):
            walked = tables[f][mask] / 1.0001
            if options.buff_respawn is None:
                steps = walked - faster + f
            else:
                steps = (walked - faster + f) / (1 + faster / options.buff_respawn)
            least = min(least, max(math.ceil(steps - 1e-6), (f - 1) * options.flash_cooldown + 1, 1))
        if least <= options.max_step:
            best = max(best, score(mask.bit_count(), least, options.max_step))
    return best


def site_gaps(layout: Layout) -> np.ndarray:
    """Steps 3 of the proof: least lengths of walks ``(16, 16)`` from where one site is taken to where another is."""
    realm, fine = layout.map, CELL // LATTICE
    squares = np.kron(~realm.walls, np.ones((fine, fine), bool))
    widened = squares.copy()
    for dx, dy in NEIGHBOURS:
        widened |= np.roll(squares, (dx, dy), (0, 1))  # the outermost cells are rock
    size = len(squares) + 1
    corner = np.zeros((size, size), bool)
    for dx in (0, 1):
        for dy in (0, 1):
            corner[dx : size - 1 + dx, dy : size - 1 + dy] |= widened
    points = np.argwhere(corner)
    number = np.full((size, size), -1)
    number[tuple(points.T)] = np.arange(len(points))
    x, y = np.nonzero(widened)
    a, b, c, d = number[x, y], number[x + 1, y], number[x, y + 1], number[x + 1, y + 1]
    unit = LATTICE / WALK_UNITS
    pairs = [(a, b, 1), (c, d, 1), (a, c, 1), (b, d, 1), (a, d, math.sqrt(2)), (b, c, math.sqrt(2))]
    rows, columns = (np.concatenate([pair[k] for pair in pairs]) for k in (0, 1))
    data = np.concatenate([np.full(len(pair[0]), pair[2] * unit) for pair in pairs])
    _, once = np.unique(rows.astype(np.int64) * len(points) + columns, return_index=True)
    graph = csr_array((data[once], (rows[once], columns[once])), shape=(len(points), len(points)))
    reach = TRIGGER + LATTICE / math.sqrt(2)
    slack = math.sqrt(2) * LATTICE / 2 / WALK_UNITS
    around = [
        np.flatnonzero(np.linalg.norm(points * LATTICE - place, axis=1) <= reach) for place in realm.places
    ]
    gaps = np.zeros((SITES, SITES))
    for a in range(SITES):
        lengths = dijkstra(graph, directed=False, indices=around[a], min_only=True)
        gaps[a] = [max(0.0, lengths[around[b]].min() - 2 * slack) for b in range(SITES)]
    return np.maximum(gaps, gaps.T)


def _wanted(ways: Ways) -> list[list[int]]:
    """Sets of treasures to take, the best first: all, and fewer where the steps may not suffice."""
    layout, options = ways.layout, ways.options
    start, end, treasures = layout.start, layout.end, list(layout.treasures)
    plain, flashed = (
        (
            field[start, treasures],
            field[np.ix_(treasures, treasures)],
            field[treasures, end],
            field[start, end],
        )
        for field in (ways.between, ways.flashed_between)
    )
    costs = _shortened_tables(plain, flashed, 1)[1]
    wanted = []
    for count in range(len(treasures), -1, -1):
        sets = [mask for mask in range(len(costs)) if mask.bit_count() == count]
        near = 2 * TRIGGER / WALK_UNITS * (count + 1)  # steps that nobody needs who only comes near
        sets = [mask for mask in sets if costs[mask] - near <= options.max_step]
        wanted += sorted(sets, key=lambda mask: costs[mask])[:SETS]
    return [[site for k, site in enumerate(treasures) if mask >> k & 1] for mask in wanted]


def _shortened_tables(plain: tuple, short: tuple, most: int) -> list[np.ndarray]:
    """Least costs of the ways through each set of places, where some ways may be shortened.

    Args:
        plain, short: costs from the start to each place ``(n,)``, from place to place ``(n, n)``, from each place to
            the end ``(n,)``, and from the start to the end.
        most: ways that may be short.

    Returns:
        ``most + 1`` tables ``(2^n,)``, for at most 0, 1, ... short ways.
    """
    n = len(plain[0])
    members = (np.arange(1 << n)[:, None] >> np.arange(n)) & 1
    count = members.sum(axis=1)
    at, tables = [], []
    for f in range(most + 1):
        costs = np.full((1 << n, n), np.inf)
        for i in range(n):
            costs[1 << i, i] = min(plain[0][i], short[0][i]) if f else plain[0][i]
        for size in range(2, n + 1):
            sets = np.flatnonzero(count == size)
            for i in range(n):
                with_i = sets[members[sets, i] == 1]
                earlier = with_i ^ (1 << i)
                ways = (costs[earlier] + plain[1][:, i]).min(axis=1)
                if f:
                    ways = np.minimum(ways, (at[f - 1][earlier] + short[1][:, i]).min(axis=1))
                costs[with_i, i] = ways
        at.append(costs)
        total = (costs + plain[2]).min(axis=1, initial=np.inf)
        if f:
            total = np.minimum(total, (at[f - 1] + short[2]).min(axis=1, initial=np.inf))
        total[0] = min(plain[3], short[3]) if f else plain[3]
        tables.append(total)
    return tables


def _flash_tour(
    between: np.ndarray, flashed: np.ndarray, layout: Layout, places: list[int]
) -> tuple[float, list[int], int]:
    """The cost, order and flashed way of the shortest tour of which one way may be flashed."""
    if not places:
        return (
            float(min(between[layout.start, layout.end], flashed[layout.start, layout.end])),
            [layout.end],
            0,
        )
    inner, inner_flashed = between[np.ix_(places, places)], flashed[np.ix_(places, places)]
    there, there_flashed = between[layout.start, places], flashed[layout.start, places]
    # forwards without a flash up to the flashed way, backwards without a flash after it: sets are complements
    ahead, before = heuristics.tour_table(there, inner)
    back, after = heuristics.tour_table(between[places, layout.end], inner.T)
    whole = (1 << len(places)) - 1
    sets = np.arange(1, whole)
    best = (np.inf, None)
    to_first = there_flashed + back[whole]
    best = min(best, (float(to_first.min()), ("first", int(to_first.argmin()))), key=lambda item: item[0])
    to_last = ahead[whole] + flashed[places, layout.end]
    best = min(best, (float(to_last.min()), ("last", int(to_last.argmin()))), key=lambda item: item[0])
    for i in range(len(places)):
        ways = ahead[sets, i][:, None] + inner_flashed[i] + back[whole ^ sets]
        if ways.size and ways.min() < best[0]:
            row, j = np.unravel_index(ways.argmin(), ways.shape)
            best = (float(ways.min()), ("inside", i, int(j), int(sets[row])))
    kind = best[1]
    if kind[0] == "first":
        order, leg = _unwind(after, whole, kind[1]), 0
    elif kind[0] == "last":
        order, leg = _unwind(before, whole, kind[1])[::-1], len(places)
    else:
        _, i, j, visited = kind
        ahead_order = _unwind(before, visited, i)[::-1]
        order, leg = ahead_order + _unwind(after, whole ^ visited, j), len(ahead_order)
    return best[0], [*[places[k] for k in order], layout.end], leg


def _unwind(before: np.ndarray, visited: int, place: int) -> list[int]:
    """The places of a table of ``tour_table`` from the last to the first."""
    order = []
    while place >= 0:
        order.append(place)
        visited, place = visited ^ (1 << place), int(before[visited, place])
    return order


def _cell_graph(walls: np.ndarray, cells: np.ndarray, number: np.ndarray) -> csr_array:
    """Free cells and the steps from one to its neighbours; diagonal ones never between two rocks' corners."""
    rows, columns, data = [], [], []
    x, y = cells.T
    for dx, dy in NEIGHBOURS:
        free = ~walls[x + dx, y + dy] & ~walls[x + dx, y] & ~walls[x, y + dy]
        rows.append(np.flatnonzero(free))
        columns.append(number[x[free] + dx, y[free] + dy])
        data.append(np.full(free.sum(), math.hypot(dx, dy) * CELL / WALK_UNITS))
    shape = (len(cells), len(cells))
    return csr_array((np.concatenate(data), (np.concatenate(rows), np.concatenate(columns))), shape=shape)


def _recorded(layout: Layout, options: RealmOptions, name: str) -> Plan:
    """What a walking heuristic does, as a plan."""
    games, player = heuristics.deal([layout], options), heuristics.nearest
    if name == "tour":
        player = heuristics.Tour()
    actions = []

    def recording(games):
        actions.append(player(games)[0])
        return np.array(actions[-1:])

    earned = float(heuristics.play(games, recording, options.max_step)[0])
    return Plan(np.array(actions, int), earned, name)
