"""What a training run needs around its loop: seeds, environments, agent, buffer, evaluation, log, checkpoint.

The loop itself stays with its author (``hw3.run_training_loop``); it asks this object for the parts.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import gymnasium as gym
import numpy as np
import torch
from tqdm.auto import tqdm

from gcb6206.agents.dqn_agent import DQNAgent
from gcb6206.infrastructure import pytorch_util as ptu
from gcb6206.infrastructure import utils
from gcb6206.infrastructure.checkpoint import load_run, save_checkpoint, tensors_to_numpy
from gcb6206.infrastructure.logger import NullLogger
from gcb6206.infrastructure.replay_buffer import MemoryEfficientReplayBuffer, ReplayBuffer

CHECKPOINT = "checkpoint.pt"
FRAME_HISTORY = 4
LONGEST_EPISODE = (
    10_000  # steps of an evaluation episode where neither configuration nor environment sets a limit
)


class TrainingRun:
    """The parts of one DQN training run.

    Training, evaluation and video environments are separate and seeded differently; an evaluation leaves the
    training's random streams untouched.

    Checkpoints are written between two episodes, where an environment's only hidden state is its random
    generator: a resumed run repeats exactly what the killed one would have done.

    Args:
        config: the run's parts, as ``DQNBasicConfig().build()`` gives them.
        logger: a ``Logger`` or ``NullLogger``; without a directory there are no checkpoints.
        args: ``seed, no_gpu, which_gpu, eval_interval, num_eval_trajectories, log_interval``, and where given
            ``num_render_trajectories, checkpoint_interval, resume``.

    Raises:
        ValueError: an observation or action space that DQN cannot work with.
        CheckpointError: ``args.resume`` is set and the checkpoint is missing, damaged or of other settings.
    """

    def __init__(self, config: dict, logger, args: argparse.Namespace):
        self.config, self.logger, self.args = config, logger, args
        np.random.seed(args.seed)
        torch.manual_seed(args.seed)
        ptu.init_gpu(use_gpu=not args.no_gpu, gpu_id=args.which_gpu)

        self.env = config["make_env"]()
        self.eval_env = config["make_env"]()
        self.render_env = None  # made when the first video is due
        check_action_space(self.env)
        self.replay_buffer = make_replay_buffer(
            self.env.observation_space.shape, config.get("replay_buffer_capacity", 1_000_000), args.seed
        )
        self.agent = DQNAgent(
            self.env.observation_space.shape, int(self.env.action_space.n), **config["agent_kwargs"]
        )
        limit = self.env.spec.max_episode_steps if self.env.spec else None
        self.longest_episode = config.get("longest_episode") or limit or LONGEST_EPISODE
        self.eval_epsilon = config.get("eval_epsilon", 0.0)

        self.env.reset(seed=args.seed)
        self.eval_env.reset(seed=args.seed + 1_000_003)
        self._step = 0  # the next step
        self._episode_begins = False
        self._figures: dict[str, float] = {}
        directory = getattr(logger, "log_dir", None)
        self._checkpoint = Path(directory) / CHECKPOINT if directory else None
        self._resumed = False
        if getattr(args, "resume", None):
            self._restore()

    def steps(self) -> Iterator[int]:
        """The training steps still to do, with checkpoints between them and, but for ``NullLogger``, a progress bar."""
        interval = getattr(self.args, "checkpoint_interval", 0)
        last_checkpoint, total = self._step, self.config["total_steps"]
        silent = isinstance(self.logger, NullLogger)
        with tqdm(total=total, initial=self._step, unit="step", dynamic_ncols=True, disable=silent) as bar:
            painted = time.monotonic()
            while self._step < total:
                yield self._step
                self._step += 1
                due = self._checkpoint and interval and self._step - last_checkpoint >= interval
                if due and self._episode_begins:
                    self._save()
                    last_checkpoint = self._step
                self._episode_begins = False
                if (now := time.monotonic()) - painted >= 0.5 or self._step == total:
                    bar.set_postfix(
                        {name: f"{value:.1f}" for name, value in self._figures.items()}, refresh=False
                    )
                    bar.update(self._step - bar.n)
                    painted = now
        self.logger.flush()
        if self._checkpoint and interval:
            self._save()

    def reset(self) -> np.ndarray:
        """Begin an episode of training; its first observation, known to the buffer where that keeps frames."""
        self._env_rng = self.env.unwrapped.np_random.bit_generator.state
        observation = np.asarray(self.env.reset()[0])
        if isinstance(self.replay_buffer, MemoryEfficientReplayBuffer) and not self._resumed:
            self.replay_buffer.on_reset(observation=observation[-1])
        self._resumed = False  # the buffer of a checkpoint already knows the frame of this reset
        self._episode_begins = True
        return observation

    def log_episode(self, info: dict, step: int) -> None:
        """Log the return and length of the training episode that ended at a step."""
        self.logger.log_scalar(info["episode"]["r"], "train_return", step)
        self.logger.log_scalar(info["episode"]["l"], "train_ep_len", step)
        self._figures["return"] = float(np.asarray(info["episode"]["r"]).item())

    def log_update(self, update_info: dict, epsilon: float, step: int) -> None:
        """Log an update's figures with epsilon and the learning rate, every ``log_interval`` steps."""
        if step % self.args.log_interval:
            return
        figures = {**update_info, "epsilon": epsilon, "lr": self.agent.lr_scheduler.get_last_lr()[0]}
        for name, value in figures.items():
            self.logger.log_scalar(value, name, step)
        self.logger.flush()

    def evaluate(self, step: int) -> list[float]:
        """Play ``num_eval_trajectories`` episodes and log their statistics; the returns.

        Greedily, or with the epsilon that ``config["eval_epsilon"]`` names.
        """
        with _random_streams_untouched():
            trajectories = utils.sample_n_trajectories(
                self.eval_env,
                self.agent.greedy(self.eval_epsilon),
                self.args.num_eval_trajectories,
                self.longest_episode,
            )
            self._record_videos(step)
        statistics = [trajectory["episode_statistics"] for trajectory in trajectories]
        returns = [float(np.asarray(s["r"]).item()) for s in statistics]
        lengths = [float(np.asarray(s["l"]).item()) for s in statistics]
        self.logger.log_scalar(np.mean(returns), "eval_return", step)
        self.logger.log_scalar(np.mean(lengths), "eval_ep_len", step)
        if len(returns) > 1:
            for name, values in (("return", returns), ("ep_len", lengths)):
                self.logger.log_scalar(np.std(values), f"eval/{name}_std", step)
                self.logger.log_scalar(np.max(values), f"eval/{name}_max", step)
                self.logger.log_scalar(np.min(values), f"eval/{name}_min", step)
        self.logger.flush()
        self._figures["eval"] = float(np.mean(returns))
        return returns

    def _record_videos(self, step: int) -> None:
        """Play and film ``num_render_trajectories`` episodes."""
        wanted = getattr(self.args, "num_render_trajectories", 0)
        if not wanted:
            return
        if self.render_env is None:
            self.render_env = self.config["make_env"](render=True)
            self.render_env.reset(seed=self.args.seed + 2_000_003)
        policy = self.agent.greedy(self.eval_epsilon)
        films = utils.sample_n_trajectories(
            self.render_env, policy, wanted, self.longest_episode, render=True
        )
        self.logger.log_trajs_as_videos(films, step, max_videos_to_save=wanted)

    def _save(self) -> None:
        """Write the checkpoint: everything the next step depends on, as it is at an episode's beginning."""
        self.logger.flush()
        numpy_state = np.random.get_state()
        save_checkpoint(
            self._checkpoint,
            {
                "step": self._step,
                "settings": self._settings(),
                "agent": self.agent.training_state(),
                "replay_buffer": self.replay_buffer.state(),
                "random": {
                    "numpy": {"keys": numpy_state[1], "position": numpy_state[2]},
                    "torch": torch.get_rng_state(),
                    "env": self._env_rng,
                    "eval_env": self.eval_env.unwrapped.np_random.bit_generator.state,
                },
                "figures": self._figures,
            },
        )

    def _restore(self) -> None:
        """Take up the checkpoint of the logger's directory, and let the log forget what came after it."""
        state = load_run(self._checkpoint, self._settings())
        self._step = state["step"]
        self.agent.load_training_state(state["agent"])
        self.replay_buffer.load_state(tensors_to_numpy(state["replay_buffer"]))
        streams = state["random"]
        np.random.set_state(
            ("MT19937", streams["numpy"]["keys"].numpy(), streams["numpy"]["position"], 0, 0.0)
        )
        torch.set_rng_state(streams["torch"])
        self.env.unwrapped.np_random.bit_generator.state = streams["env"]
        self.eval_env.unwrapped.np_random.bit_generator.state = streams["eval_env"]
        self._figures = state["figures"]
        self._resumed = True
        self.logger.forget_from(self._step)

    def _settings(self) -> dict:
        """What must be the same for a run to go on: the seed and the configuration's fields."""
        return {"seed": self.args.seed, **self.config.get("settings", {})}


def make_replay_buffer(
    observation_shape: tuple[int, ...], capacity: int = 1_000_000, seed: int | None = None
) -> ReplayBuffer | MemoryEfficientReplayBuffer:
    """The buffer that fits an observation: frames stored once for ``(4, height, width)``, plain for ``(features,)``.

    Raises:
        ValueError: any other shape.
    """
    if len(observation_shape) == 3 and observation_shape[0] == FRAME_HISTORY:
        return MemoryEfficientReplayBuffer(FRAME_HISTORY, capacity, seed)
    if len(observation_shape) == 1:
        return ReplayBuffer(capacity, seed)
    raise ValueError(
        f"unsupported observation shape {observation_shape}: expected (features,) or ({FRAME_HISTORY}, height, width)"
    )


def check_action_space(env: gym.Env) -> None:
    """Refuse what DQN cannot act in.

    Raises:
        ValueError: the actions are not a finite set numbered from 0.
    """
    if not isinstance(env.action_space, gym.spaces.Discrete) or env.action_space.start != 0:
        raise ValueError(
            f"unsupported action space {env.action_space}: DQN needs Discrete(n), numbered from 0"
        )


@contextlib.contextmanager
def _random_streams_untouched() -> Iterator[None]:
    """Give the process's random streams back as they were."""
    numpy_state, torch_state = np.random.get_state(), torch.get_rng_state()
    try:
        yield
    finally:
        np.random.set_state(numpy_state)
        torch.set_rng_state(torch_state)
