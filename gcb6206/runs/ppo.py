"""What a PPO training needs around its loop: seeds, environments, agent, evaluation, log, checkpoint."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from tqdm.auto import tqdm

from gcb6206.agents.ppo_agent import PPOAgent, explained_variance
from gcb6206.envs.vector import set_difficulty
from gcb6206.infrastructure import pytorch_util as ptu
from gcb6206.infrastructure.checkpoint import load_checkpoint, load_run, save_checkpoint
from gcb6206.infrastructure.logger import NullLogger
from gcb6206.infrastructure.utils import render_frame
from gcb6206.networks.policies import make_policy
from gcb6206.runs.dqn import CHECKPOINT, LONGEST_EPISODE
from gcb6206.runs.rollout import RolloutCollector, play_episodes


class PPORun:
    """The parts of one PPO training run, on one thread of the CPU, where networks of this size are fastest.

    A checkpoint begins new episodes in all environments, from a seed that the run's seed and the step decide,
    whether the run goes on or is killed there: a resumed run repeats exactly what the killed one would have
    done. Evaluations have environments and seeds of their own and leave the training's random streams alone.

    Args:
        config: the run's parts, as ``PPOConfig().build()`` gives them; ``curriculum`` may be any function
            ``(difficulty, progress, success_rate) -> difficulty``.
        logger: a ``Logger`` or ``NullLogger``; without a directory there are no checkpoints.
        args: ``seed, eval_interval, num_eval_episodes``, and where given ``num_render_episodes,
            checkpoint_interval, resume``.

    Raises:
        ValueError: spaces that PPO cannot work with.
        CheckpointError: ``args.resume`` is set and the checkpoint is missing, damaged or of other settings.
    """

    def __init__(self, config: dict, logger, args: argparse.Namespace):
        self.config, self.logger, self.args = config, logger, args
        ptu.init_gpu(use_gpu=False)
        np.random.seed(args.seed)
        torch.manual_seed(args.seed)
        self.env = config["make_envs"](num_envs=config["num_envs"])
        self.agent = make_agent(config, self.env)
        self.collector = RolloutCollector(self.env, config["n_steps"])
        self._eval_env = None  # made when the first evaluation is due
        self._steps_each = config["num_envs"] * config["n_steps"]
        self.step = 0  # environment steps so far
        self.difficulty = None
        directory = getattr(logger, "log_dir", None)
        self._checkpoint = Path(directory) / CHECKPOINT if directory else None
        self._saved_at = self._evaluated_at = 0
        self._figures: dict[str, float] = {}
        if getattr(args, "resume", None):
            self._restore()
        else:
            self.collector.restart(seed=args.seed)

    def updates(self) -> Iterator[float]:
        """The part of the training done before each update still to do; evaluates and saves between them."""
        total = self.config["updates"] * self._steps_each
        checkpoints = getattr(self.args, "checkpoint_interval", 0) if self._checkpoint else 0
        silent = isinstance(self.logger, NullLogger)
        with tqdm(total=total, initial=self.step, unit="step", dynamic_ncols=True, disable=silent) as bar:
            while self.step < total:
                self._advance_curriculum(self.step / total)
                yield self.step / total
                if self.step - self._evaluated_at >= self.args.eval_interval or self.step >= total:
                    self.evaluate()
                if checkpoints and (self.step - self._saved_at >= checkpoints or self.step >= total):
                    self._save()
                bar.set_postfix({name: f"{v:.1f}" for name, v in self._figures.items()}, refresh=False)
                bar.update(self._steps_each)
        if getattr(self.args, "num_render_episodes", 0):
            self._film()
        self.logger.flush()

    def collect(self) -> dict[str, torch.Tensor]:
        """Play one rollout; the samples that ``agent.update`` learns from."""
        begun = time.perf_counter()
        rollout = self.collector.collect(self.agent)
        self.step += self._steps_each
        samples = self.agent.prepare(rollout)
        self._seconds = {"collect": time.perf_counter() - begun, "end": time.perf_counter()}
        return samples

    def log_update(self, samples: dict[str, torch.Tensor], figures: dict[str, float]) -> None:
        """Log what an update returned and the last episodes' means, under Stable-Baselines3's tags."""
        learning = time.perf_counter() - self._seconds["end"]
        rollout = self.collector.figures()
        logged = {
            **rollout,
            **{f"train/{name}": value for name, value in {**figures, **self.agent.policy.figures()}.items()},
            "train/explained_variance": explained_variance(
                ptu.to_numpy(samples["values"]), ptu.to_numpy(samples["returns"])
            ),
            "time/fps": self._steps_each / (self._seconds["collect"] + learning),
        }
        if self.difficulty is not None:
            logged["rollout/difficulty"] = self.difficulty
        for name, value in logged.items():
            self.logger.log_scalar(value, name, self.step)
        if rollout:
            self._figures["return"] = rollout["rollout/ep_rew_mean"]

    def evaluate(self) -> np.ndarray:
        """Play ``num_eval_episodes`` greedy episodes and log their means; the returns."""
        if self._eval_env is None:
            self._eval_env = self.config["make_envs"](num_envs=self.args.num_eval_episodes)
        seed = _seed_of(self.args.seed, self.step, "evaluation")
        returns, lengths, successes = play_episodes(self._eval_env, self.agent, seed, LONGEST_EPISODE)
        logged = {"mean_reward": returns.mean(), "mean_ep_length": lengths.mean()}
        if successes is not None:
            logged["success_rate"] = successes.mean()
        for name, value in logged.items():
            self.logger.log_scalar(value, f"eval/{name}", self.step)
        self.logger.flush()
        self._evaluated_at = self.step
        self._figures["eval"] = float(returns.mean())
        return returns

    def _film(self) -> None:
        """Play and film ``num_render_episodes`` greedy episodes."""
        env, films = self.config["make_render_env"](), []
        seed = _seed_of(self.args.seed, self.step, "film")
        for episode in range(self.args.num_render_episodes):
            observation, _ = env.reset(seed=seed + episode)
            frames, over = [render_frame(env)], False
            while not over and len(frames) < LONGEST_EPISODE:
                action = self.agent.act(np.asarray(observation)[None])[1][0]
                observation, _, terminated, truncated, _ = env.step(action)
                frames.append(render_frame(env))
                over = terminated or truncated
            films.append({"image_obs": np.array(frames)})
        env.close()
        fps = env.metadata.get("render_fps", 30)
        self.logger.log_trajs_as_videos(films, self.step, max_videos_to_save=len(films), fps=fps)

    def _advance_curriculum(self, progress: float) -> None:
        if self.config.get("curriculum") is None:
            return
        success_rate = self.collector.figures().get("rollout/success_rate")
        self.difficulty = float(self.config["curriculum"](self.difficulty, progress, success_rate))
        set_difficulty(self.env, self.difficulty)

    def _save(self) -> None:
        """Begin new episodes everywhere and write the checkpoint: everything the next step depends on."""
        self.logger.flush()
        self._saved_at = self.step
        self._restart_episodes()
        numpy_state = np.random.get_state()
        save_checkpoint(
            self._checkpoint,
            {
                "step": self.step,
                "evaluated_at": self._evaluated_at,
                "settings": self._settings(),
                "agent": self.agent.training_state(),
                "episodes": self.collector.state(),
                "difficulty": self.difficulty,
                "random": {
                    "numpy": {
                        "keys": numpy_state[1],
                        "position": numpy_state[2],
                        "has_gauss": numpy_state[3],
                        "gauss": numpy_state[4],
                    },
                    "torch": torch.get_rng_state(),
                },
                "figures": self._figures,
            },
        )

    def _restore(self) -> None:
        """Take up the checkpoint of the logger's directory, and let the log forget what came after it."""
        state = load_run(self._checkpoint, self._settings())
        self.step = self._saved_at = state["step"]
        self._evaluated_at = state["evaluated_at"]
        self.agent.load_training_state(state["agent"])
        self.collector.load_state(state["episodes"])
        self.difficulty = state["difficulty"]
        self._figures = state["figures"]
        numpy_state = state["random"]["numpy"]
        np.random.set_state(
            (
                "MT19937",
                numpy_state["keys"].numpy(),
                numpy_state["position"],
                numpy_state["has_gauss"],
                numpy_state["gauss"],
            )
        )
        torch.set_rng_state(state["random"]["torch"])
        self._restart_episodes()
        self.logger.forget_from(self.step + 1)

    def _restart_episodes(self) -> None:
        self.collector.restart(seed=_seed_of(self.args.seed, self.step, "training"))
        if self.agent.reward_normalizer:
            self.agent.reward_normalizer.forget_episodes()

    def _settings(self) -> dict:
        """What must be the same for a run to go on: the seed and the configuration's fields."""
        return {"seed": self.args.seed, **self.config.get("settings", {})}


def check_envs(config: dict) -> None:
    """Make the environments and a policy for them, and throw both away.

    Raises:
        ConfigError, ValueError: an unknown environment or argument, or spaces that PPO cannot work with.
    """
    env = config["make_envs"](num_envs=1)
    make_agent(config, env)
    env.close()


def make_agent(config: dict, env) -> PPOAgent:
    """An untrained agent for vector environments, with the run's settings."""
    policy = make_policy(env.single_observation_space, env.single_action_space, **config["policy_kwargs"])
    return PPOAgent(policy, **config["agent_kwargs"])


def load_agent(config: dict, log_dir: str | Path) -> PPOAgent:
    """The trained agent of a run's directory, with the statistics that normalise its observations.

    Args:
        config: the run's parts.
        log_dir: holds the checkpoint.

    Raises:
        CheckpointError: the checkpoint is missing or damaged.
    """
    env = config["make_envs"](num_envs=1)
    agent = make_agent(config, env)
    env.close()
    agent.load_training_state(load_checkpoint(Path(log_dir) / CHECKPOINT)["agent"])
    return agent


def _seed_of(*parts: object) -> int:
    """A seed that depends on every part."""
    text = "/".join(map(str, parts)).encode()
    return int(np.random.SeedSequence(list(text)).generate_state(1)[0])
