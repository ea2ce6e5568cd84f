"""The multi-agent trainer: environments, batches, the command line, the log, resuming, refusals."""

import argparse
import dataclasses
import json
import re
import sys
from pathlib import Path

import pytest
import torch
import yaml

from gcb6206 import exercises
from gcb6206.env_configs.config import ConfigError, read_yaml
from gcb6206.env_configs.mappo_config import MAPPOConfig
from gcb6206.envs.vmas import VmasTeam, episode_reward_sum, expand_done, scenario_names
from gcb6206.infrastructure.checkpoint import load_checkpoint
from gcb6206.infrastructure.logger import Logger, NullLogger
from gcb6206.infrastructure.sentinel import NonFiniteError
from gcb6206.runs.frame import CHECKPOINT
from gcb6206.runs.team import NONFINITE, MultiAgentRun, make_agent
from gcb6206.runs.team_rollout import collect_batch, play_episodes
from gcb6206.scripts import record, train
from gcb6206.scripts.parse_tensorboard import read_scalars
from gcb6206.scripts.scripting_utils import load_config, parse_run

pytestmark = pytest.mark.usefixtures("solved")

SMALL = {"frames_per_batch": 60, "max_steps": 15, "n_iters": 3, "num_epochs": 2, "minibatch_size": 20,
         "num_cells": 8}  # fmt: skip
FLAGS = [word for name, value in SMALL.items() for word in (f"--{name.replace('_', '-')}", str(value))]
COMMAND = [*FLAGS, "--solutions", "--num-eval-episodes", "3"]
NOTES = {
    "navigation": "--n-agents 3 --frames-per-batch 6000 --max-steps 100 --n-iters 10 --num-epochs 30 "
    "--minibatch-size 400 --lr 3e-4 --max-grad-norm 1.0 --clip-epsilon 0.2 --entropy-eps 1e-4 --gamma 0.99 "
    "--lmbda 0.9",
    "reverse_transport": "--n-agents 3 --frames-per-batch 32768 --max-steps 500 --n-iters 250 --num-epochs 4 "
    "--minibatch-size 8192 --lr 3e-4 --entropy-eps 1e-4",
    "wheel": "--n-agents 4 --frames-per-batch 6000 --max-steps 100 --n-iters 500 --num-epochs 4 "
    "--minibatch-size 4096 --lr 1e-3 --clip-epsilon 0.2 --entropy-eps 1e-2 --gamma 0.99 --lmbda 0.95",
    "buzz_wire": "--frames-per-batch 4096 --max-steps 150 --n-iters 20 --num-epochs 3 --minibatch-size 1024 "
    "--lr 5e-4 --entropy-eps 5e-4",
}


def arguments(**changes):
    return argparse.Namespace(**{"seed": 1, "eval_interval": 0, "num_eval_episodes": 2, **changes})


def config_of(**changes):
    config = MAPPOConfig(**{**SMALL, **changes})
    return {**config.build(), "settings": dataclasses.asdict(config)}


def team_and_agent(num_envs=4, **changes):
    config = config_of(**changes)
    team = config["make_team"](num_envs=num_envs)
    return team, make_agent(config, team, seed=1)


def weights_after(config, args=None, logger=None):
    agent = train.run_training(config, logger or NullLogger(), args or arguments())
    return torch.cat([parameter.detach().flatten() for parameter in agent.parameters()])


# --- environments and batches ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, agents", [("navigation", 3), ("wheel", 4), ("buzz_wire", 2), ("simple_tag", 4)]
)
def test_rewards_and_flags_have_one_shape_in_every_scenario(name, agents):
    team = VmasTeam(name, 5, n_agents=agents if name != "simple_tag" else None)
    observation = team.reset(seed=0)
    assert observation.shape == (5, agents, team.observation_size)
    stepped, reward, terminated = team.step(torch.zeros(5, agents, team.action_size))
    assert stepped.shape == observation.shape
    assert reward.shape == (5, agents, 1) and terminated.shape == (5, 1) and terminated.dtype == torch.bool


def test_a_team_is_what_vmas_makes_it():
    import vmas

    team, plain = VmasTeam("navigation", 3, n_agents=2), vmas.make_env("navigation", 3, seed=7, n_agents=2)
    expected = plain.reset(seed=7)
    got = team.reset(seed=7)
    torch.testing.assert_close(got, torch.stack(expected, dim=1))
    action = torch.rand(3, 2, 2)
    expected, reward, *_ = plain.step([action[:, 0], action[:, 1]])
    got = team.step(action)
    torch.testing.assert_close(got[0], torch.stack(expected, dim=1))
    torch.testing.assert_close(got[1][..., 0], torch.stack(reward, dim=1))


def test_only_named_environments_begin_anew():
    team = VmasTeam("navigation", 4)
    team.reset(seed=0)
    before = team.step(torch.ones(4, 3, 2))[0]
    after = team.begin_anew(torch.tensor([False, True, False, False]))
    same = (before == after).flatten(1).all(dim=1)
    assert same.tolist() == [True, False, True, True]
    assert after[1, :, 2:4].abs().max() == 0.0  # at rest


class Counting:
    """Stands for a team: shows (environment, episode, step); environment i terminates after 3 + i steps."""

    num_envs, n_agents, observation_size, action_size = 3, 2, 3, 2
    device, low, high = torch.device("cpu"), -torch.ones(2, 2), torch.ones(2, 2)

    def reset(self, seed):
        self.episode, self.t = torch.zeros(3), torch.zeros(3)
        return self._look()

    def step(self, actions):
        self.t += 1
        reward = self.t[:, None, None] * torch.tensor([1.0, 10.0])[:, None]
        return self._look(), reward, (self.t >= 3 + torch.arange(3))[:, None]

    def begin_anew(self, which):
        self.episode += which
        self.t[which] = 0
        return self._look()

    def _look(self):
        return torch.stack([torch.arange(3.0), self.episode, self.t], dim=-1)[:, None].expand(3, 2, 3).clone()


def counting(**changes):
    team = Counting()
    return team, make_agent(config_of(**changes), team, seed=1)


def test_batches_hold_real_transitions_only():
    batch = collect_batch(*counting(), seed=0, max_steps=4)
    for i in range(3):
        episode, t = 0, 0
        for row in range(4):
            terminated = t + 1 == 3 + i
            assert batch["observation"][i, row, 0].tolist() == [i, episode, t]
            assert batch["next_observation"][i, row, 1].tolist() == [i, episode, t + 1]
            assert batch["reward"][i, row].flatten().tolist() == [t + 1, 10 * (t + 1)]
            assert batch["begins"][i, row].item() == (t == 0)
            assert batch["terminated"][i, row].item() == terminated
            assert batch["truncated"][i, row].item() == (t + 1 == 4 and not terminated)
            episode, t = (episode + 1, 0) if terminated else (episode, t + 1)


def test_cut_episodes_do_not_count_as_returns():
    batch = collect_batch(*counting(), seed=0, max_steps=4)
    done = expand_done(batch["terminated"] | batch["truncated"], 2)
    # environment 0 ends after 3 steps and begins an episode that the batch cuts; 1 terminates, 2 is truncated
    assert episode_reward_sum(batch["reward"], done) == pytest.approx((6 + 10 + 10) / 3 * 11 / 2)


def test_histories_in_acting_are_those_in_learning():
    team, agent = counting(history_length=3)
    seen = []
    act = agent.act
    agent.act = lambda observation, noise=None: seen.append(observation) or act(observation, noise)
    batch = collect_batch(team, agent, seed=0, max_steps=6)
    learned_from = agent.with_history(batch["observation"], batch["begins"])
    torch.testing.assert_close(torch.stack(seen, dim=1), learned_from)


def test_evaluation_counts_one_episode_in_each_environment():
    for length in (1, 3):
        team, agent = counting(history_length=length)
        assert play_episodes(team, agent, seed=0, max_steps=100).tolist() == [6 * 5.5, 10 * 5.5, 15 * 5.5]
        assert play_episodes(team, agent, seed=0, max_steps=4).tolist() == [6 * 5.5, 10 * 5.5, 10 * 5.5]


def test_vmas_time_limit_is_no_termination():
    team, agent = team_and_agent()
    batch = collect_batch(team, agent, seed=0, max_steps=15)
    assert not batch["terminated"].any()
    assert batch["truncated"][:, -1].all() and not batch["truncated"][:, :-1].any()


# --- the run --------------------------------------------------------------------------------------


def test_same_seed_same_run_and_another_seed_another():
    first, again = weights_after(config_of()), weights_after(config_of())
    torch.testing.assert_close(first, again, rtol=0, atol=0)
    assert not torch.equal(first, weights_after(config_of(), arguments(seed=2)))


def test_evaluations_and_other_environments_leave_training_untouched():
    often = weights_after(config_of(), arguments(eval_interval=1))
    torch.testing.assert_close(often, weights_after(config_of()), rtol=0, atol=0)


@pytest.mark.slow
def test_the_command_leaves_log_checkpoint_and_films(tmp_path):
    log_dir = train.start(
        ["--scenario-name", "navigation", *COMMAND, "--log-root", str(tmp_path), "--num-render", "1"]
    )
    assert log_dir.parent == tmp_path / "navigation" and re.match(r"\d{4}-\d\d-\d\d_", log_dir.name)
    scalars = read_scalars(log_dir)
    assert "train/episode_reward_sum" in scalars and "train/episode_reward_mean" not in scalars
    assert {"train/loss_objective", "train/loss_critic", "eval/episode_reward_sum"} <= set(scalars)
    assert list(scalars["train/episode_reward_sum"][0]) == [60, 120, 180]
    (film,) = log_dir.glob("videos/*.mp4")
    assert film.stat().st_size > 1000
    agent = train.load_agent(log_dir)
    saved = load_checkpoint(log_dir / CHECKPOINT)["agent"]["actor"]
    assert all(torch.equal(value, saved[name]) for name, value in agent.actor.state_dict().items())


def test_mean_is_logged_only_where_no_episode_ended(tmp_path, monkeypatch):
    def never(*args):
        return {**collect_batch(*args), "truncated": torch.zeros(4, 15, 1, dtype=torch.bool)}

    monkeypatch.setattr("gcb6206.runs.team.collect_batch", never)
    logger = Logger(tmp_path)
    weights_after(config_of(), logger=logger)
    logger.close()
    scalars = read_scalars(tmp_path)
    assert "train/episode_reward_mean" in scalars and "train/episode_reward_sum" not in scalars


def test_resuming_with_other_settings_is_refused(tmp_path, capsys):
    log_dir = train.start([*COMMAND, "--log-root", str(tmp_path)])
    assert train.main(["--resume", str(log_dir), "--solutions", "--gamma", "0.5"]) == 2
    assert "gamma was 0.99, is 0.5" in capsys.readouterr().err
    (log_dir / CHECKPOINT).unlink()
    assert train.main(["--resume", str(log_dir), "--solutions"]) == 2
    assert "no checkpoint" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("name", NOTES)
def test_the_notes_commands_run(tmp_path, name, monkeypatch):
    words = ["--scenario-name", name, *NOTES[name].split(), "--device", "cpu"]
    preset = load_config(f"experiments/vmas/{name}_notes.yaml")
    assert parse_run(train.Flags, words)[1] == preset
    # the run itself, in a process that has just begun, cut to one short iteration
    exercises.clear()
    monkeypatch.setattr(MAPPOConfig, "build", shortened(MAPPOConfig.build))
    log_dir = train.start([*words, "--num-eval-episodes", "2", "--log-root", str(tmp_path)])
    assert read_yaml(log_dir / "config.yaml")["frames_per_batch"] == preset.frames_per_batch
    assert "train/episode_reward_sum" in read_scalars(log_dir)


def shortened(build):
    def built(self):
        config = build(self)
        config["agent_kwargs"].update(num_epochs=1, minibatch_size=20)
        return {**config, "num_envs": 3, "max_steps": 10, "n_iters": 1}

    return built


@pytest.mark.parametrize(
    "name, envs", [("navigation", 60), ("reverse_transport", 65), ("wheel", 60), ("buzz_wire", 27)]
)
def test_the_notes_batches_hold_whole_episodes(name, envs):
    preset = load_config(f"experiments/vmas/{name}_notes.yaml")
    assert preset.build()["num_envs"] == envs


def test_share_parameters_changes_the_number_of_parameters():
    def size(**changes):
        return sum(p.numel() for p in team_and_agent(**changes)[1].parameters())

    separate = team_and_agent(share_parameters=False)[1]
    one_actor = sum(p.numel() for p in separate.actor.networks.networks[0].parameters())
    assert size(share_parameters=False) - size() == 2 * one_actor


# --- the sentinel ---------------------------------------------------------------------------------


def spoil_actor(agent):
    agent.actor.networks.networks[0].head.bias.data[0] = float("nan")


def test_nan_actions_stop_the_run_with_a_saved_state(tmp_path, monkeypatch, capsys):
    load = MultiAgentRun.collect

    def breaks_in_the_second(self):
        if self.iteration == 1:
            spoil_actor(self.agent)
        return load(self)

    monkeypatch.setattr(MultiAgentRun, "collect", breaks_in_the_second)
    assert train.main([*COMMAND, "--log-root", str(tmp_path)]) == 1
    message = capsys.readouterr().err
    assert "iteration 2: mean is not finite at step 0: 12 NaN and 0 infinite of 24 numbers" in message
    (path,) = tmp_path.rglob(NONFINITE)
    assert str(path) in message
    saved = load_checkpoint(path)
    assert saved["iteration"] == 1 and saved["found"]["name"] == "mean"
    assert list(saved["tensors"]) == ["observation", "mean", "std", "action"]
    assert saved["tensors"]["mean"][..., 0].isnan().all()
    assert all(value.isfinite().all() for value in saved["agent"]["actor"].values())  # from before


def test_nan_observations_of_the_simulator_are_named(monkeypatch):
    team, agent = team_and_agent()
    step, calls = team.step, []

    def breaking(actions):
        observation, reward, terminated = step(actions)
        calls.append(0)
        if len(calls) == 5:
            observation[2, 1, 3] = float("nan")
        return observation, reward, terminated

    monkeypatch.setattr(team, "step", breaking)
    with pytest.raises(NonFiniteError, match="observation .* at step 5"):
        collect_batch(team, agent, seed=0, max_steps=15)


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--frames-per-batch", "61"], r"frames_per_batch is 61.*max_steps = 15.*nearest.* is 60"),
        (["--minibatch-size", "61"], "minibatch_size is 61, more than the 60 frames"),
        (["--scenario-name", "navigaton"], "unknown scenario 'navigaton': did you mean 'navigation'"),
        (["--scenario-name", "buzz_wire", "--n-agents", "3"], "n_agents is 3, but buzz_wire always has 2"),
        (["--device", "cuda:99"], "device is 'cuda:99', but PyTorch finds .* take --device cpu"),
        (["--device", "gpu"], "device is 'gpu': expected cpu, or cuda:0"),
        (["--algorithm", "mapo"], "algorithm is 'mapo': did you mean 'mappo'"),
        (["--clip-epsilon", "0"], "clip_epsilon is 0.0: expected above 0"),
        (["--n-iters", "many"], "n_iters is 'many': expected int"),
        (["--gamma", "1.5"], "gamma is 1.5: expected a number from 0 to 1"),
        (["--n-iter", "3"], "unknown flag '--n-iter': did you mean '--n-iters'"),
        (["--resume", "nowhere"], "no configuration file nowhere/run.yaml"),
    ],
)
def test_bad_requests_name_value_and_cure(tmp_path, capsys, flags, message):
    assert train.main([*COMMAND, "--log-root", str(tmp_path), *flags]) == 2
    assert re.search(message, capsys.readouterr().err)
    assert not any(tmp_path.iterdir())


def test_scenario_arguments_are_checked(tmp_path):
    assert VmasTeam("wheel", 2, scenario_kwargs={"line_length": 1}).vmas.scenario.line_length == 1
    with pytest.raises(
        ConfigError, match="wheel takes no argument 'line_lenght': did you mean 'line_length'"
    ):
        VmasTeam("wheel", 2, scenario_kwargs={"line_lenght": 1})
    assert {"navigation", "simple_spread", "waterfall"} <= set(scenario_names())


@pytest.mark.parametrize("where", ["student's copy", "instructor's repository, something solved"])
def test_unsolved_exercises_are_named(tmp_path, capsys, monkeypatch, where):
    if where == "student's copy":
        monkeypatch.setitem(sys.modules, "solutions", None)
        exercises.clear()
    else:
        exercises.clear("hw2.num_envs")
    command = [word for word in COMMAND if word != "--solutions"]
    assert train.main([*command, "--log-root", str(tmp_path)]) == 2
    assert "exercise 'hw2.num_envs' is not solved" in capsys.readouterr().err


def test_films_that_cannot_be_drawn_are_refused_before_the_training(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("vmas.simulator.environment.Environment.render", lambda *args, **kwargs: 1 / 0)
    assert train.main([*COMMAND, "--num-render", "1", "--log-root", str(tmp_path)]) == 2
    assert re.search("no pictures of navigation here .*apt-get install libegl1", capsys.readouterr().err)
    assert not any(tmp_path.iterdir())


@pytest.mark.slow
def test_a_run_is_recorded_with_its_scalars_and_films(tmp_path):
    command = " ".join([*COMMAND, "--num-render", "1"])
    result = {"about": "a test", "program": "train", "command": command, "seeds": [3]}
    (tmp_path / "results.yaml").write_text(yaml.safe_dump({"small": result}))
    record.record("small", results=tmp_path)
    lines = (tmp_path / "small" / "seed_3.csv").read_text().splitlines()
    assert [line.split(",")[1] for line in lines if line.startswith("eval/episode_reward_sum")] == ["180"]
    about = json.loads((tmp_path / "small" / "record.json").read_text())
    assert "gcb6206.scripts.train --solutions" in about["command"] and "one thread used" in about["hardware"]
    assert (tmp_path / "small" / "seed_3_0.mp4").stat().st_size > 1000


def test_every_preset_names_the_notes_beside_ours():
    names = {path.stem for path in Path("experiments/vmas").glob("*.yaml")}
    assert names == {f"{name}{kind}" for name in NOTES for kind in ("", "_notes")}
