"""Positional arguments, a small function for each part, evaluation before learning within a step."""

import numpy as np

from gcb6206.exercises import solves
from gcb6206.infrastructure import pytorch_util as ptu
from gcb6206.infrastructure.replay_buffer import ReplayBuffer
from gcb6206.runs.dqn import TrainingRun


@solves("hw3.run_training_loop")
def run_training_loop(config, logger, args):
    run = TrainingRun(config, logger, args)
    buffer = run.replay_buffer
    state = run.reset()

    def remember(s, a, r, s2, end):
        if isinstance(buffer, ReplayBuffer):
            buffer.insert(s, a, r, s2, end)
        else:
            buffer.insert(action=a, reward=r, next_observation=s2[-1], done=end)

    def learn(t):
        data = buffer.sample(config["batch_size"])
        tensors = [
            ptu.from_numpy(data[k])
            for k in ("observations", "actions", "rewards", "next_observations", "dones")
        ]
        return run.agent.update(*tensors, t)

    for t in run.steps():
        eps = config["exploration_schedule"].value(t)
        a = run.agent.get_action(state, eps)
        s2, r, terminated, truncated, info = run.env.step(a)
        remember(state, a, r, np.asarray(s2), terminated)
        state = s2
        if truncated or terminated:
            run.log_episode(info, t)
            state = run.reset()
        if t % args.eval_interval == 0:
            run.evaluate(t)
        if t < config["learning_starts"]:
            continue
        run.log_update(learn(t), eps, t)
    return run.agent
