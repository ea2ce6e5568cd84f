"""Resets at the beginning of the following turn; float dones; an evaluation of its own."""

import numpy as np

from gcb6206.exercises import solves
from gcb6206.infrastructure import pytorch_util as ptu
from gcb6206.infrastructure import utils
from gcb6206.runs.dqn import TrainingRun


@solves("hw3.run_training_loop")
def run_training_loop(config, logger, args):
    run = TrainingRun(config, logger, args)
    images = len(run.env.observation_space.shape) == 3
    begin = True
    for step in run.steps():
        if begin:
            observation = run.reset()
        epsilon = run.config["exploration_schedule"].value(step)
        action = run.agent.get_action(epsilon=epsilon, observation=observation)
        successor, reward, terminated, truncated, info = run.env.step(action)
        transition = {"action": np.int64(action), "reward": np.float32(reward), "done": float(terminated)}
        if images:
            run.replay_buffer.insert(next_observation=successor[-1].copy(), **transition)
        else:
            run.replay_buffer.insert(observation=observation, next_observation=successor, **transition)
        begin, observation = terminated or truncated, successor
        if begin:
            run.log_episode(info, step)

        if not step < config["learning_starts"]:
            batch = {
                key: ptu.from_numpy(value)
                for key, value in run.replay_buffer.sample(config["batch_size"]).items()
            }
            figures = run.agent.update(
                step=step,
                obs=batch["observations"],
                next_obs=batch["next_observations"],
                action=batch["actions"],
                reward=batch["rewards"],
                done=batch["dones"],
            )
            run.log_update(figures, epsilon, step)

        if step % args.eval_interval == 0:
            trajectories = utils.sample_n_trajectories(
                run.eval_env, run.agent.greedy(), args.num_eval_trajectories, 500
            )
            logger.log_scalar(
                np.mean([t["episode_statistics"]["r"] for t in trajectories]), "eval_return", step
            )
            logger.log_scalar(
                np.mean([t["episode_statistics"]["l"] for t in trajectories]), "eval_ep_len", step
            )
    return run.agent
