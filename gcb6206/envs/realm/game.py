"""The rules of the realm, for many games at once. All positions are whole numbers of units, so nothing is rounded.

A walk of 700 units (1000 with the buff) goes in ten small steps, each first along x, then along y; where rock is in the
way of one of the two, that one stays, so that a player slides along walls. A flash of 8000 units passes walls. After
the move, whatever lies within 1000 units is taken; the end point ends the game.

    score = 100 * treasures + 150 + 0.2 * (max_step - steps)     where the end was reached, otherwise 0
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from gcb6206.envs.realm.maps import CELL, SITES, UNREACHED, RealmMap
from gcb6206.envs.realm.options import TREASURES, RealmOptions

# east, north-east, north, ...: counter-clockwise by 45 degrees; lengths of 700, 1000 and 8000 units
_DIRECTIONS = np.array([(1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1)])
_DIAGONAL = (np.abs(_DIRECTIONS).sum(axis=1) == 2)[:, None]
WALK = _DIRECTIONS * np.where(_DIAGONAL, 495, 700)
FAST_WALK = _DIRECTIONS * np.where(_DIAGONAL, 707, 1000)
FLASH = _DIRECTIONS * np.where(_DIAGONAL, 5657, 8000)
ACTIONS = 16  # 0 to 7 walk, 8 to 15 flash, in the same directions
SUBSTEPS = 10
_PARTS = np.diff(
    [np.trunc(k * np.stack([WALK, FAST_WALK]) / SUBSTEPS).astype(int) for k in range(SUBSTEPS + 1)], axis=0
)  # (substep, walk or fast walk, direction, x or y)

TRIGGER = 1000  # units: what lies this near is taken
BUMP = 500  # units: a walk of at most this length counts as one into a wall
TREASURE_SCORE, END_SCORE, STEP_SCORE = 100.0, 150.0, 0.2
VISITS = 5  # as many visits of a cell are told apart
NEVER = 2**31  # a step that does not come


@dataclass(frozen=True)
class Layout:
    """One episode's map and what lies on it.

    Attributes:
        map: the map.
        start, end: sites.
        treasures: sites in rising order.
    """

    map: RealmMap
    start: int
    end: int
    treasures: tuple[int, ...]


@dataclass
class Events:
    """What one step did in every game; arrays ``(N,)``.

    Attributes:
        treasures: how many were taken.
        buff: whether the buff was taken.
        ended: whether the end was reached.
        missed: treasures that are left, where the end was reached.
        bump: a walk of at most 500 units.
        flashed: a flash; ``flash_wall``: one into rock.
        illegal: a flash before its time, which does nothing.
        revisit: whether the cell was visited more than twice before.
        approach: cells by which the nearest treasure, or else the end, came nearer by grid distance.
        score: what the game scored, where the end was reached.
    """

    treasures: np.ndarray
    buff: np.ndarray
    ended: np.ndarray
    missed: np.ndarray
    bump: np.ndarray
    flashed: np.ndarray
    flash_wall: np.ndarray
    illegal: np.ndarray
    revisit: np.ndarray
    approach: np.ndarray
    score: np.ndarray


class RealmGames:
    """The state of N games, and how a step changes it.

    Args:
        number: how many games.
        options: their rules.
        size: cells along a side of every map.
        slots: how many maps are held; game ``i`` plays on the map in slot ``slot[i]``.

    Attributes:
        position: ``(N, 2)`` units. cell: ``(N, 2)``.
        present: ``(N, 16)`` bool, treasures that nobody took yet.
        distance: ``(N, 16)`` uint16, grid distances from the player's cell to all sites.
        visits: ``(N, size + 2 * pad, same)`` uint8, how often each cell was stood on, up to 5.
        steps, taken: ``(N,)``, steps and treasures taken so far.
    """

    def __init__(self, number: int, options: RealmOptions, size: int, slots: int, pad: int = 0):
        self.number, self.options, self.size, self.pad = number, options, size, pad
        self.rows = np.arange(number)
        self.walls = np.zeros((slots, size, size), bool)  # zeros take memory only once a map is there
        self.distances = np.zeros((slots, size, size, SITES), np.uint16)
        self.places = np.zeros((slots, SITES, 2), int)
        self.maps: list[RealmMap | None] = [None] * slots
        self.nearest_free: dict[
            int, np.ndarray
        ] = {}  # slot: (2, size, size), where a flash into rock may lead
        self.slot = np.zeros(number, int)
        self.position, self.cell = np.zeros((2, number, 2), int)
        self.start, self.end, self.steps, self.taken = np.zeros((4, number), int)
        self.ready_at, self.fast_until, self.buff_at = np.zeros((3, number), int)
        self.present = np.zeros((number, SITES), bool)
        self.treasure_sites = np.zeros((number, TREASURES), int)  # all sites but buff, start and end
        self.distance = np.zeros((number, SITES), np.uint16)
        self.visits = np.zeros((number, size + 2 * pad, size + 2 * pad), np.uint8)

    def begin(self, row: int, layout: Layout, slot: int) -> None:
        """Start a game anew, with its map in a slot."""
        if self.maps[slot] is not layout.map:
            self.maps[slot] = layout.map
            self.walls[slot], self.distances[slot] = layout.map.walls, layout.map.distances
            self.places[slot] = layout.map.places
            self.nearest_free.pop(slot, None)
        self.slot[row], self.start[row], self.end[row] = slot, layout.start, layout.end
        self.position[row] = layout.map.places[layout.start]
        self.present[row] = np.isin(np.arange(SITES), layout.treasures)
        self.treasure_sites[row] = [s for s in range(1, SITES) if s not in (layout.start, layout.end)]
        for array in (self.steps, self.taken, self.ready_at, self.fast_until, self.buff_at):
            array[row] = 0
        self.visits[row] = 0
        self._look(np.array([row]))
        self._visit(np.array([row]))

    def layout(self, row: int) -> Layout:
        """The layout of a game that has not taken anything yet."""
        treasures = tuple(int(site) for site in np.flatnonzero(self.present[row]))
        return Layout(self.maps[self.slot[row]], int(self.start[row]), int(self.end[row]), treasures)

    @property
    def can_flash(self) -> np.ndarray:
        """``(N,)`` bool."""
        return self.steps >= self.ready_at

    @property
    def is_fast(self) -> np.ndarray:
        """``(N,)`` bool: whether the buff works."""
        return self.steps < self.fast_until

    @property
    def buff_present(self) -> np.ndarray:
        """``(N,)`` bool."""
        return self.steps >= self.buff_at

    @property
    def action_mask(self) -> np.ndarray:
        """``(N, 16)`` int8, 1 where the action is legal."""
        mask = np.ones((self.number, ACTIONS), np.int8)
        mask[:, 8:] = self.can_flash[:, None]
        return mask

    def advance(self, actions: np.ndarray, active: np.ndarray) -> Events:
        """One step of the active games.

        Args:
            actions: ``(N,)``, 0 to 15.
            active: ``(N,)`` bool; the others stay exactly as they are.
        """
        is_flash, direction = actions >= 8, actions % 8
        flashed = is_flash & active & self.can_flash
        walked = ~is_flash & active
        target = self._target()
        before, far = self.position.copy(), self.distance[self.rows, target].astype(int)

        go = np.flatnonzero(walked)
        self.position[go] = walk(
            self.walls, self.slot[go], self.position[go], direction[go], self.is_fast[go]
        )
        flash_wall = np.zeros(self.number, bool)
        if flashed.any():
            go = np.flatnonzero(flashed)
            self.position[go], flash_wall[go] = self._flash(go, direction[go])
            self.ready_at[go] = self.steps[go] + self.options.flash_cooldown
        moved = self.position - before

        buff_present = self.buff_present & active
        self.steps += active
        near = ((self.places[self.slot] - self.position[:, None]) ** 2).sum(axis=2) <= TRIGGER**2
        near &= active[:, None]
        got = near & self.present
        self.present ^= got
        treasures = got.sum(axis=1)
        self.taken += treasures
        buff = near[:, 0] & buff_present
        if buff.any():
            self.fast_until[buff] = self.steps[buff] + self.options.buff_duration
            respawn = self.options.buff_respawn
            self.buff_at[buff] = NEVER if respawn is None else self.steps[buff] + respawn
        ended = near[self.rows, self.end]

        self._look(self.rows)
        revisit = self._visit(np.flatnonzero(active)) if active.any() else np.zeros(self.number, bool)
        now = np.where(got[self.rows, target], 0, self.distance[self.rows, target].astype(int))
        return Events(
            treasures=treasures,
            buff=buff,
            ended=ended,
            missed=ended * self.present.sum(axis=1),
            bump=walked & ((moved**2).sum(axis=1) <= BUMP**2),
            flashed=flashed,
            flash_wall=flash_wall,
            illegal=is_flash & active & ~flashed,
            revisit=revisit,
            approach=far - now,
            score=ended * score(self.taken, self.steps, self.options.max_step),
        )

    def _target(self) -> np.ndarray:
        """The nearest treasure's site by grid distance, or the end where none is left; ``(N,)``."""
        far = np.where(self.present, self.distance, UNREACHED)
        return np.where(self.present.any(axis=1), far.argmin(axis=1), self.end)

    def _flash(self, rows: np.ndarray, direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where flashes lead, and whether into rock."""
        position, slot = self.position[rows], self.slot[rows]
        landing, free = flash(self.walls, slot, position, direction)
        if self.options.flash_landing == "stay":
            return np.where(free[:, None], landing, position), ~free
        for i in np.flatnonzero(~free):
            x, y = np.clip(landing[i] // CELL, 0, self.size - 1)
            landing[i] = self._nearest_free(slot[i])[:, x, y] * CELL + CELL // 2
        return landing, ~free

    def _nearest_free(self, slot: int) -> np.ndarray:
        if slot not in self.nearest_free:
            self.nearest_free[slot] = ndimage.distance_transform_edt(
                self.walls[slot], return_distances=False, return_indices=True
            )
        return self.nearest_free[slot]

    def _look(self, rows: np.ndarray) -> None:
        """Work out cell and grid distances."""
        cell = self.position[rows] // CELL
        self.cell[rows] = cell
        self.distance[rows] = self.distances[self.slot[rows], cell[:, 0], cell[:, 1]]

    def _visit(self, rows: np.ndarray) -> np.ndarray:
        """Count a visit; ``(N,)`` bool, whether there were more than two before."""
        x, y = (self.cell[rows] + self.pad).T
        visits = self.visits[rows, x, y]
        self.visits[rows, x, y] = np.minimum(visits, VISITS - 1) + 1
        often = np.zeros(self.number, bool)
        often[rows] = visits > 2
        return often


def walk(
    walls: np.ndarray, slot: np.ndarray, position: np.ndarray, direction: np.ndarray, fast: np.ndarray
) -> np.ndarray:
    """Where walks lead.

    Args:
        walls: ``(slots, size, size)`` bool.
        slot, direction: ``(n,)``.
        position: ``(n, 2)`` units, in free cells.
        fast: ``(n,)`` bool, with the buff.

    Returns:
        ``(n, 2)``.
    """
    size = walls.shape[1]
    flat, base = walls.reshape(-1), slot * (size * size)
    x, y = position[:, 0].copy(), position[:, 1].copy()
    column, row = base + x // CELL * size, y // CELL
    parts = _PARTS[:, fast.astype(int), direction]
    for k in range(SUBSTEPS):
        wanted = x + parts[k, :, 0]
        aside = base + wanted // CELL * size
        rock = flat[aside + row]
        x, column = np.where(rock, x, wanted), np.where(rock, column, aside)
        wanted = y + parts[k, :, 1]
        aside = wanted // CELL
        rock = flat[column + aside]
        y, row = np.where(rock, y, wanted), np.where(rock, row, aside)
    return np.stack([x, y], axis=1)


def flash(
    walls: np.ndarray, slot: np.ndarray, position: np.ndarray, direction: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Where flashes lead ``(n, 2)``, and whether one can stand there ``(n,)``; arguments as in ``walk``."""
    landing = position + FLASH[direction]
    cell = landing // CELL
    inside = ((cell >= 0) & (cell < walls.shape[1])).all(axis=1)
    x, y = np.where(inside[:, None], cell, 0).T
    return landing, inside & ~walls[slot, x, y]


def score(treasures, steps, max_step):
    """The score of games that reached their end after so many steps."""
    return TREASURE_SCORE * treasures + END_SCORE + STEP_SCORE * (max_step - steps)
