"""What the judge of learning from pictures uses: Breakout in disguise, and our own network on our own games."""

from __future__ import annotations

import numpy as np

from autograder.student_side.student import Student
from autograder.trusted.judges import convergence
from autograder.trusted.judges.worlds import BreakoutWorld, disguised

LONGEST_EPISODE = 300  # an agent that keeps the ball so long has learned
NO_DISGUISE = {"layers": np.arange(4), "quarters": 0, "mirrored": False, "actions": np.arange(3)}


def draw_disguise(rng: np.random.Generator) -> dict:
    """A disguise for the pictures and the actions of the small Breakout, as `convergence.draw_disguise` for CartPole.

    Layers, directions and the numbering of the actions are drawn anew for each run. Random filters know none of them, so
    runs in disguise are distributed as runs without. The game is its own mirror image with left and right exchanged,
    so there are 4! * 8 * 3! / 2 = 576 disguises.

    Returns:
        `layers`, `quarters` and `mirrored`, of what the student sees; and `actions`: what the student calls `a` is the
        environment's `actions[a]`.
    """
    return {
        "layers": rng.permutation(4),
        "quarters": int(rng.integers(4)),
        "mirrored": bool(rng.integers(2)),
        "actions": rng.permutation(3),
    }


def shapes(training: dict) -> list[tuple[int, ...]]:
    """Of the weights and biases of the course's network."""
    channels, hidden = training["channels"], training["hidden_size"]
    return [(channels, 4, 3, 3), (channels,), (hidden, 64 * channels), (hidden,), (3, hidden), (3,)]


def outputs(network: list[np.ndarray], pictures: np.ndarray) -> np.ndarray:
    """The network of the course, in numpy: `(games, 10, 10, 4)` to `(games, 3)`."""
    filters, filter_bias, matrix, bias, last_matrix, last_bias = network
    windows = np.lib.stride_tricks.sliding_window_view(pictures.astype(filters.dtype), (3, 3), axis=(1, 2))
    seen = np.maximum(np.tensordot(windows, filters, axes=((3, 4, 5), (1, 2, 3))) + filter_bias, 0.0)
    hidden = np.maximum(np.moveaxis(seen, 3, 1).reshape(len(pictures), -1) @ matrix.T + bias, 0.0)
    return hidden @ last_matrix.T + last_bias


def mean_return(network: list[np.ndarray], episodes: int, seed: int, disguise: dict = NO_DISGUISE) -> float:
    """The mean return of greedy episodes in the judge's own games, all played side by side."""
    from gcb6206.envs.small_breakout import SmallBreakoutEnv

    games = [SmallBreakoutEnv() for _ in range(episodes)]
    playing = [(game, game.reset(seed=seed + number)[0]) for number, game in enumerate(games)]
    total = 0.0
    for _ in range(LONGEST_EPISODE):
        pictures = disguised(np.stack([picture for _, picture in playing]), disguise)
        chosen = disguise["actions"][outputs(network, pictures).argmax(axis=1)]
        told = [(game, *game.step(int(action))) for (game, _), action in zip(playing, chosen)]
        total += sum(reward for _, _, reward, *_ in told)
        playing = [(game, picture) for game, picture, _, terminated, *_ in told if not terminated]
        if not playing:
            break
    return total / episodes


def measure(student: Student, exercise: str, rule: dict, seed: int, hint: str) -> float:
    """One graded run: training in disguise on the student's side, evaluation on ours.

    Args:
        exercise: its probe trains.
        rule: the exercise's entry in thresholds.yaml.
        seed: decides the disguise, the training and the evaluation.
        hint: what to say where the agent was never updated.

    Returns:
        The median, over the last three snapshots, of the mean return of greedy episodes.

    Raises:
        JudgeFailure: the agent was never updated.
        StudentFailure: the student's side did not deliver.
    """
    rng = np.random.default_rng(seed)
    disguise = draw_disguise(rng)
    training_seed, evaluation_seed = rng.integers(2**31, size=2).tolist()
    world = BreakoutWorld(rng, rule["training"]["total_steps"], disguise)
    reply = convergence.trained(student, exercise, rule, training_seed, world)
    convergence.demand_updates(reply, "one a step", hint)
    known = shapes(rule["training"])
    return convergence.median_of(reply["critics"], known, mean_return, rule, evaluation_seed, disguise)
