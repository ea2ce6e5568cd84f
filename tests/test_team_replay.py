"""Replays of a training: they hold what VMAS did, from one start, and recording them changes nothing."""

import argparse
import dataclasses
import doctest
import json

import numpy as np
import pytest
import torch
import yaml

from gcb6206.env_configs.mappo_config import MAPPOConfig
from gcb6206.envs.vmas import VmasTeam
from gcb6206.infrastructure.logger import Logger
from gcb6206.runs import team_replay
from gcb6206.runs.team import MultiAgentRun, make_agent
from gcb6206.runs.team_replay import tracks
from gcb6206.scripts import record, train
from gcb6206.scripts.scripting_utils import RUN_FILE

pytestmark = pytest.mark.usefixtures("solved")

SMALL = {"frames_per_batch": 60, "max_steps": 15, "n_iters": 3, "num_epochs": 2, "minibatch_size": 20,
         "num_cells": 8}  # fmt: skip
START = 45


def config_of(**changes):
    config = MAPPOConfig(**{**SMALL, **changes})
    return {**config.build(), "settings": dataclasses.asdict(config)}


def arguments(**changes):
    given = {"seed": 1, "eval_interval": 1, "num_eval_episodes": 2, "checkpoint_interval": 1, "replay": START}
    return argparse.Namespace(**{**given, **changes})


def trained(directory, config=None, args=None):
    """The weights after a training, and its replay if it left one."""
    logger = Logger(directory)
    agent = train.run_training(config or config_of(), logger, args or arguments())
    logger.close()
    path = directory / team_replay.REPLAY
    replay = json.loads(path.read_text()) if path.exists() else None
    return torch.cat([parameter.detach().flatten() for parameter in agent.parameters()]), replay


# --- one episode ----------------------------------------------------------------------------------


def test_packed_numbers_come_back_to_a_thousandth():
    assert doctest.testmod(team_replay).failed == 0
    rng = np.random.default_rng(0)
    for walk in (np.cumsum(rng.normal(0, 0.05, 500)), np.full(9, -1.2345), np.array([0.0, 0.0, 3.0])):
        back = team_replay.unpack(team_replay.pack(walk.tolist()), len(walk))
        assert np.abs(np.array(back) - walk).max() <= 0.0005 + 1e-9  # no error adds up
    assert team_replay.pack([-1.2345] * 9) == [-1234] and len(team_replay.pack([0.0, 0.0, 3.0])) == 3


@pytest.mark.parametrize("name, agents", [("navigation", 3), ("buzz_wire", None), ("reverse_transport", 3)])
def test_an_episode_is_what_vmas_does_with_the_mean_actions(name, agents):
    team = VmasTeam(name, 1, n_agents=agents)
    agent = make_agent(config_of(), team, seed=1)
    with torch.no_grad():  # so that something moves
        agent.actor.networks.networks[0].head.bias[:2] = torch.tensor([0.7, -0.4])
    episode = team_replay.play(team, agent, START, max_steps=12)
    world, observation = team.vmas.world, team.reset(START)
    places, earned = [], [0.0]
    for _ in range(episode["steps"]):
        places.append([(*e.state.pos[0].tolist(), e.state.rot[0].item()) for e in world.entities])
        observation, reward, terminated = team.step(agent.act(observation))
        earned.append(earned[-1] + reward.mean().item())
    places.append([(*e.state.pos[0].tolist(), e.state.rot[0].item()) for e in world.entities])
    assert episode["steps"] == 12 or terminated.item()
    np.testing.assert_allclose(tracks(episode), np.transpose(places, (1, 2, 0)), atol=6e-4)
    np.testing.assert_allclose(team_replay.unpack(episode["return"], len(earned)), earned, atol=6e-4)
    assert np.ptp(tracks(episode)[..., 0, :], axis=-1).max() > 0.01


def test_entities_are_drawn_as_vmas_makes_them():
    wheel = team_replay.entities(VmasTeam("wheel", 1, n_agents=4))
    bar, last = {"shape": "line", "length": 2}, {"shape": "circle", "radius": 0.03}
    assert wheel[0] == {"name": "line", "agent": False, "colour": "#262626", **bar}
    assert wheel[-1] == {"name": "agent_3", "agent": True, "colour": "#4040bf", **last}
    assert sum(entity["agent"] for entity in wheel) == 4
    package = team_replay.entities(VmasTeam("reverse_transport", 1))[1]
    assert [package[name] for name in ("shape", "length", "width", "colour")] == ["box", 0.6, 0.6, "#bf4040"]


@pytest.mark.parametrize(
    "start, colour", [(START, "#bf4040"), (0, "#40bf40")], ids=["on its way", "at its goal"]
)
def test_a_colour_for_each_environment_is_that_of_the_first(start, colour):
    team = VmasTeam("reverse_transport", 1)
    team.reset(start)
    team.step(torch.zeros(1, 3, 2))  # from here on the package has a colour for each environment
    assert team_replay.entities(team)[1]["colour"] == colour


def test_joints_are_lines_between_what_they_join():
    team = VmasTeam("buzz_wire", 1)
    agent = make_agent(config_of(), team, seed=1)
    episode = team_replay.play(team, agent, START, max_steps=5)
    drawn = {e["name"]: (e, track) for e, track in zip(team_replay.entities(team), tracks(episode))}
    for name in ("agent_0", "agent_1"):
        joint, (x, y, angle) = drawn[f"joint {name} ball"]
        ends = {end: drawn[end][1][:2] for end in (name, "ball")}
        for side, end in ((-1, name), (1, "ball")):
            reach = side * joint["length"] / 2
            tip = np.array([x + reach * np.cos(angle), y + reach * np.sin(angle)])
            assert joint["shape"] == "line" and np.abs(tip - ends[end]).max() < 0.02


# --- the run --------------------------------------------------------------------------------------


def test_every_evaluation_is_kept_from_the_same_start(tmp_path):
    _, replay = trained(tmp_path, args=arguments(eval_interval=2))
    checkpoints = replay["checkpoints"]
    assert [(c["iteration"], c["frames"]) for c in checkpoints] == [(0, 0), (2, 120), (3, 180)]
    assert (replay["scenario"], replay["start"], replay["max_steps"]) == ("navigation", START, 15)
    assert len(replay["entities"]) == 6 and all(len(c["poses"]) == 6 for c in checkpoints)
    starts = [tracks(c)[..., 0] for c in checkpoints]
    np.testing.assert_array_equal(starts, [starts[0]] * 3)
    assert not np.array_equal(tracks(checkpoints[0])[..., -1], tracks(checkpoints[2])[..., -1])


def test_the_mean_beside_an_episode_is_that_of_its_evaluation(tmp_path, monkeypatch):
    evaluate, means = MultiAgentRun.evaluate, []

    def listened(self):
        returns = evaluate(self)
        means.append(returns.mean().item())
        return returns

    monkeypatch.setattr(MultiAgentRun, "evaluate", listened)
    _, replay = trained(tmp_path)
    assert len(means) == 3
    assert [c["mean_return"] for c in replay["checkpoints"][1:]] == pytest.approx(means, abs=6e-4)


@pytest.mark.slow
def test_replays_leave_training_and_log_untouched(tmp_path):
    with_replay, _ = trained(tmp_path / "a")
    without, nothing = trained(tmp_path / "b", args=arguments(replay=None))
    torch.testing.assert_close(with_replay, without, rtol=0, atol=0)
    assert nothing is None
    logs = [train_log(tmp_path / name) for name in "ab"]
    assert logs[0] == logs[1]


def train_log(directory):
    from gcb6206.scripts.parse_tensorboard import read_scalars

    scalars = read_scalars(directory)
    kept = [tag for tag in scalars if not tag.startswith("time/")]
    return {tag: [list(map(float, part)) for part in scalars[tag]] for tag in kept}


class Killed(Exception):
    """Stands for a kill."""


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["log_iteration", "evaluate", "save"])
def test_a_resumed_run_leaves_the_replay_of_one_that_was_never_killed(tmp_path, monkeypatch, moment):
    config, args = config_of(n_iters=5), arguments(checkpoint_interval=2)
    _, whole = trained(tmp_path / "whole", config, args)
    method = getattr(MultiAgentRun, moment)

    def killed_late(self, *given):
        if moment == "save" and self.iteration == 4:
            raise Killed  # after the evaluation, before its checkpoint
        result = method(self, *given)
        if moment != "save" and self.iteration == 3:
            raise Killed
        return result

    monkeypatch.setattr(MultiAgentRun, moment, killed_late)
    with pytest.raises(Killed):
        trained(tmp_path / "killed", config, args)
    monkeypatch.undo()
    resumed = arguments(checkpoint_interval=2, resume=str(tmp_path / "killed"))
    _, replay = trained(tmp_path / "killed", config, resumed)
    assert replay == whole and [c["iteration"] for c in replay["checkpoints"]] == [0, 1, 2, 3, 4, 5]


def test_a_kill_while_the_replay_is_written_leaves_the_one_before(tmp_path, monkeypatch):
    path = tmp_path / team_replay.REPLAY
    team_replay.keep(path, {"scenario": "a"}, {"iteration": 0})
    before = path.read_text()

    def killed(*args):
        raise Killed

    monkeypatch.setattr(team_replay.os, "replace", killed)
    with pytest.raises(Killed):
        team_replay.keep(path, {"scenario": "a"}, {"iteration": 1})
    assert path.read_text() == before


def test_the_command_line_asks_for_a_replay_and_a_resumed_run_remembers(tmp_path):
    flags = [word for name, value in SMALL.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    words = [*flags, "--solutions", "--num-eval-episodes", "2", "--replay", str(START)]
    log_dir = train.start([*words, "--log-root", str(tmp_path)])
    path = log_dir / team_replay.REPLAY
    first = json.loads(path.read_text())
    assert [c["iteration"] for c in first["checkpoints"]] == [0, 3]
    assert yaml.safe_load((log_dir / RUN_FILE).read_text())["replay"] == START


# --- recording ------------------------------------------------------------------------------------


def test_too_large_a_replay_keeps_its_last_checkpoint_and_an_even_choice():
    every = [{"iteration": i, "poses": [[100] * 50]} for i in range(20)]
    replay = {"scenario": "a", "checkpoints": every}
    assert team_replay.thinned(replay) == replay
    whole = len(team_replay.text(replay))
    for largest in (whole - 1, whole // 3):
        kept = [c["iteration"] for c in team_replay.thinned(replay, largest)["checkpoints"]]
        assert len(team_replay.text(team_replay.thinned(replay, largest))) <= largest
        assert kept[-1] == 19 and len(set(np.diff(kept))) == 1 and len(kept) > 4


@pytest.mark.slow
def test_the_first_seed_of_a_recorded_run_leaves_its_replay(tmp_path, capsys):
    flags = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in SMALL.items())
    command = f"{flags} --num-eval-episodes 2"
    described = {"about": "a test", "program": "train", "command": command, "seeds": [3, 4]}
    results = tmp_path / "results.yaml"
    results.write_text(yaml.safe_dump({"small": described}))
    record.record("small", results=tmp_path)
    about = tmp_path / "small" / "record.json"
    replay, before = tmp_path / "small" / team_replay.REPLAY, json.loads(about.read_text())["seeds"]
    assert not replay.exists()
    (tmp_path / "small" / "seed_3.csv").write_text("left alone")
    results.write_text(yaml.safe_dump({"small": {**described, "replay": START}}))
    capsys.readouterr()
    record.record("small", results=tmp_path)  # of what is recorded only the replay is missing
    assert [c["iteration"] for c in json.loads(replay.read_text())["checkpoints"]] == [0, 3]
    assert capsys.readouterr().out.count("recorded before") == 1
    assert (tmp_path / "small" / "seed_3.csv").read_text() == "left alone"
    after = json.loads(about.read_text())
    assert after["seeds"] == before and after["replay"] == {
        "seed": 3,
        "start": START,
        "commit": record.commit(),
    }
    del after["seeds"]["4"]
    about.write_text(json.dumps(after))
    record.record("small", results=tmp_path)  # another seed does not forget how the replay was made
    assert capsys.readouterr().out.count("recorded before") == 1
    assert json.loads(about.read_text())["replay"] == after["replay"]
