"""Multi-agent PPO out of TorchRL's parts: what ``MultiAgentRun`` does in plain tensors.

    environment: VmasEnv, with StepCounter, whose time limit truncates, and RewardSum, which adds up returns
    policy:      MultiAgentMLP gives loc and scale, TanhNormal draws the action and its log-probability
    collector:   plays a batch with the policy, ``(environments, time)``
    loss:        ClipPPOLoss, told by set_keys where everything stands; its GAE gives the advantages
    update:      num_epochs times over the frames, in minibatches that a ReplayBuffer draws

Where this is not TorchRL's multi-agent tutorial: there ``VmasEnv(max_steps=...)`` marks the time limit as
terminated, so that nothing is expected after it, and advantages stay as they are. ``tutorial=True`` gives both
back.
"""

from __future__ import annotations

import argparse
import dataclasses
import logging
from collections.abc import Iterator

import torch
from tensordict import TensorDict, TensorDictBase
from torchrl.collectors import Collector
from torchrl.data import LazyTensorStorage, ReplayBuffer, SamplerWithoutReplacement
from torchrl.envs import ExplorationType, set_exploration_type
from torchrl.modules import ProbabilisticActor

from gcb6206.env_configs.mappo_config import MAPPOConfig
from gcb6206.envs.vmas import VmasTeam, expand_done, num_envs
from gcb6206.errors import ConfigError
from gcb6206.infrastructure.logger import NullLogger
from gcb6206.infrastructure.sentinel import check_finite
from gcb6206.runs.frame import Run, seed_of
from gcb6206.runs.team_rollout import play_episodes
from gcb6206.runs.torchrl_parts import (
    ACTION,
    OBSERVATION,
    RETURN,
    REWARD,
    VALUE,
    make_critic,
    make_env,
    make_loss,
    make_policy,
)

logging.getLogger("torchrl").setLevel(logging.WARNING)  # it tells of every buffer that it makes
# Settings that only MultiAgentRun knows, and what they must be here.
NOT_HERE = {"critic_lr": None, "entropy_eps_final": None, "target_kl": None, "reward_scale": 1.0, "history_length": 1,
            "initial_std": 1.0}  # fmt: skip


class TorchRLRun(Run):
    """One training.

    A checkpoint begins new episodes in all environments, from a seed that the run's seed and the iteration decide.

    Args:
        config: the settings; ``precision`` is always float32 here.
        seed: of everything.
        tutorial: with the tutorial's time limit and without normalised advantages.
        logger: a ``Logger``; without one nothing is logged, and there are no checkpoints.
        args: ``checkpoint_interval`` and ``resume``, where wanted.

    Attributes:
        env, policy, critic, loss_module, collector: the parts.

    Raises:
        ConfigError: a setting that only ``MultiAgentRun`` knows, or a device that is not there.
        ValueError: the batch holds no whole number of episodes.
    """

    counter = "iteration"
    evaluates = False  # see evaluate

    def __init__(
        self,
        config: MAPPOConfig,
        seed: int,
        tutorial: bool = False,
        logger=None,
        args: argparse.Namespace | None = None,
    ):
        for name, value in NOT_HERE.items():
            if getattr(config, name) != value:
                raise ConfigError(f"{name} is {getattr(config, name)}: the run with TorchRL has {value} only")
        self.tutorial, self.mappo = tutorial, config
        self.normalize = config.normalize_advantages and not tutorial
        parts = {"settings": {**dataclasses.asdict(config), "tutorial": tutorial}}
        given = argparse.Namespace(**{**vars(args or argparse.Namespace()), "seed": seed})
        super().__init__(parts, logger or NullLogger(), given)

    def build(self) -> None:
        """Make environments, networks and loss."""
        config = self.mappo
        count = num_envs(config.whole_frames, config.max_steps)
        self.env = make_env(config, count, self.args.seed, self.tutorial)
        self.policy = make_policy(self.env, config)
        self.critic = make_critic(self.env, config)
        self.loss_module = make_loss(self.policy, self.critic, config)
        self.optimizer = torch.optim.Adam(self.loss_module.parameters(), config.lr)

    def begin(self) -> None:
        """Begin the first episodes, with an empty buffer."""
        config = self.mappo
        self.buffer = ReplayBuffer(
            storage=LazyTensorStorage(config.whole_frames, device=self.env.device),
            sampler=SamplerWithoutReplacement(),
            batch_size=config.minibatch_size,
        )
        self.collector = Collector(
            self.env,
            self.policy,
            device=self.env.device,
            storing_device=self.env.device,
            frames_per_batch=config.whole_frames,
            total_frames=max(config.total_steps - self.steps_done, config.whole_frames),
        )
        self._batches = iter(self.collector)

    @property
    def total(self) -> int:
        """Iterations."""
        return self.mappo.n_iters

    @property
    def steps_done(self) -> int:
        """Frames collected so far."""
        return self.done * self.mappo.whole_frames

    def iterations(self) -> Iterator[dict[str, float]]:
        """Collect and learn, ``n_iters`` times; after each, its figures.

        Yields:
            ``episode_reward_sum``, the mean return of the episodes that ended in the batch; means over the
            minibatches of the loss's parts, ``entropy``, ``kl_approx``, ``clip_fraction``, ``grad_norm``; and
            ``explained_variance`` of the critic before the update.

        Raises:
            NonFiniteError: names the first tensor and step that hold NaN or infinity.
        """
        for progress in self.rounds():
            batch = next(self._batches)
            self.prepare(batch)
            figures = self.update(batch, progress)
            self.collector.update_policy_weights_()
            self.done += 1
            for name, value in figures.items():
                self.logger.log_scalar(value, f"train/{name}", self.steps_done)
            self.figures["episode_reward_sum"] = figures["episode_reward_sum"]
            yield figures

    def settle(self) -> None:
        """Begin new episodes everywhere."""
        seed = seed_of(self.args.seed, self.done, "training")
        torch.manual_seed(seed)
        self.env.set_seed(seed)  # VMAS has a random stream of its own
        self.begin()

    def state(self) -> dict:
        """Networks and optimiser."""
        return {"loss_module": self.loss_module.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state(self, state: dict) -> None:
        """Take up what ``state`` gave."""
        self.loss_module.load_state_dict(state["loss_module"])
        self.optimizer.load_state_dict(state["optimizer"])

    def prepare(self, batch: TensorDictBase) -> None:
        """Give a batch ``(environments, time)`` its agents' ends, advantages and value targets, in place.

        Raises:
            NonFiniteError: names the first tensor and step that hold NaN or infinity.
        """
        log_prob, reward = batch["agents", "action_log_prob"], batch["next", REWARD]
        check_finite({"observation": batch[OBSERVATION], "action": batch[ACTION], "log_prob": log_prob,
                      "reward": reward})  # fmt: skip
        for flag in ("done", "terminated"):
            batch["next", "agents", flag] = expand_done(batch["next", flag], self.env.n_agents)
        with torch.no_grad():
            self.loss_module.value_estimator(
                batch,
                params=self.loss_module.critic_network_params,
                target_params=self.loss_module.target_critic_network_params,
            )
        if self.normalize:
            advantage = batch["advantage"]
            batch["advantage"] = (advantage - advantage.mean()) / (advantage.std() + 1e-8)

    def update(self, batch: TensorDictBase, progress: float) -> dict[str, float]:
        """Learn from a prepared batch; the figures that ``iterations`` yields.

        Args:
            progress: the part of the training that is done, from 0 to 1.
        """
        config, seen = self.mappo, []
        last = config.lr if config.lr_final is None else config.lr_final
        for group in self.optimizer.param_groups:
            group["lr"] = config.lr + progress * (last - config.lr)
        self.buffer.extend(batch.reshape(-1))
        for _ in range(config.num_epochs * (config.whole_frames // config.minibatch_size)):
            losses = self.loss_module(self.buffer.sample())
            loss = losses["loss_objective"] + losses["loss_critic"] + losses["loss_entropy"]
            self.optimizer.zero_grad()
            loss.backward()
            largest = float("inf") if config.max_grad_norm is None else config.max_grad_norm
            norm = torch.nn.utils.clip_grad_norm_(self.loss_module.parameters(), largest)
            self.optimizer.step()
            seen.append(losses.detach().set("grad_norm", norm))
        names = ("loss_objective", "loss_critic", "loss_entropy", "entropy", "kl_approx", "clip_fraction",
                 "grad_norm")  # fmt: skip
        columns = {name: torch.stack([losses[name] for losses in seen]) for name in names}
        check_finite({name: column[None] for name, column in columns.items()})
        returns = batch["next", RETURN][batch["next", "agents", "done"]]
        errors = batch["value_target"] - batch[VALUE]
        return {
            "episode_reward_sum": returns.mean().item(),
            **{name: column.mean().item() for name, column in columns.items()},
            "explained_variance": (1.0 - errors.var() / batch["value_target"].var()).item(),
        }

    def evaluate(self, episodes: int = 200, seed: int = 0) -> torch.Tensor:
        """The returns ``(episodes,)`` of episodes with the mean actions, played as ``MultiAgentRun`` plays them.

        All VMAS environments of a process draw from one stream of random numbers: evaluate after the training.

        Args:
            seed: of the environments.
        """
        kind = (self.mappo.n_agents, self.mappo.scenario_kwargs)
        team = VmasTeam(self.mappo.scenario_name, episodes, self.env.device, *kind)
        return play_episodes(team, _MeanActions(self.policy), seed, self.mappo.max_steps)


class _MeanActions:
    """A policy as ``play_episodes`` asks an agent: it sees the newest observation and acts without noise."""

    history_length = 1

    def __init__(self, policy: ProbabilisticActor):
        self.policy = policy

    def with_history(self, observation: torch.Tensor, begins: torch.Tensor) -> torch.Tensor:
        """The observations as they are."""
        return observation

    def act(self, observation: torch.Tensor) -> torch.Tensor:
        """The mean actions ``(batch, n_agents, components)``."""
        seen = TensorDict({OBSERVATION: observation}, batch_size=observation.shape[:1])
        with set_exploration_type(ExplorationType.DETERMINISTIC):
            return self.policy(seen)[ACTION]
