"""The judge of hw4.convergence: robots that move as VMAS moves them, a disguise on both sides, its verdicts."""

import contextlib

import numpy as np
import pytest
import torch

from autograder.student_side.exchange import decode, encode
from autograder.student_side.probes.hw4 import TeamPlayedElsewhere, weights_of
from autograder.student_side.student import LocalStudent, Student
from autograder.student_side.world import ask, hosted
from autograder.trusted.calibrate import at_least
from autograder.trusted.judges import navigation
from autograder.trusted.judges.convergence import STANDS_ON, checked
from autograder.trusted.judges.hw4 import test_convergence as hw4
from autograder.trusted.judges.worlds import NavigationWorld
from autograder.trusted.report import JudgeResult
from autograder.trusted.runner import run_judges
from gcb6206 import exercises
from gcb6206.env_configs.mappo_config import MAPPOConfig
from gcb6206.runs.team import make_agent

RULE, TRAINING = hw4.RULE, hw4.RULE["training"]


@pytest.fixture
def world_in():
    """Makes the student's world, played in the judge's."""
    kwargs = {"n_agents": TRAINING["n_agents"], "scenario_kwargs": TRAINING["scenario_kwargs"]}
    with contextlib.ExitStack() as stack:

        def make(disguise: dict, num_envs: int) -> TeamPlayedElsewhere:
            world = NavigationWorld(np.random.default_rng(0), 10**6, disguise, TRAINING)
            stack.enter_context(hosted(world))
            return TeamPlayedElsewhere(TRAINING["scenario_name"], num_envs, **kwargs)

        yield make


def steering(way: float = 1.0) -> list[np.ndarray]:
    """A team that pushes towards its goals, and less so with speed; away from them for a negative `way`."""
    first, second, head = (np.zeros(navigation.SHAPES[layer]) for layer in (0, 2, 4))
    for axis in range(2):
        first[[2 + axis, 4 + axis], axis] = [-0.1, -0.2]  # small, where tanh is straight
        second[axis, axis] = 1.0
        head[axis, axis] = 30.0 * way
    return 3 * [first, np.zeros(64), second, np.zeros(64), head, np.zeros(4)]


@pytest.mark.parametrize("seed", [0, 1])
def test_robots_see_act_and_move_as_in_the_course(solved, world_in, seed):
    rng = np.random.default_rng(seed)
    disguise = navigation.draw_disguise(rng) if seed else navigation.NO_DISGUISE
    world = world_in(disguise, 5)
    torch.manual_seed(seed)
    agent = make_agent(MAPPOConfig(**TRAINING | {"share_parameters": False}).build(), world, seed)
    with torch.no_grad():  # the head begins near 0, and so would every action
        for head in (network.head for network in agent.actor.networks.networks):
            head.weight.mul_(300.0)
    observation = world.reset(seed)
    plain = (observation @ torch.from_numpy(disguise["mix"]).T).double().numpy()
    place, goal = plain[..., :2], plain[..., :2] - plain[..., 4:]
    recent, begins = [], torch.zeros(5, 2, 1, dtype=torch.bool)
    for _ in range(navigation.STEPS):
        recent = [*recent, observation][-2:]
        seen = agent.with_history(torch.stack(recent, dim=1), begins[:, : len(recent)])[:, -1]
        observation, _, _ = world.step(agent.act(seen))
    ours = navigation.play(weights_of(agent.actor), place, goal, disguise)
    theirs = (observation @ torch.from_numpy(disguise["mix"]).T).numpy()[..., :2]
    assert np.abs(ours - place).min(axis=(0, 2)).max() > 0.01  # all robots moved
    assert ours == pytest.approx(theirs, abs=2e-3)


def test_the_world_begins_as_in_vmas(world_in):
    place, goal = navigation.draw_places(np.random.default_rng(0), 2000)
    both = np.concatenate([place, goal], axis=1)
    distance = np.linalg.norm(both[:, :, None] - both[:, None], axis=-1) + 9.0 * np.eye(6)
    assert np.abs(both).max() <= 1.0 and distance.min() >= navigation.APART
    way = np.linalg.norm(place - goal, axis=-1).mean()
    theirs = world_in(navigation.NO_DISGUISE, 500).reset(0)
    assert way == pytest.approx(theirs[..., 4:].norm(dim=-1).mean().item(), abs=0.05)


def test_the_way_made_is_that_of_the_robots():
    idle = [np.zeros(shape) for shape in navigation.SHAPES]
    scores = [navigation.way_made(team, 100, 0) for team in (steering(), idle, steering(-1.0))]
    assert scores[0] > 90 and scores[1] == 0 and scores[2] < -50
    assert navigation.way_made(steering(), 100, 1) != scores[0]


def adapted(team: list[np.ndarray], mix: np.ndarray, actions: np.ndarray) -> list[np.ndarray]:
    """The same team for someone who sees the disguise."""
    parts = []
    for first, b1, second, b2, head, b3 in zip(*[iter(team)] * 6):
        first = np.concatenate([mix.T @ half for half in np.split(first, 2)])
        head = np.concatenate([head[:, :2] @ actions.T, head[:, 2:]], axis=1)
        parts += [first, b1, second, b2, head, b3]
    return parts


def test_one_teams_weights_fit_hardly_any_disguise():
    rng = np.random.default_rng(0)
    disguises = [navigation.draw_disguise(rng) for _ in range(200)]
    honest = navigation.way_made(steering(), 20, 0)
    for disguise in disguises[:20]:
        team = adapted(steering(), **disguise)
        assert navigation.way_made(team, 20, 0, disguise) == pytest.approx(honest)
    fits = [navigation.way_made(steering(), 20, 0, d) >= RULE["threshold"] for d in disguises]
    assert at_least(RULE["needed"], RULE["seeds"], float(np.mean(fits))) < 0.02


SOLVED = [
    JudgeResult(name, "all", "all of it", points=1.0, max_points=1.0, verdict="passed")
    for name in STANDS_ON["hw4.convergence"]
]


class Fake(Student):
    """Plays as many steps as are asked for, and answers every request with these teams."""

    def __init__(self, actors: object):
        self.actors, self.asked = actors, []

    def exchange(self, request: bytes) -> bytes:
        message = decode(request)
        self.asked.append(message["probe"])
        with hosted(self.world):
            number = ask(do="make", num_envs=80)["id"]
            ask(do="reset", id=number)
            for _ in range(message["arguments"]["training"]["n_iters"] * 30):
                ask(do="step", id=number, actions=np.zeros((80, 3, 2)).tolist())
        return encode({"ok": True, "result": {"actors": self.actors}})


@pytest.mark.parametrize("way, score", [(1.0, 4.0), (-1.0, 0.0)])
def test_the_judge_stops_once_decided(monkeypatch, way, score):
    monkeypatch.setattr(navigation, "draw_disguise", lambda _: navigation.NO_DISGUISE)
    student = Fake(3 * [steering(way)])
    assert run_judges("hw4.convergence", student, 0, found=SOLVED).score == score
    assert student.asked == ["hw4.convergence", "hw4.convergence"]


def test_the_hint_names_the_first_check_that_does_not_pass(monkeypatch):
    monkeypatch.setattr(navigation, "draw_disguise", lambda _: navigation.NO_DISGUISE)
    monkeypatch.setitem(RULE, "threshold", 99.9)
    (result,) = run_judges("hw4.convergence", Fake([steering(-1.0)]), 0, found=SOLVED).results
    assert "Every other check of this homework passes" in result.hint and "percent of the way" in result.tried
    failed = JudgeResult("hw4.global_state", "one", "one of it", points=0.0, max_points=0.5, verdict="failed")
    (result,) = run_judges("hw4.convergence", Fake([steering(-1.0)]), 0, found=[*SOLVED, failed]).results
    assert result.hint == 'First fix hw4.global_state: "one of it" does not pass.'


@pytest.mark.parametrize("actors", [[], None, [steering()[:6]], 4 * [steering()], ["perfect"]])
def test_other_networks_are_refused(actors):
    (result,) = run_judges("hw4.convergence", Fake(actors), 0, found=SOLVED).results
    assert (result.verdict, result.points) == ("refused", 0)


def test_the_judge_waits_for_all_that_the_training_calls(solved):
    exercises.clear("hw4.mappo_loss")
    (result,) = run_judges("hw4.convergence", LocalStudent(), 0).results
    told = "first fix hw4.mappo_loss: less than half of the points there"
    assert (result.verdict, result.got) == ("skipped", told)


@pytest.mark.slow
def test_the_probe_trains_with_every_exercise_and_returns_weights(solved):
    short = {**TRAINING, "frames_per_batch": 240, "minibatch_size": 80, "n_iters": 4}
    called = set()

    def counted(name):
        function = exercises.get(name).implementation
        return lambda *args: called.add(name) or function(*args)

    names = exercises.ids("hw4")
    with exercises.filled({name: counted(name) for name in names}):
        student = LocalStudent()
        with student.playing(
            NavigationWorld(np.random.default_rng(0), 960, navigation.NO_DISGUISE, TRAINING)
        ):
            reply = student.run("hw4.convergence", seed=1, training=short, snapshot_every=1)
    first, *_, last = checked(reply["actors"], navigation.SHAPES)
    assert called == set(names) and len(reply["actors"]) == 3
    assert not np.allclose(first[0], last[0]) and np.array_equal(last[0], last[6])  # one network for all


def test_a_network_that_is_no_number_reaches_nothing():
    broken = [np.full(shape, np.nan) for shape in navigation.SHAPES]
    assert not navigation.way_made(broken, 5, 0) >= RULE["threshold"]
