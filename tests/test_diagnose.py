"""The diagnosis of PPO runs: recorded runs broken on purpose and healthy ones, and logs it cannot judge."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from torch.utils.tensorboard import SummaryWriter

from gcb6206.infrastructure.logger import event_files
from gcb6206.scripts import diagnose, run_ppo

DATA = Path(__file__).parent / "data" / "diagnose"

# Recorded run, the rule that must speak first and alone, and words that name the planted fault.
BROKEN = [
    ("lr_high_seed1", "steps_too_large", "learning rate is too high"),
    ("lr_rises_seed1", "steps_too_large", "learning rate is too high"),
    ("sb3_lr_high_seed1", "steps_too_large", "learning rate is too high"),
    ("pendulum_lr_high_seed1", "steps_too_large", "learning rate is too high"),
    ("clip_wide_seed1", "clip_range_wide", "clip range is too wide"),
    ("clip_tight_seed1", "clip_range_narrow", "clip range is too narrow"),
    ("lr_low_seed1", "steps_too_small", "learning rate is too low"),
    ("sb3_lr_low_seed1", "steps_too_small", "learning rate is too low"),
    ("kl_zero_seed1", "steps_too_small", "does not move"),
    ("lr_spent_seed1", "learning_rate_spent", "learning rate is spent"),
    ("entropy_high_seed1", "entropy_stays", "stays random"),
    ("sb3_entropy_high_seed1", "entropy_stays", "stays random"),
    ("entropy_sign_seed1", "entropy_collapsed", "entropy has collapsed"),
    ("reward_scale_seed1", "critic_error_huge", "value loss has exploded"),
    ("no_critic_seed1", "critic_explains_nothing", "critic explains nothing"),
    ("nan_observation_seed1", "not_finite", "NaN"),
    ("sb3_nan_reward_seed1", "not_finite", "NaN"),
    ("advantage_sign_seed1", "returns_fall", "return falls"),
    ("actions_swapped_seed1", "returns_lost", "lost"),
    ("reward_constant_seed1", "returns_flat", "has not risen"),
    ("pendulum_gamma_low_seed1", "returns_flat", "has not risen"),
    ("pendulum_gamma_low_seed2", "returns_fall", "return falls"),
    ("pendulum_advantage_sign_seed1", "returns_fall", "return falls"),
    ("pendulum_lr_low_seed1", "steps_too_small", "learning rate is too low"),
    ("gamma_zero_seed1", "targets_constant", "nothing to learn"),
]
HEALTHY = sorted(path.stem for path in DATA.glob("*healthy*.csv"))


def read_csv(name):
    """A recorded run: for each tag its steps and values."""
    with open(DATA / f"{name}.csv", encoding="utf-8", newline="") as file:
        next(file)  # the command that recorded it
        rows = list(csv.DictReader(file))
    tags = [tag for tag in rows[0] if tag != "step"]
    points = {tag: [(int(row["step"]), float(row[tag])) for row in rows if row[tag] != ""] for tag in tags}
    return {tag: tuple(map(np.array, zip(*pairs, strict=True))) for tag, pairs in points.items()}


def write_log(log_dir, curves):
    """The curves as a TensorBoard log, step after step."""
    points = [(step, tag, value) for tag, curve in curves.items() for step, value in zip(*curve, strict=True)]
    with SummaryWriter(str(log_dir)) as writer:
        for step, tag, value in sorted(points, key=lambda point: point[0]):
            writer.add_scalar(tag, value, int(step))
    return log_dir


def first_updates(curves, count):
    return {tag: (steps[:count], values[:count]) for tag, (steps, values) in curves.items()}


def names_of(capsys, log_dir):
    """Exit status and the findings' names, through the command line."""
    status = diagnose.main([str(log_dir), "--json"])
    return status, [finding["name"] for finding in json.loads(capsys.readouterr().out)["findings"]]


def test_there_are_enough_recorded_runs():
    assert len(BROKEN) >= 10 and len(HEALTHY) >= 5
    assert {name for name, *_ in BROKEN} | set(HEALTHY) == {path.stem for path in DATA.glob("*.csv")}


@pytest.mark.parametrize(("name", "rule", "words"), BROKEN, ids=[name for name, *_ in BROKEN])
def test_a_broken_run_gives_one_finding_that_names_the_planted_fault(name, rule, words, tmp_path, capsys):
    log_dir = write_log(tmp_path, read_csv(name))
    assert names_of(capsys, log_dir) == (1, [rule])
    assert diagnose.main([str(log_dir)]) == 1
    text = " ".join(capsys.readouterr().out.split())
    assert words in text and f"[{rule}]" in text and "seen:" in text and "try first:" in text


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_run_is_left_in_peace(name, tmp_path, capsys):
    log_dir = write_log(tmp_path, read_csv(name))
    assert names_of(capsys, log_dir) == (0, [])
    assert diagnose.main([str(log_dir)]) == 0
    assert "healthy" in capsys.readouterr().out


WRONG_LIMITS = [
    ("KL_HIGH", 0.01, "healthy_cartpole_default_seed1"),
    ("KL_HIGH", 10.0, "lr_high_seed1"),
    ("KL_ZERO", 0.01, "healthy_cartpole_short_rollouts_seed1"),
    ("KL_ZERO", 1e-12, "lr_low_seed1"),
    ("CLIPPED_HIGH", 0.1, "healthy_pendulum_seed1"),
    ("CLIPPED_MANY", 0.9, "clip_tight_seed1"),
    ("WIDE_CLIP_RANGE", 2.0, "clip_wide_seed1"),
    ("RATE_SPENT", 0.5, "healthy_cartpole_annealed_seed1"),
    ("SPENT_PART", 0.95, "lr_spent_seed1"),
    ("ENTROPY_GONE", 0.9, "healthy_pendulum_seed1"),
    ("ENTROPY_GONE", 0.0, "entropy_sign_seed1"),
    ("ENTROPY_KEPT", 1.0, "entropy_high_seed1"),
    ("STD_GROWN", 1e6, "sb3_entropy_high_seed1"),
    ("CRITIC_ERROR", 1e8, "reward_scale_seed1"),
    ("CRITIC_ERROR", 0.1, "healthy_pendulum_seed1"),
    ("EXPLAINED_LOW", -1.0, "no_critic_seed1"),
    ("EXPLAINED_LOW", 0.95, "healthy_roarm_seed1"),
    ("STILL_WRONG", 0.0, "reward_constant_seed1"),
    ("MOVED", 10.0, "actions_swapped_seed1"),
]


@pytest.mark.parametrize(("limit", "wrong", "name"), WRONG_LIMITS)
def test_with_a_wrong_limit_the_recorded_run_is_misjudged(limit, wrong, name, monkeypatch):
    """So the recorded runs would notice it."""
    log = diagnose.Log(read_csv(name))
    right = list(diagnose.diagnose(log))
    monkeypatch.setattr(diagnose, limit, wrong)
    assert list(diagnose.diagnose(log)) != right


def test_without_the_table_of_effects_one_cause_gives_several_findings(monkeypatch):
    monkeypatch.setattr(diagnose, "RULES", [(rule, effects and ()) for rule, effects in diagnose.RULES])
    findings = list(diagnose.diagnose(diagnose.Log(read_csv("lr_high_seed1"))))
    assert findings[0] == "steps_too_large" and len(findings) > 1


def test_the_evidence_holds_the_figures_and_the_step():
    log = diagnose.Log(read_csv("nan_observation_seed1"))
    finding = diagnose.diagnose(log)["not_finite"]
    steps, values = log.curves["train/value_loss"]
    assert f"from step {steps[np.isnan(values)][0]} on" in finding.evidence
    assert "train/value_loss" in finding.evidence


@pytest.mark.parametrize(("seed", "rule"), [(1, "returns_flat"), (2, "returns_fall")])
def test_a_short_horizon_is_named_where_the_settings_tell(seed, rule, tmp_path):
    log_dir = write_log(tmp_path, read_csv(f"pendulum_gamma_low_seed{seed}"))
    assert "gamma is" not in diagnose.diagnose(diagnose.read_log(log_dir))[rule].evidence
    (log_dir / "config.yaml").write_text(yaml.safe_dump({"gamma": 0.5}))
    assert "gamma is 0.5, which looks" in diagnose.diagnose(diagnose.read_log(log_dir))[rule].evidence


def test_the_step_is_that_of_the_first_updates_that_went_wrong():
    log = diagnose.Log(read_csv("lr_rises_seed1"))
    steps, kl = log.curves["train/approx_kl_mean"]
    first = next(
        step for step, *three in zip(steps, kl, kl[1:], kl[2:], strict=False) if sorted(three)[1] > 0.1 / 1.25
    )
    assert f"too high from step {first} on" in diagnose.diagnose(log)["steps_too_large"].evidence


@pytest.mark.parametrize(
    ("tag", "kl", "expected"),
    [
        ("train/approx_kl_mean", 0.09, ["steps_too_large"]),
        ("train/approx_kl_mean", 0.07, []),
        ("train/approx_kl", 0.09, []),
        ("train/approx_kl", 0.11, ["steps_too_large"]),
    ],
)
def test_the_limits_follow_what_the_program_logs(tag, kl, expected):
    """The last epoch's approx_kl, as Stable-Baselines3 logs it, is larger than the mean of all."""
    curves = read_csv("healthy_cartpole_default_seed1")
    steps, values = curves.pop("train/approx_kl_mean")
    log = diagnose.Log({**curves, tag: (steps, np.full_like(values, kl))})
    assert list(diagnose.diagnose(log)) == expected
    if expected:
        usual = "usual: 0.008 to 0.04" if tag == "train/approx_kl_mean" else "usual: 0.01 to 0.05"
        assert usual in diagnose.diagnose(log)["steps_too_large"].evidence


def test_nan_does_not_hide_what_led_to_it(tmp_path, capsys):
    curves = read_csv("lr_high_seed1")
    curves["train/loss"][1][30:] = np.nan
    assert names_of(capsys, write_log(tmp_path, curves)) == (1, ["not_finite", "steps_too_large"])


def test_large_steps_at_a_usual_learning_rate_are_put_down_to_the_epochs():
    curves = read_csv("clip_wide_seed1")
    del curves["train/clip_range"]
    (finding,) = diagnose.diagnose(diagnose.Log(curves)).values()
    assert "moves the policy too far" in finding.what and finding.try_first.startswith("Lower n_epochs")


def test_explained_variance_may_be_nan():
    curves = read_csv("healthy_cartpole_default_seed1")
    curves["train/explained_variance"][1][-2:] = np.nan
    assert diagnose.diagnose(diagnose.Log(curves)) == {}


def test_a_log_cut_anywhere_inside_a_record_is_unfinished(tmp_path, capsys):
    log_dir = write_log(tmp_path, read_csv("healthy_cartpole_default_seed1"))
    (path,) = event_files(log_dir)
    whole = path.read_bytes()
    for missing in range(5, 700, 35):  # over the last step's twelve records, of 50 to 66 bytes
        path.write_bytes(whole[:-missing])
        assert names_of(capsys, log_dir) == (1, ["unfinished"])


@pytest.mark.parametrize(("total_steps", "expected"), [(100_000, []), (120_000, ["unfinished"])])
def test_a_run_that_stopped_early_is_unfinished(total_steps, expected, tmp_path, capsys):
    log_dir = write_log(tmp_path, read_csv("healthy_cartpole_default_seed1"))
    (log_dir / "config.yaml").write_text(yaml.safe_dump({"total_steps": total_steps}))
    assert names_of(capsys, log_dir) == (1 if expected else 0, expected)


@pytest.mark.parametrize(
    ("updates", "expected"), [(1, ["too_few_updates"]), (4, ["too_few_updates"]), (5, [])]
)
def test_few_updates_are_not_judged(updates, expected):
    curves = first_updates(read_csv("healthy_cartpole_default_seed1"), updates)
    assert list(diagnose.diagnose(diagnose.Log(curves))) == expected


def test_a_log_without_returns_says_so():
    curves = read_csv("healthy_cartpole_default_seed1")
    del curves["rollout/ep_rew_mean"]
    assert list(diagnose.diagnose(diagnose.Log(curves))) == ["no_returns"]


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        (["train_return", "eval_return", "critic_loss", "q_values"], "a DQN run of this course"),
        (["rollout/ep_rew_mean", "rollout/exploration_rate", "train/loss"], "a DQN run of Stable-Baselines3"),
        (["rollout/ep_rew_mean"], "no PPO run"),
    ],
)
def test_a_run_of_another_kind_is_refused_by_name(tags, words, tmp_path, capsys):
    write_log(tmp_path, {tag: ([1, 2], [1.0, 2.0]) for tag in tags})
    assert diagnose.main([str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert words in error and "lacks train/approx_kl_mean" in error and tags[0] in error


def test_a_directory_of_runs_is_refused_with_their_names(tmp_path, capsys):
    write_log(tmp_path / "run_a", first_updates(read_csv("lr_low_seed1"), 2))
    assert diagnose.main([str(tmp_path)]) == 2
    assert str(tmp_path / "run_a") in capsys.readouterr().err


def test_two_runs_in_one_directory_are_refused(tmp_path, capsys):
    for name in ("lr_low_seed1", "lr_high_seed1"):
        write_log(tmp_path / name, read_csv(name))
        (path,) = event_files(tmp_path / name)
        path.rename(tmp_path / f"{path.name}.{name}")
    assert diagnose.main([str(tmp_path)]) == 2
    assert "several runs" in capsys.readouterr().err


def test_a_run_of_ours_is_read_from_its_directory(solved, tmp_path, capsys):
    words = "--total_steps 640 --num_envs 2 --n_steps 64 --batch_size 32 --hidden_size 8 -ei 1000 -neval 1"
    where = ["-cfg", "experiments/ppo/cartpole.yaml", "--log_root", str(tmp_path)]
    log_dir = run_ppo.start([*where, *words.split()])
    capsys.readouterr()
    status, names = names_of(capsys, log_dir)
    assert status in (0, 1) and not {"unfinished", "too_few_updates", "no_returns"} & set(names)
