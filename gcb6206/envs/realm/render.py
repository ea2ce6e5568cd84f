"""Pictures of a game: map, what was seen of it, memory, path, treasures, flashes. North is at the top."""

from __future__ import annotations

import cv2
import numpy as np

from gcb6206.envs.realm.game import VISITS, RealmGames
from gcb6206.envs.realm.maps import CELL
from gcb6206.envs.realm.observation import REACH

SIDE = 512  # pixels
FLASHED = 2000  # units: a longer step was a flash
ROCK, FLOOR, MEMORY = np.array([(52, 50, 58), (226, 220, 204), (150, 176, 120)], float)
FOG = 0.45  # how bright places are that were never in view
PATH, FLASH, PLAYER = (40, 90, 170), (170, 60, 200), (20, 40, 90)
TREASURE, TAKEN, BUFF, START, END = (
    (222, 160, 20),
    (140, 130, 110),
    (60, 150, 220),
    (90, 90, 90),
    (200, 50, 40),
)


def picture(games: RealmGames, row: int, path: np.ndarray) -> np.ndarray:
    """One game as it stands, ``(512, 512, 3)`` uint8.

    Args:
        games: the games.
        row: which of them.
        path: ``(steps + 1, 2)``, its positions so far.
    """
    realm, size, pad = games.maps[games.slot[row]], games.size, games.pad
    visits = games.visits[row, pad : pad + size, pad : pad + size, None] / VISITS
    colours = np.where(realm.walls[:, :, None], ROCK, FLOOR + visits * (MEMORY - FLOOR))
    colours[~in_view(path, size)] *= FOG
    canvas = cv2.resize(to_picture(colours), (SIDE, SIDE), interpolation=cv2.INTER_NEAREST)

    points = [pixel(position, size) for position in path]
    for k in range(1, len(path)):
        jumped = np.linalg.norm(path[k] - path[k - 1]) > FLASHED
        cv2.line(canvas, points[k - 1], points[k], FLASH if jumped else PATH, 2, cv2.LINE_AA)
    radius = max(4, SIDE // size)
    for site in games.treasure_sites[row]:
        colour, thickness = (TREASURE, -1) if games.present[row, site] else (TAKEN, 1)
        cv2.circle(canvas, pixel(realm.places[site], size), radius, colour, thickness, cv2.LINE_AA)
    if games.buff_present[row]:
        cv2.circle(canvas, pixel(realm.places[0], size), radius, BUFF, -1, cv2.LINE_AA)
    cv2.circle(canvas, pixel(realm.places[games.start[row]], size), radius, START, 2, cv2.LINE_AA)
    cv2.circle(canvas, pixel(realm.places[games.end[row]], size), radius, END, -1, cv2.LINE_AA)
    cv2.circle(canvas, points[-1], max(3, radius - 2), PLAYER, -1, cv2.LINE_AA)
    return canvas


def in_view(path: np.ndarray, size: int) -> np.ndarray:
    """Which cells ``(size, size)`` were on the observed map from anywhere on a path."""
    seen = np.zeros((size, size), bool)
    for x, y in np.unique(path // CELL, axis=0):
        seen[max(0, x - REACH) : x + REACH + 1, max(0, y - REACH) : y + REACH + 1] = True
    return seen


def to_picture(cells: np.ndarray) -> np.ndarray:
    """Colours of cells ``[x, y, 3]`` as a picture ``[row, column, 3]`` uint8, north at the top."""
    return np.ascontiguousarray(cells.transpose(1, 0, 2)[::-1].astype(np.uint8))


def pixel(position: np.ndarray, size: int) -> tuple[int, int]:
    """Column and row of a position in units."""
    scale = SIDE / (size * CELL)
    return int(position[0] * scale), int(SIDE - 1 - position[1] * scale)
