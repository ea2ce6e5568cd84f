"""Hostile submissions: graded with honest ones they win nothing; most of them win against stock nbgrader."""

import csv
import io
import json
import os
import pickle
import re

import numpy as np
import pytest
import torch
from attacks import report
from attacks.hostile import EVIL
from attacks.report import ATTACKS
from attacks.scene import FULL, Scene

from autograder import run_judges
from autograder.student_side.exchange import encode
from autograder.student_side.student import Student
from autograder.student_side.world import ask, hosted
from autograder.trusted.judges import cartpole
from autograder.trusted.judges.convergence import STANDS_ON
from autograder.trusted.judges.hw3.test_convergence import RULE
from autograder.trusted.report import JudgeResult
from book import figures

# One class with all attacks, and two of stock nbgrader's with some, graded once each by one process.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]
UNSEALED = [attack for attack in ATTACKS if not attack.unsealed]
RECORDED = {
    (row["attack"], row["tried"]): row
    for row in json.loads((figures.RESULTS / "attacks" / "attacks.json").read_text(encoding="utf-8"))[
        "attacks"
    ]
}
# Stock nbgrader is not ours and takes seconds for each: every eighth, and those of which nothing is recorded.
LIVE = [a for n, a in enumerate(UNSEALED) if n % 8 == 0 or (a.name, a.tried) not in RECORDED]


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    return Scene(tmp_path_factory.mktemp("attacks") / "sealed", True, ATTACKS).play()


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    return report.unsealed(tmp_path_factory.mktemp("attacks"), LIVE)


def names(attacks):
    return [attack.name for attack in attacks]


def test_there_are_enough_attacks_of_different_names():
    assert len(set(names(ATTACKS))) == len(ATTACKS) >= 25
    assert len({attack.who for attack in ATTACKS}) == len(ATTACKS)


@pytest.mark.parametrize("attack", ATTACKS, ids=names(ATTACKS))
def test_nothing_leaks(sealed, attack):
    assert sealed.outcome(attack).victories == []


@pytest.mark.parametrize("attack", ATTACKS, ids=names(ATTACKS))
def test_every_attacker_has_a_score_a_verdict_and_a_feedback_page(sealed, attack):
    outcome = sealed.outcome(attack)
    assert outcome.points is not None and 0 <= outcome.points <= attack.deserved
    assert outcome.verdict in attack.verdicts
    assert outcome.feedback


@pytest.mark.parametrize(
    "attack", [a for a in ATTACKS if a.deserved == FULL and a.verdicts == ("passed",)], ids=lambda a: a.name
)
def test_an_attack_that_came_to_nothing_leaves_its_author_the_honest_points(sealed, attack):
    assert sealed.outcome(attack).points == FULL


def test_nobody_elses_grade_moved(sealed):
    assert sealed.damage == []
    assert sealed.deserved["Alice"] > sealed.deserved["zoe"] > 0
    assert {student: sealed.scores[student] for student in sealed.deserved} == sealed.deserved


def test_the_whole_class_was_graded_and_nobody_else(sealed):
    assert set(sealed.status.values()) == {0}
    class_list = {attack.who for attack in ATTACKS} | set(sealed.deserved)
    assert {path.name for path in (sealed.root / "autograded").iterdir()} == class_list
    with (sealed.root / "grades.csv").open(newline="", encoding="utf-8-sig") as stream:
        rows = [row["student_id"] for row in csv.DictReader(stream)]
    # what commands a terminal or a spreadsheet is written otherwise
    assert set(rows) >= {name for name in class_list if re.fullmatch(r"\w[\w ]*", name)}
    assert len(rows) == len(set(rows)) == len(class_list)
    assert not any(re.match(r"[=+\-@\t\r\n]", row) for row in rows)


def test_nothing_of_the_attacks_is_left_behind(sealed):
    assert sealed.left_over == {}
    assert list(sealed.prey.iterdir()) == []
    assert sealed.contacts == []


def test_files_in_ten_folders_of_the_machine_are_untouched(sealed):
    assert len(sealed.facts["canaries"]) == 10
    assert sealed.touched == []


def test_no_process_folder_or_control_group_of_the_grader_outlives_it(sealed):
    assert sealed.remains == []


def test_the_grader_itself_needs_little_memory(sealed):
    """Against 1 GB of output, archives that unpack to 2 GB and answers of millions of lists."""
    assert sealed.peak < 4


@pytest.mark.parametrize("attack", LIVE, ids=names(LIVE))
def test_the_attack_wins_against_stock_nbgrader(stock, attack):
    assert stock[attack.name].victories != []


def test_the_recorded_attacks_all_won_there_and_none_here():
    for row in RECORDED.values():
        assert (row["leaked"], row["unsealed"] in ("yes", "n.a.")) == ([], True), row["attack"]


def test_the_pickles_are_live(tmp_path):
    """Whoever loads such an answer runs it; there is no counterpart in stock nbgrader to show it on."""
    space = {"os": os, "SCENE": {"prey": str(tmp_path), "name": "loaded"}}
    exec(EVIL + "data = pickle.dumps(Evil())", space)
    pickle.loads(space["data"])
    assert (tmp_path / "loaded").exists()


class Forger(Student):
    """Plays as many steps as are asked for, and answers with the same bytes."""

    def __init__(self, answer):
        self.answer = answer

    def exchange(self, request):
        with hosted(self.world):
            number = ask(do="make", num_envs=1)["id"]
            for _ in range(RULE["training"]["total_steps"]):
                if ask(do="step", id=number, actions=0)["terminated"]:
                    ask(do="reset", id=number)
        return self.answer


SOLVED = [
    JudgeResult(name, "all", "all of it", points=1.0, max_points=1.0, verdict="passed")
    for name in STANDS_ON["hw3.convergence"]
]


def balancing_critic():
    """Weights that somebody might bring from home: they push the cart to where the pole leans."""
    matrices = [np.zeros((4, 64)), np.zeros((64, 64)), np.zeros((64, 2))]
    matrices[0][:, 0], matrices[1][0, 0], matrices[2][0] = (0.01, 0.02, 0.1, 0.1), 1.0, (-1.0, 1.0)
    return [array for matrix in matrices for array in (matrix, np.zeros(matrix.shape[1]))]


def forged_weights(kind, folder):
    critic = balancing_critic()
    if kind == "from home":
        return encode({"ok": True, "result": {"updates": 1000, "critics": [critic] * 3}})
    space = {"os": os, "SCENE": {"prey": str(folder), "name": "loaded"}}
    exec(EVIL, space)
    file = io.BytesIO()
    if kind == "pickled arrays":
        np.savez(file, structure=np.array([space["Evil"]()], dtype=object))
    else:
        torch.save({"critics": space["Evil"]()}, file)
    return file.getvalue()


@pytest.mark.parametrize(
    "kind, verdict", [("pickled arrays", "refused"), ("torch.save", "refused"), ("from home", "failed")]
)
def test_forged_weights_gain_nothing(tmp_path, kind, verdict):
    """The other attacks leave out the training, which takes minutes; this is its judge alone."""
    judged = run_judges("hw3.convergence", Forger(forged_weights(kind, tmp_path)), 1, found=SOLVED)
    assert (judged.score, [result.verdict for result in judged.results]) == (0, [verdict])
    assert list(tmp_path.iterdir()) == []


def test_the_weights_from_home_are_good_ones():
    assert cartpole.mean_return(balancing_critic(), 10, 0) > RULE["threshold"]


def test_the_table_says_no_in_every_row(sealed, stock):
    rows = report.rows(sealed, stock)
    assert {row["attack"] for row in rows if row["unsealed"] == "yes"} == set(names(LIVE))
    assert [row["attack"] for row in rows if row["leaked"]] == []
    assert {row["unsealed"] for row in rows} == {"yes", "n.a."}
    assert all(row["unsealed_how"][0] for row in rows)
    assert report.table(rows).count("\n") == len(ATTACKS)
