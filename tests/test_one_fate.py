"""One submission, one fate: whatever happens to a job is a result of its own, and the others are graded."""

from types import SimpleNamespace

from autograder.nbgrader_plugin import grading, pool
from autograder.nbgrader_plugin.pool import RayPool
from autograder.sandbox import Limits, SandboxUnavailable


def job_of(name):
    return grading.Job(name, "hw3", b"{}", "", {}, 1, Limits())


def test_no_exception_leaves_a_job(monkeypatch):
    monkeypatch.setattr(grading, "_grade", lambda *_: 1 / 0)
    result = grading.grade(job_of("a"))
    assert result.notebook == "" and "ZeroDivisionError" in result.grader_failure


def test_a_job_that_the_grader_failed_at_says_so(monkeypatch):
    true, calls = grading._grade, []

    def once(job, nursery):
        calls.append(job)
        return true(job, nursery) if len(calls) > 1 else 1 / 0

    monkeypatch.setattr(grading, "_grade", once)
    result = grading.grade(job_of("a"))
    assert "The grader itself failed" in result.notebook and "ZeroDivisionError" in result.grader_failure


def test_a_kernel_that_did_not_start_is_asked_for_once_more(monkeypatch):
    monkeypatch.setattr(grading, "PAUSE", 0.0)
    answers = [SandboxUnavailable("not now"), grading.Graded("{}")]

    def reluctant(job, nursery):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(grading, "_grade", reluctant)
    assert grading.grade(job_of("a")) == grading.Graded("{}")


def test_whatever_ray_raises_for_a_job_the_others_are_graded():
    def get(reference):
        if reference == "bad":
            raise TypeError("a result that cannot be read")
        return grading.Graded("{}")

    ray = RayPool.__new__(RayPool)
    ray.size, ray._grade = 2, SimpleNamespace(remote=lambda job: job.path)
    ray._ray = SimpleNamespace(wait=lambda running, timeout: (running[:1], running[1:]), get=get)
    found = {job.path: result for job, result in ray.grade(map(job_of, ("a", "bad", "b")))}
    assert found.keys() == {"a", "bad", "b"} and "ended twice" in found["bad"].notebook
    assert found["a"] == found["b"] == grading.Graded("{}")


def test_a_job_that_never_ends_on_ray_is_given_up_and_the_others_are_graded(monkeypatch):
    monkeypatch.setattr(pool, "seconds_for", lambda job: 0.0 if job.path == "endless" else 1e6)
    given_up = []

    def wait(running, timeout):
        done = [task for task in running if task != "endless"][:1]
        return done, [task for task in running if task not in done]

    ray = RayPool.__new__(RayPool)
    ray.size, ray._grade = 1, SimpleNamespace(remote=lambda job: job.path)
    ray._ray = SimpleNamespace(
        wait=wait, get=lambda task: grading.Graded("{}"), cancel=lambda task, force: given_up.append(task)
    )
    found = {job.path: result for job, result in ray.grade(map(job_of, ("endless", "a", "b")))}
    assert given_up == ["endless"] and "took longer than" in found["endless"].grader_failure
    assert found["a"] == found["b"] == grading.Graded("{}")
