"""Homework 5, distributed PPO: the reference solutions.

Each function stands in the student's notebook with the lines between the markers taken out.
"""

import os
from pathlib import Path

import numpy as np
import torch

from gcb6206.exercises import solves
from gcb6206.infrastructure.distributed import pool
from gcb6206.infrastructure.distributed.trajectory import Trajectory, lag
from gcb6206.networks.realm import ILLEGAL, RealmPolicy


@solves("hw5.mask_logits")
def mask_logits(logits: torch.Tensor, legal: torch.Tensor) -> torch.Tensor:
    # TODO(student): the logits, with ILLEGAL where an action is not legal
    # HINT: torch.where
    ### BEGIN SOLUTION
    return torch.where(legal, logits, ILLEGAL)
    ### END SOLUTION


@solves("hw5.behaviour_log_prob")
def behaviour_log_prob(
    policy: RealmPolicy, observations: np.ndarray, noise: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    # TODO(student): ask the policy, once and without gradients; choose; keep what it said of what was chosen
    # HINT: noise decides what is chosen, and is no part of what is kept; np.take_along_axis
    ### BEGIN SOLUTION
    with torch.no_grad():
        log_probs, values = policy(torch.from_numpy(observations))
    log_probs = log_probs.numpy()
    actions = (log_probs if noise is None else log_probs + noise).argmax(axis=1)
    taken = np.take_along_axis(log_probs, actions[:, None], axis=1)[:, 0]
    return actions, taken, values.numpy()
    ### END SOLUTION


@solves("hw5.should_train")
def should_train(self) -> bool:
    # TODO(student): whether there are enough trajectories, at first and later
    # HINT: len(self), self.preload, self.filling, self.counts["inserted"], self.inserted_at_training
    ### BEGIN SOLUTION
    if len(self) < self.train_batch_size:
        return False
    if self.filling:
        return len(self) >= self.preload
    if self.sampler == "Fifo":
        return True
    costs = self.train_batch_size / self.production_consume_ratio
    return bool(self.counts["inserted"] - self.inserted_at_training >= costs - 1e-9)
    ### END SOLUTION


@solves("hw5.drop_stale")
def drop_stale(
    trajectories: list[Trajectory], version: int, max_lag: int | None
) -> tuple[list[Trajectory], list[Trajectory]]:
    # TODO(student): two lists, those that are new enough and the others
    # HINT: lag(trajectory, version); a limit of 0 is a limit
    ### BEGIN SOLUTION
    kept, dropped = [], []
    for trajectory in trajectories:
        fresh = max_lag is None or lag(trajectory, version) <= max_lag
        (kept if fresh else dropped).append(trajectory)
    return kept, dropped
    ### END SOLUTION


@solves("hw5.vtrace")
def vtrace(
    log_ratio: np.ndarray,
    rewards: np.ndarray,
    values: np.ndarray,
    next_values: np.ndarray,
    terminated: np.ndarray,
    truncated: np.ndarray,
    gamma: float,
    trace_lambda: float = 1.0,
    clip_rho: float = 1.0,
    clip_c: float = 1.0,
) -> tuple[np.ndarray, np.ndarray]:
    # TODO(student): rho and c, the clipped weights; deltas, the weighted one-step errors
    # HINT: nothing follows a termination
    ### BEGIN SOLUTION
    ratio = np.exp(log_ratio)
    rho, c = np.minimum(clip_rho, ratio), trace_lambda * np.minimum(clip_c, ratio)
    following = next_values * ~terminated
    deltas = rho * (rewards + gamma * following - values)
    ### END SOLUTION

    # TODO(student): targets and advantages, from the last row to the first
    # HINT: carry v_{t+1} - V(s_{t+1}) from row to row; it is 0 after the last row and where an episode ended
    ### BEGIN SOLUTION
    targets, advantages = np.zeros_like(deltas), np.zeros_like(deltas)
    excess = np.zeros_like(deltas[0])
    for t in reversed(range(len(deltas))):
        carried = gamma * excess * ~(terminated[t] | truncated[t])
        advantages[t] = deltas[t] + trace_lambda * rho[t] * carried
        excess = deltas[t] + c[t] * carried
        targets[t] = values[t] + excess
    ### END SOLUTION
    return targets, advantages


@solves("hw5.publish")
def publish(self, state: dict, version: int) -> bool:
    # TODO(student): refuse a version that is not above all there are
    ### BEGIN SOLUTION
    newest = max(self.versions(), default=-1)
    if version <= newest:
        raise ValueError(f"version is {version}: expected above {newest}, the newest in {self.directory}")
    ### END SOLUTION

    # TODO(student): write the file under another name, let it reach the disk, give it its name
    # HINT: pool.to_bytes(state), self.has_room, self.path; flush before os.fsync; an OSError is no end of the run
    ### BEGIN SOLUTION
    content = pool.to_bytes(state)
    unfinished = Path(self.directory) / "unfinished"
    try:
        if not self.has_room(len(content)):
            raise OSError("no room")
        with open(unfinished, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, self.path(version))
    except OSError:
        self.failures += 1
        unfinished.unlink(missing_ok=True)
        return False
    ### END SOLUTION

    # TODO(student): keep the newest self.keep versions
    # HINT: self.remove
    ### BEGIN SOLUTION
    for old in self.versions()[: -self.keep]:
        self.remove(old)
    return True
    ### END SOLUTION


@solves("hw5.shaping")
def shaping() -> str:
    # These are the notes' weights. With so few frames, they teach not to move.
    settings = """
        treasure: 10
        end: 15
        missed: -10
        approach: 0.05
        flash_approach: 0.25
        learning_rate: 0.00025
        gamma: 0.999
    """
    # TODO(student): other weights and settings, with which something is learned in time
    # HINT: which term says something in every step? How far ahead must the critic look?
    ### BEGIN SOLUTION
    settings = """
        treasure: 2
        end: 2
        missed: -1
        approach: 0.2
        flash_approach: 0.2
        learning_rate: 0.001
        gamma: 0.95
        n_epochs: 4
        batch_size: 256
        normalize_advantages: true
        ent_coef: 0.01
    """
    ### END SOLUTION
    return settings
