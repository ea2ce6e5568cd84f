"""Multi-agent PPO on two arms and one peg, from the state."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch

from gcb6206.agents.mappo_agent import ALGORITHMS
from gcb6206.env_configs.config import check_fields
from gcb6206.envs.two_arm.vector import TwoArmVectorEnv
from gcb6206.errors import ConfigError, nearest


@dataclass(frozen=True)
class TwoArmConfig:
    """The anchor's protocol: horizon 500, dense reward, no end at success, 131,072 steps in all."""

    total_steps: int = 131_072
    """Environment steps of the whole training, all environments together, the expert's too; rounded down to whole
    rollouts."""
    max_episode_steps: int = 500
    """Time limit of an episode, the anchor's horizon."""
    train_episode_steps: int | None = None
    """Time limit of the training's episodes only; none: max_episode_steps, which evaluations always have."""
    reward_shaping: bool = True
    """The dense reward; otherwise 1 for each step in success."""
    end_at_success: bool = False
    """Success terminates an episode. With the dense reward this is a trap, see envs/two_arm/env.py."""
    new_radius: bool = True
    """A peg of a new radius in each episode."""
    start_fraction: float = 0.6
    """Probability, at the start of the training, that an episode begins in a state of the expert; 0: no expert."""
    start_until: float = 0.667
    """The part of the training until which that probability falls to 0, in a straight line."""
    expert_episodes: int = 8
    """Episodes that the expert plays first; their steps count."""
    expert_steps: int = 60
    """Steps of each of these episodes."""
    exp_name: str | None = None
    """Name of the run's directory; None builds one out of the settings."""
    num_envs: int = 8
    """Environments that run side by side."""
    num_workers: int | None = None
    """Processes that play them; 0: the training's own; none: one for each processor. The result is the same."""
    n_steps: int = 256
    """Steps of every environment in one rollout."""
    num_epochs: int = 10
    """Passes over a rollout's frames in one update."""
    minibatch_size: int = 256
    """Frames in one minibatch."""
    lr: float = 3e-4
    """Step size of Adam for the actors at the start."""
    lr_final: float | None = 0.0
    """Step size at the end, approached in a straight line; none keeps it constant. The critic's falls in proportion."""
    critic_lr: float = 1e-3
    """Step size for the critic at the start."""
    gamma: float = 0.99
    """Discount, from 0 to 1."""
    lmbda: float = 0.95
    """Lambda of the advantage estimate: 0 trusts the critic, 1 the rewards."""
    clip_epsilon: float = 0.2
    """How far the ratio of new and old probability may leave 1 before its gradient is cut off."""
    entropy_eps: float = 0.0
    """Weight of the entropy in what is maximised."""
    critic_coef: float = 0.5
    """Weight of the critic's loss."""
    max_grad_norm: float | None = 0.5
    """Largest norm of the actors' gradient, and of the critic's; none does not clip."""
    target_kl: float | None = None
    """An update stops before a minibatch whose approx_kl exceeds 1.5 times this; none never stops."""
    reward_scale: float = 0.1
    """What rewards are multiplied by for learning; what is logged stays as it is."""
    initial_std: float = 0.5
    """Standard deviation of the actions at the start, before tanh."""
    algorithm: str = "mappo"
    """mappo: the critic sees both agents; ippo: only the agent whose value it estimates."""
    share_parameters: bool = False
    """Both arms use the same actor."""
    num_cells: int = 128
    """Units in each of the two hidden layers."""

    def __post_init__(self):
        check_fields(self, {
            "at least 1": "total_steps max_episode_steps train_episode_steps expert_episodes expert_steps num_envs n_steps num_epochs "
            "minibatch_size num_cells",
            "at least 0": "num_workers lr_final entropy_eps critic_coef",
            "a number from 0 to 1": "start_fraction gamma lmbda",
            "above 0, at most 1": "start_until",
            "above 0": "lr critic_lr clip_epsilon max_grad_norm target_kl reward_scale initial_std",
        })  # fmt: skip
        if self.algorithm not in ALGORITHMS:
            raise ConfigError(f"algorithm is {self.algorithm!r}: {nearest(self.algorithm, ALGORITHMS)}")
        rollout = self.num_envs * self.n_steps
        if self.total_steps < self.demonstrated + rollout:
            raise ConfigError(
                f"total_steps is {self.total_steps}, less than the expert's {self.demonstrated} steps and one rollout "
                f"of num_envs * n_steps = {rollout}: raise it, or lower n_steps"
            )
        if self.minibatch_size > rollout:
            raise ConfigError(
                f"minibatch_size is {self.minibatch_size}, more than the {rollout} frames of a rollout: lower it"
            )

    @property
    def demonstrated(self) -> int:
        """Steps of the expert."""
        return self.expert_episodes * self.expert_steps if self.start_fraction else 0

    def build(self) -> dict:
        """The run's parts: what ``TwoArmRun`` takes as ``config``."""
        env_kwargs = {
            name: getattr(self, name)
            for name in ("max_episode_steps", "reward_shaping", "end_at_success", "new_radius")
        }
        rollout = self.num_envs * self.n_steps
        names = ("algorithm", "share_parameters", "gamma", "lmbda", "num_epochs", "minibatch_size", "clip_epsilon",
                 "critic_coef", "max_grad_norm", "target_kl", "reward_scale", "initial_std")  # fmt: skip
        falls = 1.0 if self.lr_final is None else self.lr_final / self.lr
        limit = {"max_episode_steps": self.train_episode_steps or self.max_episode_steps}
        make_envs = functools.partial(TwoArmVectorEnv, num_workers=self.num_workers)
        return {
            "make_envs": functools.partial(make_envs, **{**env_kwargs, **limit}),
            "make_eval_envs": functools.partial(make_envs, **env_kwargs),
            "env_kwargs": env_kwargs,
            "num_envs": self.num_envs,
            "n_steps": self.n_steps,
            "updates": (self.total_steps - self.demonstrated) // rollout,
            "expert": (self.expert_episodes, self.expert_steps),
            "demonstrated": self.demonstrated,
            "starts": (self.start_fraction, self.start_until),
            "device": torch.device("cpu"),
            "log_name": self.exp_name or "two_arm",
            "agent_kwargs": {
                **{name: getattr(self, name) for name in names},
                "history_length": 1,
                "hidden": [self.num_cells] * 2,
                "lr": (self.lr, self.lr * falls),
                "critic_lr": (self.critic_lr, self.critic_lr * falls),
                "entropy_eps": (self.entropy_eps, self.entropy_eps),
                "normalize_advantages": True,
                "precision": "float32",
            },
        }
