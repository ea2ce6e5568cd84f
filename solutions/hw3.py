"""Homework 3, deep Q-learning: the reference solutions.

Each function stands in the student's notebook with the lines between the markers taken out.
"""

import numpy as np
import torch

from gcb6206.exercises import solves
from gcb6206.infrastructure import pytorch_util as ptu
from gcb6206.infrastructure.replay_buffer import MemoryEfficientReplayBuffer
from gcb6206.infrastructure.utils import render_frame
from gcb6206.runs.dqn import TrainingRun


@solves("hw3.get_action")
def get_action(self, observation: np.ndarray, epsilon: float = 0.02) -> int:
    # TODO(student): with probability epsilon return a random action, else the greedy one, as a Python int
    # HINT: self.num_actions, self.critic; the critic wants a batch: ptu.from_numpy(observation)[None]
    ### BEGIN SOLUTION
    if np.random.random() < epsilon:
        return int(np.random.randint(self.num_actions))
    with torch.no_grad():
        return int(self.critic(ptu.from_numpy(observation)[None]).argmax())
    ### END SOLUTION


@solves("hw3.update_critic")
def update_critic(
    self,
    obs: torch.Tensor,
    action: torch.Tensor,
    reward: torch.Tensor,
    next_obs: torch.Tensor,
    done: torch.Tensor,
) -> dict:
    # TODO(student): compute target_values, shape (batch,), without a gradient
    # HINT: torch.no_grad, self.target_critic, self.use_double_q, self.discount, done.float(), Tensor.gather
    ### BEGIN SOLUTION
    with torch.no_grad():
        next_q_values = self.target_critic(next_obs)
        chooser = self.critic(next_obs) if self.use_double_q else next_q_values
        next_value = next_q_values.gather(1, chooser.argmax(dim=1, keepdim=True)).squeeze(1)
        target_values = reward + self.discount * (1.0 - done.float()) * next_value
    ### END SOLUTION

    # TODO(student): compute q_values of the actions taken, shape (batch,), and the loss
    # HINT: self.critic, self.critic_loss
    ### BEGIN SOLUTION
    q_values = self.critic(obs).gather(1, action.long()[:, None]).squeeze(1)
    loss = self.critic_loss(q_values, target_values)
    ### END SOLUTION

    # TODO(student): take the step: gradients, their norm clipped, the optimiser, the learning-rate schedule
    # HINT: ptu.clip_grad_norm(parameters, self.clip_grad_norm) clips and returns the norm from before
    ### BEGIN SOLUTION
    self.critic_optimizer.zero_grad()
    loss.backward()
    grad_norm = ptu.clip_grad_norm(self.critic.parameters(), self.clip_grad_norm)
    self.critic_optimizer.step()
    self.lr_scheduler.step()
    ### END SOLUTION

    return {
        "critic_loss": loss.item(),
        "q_values": q_values.mean().item(),
        "target_values": target_values.mean().item(),
        "grad_norm": grad_norm.item(),
    }


@solves("hw3.update")
def update(
    self,
    obs: torch.Tensor,
    action: torch.Tensor,
    reward: torch.Tensor,
    next_obs: torch.Tensor,
    done: torch.Tensor,
    step: int,
) -> dict:
    # TODO(student): update the critic, then the target network if this step is one of its own
    # HINT: self.update_critic, self.update_target_critic, self.target_update_period
    ### BEGIN SOLUTION
    critic_stats = self.update_critic(obs, action, reward, next_obs, done)
    if step % self.target_update_period == 0:
        self.update_target_critic()
    ### END SOLUTION
    return critic_stats


@solves("hw3.sample_trajectory")
def sample_trajectory(env, agent, max_length: int, render: bool = False) -> dict:
    ob, _ = env.reset()
    obs, acs, rewards, next_obs, terminals, image_obs = [], [], [], [], [], []
    steps = 0
    rollout_done = False

    while not rollout_done:
        if render:
            image_obs.append(render_frame(env))

        # TODO(student): use the most recent observation to choose an action
        # HINT: agent.get_action
        ### BEGIN SOLUTION
        ac = agent.get_action(ob)
        ### END SOLUTION

        # TODO(student): take that action in the environment
        # HINT: env.step gives five values
        ### BEGIN SOLUTION
        next_ob, rew, terminated, truncated, info = env.step(ac)
        ### END SOLUTION
        steps += 1

        # TODO(student): record this step, with the right flag in terminals, and go on to the next observation
        ### BEGIN SOLUTION
        obs.append(ob)
        acs.append(ac)
        rewards.append(rew)
        next_obs.append(next_ob)
        terminals.append(terminated)
        ob = next_ob
        ### END SOLUTION

        # TODO(student): does the rollout end here? It can terminate, be truncated, or reach max_length steps
        ### BEGIN SOLUTION
        rollout_done = terminated or truncated or steps >= max_length
        ### END SOLUTION

    episode_statistics = {"l": steps, "r": float(np.sum(rewards))}
    if "episode" in info:
        episode_statistics.update(info["episode"])

    return {
        "observation": np.array(obs, dtype=np.float32),
        "image_obs": np.array(image_obs, dtype=np.uint8),
        "reward": np.array(rewards, dtype=np.float32),
        "action": np.array(acs, dtype=np.float32),
        "next_observation": np.array(next_obs, dtype=np.float32),
        "terminal": np.array(terminals, dtype=np.float32),
        "episode_statistics": episode_statistics,
    }


@solves("hw3.run_training_loop")
def run_training_loop(config: dict, logger, args):
    run = TrainingRun(config, logger, args)  # seeds, environments, agent, replay buffer, log, checkpoint
    env, agent, replay_buffer = run.env, run.agent, run.replay_buffer
    observation = run.reset()

    for step in run.steps():
        epsilon = config["exploration_schedule"].value(step)

        # TODO(student): choose an action with this epsilon and take it in the environment
        # HINT: agent.get_action, env.step
        ### BEGIN SOLUTION
        action = agent.get_action(observation, epsilon=epsilon)
        next_observation, reward, terminated, truncated, info = env.step(action)
        ### END SOLUTION
        next_observation = np.asarray(next_observation)

        if isinstance(replay_buffer, MemoryEfficientReplayBuffer):
            # This buffer keeps single frames; the newest one of the stack is the last.
            replay_buffer.insert(action, reward, next_observation[-1], terminated)
        else:
            # TODO(student): insert the whole transition into the regular buffer
            # HINT: replay_buffer.insert(observation=..., action=..., reward=..., next_observation=..., done=...)
            ### BEGIN SOLUTION
            replay_buffer.insert(
                observation=observation,
                action=action,
                reward=reward,
                next_observation=next_observation,
                done=terminated,
            )
            ### END SOLUTION

        if terminated or truncated:
            run.log_episode(info, step)
            observation = run.reset()
        else:
            observation = next_observation

        if step >= config["learning_starts"]:
            # TODO(student): sample config["batch_size"] transitions
            # HINT: replay_buffer.sample gives a dict: observations, actions, rewards, next_observations, dones
            ### BEGIN SOLUTION
            batch = replay_buffer.sample(config["batch_size"])
            ### END SOLUTION
            batch = ptu.from_numpy(batch)

            # TODO(student): train the agent on the batch
            # HINT: agent.update(obs=..., action=..., reward=..., next_obs=..., done=..., step=...)
            ### BEGIN SOLUTION
            update_info = agent.update(
                obs=batch["observations"],
                action=batch["actions"],
                reward=batch["rewards"],
                next_obs=batch["next_observations"],
                done=batch["dones"],
                step=step,
            )
            ### END SOLUTION
            run.log_update(update_info, epsilon, step)

        if step % args.eval_interval == 0:
            run.evaluate(step)

    return agent


quiz = {"a": None, "b": None, "c": None, "d": None}
# TODO(student): True or False for each statement, e.g. quiz = {"a": True, "b": True, "c": True, "d": True}
### BEGIN SOLUTION
quiz = {"a": False, "b": True, "c": True, "d": False}
### END SOLUTION
