"""Advances the observation before it stores the transition."""

import numpy as np

from gcb6206.exercises import solves
from gcb6206.infrastructure import pytorch_util as ptu
from gcb6206.infrastructure.replay_buffer import MemoryEfficientReplayBuffer
from gcb6206.infrastructure.training_run import TrainingRun

HINT = "store before observation = next_observation"


@solves("hw3.run_training_loop")
def run_training_loop(config, logger, args):
    run = TrainingRun(config, logger, args)
    env, agent, replay_buffer = run.env, run.agent, run.replay_buffer
    observation = run.reset()
    for step in run.steps():
        epsilon = config["exploration_schedule"].value(step)
        action = agent.get_action(observation, epsilon=epsilon)
        next_observation, reward, terminated, truncated, info = env.step(action)
        next_observation = np.asarray(next_observation)
        if isinstance(replay_buffer, MemoryEfficientReplayBuffer):
            replay_buffer.insert(action, reward, next_observation[-1], terminated)
        else:
            replay_buffer.insert(
                observation=next_observation,
                action=action,
                reward=reward,
                next_observation=next_observation,
                done=terminated,
            )
        if terminated or truncated:
            run.log_episode(info, step)
            observation = run.reset()
        else:
            observation = next_observation
        if step >= config["learning_starts"]:
            batch = ptu.from_numpy(replay_buffer.sample(config["batch_size"]))
            update_info = agent.update(
                obs=batch["observations"],
                action=batch["actions"],
                reward=batch["rewards"],
                next_obs=batch["next_observations"],
                done=batch["dones"],
                step=step,
            )
            run.log_update(update_info, epsilon, step)
        if step % args.eval_interval == 0:
            run.evaluate(step)
    return agent
