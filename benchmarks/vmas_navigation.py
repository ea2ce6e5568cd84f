"""Multi-agent PPO on VMAS navigation: seconds an iteration, ours beside TorchRL's multi-agent tutorial.

The original notes' setting: 3 agents, 60 environments of 100 steps, 30 epochs of minibatches of 400 frames, actor
and central critic with 2 layers of 256 tanh units. TorchRL's side is built as in its tutorial: Collector,
MultiAgentMLP, TanhNormal, ClipPPOLoss with its GAE, ReplayBuffer, Adam. Both evaluate 200 episodes with the mean
actions at the end, in the same environments. The two take turns, so that a noisy machine hurts both.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings

import torch

import solutions
from gcb6206.env_configs.mappo_config import MAPPOConfig
from gcb6206.infrastructure.logger import NullLogger
from gcb6206.infrastructure.multi_agent_run import MultiAgentRun
from gcb6206.infrastructure.vmas_envs import VmasTeam

MAX_STEPS, EPISODES = 100, 200


def ours(config: MAPPOConfig, seed: int) -> tuple[list[float], list[float], float]:
    """Wall and processor seconds of every iteration of our loop, and the mean return of the trained team."""
    run = MultiAgentRun(
        config.build(), NullLogger(), argparse.Namespace(seed=seed, eval_interval=0, num_eval_episodes=EPISODES)
    )
    clock = Clock()
    for progress in run.iterations():
        clock.begin()
        batch = run.collect()
        run.log_iteration(batch, run.agent.update(run.agent.prepare(batch), progress))
        clock.end()
    return clock.wall, clock.processor, run.evaluate().mean().item()


def torchrl_tutorial(config: MAPPOConfig, seed: int) -> tuple[list[float], list[float], float]:
    """The same of TorchRL's tutorial."""
    from tensordict.nn import TensorDictModule
    from tensordict.nn.distributions import NormalParamExtractor
    from torchrl.collectors import Collector
    from torchrl.data import LazyTensorStorage, ReplayBuffer, SamplerWithoutReplacement
    from torchrl.envs import RewardSum, TransformedEnv, VmasEnv
    from torchrl.modules import MultiAgentMLP, ProbabilisticActor, TanhNormal
    from torchrl.objectives import ClipPPOLoss, ValueEstimators

    torch.manual_seed(seed)
    device = torch.device(config.device)
    frames = config.frames_per_batch
    env = VmasEnv(
        scenario="navigation",
        num_envs=frames // config.max_steps,
        continuous_actions=True,
        max_steps=config.max_steps,
        device=device,
        seed=seed,
        n_agents=3,
    )
    env = TransformedEnv(env, RewardSum(in_keys=[env.reward_key], out_keys=[("agents", "episode_reward")]))
    features = env.observation_spec["agents", "observation"].shape[-1]
    components = env.full_action_spec[env.action_key].shape[-1]
    network = {"n_agents": env.n_agents, "share_params": True, "device": device, "depth": config.depth,
               "num_cells": config.num_cells, "activation_class": torch.nn.Tanh}  # fmt: skip
    actor = torch.nn.Sequential(
        MultiAgentMLP(features, 2 * components, centralized=False, **network), NormalParamExtractor()
    )
    policy = ProbabilisticActor(
        module=TensorDictModule(
            actor, in_keys=[("agents", "observation")], out_keys=[("agents", "loc"), ("agents", "scale")]
        ),
        spec=env.action_spec_unbatched,
        in_keys=[("agents", "loc"), ("agents", "scale")],
        out_keys=[env.action_key],
        distribution_class=TanhNormal,
        distribution_kwargs={
            "low": env.full_action_spec_unbatched[env.action_key].space.low,
            "high": env.full_action_spec_unbatched[env.action_key].space.high,
        },
        return_log_prob=True,
    )
    critic = TensorDictModule(
        MultiAgentMLP(features, 1, centralized=True, **network),
        in_keys=[("agents", "observation")],
        out_keys=[("agents", "state_value")],
    )
    collector = Collector(env, policy, device=device, storing_device=device, frames_per_batch=frames,
                          total_frames=frames * config.n_iters)  # fmt: skip
    buffer = ReplayBuffer(
        storage=LazyTensorStorage(frames, device=device),
        sampler=SamplerWithoutReplacement(),
        batch_size=config.minibatch_size,
    )
    loss_module = ClipPPOLoss(actor_network=policy, critic_network=critic, clip_epsilon=config.clip_epsilon,
                              entropy_coeff=config.entropy_eps, normalize_advantage=False)  # fmt: skip
    loss_module.set_keys(
        reward=env.reward_key,
        action=env.action_key,
        value=("agents", "state_value"),
        done=("agents", "done"),
        terminated=("agents", "terminated"),
    )
    loss_module.make_value_estimator(ValueEstimators.GAE, gamma=config.gamma, lmbda=config.lmbda)
    optimizer = torch.optim.Adam(loss_module.parameters(), config.lr)

    clock = Clock()
    clock.begin()
    for batch in collector:
        for flag in ("done", "terminated"):
            per_agent = batch["next", flag].unsqueeze(-1).expand(batch["next", "agents", "reward"].shape)
            batch["next", "agents", flag] = per_agent
        with torch.no_grad():
            loss_module.value_estimator(
                batch,
                params=loss_module.critic_network_params,
                target_params=loss_module.target_critic_network_params,
            )
        buffer.extend(batch.reshape(-1))
        for _ in range(config.num_epochs):
            for _ in range(frames // config.minibatch_size):
                losses = loss_module(buffer.sample())
                loss = losses["loss_objective"] + losses["loss_critic"] + losses["loss_entropy"]
                loss.backward()
                torch.nn.utils.clip_grad_norm_(loss_module.parameters(), config.max_grad_norm)
                optimizer.step()
                optimizer.zero_grad()
        collector.update_policy_weights_()
        clock.end()
        clock.begin()
    collector.shutdown()

    team = VmasTeam("navigation", EPISODES, device, n_agents=3)
    returns, over = torch.zeros(EPISODES, device=device), torch.zeros(EPISODES, dtype=torch.bool, device=device)
    observation = team.reset(seed=seed)
    with torch.no_grad():
        for _ in range(MAX_STEPS):
            mean, _ = actor(observation)
            observation, reward, terminated = team.step(torch.tanh(mean).clamp(-1.0, 1.0))
            returns += reward.mean(dim=(1, 2)) * ~over
            over |= terminated[:, 0]
    return clock.wall, clock.processor, returns.mean().item()


class Clock:
    """Collects wall and processor seconds."""

    def __init__(self):
        self.wall, self.processor = [], []

    def begin(self) -> None:
        """Begin an iteration."""
        self._begun = time.perf_counter(), time.process_time()

    def end(self) -> None:
        """End it."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.wall.append(time.perf_counter() - self._begun[0])
        self.processor.append(time.process_time() - self._begun[1])


def main() -> None:
    """Measure pairs and print them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--iterations", type=int, default=10, help="iterations of each run (10)")
    parser.add_argument("--epochs", type=int, default=30, help="epochs of each iteration (30)")
    parser.add_argument("--pairs", type=int, default=5, help="pairs of runs (5)")
    parser.add_argument("--threads", type=int, default=2, help="threads of both (2)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda:0 (cpu)")
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(args.threads)
    solutions.load("hw2", "hw4")
    config = MAPPOConfig(n_agents=3, n_iters=args.iterations, num_epochs=args.epochs, device=args.device)
    ratios = []
    for pair in range(args.pairs):
        line = []
        for name, program in (("ours", ours), ("TorchRL", torchrl_tutorial)):
            wall, processor, result = program(config, seed=pair)
            line.append((statistics.median(wall), statistics.median(processor)))
            print(
                f"pair {pair + 1}: {name} {line[-1][0]:.2f} s an iteration ({line[-1][1]:.2f} s of processor "
                f"time), return {result:.2f}",
                flush=True,
            )
        ratios.append([theirs / mine for mine, theirs in zip(*line)])
    wall, processor = ([ratio[i] for ratio in ratios] for i in range(2))
    print(f"TorchRL / ours: {statistics.median(wall):.2f} by the clock (from {min(wall):.2f} to {max(wall):.2f}), "
          f"{statistics.median(processor):.2f} in processor time")  # fmt: skip


if __name__ == "__main__":
    main()
