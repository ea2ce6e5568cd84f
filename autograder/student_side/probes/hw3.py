"""Probes of homework 3 (DQN): what the judges can do with a student's functions.

The networks are linear, so that a judge knows every Q-value: with one-hot observations the weight `(actions,
states)` plus the bias is the table of Q-values itself.
"""

from __future__ import annotations

import argparse
from collections import deque
from collections.abc import Callable, Mapping

import gymnasium as gym
import numpy as np
import torch
from torch import nn

from autograder.student_side.probes import kind, number_kind, plain, probe
from autograder.student_side.probes.journal import Journal, JournalLogger, code_of, spied_buffers
from autograder.student_side.probes.scripted_env import ScriptedEnv
from autograder.student_side.probes.tensors import seed_everything, stand_ins, stream_sums
from autograder.student_side.world import PicturesPlayedElsewhere, PlayedElsewhere
from gcb6206 import exercises
from gcb6206.agents.dqn_agent import DQNAgent
from gcb6206.env_configs.schedule import PiecewiseSchedule
from gcb6206.infrastructure import pytorch_util as ptu

# What else the homework's notebook imports; the sandbox's kernels are forked from a process that has it already.
WARM = (
    "gcb6206.scripts.run_hw3",
    "gcb6206.runs.dqn",
    "gcb6206.infrastructure.utils",
    "gymnasium.envs.classic_control.cartpole",
    "gcb6206.envs.small_breakout",
    "gcb6206.env_configs.dqn_picture_config",
    "pygame",
    "ipywidgets",
)


def linear_agent(
    critic: np.ndarray, target: np.ndarray, observation_shape: tuple[int, ...], **settings
) -> DQNAgent:
    """A DQNAgent whose networks are the given tables.

    Args:
        critic, target: `(actions, features + 1)` of the online and of the target network: weight and bias.
        observation_shape: its product is `features`.
        settings: learning_rate, lr_decay (factor after every step of the schedule), momentum, and DQNAgent's own.
    """
    learning_rate, lr_decay = settings.pop("learning_rate", 0.1), settings.pop("lr_decay", 1.0)
    momentum = settings.pop("momentum", 0.0)
    agent = DQNAgent(
        observation_shape,
        len(critic),
        make_critic=_LinearCritic,
        make_optimizer=lambda params: torch.optim.SGD(params, lr=learning_rate, momentum=momentum),
        make_lr_schedule=lambda optimizer: torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=lr_decay),
        **{"discount": 0.9, "target_update_period": 10, **settings},
    )
    for network, table in ((agent.critic, critic), (agent.target_critic, target)):
        with torch.no_grad():
            network.linear.weight.copy_(torch.from_numpy(table[:, :-1]))
            network.linear.bias.copy_(torch.from_numpy(table[:, -1]))
    return agent


class _LinearCritic(nn.Module):
    """Q-values linear in the observation, whose shape it insists on; a vector may lack the batch axis."""

    def __init__(self, observation_shape: tuple[int, ...], num_actions: int):
        super().__init__()
        self.observation_shape = tuple(observation_shape)
        self.linear = nn.Linear(int(np.prod(observation_shape)), num_actions)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rank = len(self.observation_shape)
        batch_axes = (0, 1) if rank == 1 else (1,)
        if tuple(x.shape[-rank:]) != self.observation_shape or x.ndim - rank not in batch_axes:
            wanted = ", ".join(map(str, ("batch", *self.observation_shape)))
            raise ValueError(f"the critic got an input of shape {tuple(x.shape)}; expected ({wanted})")
        return self.linear(x.float().flatten(-rank))


def weights(network: nn.Module) -> np.ndarray:
    """The table of a linear network, `(actions, features + 1)`: weight and bias."""
    linear = network.linear
    return torch.cat([linear.weight, linear.bias[:, None]], dim=1).detach().cpu().numpy().copy()


def untouched(agent: DQNAgent) -> dict:
    """What acting and learning must leave as it was: modes, what has a gradient, whether gradients are on; and the
    random streams, which only the caller may seed.
    """
    return {
        "training": agent.critic.training,
        "target_training": agent.target_critic.training,
        "requires_grad": all(p.requires_grad for p in agent.critic.parameters()),
        "grad_enabled": torch.is_grad_enabled(),
        "streams": stream_sums(),
    }


@probe("hw3.get_action")
def get_action(
    critic: np.ndarray,
    target: np.ndarray,
    observations: np.ndarray,
    epsilon: float,
    seed: int,
    training: bool = True,
    before: float | None = None,
) -> dict:
    """One call of get_action per observation, with the agent in training mode or not.

    Args:
        before: epsilon of a call before these; None: there is none.
    """
    seed_everything(seed)
    agent = linear_agent(critic, target, observations.shape[1:]).train(training)
    given = observations.copy()
    if before is not None:
        agent.get_action(observations[0].copy(), epsilon=before)
    actions = [agent.get_action(observation, epsilon=epsilon) for observation in given]
    return {
        "actions": np.array([_as_int(action) for action in actions]),
        "types": sorted({kind(action) for action in actions}),
        "critic": weights(agent.critic),
        "target": weights(agent.target_critic),
        "observations": given,
        "has_grad": any(p.grad is not None for p in agent.critic.parameters()),
        **untouched(agent),
    }


def _as_int(action: object) -> int:
    """The whole number that an answer means, whatever type holds it; -1 for none."""
    value = plain(action)
    try:
        return int(value.item() if isinstance(value, (np.ndarray, np.generic)) else value)
    except (TypeError, ValueError):
        return -1


@probe("hw3.update_critic")
def update_critic(
    critic: np.ndarray,
    target: np.ndarray,
    obs: np.ndarray,
    action: np.ndarray,
    reward: np.ndarray,
    next_obs: np.ndarray,
    done: np.ndarray,
    shared: bool = False,
    training: bool = True,
    seed: int = 0,
    **settings,
) -> dict:
    """Calls update_critic on one batch after the other.

    Args:
        obs, action, reward, next_obs, done: `(calls, batch, ...)`.
        shared: the target network is the critic itself.
    """
    seed_everything(seed)
    agent = linear_agent(critic, target, obs.shape[2:], **settings).train(training)
    if shared:
        agent.target_critic = agent.critic
    names = ("obs", "action", "reward", "next_obs", "done")
    batches = [
        ptu.from_numpy({name: array.copy() for name, array in zip(names, arrays)})
        for arrays in zip(obs, action, reward, next_obs, done)
    ]
    returned, rates, tables = [], [], []
    for batch in batches:
        returned.append(agent.update_critic(**batch))
        rates.append(agent.critic_optimizer.param_groups[0]["lr"])
        tables.append(weights(agent.critic))
    last = returned[-1]
    return {
        "returned": "mapping" if isinstance(last, Mapping) else type(last).__name__,
        "types": {str(k): number_kind(v) for k, v in last.items()} if isinstance(last, Mapping) else {},
        "metrics": [plain(figures) for figures in returned],
        "critic": np.array(tables),
        "target": weights(agent.target_critic),
        "rates": np.array(rates),
        "batch": plain(batches[-1]),
        **untouched(agent),
    }


def learning_state(agent: DQNAgent) -> tuple[str, str]:
    """The states of optimiser and learning-rate schedule, as text."""
    return repr(plain(agent.critic_optimizer.state_dict())), repr(plain(agent.lr_scheduler.state_dict()))


@probe("hw3.update")
def update(
    critic: np.ndarray,
    obs: np.ndarray,
    action: np.ndarray,
    reward: np.ndarray,
    next_obs: np.ndarray,
    done: np.ndarray,
    steps: np.ndarray,
    period: int,
) -> dict:
    """Calls update at each of `steps`; the stand-in for update_critic adds 1 to every weight of the critic.

    The optimiser has momentum already, and does not move the weights: its learning rate is 0.
    """
    settings = {"target_update_period": period, "learning_rate": 0.0, "momentum": 0.9}
    agent = linear_agent(critic, critic - 100.0, obs.shape[1:], **settings)
    for parameter in agent.critic.parameters():
        parameter.grad = torch.ones_like(parameter)
    agent.critic_optimizer.step()
    optimizer, schedule = learning_state(agent)
    batch = ptu.from_numpy(
        {"obs": obs, "action": action, "reward": reward, "next_obs": next_obs, "done": done}
    )
    received: list[dict] = []

    def add(amount: float) -> None:
        with torch.no_grad():
            for parameter in agent.critic.parameters():
                parameter.add_(amount)

    def record(self, obs, action, reward, next_obs, done):
        received.append(
            plain({"obs": obs, "action": action, "reward": reward, "next_obs": next_obs, "done": done})
        )
        add(1.0)
        return {"critic_loss": float(len(received)), "q_values": 2.0, "target_values": 3.0, "grad_norm": 4.0}

    returned, calls, tables, targets = [], [], [], []
    with stand_ins("hw3.update", {"hw3.update_critic": record}):
        for step in steps.tolist():
            returned.append(plain(agent.update(**batch, step=step)))
            calls.append(len(received))
            tables.append(weights(agent.critic))
            targets.append(weights(agent.target_critic))
    add(1000.0)
    now = learning_state(agent)
    return {
        "same_optimizer": now[0] == optimizer,
        "same_schedule": now[1] == schedule,
        "returned": returned,
        "calls": np.array(calls),
        "received": received[-1] if received else {},
        "critic": np.array(tables),
        "target": np.array(targets),
        "target_at_end": weights(agent.target_critic),
    }


class _ObservationOnlyAgent:
    """Has get_action(observation) and nothing more; chooses the position of the largest entry."""

    def __init__(self):
        self.seen: list[np.ndarray] = []

    def get_action(self, observation):
        self.seen.append(np.array(observation, dtype=np.float64))
        return int(np.argmax(observation))


@probe("hw3.sample_trajectory")
def sample_trajectory(
    observations: np.ndarray,
    rewards: np.ndarray,
    length: int,
    terminated: bool,
    truncated: bool,
    max_length: int,
    render: bool = False,
    episode_return: float | None = None,
    episode_length: bool = True,
    trajectories: int = 1,
    numpy_flags: bool = False,
) -> dict:
    """Samples trajectories of a scripted episode, in one environment; what is told is the last one's.

    A wrapper doubles the environment's rewards; what goes around it gets half of them.

    Args:
        observations, rewards: `(time, ...)` and `(time,)` of the episode.
        length: of the episode; 0 never ends.
        terminated, truncated: what the environment says at its end.
        episode_return: the return that info["episode"] reports at the end, with three times the length, as
            where frames are skipped; None: no such entry. Of several trajectories, the first alone has it.
        episode_length: whether that entry has a length.
        numpy_flags: terminated and truncated are numpy's, as some environments have them.
    """
    from gcb6206.infrastructure import utils

    said: dict[str, list] = {"step": [], "reset": [], "close": []}
    flag = np.bool_ if numpy_flags else bool
    info = None if episode_return is None else {"r": episode_return, "t": 0.5}
    if info and episode_length:
        info["l"] = 3 * length
    scripted = ScriptedEnv(
        observation=lambda episode, t: observations[t].copy(),
        reward=lambda episode, t: float(rewards[t]) / 2,
        lengths=[length],
        terminated=[flag(terminated)],
        truncated=[flag(truncated)],
        num_actions=observations[0].size,
        record=lambda what, given: said[what].append(given),
        patience=len(rewards) - 1,
        max_episode_steps=None,
        episode_info=info,
        render=render,
    )
    env = gym.wrappers.TransformReward(scripted, lambda reward: 2 * reward)
    for _ in range(trajectories):
        agent = _ObservationOnlyAgent()
        said["step"].clear()
        trajectory = utils.sample_trajectory(env, agent, max_length, render)
        scripted.episode_info = None
    result = {
        "resets": len(said["reset"]),
        "seeds": [plain(seed) for seed in said["reset"]],
        "closed": len(said["close"]),
        "env_actions": np.array([plain(a) for a in said["step"]], dtype=np.float64),
        "seen": np.array(agent.seen),
        "returned": "mapping" if isinstance(trajectory, Mapping) else type(trajectory).__name__,
        "keys": [],
        "arrays": {},
        "dtypes": {},
        "statistics": {},
        "image_shape": [],
        "image_levels": np.zeros(0),
    }
    if isinstance(trajectory, Mapping):
        result["keys"] = [str(key) for key in trajectory]
        for key, value in trajectory.items():
            result["dtypes"][str(key)] = str(getattr(value, "dtype", type(value).__name__))
            if key == "image_obs":
                images = np.asarray(value)
                result["image_shape"] = list(images.shape)
                result["image_levels"] = (
                    images.reshape(len(images), -1).mean(axis=1) if images.size else np.zeros(0)
                )
            elif key == "episode_statistics":
                result["statistics"] = plain(value)
            else:
                result["arrays"][str(key)] = plain(value)
    return result


@probe("hw3.run_training_loop")
def run_training_loop(
    total_steps: int,
    learning_starts: int,
    batch_size: int,
    eval_interval: int,
    log_interval: int,
    eval_trajectories: int,
    lengths: np.ndarray,
    terminated: np.ndarray,
    truncated: np.ndarray,
    rewards: np.ndarray,
    actions: np.ndarray,
    epsilons: np.ndarray,
    frames: bool = False,
    seed: int = 0,
    before: int = 0,
    spare: str = "spare",
) -> dict:
    """Runs the training loop on scripted environments, with stand-ins for the other exercises.

    Every observation is unique: `(environment, episode, t)`, or frames whose level is `20 * episode + t`. Each choice
    draws from the random streams, each update adds 1 to all weights of the critic.

    Args:
        lengths, terminated, truncated: the episodes, in turn.
        rewards: reward of the training environment by t.
        actions: what the stand-in for get_action answers, in turn.
        epsilons: corners of the exploration schedule, `(corners, 2)` as (step, value).
        frames: stacked frames instead of vectors.
        seed: that of the run; `before` is that of the streams before it begins.
        spare: name of one more figure that the stand-in for update returns.
    """
    from gcb6206.scripts.run_hw3 import run_training_loop as under_test

    journal = Journal()
    made: list[gym.Env] = []
    starts: dict[int, np.ndarray] = {}  # the critic's weights at an agent's first choice
    num_actions = int(actions.max()) + 1

    def make_env(render: bool = False) -> gym.Env:
        number = len(made)

        def observation(episode: int, t: int) -> np.ndarray:
            if frames:
                levels = [20 * episode + max(0, t - back) for back in (3, 2, 1, 0)]
                return np.stack([np.full((84, 84), level % 256, np.uint8) for level in levels])
            return np.array([number, episode, t], dtype=np.float32)

        def record(what: str, given) -> None:
            value = -1.0 if given is None else float(given)
            journal.note(what, env=number, given=value, evaluating=journal.evaluating)

        made.append(
            ScriptedEnv(
                observation,
                lambda episode, t: float(rewards[t]),
                lengths.tolist(),
                terminated.tolist(),
                truncated.tolist(),
                num_actions,
                record,
                render=render,
            )
        )
        return gym.wrappers.RecordEpisodeStatistics(made[-1])

    def choose(self, observation, epsilon=0.02):
        if journal.evaluating:
            journal.note("eval_choice", epsilon=float(epsilon))
            return 0
        action = int(actions[len(journal.values("choice", "action")) % len(actions)])
        drawn = {"numpy": np.random.random(), "torch": torch.rand((), dtype=torch.float64).item()}
        journal.note(
            "choice", observation=code_of(observation), epsilon=float(epsilon), action=action, **drawn
        )
        starts.setdefault(id(self), weights(self.critic))
        return action

    def learn(self, obs, action, reward, next_obs, done, step):
        number = len(journal.values("update", "step"))
        journal.note(
            "update",
            step=int(step),
            tensors=all(torch.is_tensor(part) for part in (obs, action, reward, next_obs, done)),
            batch=plain(
                {
                    "observations": obs,
                    "actions": action,
                    "rewards": reward,
                    "next_observations": next_obs,
                    "dones": done,
                }
            ),
        )
        with torch.no_grad():
            for parameter in self.critic.parameters():
                parameter.add_(1.0)
        for part in (self.critic_optimizer, self.lr_scheduler):
            part.step()
        names = ("critic_loss", "q_values", "target_values", "grad_norm", spare)
        return {name: float(10 * number + place) for place, name in enumerate(names)}

    def evaluate(env, agent, max_length, render=False):  # resets the environment, plays nothing
        journal.evaluating = True
        observation, _ = env.reset()
        agent.get_action(observation)
        journal.evaluating = False
        number = len(journal.values("eval_episode", "result"))
        result, length = 7.0 + number**2, 3 + 7 * number % 11
        journal.note("eval_episode", result=result, length=length)
        nothing = np.zeros((1, 1), np.float32)
        return {
            "observation": nothing,
            "image_obs": np.zeros((1, 250, 250, 3), np.uint8),
            "reward": nothing[0],
            "action": nothing[0],
            "next_observation": nothing,
            "terminal": nothing[0],
            "episode_statistics": {"l": length, "r": result},
        }

    config = {
        "make_env": make_env,
        "log_name": "probe",
        "total_steps": total_steps,
        "batch_size": batch_size,
        "learning_starts": learning_starts,
        "replay_buffer_capacity": 1000,
        "exploration_schedule": PiecewiseSchedule(
            [tuple(p) for p in epsilons.tolist()], float(epsilons[-1, 1])
        ),
        "agent_kwargs": {
            "make_critic": _LinearCritic,
            "make_optimizer": lambda params: torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.125),
            "make_lr_schedule": lambda optimizer: torch.optim.lr_scheduler.ExponentialLR(
                optimizer, gamma=0.9
            ),
            "discount": 0.9,
            "target_update_period": 10,
        },
    }
    args = argparse.Namespace(
        seed=seed,
        no_gpu=True,
        which_gpu=0,
        log_interval=log_interval,
        eval_interval=eval_interval,
        num_eval_trajectories=eval_trajectories,
        num_render_trajectories=0,
        checkpoint_interval=0,
        resume=None,
    )
    others = {"hw3.get_action": choose, "hw3.update": learn, "hw3.sample_trajectory": evaluate}
    seed_everything(before)
    with stand_ins("hw3.run_training_loop", others), spied_buffers(journal):
        returned = under_test(config, JournalLogger(journal), args)
    agent = isinstance(returned, DQNAgent)
    first = next(iter(starts.values()), None)
    batches = 0 if frames else 20  # batches of frames are large, and no judge reads them
    return {
        "returned": "DQNAgent" if agent else kind(returned),
        "learned": weights(returned.critic) - first if agent and first is not None else np.zeros(0),
        "choice": journal.columns("choice", "observation", "epsilon", "action", "numpy", "torch"),
        "step": journal.columns("step", "env", "given"),
        "reset": journal.columns("reset", "env", "given", "evaluating"),
        "eval_choice": journal.columns("eval_choice", "epsilon"),
        "eval_episode": journal.columns("eval_episode", "result", "length"),
        "insert": journal.columns("insert", "observation", "action", "reward", "next_observation", "done"),
        "on_reset": journal.columns("on_reset", "observation"),
        "sample": journal.columns("sample", "size"),
        "samples": journal.values("sample", "batch", limit=batches),
        "update": journal.columns("update", "step", "tensors"),
        "updates": journal.values("update", "batch", limit=batches),
        "log": journal.columns("log", "value", "step"),
        "tags": journal.values("log", "tag"),
    }


@probe("hw3.convergence")
def convergence(seed: int, training: dict, snapshot_every: int) -> dict:
    """Trains, in the judge's environment, with all of the student's code; the critic's weights at the last three snapshots.

    The weights are, layer by layer, the matrix `(inputs, outputs)` and the bias `(outputs,)`.

    Args:
        training: fields of DQNBasicConfig.
        snapshot_every: updates between snapshots.
    """
    from gcb6206.env_configs.dqn_basic_config import DQNBasicConfig

    return _trained(DQNBasicConfig(**training).build(), PlayedElsewhere, _layers, seed, snapshot_every)


@probe("hw3.convergence_pictures")
def convergence_pictures(seed: int, training: dict, snapshot_every: int) -> dict:
    """The same on a small game's pictures.

    The weights are, layer by layer, PyTorch's weight and bias.

    Args:
        training: fields of DQNPictureConfig.
        snapshot_every: updates between snapshots.
    """
    from gcb6206.env_configs.dqn_picture_config import DQNPictureConfig

    config = DQNPictureConfig(**training).build()
    return _trained(config, PicturesPlayedElsewhere, nn.Module.parameters, seed, snapshot_every)


def _layers(critic: nn.Module) -> list[torch.Tensor]:
    return [part for layer in critic.layers() for part in layer]


def _trained(config: dict, played: Callable, parameters: Callable, seed: int, snapshot_every: int) -> dict:
    """What a training with the student's code leaves.

    Args:
        config: the run's parts.
        played: wraps an environment so that the judge plays it.
        parameters: of a critic, in the order in which they are answered.
    """
    from gcb6206.infrastructure.logger import NullLogger
    from gcb6206.scripts.run_hw3 import run_training_loop as under_test

    make_env = config["make_env"]
    config["make_env"] = lambda render=False: gym.wrappers.RecordEpisodeStatistics(played(make_env(render)))
    make_critic, update = config["agent_kwargs"]["make_critic"], exercises.get("hw3.update").implementation
    critics: list[nn.Module] = []
    snapshots: deque[list[np.ndarray]] = deque(maxlen=3)
    calls = 0

    def watched_critic(observation_shape, num_actions):
        critics.append(make_critic(observation_shape, num_actions))
        return critics[-1]

    def watched_update(self, obs, action, reward, next_obs, done, step):
        nonlocal calls
        result = update(self, obs, action, reward, next_obs, done, step)
        calls += 1
        if calls % snapshot_every == 0:
            snapshots.append(snapshot())
        return result

    def snapshot() -> list[np.ndarray]:
        return [part.detach().cpu().numpy().copy() for part in parameters(critics[0])]

    config["agent_kwargs"]["make_critic"] = watched_critic
    args = argparse.Namespace(
        seed=seed,
        no_gpu=True,
        which_gpu=0,
        log_interval=10**9,
        eval_interval=10**9,
        num_eval_trajectories=1,
        num_render_trajectories=0,
        checkpoint_interval=0,
        resume=None,
    )
    with exercises.filled({"hw3.update": watched_update}):
        under_test(config, NullLogger(), args)
    return {"critics": list(snapshots) or [snapshot()], "updates": calls}
