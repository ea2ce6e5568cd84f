"""BenchMARL's MAPPO with the original notes' navigation command, for ``benchmarks/vmas_navigation.py --benchmarl``.

BenchMARL 1.5.2 asks for another TorchRL than this course, so it needs an environment of its own:

    python -m venv build/benchmarl
    build/benchmarl/bin/pip install torch==2.13.0 benchmarl==1.5.2 vmas==1.5.2

Prints one line of JSON: wall and processor seconds of every iteration, and the mean return of the 200 episodes with
the mean actions that BenchMARL plays at the end, a mean over the agents.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import warnings

import torch
from benchmarl.algorithms import MappoConfig
from benchmarl.environments import VmasTask
from benchmarl.experiment import Callback, Experiment, ExperimentConfig
from benchmarl.models.mlp import MlpConfig

FRAMES, STEPS = 6000, 100


class Clock(Callback):
    """Wall and processor seconds of every iteration, and the returns of the evaluation."""

    def __init__(self):
        super().__init__()
        self.wall, self.processor, self.returns = [], [], []

    def begin(self) -> None:
        """Begin an iteration."""
        self._begun = time.perf_counter(), time.process_time()

    def on_train_end(self, training_td, group) -> None:
        """An iteration ends; the next one begins."""
        now = time.perf_counter(), time.process_time()
        self.wall.append(now[0] - self._begun[0])
        self.processor.append(now[1] - self._begun[1])
        self.begin()

    def on_evaluation_end(self, rollouts) -> None:
        """Keep the returns; BenchMARL evaluates after the first iteration and after the last."""
        self.returns = [rollout["next", "agents", "reward"].sum(dim=0).mean().item() for rollout in rollouts]
        self.begin()


def main() -> None:
    """Train once and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--iterations", type=int, default=10, help="iterations (10)")
    parser.add_argument("--epochs", type=int, default=30, help="epochs of each iteration (30)")
    parser.add_argument("--threads", type=int, default=2, help="threads (2)")
    parser.add_argument("--seed", type=int, default=0, help="seed (0)")
    parser.add_argument("--smallest", action="store_true", help="tiny sizes, to see that it runs")
    args = parser.parse_args()
    if args.smallest:
        args.iterations, args.epochs = 1, 1
    warnings.filterwarnings("ignore")
    torch.set_num_threads(args.threads)
    config = ExperimentConfig.get_from_yaml()
    config.gamma, config.lr, config.clip_grad_val = 0.99, 3e-4, 1.0
    config.max_n_frames, config.max_n_iters = None, args.iterations
    config.on_policy_collected_frames_per_batch, config.on_policy_n_envs_per_worker = FRAMES, FRAMES // STEPS
    config.on_policy_n_minibatch_iters, config.on_policy_minibatch_size = args.epochs, 400
    config.evaluation_interval, config.evaluation_episodes = FRAMES * args.iterations, 200
    config.loggers, config.create_json, config.render = ["csv"], False, False
    algorithm = MappoConfig.get_from_yaml()
    algorithm.lmbda, algorithm.clip_epsilon, algorithm.entropy_coef = 0.9, 0.2, 1e-4
    task = VmasTask.NAVIGATION.get_from_yaml()
    task.config.update(max_steps=STEPS, n_agents=3)
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        config.save_folder = folder
        experiment = Experiment(
            task=task,
            algorithm_config=algorithm,
            model_config=MlpConfig.get_from_yaml(),
            critic_model_config=MlpConfig.get_from_yaml(),
            seed=args.seed,
            config=config,
            callbacks=[clock],
        )
        clock.begin()
        experiment.run()
    result = sum(clock.returns) / len(clock.returns)
    print(json.dumps({"wall": clock.wall, "processor": clock.processor, "return": result}))


if __name__ == "__main__":
    main()
