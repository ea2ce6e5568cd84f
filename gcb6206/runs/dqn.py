"""A DQN run: environments, buffer and agent for the loop of ``hw3.run_training_loop``, which asks for them.

Checkpoints are written between two episodes, where an environment's only hidden state is its random generator.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import gymnasium as gym
import numpy as np

from gcb6206.agents.dqn_agent import DQNAgent
from gcb6206.infrastructure import pytorch_util as ptu
from gcb6206.infrastructure import utils
from gcb6206.infrastructure.checkpoint import tensors_to_numpy
from gcb6206.infrastructure.replay_buffer import MemoryEfficientReplayBuffer, make_replay_buffer
from gcb6206.runs.frame import LONGEST_EPISODE, Run, seed_of


class TrainingRun(Run):
    """The parts of one DQN training run.

    Training, evaluation and video environments are separate and seeded differently.

    Args:
        config: the run's parts, as ``DQNBasicConfig().build()`` gives them.
        logger: a ``Logger`` or ``NullLogger``.
        args: besides what every run takes: ``no_gpu, which_gpu, num_eval_trajectories, log_interval``, and where
            given ``num_render_trajectories``.

    Raises:
        ValueError: an observation or action space that DQN cannot work with.
    """

    evaluates = False  # the loop's author decides when
    film_flag = "num_render_trajectories"

    def build(self) -> None:
        """Make environments, replay buffer and agent."""
        ptu.init_gpu(use_gpu=not self.args.no_gpu, gpu_id=self.args.which_gpu)
        config = self.config
        self.env, self.eval_env = config["make_env"](), config["make_env"]()
        self.render_env = None  # made when the first video is due
        check_action_space(self.env)
        shape = self.env.observation_space.shape
        capacity = config.get("replay_buffer_capacity", 1_000_000)
        self.replay_buffer = make_replay_buffer(shape, capacity, self.args.seed)
        self.agent = DQNAgent(shape, int(self.env.action_space.n), **config["agent_kwargs"])
        limit = self.env.spec.max_episode_steps if self.env.spec else None
        self.film_fps = min(30, self.env.metadata.get("render_fps", 30))  # slow games are shown slowly
        self.longest_episode = config.get("longest_episode") or limit or LONGEST_EPISODE
        self.eval_epsilon = config.get("eval_epsilon", 0.0)
        self.env.reset(seed=self.args.seed)
        self.eval_env.reset(seed=self.args.seed + 1_000_003)
        self._env_rng = self.env.unwrapped.np_random.bit_generator.state
        self._episode_begins = self._resumed = False

    @property
    def total(self) -> int:
        """Environment steps."""
        return self.config["total_steps"]

    def steps(self) -> Iterator[int]:
        """The training steps still to do, with checkpoints between them and a progress bar."""
        for _ in self.rounds():
            yield self.done
            self.done += 1

    def before(self) -> None:
        """No episode has begun in this step yet."""
        self._episode_begins = False

    @property
    def resting(self) -> bool:
        """Between two episodes."""
        return self._episode_begins

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
        self.figures["return"] = float(np.asarray(info["episode"]["r"]).item())

    def log_update(self, update_info: dict, epsilon: float, step: int) -> None:
        """Log an update's figures with epsilon and the learning rate, every ``log_interval`` steps."""
        if step % self.args.log_interval:
            return
        figures = {**update_info, "epsilon": epsilon, "lr": self.agent.lr_scheduler.get_last_lr()[0]}
        for name, value in figures.items():
            self.logger.log_scalar(value, name, step)
        self.logger.flush()

    def evaluate(self, step: int | None = None) -> list[float]:
        """Play ``num_eval_trajectories`` episodes and log their statistics, with films where wanted; the returns."""
        returns = super().evaluate(step)
        self.film(step)
        return returns

    def play(self, seed: int) -> tuple[list[float], dict[str, float]]:
        """Play greedily, or with the epsilon that ``config["eval_epsilon"]`` names; the seed is the environment's own."""
        policy, wanted = self.agent.greedy(self.eval_epsilon), self.args.num_eval_trajectories
        played = utils.sample_n_trajectories(self.eval_env, policy, wanted, self.longest_episode)
        statistics = [trajectory["episode_statistics"] for trajectory in played]
        returns, lengths = ([float(np.asarray(s[key]).item()) for s in statistics] for key in "rl")
        return returns, self.evaluation_figures(returns, lengths)

    @staticmethod
    def evaluation_figures(returns: Sequence[float], lengths: Sequence[float]) -> dict[str, float]:
        """What is logged of an evaluation's episodes."""
        figures = {"eval_return": np.mean(returns), "eval_ep_len": np.mean(lengths)}
        if len(returns) > 1:
            for name, values in (("return", returns), ("ep_len", lengths)):
                spread = {"std": np.std(values), "max": np.max(values), "min": np.min(values)}
                figures |= {f"eval/{name}_{key}": value for key, value in spread.items()}
        return figures

    def films(self, wanted: int) -> Iterator[np.ndarray]:
        """Pictures of evaluation episodes."""
        if self.render_env is None:
            self.render_env = self.config["make_env"](render=True)
        self.render_env.reset(seed=seed_of(self.args.seed, self.done, "film"))
        policy = self.agent.greedy(self.eval_epsilon)
        for film in utils.sample_n_trajectories(
            self.render_env, policy, wanted, self.longest_episode, render=True
        ):
            yield film["image_obs"]

    def state(self) -> dict:
        """Agent, buffer, and the environments' random generators as they were when this episode began."""
        return {
            "agent": self.agent.training_state(),
            "replay_buffer": self.replay_buffer.state(),
            "env_random": self._env_rng,
            "eval_env_random": self.eval_env.unwrapped.np_random.bit_generator.state,
        }

    def load_state(self, state: dict) -> None:
        """Take up what ``state`` gave."""
        self.agent.load_training_state(state["agent"])
        self.replay_buffer.load_state(tensors_to_numpy(state["replay_buffer"]))
        self.env.unwrapped.np_random.bit_generator.state = state["env_random"]
        self.eval_env.unwrapped.np_random.bit_generator.state = state["eval_env_random"]
        self._resumed = True

    @property
    def first_after(self) -> int:
        """A step's figures stand at its own number, counted from 0."""
        return self.done


def check_action_space(env: gym.Env) -> None:
    """Refuse what DQN cannot act in.

    Raises:
        ValueError: the actions are not a finite set numbered from 0.
    """
    if not isinstance(env.action_space, gym.spaces.Discrete) or env.action_space.start != 0:
        raise ValueError(
            f"unsupported action space {env.action_space}: DQN needs Discrete(n), numbered from 0"
        )
