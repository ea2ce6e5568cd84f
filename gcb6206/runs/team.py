"""A multi-agent run: teams side by side, their agent, replays, and what the sentinel leaves behind.

Every batch begins new episodes, from a seed that the run's seed and the iteration decide, so a checkpoint between two
iterations needs no environment.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from gcb6206.agents.mappo_agent import MAPPOAgent
from gcb6206.envs.vmas import VmasTeam
from gcb6206.infrastructure.checkpoint import copied, save_checkpoint
from gcb6206.infrastructure.sentinel import NonFiniteError
from gcb6206.runs import team_replay
from gcb6206.runs.frame import Run, load_trained, seed_of
from gcb6206.runs.team_rollout import collect_batch, how_well, play_episodes

NONFINITE = "nonfinite.pt"  # what the sentinel leaves behind
FILM_FPS = 20


class MultiAgentRun(Run):
    """The parts of one multi-agent training run.

    Args:
        config: the run's parts, as ``MAPPOConfig().build()`` gives them.
        logger: a ``Logger`` or ``NullLogger``.
        args: besides what every run takes: ``num_eval_episodes``, and where given ``num_render, replay``.

    Raises:
        ConfigError: a scenario or a number of agents that there is not.
    """

    counter = "iteration"
    film_flag = "num_render"
    film_title = "trained_team"

    def build(self) -> None:
        """Make the teams and their agent."""
        if self.config["device"].type == "cpu":  # networks of this size gain nothing from more
            torch.set_num_threads(min(2, torch.get_num_threads()))
        self.team = self.config["make_team"](num_envs=self.config["num_envs"])
        self.agent = make_agent(self.config, self.team, self.args.seed)
        self._eval_team = None  # made when the first evaluation is due
        self.film_fps = FILM_FPS
        self._replays = self.directory is not None and getattr(self.args, "replay", None) is not None

    @property
    def total(self) -> int:
        """Iterations."""
        return self.config["n_iters"]

    @property
    def iteration(self) -> int:
        """Iterations done."""
        return self.done

    @property
    def steps_done(self) -> int:
        """Frames collected so far."""
        return self.done * self.config["num_envs"] * self.config["max_steps"]

    def iterations(self) -> Iterator[float]:
        """The part of the training done, before each iteration still to do; see ``Run.rounds``."""
        return self.rounds()

    def before(self) -> None:
        """Remember what this iteration begins with, for the sentinel; replay the untrained team."""
        if self.done == 0 and self._replays:
            self._keep_replay(self.play(seed_of(self.args.seed, 0, "evaluation"))[0])
        self._before = copied(self.snapshot())

    def collect(self) -> dict[str, torch.Tensor]:
        """Collect a batch; tensors ``(batch, time, ...)``."""
        self._begun = time.perf_counter()
        seed = seed_of(self.args.seed, self.done, "training")
        batch = collect_batch(self.team, self.agent, seed, self.config["max_steps"])
        self._collected = time.perf_counter()
        self.done += 1
        return batch

    def log_iteration(self, batch: dict[str, torch.Tensor], figures: dict[str, float]) -> None:
        """Log what an update returned, how well the team did (see ``how_well``), and how long it took."""
        if self.team.device.type == "cuda":
            torch.cuda.synchronize(self.team.device)
        ended = time.perf_counter()
        performance = how_well(batch)
        logged = {
            **{f"train/{name}": value for name, value in {**performance, **figures}.items()},
            "time/iteration_seconds": ended - self._begun,
            "time/collect_seconds": self._collected - self._begun,
            "time/fps": batch["reward"].shape[0] * batch["reward"].shape[1] / (ended - self._begun),
        }
        for name, value in logged.items():
            self.logger.log_scalar(value, name, self.steps_done)
        self.figures.update(performance)

    def evaluate(self, step: int | None = None) -> torch.Tensor:
        """Play ``num_eval_episodes`` episodes and log their mean, with a replay where wanted; the returns."""
        returns = super().evaluate(step)
        if self._replays:
            self._keep_replay(returns)
        return returns

    def play(self, seed: int) -> tuple[torch.Tensor, dict[str, float]]:
        """Play ``num_eval_episodes`` episodes with the mean actions."""
        if self._eval_team is None:
            self._eval_team = self.config["make_team"](num_envs=self.args.num_eval_episodes)
        returns = play_episodes(self._eval_team, self.agent, seed, self.config["max_steps"])
        return returns, {"eval/episode_reward_sum": returns.mean().item()}

    def _keep_replay(self, returns: torch.Tensor) -> None:
        """Add to the replay one episode from the start that ``args.replay`` decides, the same at every evaluation."""
        mean = round(returns.mean().item(), 3) + 0.0  # no -0.0
        about = {"iteration": self.done, "frames": self.steps_done, "mean_return": mean}
        team, limit = self.config["make_team"](num_envs=1), self.config["max_steps"]
        team_replay.add(self.directory, team, self.agent, self.args.replay, limit, about)

    def keep_nonfinite(self, error: NonFiniteError) -> str:
        """Save what the sentinel saw and the state before this iteration; one sentence for the user."""
        said = f"iteration {self._before[self.counter] + 1}: {error}"
        if self.directory is None:
            return said
        path = self.directory / NONFINITE
        found = {"name": error.name, "step": error.step, "message": str(error)}
        save_checkpoint(path, {**self._before, "found": found, "tensors": error.tensors})
        self.logger.flush()
        return f"{said}. The tensors and the state before this iteration are in {path}"

    def films(self, wanted: int) -> Iterator[np.ndarray]:
        """Pictures of episodes with the mean actions."""
        team = self.config["make_team"](num_envs=1)
        for number in range(wanted):
            pictures: list[np.ndarray] = []
            play_episodes(
                team,
                self.agent,
                seed_of(self.args.seed, number, "film"),
                self.config["max_steps"],
                watch=lambda _: pictures.append(team.picture()),  # noqa: B023  (called within this round)
            )
            yield np.array(pictures)

    def state(self) -> dict:
        """The agent: networks, optimiser, random numbers."""
        return {"agent": self.agent.training_state()}

    def load_state(self, state: dict) -> None:
        """Take up what ``state`` gave."""
        self.agent.load_training_state(state["agent"])


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
    return load_trained(make_agent(config, config["make_team"](num_envs=1), seed=0), log_dir)
