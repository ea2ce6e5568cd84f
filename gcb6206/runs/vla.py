"""Runs of a vision-language-action policy: MAPPO on one rank or several, and the cloning of demonstrations before it.

Whatever is random in a rollout follows from the run's seed, the step and the rank, so that a run can go on with another
number of ranks. A checkpoint begins new episodes everywhere. Beside the frame's ``checkpoint.pt``, from which a run goes
on, a run's directory holds the policy as ``load_vla`` takes it: ``checkpoint_STEP``, the last, and
``checkpoint_STEP_best``, the one that played best so far.
"""

from __future__ import annotations

import itertools
import re
import shutil
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from gcb6206.agents.vla_agent import VLAMAPPOAgent
from gcb6206.envs.vla_world import World
from gcb6206.errors import CheckpointError
from gcb6206.infrastructure import pytorch_util as ptu
from gcb6206.infrastructure.checkpoint import load_checkpoint, save_checkpoint
from gcb6206.infrastructure.data_parallel import Ranks
from gcb6206.networks.value_network import CentralizedValueNetwork, LightweightCentralizedCritic, TeamCritic
from gcb6206.networks.vla import VLAConfig
from gcb6206.networks.vla_checkpoint import LoadedVLA, load_vla, save_vla
from gcb6206.networks.vla_policy import MultiAgentVLAPolicy
from gcb6206.runs.demonstrations import Demonstrations
from gcb6206.runs.frame import Run, seed_of
from gcb6206.runs.vla_rollout import VLACollector, play_episodes

FILM_EVERY = 2  # steps from picture to picture
REMEMBERED = 50  # ended episodes whose means are logged
NOISE = "noise.pt"  # the learned scale, in a policy's directory
INITIAL_SCALE = 0.1  # of the noise, where neither settings nor checkpoint tell
SEPARATE = "agent_{}"  # further agents' models, where each has its own


def save_policy(directory: Path, policy: MultiAgentVLAPolicy, step: int) -> Path:
    """Write a policy beside its place, then move it there."""
    unfinished = directory.with_name(directory.name + ".writing")
    shutil.rmtree(unfinished, ignore_errors=True)
    for agent, model in enumerate(policy.vlas):
        loaded = LoadedVLA(model, policy.loaded.tokenizer, policy.loaded.statistics, policy.loaded.platform)
        save_vla(unfinished / SEPARATE.format(agent) if agent else unfinished, loaded, step)
    save_checkpoint(unfinished / NOISE, {"log_scale": policy.log_scale.detach().cpu()})
    shutil.rmtree(directory, ignore_errors=True)
    unfinished.rename(directory)
    return directory


def make_policy(config: dict, world: World, statistics: dict | None = None) -> MultiAgentVLAPolicy:
    """The policy that a run begins with: a new small one, or that of a directory.

    Args:
        config: the run's parts.
        world: whose ``low, high, instructions, image_size, proprio_dim`` it is made for.
        statistics: of the data for a new model; None where there are none.

    Raises:
        CheckpointError: the directory is missing, damaged, or does not fit the world or the settings.
    """
    source, kwargs = config.get("pretrained_checkpoint"), dict(config["vla_kwargs"])
    if source is None:
        sizes = VLAConfig(
            **config.get("sizes", {}),
            image_size=world.image_size,
            action_dim=len(world.low),
            proprio_dim=world.proprio_dim if kwargs.pop("use_proprio") else 0,
        )
        kwargs = {"num_actions_chunk": kwargs["num_actions_chunk"]}
        loaded = load_vla(sizes, statistics or plain_statistics(world), list(world.instructions), **kwargs)
    else:
        rough = config["device"].type == "cuda" and config["policy_kwargs"]["trainable"] == "head"
        loaded = load_vla(source, **kwargs, dtype=torch.bfloat16 if rough else torch.float32)
        _check_fits(Path(source), loaded, world)
    asked = config["policy_kwargs"].get("initial_scale")
    policy_kwargs = {**config["policy_kwargs"], "initial_scale": asked or INITIAL_SCALE}
    policy = MultiAgentVLAPolicy(
        loaded,
        list(world.instructions),
        torch.as_tensor(world.low),
        torch.as_tensor(world.high),
        **policy_kwargs,
    )
    if source is not None:
        _take_up(policy, Path(source), asked is None)
    return policy


def _check_fits(source: Path, loaded: LoadedVLA, world: World) -> None:
    model = loaded.model.config
    if model.image_size != world.image_size:
        raise CheckpointError(
            f"{source} takes pictures of {model.image_size} pixels, the world draws {world.image_size}: give "
            f"--image_size {model.image_size}"
        )
    if model.proprio_dim not in (0, world.proprio_dim):
        raise CheckpointError(
            f"{source} takes {model.proprio_dim} proprioceptive features, an arm of this world has "
            f"{world.proprio_dim}: take another checkpoint, or one without proprioception by --use_proprio false"
        )


def _take_up(policy: MultiAgentVLAPolicy, source: Path, noise_too: bool) -> None:
    """What ``save_policy`` left beside the first agent's model."""
    others = sorted(source.glob(SEPARATE.format("*")))
    if others and policy.share_policy:
        raise CheckpointError(
            f"{source} holds a model for each agent: give --share_policy false, or another checkpoint"
        )
    loaded = policy.loaded
    for agent, path in enumerate(others, start=1):
        further = load_vla(
            path, platform=loaded.platform, use_proprio=loaded.model.proprio_projector is not None
        )
        policy.vlas[agent].load_state_dict(further.model.state_dict())
    noise = source / NOISE
    if noise_too and noise.is_file():
        log_scale = load_checkpoint(noise)["log_scale"]
        with torch.no_grad():
            policy.log_scale.copy_(
                log_scale.expand_as(policy.log_scale) if len(log_scale) == 1 else log_scale
            )


def plain_statistics(world: World) -> dict:
    """Statistics where there are no data: actions within the limits, proprioception as it is."""
    low, high = (np.asarray(limit, float) for limit in (world.low, world.high))
    return {
        "action": {
            "min": low.tolist(),
            "max": high.tolist(),
            "mean": ((low + high) / 2).tolist(),
            "std": ((high - low) / 12**0.5).tolist(),
        },
        "proprio": {"mean": [0.0] * world.proprio_dim, "std": [1.0] * world.proprio_dim},
    }


class VLARun(Run):
    """MAPPO.

    Args:
        config: the run's parts, as ``MAPPOConfig().build()`` gives them, and where there are several ranks ``ranks``.
        logger: a ``Logger``, ``NullLogger``, or on ranks after the first a ``FollowerLogger``.
        args: besides what every run takes: ``num_eval_episodes``.

    Raises:
        CheckpointError: the pretrained checkpoint does not fit.
    """

    def build(self) -> None:
        """Make worlds, policy and critic."""
        self.ranks: Ranks = self.config.get("ranks", Ranks())
        device = self.config["device"]
        self.world = self.config["make_world"](num_envs=self.config["num_envs"])
        self.policy = make_policy(self.config, self.world).to(device)
        self.critic = make_critic(self.config, self.world, self.policy).to(device)
        self.agent = VLAMAPPOAgent(self.policy, self.critic, **self.config["agent_kwargs"], ranks=self.ranks)
        self.ranks.same_weights(self.agent)
        steps, self.history = self.config["num_steps_per_rollout"], self.config["history_length"]
        self.collector = VLACollector(self.world, self.policy, steps, self.history)
        self.episodes: deque[dict[str, float]] = deque(maxlen=REMEMBERED)
        self.best, self.film_fps = (-1.0, -np.inf), 20 // FILM_EVERY

    def begin(self) -> None:
        """Begin the first episodes."""
        self.settle()

    @property
    def total(self) -> int:
        """Environment steps of all ranks."""
        return self.config["total_timesteps"]

    def seed(self, what: str) -> int:
        """A seed of this rank at this step."""
        return seed_of(self.args.seed, self.done, what, self.ranks.rank)

    def collect(self) -> dict[str, torch.Tensor]:
        """Play one rollout; tensors ``(steps, num_envs, ...)``."""
        begun = time.perf_counter()
        generator = torch.Generator(self.config["device"]).manual_seed(self.seed("noise"))
        buffer = self.collector.collect(generator)
        self.episodes.extend(self.collector.episodes)
        self._order = torch.Generator().manual_seed(self.seed("order"))
        samples = {**buffer.data, **self._values()}
        samples |= self.agent.advantages(
            *(samples[name] for name in ("reward", "value", "next_value", "terminated", "done"))
        )
        self._collected = time.perf_counter() - begun
        self._frames = buffer.steps * self.world.num_envs * self.ranks.size
        return samples

    def update(self, samples: dict[str, torch.Tensor], progress: float) -> dict[str, float]:
        """Learn from a rollout."""
        begun = time.perf_counter()
        figures = self.agent.update(lambda: self._minibatches(samples), samples, progress)
        self.done += self._frames
        figures["time/learn_seconds"] = time.perf_counter() - begun
        return figures

    @torch.no_grad()
    def _values(self) -> dict[str, torch.Tensor]:
        """``value`` and ``next_value`` ``(steps, num_envs, n_agents)``, by the critic of the rollout."""
        buffer, pictures = self.collector.buffer, self.critic.needs_pictures
        envs = torch.arange(buffer.num_envs)
        values = torch.stack(
            [
                self._value(buffer.global_state(torch.full_like(envs, step), envs, self._scale, pictures))
                for step in range(buffer.steps + 1)
            ]
        )
        next_value = values[1:].clone()
        for ended in buffer.ended:
            next_value[ended.step, ended.envs] = self._value(buffer.last_state(ended, self._scale, pictures))
        return {"value": values[:-1], "next_value": next_value}

    def _value(self, state) -> torch.Tensor:
        return self.critic(self._moved(state)).squeeze(-1).cpu()

    def _moved(self, state):
        """A global state on the device; pictures as features."""
        features = state.features
        if features is not None:
            features = features.to(self.config["device"])
            features = self.policy.encode(features).detach() if features.dtype == torch.uint8 else features
        return type(state)(state.proprio.to(self.config["device"]), features)

    def _scale(self, proprio: torch.Tensor) -> torch.Tensor:
        scale = self.policy.proprio_scale
        if scale is None:
            return proprio
        return scale.normalize_and_clip(proprio.to(scale.shift.device)).cpu()

    def _minibatches(self, samples: dict[str, torch.Tensor]) -> Iterator[dict]:
        """An epoch's minibatches; samples that fill no whole one sit it out."""
        buffer, device = self.collector.buffer, self.config["device"]
        frames = buffer.steps * buffer.num_envs
        order = torch.randperm(frames, generator=self._order)
        size = frames // self.config["num_minibatches"]
        for part in order[: size * self.config["num_minibatches"]].split(size):
            steps, envs = part // buffer.num_envs, part % buffer.num_envs
            state = buffer.global_state(steps, envs, self._scale, self.critic.needs_pictures)
            rows = {
                name: samples[name][steps, envs].to(device)
                for name in ("action", "log_prob", "advantage", "value_target")
            }
            yield {
                **rows,
                "inputs": buffer.inputs(steps, envs).to(device),
                "proprio": buffer.proprios(steps, envs).to(device),
                "global_state": self._moved(state),
            }

    def log_update(self, figures: dict[str, float]) -> None:
        """Log what an update returned and the last episodes' means."""
        seconds = figures.pop("time/learn_seconds")
        logged = {f"train/{name}": value for name, value in figures.items()}
        for name in self.episodes[0] if self.episodes else ():
            logged[f"rollout/{name}"] = float(np.mean([told[name] for told in self.episodes]))
        logged["time/fps"] = self._frames / (self._collected + seconds)
        logged["time/collect_seconds"], logged["time/learn_seconds"] = self._collected, seconds
        for name, value in logged.items():
            self.logger.log_scalar(value, name, self.done)
        self.figures["steps/s"] = logged["time/fps"]
        if self.episodes:
            self.figures["noisy success"] = logged["rollout/success_at_end"]

    def play(self, seed: int) -> tuple[np.ndarray, dict[str, float]]:
        """Play ``num_eval_episodes`` episodes without noise, in worlds of their own."""
        world = self.config["make_eval_world"](
            num_envs=min(self.config["num_envs"], self.args.num_eval_episodes)
        )
        try:
            played = play_episodes(world, self.policy, seed, self.args.num_eval_episodes, self.history)
        finally:
            world.close()
        self._played = {name: float(values.mean()) for name, values in played.items()}
        return played["return"], {f"eval/{name}": value for name, value in self._played.items()}

    def evaluate(self, step: int | None = None):
        """Evaluate on the first rank, and keep the policy if it never was better; the others wait at the next step."""
        if self.ranks.rank:
            self._evaluated_at = self.done
            return []
        returns = super().evaluate(step)
        found = (self._played["success_at_end"], self._played["return"])
        self.figures["success"] = found[0]
        if found > self.best:
            self.best = found
            if self.directory is not None:
                self._keep("_best")
        return returns

    def films(self, wanted: int) -> Iterator[np.ndarray]:
        """Pictures of episodes without noise, every second step."""
        world = self.config["make_eval_world"](num_envs=1)
        try:
            for number in range(wanted):
                pictures: list[np.ndarray] = []
                steps = itertools.count()
                play_episodes(
                    world,
                    self.policy,
                    seed_of(self.args.seed, number, "film"),
                    1,
                    self.history,
                    watch=lambda: next(steps) % FILM_EVERY or pictures.append(world.picture()),  # noqa: B023
                )
                yield np.array(pictures)
        finally:
            world.close()

    def film(self, step: int | None = None) -> None:
        """Write the films that are wanted, on the first rank."""
        if not self.ranks.rank:
            super().film(step)

    def save(self) -> None:
        """Write the checkpoint and the policy, on the first rank."""
        if self.ranks.rank:
            self._saved_at = self.done
            self.settle()
            return
        super().save()
        self._keep("")

    def _keep(self, ending: str) -> None:
        """Write the policy under this step's name, then remove the one before."""
        before = [
            path
            for path in self.directory.glob("checkpoint_*")
            if re.fullmatch(rf"checkpoint_\d+{ending}", path.name)
        ]
        kept = save_policy(self.directory / f"checkpoint_{self.done}{ending}", self.policy, self.done)
        for path in before:
            if path != kept:
                shutil.rmtree(path)

    def settle(self) -> None:
        """Begin new episodes everywhere."""
        self.collector.restart(self.seed("training"))

    def state(self) -> dict:
        """Agent, the last episodes, and how well the best policy played."""
        return {
            "agent": self.agent.training_state(),
            "episodes": list(self.episodes),
            "best": list(self.best),
        }

    def load_state(self, state: dict) -> None:
        """Take up what ``state`` gave."""
        self.agent.load_training_state(state["agent"])
        self.episodes.extend(state["episodes"])
        self.best = tuple(state["best"])


class CloningRun(VLARun):
    """Behaviour cloning: the whole chunk to the demonstrated actions, by the L1 loss, the vision transformers too.

    Args:
        config: the run's parts, as ``CloningConfig().build()`` gives them.
        logger, args: as in ``VLARun``.
    """

    counter = "update"

    def build(self) -> None:
        """Make the policy, and read the demonstrations."""
        self.ranks = Ranks()
        world = self.config["make_eval_world"](num_envs=1)
        try:
            self.demonstrations = Demonstrations.read(
                self.config["demonstrations"], world.views, self.config["episodes"]
            )
            statistics = self.demonstrations.statistics(world.low, world.high)
            self.policy = make_policy(self.config, world, statistics).to(self.config["device"])
        finally:
            world.close()
        learning = [parameter for parameter in self.policy.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.Adam(learning, lr=self.config["lr"], eps=1e-5)
        self.history, self.best = self.config["history_length"], (-1.0, -np.inf)
        self.film_fps = 20 // FILM_EVERY

    @property
    def total(self) -> int:
        """Steps of the optimiser."""
        return self.config["updates"]

    def settle(self) -> None:
        """There is nothing to begin anew."""

    def learn(self, progress: float) -> None:
        """One step of the optimiser, with a learning rate that falls in a straight line to a tenth."""
        device, data = self.config["device"], self.demonstrations
        steps = torch.randint(data.steps, (self.config["batch_size"],))
        inputs, proprio, chunks = data.batch(
            steps, self.history, self.policy.vlas[0].config.num_actions_chunk, self.policy, device
        )
        loss = self.cloning_loss(inputs, proprio, chunks)
        for group in self.optimizer.param_groups:
            group["lr"] = self.config["lr"] * (1.0 - 0.9 * progress)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = ptu.clip_grad_norm(self.policy.parameters(), self.config["max_grad_norm"])
        self.optimizer.step()
        self.done += 1
        self.figures["loss"] = loss.item()
        if self.done % 10 == 0 or self.done == self.total:
            self.logger.log_scalar(loss.item(), "train/l1", self.done)
            self.logger.log_scalar(norm.item(), "train/grad_norm", self.done)

    def cloning_loss(self, inputs, proprio, chunks: torch.Tensor) -> torch.Tensor:
        """The mean distance of the predicted chunks from the demonstrated, in normalised actions."""
        predicted = self.policy.predict(inputs, proprio)[..., : chunks.shape[-1]]
        components = chunks.shape[-1]
        scale = self.policy.action_scale
        wanted = (chunks - scale.shift[:components]) / scale.width[:components]
        return (predicted - wanted).abs().mean()

    def state(self) -> dict:
        """Policy and optimiser."""
        return {
            "policy": self.policy.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "best": list(self.best),
        }

    def load_state(self, state: dict) -> None:
        """Take up what ``state`` gave."""
        self.policy.load_state_dict(state["policy"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.best = tuple(state["best"])


def make_critic(config: dict, world, policy: MultiAgentVLAPolicy) -> TeamCritic:
    """An untrained critic with the run's settings."""
    central = config["algorithm"] == "mappo"
    seen = world.n_agents if central else 1
    sizes = (seen, config["history_length"] * world.proprio_dim, config["critic_hidden"])

    def one():
        if config["critic"] == "lightweight":
            return LightweightCentralizedCritic(*sizes)
        model = policy.vlas[0].config
        pictures = config["history_length"] * len(world.views[0])
        return CentralizedValueNetwork(*sizes, pictures, model.num_patches, model.vision_dim)

    number = 1 if central or policy.share_policy else world.n_agents
    return TeamCritic([one() for _ in range(number)], world.n_agents, central)
