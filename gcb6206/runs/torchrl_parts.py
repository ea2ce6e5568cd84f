"""TorchRL's parts for multi-agent PPO: environment, policy, critic and loss, each told where everything stands."""

from __future__ import annotations

import torch
from tensordict.nn import TensorDictModule
from tensordict.nn.distributions import NormalParamExtractor
from torchrl.envs import EnvBase, RewardSum, StepCounter, TransformedEnv, VmasEnv
from torchrl.modules import MultiAgentMLP, ProbabilisticActor, TanhNormal
from torchrl.objectives import ClipPPOLoss, ValueEstimators

from gcb6206.env_configs.mappo_config import MAPPOConfig, check_device
from gcb6206.envs.vmas import scenario_arguments

OBSERVATION, ACTION, REWARD = ("agents", "observation"), ("agents", "action"), ("agents", "reward")
RETURN, VALUE = ("agents", "episode_reward"), ("agents", "state_value")


def make_env(config: MAPPOConfig, count: int, seed: int, tutorial: bool = False) -> EnvBase:
    """So many environments side by side.

    Args:
        tutorial: the time limit is VMAS's own, and terminates.
    """
    env = VmasEnv(
        scenario=config.scenario_name,
        num_envs=count,
        continuous_actions=True,
        max_steps=config.max_steps if tutorial else None,
        device=check_device(config.device),
        seed=seed,
        **scenario_arguments(config.scenario_name, config.n_agents, config.scenario_kwargs or {}),
    )
    if not tutorial:
        env = TransformedEnv(env, StepCounter(config.max_steps))
    return TransformedEnv(env, RewardSum(in_keys=[env.reward_key], out_keys=[RETURN]))


def make_policy(env: EnvBase, config: MAPPOConfig) -> ProbabilisticActor:
    """Reads the agents' observations, writes their loc, scale, action and its log-probability."""
    spec = env.full_action_spec_unbatched[ACTION].space
    components = env.full_action_spec[ACTION].shape[-1]
    network = torch.nn.Sequential(
        _network(env, config, 2 * components, centralized=False), NormalParamExtractor()
    )
    parameters = [("agents", "loc"), ("agents", "scale")]
    return ProbabilisticActor(
        module=TensorDictModule(network, in_keys=[OBSERVATION], out_keys=parameters),
        spec=env.action_spec_unbatched,
        in_keys=parameters,
        out_keys=[ACTION],
        distribution_class=TanhNormal,
        distribution_kwargs={"low": spec.low, "high": spec.high},
        return_log_prob=True,
    )


def make_critic(env: EnvBase, config: MAPPOConfig) -> TensorDictModule:
    """Reads the agents' observations, writes a value for each; in MAPPO out of the observations of all."""
    network = _network(env, config, 1, centralized=config.algorithm == "mappo")
    return TensorDictModule(network, in_keys=[OBSERVATION], out_keys=[VALUE])


def make_loss(policy: ProbabilisticActor, critic: TensorDictModule, config: MAPPOConfig) -> ClipPPOLoss:
    """The loss, with the GAE that makes its advantages."""
    loss_module = ClipPPOLoss(
        actor_network=policy,
        critic_network=critic,
        clip_epsilon=config.clip_epsilon,
        entropy_coeff=config.entropy_eps,
        critic_coeff=config.critic_coef,
        normalize_advantage=False,
    )
    loss_module.set_keys(
        reward=REWARD,
        action=ACTION,
        value=VALUE,
        done=("agents", "done"),
        terminated=("agents", "terminated"),
    )
    loss_module.make_value_estimator(ValueEstimators.GAE, gamma=config.gamma, lmbda=config.lmbda)
    return loss_module


def _network(env: EnvBase, config: MAPPOConfig, outputs: int, centralized: bool) -> MultiAgentMLP:
    return MultiAgentMLP(
        env.observation_spec[OBSERVATION].shape[-1],
        outputs,
        n_agents=env.n_agents,
        centralized=centralized,
        share_params=config.share_parameters,
        device=env.device,
        depth=config.depth,
        num_cells=config.num_cells,
        activation_class=torch.nn.Tanh,
    )
