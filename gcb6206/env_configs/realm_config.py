"""PPO on Return to the Realm, and DQN beside it."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch

from gcb6206.env_configs.config import check_fields
from gcb6206.env_configs.dqn_basic_config import DQN_LIMITS, agent_fields
from gcb6206.env_configs.schedule import PiecewiseSchedule
from gcb6206.envs.realm.env import RealmVectorEnv
from gcb6206.envs.realm.options import TREASURES, RealmOptions, check_whole
from gcb6206.envs.realm.rewards import SHAPED, check_weights
from gcb6206.errors import ConfigError
from gcb6206.exercises import exercise
from gcb6206.infrastructure.distributed.buffer import TrajectoryBuffer
from gcb6206.networks.optimizers import LeanAdam
from gcb6206.networks.realm import RealmCritic


@dataclass(frozen=True)
class RealmGames:
    """What the games are, and how many play; the values are those of a contestant's notes."""

    size: int = 128
    """Cells along a side of the map, 48 to 256."""
    map_seed: int = 0
    """The first map's seed."""
    num_maps: int | None = 1
    """Number of maps to train on: map_seed and those after it; none: a new map in every episode."""
    eval_map_seed: int | None = None
    """The first map's seed of the evaluation, one map for each of its games; none: the training's maps."""
    treasure_num: int = TREASURES
    """Treasures in the evaluation's games, 0 to 13."""
    treasure_curriculum: str | None = None
    """Numbers of treasures in equal parts of the training, such as "norm,13,norm"; "uniform" and "norm" draw the
    number again for each episode; none: treasure_num throughout."""
    random_start_fraction: float = 0.0
    """The first part of the training, in which episodes begin at a random site."""
    max_step: int = 2000
    """Steps after which an episode is truncated."""
    env_kwargs: dict | None = None
    """Other options of the environment; in the YAML file only."""
    rewards: dict | None = None
    """Weights of reward terms that differ from the usual ones; in the YAML file only."""
    exp_name: str | None = None
    """Name of the run's directory; None builds one out of the settings."""
    total_steps: int = 5_000_000
    """Environment steps of the whole training, all games together; rounded down to whole rollouts."""
    num_envs: int = 10
    """Games that run side by side."""
    greedy_evaluation: bool = False
    """Take the likeliest action in evaluations; otherwise draw from the policy, which gets stuck less."""
    channels: int = 8
    """Channels of the first convolution; the other two have twice as many."""
    hidden_size: int = 128
    """Units of the layer that joins the map and the numbers."""
    end_as_last_treasure: bool = False
    """The network sees the end among the treasures, and only when no treasure is left."""

    def __post_init__(self):
        check_fields(self, {
            "at least 1": "total_steps num_envs channels hidden_size",
            "a number from 0 to 1": "random_start_fraction",
        })  # fmt: skip
        self.options()
        if self.eval_map_seed is not None:
            check_whole("eval_map_seed", self.eval_map_seed, 0, 2**31 - 1)
        for number in self.curriculum:
            try:
                self.options(treasure_num=number)
            except ConfigError as error:
                raise ConfigError(f"treasure_curriculum is {self.treasure_curriculum!r}: {error}") from None
        check_weights({} if self.rewards is None else self.rewards)

    @property
    def curriculum(self) -> list[int | str]:
        """What ``treasure_num`` is in equal parts of the training."""
        if self.treasure_curriculum is None:
            return [self.treasure_num]
        words = [word.strip() for word in self.treasure_curriculum.split(",")]
        return [int(word) if word.isdecimal() else word for word in words]

    def options(self, **changes) -> RealmOptions:
        """The training's games, with some options changed."""
        names = ("size", "map_seed", "num_maps", "max_step", "treasure_num")
        own = {name: getattr(self, name) for name in names}
        twice = set(own) & set(self.env_kwargs or {})
        if twice:
            raise ConfigError(f"env_kwargs holds {min(twice)}, which is a field of its own: set that one")
        return RealmOptions().changed({**(self.env_kwargs or {}), **own, **changes})

    def _check_total(self) -> int:
        rollout = self.n_steps * self.num_envs
        if self.total_steps < rollout:
            raise ConfigError(
                f"total_steps is {self.total_steps}, less than one rollout of n_steps * num_envs = {rollout}"
                ": raise it, or lower n_steps"
            )
        return rollout

    def games(self) -> dict:
        """The parts of a run that make and show its games."""
        return {
            "make_envs": functools.partial(RealmVectorEnv, rewards={**SHAPED, **(self.rewards or {})}),
            "options": self.options(),
            "eval_map_seed": self.eval_map_seed,
            "greedy_evaluation": self.greedy_evaluation,
            "curriculum": self.curriculum,
            "random_start_fraction": self.random_start_fraction,
            "num_envs": self.num_envs,
        }


@dataclass(frozen=True)
class RealmConfig(RealmGames):
    """PPO with the settings of a contestant's notes, on the contest's game."""

    n_steps: int = 256
    """Steps of every game in one rollout."""
    batch_size: int = 64
    """Samples in one minibatch; divides n_steps * num_envs."""
    n_epochs: int = 1
    """Passes over a rollout's samples in one update."""
    gamma: float = 0.999
    """Discount, from 0 to 1."""
    gae_lambda: float = 0.95
    """Lambda of the advantage estimate: 0 trusts the critic, 1 the rewards."""
    learning_rate: float = 2.5e-4
    """Step size of Adam at the start."""
    learning_rate_final: float | None = 1e-5
    """Step size at the end, approached in a straight line; None keeps it constant."""
    clip_range: float = 0.2
    """How far the ratio of new and old probability may leave 1 before its gradient is cut off."""
    ent_coef: float = 1e-3
    """Weight of the entropy in what is maximised, at the start."""
    ent_coef_final: float | None = None
    """The same at the end, approached in a straight line; None keeps it constant."""
    vf_coef: float = 0.5
    """Weight of the value loss."""
    max_grad_norm: float | None = 0.5
    """Largest norm of the gradient; None does not clip."""
    normalize_advantages: bool = False
    """Bring each minibatch's advantages to mean 0 and standard deviation 1."""
    share_backbone: bool = False
    """One backbone for actor and critic."""

    def __post_init__(self):
        super().__post_init__()
        check_fields(self, {
            "at least 1": "n_steps n_epochs",
            "a number from 0 to 1": "gamma gae_lambda",
            "above 0": "learning_rate clip_range max_grad_norm",
            "at least 0": "learning_rate_final ent_coef ent_coef_final vf_coef",
        })  # fmt: skip
        rollout = self._check_total()
        if self.batch_size < 2 or rollout % self.batch_size:
            raise ConfigError(
                f"batch_size is {self.batch_size}: it must divide n_steps * num_envs = {self.n_steps} * "
                f"{self.num_envs} = {rollout}"
            )

    def build(self) -> dict:
        """The run's parts: what ``RealmRun`` takes as ``config``."""
        names = ("gamma", "gae_lambda", "n_epochs", "batch_size", "vf_coef", "max_grad_norm",
                 "normalize_advantages")  # fmt: skip
        final = self.learning_rate if self.learning_rate_final is None else self.learning_rate_final
        ent_final = self.ent_coef if self.ent_coef_final is None else self.ent_coef_final
        built = (
            f"realm{self.size}_lr{self.learning_rate:g}_n{self.n_steps}x{self.num_envs}_b{self.batch_size}"
        )
        return {
            **self.games(),
            "policy_kwargs": {
                "channels": self.channels,
                "hidden": self.hidden_size,
                "share_backbone": self.share_backbone,
                "end_as_last_treasure": self.end_as_last_treasure,
            },
            "agent_kwargs": {
                "make_optimizer": functools.partial(LeanAdam, lr=self.learning_rate, eps=1e-5),
                "learning_rate": (self.learning_rate, final),
                "clip_range": (self.clip_range, self.clip_range),
                "ent_coef": (self.ent_coef, ent_final),
                **{name: getattr(self, name) for name in names},
            },
            "updates": self.total_steps // (self.n_steps * self.num_envs),
            "n_steps": self.n_steps,
            "log_name": self.exp_name or built,
        }


@dataclass(frozen=True)
class RealmDQNConfig(RealmGames):
    """Double DQN on the same games."""

    num_envs: int = 64
    """Games that run side by side."""
    n_steps: int = 64
    """Steps of every game between two lines of the log."""
    greedy_evaluation: bool = True
    """Take the best action in evaluations; otherwise any legal one with probability exploration_final."""
    learning_starts: int = 20_000
    """First step with a gradient step; before it the buffer fills."""
    update_period: int = 64
    """Environment steps to one update."""
    batch_size: int = 128
    """Transitions in one gradient step."""
    replay_buffer_capacity: int = 50_000
    """Transitions kept, 21 kB each; the oldest go first."""
    discount: float = 0.95
    """Discount gamma, from 0 to 1."""
    target_update_period: int = 500
    """Updates between two copies into the target network."""
    use_double_q: bool = True
    """Choose the next action with the online network (double Q-learning)."""
    learning_rate: float = 5e-4
    """Step size of Adam at the start."""
    learning_rate_final: float | None = 5e-5
    """Step size at the end, approached in a straight line; None keeps it constant."""
    clip_grad_norm: float | None = 10.0
    """Largest norm of the gradient; None does not clip."""
    exploration_fraction: float = 0.3
    """Part of the training in which epsilon falls from 1 to its final value, above 0 and at most 1."""
    exploration_final: float = 0.05
    """Epsilon from then on, from 0 to 1."""

    def __post_init__(self):
        super().__post_init__()
        check_fields(self, DQN_LIMITS)
        check_fields(self, {
            "at least 0": "learning_rate_final",
            "at least 1": "update_period n_steps",
            "above 0, at most 1": "exploration_fraction",
        })  # fmt: skip
        self._check_total()

    def build(self) -> dict:
        """The run's parts: what ``RealmDQNRun`` takes as ``config``."""
        final = self.learning_rate if self.learning_rate_final is None else self.learning_rate_final
        updates = max(1, (self.total_steps - self.learning_starts) // self.update_period)
        rate = PiecewiseSchedule(
            [(0, 1.0), (updates, final / self.learning_rate)], final / self.learning_rate
        )
        decay = max(1, round(self.exploration_fraction * self.total_steps))
        network = functools.partial(
            RealmCritic,
            channels=self.channels,
            hidden=self.hidden_size,
            end_as_last_treasure=self.end_as_last_treasure,
        )
        names = ("n_steps", "learning_starts", "update_period", "batch_size", "replay_buffer_capacity",
                 "exploration_final")  # fmt: skip
        return {
            **self.games(),
            **{name: getattr(self, name) for name in names},
            "updates": self.total_steps // (self.n_steps * self.num_envs),
            "agent_kwargs": {
                "make_critic": network,
                "make_optimizer": functools.partial(LeanAdam, lr=self.learning_rate),
                "make_lr_schedule": functools.partial(
                    torch.optim.lr_scheduler.LambdaLR, lr_lambda=rate.value
                ),
                **agent_fields(self),
            },
            "exploration_schedule": PiecewiseSchedule(
                [(0, 1.0), (decay, self.exploration_final)], self.exploration_final
            ),
            "log_name": self.exp_name or f"realm{self.size}_dqn_lr{self.learning_rate:g}_d{self.discount:g}",
        }


@dataclass(frozen=True)
class RealmDistributedConfig(RealmConfig):
    """The same with the notes' roles: workers act with weights of the model pool, a learner trains out of a buffer."""

    num_workers: int = 8
    """Environment workers (aisrv), each with num_envs games of its own."""
    replay_buffer_capacity: int = 24
    """Trajectories in the buffer; one is n_steps steps of a worker's games."""
    train_batch_size: int = 8
    """Trajectories in one training, at most replay_buffer_capacity."""
    preload_ratio: float = 1.0
    """The first training waits for replay_buffer_capacity // preload_ratio trajectories."""
    production_consume_ratio: float = 1.0
    """How often each trajectory is sampled, on average."""
    sampler: str = "Uniform"
    """"Uniform" draws different trajectories, "Fifo" takes the oldest, each once."""
    dump_model_freq: int = 2
    """Trainings between two publications of the weights."""
    model_sync_interval: int = 8
    """Trajectories between two looks of the actor into the model pool."""
    max_lag: int | None = None
    """Drop trajectories that are more versions old than this; none: drop none."""
    vtrace: bool = False
    """Correct for the lag by V-trace in the place of generalised advantage estimation."""
    recompute_log_probs: bool = False
    """A mistake of the notes, to look at: take log-probabilities from the learner's weights, not from the actor's."""
    synchronous: bool = False
    """On Ray: insert what comes only after the learner has trained, as in one process."""

    def __post_init__(self):
        super().__post_init__()
        check_fields(self, {
            "at least 1": "num_workers dump_model_freq model_sync_interval",
            "at least 0": "max_lag",
        })  # fmt: skip
        if self.recompute_log_probs and self.vtrace:
            raise ConfigError("recompute_log_probs leaves no ratio for vtrace to correct: set one of the two")
        self.make_buffer(seed=0)

    def make_buffer(self, seed: int) -> TrajectoryBuffer:
        """An empty buffer."""
        return TrajectoryBuffer(
            self.replay_buffer_capacity,
            self.train_batch_size,
            self.preload_ratio,
            self.production_consume_ratio,
            self.sampler,
            seed,
        )

    def build(self) -> dict:
        """The run's parts: what ``RealmDistributedRun`` takes as ``config``."""
        names = ("num_workers", "dump_model_freq", "model_sync_interval", "max_lag", "vtrace", "synchronous",
                 "recompute_log_probs", "make_buffer")  # fmt: skip
        return {**super().build(), **{name: getattr(self, name) for name in names}}


@exercise("hw5.shaping")
def shaping() -> str:
    """Weights of rewards and settings with which an agent learns the small maps of homework 5 in time.

    The task, the networks and a budget are given. Within them you choose: the weights of the reward terms
    (``gcb6206/envs/realm/rewards.py``; a term that you leave out keeps the notes' weight, 0 switches it off) and the
    tunable settings.

    Returns:
        Text in YAML: a line ``name: value`` for each term or field of ``RealmDistributedConfig`` that you choose.
    """
