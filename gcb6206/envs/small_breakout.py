"""Breakout on 10 by 10 cells, a laptop's Atari: the rules of MinAtar's Breakout (Young and Tian 2019), written anew.

    gymnasium.make("gcb6206/SmallBreakout-v0")

A ball that moves along diagonals breaks a wall of three rows, a paddle of one cell keeps it in the game, and a broken
brick is worth 1. Where nothing is left of the wall, a new one stands there. The episode ends with the ball that nobody
caught. Unlike MinAtar's, ours draws its random numbers from Gymnasium's own generator, so it can be resumed exactly.
"""

from __future__ import annotations

import gymnasium as gym
import numpy as np

SIZE = 10
PADDLE, BALL, TRAIL, BRICK = range(4)  # the layers of a picture
STAY, LEFT, RIGHT = range(3)
WALL = slice(1, 4)  # its rows
COLORS = np.array([[245, 245, 240], [255, 200, 60], [130, 100, 40], [90, 130, 200]], np.uint8)
CELL = 25  # pixels


class SmallBreakoutEnv(gym.Env):
    """One game.

    An observation is a picture ``(10, 10, 4)`` of zeros and ones, uint8: row 0 is the top, and the layers show paddle,
    ball, the ball's last place and bricks. So one picture tells where the ball flies, and none has to be stacked. The
    actions are stay, left and right.

    Args:
        render_mode: ``rgb_array`` or None.
        sticky: probability that the last action is taken once more in place of the given one.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}

    def __init__(self, render_mode: str | None = None, sticky: float = 0.1):
        self.render_mode, self.sticky = render_mode, sticky
        self.observation_space = gym.spaces.Box(0, 1, (SIZE, SIZE, 4), np.uint8)
        self.action_space = gym.spaces.Discrete(3)

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[np.ndarray, dict]:
        """A whole wall, and a ball that comes down from the left or from the right."""
        super().reset(seed=seed)
        from_left = bool(self.np_random.integers(2))
        self.ball = self.last = (3, 0 if from_left else SIZE - 1)  # row, column
        self.flight = (1, 1 if from_left else -1)
        self.paddle, self.last_action = 4, STAY
        self.bricks = np.zeros((SIZE, SIZE), np.uint8)
        self.bricks[WALL] = 1
        self.inside = (
            False  # whether the ball was among the bricks a step ago: it breaks one, then has to leave
        )
        return self._picture(), {}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict]:
        """Moves the paddle, then the ball."""
        if self.np_random.random() < self.sticky:
            action = self.last_action
        self.last_action = action
        self.paddle = min(max(self.paddle + (0, -1, 1)[action], 0), SIZE - 1)
        (row, column), (down, right) = self.ball, self.flight
        self.last = self.ball
        new_row, new_column = row + down, column + right
        if not 0 <= new_column < SIZE:
            new_column, right = column, -right
        reward, lost, among_bricks = 0.0, False, False
        if new_row < 0:
            new_row, down = 0, 1
        elif self.bricks[new_row, new_column]:
            among_bricks = True
            if not self.inside:
                reward = 1.0
                self.bricks[new_row, new_column] = 0
                new_row, down = row, -down
        elif new_row == SIZE - 1:
            if not self.bricks.any():
                self.bricks[WALL] = 1
            if column == self.paddle:  # caught in the middle
                new_row, down = row, -1
            elif new_column == self.paddle:  # caught at its edge: it flies back where it came from
                new_row, down, right = row, -1, -right
            else:
                lost = True
        self.inside = among_bricks
        self.ball, self.flight = (new_row, new_column), (down, right)
        return self._picture(), reward, lost, False, {}

    def render(self) -> np.ndarray | None:
        """A picture of 250 by 250 pixels."""
        if self.render_mode is None:
            return None
        picture = self._picture()
        colors = np.full((SIZE, SIZE, 3), 25, np.uint8)
        for layer in (BRICK, TRAIL, BALL, PADDLE):
            colors[picture[:, :, layer] == 1] = COLORS[layer]
        return colors.repeat(CELL, axis=0).repeat(CELL, axis=1)

    def _picture(self) -> np.ndarray:
        picture = np.zeros((SIZE, SIZE, 4), np.uint8)
        picture[SIZE - 1, self.paddle, PADDLE] = 1
        picture[*self.ball, BALL] = 1
        picture[*self.last, TRAIL] = 1
        picture[:, :, BRICK] = self.bricks
        return picture
