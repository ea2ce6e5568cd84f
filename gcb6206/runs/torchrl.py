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

import logging
from collections.abc import Iterator

import torch
from tensordict import TensorDict, TensorDictBase
from tensordict.nn import TensorDictModule
from tensordict.nn.distributions import NormalParamExtractor
from torchrl.collectors import Collector
from torchrl.data import LazyTensorStorage, ReplayBuffer, SamplerWithoutReplacement
from torchrl.envs import (
    EnvBase,
    ExplorationType,
    RewardSum,
    StepCounter,
    TransformedEnv,
    VmasEnv,
    set_exploration_type,
)
from torchrl.modules import MultiAgentMLP, ProbabilisticActor, TanhNormal
from torchrl.objectives import ClipPPOLoss, ValueEstimators

from gcb6206.env_configs.mappo_config import MAPPOConfig, check_device
from gcb6206.envs.vmas import VmasTeam, expand_done, num_envs, scenario_arguments
from gcb6206.errors import ConfigError
from gcb6206.infrastructure.sentinel import check_finite
from gcb6206.runs.team_rollout import play_episodes

OBSERVATION, ACTION, REWARD = ("agents", "observation"), ("agents", "action"), ("agents", "reward")
RETURN, VALUE = ("agents", "episode_reward"), ("agents", "state_value")
logging.getLogger("torchrl").setLevel(logging.WARNING)  # it tells of every buffer that it makes
# Settings that only MultiAgentRun knows, and what they must be here.
NOT_HERE = {"critic_lr": None, "entropy_eps_final": None, "target_kl": None, "reward_scale": 1.0, "history_length": 1,
            "initial_std": 1.0}  # fmt: skip


class TorchRLRun:
    """One training.

    Args:
        config: the settings; ``precision`` is always float32 here.
        seed: of everything.
        tutorial: with the tutorial's time limit and without normalised advantages.

    Attributes:
        env, policy, critic, loss_module, collector: the parts.

    Raises:
        ConfigError: a setting that only ``MultiAgentRun`` knows, or a device that is not there.
        ValueError: the batch holds no whole number of episodes.
    """

    def __init__(self, config: MAPPOConfig, seed: int, tutorial: bool = False):
        for name, value in NOT_HERE.items():
            if getattr(config, name) != value:
                raise ConfigError(f"{name} is {getattr(config, name)}: the run with TorchRL has {value} only")
        self.config, self.seed = config, seed
        self.normalize = config.normalize_advantages and not tutorial
        torch.manual_seed(seed)
        self.env = make_env(config, num_envs(config.whole_frames, config.max_steps), seed, tutorial)
        self.policy = make_policy(self.env, config)
        self.critic = make_critic(self.env, config)
        self.loss_module = make_loss(self.policy, self.critic, config)
        self.optimizer = torch.optim.Adam(self.loss_module.parameters(), config.lr)
        self.collector = Collector(
            self.env,
            self.policy,
            device=self.env.device,
            storing_device=self.env.device,
            frames_per_batch=config.whole_frames,
            total_frames=config.total_steps,
        )
        self.buffer = ReplayBuffer(
            storage=LazyTensorStorage(config.whole_frames, device=self.env.device),
            sampler=SamplerWithoutReplacement(),
            batch_size=config.minibatch_size,
        )

    def iterations(self) -> Iterator[dict[str, float]]:
        """Collect and learn, ``n_iters`` times; after each, its figures.

        Yields:
            ``episode_reward_sum``, the mean return of the episodes that ended in the batch; means over the
            minibatches of the loss's parts, ``entropy``, ``kl_approx``, ``clip_fraction``, ``grad_norm``; and
            ``explained_variance`` of the critic before the update.

        Raises:
            NonFiniteError: names the first tensor and step that hold NaN or infinity.
        """
        for iteration, batch in enumerate(self.collector):
            self.prepare(batch)
            yield self.update(batch, iteration / self.config.n_iters)
            self.collector.update_policy_weights_()
        self.collector.shutdown()

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
        config, seen = self.config, []
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
        kind = (self.config.n_agents, self.config.scenario_kwargs)
        team = VmasTeam(self.config.scenario_name, episodes, self.env.device, *kind)
        return play_episodes(team, _MeanActions(self.policy), seed, self.config.max_steps)


def make_env(config: MAPPOConfig, count: int, seed: int, tutorial: bool = False) -> EnvBase:
    """So many environments side by side.

    Args:
        tutorial: the time limit is VMAS's own, and terminates.
    """
    env = VmasEnv(
        scenario=config.scenario_name,
        num_envs=count,
        continuous_actions=True,
        max_steps=config.max_steps if tutorial else None,
        device=check_device(config.device),
        seed=seed,
        **scenario_arguments(config.scenario_name, config.n_agents, config.scenario_kwargs or {}),
    )
    if not tutorial:
        env = TransformedEnv(env, StepCounter(config.max_steps))
    return TransformedEnv(env, RewardSum(in_keys=[env.reward_key], out_keys=[RETURN]))


def make_policy(env: EnvBase, config: MAPPOConfig) -> ProbabilisticActor:
    """Reads the agents' observations, writes their loc, scale, action and its log-probability."""
    spec = env.full_action_spec_unbatched[ACTION].space
    components = env.full_action_spec[ACTION].shape[-1]
    network = torch.nn.Sequential(
        _network(env, config, 2 * components, centralized=False), NormalParamExtractor()
    )
    parameters = [("agents", "loc"), ("agents", "scale")]
    return ProbabilisticActor(
        module=TensorDictModule(network, in_keys=[OBSERVATION], out_keys=parameters),
        spec=env.action_spec_unbatched,
        in_keys=parameters,
        out_keys=[ACTION],
        distribution_class=TanhNormal,
        distribution_kwargs={"low": spec.low, "high": spec.high},
        return_log_prob=True,
    )


def make_critic(env: EnvBase, config: MAPPOConfig) -> TensorDictModule:
    """Reads the agents' observations, writes a value for each; in MAPPO out of the observations of all."""
    network = _network(env, config, 1, centralized=config.algorithm == "mappo")
    return TensorDictModule(network, in_keys=[OBSERVATION], out_keys=[VALUE])


def make_loss(policy: ProbabilisticActor, critic: TensorDictModule, config: MAPPOConfig) -> ClipPPOLoss:
    """The loss, with the GAE that makes its advantages."""
    loss_module = ClipPPOLoss(
        actor_network=policy,
        critic_network=critic,
        clip_epsilon=config.clip_epsilon,
        entropy_coeff=config.entropy_eps,
        critic_coeff=config.critic_coef,
        normalize_advantage=False,
    )
    loss_module.set_keys(
        reward=REWARD,
        action=ACTION,
        value=VALUE,
        done=("agents", "done"),
        terminated=("agents", "terminated"),
    )
    loss_module.make_value_estimator(ValueEstimators.GAE, gamma=config.gamma, lmbda=config.lmbda)
    return loss_module


def _network(env: EnvBase, config: MAPPOConfig, outputs: int, centralized: bool) -> MultiAgentMLP:
    return MultiAgentMLP(
        env.observation_spec[OBSERVATION].shape[-1],
        outputs,
        n_agents=env.n_agents,
        centralized=centralized,
        share_params=config.share_parameters,
        device=env.device,
        depth=config.depth,
        num_cells=config.num_cells,
        activation_class=torch.nn.Tanh,
    )


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
