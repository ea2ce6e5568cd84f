"""A run of PPO on the realm, in one process: games, agent, curricula, and how good it is beside the planner.

A checkpoint begins new episodes in all games, from a seed that the run's seed and the step decide, whether the run goes
on or is killed there. The evaluation plays the same episodes every time, so that they are planned once.
"""

from __future__ import annotations

import dataclasses
import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from gcb6206.agents.ppo_agent import explained_variance
from gcb6206.agents.realm_agent import RealmAgent, RealmDQNAgent
from gcb6206.envs.realm import planner
from gcb6206.envs.realm.env import RealmVectorEnv
from gcb6206.infrastructure import pytorch_util as ptu
from gcb6206.networks.realm import RealmPolicy, gumbel_noise, pack
from gcb6206.runs.frame import Run, load_trained, seed_of
from gcb6206.runs.rollout import REMEMBERED

FILM_EVERY = 2  # steps from picture to picture
EPISODE = (
    "score",
    "treasures",
    "missed",
    "steps",
    "failed_steps",
    "is_success",
)  # what is told of ended episodes


class RealmCollector:
    """Steps the games with an agent, and keeps what it said at each step.

    Its draws come from a stream of its own, which ``restart`` begins anew: so they are the same in whichever process it
    is.

    Args:
        env: the games.
        n_steps: steps of every game in one rollout.

    Attributes:
        episodes: of the last 100 episodes that ended, their infos.
    """

    def __init__(self, env: RealmVectorEnv, n_steps: int):
        self.env, self.n_steps = env, n_steps
        self.episodes: deque[dict[str, float]] = deque(maxlen=REMEMBERED)

    def restart(self, seed: int) -> None:
        """Begin new episodes in all games, and the draws of actions, from a seed."""
        self._generator = np.random.default_rng(seed_of(seed, "actions"))
        self._observation = pack(self.env.reset(seed=seed)[0])

    def collect(self, agent: RealmAgent) -> dict[str, np.ndarray]:
        """Play ``n_steps`` steps in every game.

        Returns:
            Arrays ``(T, N, ...)`` as ``RealmAgent.prepare`` takes them. Where an episode was cut short,
            ``next_values`` holds the value of its own last observation. For learners that value anew: the
            observation after the last step, ``last_observation`` ``(N, ...)``, and those at which episodes were cut,
            ``cut_observations`` ``(cuts, ...)``, in the order of time and game.
        """
        number = self.env.num_envs
        noise = gumbel_noise(self._generator, self.n_steps, number)
        observations = np.empty((self.n_steps, number, self._observation.shape[1]), np.uint8)
        actions = np.empty((self.n_steps, number), np.int64)
        log_probs, values, next_values = np.empty((3, self.n_steps, number), np.float32)
        rewards = np.empty((self.n_steps, number))
        terminated, truncated = np.empty((2, self.n_steps, number), bool)
        cuts = [np.empty((0, self._observation.shape[1]), np.uint8)]
        for t in range(self.n_steps):
            observations[t] = self._observation
            actions[t], log_probs[t], values[t] = agent.act(self._observation, noise[t])
            observation, rewards[t], terminated[t], truncated[t], info = self.env.step(actions[t])
            self._observation = pack(observation)
            if "final_info" in info:
                self._note(info)
            cut = np.flatnonzero(truncated[t])
            if len(cut):
                last = [info["final_obs"][i] for i in cut]
                cuts.append(pack({name: np.stack([each[name] for each in last]) for name in last[0]}))
                next_values[t, cut] = agent.values(cuts[-1])
        following = np.concatenate([values[1:], agent.values(self._observation)[None]])
        return {
            "observations": observations,
            "actions": actions,
            "log_probs": log_probs,
            "values": values,
            "next_values": np.where(truncated, next_values, following),
            "rewards": rewards,
            "terminated": terminated,
            "truncated": truncated,
            "last_observation": self._observation.copy(),
            "cut_observations": np.concatenate(cuts),
        }

    @property
    def observation(self) -> np.ndarray:
        """Where the games stand, packed: ``(N, 10544)`` uint8."""
        return self._observation

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Play one step in every game.

        Returns:
            Arrays ``(N, ...)`` as a replay buffer takes them: observations, actions, rewards, next observations (an
            ended episode's own last one), and whether the episode terminated.
        """
        before = self._observation
        observation, rewards, terminated, truncated, info = self.env.step(actions)
        following = self._observation = pack(observation)
        if "final_info" in info:
            self._note(info)
            ended = np.flatnonzero(terminated | truncated)
            following = following.copy()
            last = [info["final_obs"][i] for i in ended]
            following[ended] = pack({name: np.stack([each[name] for each in last]) for name in last[0]})
        return before, actions, rewards, following, terminated

    def _note(self, info: dict) -> None:
        for i in np.flatnonzero(info["_final_info"]):
            self.episodes.append({name: float(info["final_info"][name][i]) for name in EPISODE})

    def figures(self) -> dict[str, float]:
        """Means over the last episodes; empty before the first one ended."""
        return episode_means(self.episodes)


class RealmRun(Run):
    """The parts of one training run on the realm, on one thread.

    Args:
        config: the run's parts, as ``RealmConfig().build()`` gives them.
        logger: a ``Logger`` or ``NullLogger``.
        args: besides what every run takes: ``num_eval_episodes``.
    """

    def build(self) -> None:
        """Make games, agent and collector."""
        ptu.init_gpu(use_gpu=False)
        self.agent = make_agent(self.config)
        self._steps_each = self.config["num_envs"] * self.config["n_steps"]
        self._eval_env = self._planned = None  # made when the first evaluation is due
        self.build_games()

    def build_games(self) -> None:
        """Make the games to train on, and ``episodes``, the memory of the last ones that ended."""
        self.env = make_games(self.config, self.config["num_envs"])
        self.envs = [self.env]
        self.collector = RealmCollector(self.env, self.config["n_steps"])
        self.episodes = self.collector.episodes

    def begin(self) -> None:
        """Begin the first episodes."""
        self._set_curriculum()
        self.collector.restart(seed=self.args.seed)

    @property
    def total(self) -> int:
        """Environment steps, all games together."""
        return self.config["updates"] * self._steps_each

    def updates(self) -> Iterator[float]:
        """The part of the training done, before each update still to do; see ``Run.rounds``."""
        return self.rounds()

    def before(self) -> None:
        """Set what the curricula say."""
        self._set_curriculum()

    def _set_curriculum(self) -> None:
        progress, phases = self.done / self.total, self.config["curriculum"]
        start = "random" if progress < self.config["random_start_fraction"] else self.config["options"].start
        self.change(
            {"treasure_num": phases[min(int(progress * len(phases)), len(phases) - 1)], "start": start}
        )

    def change(self, choices: dict) -> None:
        """Change options of all games, from their next episodes on."""
        for env in self.envs:
            env.change(**choices)

    def collect(self) -> dict[str, torch.Tensor]:
        """Play one rollout; the samples that ``agent.update`` learns from."""
        begun = time.perf_counter()
        rollout = self.collector.collect(self.agent)
        self.done += self._steps_each
        samples = self.agent.prepare(rollout)
        self._seconds = {"collect": time.perf_counter() - begun, "end": time.perf_counter()}
        return samples

    def log_update(self, samples: dict[str, torch.Tensor], figures: dict[str, float]) -> None:
        """Log what an update returned and the last episodes' means."""
        values, returns = ptu.to_numpy(samples["values"]), ptu.to_numpy(samples["returns"])
        logged = {
            **episode_means(self.episodes),
            **{f"train/{name}": value for name, value in figures.items()},
            "train/value_mean": values.mean(),
            "train/return_std": returns.std(),
            "train/explained_variance": explained_variance(values, returns),
            **self.speed(),
        }
        for name, value in logged.items():
            self.logger.log_scalar(value, name, self.done)
        self.figures["steps/s"] = logged.get("time/fps", self.figures.get("steps/s", 0.0))
        if self.episodes:
            self.figures["score"] = logged["rollout/score"]

    def speed(self) -> dict[str, float]:
        """Steps per second of this round, and the part of its time that playing took."""
        collecting, learning = self._seconds["collect"], time.perf_counter() - self._seconds["end"]
        return {
            "time/fps": self._steps_each / (collecting + learning),
            "time/collect_fraction": collecting / (collecting + learning),
        }

    def play(self, seed: int) -> tuple[np.ndarray, dict[str, float]]:
        """Play the evaluation's ``num_eval_episodes`` episodes; the scores. The episodes are the same every time."""
        if self._eval_env is None:
            self._eval_env = make_eval_games(self.config, self.args.num_eval_episodes)
        observation, _ = self._eval_env.reset(seed=seed_of(self.args.seed, "evaluation"))
        if self._planned is None:
            games, options = self._eval_env.games, self._eval_env.options
            layouts = [games.layout(i) for i in range(games.number)]
            self._planned = np.array([planner.plan(layout, options).score for layout in layouts])
        played = play_episodes(self._eval_env, self.agent, observation, self.config["greedy_evaluation"])
        of_planner, low, high = share(played["score"], self._planned)
        self.figures["% of planner"] = 100 * of_planner
        means = {f"eval/{name}": float(values.mean()) for name, values in played.items()}
        interval = {"eval/of_planner_low": low, "eval/of_planner_high": high}
        return played["score"], {**means, "eval/of_planner": of_planner, **interval}

    def films(self, wanted: int) -> Iterator[np.ndarray]:
        """Pictures of episodes."""
        greedy = self.config["greedy_evaluation"]
        for episode in range(wanted):
            env = make_eval_games(self.config, 1, render_mode="rgb_array")
            observation, _ = env.reset(seed=seed_of(self.args.seed, self.done, "film", episode))
            pictures, over = [env.render()[0]], False
            while not over:
                noise = None if greedy else self.agent.policy.noise(1)
                actions = self.agent.act(pack(observation), noise)[0]
                observation, _, terminated, truncated, info = env.advance(actions)
                over = bool(terminated[0] or truncated[0])
                if over or info["steps"][0] % FILM_EVERY == 0:
                    pictures.append(env.render()[0])
            yield np.array(pictures)

    def settle(self) -> None:
        """Begin new episodes everywhere."""
        self._set_curriculum()
        self.collector.restart(seed=seed_of(self.args.seed, self.done, "training"))

    def state(self) -> dict:
        """Agent, and the last episodes' figures."""
        return {"agent": self.agent.training_state(), "episodes": list(self.episodes)}

    def load_state(self, state: dict) -> None:
        """Take up what ``state`` gave."""
        self.agent.load_training_state(state["agent"])
        self.episodes.extend(state["episodes"])


def episode_means(episodes: Sequence[dict[str, float]]) -> dict[str, float]:
    """Means over the infos of ended episodes; empty where none ended."""
    if not episodes:
        return {}
    return {f"rollout/{name}": float(np.mean([e[name] for e in episodes])) for name in EPISODE}


def share(scores: np.ndarray, planned: np.ndarray, draws: int = 2000) -> tuple[float, float, float]:
    """The part of the planner's scores that was reached, and its 95% interval over episodes, by the bootstrap.

    >>> share(np.array([50.0, 50.0]), np.array([100.0, 100.0]))
    (0.5, 0.5, 0.5)
    """
    again = np.random.default_rng(0).integers(len(scores), size=(draws, len(scores)))
    drawn = scores[again].sum(axis=1) / planned[again].sum(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(scores.sum() / planned.sum()), float(low), float(high)


def play_episodes(
    env: RealmVectorEnv, agent: RealmAgent, observation: dict[str, np.ndarray], greedy: bool
) -> dict[str, np.ndarray]:
    """Play games that have just begun to their ends; the ended episodes' infos, each ``(N,)``.

    Args:
        env: the games; each may go on after its first end.
        agent: plays.
        observation: what ``reset`` gave.
        greedy: take the likeliest action; otherwise draw from the policy, with numpy's global stream.
    """
    ended = {name: np.zeros(env.num_envs) for name in EPISODE}
    playing = np.ones(env.num_envs, bool)
    while playing.any():
        noise = None if greedy else agent.policy.noise(env.num_envs)
        actions = agent.act(pack(observation), noise)[0]
        observation, _, terminated, truncated, info = env.step(actions)
        over = playing & (terminated | truncated)
        if over.any():
            for name in EPISODE:
                ended[name][over] = info["final_info"][name][over]
            playing &= ~over
    return ended


def make_games(config: dict, num_envs: int, **changes) -> RealmVectorEnv:
    """Games with the run's options, some of them changed."""
    return config["make_envs"](num_envs, **{**dataclasses.asdict(config["options"]), **changes})


def make_eval_games(config: dict, num_envs: int, **changes) -> RealmVectorEnv:
    """Games for evaluations: with their own maps where the configuration names some."""
    if config["eval_map_seed"] is not None:
        changes = {**changes, "map_seed": config["eval_map_seed"], "num_maps": num_envs}
    return make_games(config, num_envs, **changes)


def make_agent(config: dict):
    """An untrained agent with the run's settings: PPO's, or DQN's where the configuration is one of DQN."""
    if "update_period" in config:
        return RealmDQNAgent(**config["agent_kwargs"])
    return RealmAgent(RealmPolicy(**config["policy_kwargs"]), **config["agent_kwargs"])


def load_agent(config: dict, log_dir: str | Path) -> RealmAgent:
    """The trained agent of a run's directory.

    Args:
        config: the run's parts.
        log_dir: holds the checkpoint.

    Raises:
        CheckpointError: the checkpoint is missing or damaged.
    """
    return load_trained(make_agent(config), log_dir)
