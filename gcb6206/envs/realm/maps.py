"""Maps of the realm: corridors through solid rock, and 16 sites at their ends.

A map grows from its centre like a tree. Each new corridor leads from a new site to the nearest place of those there
are, so that all is connected, and passes no other site, so that sites stay dead ends. ``make_map`` repeats that until
about a quarter of the cells can be walked on.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

CELL = 500  # units along a cell's side
SITES = 16  # 0 is the buff at the centre; 1 to 15 are start, end and treasures
UNREACHED = 65535  # grid distance from a place that no walk connects
WALKABLE = (0.22, 0.28)  # the part of a map's cells
TRIES = 1000  # trees before giving up
SPOTS = 400  # places that a tree's sites are chosen from
NEIGHBOURS = np.array([(1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1)])


@dataclass(frozen=True, eq=False)
class RealmMap:
    """Where one may walk, and where things may lie.

    Attributes:
        walls: ``(size, size)`` bool, indexed ``[x, y]``; True is rock. The outermost cells are rock.
        sites: ``(16, 2)`` int, the sites' cells.
        corridors: ``(n, 5)``, each corridor's two ends and its width, in cells; empty for a map made by hand.
    """

    walls: np.ndarray
    sites: np.ndarray
    corridors: np.ndarray

    @property
    def size(self) -> int:
        """Cells along a side."""
        return len(self.walls)

    @functools.cached_property
    def distances(self) -> np.ndarray:
        """Grid distances ``(size, size, 16)`` uint16 from every cell to every site."""
        return grid_distances(self.walls, self.sites)

    @property
    def places(self) -> np.ndarray:
        """The sites' positions ``(16, 2)`` in units: the centres of their cells."""
        return self.sites * CELL + CELL // 2


@functools.lru_cache(maxsize=512)
def make_map(seed: int, size: int = 128) -> RealmMap:
    """The map of a seed; the same one whenever it is asked for.

    Args:
        seed: at least 0.
        size: cells along a side. Corridors are ``size / 16`` to ``size / 9`` cells wide: 8 to 14 at 128.
    """
    generator = np.random.default_rng([size, seed])
    for _ in range(TRIES):
        grown = _grow(generator, size)
        if grown is not None and WALKABLE[0] <= 1 - grown.walls.mean() <= WALKABLE[1]:
            return grown
    raise RuntimeError(f"no map of size {size} for seed {seed} in {TRIES} tries: take another seed")


def map_by_hand(rows: list[str], sites: dict[int, tuple[int, int]]) -> RealmMap:
    """A map out of text, north at the top, ``#`` for rock; for tests and examples.

    >>> small = map_by_hand(["####", "#..#", "####"], {0: (1, 1), 1: (2, 1)})
    >>> small.size, bool(small.walls[2, 1]), int(small.distances[2, 1, 0])
    (4, False, 1)

    Args:
        rows: text lines; what is missing to a square is rock.
        sites: cells ``(x, y)`` of some sites, y counted from the lowest row; all others lie at site 0's cell.
    """
    size = max(len(rows), *map(len, rows))
    walls = np.ones((size, size), bool)
    for y, row in enumerate(reversed(rows)):
        walls[: len(row), y] = [letter == "#" for letter in row]
    cells = np.array([sites.get(site, sites[0]) for site in range(SITES)])
    return RealmMap(walls, cells, np.empty((0, 5)))


def grid_distances(walls: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """How many cells away each source is, over the eight neighbours of a cell, never between two rocks' corners.

    A diagonal step needs both of the cells beside it free. All sources' searches advance together.

    Args:
        walls: ``(size, size)`` bool; the outermost cells are rock.
        sources: ``(n, 2)`` cells.

    Returns:
        ``(size, size, n)`` uint16, ``UNREACHED`` in rock and where nothing leads.
    """
    size, number = len(walls), len(sources)
    free = ~walls
    open_to = np.zeros((size * size, 8), bool)
    cells = np.argwhere(free)
    flat = cells @ (size, 1)
    for direction, (dx, dy) in enumerate(NEIGHBOURS):
        x, y = cells.T
        open_to[flat, direction] = free[x + dx, y] & free[x, y + dy] & free[x + dx, y + dy]
    shifts = NEIGHBOURS @ (size, 1)

    distances = np.full(number * size * size, UNREACHED, np.uint16)
    offsets = np.arange(number) * size * size
    cell, offset = sources @ (size, 1), offsets
    distances[offset + cell] = 0
    first = np.empty(len(distances), np.int64)
    length = 0
    while len(cell):
        length += 1
        row, direction = np.nonzero(open_to[cell])
        cell, offset = cell[row] + shifts[direction], offset[row]
        new = distances[offset + cell] == UNREACHED
        cell, offset = cell[new], offset[new]
        place, order = offset + cell, np.arange(len(cell))
        first[place] = order  # of several ways to one cell, the last written stays
        once = first[place] == order
        cell, offset = cell[once], offset[once]
        distances[offset + cell] = length
    return np.ascontiguousarray(distances.reshape(number, size, size).transpose(1, 2, 0))


def _grow(generator: np.random.Generator, size: int) -> RealmMap | None:
    """A tree of corridors with 16 sites, or None where a site found no place."""
    narrow, wide = size / 16, size / 9
    margin = wide / 2 + 2
    centre = np.array([size // 2, size // 2])
    spots = generator.integers(np.ceil(margin), size - margin, (SPOTS, 2))
    begins = np.tile(
        centre.astype(float), (SPOTS, 1)
    )  # the nearest place from which a corridor may lead there
    gaps = np.linalg.norm(spots - centre, axis=1)
    sites, corridors = [centre], []
    while len(sites) < SITES:
        near = np.flatnonzero((gaps >= size / 8) & (gaps <= size / 4))
        passed = distance_to_segment(np.array(sites[1:]).reshape(-1, 1, 2), begins[near], spots[near])
        near = near[passed.min(axis=0, initial=np.inf) >= size / 12]
        if not len(near):
            return None
        begin, site, length = begins[near[0]].copy(), spots[near[0]], gaps[near[0]]
        corridors.append([*begin, *site, generator.uniform(narrow, wide)])
        sites.append(site)
        along = np.arange(0.0, length - size / 12)[:, None] / length  # near its site nothing else begins
        middle = begin + along * (site - begin)
        away = np.linalg.norm(spots[:, None] - middle, axis=2)
        nearest, nearer = middle[away.argmin(axis=1)], away.min(axis=1) < gaps
        begins[nearer], gaps[nearer] = nearest[nearer], away.min(axis=1)[nearer]

    centres = np.stack(np.meshgrid(*[np.arange(size)] * 2, indexing="ij"), axis=-1)
    walls = np.linalg.norm(centres - centre, axis=-1) > wide / 2
    for *ends, width in corridors:
        walls &= distance_to_segment(centres, np.array(ends[:2]), np.array(ends[2:])) > width / 2
    order = generator.permutation(np.arange(1, SITES))
    return RealmMap(walls, np.array(sites)[[0, *order]], np.array(corridors))


def distance_to_segment(points: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Distances ``(...)`` from points ``(..., 2)`` to straight lines between two others; the shapes broadcast."""
    way = end - begin
    along = np.clip(((points - begin) * way).sum(-1) / (way * way).sum(-1), 0, 1)
    return np.linalg.norm(points - begin - along[..., None] * way, axis=-1)
