"""Learning on the realm: masked network, what is stored of acting, curricula, the run."""

import argparse
import dataclasses

import numpy as np
import pytest
import torch

from gcb6206.agents.realm_agent import RealmAgent
from gcb6206.env_configs.realm_config import RealmConfig
from gcb6206.envs.realm.env import RealmVectorEnv
from gcb6206.envs.realm.rewards import SHAPED
from gcb6206.errors import ConfigError
from gcb6206.infrastructure.logger import NullLogger
from gcb6206.networks.policies import entropy_bonus
from gcb6206.networks.realm import PACKED, RealmPolicy, end_as_last_treasure, mask_logits, pack, unpack
from gcb6206.runs.realm import RealmCollector, RealmRun
from gcb6206.scripts import train_realm

pytestmark = pytest.mark.usefixtures("solved")
SMALL = {"size": 64, "treasure_num": 2, "max_step": 40, "num_envs": 3, "n_steps": 16, "batch_size": 16,
         "total_steps": 480, "channels": 2, "hidden_size": 8, "n_epochs": 2}  # fmt: skip


def make_run(**changes):
    config = RealmConfig(**{**SMALL, **changes}).build()
    return RealmRun(config, NullLogger(), argparse.Namespace(seed=5, num_eval_episodes=2))


@pytest.fixture
def packed():
    """Observations of games of which some have flashed."""
    envs = RealmVectorEnv(6, size=64)
    envs.reset(seed=0)
    observation, *_ = envs.step(np.array([8, 0, 1, 9, 2, 3]))
    return observation, pack(observation)


def test_packing_loses_nothing(packed):
    observation, rows = packed
    assert rows.shape == (6, PACKED) and rows.dtype == np.uint8
    maps, vectors, legal = unpack(torch.from_numpy(rows))
    np.testing.assert_array_equal(maps.numpy(), observation["map"] / np.float32(255))
    np.testing.assert_array_equal(vectors.numpy(), observation["vector"])
    np.testing.assert_array_equal(legal.numpy(), observation["action_mask"])


def test_illegal_actions_have_probability_0_and_break_nothing(packed, solved):
    _, rows = packed
    policy = RealmPolicy(2, 8)
    log_probs, values = policy(torch.from_numpy(rows))
    legal = unpack(torch.from_numpy(rows))[2]
    assert (log_probs.exp()[~legal] == 0).all() and (~legal).sum() == 16
    torch.testing.assert_close(log_probs.exp().sum(dim=1), torch.ones(6))
    entropy = entropy_bonus(log_probs)
    assert 0 < entropy < np.log(16)
    (entropy + values.sum()).backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in policy.parameters())
    noise = np.random.default_rng(0).gumbel(size=(500, 6, 16))
    drawn = np.stack([RealmAgent.act(argparse.Namespace(policy=policy), rows, row)[0] for row in noise])
    assert drawn[:, [0, 3]].max() < 8 <= drawn[:, [1, 2, 4, 5]].max()


def test_one_legal_action_is_certain():
    log_probs = torch.log_softmax(mask_logits(torch.randn(3, 4), torch.eye(4, dtype=torch.bool)[:3]), dim=1)
    torch.testing.assert_close(log_probs.diagonal(), torch.zeros(3))


def test_backbones_are_shared_only_where_asked(packed):
    rows = torch.from_numpy(packed[1])
    apart, shared = RealmPolicy(2, 8), RealmPolicy(2, 8, share_backbone=True)
    for policy, touched in ((apart, False), (shared, True)):
        policy(rows)[1].sum().backward()
        gradients = [parameter.grad for parameter in policy.actor_backbone.parameters()]
        assert any(g is not None and g.abs().sum() > 0 for g in gradients) is touched
        torch.testing.assert_close(policy.value(rows), policy(rows)[1])
    assert len(list(apart.parameters())) - len(list(shared.parameters())) == 8


def test_what_acting_said_is_kept_whatever_the_weights_are_later(solved):
    run = make_run()
    rollout = run.collector.collect(run.agent)
    again = run.agent.policy.evaluate(
        torch.from_numpy(rollout["observations"]).flatten(0, 1),
        torch.from_numpy(rollout["actions"]).flatten(),
    )[0].detach()
    with torch.no_grad():
        for parameter in run.agent.policy.parameters():
            parameter.add_(0.5)
    samples = run.agent.prepare(rollout)
    np.testing.assert_array_equal(samples["log_probs"], rollout["log_probs"].ravel())
    np.testing.assert_array_equal(samples["values"], rollout["values"].ravel())
    torch.testing.assert_close(samples["log_probs"], again, atol=1e-5, rtol=0)


def test_a_rollout_is_what_the_games_gave(solved):
    """Played again with the same actions; where a time limit cut an episode, its own last observation is valued."""
    run = make_run(n_steps=50, max_step=20, batch_size=50)
    rollout = run.collector.collect(run.agent)
    again = RealmVectorEnv(3, rewards=SHAPED, **dataclasses.asdict(run.config["options"]))
    observation, _ = again.reset(seed=5)
    for t in range(50):
        np.testing.assert_array_equal(rollout["observations"][t], pack(observation))
        observation, rewards, _, truncated, info = again.step(rollout["actions"][t])
        np.testing.assert_array_equal(rollout["rewards"][t], rewards)
        np.testing.assert_array_equal(rollout["truncated"][t], truncated)
        following = pack(observation)
        for i in np.flatnonzero(truncated):
            last = {name: value[None] for name, value in info["final_obs"][i].items()}
            following[i] = pack(last)[0]
        np.testing.assert_allclose(rollout["next_values"][t], run.agent.values(following), atol=1e-6)
    assert rollout["truncated"].sum() >= 3
    assert len(run.collector.episodes) == rollout["truncated"].sum() + rollout["terminated"].sum()


def test_curricula_follow_the_training(solved):
    run = make_run(treasure_curriculum="0, 2", random_start_fraction=0.2, total_steps=480)
    seen = []
    for progress in run.updates():
        seen.append((progress, run.env.options.treasure_num, run.env.options.start))
        run.done += run._steps_each
    assert [number for _, number, _ in seen] == [0] * 5 + [2] * 5
    assert [start for *_, start in seen] == ["random"] * 2 + [2] * 8


def test_an_evaluation_is_measured_by_the_planner_on_the_same_episodes_every_time(solved):
    run = make_run(eval_map_seed=900)
    scores = run.evaluate()
    planned = run._planned
    assert planned.shape == (2,) and (planned > 0).all()
    assert run.figures["% of planner"] == pytest.approx(100 * scores.sum() / planned.sum())
    maps = [realm.walls for realm in run._eval_env.games.maps]
    run.done += 48
    run.evaluate()
    assert run._planned is planned
    assert all(np.array_equal(a, b.walls) for a, b in zip(maps, run._eval_env.games.maps))


def test_an_update_makes_likelier_what_was_better_than_expected(solved):
    run = make_run(learning_rate=1e-3, n_epochs=5)
    samples = run.collect()
    good = samples["actions"] == 3
    samples["advantages"] = torch.where(good, 1.0, -1.0)
    before = run.agent.policy(samples["observations"])[0][:, 3].exp().mean().item()
    run.agent.update(samples, 0.0)
    after = run.agent.policy(samples["observations"])[0][:, 3].exp().mean().item()
    assert 0 < good.sum() < len(good) and after > 1.05 * before


@pytest.mark.parametrize(
    "changes, named",
    [
        ({"batch_size": 17}, "batch_size is 17"),
        ({"treasure_num": 14}, "^treasure_num is 14"),
        ({"treasure_curriculum": "norm,14"}, "treasure_curriculum is 'norm,14': treasure_num is 14"),
        ({"treasure_curriculum": "nrom"}, "treasure_curriculum is 'nrom': treasure_num is 'nrom'"),
        ({"treasure_curriculum": ""}, "treasure_curriculum is ''"),
        ({"eval_map_seed": -3}, "eval_map_seed is -3"),
        ({"env_kwargs": {"treasure_id": 3}}, "treasure_id is 3"),
        ({"size": 10}, "size is 10"),
        ({"env_kwargs": {"flash": 3}}, "flash"),
        ({"env_kwargs": {"size": 64}}, "env_kwargs holds size"),
        ({"rewards": {"tresure": 1.0}}, "tresure.*treasure"),
        ({"gamma": 1.5}, "gamma is 1.5"),
        ({"total_steps": 10}, "total_steps is 10"),
    ],
)
def test_wrong_settings_are_named(changes, named):
    with pytest.raises(ConfigError, match=named):
        RealmConfig(**{**SMALL, **changes})


def test_the_command_line_trains_films_and_hands_back_the_agent(solved, tmp_path):
    config = tmp_path / "realm.yaml"
    fields = {**SMALL, "total_steps": 96, "exp_name": "tiny"}
    config.write_text(
        "base_config: realm\n" + "".join(f"{name}: {value}\n" for name, value in fields.items())
    )
    words = ["-cfg", str(config), "--log_root", str(tmp_path), "-neval", "2", "-nvid", "1"]
    log_dir = train_realm.start([*words, "--checkpoint_interval", "48"])
    assert len(list((log_dir / "videos").glob("*.mp4"))) == 1
    agent = train_realm.load_agent(log_dir)
    envs = RealmVectorEnv(2, size=64)
    actions = agent.greedy(envs.reset(seed=0)[0])
    assert actions.shape == (2,) and (actions < 16).all()
    assert RealmCollector(envs, 4).figures() == {}
    assert train_realm.main(["-cfg", str(config), "--treasure_num", "15"]) == 2


def test_checkpoints_of_a_command_leave_time_for_two_whole_episodes(solved, tmp_path, monkeypatch):
    begun, restart = [], RealmCollector.restart

    def noted(self, seed):
        begun.append(seed)
        restart(self, seed)

    monkeypatch.setattr(RealmCollector, "restart", noted)
    config = tmp_path / "realm.yaml"
    config.write_text("base_config: realm\n" + "".join(f"{name}: {value}\n" for name, value in SMALL.items()))
    train_realm.start(
        ["-cfg", str(config), "--log_root", str(tmp_path), "-neval", "1", "--checkpoint_interval", "48"]
    )
    assert 1 < len(begun) <= 3  # the start, and after 2 * 40 steps of 3 games


def test_the_end_is_the_last_treasure_and_not_seen_before():
    games = RealmVectorEnv(4, size=48, treasure_num=3, end=1)
    rows = torch.from_numpy(pack(games.reset(seed=0)[0]))
    for actions in np.random.default_rng(0).integers(8, size=(60, 4)):
        rows = torch.cat([rows, torch.from_numpy(pack(games.step(actions)[0]))])
    maps, vectors, _ = unpack(rows)
    cleared = vectors.clone()
    cleared[:, 2:15] = 0.0
    assert maps[:, 3].any() and vectors[:, 2:15].any(dim=1).any()
    seen = end_as_last_treasure(maps, vectors)
    left = vectors[:, 2:15].any(dim=1)
    assert torch.equal(seen[left, :3], maps[left, :3]) and not seen[left, 3].any()
    last = end_as_last_treasure(maps * torch.tensor([1, 1, 0, 1])[:, None, None], cleared)
    assert torch.equal(last[:, 2], maps[:, 3]) and torch.equal(last[:, 3], maps[:, 3])
    torch.manual_seed(0)
    policy = RealmPolicy(2, 8, end_as_last_treasure=True)
    plain = RealmPolicy(2, 8)
    plain.load_state_dict(policy.state_dict())
    shown = rows[left & maps[:, 3].flatten(1).any(dim=1)]
    assert len(shown) and not torch.equal(policy(shown)[0], plain(shown)[0])
    assert not torch.equal(policy.value(shown), plain.value(shown))
