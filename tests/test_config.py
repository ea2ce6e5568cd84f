"""Configurations and command lines: YAML files, flags, help, directories, and how wrong ones are refused."""

import contextlib
import errno
import importlib
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch

from gcb6206.env_configs.config import ConfigError, convert, read_yaml
from gcb6206.env_configs.dqn_basic_config import DQNBasicConfig
from gcb6206.env_configs.mappo_config import MAPPOConfig
from gcb6206.env_configs.schedule import PiecewiseSchedule
from gcb6206.errors import CheckpointError
from gcb6206.infrastructure.checkpoint import load_checkpoint, save_checkpoint
from gcb6206.infrastructure.logger import Logger
from gcb6206.scripts import parse_tensorboard, run_hw3, run_ppo, scripting_utils, train
from gcb6206.scripts.scripting_utils import load_config, make_config, make_directory, parse_run

YAMLS = sorted(Path("experiments").rglob("*.yaml"))
CARTPOLE = ["-cfg", "experiments/dqn/cartpole.yaml"]


@pytest.mark.parametrize("path", YAMLS, ids=str)
def test_every_yaml_loads(path):
    config = load_config(path)
    assert any(getattr(config, name, 0) > 0 for name in ("total_steps", "total_timesteps", "updates"))


def test_basic_defaults_are_the_homeworks():
    config = make_config("experiments/dqn/cartpole.yaml")
    schedule, agent = config["exploration_schedule"], config["agent_kwargs"]
    assert (config["total_steps"], config["learning_starts"], config["batch_size"]) == (300_000, 20_000, 128)
    assert (agent["discount"], agent["target_update_period"], agent["use_double_q"]) == (0.99, 1000, False)
    assert [round(schedule.value(step), 4) for step in (0, 15_000, 30_000, 200_000)] == [
        1.0,
        0.51,
        0.02,
        0.02,
    ]


def test_atari_defaults_are_the_homeworks():
    config = make_config("experiments/dqn/bankheist_ddqn.yaml")
    schedule, agent = config["exploration_schedule"], config["agent_kwargs"]
    assert (config["total_steps"], config["learning_starts"], config["batch_size"]) == (1_000_000, 20_000, 32)
    assert agent["use_double_q"] and agent["clip_grad_norm"] == 10.0 and agent["target_update_period"] == 2000
    assert [schedule.value(step) for step in (0, 20_000, 500_000)] == [1.0, 1.0, 0.01]


# --- YAML files -----------------------------------------------------------------------------------


def write(tmp_path, text):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "text, message",
    [
        ("base_config: dqn_basik", "base_config is 'dqn_basik': did you mean 'dqn_basic'"),
        ("learning_rate: 1", "base_config is None"),
        (
            "base_config: dqn_basic\nlerning_rate: 1",
            "unknown field 'lerning_rate': did you mean 'learning_rate'",
        ),
        ("base_config: dqn_basic\nbatch_size: many", "batch_size is 'many': expected int"),
        ("base_config: dqn_basic\nbatch_size: 2.5", "batch_size is 2.5: expected int"),
        ("base_config: dqn_basic\nbatch_size: 0", "batch_size is 0: expected at least 1"),
        ("base_config: dqn_basic\ndiscount: 1.5", "discount is 1.5: expected a number from 0 to 1"),
        ("base_config: dqn_basic\nuse_double_q: perhaps", "use_double_q is 'perhaps': expected bool"),
        ("base_config: dqn_basic\nexploration_fraction: 0", "exploration_fraction is 0.0"),
        ("base_config: dqn_basic\nlearning_rate: .inf", "learning_rate is inf: expected a finite number"),
        ("base_config: [", "is not valid YAML, line 1"),
        ("base_config: dqn_basic\nbatch_size: 1\nbatch_size: 2", "line 3: 'batch_size' stands there twice"),
        ("base_config: dqn_basic\nbatch_size: 010", "line 2: 010 is not the number in YAML"),
        ("base_config: dqn_basic\nbatch_size: 1:30", "line 2: 1:30 is not the number in YAML"),
        ("[" * 5000, "is not valid YAML"),
        ("just words", "must hold 'name: value' lines"),
    ],
)
def test_wrong_yaml_is_refused_by_name_in_one_line(tmp_path, text, message):
    with pytest.raises(ConfigError) as raised:
        load_config(write(tmp_path, text))
    assert message in str(raised.value) and "c.yaml" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_numbers_mean_what_they_look_like(tmp_path):
    path = write(
        tmp_path, "a: 1e-3\nb: 2.5e4\nc: 1_000\nd: -.5E+1\ne: 0\nf: 0.5\ng: '010'\nh: 1e\ni: 2026-11-29x"
    )
    assert read_yaml(path) == {
        "a": 1e-3, "b": 25000.0, "c": 1000, "d": -5.0, "e": 0, "f": 0.5, "g": "010", "h": "1e", "i": "2026-11-29x",
    }  # fmt: skip


def test_a_file_that_is_no_utf8_is_refused_with_its_line(tmp_path):
    (tmp_path / "c.yaml").write_bytes("base_config: ppo\nexp_name: café\n".encode("latin-1"))
    with pytest.raises(ConfigError, match="c.yaml, line 2: byte 0xe9 is not UTF-8"):
        read_yaml(tmp_path / "c.yaml")


def test_missing_yaml_lists_what_is_there():
    with pytest.raises(ConfigError, match="no configuration file .*cartpol.yaml: there are .*cartpole.yaml"):
        load_config("experiments/dqn/cartpol.yaml")


def test_whole_numbers_are_exact_and_may_have_an_exponent():
    assert convert("9007199254740993", int) == 9007199254740993 and convert("5e3", int) == 5000
    for value in ("1e999", "2.5", True, "x", None):
        with pytest.raises(ValueError, match="expected int"):
            convert(value, int)


# --- flags ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [["--learning_rate", "1e-4", "--total-steps=5e3"], ["--learning-rate=.0001", "--total_steps", "5000"]],
)
def test_flags_in_both_spellings_override_the_file(words):
    _, config, changes = parse_run(run_hw3.Flags, [*CARTPOLE, *words])
    assert config == load_config(CARTPOLE[1], {"learning_rate": 1e-4, "total_steps": 5000})
    assert changes == {"learning_rate": 1e-4, "total_steps": 5000}


def test_short_flags_are_the_homeworks():
    words = [*CARTPOLE, "-ei", "5", "-neval", "6", "-nvid", "7", "-ngpu", "-gpu_id", "8"]
    flags, *_ = parse_run(run_hw3.Flags, words)
    assert (flags.eval_interval, flags.num_eval_trajectories, flags.num_render_trajectories) == (5, 6, 7)
    assert flags.no_gpu and flags.which_gpu == 8 and flags.config_file == CARTPOLE[1]


@pytest.mark.parametrize(
    "words, expected",
    [
        (["--share-parameters"], True),
        (["--share_parameters", "--n-iters", "3"], True),
        (["--share-parameters", "false"], False),
        (["--share-parameters=False"], False),
        (["--share-parameters", "false", "--share-parameters", "true"], True),
    ],
)
def test_a_bare_flag_means_true(words, expected):
    assert parse_run(train.Flags, words)[1].share_parameters is expected


def test_none_is_a_value_of_fields_that_may_be_none():
    assert parse_run(train.Flags, ["--max-grad-norm", "none"])[1] == MAPPOConfig(max_grad_norm=None)


@pytest.mark.parametrize(
    "script, words, message",
    [
        ("run_hw3", [], "name a configuration with -cfg"),
        ("run_hw3", ["-cfg", "x.yaml"], "no configuration file x.yaml"),
        ("run_hw3", [*CARTPOLE, "--lerning_rate", "1"], "unknown flag '--lerning_rate': did you mean '--learning_rate'"),
        ("run_hw3", [*CARTPOLE, "--learning-rat=1"], "unknown flag '--learning-rat=1': did you mean '--learning-rate'"),
        ("run_hw3", [*CARTPOLE, "--sed", "1"], "unknown flag '--sed': did you mean '--seed'"),
        ("run_hw3", [*CARTPOLE, "word"], "unexpected 'word'"),
        ("run_hw3", [*CARTPOLE, "--batch_size"], "--batch_size needs a value"),
        ("run_hw3", [*CARTPOLE, "--batch_size", "--seed", "1"], "--batch_size needs a value"),
        ("run_hw3", [*CARTPOLE, "--batch_size", "2.5"], "batch_size is '2.5': expected int"),
        ("run_hw3", [*CARTPOLE, "-neval", "0"], "num_eval_trajectories is 0: expected at least 1"),
        ("run_hw3", [*CARTPOLE, "--learning_rate", "inf"], "learning_rate is inf: expected a finite number"),
        ("run_hw3", [*CARTPOLE, "--seed", "-1"], "seed is -1: expected a whole number from 0 to"),
        ("run_hw3", [*CARTPOLE, "--seed", str(2**64)], f"seed is {2**64}: expected a whole number from 0 to"),
        ("run_hw3", [*CARTPOLE, "--env_name", "CartPool-v1"], "unknown environment 'CartPool-v1': did you mean 'CartPole-v1'"),
        ("run_hw3", [*CARTPOLE, "--env_name", "Blackjack-v1"], "unsupported observation space Tuple"),
        ("run_hw3", [*CARTPOLE, "--env_name", "Pendulum-v1"], "unsupported action space Box"),
        ("run_ppo", ["-cfg", "experiments/ppo/cartpole.yaml", "--env_kwargs", "3"], "env_kwargs is '3': expected dict"),
        ("train_realm", ["-cfg", "experiments/realm/small.yaml", "--treasure_num", "14"], "treasure_num is 14: expected"),
        ("train", ["--share-parameters", "perhaps"], "share_parameters is 'perhaps': expected bool"),
        ("train", ["--replay", "-1"], "replay is -1: expected a whole number from 0 to"),
        ("sweep", [], "names needs at least one word"),
        ("sweep", ["ppo_cartpole", "--workers", "x"], "workers is 'x': expected int"),
        ("record", ["dqn_cartpol"], "unknown result 'dqn_cartpol': did you mean 'dqn_cartpole'"),
        ("record", ["--fore", "dqn_cartpole"], "unknown flag '--fore': did you mean '--force'"),
        ("diagnose", [], "RUN_DIR is missing"),
        ("diagnose", ["a", "b"], "unexpected 'b'"),
        ("parse_tensorboard", ["x="], "'x=' names no directory"),
        ("parse_tensorboard", ["nowhere"], "no TensorBoard log"),
    ],
)  # fmt: skip
def test_wrong_words_end_with_one_line_and_leave_nothing(script, words, message, tmp_path, capsys):
    root = ["--log_root", str(tmp_path)] if script in ("run_hw3", "run_ppo", "train", "train_realm") else []
    assert importlib.import_module(f"gcb6206.scripts.{script}").main([*root, *words]) == 2
    error = capsys.readouterr().err
    assert message in error and error.startswith("error: ") and error.count("\n") == 1
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    "script, file, known",
    [
        ("run_hw3", None, ["learning_rate_final", "solutions", "which_gpu"]),
        ("run_hw3", "experiments/dqn/bankheist_ddqn.yaml", ["longest_episode"]),
        ("run_ppo", None, ["gae_lambda", "wandb"]),
        ("train", None, ["minibatch_size", "replay"]),
        ("train_realm", None, ["share_backbone"]),
        ("sweep", None, ["workers"]),
        ("record", None, ["force"]),
        ("diagnose", None, ["json"]),
        ("parse_tensorboard", None, ["data_key", "y_label_name"]),
    ],
)
def test_help_explains_every_flag(script, file, known, capsys):
    module = importlib.import_module(f"gcb6206.scripts.{script}")
    with pytest.raises(SystemExit) as ended:
        module.main([*(["-cfg", file] if file else []), "--help"])
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    texts = re.findall(r" --([a-z]\S+)((?:(?! --).)*?) \(default: ", shown)
    names = {name.replace("-", "_") for name, _ in texts}
    assert ended.value.code == 0 and names >= {*known, *scripting_utils._names(module.Flags)}
    if hasattr(module.Flags, "BASES"):
        config = load_config(file) if file else scripting_utils.base_config(module.Flags.BASES[0])()
        assert names >= set(vars(config))
    for name, text in texts:
        assert len(text.split()) >= 3, f"{name} has no docstring"
    if file:
        assert re.search(r"--use_double_q \S+ .{,100}\(default: true\)", shown)  # the file's own value


def test_a_reader_that_has_gone_is_not_an_error():
    """`train_realm --help | head` ended with "error: cannot write: Broken pipe"."""
    words = [sys.executable, "-m", "gcb6206.scripts.train_realm", "--help"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        assert (process.stderr.read(), process.wait()) == ("", 141)


def test_another_pipe_that_breaks_is_an_error(capsys):
    @scripting_utils.exit_status
    def command(words):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    assert command() == 2 and capsys.readouterr().err == "error: cannot write: Broken pipe\n"


# --- directories and files ------------------------------------------------------------------------


def test_runs_of_the_same_second_have_directories_of_their_own(tmp_path):
    begin, made = threading.Barrier(8), []

    def make():
        begin.wait()
        made.append(make_directory(tmp_path / "root" / "run"))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(path.name for path in made) == ["run", *(f"run-{number}" for number in range(2, 9))]


def test_a_directory_says_what_runs(monkeypatch):
    monkeypatch.setattr("time.strftime", lambda form: "now")
    name = run_hw3.Flags(seed=3).directory(
        "a/b", {"exp_name": "a/b", "learning_rate": 1e-4, "use_double_q": True}
    )
    assert name == "hw3_dqn_a-b_seed3_learning_rate0.0001_use_double_qTrue_now"
    assert len(run_ppo.Flags().directory("x", {"name": "y" * 300})) < 150


@pytest.mark.parametrize("root", ["file", "file/below", "x" * 300, "/proc/nowhere"])
def test_a_log_root_that_cannot_be_made_is_refused_with_the_cure(root, tmp_path, capsys, solved):
    (tmp_path / "file").write_text("")
    assert run_hw3.main([*CARTPOLE, "--log_root", str(tmp_path / root)]) == 2
    error = capsys.readouterr().err
    assert re.match("error: cannot make the run's directory .*name another folder with --log_root", error)
    assert error.count("\n") == 1 and [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_run_that_logged_nothing_leaves_no_directory(tmp_path, capsys):
    assert run_hw3.main([*CARTPOLE, "--log_root", str(tmp_path)]) == 2
    assert "exercise 'hw3.run_training_loop' is not solved yet" in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left"), RuntimeError("file write failed")])
def test_a_full_disk_keeps_the_old_checkpoint_and_no_half_one(tmp_path, monkeypatch, error):
    save_checkpoint(tmp_path / "c.pt", {"step": 1})

    def fails(content, path):
        Path(path).write_bytes(b"half")
        raise error

    monkeypatch.setattr(torch, "save", fails)
    with pytest.raises(CheckpointError, match="cannot write checkpoint .*c.pt .* MB are free there"):
        save_checkpoint(tmp_path / "c.pt", {"step": 2})
    assert [path.name for path in tmp_path.iterdir()] == ["c.pt"]
    assert load_checkpoint(tmp_path / "c.pt")["step"] == 1


def test_an_empty_checkpoint_is_called_damaged(tmp_path):
    (tmp_path / "c.pt").write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"c.pt is damaged \(.+\): delete it"):
        load_checkpoint(tmp_path / "c.pt")


def begun(tmp_path, seed=4):
    """The directory of a run that has begun."""
    flags, config, changes = parse_run(
        run_hw3.Flags, [*CARTPOLE, "--seed", str(seed), "--log_root", str(tmp_path)]
    )
    with scripting_utils.run_log(
        flags, {"base_config": "dqn_basic", **vars(config)}, "cartpole", changes
    ) as logger:
        return logger.log_dir


def test_a_resumed_run_goes_on_with_what_it_was_begun_with(tmp_path):
    resume = ["--resume", str(begun(tmp_path))]
    for words in (resume, [*resume, "--seed", "4"]):
        flags, config, _ = parse_run(run_hw3.Flags, words)
        assert flags.seed == 4 and config == load_config(CARTPOLE[1])


@pytest.mark.parametrize(
    "words, message",
    [
        (["--seed", "9"], "--seed is 9, but the run in .* began with 4: leave the flag out"),
        (["-ei", "7"], "--eval_interval is 7, but the run in .* began with 10000"),
        (
            CARTPOLE,
            "-cfg experiments/dqn/cartpole.yaml beside --resume .*: a run goes on with its own config.yaml",
        ),
    ],
)
def test_a_resumed_run_is_not_contradicted(tmp_path, words, message):
    with pytest.raises(ConfigError, match=message):
        parse_run(run_hw3.Flags, ["--resume", str(begun(tmp_path)), *words])


def test_the_curve_drawn_by_default_is_the_return_of_that_kind_of_run(tmp_path):
    tags = {"eval_return": "train_return", "eval/mean_reward": "rollout/ep_rew_mean",
            "eval/episode_reward_sum": "train/episode_reward_sum"}  # fmt: skip
    for number, (first, second) in enumerate(tags.items()):
        with contextlib.closing(Logger(tmp_path / str(number))) as logger:
            for name in ("loss", second, first):
                logger.log_scalar(1.0, name, 0)
        assert parse_tensorboard.curve_of(tmp_path / str(number), None)[0] == first
    with contextlib.closing(Logger(tmp_path / "other")) as logger:
        logger.log_scalar(1.0, "loss", 0)
    with pytest.raises(ConfigError, match="other has no return: name one of its tags with -d: loss"):
        parse_tensorboard.curve_of(tmp_path / "other", None)


# --- environments and schedules -------------------------------------------------------------------


def test_unknown_environment_names_the_nearest():
    with pytest.raises(ConfigError, match="unknown environment 'CartPole-v9': did you mean 'CartPole-v"):
        make_config("experiments/dqn/cartpole.yaml", {"env_name": "CartPole-v9"})["make_env"]()
    with pytest.raises(
        ConfigError, match="unknown environment 'BankHeistt.*did you mean 'BankHeistNoFrameskip-v4'"
    ):
        make_config("experiments/dqn/bankheist.yaml", {"env_name": "BankHeisttNoFrameskip-v4"})["make_env"]()


def test_numbers_that_are_not_finite_are_refused_in_the_dataclass_itself():
    with pytest.raises(ConfigError, match="learning_rate is nan: expected a finite number"):
        DQNBasicConfig(learning_rate=float("nan"))


def test_schedule_is_exact_at_points_between_and_outside():
    schedule = PiecewiseSchedule([(10, 1.0), (20, 0.0), (40, 1.0)], outside_value=-1.0)
    assert [schedule.value(step) for step in (9, 10, 15, 20, 30, 40)] == [-1.0, 1.0, 0.5, 0.0, 0.5, -1.0]


@pytest.mark.parametrize("endpoints", [[], [(0, 1), (0, 2)], [(5, 1), (1, 2)]])
def test_schedule_refuses_steps_that_do_not_rise(endpoints):
    with pytest.raises(ValueError, match="strictly rising"):
        PiecewiseSchedule(endpoints, 0.0)


# --- threads --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given, expected",
    [
        ({}, {"GOMP_SPINCOUNT": "1000"}),
        ({"GOMP_SPINCOUNT": "5"}, {"GOMP_SPINCOUNT": "5"}),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, {"OMP_WAIT_POLICY": "ACTIVE"}),
    ],
)
def test_threads_wait_briefly_unless_the_user_says_otherwise(given, expected):
    program = "import gcb6206, json, os, sys; print(json.dumps([dict(os.environ), 'torch' in sys.modules]))"
    names = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
    env = {name: value for name, value in os.environ.items() if name not in names} | given
    done = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True
    )
    seen, torch_is_loaded = json.loads(done.stdout)
    assert {name: seen[name] for name in names if name in seen} == expected
    assert not torch_is_loaded  # which reads them once
