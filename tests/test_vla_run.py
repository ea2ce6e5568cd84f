"""Runs of the vision-language-action policy: learning, several ranks, killed ranks, what a run leaves behind."""

import contextlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from vla_toys import LENGTH, SquareWorld, arguments, cloning, config, demonstrate

from gcb6206.env_configs.vla_config import MAPPOConfig
from gcb6206.errors import CheckpointError, ConfigError
from gcb6206.infrastructure.checkpoint import load_checkpoint
from gcb6206.infrastructure.logger import Logger, NullLogger
from gcb6206.networks.value_network import GlobalState
from gcb6206.runs.demonstrations import Demonstrations
from gcb6206.runs.rollout_buffer import RolloutBuffer
from gcb6206.runs.vla import CloningRun, VLARun
from gcb6206.scripts import clone_vla, train_mappo
from gcb6206.scripts.parse_tensorboard import read_scalars

ROOT = Path(__file__).resolve().parents[1]


def one_round(**changes):
    run = VLARun(config(**changes), NullLogger(), arguments())
    samples = run.collect()
    return run, samples, run.update(samples, 0.0)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"num_actions_chunk": 4, "distribution": "gaussian", "share_policy": False},
        {"trainable": "all", "store_images": True, "critic": "central"},
        {"algorithm": "ippo", "history_length": 1, "use_proprio": False},
    ],
)
def test_the_first_ratios_of_an_update_are_1(changes, solved):
    assert one_round(**changes)[2]["ratio_error"] < 2e-5


def test_a_history_does_not_reach_into_the_episode_before():
    buffer = RolloutBuffer(3, 2, 2, views=((0, 1), (0, 2)))
    frames = torch.arange(5 * 2 * 3).reshape(5, 2, 3)
    buffer.start(frames[0], torch.zeros(2, 2, 1))
    for step in range(3):
        new = torch.tensor([step == 1, False])  # in the first environment, step 2 begins an episode
        buffer.put(step + 1, frames[step + 1], torch.zeros(2, 2, 1), new)
    seen = buffer.inputs(torch.tensor([0, 1, 2, 2]), torch.tensor([0, 0, 0, 1]))
    #                       front now, wrist now, front before, wrist before
    assert seen[0].tolist() == [[0, 1, 0, 1], [0, 2, 0, 2]]
    assert seen[1].tolist() == [[6, 7, 0, 1], [6, 8, 0, 2]]
    assert seen[2].tolist() == [[12, 13, 12, 13], [12, 14, 12, 14]]
    assert seen[3].tolist() == [[15, 16, 9, 10], [15, 17, 9, 11]]
    buffer.go_on()
    buffer.put(1, frames[4], torch.zeros(2, 2, 1), torch.tensor([False, False]))
    assert buffer.inputs(torch.tensor([0]), torch.tensor([0]))[0, 0].tolist() == [18, 19, 12, 13]


def test_a_time_limit_keeps_the_value_of_what_follows_and_cuts_the_trace(solved):
    _, samples, _ = one_round()
    ends = samples["done"].nonzero()
    assert len(ends) == 4 and (ends[:, 0] == LENGTH - 1).all() and not samples["terminated"].any()
    value, target = samples["value"], samples["value_target"][..., 0]
    at = LENGTH - 1
    assert not torch.allclose(samples["next_value"][at], value[at + 1])  # the next episode's first, not its
    expected = samples["reward"][at] + 0.99 * samples["next_value"][at]
    torch.testing.assert_close(target[at], expected)


def test_learning_rates_of_actor_and_critic_are_their_own(solved):
    run, *_ = one_round(actor_lr=1e-5, critic_lr=2e-3)
    assert [group["lr"] for group in run.agent.optimizer.param_groups] == [1e-5, 2e-3]
    names = {id(p): name for name, p in run.agent.named_parameters()}
    owners = [
        {names[id(p)].split(".")[0] for p in group["params"]} for group in run.agent.optimizer.param_groups
    ]
    assert owners == [{"policy"}, {"critic"}]


def test_in_the_warm_up_only_the_critic_learns(solved):
    run = VLARun(config(critic_warmup=0.5), NullLogger(), arguments())
    weights = lambda module: torch.cat([p.detach().flatten().clone() for p in module.parameters()])  # noqa: E731
    for progress, policy_learns in ((0.4, False), (0.5, True)):
        before = weights(run.policy), weights(run.critic)
        run.update(run.collect(), progress)
        assert torch.equal(before[0], weights(run.policy)) != policy_learns
        assert not torch.equal(before[1], weights(run.critic))


def test_gradients_of_a_batch_are_those_of_its_samples_one_by_one(solved):
    run = VLARun(config(num_minibatches=1, num_epochs=1), NullLogger(), arguments())
    samples = run.collect()
    (minibatch,) = run._minibatches(samples)

    def gradients(parts):
        run.agent.zero_grad()
        for part in parts:
            losses, *_ = run.agent.losses(part)
            (sum(losses.values()) / len(parts)).backward()
        return torch.cat([p.grad.flatten() for p in run.agent.parameters() if p.grad is not None])

    def row(i):
        cut = {name: tensor[i : i + 1] for name, tensor in minibatch.items() if name != "global_state"}
        return {
            **cut,
            "global_state": type(minibatch["global_state"])(minibatch["global_state"].proprio[i : i + 1]),
        }

    whole = gradients([minibatch])
    torch.testing.assert_close(gradients([row(i) for i in range(48)]), whole, atol=1e-5, rtol=1e-4)
    assert whole.abs().max() > 1e-3


@pytest.mark.slow
def test_cloning_learns_and_training_goes_on_from_it(solved, tmp_path):
    data = demonstrate(tmp_path / "data.npz", 20)
    args = arguments(checkpoint_interval=60, eval_interval=60, num_render_episodes=1)
    policy = clone_vla.run_training(cloning(data, updates=120, lr=3e-3), Logger(tmp_path / "a"), args)
    logged = read_scalars(tmp_path / "a")
    assert logged["eval/success_at_end"][1][-1] >= 0.75 and logged["train/l1"][1][-1] < 0.1
    assert [path.name for path in tmp_path.glob("a/videos/*")] == ["eval_rollouts_120_0.mp4"]
    (kept,) = (tmp_path / "a").glob("checkpoint_*[0-9]")
    (best,) = (tmp_path / "a").glob("checkpoint_*_best")
    assert kept.name == "checkpoint_120"
    run = VLARun(config(pretrained_checkpoint=str(kept)), NullLogger(), arguments())
    for name, tensor in policy.state_dict().items():
        assert torch.equal(tensor, run.policy.state_dict()[name]), name
    assert run.play(0)[1]["eval/success_at_end"] >= 0.5
    with pytest.raises(
        CheckpointError, match="takes pictures of 16 pixels, the world draws 64: give --image_size 16"
    ):
        wide = type("Wide", (SquareWorld,), {"image_size": 64})
        VLARun({**config(pretrained_checkpoint=str(best)), "make_world": wide}, NullLogger(), arguments())


def test_demonstrations_know_where_episodes_begin_and_end(tmp_path):
    data = Demonstrations.read(demonstrate(tmp_path / "d.npz", 3), SquareWorld.views)
    assert (data.episodes, data.steps) == (3, 3 * LENGTH)
    steps = torch.tensor([0, LENGTH - 1, LENGTH, LENGTH + 1])
    assert data.rows(steps, 2).tolist() == [
        [0, 0],
        [LENGTH - 1, LENGTH - 2],
        [LENGTH] * 2,
        [LENGTH + 1, LENGTH],
    ]
    chunks = data.chunks(steps, 3)
    assert chunks.shape == (4, 2, 3, 2)
    last, first = data.action[LENGTH - 1], data.action[LENGTH]
    assert torch.equal(chunks[1], last[:, None].expand(-1, 3, -1)) and not torch.equal(last, first)
    assert Demonstrations.read(tmp_path / "d.npz", SquareWorld.views, 2).steps == 2 * LENGTH
    with pytest.raises(ConfigError, match="has 3 demonstrations, 4 are asked for"):
        Demonstrations.read(tmp_path / "d.npz", SquareWorld.views, 4)
    with pytest.raises(ConfigError, match="no demonstrations"):
        Demonstrations.read(tmp_path / "none.npz", SquareWorld.views)


def test_each_picture_is_encoded_once_and_gives_the_same(solved, tmp_path):
    run = CloningRun(cloning(demonstrate(tmp_path / "d.npz", 2)), NullLogger(), arguments())
    data, steps, encoded = run.demonstrations, torch.tensor([0, 1, 2, 1]), []
    backbone = run.policy.vlas[0].vision_backbone
    backbone.register_forward_hook(lambda module, pictures, out: encoded.append(pictures[0].shape[0]))
    inputs, *_ = data.batch(steps, 2, 2, run.policy, torch.device("cpu"))
    assert encoded == [3]  # steps 0, 1, 2 with three cameras each, not 4 x 2 x 4 pictures
    rows = data.rows(steps, 2)
    plain = data.pictures[rows[:, None, :, None], data.views[None, :, None, :]].flatten(2, 3)
    torch.testing.assert_close(inputs, run.policy.encode(plain))


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"trainable": "heads"}, "trainable is 'heads': did you mean 'head'"),
        ({"use_l1_regression": False}, "only the continuous action head is offered"),
        ({"store_images": True}, "frozen vision transformers give the same features"),
        ({"initial_scale": 0.9}, "initial_scale is 0.9, not from smallest_scale 0.01 to largest_scale 0.5"),
        ({"num_minibatches": 2000}, "num_minibatches is 2000, more than the 1024 samples"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes, said):
    with pytest.raises(ConfigError, match=said):
        MAPPOConfig(**changes)


def test_weights_and_biases_is_asked_for_only_where_it_is_wanted(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "wandb", None)
    assert train_mappo.main(["--use_wandb", "true"]) == 2
    assert "pip install wandb, or leave the flag out" in capsys.readouterr().err


STARTED = "-m gcb6206.scripts.train_mappo --solutions --log_root runs/mappo --device"


@pytest.mark.parametrize(
    "words, expected",
    [
        ("run_train.sh", f"{STARTED} cpu"),
        ("run_train.sh there --gamma 0.9", f"{STARTED} cpu --pretrained_checkpoint there --gamma 0.9"),
        (
            "run_train.sh there --multi-gpu 4 --gamma 0.9",
            f"--nproc_per_node=4 {STARTED} cuda --pretrained_checkpoint there --gamma 0.9",
        ),
        ("run_train_multigpu.sh 2", f"--nproc_per_node=2 {STARTED} cuda"),
        ("run_train_multigpu.sh 2 there", f"--nproc_per_node=2 {STARTED} cuda --pretrained_checkpoint there"),
    ],
)
def test_the_start_scripts_take_the_arguments_of_the_notes(words, expected):
    script, *rest = words.split()
    command = [str(ROOT / "gcb6206" / "scripts" / script), *rest]
    said = subprocess.run(
        command, env={**os.environ, "PYTHON": "echo"}, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip().endswith(expected)


# --- several ranks


def torchrun(size: int, *words: str, code: int | None = 0) -> str:
    """What ranks of ``vla_toys.py`` print."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(size)]
        + [str(ROOT / "tests" / "vla_toys.py"), *words],
        env=environment, capture_output=True, text=True, check=False, timeout=1500,
    )  # fmt: skip
    if code is not None:
        assert done.returncode == code, done.stdout[-2000:] + done.stderr[-4000:]
    else:
        assert done.returncode, done.stdout
    return done.stdout + done.stderr


@pytest.mark.slow
def test_two_ranks_take_the_step_of_one_with_the_joint_batch(solved, tmp_path):
    torchrun(2, "step", str(tmp_path))
    told = [torch.load(tmp_path / f"rank{rank}.pt", weights_only=True) for rank in range(2)]
    assert not torch.equal(
        told[0]["minibatch"]["action"], told[1]["minibatch"]["action"]
    )  # seeds of their own
    run = VLARun(config(num_minibatches=1, num_epochs=1), NullLogger(), arguments())
    joint = {name: torch.cat([t["minibatch"][name] for t in told]) for name in told[0]["minibatch"]}
    advantage = joint.pop("raw_advantage")
    expected = (advantage - advantage.mean()) / (advantage.std(correction=0) + 1e-8)
    torch.testing.assert_close(joint["advantage"], expected, atol=1e-5, rtol=1e-5)  # normalised over both
    state = GlobalState(joint.pop("state"))
    losses, *_ = run.agent.losses({**joint, "global_state": state})
    run.agent.step(losses)
    for name, parameter in run.agent.named_parameters():
        for rank in range(2):
            torch.testing.assert_close(told[rank]["grads"].get(name), parameter.grad, atol=1e-5, rtol=1e-4)
            torch.testing.assert_close(told[rank]["weights"][name], parameter.detach(), atol=1e-5, rtol=0)


@pytest.mark.slow
def test_a_killed_rank_ends_all_and_the_curve_goes_on_also_with_another_number(solved, tmp_path):
    steps = 12 * 4 * 2  # of a round of two ranks
    words = ("train", str(tmp_path))
    torchrun(2, *words, str(2 * steps), "total_timesteps=576", code=None)
    state = load_checkpoint(tmp_path / "checkpoint.pt")
    assert state["step"] == 2 * steps and (tmp_path / f"checkpoint_{2 * steps}").is_dir()
    torchrun(2, *words, str(4 * steps), "total_timesteps=576", code=None)  # goes on, killed again
    assert load_checkpoint(tmp_path / "checkpoint.pt")["step"] == 4 * steps
    args = arguments(resume=str(tmp_path))
    with contextlib.closing(Logger(tmp_path)) as logger:  # this process alone
        train_mappo.run_training(config(total_timesteps=576), logger, args)
    assert load_checkpoint(tmp_path / "checkpoint.pt")["step"] == 576
    logged, _ = read_scalars(tmp_path)["train/loss_critic"]
    assert list(logged) == [
        96,
        192,
        288,
        384,
        432,
        480,
        528,
        576,
    ]  # two ranks, then one: no gap, nothing twice
    names = sorted(path.name for path in tmp_path.glob("checkpoint_*"))
    assert [re.sub(r"\d+", "N", name) for name in names] == ["checkpoint_N", "checkpoint_N_best"]
