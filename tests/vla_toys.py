"""A small world with pictures, a policy for it, and a run, for ``test_vla*.py``."""

import argparse
import os
import signal
import sys
from pathlib import Path

import numpy as np
import torch

import solutions
from gcb6206.agents import vla_agent
from gcb6206.env_configs.vla_config import CloningConfig, MAPPOConfig
from gcb6206.envs.vla_world import Observation
from gcb6206.infrastructure.data_parallel import FollowerLogger, Ranks
from gcb6206.infrastructure.logger import Logger
from gcb6206.networks.vla import FeaturizerConfig
from gcb6206.runs.vla import VLARun

SIZE, LENGTH = 16, 8  # pixels, steps of an episode
SMALL = {
    "featurizers": (FeaturizerConfig(8, 2, 2, 16, 8, 1, True), FeaturizerConfig(8, 2, 2, 16, 8)),
    "llm_dim": 16, "llm_layers": 1, "llm_heads": 2, "llm_mlp": 32,
}  # fmt: skip


class SquareWorld:
    """Each agent's wrist camera shows where its first component of action should be: a bright column.

    An episode lasts ``LENGTH`` steps. A step earns 1 less the distance, and succeeds within 0.3.
    """

    n_agents, proprio_dim, image_size = 2, 3, SIZE
    low, high = -np.ones(2), np.ones(2)
    views = ((0, 1), (0, 2))
    instructions = ("move to the left square", "move to the right square")

    def __init__(self, num_envs: int):
        self.num_envs = num_envs

    def reset(self, seed: int) -> Observation:
        self.rng = np.random.default_rng(seed)
        self.goal, self.t = self.rng.uniform(-0.8, 0.8, (self.num_envs, 2)), 0
        return self._look()

    def _look(self) -> Observation:
        pictures = np.zeros((self.num_envs, 3, SIZE, SIZE, 3), np.uint8)
        columns = ((self.goal + 1) / 2 * SIZE).astype(int)
        for env in range(self.num_envs):
            for agent in range(2):
                pictures[env, 1 + agent, :, columns[env, agent]] = 255
        pictures[:, 0, self.t] = 100
        proprio = np.stack([self.goal, self.goal**2, np.full_like(self.goal, self.t / LENGTH)], axis=2)
        proprio[:, :, 1] = self.t % 2
        return Observation(torch.from_numpy(pictures), torch.from_numpy(proprio.astype(np.float32)))

    def step(self, actions):
        assert actions.shape == (self.num_envs, 2, 2) and np.abs(actions).max() <= 1.0
        far = np.abs(actions[:, :, 0] - self.goal)
        self.t += 1
        observation, over, info = self._look(), self.t == LENGTH, {"success": (far < 0.3).all(axis=1)}
        if over:
            info["final"] = observation
            self.goal, self.t = self.rng.uniform(-0.8, 0.8, (self.num_envs, 2)), 0
            observation = self._look()
        no = np.zeros(self.num_envs, bool)
        return observation, 1.0 - far, no, no | over, info

    def picture(self):
        return np.full((SIZE, SIZE, 3), 10 * self.t, np.uint8)

    def close(self) -> None:
        pass


def config(**changes) -> dict:
    """The parts of a small run."""
    settings = MAPPOConfig(
        **{"num_envs": 4, "num_steps_per_rollout": 12, "total_timesteps": 4 * 12 * 6, "image_size": SIZE}
        | {"num_epochs": 2, "num_minibatches": 2, "actor_lr": 3e-3, "critic_hidden": 8, "reward_scale": 1.0}
        | changes
    )
    parts = {**settings.build(), "sizes": SMALL, "make_world": SquareWorld, "make_eval_world": SquareWorld}
    return {**parts, "settings": {"total_timesteps": settings.total_timesteps}}


def cloning(path: Path, **changes) -> dict:
    """The parts of a small cloning."""
    settings = CloningConfig(**{"demonstrations": str(path), "updates": 30, "episodes": None} | changes)
    return {**settings.build(), "sizes": SMALL, "make_eval_world": SquareWorld, "settings": {}}


def demonstrate(path: Path, episodes: int = 8) -> Path:
    """Record who knows the goals."""
    world, found = SquareWorld(1), {name: [] for name in ("pictures", "proprio", "action", "first")}
    observation = world.reset(0)
    for step in range(episodes * LENGTH):
        action = np.stack([world.goal, np.zeros_like(world.goal)], axis=2)
        found["pictures"].append(observation.pictures[0].numpy())
        found["proprio"].append(observation.proprio[0].numpy())
        found["action"].append(action[0])
        found["first"].append(step % LENGTH == 0)
        observation, *_ = world.step(action)
    np.savez(path, **{name: np.array(values) for name, values in found.items()})
    return path


def arguments(**more) -> argparse.Namespace:
    """Flags of a run."""
    return argparse.Namespace(
        **{"seed": 3, "eval_interval": 0, "num_eval_episodes": 4, "checkpoint_interval": 96, "resume": None}
        | more
    )


def trained(parts: dict, logger, args):
    """The policy after a run."""
    run = VLARun(parts, logger, args)
    for progress in run.rounds():
        run.log_update(run.update(run.collect(), progress))
    return run.policy


def train(ranks: Ranks, log_dir: str, last: str, *changes: str) -> None:
    """A small run; its last rank kills itself after ``last`` steps, if that is not 0."""
    resume = log_dir if (Path(log_dir) / "checkpoint.pt").is_file() else None
    logger = FollowerLogger(log_dir) if ranks.rank else Logger(log_dir)
    update = VLARun.update

    def killed(run, *args):
        if int(last) and ranks.rank == ranks.size - 1 and run.done >= int(last):
            os.kill(os.getpid(), signal.SIGKILL)
        return update(run, *args)

    VLARun.update = killed
    parts = config(**{name: int(value) for name, value in (word.split("=") for word in changes)})
    trained({**parts, "ranks": ranks}, logger, arguments(resume=resume))
    logger.close()


def step(ranks: Ranks, folder: str) -> None:
    """One step of the optimiser; what went in and what came out, in a file for each rank."""
    run = VLARun(
        {**config(num_minibatches=1, num_epochs=1), "ranks": ranks}, FollowerLogger(folder), arguments()
    )
    raw = []
    gae = vla_agent.multi_agent_gae

    def remembered(*args):
        raw.append(gae(*args)[0])
        return gae(*args)

    vla_agent.multi_agent_gae = remembered
    samples = run.collect()
    samples["raw_advantage"] = raw[0].transpose(0, 1)
    run._order = torch.Generator().manual_seed(0)
    order = torch.randperm(48, generator=torch.Generator().manual_seed(0))
    (minibatch,) = run._minibatches(samples)
    losses, *_ = run.agent.losses(minibatch)
    run.agent.step(losses)
    minibatch["state"] = minibatch.pop("global_state").proprio
    minibatch["raw_advantage"] = samples["raw_advantage"].flatten(0, 1)[order]
    named = dict(run.agent.named_parameters())
    told = {
        "minibatch": minibatch,
        "grads": {name: parameter.grad for name, parameter in named.items() if parameter.grad is not None},
        "weights": {name: parameter.detach() for name, parameter in named.items()},
    }
    torch.save(told, Path(folder) / f"rank{ranks.rank}.pt")


def main(what: str, *words: str) -> None:
    """One rank under torchrun."""
    torch.set_num_threads(1)
    solutions.load("hw2", "hw4")
    ranks = Ranks.join(torch.device("cpu"))
    {"train": train, "step": step}[what](ranks, *words)
    ranks.leave()


if __name__ == "__main__":
    main(*sys.argv[1:])
