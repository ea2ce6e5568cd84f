"""DQN on Atari as fast as the machine allows: the same algorithm as ``hw3.run_training_loop``, in another order.

Many games step at once, and while they do, the agent's update learns in a thread of its own. The update is the
student's: ``agent.update`` with ``update_critic`` inside. What differs from the homework's loop:

    act:     with the weights from before the update that is under way
    games:   ``num_envs`` at once, one action each from one batch
    update:  once every ``update_period`` agent steps

With one game and period 1, the weights that act are one update older, and nothing else. Pictures are kept once, in
``frames.npy`` beside the checkpoint, so that a checkpoint of any capacity is small and a killed run keeps its replay.
A checkpoint begins new episodes in all games, from a seed that the run's seed and the step decide.
"""

from __future__ import annotations

import argparse
import contextlib
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from ale_py.vector_env import AtariVectorEnv
from torch import nn

from gcb6206.agents.dqn_agent import DQNAgent
from gcb6206.infrastructure import pytorch_util as ptu
from gcb6206.infrastructure.checkpoint import tensors_to_numpy
from gcb6206.infrastructure.frame_ring import FrameRing
from gcb6206.infrastructure.replay_buffer import FRAME_HISTORY
from gcb6206.runs.dqn import TrainingRun
from gcb6206.runs.frame import Run, seed_of

FRAMES = "frames.npy"
STEPS_APART = 12_500  # of a game, between two checkpoints of a command's run


class FastRun(TrainingRun):
    """The parts of one fast DQN training run on Atari; checkpoints and evaluations may come at any step.

    Args:
        config: the run's parts, as ``DQNAtariConfig(fast=True).build()`` gives them.
        logger, args: as ``TrainingRun`` takes them.
    """

    evaluates = True
    evaluate, before, first_after = Run.evaluate, Run.before, Run.first_after
    resting = True

    def build(self) -> None:
        """Make games, replay and agent."""
        ptu.init_gpu(use_gpu=not self.args.no_gpu, gpu_id=self.args.which_gpu)
        config, self.render_env, self._eval_games = self.config, None, None
        self.num_envs = config["num_envs"]
        self.games = config["make_games"](self.num_envs)
        frame = self.games.single_observation_space.shape[1:]
        interval = getattr(self.args, "checkpoint_interval", 0) if self.directory else 0
        self.replay = FrameRing(
            self.num_envs,
            config["replay_buffer_capacity"],
            frame,
            self.args.seed,
            self.directory / FRAMES if interval else None,
            spare=interval // self.num_envs + 4,
        )
        actions = int(self.games.single_action_space.n)
        self.agent = DQNAgent((FRAME_HISTORY, *frame), actions, **config["agent_kwargs"])
        self.actor = config["agent_kwargs"]["make_critic"]((FRAME_HISTORY, *frame), actions)
        self.longest_episode, self.eval_epsilon = config["longest_episode"], config["eval_epsilon"]
        self.learner = ThreadPoolExecutor(1, "learner")
        self._learning: Future | None = None
        self._epsilon = 1.0

    def begin(self) -> None:
        """Begin the first episodes."""
        self._restart()

    def _restart(self) -> None:
        """Begin new episodes in all games, from a seed that the step decides."""
        frames, _ = self.games.reset(seed=seed_of(self.args.seed, self.done, "games") % 2**30)
        self.replay.begin(frames[:, 0])
        self._over = np.zeros(self.num_envs, bool)
        self._returns, self._lengths = np.zeros(self.num_envs), np.zeros(self.num_envs, int)
        self._sync()

    def collect(self) -> None:
        """One step in every game; one whose episode is over begins anew instead."""
        self._epsilon = self.config["exploration_schedule"].value(self.done)
        actions = epsilon_greedy(self.actor, self.replay.newest(), self._epsilon, np.random)
        frames, scores, terminated, truncated, _ = self.games.step(actions)
        begun = self._over
        self.replay.insert(actions, np.sign(scores), frames[:, 0], terminated, begun)
        self._over = terminated | truncated
        self._returns = np.where(begun, 0.0, self._returns + scores)
        self._lengths = np.where(begun, 0, self._lengths + 1)
        self._steps = range(self.done, self.done + int((~begun).sum()))
        self.done = self._steps.stop
        for game in np.flatnonzero(self._over):
            self.figures["return"] = float(self._returns[game])
            self.logger.log_scalar(self.figures["return"], "train_return", self.done)
            self.logger.log_scalar(int(self._lengths[game]), "train_ep_len", self.done)

    def learn(self) -> None:
        """Begin the updates that the last steps made due, once those before them have ended."""
        starts, period = self.config["learning_starts"], self.config["update_period"]
        due = [step for step in self._steps if step >= starts and step % period == 0]
        if due:
            self._wait()
            batches = [self._on_device(self.replay.sample(self.config["batch_size"])) for _ in due]
            self._learning = self.learner.submit(self._update, due, batches, self._epsilon)

    def _update(self, due: list[int], batches: list[dict], epsilon: float) -> list[tuple[dict, float, int]]:
        """The learner's part: the updates, and what ``log_update`` takes of each."""
        told = []
        for step, batch in zip(due, batches):
            info = self.agent.update(
                *(
                    batch[name]
                    for name in ("observations", "actions", "rewards", "next_observations", "dones")
                ),
                step=step,
            )
            told.append((info, epsilon, step))
        return told

    def _wait(self) -> None:
        """End the updates under way, and act with what they learned from now on."""
        if self._learning is None:
            return
        learning, self._learning = self._learning, None
        for told in learning.result():
            self.log_update(*told)
        self._sync()

    @torch.no_grad()
    def _sync(self) -> None:
        torch._foreach_copy_(list(self.actor.parameters()), list(self.agent.critic.parameters()))

    def _on_device(self, batch: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
        """A batch where the agent learns; a GPU fetches it from pinned memory while the CPU goes on."""
        if ptu.device.type != "cuda":
            return {name: torch.from_numpy(values) for name, values in batch.items()}
        return {
            name: torch.from_numpy(values).pin_memory().to(ptu.device, non_blocking=True)
            for name, values in batch.items()
        }

    def settle(self) -> None:
        """End the updates under way, and begin new episodes."""
        self._wait()
        self._restart()

    def play(self, seed: int) -> tuple[list[float], dict[str, float]]:
        """Play all episodes of an evaluation at once, with the epsilon that ``config["eval_epsilon"]`` names."""
        self._wait()
        if self._eval_games is None:
            self._eval_games = self.config["make_games"](self.args.num_eval_trajectories)
        returns, lengths = play_at_once(
            self.actor, self._eval_games, self.eval_epsilon, self.longest_episode, seed
        )
        return returns.tolist(), self.evaluation_figures(returns, lengths)

    def close(self) -> None:
        """End the learner, and remove the replay's file, which nobody needs after the last step."""
        self.learner.shutdown()
        if self.done >= self.total and self.replay.path:
            self.replay.path.unlink(missing_ok=True)

    def state(self) -> dict:
        """Agent and replay; the episodes under way end at a checkpoint."""
        return {"agent": self.agent.training_state(), "replay_buffer": self.replay.state()}

    def load_state(self, state: dict) -> None:
        """Take up what ``state`` gave."""
        self.agent.load_training_state(state["agent"])
        if self.done < self.total:  # else only films are left to do
            self.replay.load_state(tensors_to_numpy(state["replay_buffer"]))


@torch.no_grad()
def epsilon_greedy(critic: nn.Module, observations: np.ndarray, epsilon: float, random) -> np.ndarray:
    """An action for each observation: any one with probability epsilon, else the critic's best.

    Args:
        critic: values of actions.
        observations: ``(games, 4, height, width)`` uint8.
        epsilon: from 0 to 1.
        random: numpy's module or a generator of it.
    """
    best = critic(ptu.from_numpy(observations))
    explore, drawn = random.random(len(observations)) < epsilon, random.random(len(observations))
    return np.where(explore, (drawn * best.shape[1]).astype(np.int64), best.argmax(1).cpu().numpy())


def play_at_once(
    critic: nn.Module, games: AtariVectorEnv, epsilon: float, longest: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Play one episode in every game; the games' scores and lengths in agent steps.

    Args:
        critic, epsilon: as ``epsilon_greedy`` takes them.
        games: from ``make_atari_games``.
        longest: agent steps after which an episode is cut.
        seed: of games and exploration.
    """
    random, number = np.random.default_rng(seed), games.num_envs
    frames, _ = games.reset(seed=seed % 2**30)
    stacks = np.repeat(frames, FRAME_HISTORY, axis=1)
    returns, lengths, playing = np.zeros(number), np.zeros(number, int), np.ones(number, bool)
    while playing.any():
        frames, scores, terminated, truncated, _ = games.step(epsilon_greedy(critic, stacks, epsilon, random))
        stacks = np.concatenate([stacks[:, 1:], frames], axis=1)
        returns += scores * playing
        lengths += playing
        playing &= ~(terminated | truncated) & (lengths < longest)
    return returns, lengths


def train(config: dict, logger, args: argparse.Namespace) -> DQNAgent:
    """Train an agent for ``config["total_steps"]`` agent steps; the trained agent.

    Args:
        config: the run's parts, as ``DQNAtariConfig(fast=True).build()`` gives them.
        logger, args: as ``hw3.run_training_loop`` takes them.
    """
    with contextlib.closing(FastRun(config, logger, args)) as run:
        for _ in run.rounds():
            run.collect()
            run.learn()
        return run.agent
