"""The judges: they pass what is right, catch what is wrong with its hint, and cannot be talked out of it."""

import contextlib
import dataclasses
import importlib
import json
import pickle
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays, boolean_dtypes, floating_dtypes, integer_dtypes

import solutions.hw3
from autograder import check, max_points, run_judges
from autograder.__main__ import main
from autograder.mutants import Mutant, Outcome, generated, mutants_of, patched, run_mutants
from autograder.mutants.sweep import Record, table
from autograder.student_side.exchange import ExchangeError, decode, encode
from autograder.student_side.student import LocalStudent, Student, StudentFailure
from autograder.student_side.world import ask, hosted
from autograder.trusted.judges import cartpole, convergence
from autograder.trusted.judges.hw3.test_convergence import RULE as CARTPOLE_RULE
from autograder.trusted.judges.worlds import CartPoleWorld
from autograder.trusted.judging import JudgeFailure, compare
from autograder.trusted.report import JudgeResult, Report
from autograder.trusted.runner import UnknownExercise, judges_of
from gcb6206 import exercises

ROOT = Path(__file__).parents[1]
STUBS = [name for homework in exercises.HOMEWORKS for name in exercises.ids(homework)]


def command(*words: str) -> subprocess.CompletedProcess:
    """Runs `python -m autograder` with these words."""
    return subprocess.run(
        [sys.executable, "-m", "autograder", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )


def fill(exercise: str, name: str) -> None:
    """Fills an exercise with one of the mutants."""
    path = ROOT / "autograder" / "mutants" / exercise.replace(".", "/") / f"{name}.py"
    exec(compile(path.read_text(), str(path), "exec"), {})


class Fake(Student):
    """A student's side that answers every request with the same result, or ends in the same way."""

    def __init__(self, result=None, failure: Exception | None = None):
        self.result, self.failure, self.requests = result, failure, []

    def exchange(self, request: bytes) -> bytes:
        self.requests.append(decode(request))
        if self.failure:
            raise self.failure
        return encode({"ok": True, "result": self.result})


# --- right and wrong solutions --------------------------------------------------------------------


@pytest.mark.slow
def test_mutants_are_caught_with_their_hint_and_right_variants_pass():
    done = command("mutants", "--seed", "11")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("exercise", STUBS)
def test_there_are_enough_mutants_and_right_variants(exercise):
    mutants = mutants_of(exercise)
    assert sum(m.is_right for m in mutants) >= 3
    assert sum(not m.is_right for m in mutants) >= 8


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("exercise", STUBS)
def test_reference_solution_gets_full_marks(solved, exercise, seed):
    report = run_judges(exercise, LocalStudent(), seed)
    assert report.score == report.max_score == max_points(exercise) > 0, report.to_text()


@pytest.mark.parametrize("exercise", STUBS)
def test_an_unsolved_exercise_scores_nothing_and_is_named_once(exercise):
    first, *others = run_judges(exercise, LocalStudent(), 0).results
    assert (first.verdict, first.points, first.unsolved) == ("failed", 0.0, exercise)
    assert exercise in first.got and "not solved yet" in first.got
    assert {(r.verdict, r.points, r.got) for r in others} == {("skipped", 0.0, f"first solve {exercise}")}


@pytest.mark.parametrize(
    "exercise, mutant, lost",
    [
        ("hw3.sample_trajectory", "terminal_or_truncated", {"terminal"}),
        ("hw3.run_training_loop", "done_or_truncated", {"time_limit"}),
        ("hw3.run_training_loop", "truncated_dropped", {"time_limit"}),
        ("hw3.update_critic", "double_roles_swapped", {"double_q"}),
        ("hw3.update_critic", "no_done_mask", {"done"}),
        ("hw3.get_action", "no_batch_axis", {"images"}),
        ("hw2.episode_reward_sum", "zero_where_none", {"none"}),
        ("hw2.tanh_normal_log_prob", "std_detached", {"on_the_bounds", "near_the_bounds"}),
        ("hw4.policy_parameters", "always_shared", {"separate", "type_and_seed"}),
        ("hw4.multi_agent_gae", "with_gradient", {"no_gradient"}),
        ("hw4.multi_agent_gae", "time_limit_as_end", {"time_limit", "both", "apart", "any_size"}),
        ("hw4.policy_parameters", "plain_list", {"type_and_seed"}),
        ("hw4.mappo_loss", "numbers", {"types", "gradient"}),
        ("hw1.update", "figures_are_tensors", {"returned_figures", "figures"}),
        ("hw1.minibatch_indices", "list_of_rows", {"type"}),
        ("hw1.compute_gae", "changes_its_arguments", {"no_trace"}),
        ("hw4.mappo_loss", "entropy_punished", {"entropy", "gradient"}),
        ("hw5.drop_stale", "zero_is_none", {"zero", "future"}),
        ("hw5.publish", "no_fsync", {"any", "keep", "killed", "refused", "synced"}),
        ("hw5.mask_logits", "minus_infinity", {"finite", "gradient"}),
    ],
)
def test_one_bug_costs_its_own_points_only(solved, exercise, mutant, lost):
    fill(exercise, mutant)
    assert {r.test for r in run_judges(exercise, LocalStudent(), 3).results if r.verdict != "passed"} == lost


def test_dependents_of_a_failed_judge_are_skipped(solved):
    fill("hw3.update_critic", "no_target_network")
    results = {r.test: r for r in run_judges("hw3.update_critic", LocalStudent(), 0).results}
    assert results["target"].verdict == "failed"
    for name in ("done", "double_q", "loss"):
        assert (
            results[name].verdict == "skipped"
            and results[name].got == f'first fix "{results["target"].title}"'
        )
    assert results["gradient_step"].got == f'first fix "{results["loss"].title}"'


def test_an_exception_shows_the_students_own_line(solved):
    def broken(self, obs, action, reward, next_obs, done, step):
        return 1 / 0  # the line to show

    with exercises.filled({"hw3.update": broken}):
        got = run_judges("hw3.update", LocalStudent(), 0).results[0].got
    assert (
        "ZeroDivisionError: division by zero" in got and "in broken: return 1 / 0  # the line to show" in got
    )


@pytest.mark.parametrize("exercise", STUBS)
def test_the_seed_decides_the_inputs(solved, exercise):
    def requests(seed: int) -> list[bytes]:
        sent = []

        class Recording(LocalStudent):
            def exchange(self, request):
                sent.append(json.dumps(decode(request), default=np.ndarray.tolist))
                return super().exchange(request)

        run_judges(exercise, Recording(), seed)
        return sent

    first, again, other = requests(1), requests(1), requests(2)
    assert first == again
    # The smallest inputs are few, so that some come back: a single end is one or none. hw2.tuning and hw5.shaping are
    # given nothing.
    assert 3 * len(set(first) & set(other)) <= 2 * len(set(first)) or exercise in (
        "hw2.tuning",
        "hw5.shaping",
    )


def test_chosen_judges_run_with_what_they_depend_on(solved):
    everything = {r.test: r for r in run_judges("hw3.update_critic", LocalStudent(), 5).results}
    some = run_judges("hw3.update_critic", LocalStudent(), 5, only=["double_q"]).results
    assert [r.test for r in some] == ["returned_figures", "target", "double_q"]
    assert [(r.verdict, r.points) for r in some] == [(everything[r.test].verdict, r.max_points) for r in some]
    with pytest.raises(ValueError, match="hw3.update has no judge {'double_q'}: expected one of critic_step"):
        run_judges("hw3.update", LocalStudent(), 5, only=["double_q"])


# --- mutants as changes of the reference, and sweeps over seeds -----------------------------------


def test_a_changed_reference_fills_its_own_exercise_only():
    exercises.clear()
    patched("hw3.update", ("return critic_stats", "return {**critic_stats, 'twice': 2}"), ("2}", "3}"))
    assert exercises.get("hw3.get_action").implementation is None

    class Agent:
        target_update_period = 5
        update_critic = staticmethod(lambda *batch: {"loss": 1.0})

    assert exercises.get("hw3.update").implementation(Agent(), *"sarnd", step=1) == {"loss": 1.0, "twice": 3}


@pytest.mark.parametrize(
    "exercise, old, message",
    [
        ("hw3.update", "self.update_targets()", "hw3.py: expected 'self.update_targets()' exactly"),
        ("hw3.update", "critic_stats", "exactly once in update, found it 2 times"),
        ("hw3.update", "np.random.randint", "found it 0 times"),  # which another function has
        ("hw3.updte", "step", "hw3.py has no function updte under @solves('hw3.updte')"),
    ],
)
def test_a_change_that_no_longer_fits_the_reference_is_refused(exercise, old, message):
    exercises.clear()
    with pytest.raises(ValueError) as refused:
        patched(exercise, (old, "pass"))
    assert message in str(refused.value)
    assert exercises.get("hw3.update").implementation is None


SOMETIMES_RIGHT = ("(1.0 - done.float())", "(1.0 - done.float() * (reward.sum() > 0))")


@pytest.mark.slow
def test_a_sweep_reports_flaky_judges_and_flaky_mutants(tmp_path):
    folder = tmp_path / "hw3" / "update_critic"
    folder.mkdir(parents=True)
    start = '"""A text."""\nfrom autograder.mutants import patched\n'
    flaky = f"patched('hw3.update_critic', {SOMETIMES_RIGHT!r})\n"
    done_ignored = "patched('hw3.update_critic', ('(1.0 - done.float()) * ', ''))\n"
    for name, text in {
        "flaky": start + "HINT = 'done is ignored'\n" + flaky,
        "flaky_as_declared": start + "HINT = 'done is ignored'\nMAY_PASS = 0.9\n" + flaky,
        "other_hint": start + "HINT = 'no such hint'\n" + done_ignored,
        "right_flaky": start + flaky,
        "always_caught": start + "HINT = 'done is ignored'\n" + done_ignored,
        "crashes": start + "HINT = 'done'\nimport os\nos._exit(1)\n",
    }.items():
        (folder / f"{name}.py").write_text(text)
    program = (
        "import sys, pathlib, autograder.mutants as mutants; from autograder.__main__ import main;"
        "mutants.FOLDER = pathlib.Path(sys.argv[1]);"
        "sys.exit(main(['mutants', '--first', '3', '--seeds', '9']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )

    patched("hw3.update_critic", SOMETIMES_RIGHT)
    scores = {seed: run_judges("hw3.update_critic", LocalStudent(), seed).score for seed in range(3, 12)}
    passed, failed = ([s for s in scores if (scores[s] == 5) == full] for full in (True, False))
    assert 2 <= len(passed) <= 7 and 2 <= len(failed) <= 7, "choose other seeds"

    def at(seeds: list[int]) -> str:
        named = [*map(str, seeds[:5]), *["..."][: len(seeds) > 5]]
        return f"at {len(seeds)} of 9 seeds ({', '.join(named)})"

    lines, name = done.stdout.splitlines(), "hw3.update_critic "
    assert done.returncode == 1, done.stderr
    assert f"✗ {name}crashes: crashed, after 1 of its seeds" in lines
    assert any(line.startswith(f"✗ {name}flaky: passed done {at(passed)}, ") for line in lines)
    assert any(line.startswith(f"~ {name}flaky_as_declared: passed done at") for line in lines)
    assert f"✗ {name}right_flaky: failed by done {at(failed)}" in lines
    assert f"~ {name}other_hint: caught without its hint at 9 of 9 seeds (3, 4, 5, 6, 7, ...)" in lines
    assert "always_caught" not in done.stdout
    rows = {line.split()[1]: line.split()[2:] for line in lines if line.startswith(f"{name} ")}
    assert (rows["done"][:2], rows["done"][3:5]) == (["1", str(len(failed))], ["4", str(len(passed))])
    assert rows["loss"] == rows["target"] == ["1", "0", rows["loss"][2], "-"]  # no mutant of ours is theirs
    assert lines[-1] == (
        "5 mutants, 2 passed at some seed; 1 right variants, 1 failed at some seed; 3 not as declared"
    )
    assert "54/54" in done.stderr


def record(name: str, verdicts: list[str], may_pass: float = 0.0) -> Record:
    """A mutant of hw3.update and the verdicts of one judge, a seed each; "" ended before its time."""
    mutant = Mutant(Path(f"{name}.py"), "hw3.update", "a text", "" if name == "right_1" else "hint", may_pass)
    reports = [
        Report([failed_result(test="period", verdict=verdict)], seed) if verdict else None
        for seed, verdict in enumerate(verdicts)
    ]
    return Record(mutant, [Outcome(mutant, report, "" if report else "time limit") for report in reports])


@pytest.mark.parametrize(
    "name, verdicts, may_pass, expected",
    [
        ("right_1", ["passed"] * 3, 0.0, True),
        ("right_1", ["passed", "passed", "failed"], 0.0, False),
        ("right_1", ["passed", "error", "passed"], 0.0, False),
        ("right_1", ["passed", ""], 0.0, False),
        ("wrong", ["failed"] * 3, 0.0, True),
        ("wrong", ["failed", "passed", "failed"], 0.0, False),
        ("wrong", ["failed", "error", "failed"], 0.0, False),
        ("wrong", ["failed", ""], 0.0, False),
        ("wrong", ["passed"] * 3, 0.0, False),
        ("wrong", ["passed"] * 3 + ["failed"] * 97, 0.02, True),  # 3 % where 2 % were declared: chance
        ("wrong", ["passed"] * 9 + ["failed"] * 91, 0.02, False),
    ],
)
def test_a_sweep_holds_each_mutant_to_what_it_declares(name, verdicts, may_pass, expected):
    swept = record(name, verdicts, may_pass)
    assert swept.as_declared is expected
    assert table([swept], len(verdicts)).endswith(f"{int(not expected)} not as declared")


# --- mutants that a program makes -----------------------------------------------------------------


def test_a_program_makes_the_changes_of_every_kind():
    texts = "\n".join(change.text for change in generated.changes_of("hw1.compute_gae"))
    for line in (
        "deltas = rewards + (gamma + next_values) * ~terminated - values",  # operator
        "deltas = rewards + gamma * next_values * terminated - values",  # not
        "deltas = rewards + gamma * next_values * ~truncated - values",  # name
        "deltas = rewards + gamma * next_values - values",  # factor
        "same_episode = ~(terminated & truncated)",
        "advantages = np.ones_like(deltas)",
        "advantages = deltas",  # a call's argument for the call
        "following = np.zeros_like(deltas[1])",  # constant
        "for t in reversed(range(1, len(rewards))):",  # off by one at one end
        "for t in reversed(range(len(rewards) - 1)):",  # and at the other
        "for t in range(len(rewards)):",
        "following = deltas[t] + gamma * gae_lambda * following * same_episode[t - 1]",  # index
        "advantages[t + 1] = following",
        "pass",  # statement
        "return (returns, advantages)",  # order
    ):
        assert f"+ {line}" in texts.splitlines(), line
    texts = "\n".join(change.text for change in generated.changes_of("hw1.update"))
    for line in (
        "if not self.normalize_advantages:",
        "if True:",
        "if self.target_kl is not None or ppo_agent.approx_kl(log_ratios[-1]) > 1.5 * self.target_kl:",
        "if self.target_kl is not None and ppo_agent.approx_kl(log_ratios[-1]) >= 1.5 * self.target_kl:",
        "continue",
        "critic_loss = ppo_agent.value_loss(value, batch['returns'], batch['returns'], self.clip_range_vf)",
        "log_ratios.append(log_prob - batch['log_probs'])",  # detach
        "ptu.clip_grad_norm(self.policy.parameters())",
    ):
        assert f"+ {line}" in texts.splitlines(), line


def test_every_equivalent_change_is_one_that_the_program_makes():
    for exercise, listed in generated.equivalent().items():
        made = {change.text for change in generated.changes_of(exercise)}
        assert not set(listed) - made, f"{exercise}: the reference was rewritten; list what it is now"


@pytest.mark.parametrize("homework", ["hw1", "hw4", "hw5"])
def test_generated_mutants_are_killed_or_listed(homework):
    changes = [
        change for exercise in generated.exercises_of(homework) for change in generated.changes_of(exercise)
    ]
    # every 25th: all of them take minutes (make mutants GENERATED=1)
    tallies = generated.judge(changes[:: 15 if homework == "hw4" else 25], [11])
    assert {
        name: [c.text for c in tally.survivors] for name, tally in tallies.items() if tally.survivors
    } == {}


def test_a_listed_change_that_a_judge_catches_counts_as_killed(monkeypatch):
    (sign,) = [c for c in generated.changes_of("hw1.linear_schedule") if "(end + start)" in c.text]
    monkeypatch.setattr(generated, "equivalent", lambda: {sign.exercise: {sign.text: "a wrong reason"}})
    tally = generated.judge([sign], [11])[sign.exercise]
    assert (tally.killed, tally.equivalent, tally.survivors) == ([sign], [], [])


def test_a_change_that_never_ends_is_killed(monkeypatch):
    monkeypatch.setattr(generated, "CPU_SECONDS", 1)
    head = "@solves('hw1.linear_schedule')\ndef linear_schedule(start, end, progress):\n    "
    endless = generated.Change("hw1.linear_schedule", "+ endless", head + "while True: pass")
    equal = generated.Change(
        "hw1.linear_schedule", "+ other", head + "return start + progress * (end - start)"
    )
    (ended,) = run_mutants([endless], [1])
    assert ended.caught_by == "crashed"
    tally = generated.judge([endless, equal], [1, 2])["hw1.linear_schedule"]
    assert (tally.killed, tally.equivalent, tally.survivors) == ([endless, equal], [], [])


# --- a student's side that lies, ends or breaks ---------------------------------------------------


@pytest.mark.parametrize("exercise", STUBS)
@pytest.mark.parametrize("lie", [{}, {"ok": 1}])
def test_an_answer_without_content_is_refused(exercise, lie):
    report = run_judges(exercise, Fake(lie), 0)
    assert report.score == 0 and report.results[0].verdict == "refused" and not report.grader_failed


@pytest.mark.parametrize("exercise", STUBS)
@pytest.mark.parametrize(
    "junk",
    [None, "full marks", 1.0, [], {}, np.zeros(0), np.full((40, 2, 3), np.nan)],
    ids=["none", "text", "number", "list", "dict", "empty", "nan"],
)
def test_an_answer_full_of_junk_scores_nothing(solved, exercise, junk):
    class Junk(LocalStudent):
        def exchange(self, request):
            reply = decode(super().exchange(request))
            return encode({**reply, "result": dict.fromkeys(reply["result"], junk)})

    assert run_judges(exercise, Junk(), 0).score == 0


@pytest.mark.parametrize("verdict", ["time limit", "memory limit", "crashed"])
def test_an_ending_is_a_verdict_and_is_not_tried_again(verdict):
    student = Fake(failure=StudentFailure(verdict, "it ended"))
    first, *others = run_judges("hw3.update_critic", student, 0).results
    assert (first.verdict, first.got) == (verdict, "it ended")
    assert {r.verdict for r in others} == {"skipped"} and len(student.requests) == 1


def test_the_graders_own_failure_is_told_apart():
    report = run_judges("hw3.update", Fake(failure=OSError("disk full")), 0)
    assert report.grader_failed and report.results[0].verdict == "error"
    assert "disk full" in report.results[0].got and "not your code" in report.to_html()


class Odd(LocalStudent):
    """Answers as the reference does, but for one key, from a call on; beside it stands a reference that is sound."""

    def __init__(self, key: str, value: object, first: int = 1):
        self.key, self.value, self.first, self.calls = key, value, first, 0

    def exchange(self, request: bytes) -> bytes:
        self.calls += 1
        reply = decode(super().exchange(request))
        if self.calls >= self.first and self.key in reply["result"]:
            reply["result"][self.key] = self.value
        return encode(reply)

    @contextlib.contextmanager
    def apart(self, homework: str):
        yield LocalStudent()


@pytest.mark.parametrize(
    "exercise, key, value, first",
    [
        ("hw3.update_critic", "critic", {}, 2),
        ("hw3.update_critic", "rates", "fast", 1),
        ("hw3.update_critic", "metrics", [None], 1),
        ("hw3.get_action", "has_grad", np.array([True, False]), 1),
        ("hw3.get_action", "actions", 10**400, 1),
        ("hw3.update", "calls", {"a": []}, 1),
        ("hw3.update", "returned", 5, 1),
        ("hw3.sample_trajectory", "arrays", [1, 2], 1),
        ("hw3.run_training_loop", "tags", 7, 1),
        ("hw1.compute_gae", "changed", "x", 1),
        ("hw1.update", "journal", [5], 1),
        ("hw4.mappo_loss", "gradients", [], 1),
        ("hw5.publish", "publications", [5, 6], 1),
        ("hw5.publish", "publications", [{}], 1),
        ("hw5.vtrace", "targets", {"a": 1}, 3),
        ("hw5.should_train", "changed", 5, 1),
    ],
)
def test_an_answer_that_no_judge_can_read_is_refused(solved, exercise, key, value, first):
    """It is the student's fault and not the grader's, so it is not graded anew at every run."""
    report = run_judges(exercise, Odd(key, value, first), 5)
    assert not report.grader_failed, report.to_text()
    assert report.score < report.max_score
    assert {"refused", "failed"} & {result.verdict for result in report.results}


def test_a_quiz_of_one_text_is_refused(monkeypatch):
    monkeypatch.setattr(sys.modules["__main__"], "quiz", solutions.hw3.quiz, raising=False)
    report = run_judges("hw3.quiz", Odd("answers", "x"), 5)
    assert not report.grader_failed and report.score == 0


def test_a_judge_that_fails_on_the_reference_too_is_the_graders_failure(solved, monkeypatch):
    @contextlib.contextmanager
    def broken(self, homework):
        yield Fake(failure=OSError("disk full"))

    monkeypatch.setattr(Odd, "apart", broken)
    report = run_judges("hw3.quiz", Odd("answers", "x"), 5)
    assert report.grader_failed and "not your code" in report.to_html()


# --- convergence ----------------------------------------------------------------------------------


def pole_critic(theta: float, velocity: float) -> list[np.ndarray]:
    """Pushes right where theta * angle + velocity * angular velocity is positive, in the course's network."""
    weights = [np.zeros(shape) for shape in cartpole.SHAPES]
    weights[0][:, 0] = [0.0, 0.0, theta, velocity]
    weights[2][0, 0] = weights[4][0, 1] = 1.0
    return weights


GOOD, BAD = pole_critic(0.1, 0.1), pole_critic(-0.1, -0.1)


def test_the_judge_evaluates_weights_itself():
    assert cartpole.mean_return(GOOD, 5, 0) > 150 > 20 > cartpole.mean_return(BAD, 5, 0)


SOLVED = [
    JudgeResult(name, "all", "all of it", points=1.0, max_points=1.0, verdict="passed")
    for name in convergence.STANDS_ON["hw3.convergence"]
]


class Player(Fake):
    """A side that plays as many steps as are asked for, learns nothing, and answers the same to all."""

    def exchange(self, request: bytes) -> bytes:
        if self.world:
            with hosted(self.world):
                number = ask(do="make", num_envs=1)["id"]
                for _ in range(decode(request)["arguments"]["training"]["total_steps"]):
                    if ask(do="step", id=number, actions=0)["terminated"]:
                        ask(do="reset", id=number)
        return super().exchange(request)


@pytest.fixture
def short(monkeypatch):
    training = {**CARTPOLE_RULE["training"], "total_steps": 200}
    monkeypatch.setitem(CARTPOLE_RULE, "training", training)
    monkeypatch.setitem(CARTPOLE_RULE, "threshold", 150.0)


@pytest.mark.parametrize("critic, runs, score", [(GOOD, 2, 2.0), (BAD, 2, 0.0)])
def test_convergence_stops_once_decided(monkeypatch, short, critic, runs, score):
    monkeypatch.setattr(convergence, "draw_disguise", lambda *_, **__: cartpole.NO_DISGUISE)
    student = Player({"critics": [critic] * 3, "updates": 9})
    assert run_judges("hw3.convergence", student, 0, found=SOLVED).score == score
    assert [r["probe"] for r in student.requests] == runs * ["hw3.convergence"]
    assert {tuple(r["arguments"]) for r in student.requests} == {("seed", "training", "snapshot_every")}


@pytest.mark.parametrize("critics", [[], None, [[np.zeros((2, 4))]], ["perfect"]])
def test_convergence_refuses_other_networks(short, critics):
    student = Player({"critics": critics, "updates": 9})
    (result,) = run_judges("hw3.convergence", student, 0, found=SOLVED).results
    assert (result.verdict, result.points) == ("refused", 0)


def test_convergence_does_not_count_what_was_trained_without_playing(monkeypatch, short):
    """The best weights, of somebody who never asked for a step."""
    monkeypatch.setattr(convergence, "draw_disguise", lambda *_, **__: cartpole.NO_DISGUISE)
    (result,) = run_judges(
        "hw3.convergence", Fake({"critics": [GOOD] * 3, "updates": 9}), 0, found=SOLVED
    ).results
    assert (result.verdict, result.got, result.points) == ("failed", "0", 0)


def test_convergence_waits_for_unsolved_exercises(solved):
    exercises.clear("hw3.update")
    (result,) = run_judges("hw3.convergence", LocalStudent(), 0).results
    told = "first fix hw3.update: less than half of the points there"
    assert (result.verdict, result.got) == ("skipped", told)


@pytest.mark.parametrize("share, verdict", [(0.4, "skipped"), (0.5, "failed")])
def test_convergence_stands_on_what_the_judges_found(short, share, verdict):
    """Not on what the student's side says of itself: this one claims that all is solved."""
    *others, last = SOLVED
    found = [*others, dataclasses.replace(last, points=share, verdict="failed")]
    student = Player({"exercises": [], "critics": [BAD] * 3, "updates": 9})
    (result,) = run_judges("hw3.convergence", student, 0, found=found).results
    assert (result.verdict, result.points) == (verdict, 0)


def test_convergence_probe_trains_and_returns_weights(solved):
    rule = {**CARTPOLE_RULE["training"], "total_steps": 300, "learning_starts": 100}
    student = LocalStudent()
    with student.playing(CartPoleWorld(np.random.default_rng(0), 300, cartpole.NO_DISGUISE, single=True)):
        reply = student.run("hw3.convergence", seed=1, training=rule, snapshot_every=50)
    assert reply["updates"] == 200 and len(reply["critics"]) == 3
    first, *_, last = convergence.checked(reply["critics"], cartpole.SHAPES)
    assert not np.allclose(first[0], last[0])


# --- comparing and telling ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "got, text",
    [
        (np.zeros((2, 1)), "shape (2, 1)"),
        (np.array([1.0, 3.0]), "[1., 3.]"),
        ("1, 2", "1, 2"),
        (None, "None"),
    ],
)
def test_compare_says_what_came_back(got, text):
    with pytest.raises(JudgeFailure) as failure:
        compare(got, np.array([1.0, 2.0]), tried="x", hints=[(np.array([1.0, 3.0]), "off by one")])
    assert text in failure.value.got and (failure.value.hint == "off by one") == (text == "[1., 3.]")


def test_compare_wants_shape_then_dtype_then_value():
    compare(np.float32(1.0), 1.0, tried="x")
    for got, what in ((np.ones((1, 2), np.int8), "shape"), (np.full(2, 9, np.int64), "int64")):
        with pytest.raises(JudgeFailure, match=what):
            compare(got, np.ones(2, np.float32), tried="x", dtype=True)


def failed_result(**fields) -> JudgeResult:
    return JudgeResult(
        exercise="hw3.update",
        title="a title",
        points=0.0,
        max_points=1.0,
        **{
            "test": "t",
            "verdict": "failed",
            "tried": "x",
            "got": "[1, 2]",
            "expected": "[3, 4]",
            "got_brief": "2 of 2 entries differ",
            "expected_brief": "array of shape (2,)",
            **fields,
        },
    )


def test_feedback_escapes_what_the_student_returned():
    page = Report([failed_result(got="<script>alert(1)</script>")], 0).to_html()
    assert "<script>" not in page and "&lt;script&gt;" in page


def test_graded_feedback_leaves_out_the_entries_of_arrays():
    report = Report([failed_result()], 0)
    assert "[3, 4]" in report.to_html() and "[3, 4]" not in report.to_html(reveal=False)
    assert "2 of 2 entries differ" in report.to_html(reveal=False)


def test_report_survives_json():
    report = Report([failed_result()], 5)
    assert Report.from_json(report.to_json()) == report


# --- check ----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_check_is_partial_credit_for_nbgrader(solved):
    from IPython.core.formatters import DisplayFormatter
    from nbformat.v4 import new_code_cell, new_output
    from nbgrader.utils import determine_grade

    fill("hw3.update_critic", "double_roles_swapped")
    data, _ = DisplayFormatter().format(check("hw3.update_critic"))
    metadata = {"nbgrader": {"grade": True, "solution": False, "points": max_points("hw3.update_critic")}}
    cell = new_code_cell(outputs=[new_output("execute_result", data=data)], metadata=metadata)
    assert determine_grade(cell) == (4.25, 5.0)
    assert "The roles are swapped" in data["text/html"]


def test_check_keeps_stderr_clean_and_shows_what_was_printed(solved, capfd):
    def noisy(self, obs, action, reward, next_obs, done, step):
        print("hello", file=sys.stderr)
        return {}

    with exercises.filled({"hw3.update": noisy}):
        result = check("hw3.update")
    assert capfd.readouterr() == ("", "")
    assert "hello" in str(result) and "hello" in result._repr_html_()


def test_importing_check_is_quick():
    code = (
        "import sys; from autograder import check; print(sorted({'pytest', 'torch', 'numpy'} &"
        " set(sys.modules)))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True).strip() == "[]"


def test_points_are_known_without_running():
    for name in exercises.HOMEWORKS:
        order = importlib.import_module(f"autograder.trusted.judges.{name}").ORDER
        assert max_points(name) == sum(max_points(f"{name}.{exercise}") for exercise in order)
    trained = [*(f"hw{number}.convergence" for number in (1, 2, 3, 4)), "hw3.convergence_pictures"]
    assert {name: max_points(name) for name in (*STUBS, *trained)} == {
        "hw1.entropy_bonus": 1,
        "hw1.tanh_normal_log_prob": 2,
        "hw1.compute_gae": 5,
        "hw1.normalize_advantage": 1,
        "hw1.policy_loss": 4,
        "hw1.value_loss": 2,
        "hw1.minibatch_indices": 1,
        "hw1.linear_schedule": 1,
        "hw1.update": 5,
        "hw1.convergence": 4,
        "hw2.num_envs": 2,
        "hw2.expand_done": 2,
        "hw2.episode_reward_sum": 4,
        "hw2.first_nonfinite": 3,
        "hw2.tanh_normal_log_prob": 4,
        "hw2.tuning": 2,
        "hw2.convergence": 4,
        "hw3.get_action": 2,
        "hw3.update_critic": 5,
        "hw3.update": 2,
        "hw3.sample_trajectory": 4,
        "hw3.run_training_loop": 5,
        "hw3.convergence": 2,
        "hw3.convergence_pictures": 2,
        "hw4.observation_history": 4,
        "hw4.global_state": 1,
        "hw4.centralized_value": 3,
        "hw4.policy_parameters": 2,
        "hw4.multi_agent_gae": 5,
        "hw4.mappo_loss": 5,
        "hw4.convergence": 4,
        "hw5.mask_logits": 2,
        "hw5.behaviour_log_prob": 3,
        "hw5.should_train": 4,
        "hw5.drop_stale": 2,
        "hw5.vtrace": 5,
        "hw5.publish": 4,
        "hw5.shaping": 2,
    }


def test_every_exercise_has_a_judge_and_every_judge_names_its_reasons():
    trained = [*(f"hw{number}.convergence" for number in (1, 2, 3, 4)), "hw3.convergence_pictures"]
    for name in (*STUBS, *trained):
        for mark in judges_of(name).values():
            assert mark.title and mark.why and (ROOT / "book" / f"{mark.read}.md").is_file()


def test_unknown_exercise_names_the_nearest():
    with pytest.raises(
        UnknownExercise, match="unknown exercise 'hw3.update_critc': did you mean 'hw3.update_critic'"
    ):
        check("hw3.update_critc")


# --- exchange -------------------------------------------------------------------------------------


def test_exchange_returns_what_was_sent():
    message = {
        "a": np.arange(6).reshape(2, 3),
        "b": [1, 2.5, None, True, "text"],
        "c": {"d": np.float32(1.5)},
        "bool": np.array([True]),
        "empty": np.zeros((0, 3)),
        "fortran": np.asfortranarray(np.eye(3)[:2]),
    }
    back = decode(encode(message))
    assert back["b"] == message["b"] and back["c"]["d"] == 1.5
    for key in ("a", "bool", "empty", "fortran"):
        np.testing.assert_array_equal(back[key], message[key])
        assert back[key].dtype == message[key].dtype


@pytest.mark.parametrize("value", [object(), np.array([None]), np.array(["text"]), {1, 2}, b"bytes", 1j])
def test_exchange_sends_plain_data_only(value):
    with pytest.raises(ExchangeError, match="expected"):
        encode({"x": value})


class Bomb:
    """Unpickling it would leave a trace."""

    def __reduce__(self):
        return (print, ("unpickled",))


def forged(structure: object, rest: bytes = b"") -> bytes:
    """A message with that structure, or that text of one, and these bytes of arrays."""
    text = structure if isinstance(structure, bytes) else json.dumps(structure).encode()
    return struct.pack("<Q", len(text)) + text + rest


def array(dtype: object, shape: object) -> dict:
    """The structure of a message that holds one array."""
    return {"dict": [["x", {"array": [dtype, shape]}]]}


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | st.text("abc äö한", max_size=5)
        | arrays(
            st.one_of(boolean_dtypes(), integer_dtypes(endianness="?"), floating_dtypes(endianness="?")),
            array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3),
        ),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab", max_size=3), inner, max_size=4),
        max_leaves=8,
    )
)  # fmt: skip
def test_exchange_gives_back_what_was_sent(value):
    def same(sent, came):
        if isinstance(sent, np.ndarray):
            assert came.dtype == sent.dtype and came.flags.writeable
            np.testing.assert_array_equal(came, sent)
        elif isinstance(sent, dict):
            assert list(came) == list(sent)
            for key in sent:
                same(sent[key], came[key])
        elif isinstance(sent, list):
            assert len(came) == len(sent)
            for one, other in zip(sent, came):
                same(one, other)
        else:
            assert (came == sent and type(came) is type(sent)) or (sent != sent and came != came)

    same({"x": value}, decode(encode({"x": value})))


def test_exchange_refuses_pickles(capfd):
    data = pickle.dumps(Bomb())
    for message in (data, forged(array("|O", [1]), data), forged(array("O", []), data)):
        with pytest.raises(ExchangeError):
            decode(message)
    assert "unpickled" not in capfd.readouterr().out


def test_exchange_refuses_what_is_too_large_before_it_is_unpacked():
    with pytest.raises(ExchangeError, match="the limit is 1000"):
        decode(encode({"x": np.zeros(1000)}), limit=1000)
    deep = b"[" * 2**21
    with pytest.raises(ExchangeError, match="a structure of 2097152 bytes; the limit is 1048576"):
        decode(forged(deep))


@pytest.mark.parametrize(
    "message, reason",
    [
        (forged(array("<f8", [3_000_000]), bytes(24)), "claims 24000000 bytes, the message holds 24 more"),
        (forged(array("<f8", [2**26, 2**26, 2**26]), bytes(24)), "claims .* bytes"),
        (forged(array("<f8", [3]), bytes(25)), "1 bytes too many"),
        (forged(array("<f8", [-3]), bytes(24)), r"shape \[-3\] refused"),
        (forged(array("<f8", [True]), bytes(8)), r"shape \[True\] refused"),
        (forged(array("<f8", [1.0]), bytes(8)), r"shape \[1.0\] refused"),
        (forged(array("<f8", [0, 2**27])), "shape .* refused"),
        (forged(array("<f8", [10**4000] * 9)), "shape .* refused"),
        (forged(array("<f8", [1] * 33), bytes(8)), "shape .* refused"),
        (forged(array("<f8", 3), bytes(24)), "not a message: TypeError"),
        (forged(array("(9999999,)f8", [1]), bytes(8)), "dtype '\\(9999999,\\)f8' refused"),
        (forged(array("<c8", [1]), bytes(8)), "dtype '<c8' refused"),
        (forged(array(["<f8"], [1]), bytes(8)), "not a message: TypeError"),
        (forged({"dict": [["x", {"array": ["<f8", [1]]}], ["y", {"array": ["<f8", [1]]}]]}, bytes(8)), "holds 0 more"),
        (forged({"set": []}), "unknown kind 'set'"),
        (forged({"dict": [], "list": []}), "not a message: ValueError"),
        (forged([1, 2]), "message is a list"),
        (forged(b"[" * 100_000), "not a message: RecursionError"),
        (forged(b"1" * 10_000), "not a message: ValueError"),
        (struct.pack("<Q", 2**64 - 1), "a structure of"),
        (struct.pack("<Q", 100) + b"{}", "not a message"),
        (b"", "not a message"),
        (b"PK", "not a message"),
        (b"\x80\x04junk", "not a message"),
    ],
)  # fmt: skip
def test_exchange_refuses_what_lies_or_is_broken(message, reason):
    with pytest.raises(ExchangeError, match=reason):
        decode(message)


# --- the command line -----------------------------------------------------------------------------


@pytest.mark.slow
def test_command_line_gives_the_report_as_json():
    mutant = "autograder/mutants/hw3/update_critic/double_roles_swapped.py"
    done = command(
        "judge", "hw3.update_critic", "--solution", mutant, "--seed", "4", "--json", "--unsafe-no-sandbox"
    )
    report = json.loads(done.stdout)
    assert done.returncode == 1 and (report["score"], report["max_score"], report["seed"]) == (4.25, 5.0, 4)
    (wrong,) = [r for r in report["results"] if r["verdict"] != "passed"]
    assert wrong["test"] == "double_q" and "The roles are swapped" in wrong["hint"]


@pytest.mark.parametrize(
    "words, message",
    [
        (("judge", "hw3.updte", "--solution", "solutions/hw3.py"), "did you mean 'hw3.update'"),
        (("judge", "hw3", "--solution", "nowhere.py"), "there is no solution file 'nowhere.py'"),
        (("judge", "hw3", "--solution", str(ROOT / "requirements.txt")), "requirements.txt, line"),
        (("judge", "hw3", "--solution", "solutions/hw3.py", "--seed", "one"), "invalid int value: 'one'"),
        (
            ("judge", "hw3", "--solution", "solutions/hw3.py", "--seed", "-1"),
            "--seed is -1; expected 0 or a positive",
        ),
        (("judge", "hw3"), "required: --solution"),
        (("mutants", "hw9"), "no mutants of 'hw9'"),
        (("mutants", "hw3.update", "--seeds", "0"), "--seeds is 0; expected 1 or more"),
    ],
)
def test_command_line_refuses_with_a_reason(words, message, capsys):
    try:
        status = main(list(words))
    except SystemExit as refused:  # argparse
        status = refused.code
    assert status == 2 and message in capsys.readouterr().err


def test_the_released_stub_counts_as_unsolved_and_not_as_an_error():
    @exercises.solves("hw3.get_action")
    def get_action(self, observation, epsilon=0.02):
        raise NotImplementedError()

    report = run_judges("hw3.get_action", LocalStudent(), 1)
    assert report.score == 0
    assert report.results[0].unsolved == "hw3.get_action" and "is not solved yet" in report.results[0].got
    assert {result.got for result in report.results[1:]} == {"first solve hw3.get_action"}


def test_the_released_stub_is_that_of_its_own_homework(solved):
    @exercises.solves("hw2.tanh_normal_log_prob")  # homework 1 has one of that name
    def tanh_normal_log_prob(mean, std, action, low, high):
        raise NotImplementedError()

    result = run_judges("hw2.tanh_normal_log_prob", LocalStudent(), 1).results[0]
    assert result.unsolved == "hw2.tanh_normal_log_prob" and result.unsolved in result.got


def test_a_students_own_not_implemented_error_is_an_error_like_any_other():
    @exercises.solves("hw3.get_action")
    def get_action(self, observation, epsilon=0.02):
        raise NotImplementedError("images")

    report = run_judges("hw3.get_action", LocalStudent(), 1)
    assert not report.results[0].unsolved and "NotImplementedError: images" in report.results[0].got
