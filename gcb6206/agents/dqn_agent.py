"""Deep Q-learning (Mnih et al. 2015), with double Q-learning (van Hasselt et al. 2016) as an option.

    act:     with probability epsilon a random action, else argmax_a Q(s, a)
    target:  y = r + discount * (1 - done) * Q_target(s', a'),   a' = argmax_a Q_target(s', a)
             double Q-learning lets the online network choose:   a' = argmax_a Q(s', a)
    loss:    mean over the batch of (Q(s, a) - y)^2, y taken as a constant
    update:  one optimiser step on the loss, gradients clipped by their norm
    sync:    every ``target_update_period`` steps Q_target becomes a copy of Q

Departures from the paper: squared error instead of its clipped form, Adam instead of RMSProp, and ``done``
means *terminated*: a transition cut by a time limit still bootstraps.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from gcb6206.exercises import exercise

MakeCritic = Callable[[tuple[int, ...], int], nn.Module]
MakeOptimizer = Callable[..., torch.optim.Optimizer]
MakeSchedule = Callable[[torch.optim.Optimizer], torch.optim.lr_scheduler.LRScheduler]


class DQNAgent(nn.Module):
    """A Q-network, its target network, and how they act and learn.

    Args:
        observation_shape: shape of one observation, ``(features,)``, ``(frames, height, width)`` or
            ``(height, width, layers)``.
        num_actions: how many discrete actions there are.
        make_critic: builds a network that maps ``(batch, *observation_shape)`` to ``(batch, num_actions)``.
        make_optimizer: builds the optimiser from the network's parameters.
        make_lr_schedule: builds the learning-rate schedule from the optimiser; stepped once an update.
        discount: in [0, 1].
        target_update_period: steps between two copies into the target network.
        use_double_q: choose the next action with the online network.
        clip_grad_norm: the largest norm of the gradient; None does not clip.

    Raises:
        ValueError: the discount or the period is out of range.
    """

    def __init__(
        self,
        observation_shape: tuple[int, ...],
        num_actions: int,
        make_critic: MakeCritic,
        make_optimizer: MakeOptimizer,
        make_lr_schedule: MakeSchedule,
        discount: float,
        target_update_period: int,
        use_double_q: bool = False,
        clip_grad_norm: float | None = None,
    ):
        super().__init__()
        if not 0.0 <= discount <= 1.0:
            raise ValueError(f"discount is {discount}: expected a number from 0 to 1")
        if target_update_period < 1:
            raise ValueError(f"target_update_period is {target_update_period}: expected at least 1 step")
        self.observation_shape = observation_shape
        self.num_actions = num_actions
        self.discount = discount
        self.target_update_period = target_update_period
        self.use_double_q = use_double_q
        self.clip_grad_norm = clip_grad_norm

        self.critic = make_critic(observation_shape, num_actions)
        self.target_critic = make_critic(observation_shape, num_actions)
        self.critic_optimizer = make_optimizer(self.critic.parameters())
        self.lr_scheduler = make_lr_schedule(self.critic_optimizer)
        self.critic_loss = nn.MSELoss()
        self.update_target_critic()

    @exercise("hw3.get_action")
    def get_action(self, observation: np.ndarray, epsilon: float = 0.02) -> int:
        """Choose an action epsilon-greedily.

        With probability ``epsilon`` draw uniformly from all ``num_actions`` actions, else take the action with
        the highest Q-value of ``self.critic``. No gradient is needed; networks, their modes, the observation and
        seeds stay as they are.

        Args:
            observation: one observation, a numpy array of shape ``observation_shape``; the critic takes a batch of
                observations as they are, also where they are uint8.
            epsilon: probability of a random action, in [0, 1].

        Returns:
            The action, an int (Python's or NumPy's) from 0 to ``num_actions - 1``.
        """

    @exercise("hw3.update_critic")
    def update_critic(
        self,
        obs: torch.Tensor,
        action: torch.Tensor,
        reward: torch.Tensor,
        next_obs: torch.Tensor,
        done: torch.Tensor,
    ) -> dict:
        """Take one gradient step on the critic towards the (double) Q-learning target.

        The target is a constant for the gradient; its last value comes from ``self.target_critic``, and
        ``done`` switches that value off. ``self.use_double_q`` decides which network chooses the next action.
        The loss is ``self.critic_loss``, the mean over the batch of squared errors. Clip the norm of the whole
        gradient, all parameters together, at ``self.clip_grad_norm`` (None: do not), step
        ``self.critic_optimizer``, then ``self.lr_scheduler``. Nothing else changes, the batch included.

        Args:
            obs: ``(batch, *observation_shape)``.
            action: ``(batch,)`` int64.
            reward: ``(batch,)`` float32.
            next_obs: ``(batch, *observation_shape)``.
            done: ``(batch,)`` bool, True where the episode terminated; time limits are not in it.

        Returns:
            A mapping with ``critic_loss``, ``q_values`` (batch mean of Q(s, a)), ``target_values`` (batch mean) and
            ``grad_norm`` (before clipping): numbers, or scalars that are cut from the graph.
        """

    @exercise("hw3.update")
    def update(
        self,
        obs: torch.Tensor,
        action: torch.Tensor,
        reward: torch.Tensor,
        next_obs: torch.Tensor,
        done: torch.Tensor,
        step: int,
    ) -> dict:
        """Update the critic, and copy it into the target network when its time has come.

        The critic's step is one call of ``self.update_critic``. The copy happens at every ``step`` that
        ``target_update_period`` divides, 0 included, after the critic's step.

        Args:
            obs, action, reward, next_obs, done: a batch, as in ``update_critic``.
            step: the training step, from 0.

        Returns:
            What ``update_critic`` returned.
        """

    def update_target_critic(self) -> None:
        """Copy the critic's weights into the target network."""
        self.target_critic.load_state_dict(self.critic.state_dict())

    def greedy(self, epsilon: float = 0.0) -> FixedEpsilonPolicy:
        """This agent with a fixed small epsilon, 0 by default, for evaluation."""
        return FixedEpsilonPolicy(self, epsilon)

    def training_state(self) -> dict:
        """Everything that learning goes on from: both networks, optimiser, schedule."""
        return {
            "critic": self.critic.state_dict(),
            "target_critic": self.target_critic.state_dict(),
            "optimizer": self.critic_optimizer.state_dict(),
            "lr_scheduler": self.lr_scheduler.state_dict(),
        }

    def load_training_state(self, state: dict) -> None:
        """Take up a state that ``training_state`` gave."""
        self.critic.load_state_dict(state["critic"])
        self.target_critic.load_state_dict(state["target_critic"])
        self.critic_optimizer.load_state_dict(state["optimizer"])
        self.lr_scheduler.load_state_dict(state["lr_scheduler"])


class FixedEpsilonPolicy:
    """An agent whose ``get_action`` takes an observation alone and explores at a fixed rate."""

    def __init__(self, agent: DQNAgent, epsilon: float):
        self.agent = agent
        self.epsilon = epsilon

    def get_action(self, observation: np.ndarray) -> int:
        """The agent's action."""
        return self.agent.get_action(observation, epsilon=self.epsilon)
