"""What a multi-agent training needs around its loop: environments, agent, evaluation, log, checkpoint."""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from tqdm.auto import tqdm

from gcb6206.agents.mappo_agent import MAPPOAgent
from gcb6206.envs.vmas import VmasTeam, episode_reward_sum, expand_done
from gcb6206.infrastructure.checkpoint import load_checkpoint, load_run, save_checkpoint
from gcb6206.infrastructure.logger import NullLogger
from gcb6206.infrastructure.sentinel import NonFiniteError
from gcb6206.runs import team_replay
from gcb6206.runs.dqn import CHECKPOINT
from gcb6206.runs.team_rollout import collect_batch, play_episodes

NONFINITE = "nonfinite.pt"  # what the sentinel leaves behind
FILM_FPS = 20


class MultiAgentRun:
    """The parts of one multi-agent training run.

    Every batch begins new episodes, from a seed that the run's seed and the iteration decide, so a checkpoint
    between two iterations needs no environment: a resumed run repeats exactly what the killed one would have
    done. Evaluations have seeds of their own and leave the training alone.

    Args:
        config: the run's parts, as ``MAPPOConfig().build()`` gives them.
        logger: a ``Logger`` or ``NullLogger``; without a directory there are no checkpoints.
        args: ``seed, eval_interval, num_eval_episodes``, and where given ``num_render, replay,
            checkpoint_interval, resume``.

    Raises:
        ConfigError: a scenario or a number of agents that there is not.
        CheckpointError: ``args.resume`` is set and the checkpoint is missing, damaged or of other settings.
    """

    def __init__(self, config: dict, logger, args: argparse.Namespace):
        self.config, self.logger, self.args = config, logger, args
        if config["device"].type == "cpu":  # networks of this size gain nothing from more
            torch.set_num_threads(min(2, torch.get_num_threads()))
        self.team = config["make_team"](num_envs=config["num_envs"])
        self.agent = make_agent(config, self.team, args.seed)
        self._eval_team = None  # made when the first evaluation is due
        self.iteration = 0  # iterations done
        directory = getattr(logger, "log_dir", None)
        self._directory = Path(directory) if directory else None
        self._figures: dict[str, float] = {}
        if getattr(args, "resume", None):
            self._restore()

    @property
    def frames(self) -> int:
        """Frames collected so far."""
        return self.iteration * self.config["num_envs"] * self.config["max_steps"]

    def iterations(self) -> Iterator[float]:
        """The part of the training done before each iteration still to do; evaluates and saves between them."""
        total = self.config["n_iters"]
        evaluations = getattr(self.args, "eval_interval", 0)
        checkpoints = getattr(self.args, "checkpoint_interval", 0) if self._directory else 0
        silent = isinstance(self.logger, NullLogger)
        if self.iteration == 0 and self._replays:
            self._keep_replay(self._play())
        with tqdm(
            total=total, initial=self.iteration, unit="iter", dynamic_ncols=True, disable=silent
        ) as bar:
            while self.iteration < total:
                self._before = self._state()
                try:
                    yield self.iteration / total
                except GeneratorExit:
                    return
                if self.iteration == total or evaluations and self.iteration % evaluations == 0:
                    self.evaluate()
                if checkpoints and (self.iteration == total or self.iteration % checkpoints == 0):
                    self._save()
                bar.set_postfix({name: f"{v:.3g}" for name, v in self._figures.items()}, refresh=False)
                bar.update(1)
        if getattr(self.args, "num_render", 0):
            self._film()
        self.logger.flush()

    def collect(self) -> dict[str, torch.Tensor]:
        """Collect a batch; tensors ``(batch, time, ...)``."""
        self._begun = time.perf_counter()
        seed = _seed_of(self.args.seed, self.iteration, "training")
        batch = collect_batch(self.team, self.agent, seed, self.config["max_steps"])
        self._collected = time.perf_counter()
        self.iteration += 1
        return batch

    def log_iteration(self, batch: dict[str, torch.Tensor], figures: dict[str, float]) -> None:
        """Log what an update returned, and how well the team did.

        ``train/episode_reward_sum`` is the mean return of the episodes that ended by themselves or by the time
        limit; only where none ended, ``train/episode_reward_mean`` tells the mean reward of a step instead.
        """
        self._synchronize()
        ended = time.perf_counter()
        done = expand_done(batch["terminated"] | batch["truncated"], self.team.n_agents)
        reward_sum = episode_reward_sum(batch["reward"], done)
        if math.isnan(reward_sum):
            performance = {"episode_reward_mean": batch["reward"].mean().item()}
        else:
            performance = {"episode_reward_sum": reward_sum}
        logged = {
            **{f"train/{name}": value for name, value in {**performance, **figures}.items()},
            "time/iteration_seconds": ended - self._begun,
            "time/collect_seconds": self._collected - self._begun,
            "time/fps": batch["reward"].shape[0] * batch["reward"].shape[1] / (ended - self._begun),
        }
        for name, value in logged.items():
            self.logger.log_scalar(value, name, self.frames)
        self._figures.update(performance)

    def evaluate(self) -> torch.Tensor:
        """Play ``num_eval_episodes`` episodes with the mean actions and log their mean; the returns."""
        returns = self._play()
        self.logger.log_scalar(returns.mean().item(), "eval/episode_reward_sum", self.frames)
        self.logger.flush()
        self._figures["eval"] = returns.mean().item()
        if self._replays:
            self._keep_replay(returns)
        return returns

    def _play(self) -> torch.Tensor:
        """The returns of ``num_eval_episodes`` episodes with the mean actions."""
        if self._eval_team is None:
            self._eval_team = self.config["make_team"](num_envs=self.args.num_eval_episodes)
        seed = _seed_of(self.args.seed, self.iteration, "evaluation")
        return play_episodes(self._eval_team, self.agent, seed, self.config["max_steps"])

    @property
    def _replays(self) -> bool:
        """Whether an episode of each evaluation is kept."""
        return self._directory is not None and getattr(self.args, "replay", None) is not None

    def _keep_replay(self, returns: torch.Tensor) -> None:
        """Add to the replay one episode from the start that ``args.replay`` decides, the same at every evaluation.

        Args:
            returns: of the evaluation's episodes.
        """
        start, max_steps = self.args.replay, self.config["max_steps"]
        team = self.config["make_team"](num_envs=1)
        header = {
            "scenario": team.scenario_name,
            "start": start,
            "max_steps": max_steps,
            "entities": team_replay.entities(team),
        }
        episode = team_replay.play(team, self.agent, start, max_steps)
        mean = round(returns.mean().item(), 3) + 0.0  # no -0.0
        about = {"iteration": self.iteration, "frames": self.frames, "mean_return": mean}
        team_replay.keep(self._directory / team_replay.REPLAY, header, {**about, **episode})

    def keep_nonfinite(self, error: NonFiniteError) -> str:
        """Save what the sentinel saw and the state before this iteration; one sentence for the user."""
        if self._directory is None:
            return f"iteration {self._before['iteration'] + 1}: {error}"
        path = self._directory / NONFINITE
        found = {"name": error.name, "step": error.step, "message": str(error)}
        save_checkpoint(path, {**self._before, "found": found, "tensors": error.tensors})
        self.logger.flush()
        return (
            f"iteration {self._before['iteration'] + 1}: {error}. The tensors and the state before this "
            f"iteration are in {path}"
        )

    def _film(self) -> None:
        """Play and film ``num_render`` episodes with the mean actions."""
        team, films = self.config["make_team"](num_envs=1), []
        for number in range(self.args.num_render):
            pictures: list[np.ndarray] = []
            seed = _seed_of(self.args.seed, number, "film")
            play_episodes(
                team,
                self.agent,
                seed,
                self.config["max_steps"],
                watch=lambda _: pictures.append(team.picture()),
            )
            films.append({"image_obs": np.array(pictures)})
        self.logger.log_trajs_as_videos(films, self.frames, len(films), FILM_FPS, "trained_team")

    def _state(self) -> dict:
        """What the next iteration depends on, as copies."""
        return {
            "iteration": self.iteration,
            "settings": self._settings(),
            "agent": _copied(self.agent.training_state()),
            "figures": dict(self._figures),
        }

    def _save(self) -> None:
        self.logger.flush()
        save_checkpoint(self._directory / CHECKPOINT, self._state())

    def _restore(self) -> None:
        """Take up the checkpoint of the logger's directory, and let the log forget what came after it."""
        state = load_run(self._directory / CHECKPOINT, self._settings())
        self.iteration = state["iteration"]
        self.agent.load_training_state(state["agent"])
        self._figures = state["figures"]
        self.logger.forget_from(self.frames + 1)

    def _settings(self) -> dict:
        """What must be the same for a run to go on: the seed and the configuration's fields."""
        return {"seed": self.args.seed, **self.config.get("settings", {})}

    def _synchronize(self) -> None:
        if self.team.device.type == "cuda":
            torch.cuda.synchronize(self.team.device)


def make_agent(config: dict, team: VmasTeam, seed: int) -> MAPPOAgent:
    """An untrained agent for a team, with the run's settings."""
    return MAPPOAgent(
        team.n_agents, team.observation_size, team.low, team.high, **config["agent_kwargs"], seed=seed
    )


def load_agent(config: dict, log_dir: str | Path) -> MAPPOAgent:
    """The trained agent of a run's directory.

    Args:
        config: the run's parts.
        log_dir: holds the checkpoint.

    Raises:
        CheckpointError: the checkpoint is missing or damaged.
    """
    agent = make_agent(config, config["make_team"](num_envs=1), seed=0)
    agent.load_training_state(load_checkpoint(Path(log_dir) / CHECKPOINT)["agent"])
    return agent


def _copied(content):
    """A nested structure with copies of its tensors."""
    if isinstance(content, torch.Tensor):
        return content.detach().clone()
    if isinstance(content, dict):
        return {key: _copied(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return type(content)(_copied(value) for value in content)
    return content


def _seed_of(*parts: object) -> int:
    """A seed that depends on every part."""
    text = "/".join(map(str, parts)).encode()
    return int(np.random.SeedSequence(list(text)).generate_state(1)[0])
