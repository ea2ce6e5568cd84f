"""What a player sees: a map of the surroundings, 31 numbers, and which actions are legal.

map     (4, 51, 51) uint8, 255 stands for 1: rock, memory (+.2 for each visit, up to 1), treasures, end; the player
        stands at [:, 25, 25], and map[k, 25 + i, 25 + j] is the cell i to the east and j to the north. 0 outside.
vector  (31,) float32 in [0, 1]: position 2, treasure present 13, treasure distance 13, buff present 1, buff
        distance 1, end distance 1. Treasures' sites come in rising order, without start and end. Distances are
        grid distances / 256, at most 1; 1 where the thing is not there.
action_mask  (16,) int8
"""

from __future__ import annotations

import gymnasium as gym
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from gcb6206.envs.realm.game import ACTIONS, VISITS, RealmGames
from gcb6206.envs.realm.maps import CELL

REACH = 25  # cells seen to each side
VIEW = 2 * REACH + 1
LAYERS = ("rock", "memory", "treasure", "end")
NUMBERS = 31
FAR = 256  # cells: distances are divided by it


def observation_space(maps: bool) -> gym.spaces.Dict:
    """The space of one player's observations, with or without the map."""
    spaces = {
        "vector": gym.spaces.Box(0.0, 1.0, (NUMBERS,), np.float32),
        "action_mask": gym.spaces.Box(0, 1, (ACTIONS,), np.int8),
    }
    if maps:
        spaces["map"] = gym.spaces.Box(0, 255, (len(LAYERS), VIEW, VIEW), np.uint8)
    return gym.spaces.Dict(spaces)


class Observer:
    """Draws observations of games; holds what of it changes only from map to map."""

    def __init__(self, games: RealmGames, maps: bool):
        self.games, self.maps = games, maps
        if maps:
            padded = games.size + 2 * REACH
            self.rock = np.zeros((len(games.maps), padded, padded), np.uint8)

    def load(self, slot: int) -> None:
        """Take up the map in a slot."""
        if self.maps:
            self.rock[slot, REACH:-REACH, REACH:-REACH] = 255 * self.games.walls[slot]

    def observe(self) -> dict[str, np.ndarray]:
        """Observations of all games, each part ``(N, ...)``."""
        observation = {"vector": self.numbers(), "action_mask": self.games.action_mask}
        if self.maps:
            observation["map"] = self.surroundings()
        return observation

    def numbers(self) -> np.ndarray:
        """The parts ``vector``, ``(N, 31)``."""
        games = self.games
        rows, sites = games.rows[:, None], games.treasure_sites
        far = np.minimum(games.distance / np.float32(FAR), np.float32(1))
        present = games.present[rows, sites]
        vector = np.empty((games.number, NUMBERS), np.float32)
        vector[:, :2] = games.position / (games.size * CELL)
        vector[:, 2:15] = present
        vector[:, 15:28] = np.where(present, far[rows, sites], 1)
        vector[:, 28] = games.buff_present
        vector[:, 29] = np.where(games.buff_present, far[:, 0], 1)
        vector[:, 30] = far[games.rows, games.end]
        return vector

    def surroundings(self) -> np.ndarray:
        """The parts ``map``, ``(N, 4, 51, 51)``."""
        games = self.games
        x, y = games.cell.T
        view = np.zeros((games.number, len(LAYERS), VIEW, VIEW), np.uint8)
        # views, so made here: a copy or a pickle of the environment would keep them as arrays of their own
        rock, memory = (sliding_window_view(a, (VIEW, VIEW), axis=(1, 2)) for a in (self.rock, games.visits))
        view[:, 0] = rock[games.slot, x, y]
        np.multiply(memory[games.rows, x, y], 255 // VISITS, out=view[:, 1])
        seen = games.places[games.slot] // CELL - games.cell[:, None] + REACH
        inside = ((seen >= 0) & (seen < VIEW)).all(axis=2)
        row, site = np.nonzero(inside & games.present)
        view[row, 2, seen[row, site, 0], seen[row, site, 1]] = 255
        row = np.flatnonzero(inside[games.rows, games.end])
        site = games.end[row]
        view[row, 3, seen[row, site, 0], seen[row, site, 1]] = 255
        return view
