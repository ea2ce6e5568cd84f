"""A BankHeist agent that was handed in: each kind of file gets its own verdict, and nothing of it is run."""

import io
import json
import logging
import os
import pickle
import zipfile
from dataclasses import asdict

import numpy as np
import pytest
import torch
from nbformat.notebooknode import NotebookNode

from autograder.nbgrader_plugin import agents
from autograder.trusted import bankheist
from autograder.trusted.bankheist import HandedIn, grade
from autograder.trusted.judges.convergence import rule_of
from gcb6206.infrastructure.checkpoint import CheckpointError, save_checkpoint
from gcb6206.infrastructure.logger import Logger
from gcb6206.networks.critics import AtariCritic
from gcb6206.runs.frame import CHECKPOINT
from gcb6206.scripts.hand_in import hand_in

# Short games and low limits, so that what a fixed network scores decides, not how well it plays.
QUICK = {**rule_of("hw3.bankheist"), "episodes": 1, "longest_episode": 3}
ALL_ZERO = {"threshold": 0, "excellent": 10**6}


def critic(seed=0, **changes):
    torch.manual_seed(seed)
    return {
        name: weight.half() for name, weight in AtariCritic((4, 84, 84), 18).state_dict().items()
    } | changes


def saved(content):
    stream = io.BytesIO()
    torch.save(content, stream)
    return stream.getvalue()


def log(steps=400_000, last=0.0, **changes):
    """The log of a training that was not: as plausible as it can be made up."""
    rng = np.random.default_rng(0)
    grid = np.arange(20_000, steps + 1, 20_000)
    curves = {
        "critic_loss": rng.random(len(grid)), "q_values": rng.random(len(grid)), "epsilon": rng.random(len(grid)),
        "eval_return": np.where(grid > steps - 100_000, last, 0.0), "train_return": 10.0 * rng.integers(0, 9, len(grid)),
        "train_ep_len": np.full(len(grid), 19_900.0),
    } | changes  # fmt: skip
    lines = [
        f"{tag},{step},{value:.6g}" for tag, values in curves.items() for step, value in zip(grid, values)
    ]
    return "\n".join(["tag,step,value", *lines]).encode()


class Evil:
    def __reduce__(self):
        return os.system, ("touch /tmp/gcb6206-was-here",)


def verdict(weights, log=None, **rule):
    return grade(HandedIn(weights, log), seed=1, rule={**QUICK, **rule}, seconds=120)


def examined(weights, log=None, **rule):
    """The verdict, found in this process."""
    return bankheist._examine(
        {"seed": 1, "rule": {**QUICK, **rule}, "log": log is not None}, weights, log or b""
    )


@pytest.mark.parametrize(
    "rule, expected",
    [
        ({"excellent": 0}, "excellent"),
        ({"threshold": 0}, "good"),
        ({"chance": 0}, "weak"),
        ({}, "random"),
    ],
)
def test_the_mean_score_of_our_own_games_decides(rule, expected):
    found = examined(saved({"critic": critic()}), log(), **rule)
    assert found.verdict == expected and len(found.scores) == 1 and len(found.sketch) == 64
    assert found.text.startswith(bankheist.VERDICTS[expected]) and "Mean score of 1 games: 0." in found.text


@pytest.mark.parametrize(
    "weights, expected, detail",
    [
        (saved({"critic": critic()})[:1000], "corrupt", ""),
        (b"", "corrupt", ""),
        (b"PK\x03\x04" + b"\0" * 100, "corrupt", ""),
        (saved({"critic": Evil()}), "code", "system"),
        (pickle.dumps(Evil()), "code", ""),
        (saved({"model": critic()}), "foreign", "no critic"),
        (saved({"critic": {"fc.weight": torch.zeros(2)}}), "foreign", "fc.weight"),
        (saved({"critic": critic(**{"layers.9.bias": torch.zeros(4)})}), "foreign", "shape (4,)"),
        (
            saved({"critic": critic(**{"layers.9.bias": torch.full((18,), torch.nan)})}),
            "foreign",
            "not finite",
        ),
        (saved([1, 2]), "foreign", "no critic"),
    ],
    ids=[
        "cut",
        "empty",
        "zip",
        "evil",
        "evil_legacy",
        "other_name",
        "other_layers",
        "other_shape",
        "nan",
        "list",
    ],
)
def test_what_is_no_network_of_ours_gets_a_verdict_of_its_own_and_is_never_run(weights, expected, detail):
    found = examined(weights, log())
    assert found.verdict == expected and detail in found.detail
    assert not os.path.exists("/tmp/gcb6206-was-here")


@pytest.mark.slow
def test_a_process_of_its_own_finds_the_same():
    weights = saved({"critic": critic()})
    assert verdict(weights, log()) == examined(weights, log())
    assert verdict(saved({"critic": Evil()}), log()).verdict == "code"
    assert not os.path.exists("/tmp/gcb6206-was-here")


def test_code_that_were_run_would_be_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(Evil, "__reduce__", lambda self: (os.system, (f"touch {tmp_path}/here",)))
    torch.load(io.BytesIO(saved(Evil())), weights_only=False)
    assert (tmp_path / "here").exists()


@pytest.mark.slow
def test_weights_that_unfold_into_more_memory_than_allowed_end_with_a_verdict():
    stream = io.BytesIO()
    small = zipfile.ZipFile(io.BytesIO(saved({"critic": critic()})))
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as bomb:
        for item in small.infolist():
            content = small.read(item)
            bomb.writestr(item.filename, b"\0" * 10**9 if item.filename.endswith("data/0") else content)
    assert len(stream.getvalue()) < bankheist.WEIGHTS_LIMIT
    assert verdict(stream.getvalue(), log()).verdict in ("corrupt", "limit", "foreign")


@pytest.mark.slow
def test_time_has_a_limit():
    rule = {**QUICK, "longest_episode": 10**6, "episodes": 8}
    found = grade(HandedIn(saved({"critic": critic()}), log()), seed=1, rule=rule, seconds=4)
    assert found.verdict == "limit"


def test_a_log_without_weights_has_a_verdict():
    assert grade(HandedIn(None, log()), 1).verdict == "missing weights"


def test_weights_without_a_log_are_not_played():
    found = examined(saved({"critic": critic()}))
    assert found.verdict == "missing log" and not found.scores


GRID = np.arange(20_000, 400_001, 20_000)


@pytest.mark.parametrize(
    "text, reason",
    [
        (log(), ""),
        (b"\xff\xfe", "no tag,step,value"),
        (b"a,b\n", "first line"),
        (b"tag,step,value\n1,2\n", "a line that is not"),
        (log(critic_loss=np.array([])), "no critic_loss"),
        (log(steps=100_000), "ends after 100000 steps"),
        (log(train_ep_len=np.full(20, 25_000.0)), "episodes have 500000 steps in all"),
        (log(train_ep_len=np.full(20, 10.0)), "episodes have 200 steps in all"),
        (log(train_return=np.full(20, 7.0)), "scores that BankHeist does not give"),
        (log(critic_loss=np.full(20, 0.1)), "critic_loss repeats itself"),
        (log(q_values=np.full(20, np.inf)), "not finite"),
        (log(last=500.0), "we measured 0"),
    ],
)
def test_a_log_that_no_training_writes_is_told_from_a_plausible_one(text, reason):
    found = bankheist._implausible(text, 0.0, rule_of("hw3.bankheist"))
    assert (not found) if not reason else reason.replace("no tag", "not tag") in found


def sketch_of(weights):
    parts = [weight.float().flatten() for weight in weights.values()]
    return bankheist.Verdict("good", sketch=bankheist._sketch(torch.cat(parts)))


def test_a_copy_is_known_even_with_noise_and_other_trainings_are_not():
    mine, others = critic(0), critic(1)
    noisy = {
        name: weight + 0.02 * weight.float().std().nan_to_num() * torch.randn(weight.shape)
        for name, weight in mine.items()
    }
    original = sketch_of(mine)
    assert bankheist.same_network(original, original.sketch)
    assert bankheist.same_network(original, sketch_of(noisy).sketch)
    assert not bankheist.same_network(original, sketch_of(others).sketch)
    assert not bankheist.same_network(bankheist.Verdict("corrupt"), ())


def test_hand_in_writes_a_small_file_that_holds_the_critic_and_the_log(tmp_path):
    network = AtariCritic((4, 84, 84), 18)
    logger = Logger(tmp_path)
    logger.log_scalar(10.0, "train_return", 5)
    logger.close()
    save_checkpoint(
        tmp_path / CHECKPOINT, {"agent": {"critic": network.state_dict()}, "settings": {"seed": 1}, "step": 7}
    )
    weights, scalars = hand_in(tmp_path, tmp_path)
    assert weights.stat().st_size < bankheist.WEIGHTS_LIMIT
    assert (weights.name, scalars.name) == (bankheist.WEIGHTS, bankheist.LOG)
    content = torch.load(weights, weights_only=True)
    torch.testing.assert_close(content["critic"]["layers.9.bias"], network.layers[9].bias.half())
    assert scalars.read_text() == "tag,step,value\ntrain_return,5,10\n"
    save_checkpoint(tmp_path / CHECKPOINT, {"agent": {"policy": {}}})
    with pytest.raises(CheckpointError, match="has no critic"):
        hand_in(tmp_path, tmp_path)


# --- Beside the notebook --------------------------------------------------------------------------


def test_files_beside_the_notebook_are_found_and_decide_whether_a_submission_is_new(tmp_path):
    notebook = tmp_path / "hw3.ipynb"
    assert agents.handed_in(notebook) is None and agents.identity(notebook) == ""
    (tmp_path / bankheist.WEIGHTS).write_bytes(b"one")
    assert agents.handed_in(notebook) == HandedIn(b"one") and agents.handed_in(tmp_path / "hw1.ipynb") is None
    first = agents.identity(notebook)
    (tmp_path / bankheist.LOG).write_bytes(b"two")
    assert agents.handed_in(notebook) == HandedIn(b"one", b"two") and agents.identity(notebook) not in (
        "",
        first,
    )


def test_large_files_links_and_folders_are_not_read(tmp_path):
    notebook = tmp_path / "hw3.ipynb"
    (tmp_path / bankheist.WEIGHTS).write_bytes(b"0" * (bankheist.WEIGHTS_LIMIT + 1))
    found = agents.handed_in(notebook)
    assert grade(found, seed=1).verdict == "oversized" and "more than 8388608 bytes" in found.detail
    (tmp_path / bankheist.WEIGHTS).unlink()
    (tmp_path / bankheist.WEIGHTS).symlink_to("/etc/passwd")
    found = agents.handed_in(notebook)
    assert found.weights is None and grade(found, seed=1).verdict == "corrupt"
    (tmp_path / bankheist.WEIGHTS).unlink()
    (tmp_path / bankheist.WEIGHTS).mkdir()
    assert agents.handed_in(notebook).detail == "bankheist.pt is no plain file."


def test_the_second_student_with_a_network_is_told_that_a_person_looks_and_the_instructor_whose_it_is(
    tmp_path, caplog
):
    log = logging.getLogger("told")
    ada, bob = (NotebookNode(asdict(sketch_of(critic()))) for _ in range(2))
    assert "It reaches what DQN is known for." in agents.told(tmp_path, "ada", ada, log).source
    cell = agents.told(tmp_path, "bob", bob, log)
    assert "Somebody else handed in the same network" in cell.source and "ada" not in cell.source
    assert (ada.verdict, bob.verdict) == ("good", "copied")
    assert "bob handed in the same network for BankHeist as ada" in caplog.text
    again = NotebookNode(asdict(sketch_of(critic())))
    agents.told(tmp_path, "carl", NotebookNode(asdict(sketch_of(critic(1)))), log)
    assert set(json.loads((tmp_path / agents.SKETCHES).read_text())) == {"ada", "bob", "carl"}
    assert (
        "Somebody else" in agents.told(tmp_path, "ada", again, log).source
    )  # who copied whom, a person finds out
