"""A class of its own around the agent; methods called through their class; logs every update itself."""

import numpy as np
import torch

from gcb6206.agents.dqn_agent import DQNAgent
from gcb6206.exercises import solves
from gcb6206.infrastructure import pytorch_util as ptu
from gcb6206.infrastructure.replay_buffer import ReplayBuffer
from gcb6206.infrastructure.utils import sample_n_trajectories
from gcb6206.runs.dqn import make_replay_buffer


@solves("hw3.run_training_loop")
def run_training_loop(config, logger, args):
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)
    ptu.init_gpu(not args.no_gpu, args.which_gpu)
    env, test_env = config["make_env"](), config["make_env"]()
    shape = env.observation_space.shape
    agent = DQNAgent(shape, env.action_space.n, **config["agent_kwargs"])
    buffer = make_replay_buffer(shape, config["replay_buffer_capacity"], args.seed)
    plain = type(buffer) is ReplayBuffer
    seeds = np.random.default_rng(args.seed)

    def begin():
        ob = np.asarray(env.reset(seed=int(seeds.integers(2**31)))[0])
        if not plain:
            buffer.on_reset(ob[-1])
        return ob

    ob, step = begin(), 0
    while step < config["total_steps"]:
        eps = config["exploration_schedule"].value(step)
        ac = DQNAgent.get_action(agent, ob, eps)
        new, rew, term, trunc, info = env.step(ac)
        new = np.asarray(new)
        kept = {"observation": ob, "next_observation": new} if plain else {"next_observation": new[-1]}
        buffer.insert(action=ac, reward=rew, done=term, **kept)
        ob = new
        if term or trunc:
            for tag, key in (("train_return", "r"), ("train_ep_len", "l")):
                logger.log_scalar(info["episode"][key], tag, step)
            ob = begin()
        if step >= config["learning_starts"]:
            data = ptu.from_numpy(buffer.sample(batch_size=config["batch_size"]))
            names = ("observations", "actions", "rewards", "next_observations", "dones")
            figures = DQNAgent.update(agent, *(data[name] for name in names), step=step)
            if step % args.log_interval == 0:
                for tag, value in figures.items():
                    logger.log_scalar(value, tag, step)
                logger.log_scalar(eps, "epsilon", step)
                logger.log_scalar(agent.critic_optimizer.param_groups[0]["lr"], "lr", step)
        if step % args.eval_interval == 0:
            paths = sample_n_trajectories(test_env, agent.greedy(), args.num_eval_trajectories, 1000)
            for key, tag in (("r", "eval_return"), ("l", "eval_ep_len")):
                logger.log_scalar(np.mean([p["episode_statistics"][key] for p in paths]), tag, step)
        step += 1
    return agent
