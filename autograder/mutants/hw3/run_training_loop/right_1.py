"""The original homework's loop, which builds everything itself; truncated steps are stored."""

import numpy as np
import torch
import tqdm

from gcb6206.agents.dqn_agent import DQNAgent
from gcb6206.exercises import solves
from gcb6206.infrastructure import pytorch_util as ptu
from gcb6206.infrastructure import utils
from gcb6206.infrastructure.replay_buffer import MemoryEfficientReplayBuffer, ReplayBuffer


@solves("hw3.run_training_loop")
def run_training_loop(config, logger, args):
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)
    ptu.init_gpu(use_gpu=not args.no_gpu, gpu_id=args.which_gpu)

    env = config["make_env"]()
    eval_env = config["make_env"]()
    render_env = config["make_env"](render=True)
    exploration_schedule = config["exploration_schedule"]
    agent = DQNAgent(env.observation_space.shape, env.action_space.n, **config["agent_kwargs"])
    ep_len = env.spec.max_episode_steps

    observation = None
    if len(env.observation_space.shape) == 3:
        replay_buffer = MemoryEfficientReplayBuffer(frame_history_len=env.observation_space.shape[0])
    elif len(env.observation_space.shape) == 1:
        replay_buffer = ReplayBuffer()
    else:
        raise ValueError(f"Unsupported observation space shape: {env.observation_space.shape}")

    def reset_env_training():
        nonlocal observation
        observation, _ = env.reset()
        observation = np.asarray(observation)
        if isinstance(replay_buffer, MemoryEfficientReplayBuffer):
            replay_buffer.on_reset(observation=observation[-1, ...])

    reset_env_training()

    for step in tqdm.trange(config["total_steps"], dynamic_ncols=True):
        epsilon = exploration_schedule.value(step)
        action = agent.get_action(observation, epsilon=epsilon)
        next_observation, reward, terminated, truncated, info = env.step(action)
        next_observation = np.asarray(next_observation)

        if isinstance(replay_buffer, MemoryEfficientReplayBuffer):
            replay_buffer.insert(action, reward, next_observation[-1], terminated)
        else:
            replay_buffer.insert(observation, action, reward, next_observation, terminated)

        if terminated or truncated:
            reset_env_training()
            logger.log_scalar(info["episode"]["r"], "train_return", step)
            logger.log_scalar(info["episode"]["l"], "train_ep_len", step)
        else:
            observation = next_observation

        if step >= config["learning_starts"]:
            batch = replay_buffer.sample(config["batch_size"])
            batch = ptu.from_numpy(batch)
            update_info = agent.update(
                obs=batch["observations"],
                action=batch["actions"],
                reward=batch["rewards"],
                next_obs=batch["next_observations"],
                done=batch["dones"],
                step=step,
            )
            update_info["epsilon"] = epsilon
            update_info["lr"] = agent.lr_scheduler.get_last_lr()[0]
            if step % args.log_interval == 0:
                for k, v in update_info.items():
                    logger.log_scalar(v, k, step)
                logger.flush()

        if step % args.eval_interval == 0:
            trajectories = utils.sample_n_trajectories(eval_env, agent, args.num_eval_trajectories, ep_len)
            returns = [t["episode_statistics"]["r"] for t in trajectories]
            ep_lens = [t["episode_statistics"]["l"] for t in trajectories]
            logger.log_scalar(np.mean(returns), "eval_return", step)
            logger.log_scalar(np.mean(ep_lens), "eval_ep_len", step)
            if args.num_render_trajectories > 0:
                video_trajectories = utils.sample_n_trajectories(
                    render_env, agent, args.num_render_trajectories, ep_len, render=True
                )
                logger.log_trajs_as_videos(
                    video_trajectories, step, max_videos_to_save=args.num_render_trajectories
                )
