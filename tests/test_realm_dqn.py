"""DQN on the realm: legal actions, what is stored, and that it learns what the homework's DQN learns."""

import argparse
import itertools

import numpy as np
import pytest
import torch

from gcb6206.agents.realm_agent import RealmDQNAgent
from gcb6206.env_configs.realm_config import RealmDQNConfig
from gcb6206.envs.realm.env import RealmVectorEnv
from gcb6206.errors import ConfigError
from gcb6206.infrastructure.logger import NullLogger
from gcb6206.networks.realm import RealmCritic, pack, unpack
from gcb6206.runs.realm import RealmCollector, make_agent
from gcb6206.runs.realm_dqn import RealmDQNRun

pytestmark = pytest.mark.usefixtures("solved")
SMALL = {"size": 64, "treasure_num": 2, "max_step": 20, "num_envs": 3, "n_steps": 16, "batch_size": 8, "channels": 2,
         "total_steps": 192, "hidden_size": 8, "learning_starts": 48, "update_period": 24,
         "replay_buffer_capacity": 500, "target_update_period": 2}  # fmt: skip


def make_run(**changes):
    config = RealmDQNConfig(**{**SMALL, **changes}).build()
    return RealmDQNRun(config, NullLogger(), argparse.Namespace(seed=5, num_eval_episodes=2))


@pytest.fixture
def rows():
    """Observations of games of which some have flashed, which they cannot do again for a while."""
    envs = RealmVectorEnv(6, size=64)
    envs.reset(seed=0)
    return pack(envs.step(np.array([8, 0, 1, 9, 2, 3]))[0])


def legal_of(rows):
    return unpack(torch.from_numpy(rows))[2]


def test_it_explores_and_acts_legally_only(rows):
    agent = make_agent(RealmDQNConfig(**SMALL).build())
    legal = legal_of(rows)
    assert isinstance(agent, RealmDQNAgent) and (~legal).any()
    agent.exploration, seen = 1.0, np.zeros(legal.shape, int)
    for _ in range(400):
        seen[np.arange(6), agent.act(rows, agent.noise(6))[0]] += 1
    assert (seen[~legal.numpy()] == 0).all() and (seen[legal.numpy()] > 0).all()
    agent.exploration = 0.0
    np.testing.assert_array_equal(agent.act(rows, agent.noise(6))[0], agent.act(rows)[0])
    values = agent.critic(torch.from_numpy(rows))
    assert legal.gather(1, values.argmax(1, keepdim=True)).all()


def test_an_illegal_action_decides_no_target(rows):
    """Its value is the highest before the mask, in both networks."""
    run = make_run(discount=0.5, use_double_q=False)
    illegal = ~legal_of(rows)
    flashed = illegal.any(dim=1).nonzero()[:, 0]
    row = torch.from_numpy(rows)[flashed[:1]]
    with torch.no_grad():
        for critic in (run.agent.critic, run.agent.target_critic):
            critic.values.weight.zero_()
            critic.values.bias.copy_(torch.where(illegal[flashed[0]], 100.0, 1.0))
    told = run.agent.update_critic(row, torch.tensor([0]), torch.tensor([2.0]), row, torch.tensor([False]))
    assert float(told["target_values"]) == pytest.approx(2.5)


def test_transitions_hold_an_episodes_own_last_observation_and_only_real_ends():
    env = RealmVectorEnv(2, size=64, treasure_num=0, max_step=3)
    collector = RealmCollector(env, 1)
    collector.restart(seed=0)
    told = [collector.step(np.array([0, 1])) for _ in range(4)]
    assert not np.array([row[-1] for row in told]).any()  # a time limit is no end
    goes_on = [(before[3] == after[0]).all() for before, after in itertools.pairwise(told)]
    assert goes_on == [
        True,
        True,
        False,
    ]  # the third step's episode was cut, and the fourth begins another one
    assert len(collector.episodes) == 2 and all(e["steps"] == 3 for e in collector.episodes)


def test_updates_are_due_by_the_step_and_the_target_network_follows(solved):
    run = make_run()
    seen = []
    update = run.agent.update
    run.agent.update = lambda *batch: seen.append(batch[-1]) or update(*batch)
    run.train()
    assert seen == list(range(2, 8))  # from step 48 to 192, one for every 24
    assert run.replay.inserted == 192 and run.done == run.total == 192


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"discount": 1.5}, "discount"),
        ({"update_period": 0}, "update_period"),
        ({"total_steps": 10}, "total_steps is 10"),
        ({"exploration_fraction": 0.0}, "exploration_fraction"),
        ({"rewards": {"tresure": 1.0}}, "treasure"),
        ({"size": 10}, "size"),
    ],
)
def test_bad_settings_are_named(changes, words):
    with pytest.raises(ConfigError, match=words):
        RealmDQNConfig(**{**SMALL, **changes})


def test_the_critic_sees_the_end_as_the_policy_does(rows):
    plain, seeing = (
        RealmCritic(channels=2, hidden=8),
        RealmCritic(channels=2, hidden=8, end_as_last_treasure=True),
    )
    seeing.load_state_dict(plain.state_dict())
    bytes_ = torch.from_numpy(rows)
    assert not torch.equal(plain(bytes_), seeing(bytes_))
