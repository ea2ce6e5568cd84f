"""RLlib's PPO on CartPole, for ``benchmarks/ppo_cartpole.py --rllib``.

RLlib asks for more packages than Ray, which this course has, so it gets an environment of its own:

    python -m venv build/rllib
    build/rllib/bin/pip install "ray[rllib]==2.60.0" torch==2.13.0

Same settings as Stable-Baselines3's side there; one process, one thread. Prints one line of JSON: steps per second of
the process's own time, after a first rollout with its update.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
import warnings

import torch
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig


def main() -> None:
    """Run once and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("algorithm", choices=("ppo",))
    parser.add_argument("--begin", type=int, default=8192, help="steps of a rollout (8192)")
    parser.add_argument("--steps", type=int, default=24576, help="timed steps, whole rollouts (24576)")
    parser.add_argument("--seed", type=int, default=0, help="seed (0)")
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    config = (
        PPOConfig()
        .environment("CartPole-v1")
        .env_runners(num_env_runners=0, num_envs_per_env_runner=4)
        .learners(num_learners=0)
        .rl_module(
            model_config=DefaultModelConfig(
                fcnet_hiddens=[64, 64], fcnet_activation="tanh", vf_share_layers=False
            )
        )
        .training(
            train_batch_size_per_learner=args.begin, minibatch_size=64, num_epochs=10, lr=3e-4, gamma=0.99,
            lambda_=0.95, clip_param=0.2, vf_loss_coeff=0.5, entropy_coeff=0.0, grad_clip=0.5, use_kl_loss=False,
        )
        .debugging(seed=args.seed, log_level="ERROR")
    )  # fmt: skip
    algorithm = config.build_algo()
    algorithm.train()
    begun = time.process_time()
    for _ in range(args.steps // args.begin):
        algorithm.train()
    print(json.dumps({"rate": args.steps // args.begin * args.begin / (time.process_time() - begun)}))


if __name__ == "__main__":
    main()
