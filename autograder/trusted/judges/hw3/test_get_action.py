"""Judges of hw3.get_action: epsilon-greedy action selection.

Frequencies are judged at 5.5 standard deviations: a right solution fails about once in 10^7 runs.
"""

import numpy as np

from autograder.trusted.judging import array_of, attempt, close, compare, judge, no_seed_set, require

EXERCISE = "hw3.get_action"
READ = "dqn/q-learning"
CALLS = 2000
# Of 10000 calls with epsilon 0.002 and 20 actions, 19 give another action than the greedy one: Poisson's distribution
SMALL, SMALL_CALLS, SMALL_ACTIONS, SMALL_COUNTS = 0.002, 10_000, 20, (1, 46)
ROUNDED = (
    "Compare the Q-values as the critic gives them, float32: rounded ones are equal, and the first wins."
)
IN_PLACE = "The observation was changed in place: the caller stores it in the replay buffer afterwards."


def chosen(reply: dict, calls: int) -> np.ndarray:
    """The actions that came back, refused unless there is one for each call."""
    actions = array_of(reply, "actions", 1)
    require(
        len(actions) == calls,
        tried=f"{calls} calls",
        got=f"{len(actions)} actions",
        expected=f"{calls} actions",
    )
    return actions


def linear(rng: np.random.Generator, num_actions: int, features: int) -> tuple[np.ndarray, np.ndarray]:
    """Tables of an online and a target network, weights and bias."""
    return tuple(rng.normal(size=(2, num_actions, features + 1)).astype(np.float32))


def q_values(table: np.ndarray, observations: np.ndarray) -> np.ndarray:
    """Q-values of a batch of observations, `(batch, actions)`."""
    flat = observations.reshape(len(observations), -1).astype(np.float32)
    return flat @ table[:, :-1].T + table[:, -1]


def same_state(rng: np.random.Generator, greedy: int, num_actions: int, calls: int = CALLS) -> dict:
    """Tables and copies of one observation, for which action `greedy` has the largest Q-value."""
    critic, target = linear(rng, num_actions, 3)
    observation = rng.normal(size=(1, 3)).astype(np.float32)
    best = q_values(critic, observation)[0].argmax()
    critic[[greedy, best]] = critic[[best, greedy]]
    return {"critic": critic, "target": target, "observations": np.repeat(observation, calls, axis=0)}


def tolerance(probability: float) -> float:
    """5.5 standard deviations of a frequency over CALLS draws."""
    return 5.5 * float(np.sqrt(probability * (1 - probability) / CALLS))


@judge(
    EXERCISE,
    points=0.5,
    title="epsilon 0 takes the action with the largest Q-value",
    read=READ,
    why=(
        "A greedy policy is argmax over actions of Q(s, a); evaluation relies on epsilon 0 being exactly"
        " that."
    ),
)
def test_greedy_at_zero(student, rng):
    for features in (4, 1):
        num_actions = int(rng.integers(3, 6))
        critic, target = linear(rng, num_actions, features)
        while (
            critic[:, -1].argmax() == 0
        ):  # else small observations and an argmax over the batch give the same
            critic, target = linear(rng, num_actions, features)
        observations = rng.normal(size=(200, features)).astype(np.float32)
        given = {"critic": critic, "target": target, "observations": observations, "epsilon": 0.0}
        values = q_values(critic, observations)
        best = values.argmax(axis=1)
        reply = student.run(EXERCISE, **given, seed=int(rng.integers(2**31)))
        got, hint = chosen(reply, 200), ""
        if not close(reply["observations"], observations, atol=0.0, rtol=0.0):
            hint = IN_PLACE
        elif np.any(got != best):
            again = chosen(student.run(EXERCISE, **given, seed=int(rng.integers(2**31))), 200)
            if np.any(again != got):
                hint = (
                    "Asked a second time, the same observations gave other actions: epsilon 0 must never "
                    "explore. Is the test of epsilon inverted?"
                )
            elif np.all(values[np.arange(200), got.clip(0, num_actions - 1)] > values.max(axis=1) - 0.02):
                hint = ROUNDED
        compare(
            got,
            best,
            tried=f"200 observations of {features} numbers, {num_actions} actions with known Q-values, epsilon=0",
            hints=[
                (values.argmin(axis=1), "You take the smallest Q-value: use argmax, not argmin."),
                (
                    np.abs(values).argmax(axis=1),
                    "You compare absolute values: a large negative Q-value is a bad one.",
                ),
                (
                    q_values(target, observations).argmax(axis=1),
                    "The target network chooses: act by self.critic, which learns at every step.",
                ),
                (
                    q_values(critic, observations / np.float32(255.0)).argmax(axis=1),
                    "The observation is divided by 255: give it to the critic as it is.",
                ),
                (
                    np.zeros(200),
                    (
                        "Always action 0, as an argmax over the batch axis (of length 1) gives it: "
                        "take it over the actions, the last axis."
                    ),
                ),
            ]
            if features > 1  # a single number tells less of them apart
            else [],
            hint=hint,
        )
    critic, target = linear(rng, 4, 4)
    critic *= 0.02
    critic[:, -1] += 100.0 * rng.choice((-1, 1))
    observations = rng.normal(size=(200, 4)).astype(np.float32)
    values = q_values(critic, observations)
    clear = np.diff(np.sort(values))[:, -1] > 2e-3  # beyond the rounding of float32
    reply = student.run(
        EXERCISE,
        critic=critic,
        target=target,
        observations=observations[clear],
        epsilon=0.0,
        seed=int(rng.integers(2**31)),
    )
    compare(
        chosen(reply, int(clear.sum())),
        values[clear].argmax(axis=1),
        tried=f"{clear.sum()} observations, 4 actions whose Q-values near {values.mean():.0f} differ by 0.1 %, epsilon=0",
        hint=ROUNDED,
    )


@judge(
    EXERCISE,
    points=0.25,
    title="returns one int",
    read=READ,
    depends=["greedy_at_zero"],
    why="The environment needs a number: it refuses a tensor, and an array is not one action.",
)
def test_returns_int(student, rng):
    critic, target = linear(rng, 3, 2)
    observations = rng.normal(size=(60, 2)).astype(np.float32)
    for epsilon, way in ((0.0, "greedy"), (1.0, "random"), (0.5, "greedy and random")):
        reply = student.run(
            EXERCISE,
            critic=critic,
            target=target,
            observations=observations,
            epsilon=epsilon,
            seed=int(rng.integers(2**31)),
        )
        require(
            reply["types"] == ["int"],
            tried=f"the type of 60 {way} actions, epsilon={epsilon:g}",
            got=reply["types"],
            expected=["int"],
            hint="Both branches must return a plain int: put int(...) around the random action and around the argmax.",
        )


@judge(
    EXERCISE,
    points=0.25,
    title="changes nothing",
    read=READ,
    depends=["greedy_at_zero"],
    why="get_action must not train, must not change the observation, and must not leave the program in another mode.",
)
def test_changes_nothing(student, rng):
    critic, target = linear(rng, 3, 2)
    observations = rng.normal(size=(30, 2)).astype(np.float32)
    for training in (True, False):
        reply = student.run(
            EXERCISE,
            critic=critic,
            target=target,
            observations=observations,
            epsilon=0.5,
            seed=int(rng.integers(2**31)),
            training=training,
        )
        mode = "train" if training else "eval"
        for name, before in (("critic", critic), ("target", target)):
            compare(
                reply[name],
                before,
                tried=f"the {name} network's weights after 30 calls",
                atol=0.0,
                rtol=0.0,
                hint="Choosing an action must not change a network.",
            )
        compare(
            reply["observations"],
            observations,
            tried="the observations after 30 calls",
            atol=0.0,
            rtol=0.0,
            hint=IN_PLACE,
        )
        stays = {
            "has_grad": ("whether the critic's parameters have gradients", False,
                         "Choosing an action must not call backward()."),
            "grad_enabled": ("torch.is_grad_enabled()", True,
                             "You switched gradients off for the whole program: use `with torch.no_grad():`, "
                             "which ends by itself."),
            "requires_grad": ("requires_grad of the critic's parameters", True,
                              "The critic cannot learn any more: use `with torch.no_grad():` instead."),
            "training": (f"critic.training, which was {training} before", training,
                         f"The critic was in {mode}() mode: leave it there, learning goes on in it."),
            "target_training": (f"target_critic.training, which was {training} before", training,
                                f"The target network was in {mode}() mode: leave it there."),
        }  # fmt: skip
        for key, (what, expected, hint) in stays.items():
            require(
                reply[key] is expected,
                tried=f"{what}, after 30 calls",
                got=reply[key],
                expected=expected,
                hint=hint,
            )
    seeds = rng.integers(2**31, size=2).tolist()
    given = {"critic": critic, "target": target, "observations": observations, "epsilon": 1.0}
    ends = [student.run(EXERCISE, **given, seed=seed)["streams"] for seed in (*seeds, seeds[0])]
    no_seed_set(*ends, tried="30 random actions")


@judge(
    EXERCISE,
    points=0.5,
    title="epsilon 1 draws uniformly from all actions",
    read=READ,
    depends=["greedy_at_zero"],
    why="Exploration must reach every action, the greedy one included, with the same probability.",
)
def test_random_at_one(student, rng):
    num_actions = int(rng.integers(3, 6))
    greedy = num_actions - 1
    given = same_state(rng, greedy, num_actions)
    reply = student.run(EXERCISE, **given, epsilon=1.0, seed=int(rng.integers(2**31)))
    actions = chosen(reply, CALLS)
    frequency = (actions[:, None] == np.arange(num_actions)).mean(axis=0)
    uniform = np.full(num_actions, 1 / num_actions)
    without_greedy, without_first = np.full((2, num_actions), 1 / (num_actions - 1))
    without_greedy[greedy], without_first[0] = 0.0, 0.0
    only_greedy = np.eye(num_actions)[greedy]
    mistakes = [
        (
            only_greedy,
            (
                "With epsilon 1 you never explore: is the test of epsilon inverted? Explore when a random "
                "number is below epsilon."
            ),
        ),
        (
            without_greedy,
            (
                "One action is never drawn: np.random.randint(n) excludes n itself, so pass num_actions; "
                "and the greedy action belongs to the draw."
            ),
        ),
        (without_first, "Action 0 is never drawn: actions are numbered from 0."),
    ]
    margin = tolerance(1 / num_actions)
    compare(
        frequency,
        uniform,
        atol=margin,
        rtol=0.0,
        hints=[(wrong, text) for wrong, text in mistakes if np.all((wrong == 0) == (frequency == 0))],
        tried=f"{CALLS} calls on one observation, epsilon=1: how often each of {num_actions} actions came",
        hint=f"Every action should come with frequency {1 / num_actions:.3f} +- {margin:.3f}.",
    )
    compare(
        (actions[1:] == actions[:-1]).mean(),
        1 / num_actions,
        atol=margin,
        rtol=0.0,
        tried=f"the same {CALLS} calls: how often an action came twice in a row, of {num_actions} actions",
        hint="A random action depends on the one before: draw each one from all actions again.",
    )
    for before, epsilon in ((0.0, 1.0), (1.0, 0.0)):
        seed = int(rng.integers(2**31))
        actions = chosen(student.run(EXERCISE, **given, epsilon=epsilon, seed=seed, before=before), CALLS)
        compare(
            (actions == greedy).mean(),
            1 / num_actions if epsilon else 1.0,
            atol=margin if epsilon else 0.0,
            rtol=0.0,
            tried=f"{CALLS} calls, epsilon={epsilon:g}, after one with {before:g}: how often the greedy action came",
            hint="Something of the call before is left: every call explores with the epsilon that it is given.",
        )


@judge(
    EXERCISE,
    points=0.25,
    title="epsilon 0.3 explores in 30 % of the calls, 0.002 in 0.2 %",
    read=READ,
    depends=["random_at_one"],
    why=(
        "Epsilon is the probability of a draw from all actions, so the greedy one is still drawn now and"
        " then."
    ),
)
def test_fraction(student, rng):
    greedy = int(rng.integers(1, 3))  # action 0 is what a draw that is too small gives
    given = same_state(rng, greedy, num_actions=3)
    reply = student.run(EXERCISE, **given, epsilon=0.3, seed=int(rng.integers(2**31)))
    actions = chosen(reply, CALLS)
    others, share = float(np.mean(actions != greedy)), 2 / 3  # of a draw
    margin = tolerance(0.3 * share)
    never = [(0.0, "You never explore for 0 < epsilon < 1: compare epsilon with a random number.")]
    mistakes = [
        (0.7 * share, "The test of epsilon is inverted: you explore with probability 1 - epsilon."),
        (0.02 * share, "You use 0.02 for every epsilon that is given: use the parameter."),
        (share, "You always explore for 0 < epsilon < 1: compare epsilon with a random number in [0, 1)."),
        (0.3, "You leave the greedy action out of the draw: draw from all num_actions actions."),
    ]
    if len(set(actions.tolist())) == 2:
        again = "One action alone is drawn: is the number that you compared with epsilon used again? Draw another one."
        mistakes = [(0.3, again)]
    compare(
        others,
        0.3 * share,
        atol=margin,
        rtol=0.0,
        tried=f"{CALLS} calls, epsilon=0.3, 3 actions: how often an action other than the greedy one came",
        hints=mistakes if others else never,
        hint=f"Expected {0.3 * share:.3f} +- {margin:.3f}.",
    )
    given = same_state(rng, greedy, SMALL_ACTIONS, SMALL_CALLS)
    reply = student.run(EXERCISE, **given, epsilon=SMALL, seed=int(rng.integers(2**31)))
    count, (least, most) = int(np.sum(chosen(reply, SMALL_CALLS) != greedy)), SMALL_COUNTS
    require(
        least <= count <= most,
        tried=f"{SMALL_CALLS} calls, epsilon={SMALL}, {SMALL_ACTIONS} actions: how often another than the greedy one came",
        got=count,
        expected=f"from {least} to {most} times",
        hint="Epsilon is rounded or held at a limit: compare it as it is with a random number, np.random.random().",
    )


@judge(
    EXERCISE,
    points=0.25,
    title="works for pictures",
    read=READ,
    depends=["greedy_at_zero"],
    why=(
        "Stacked frames are (4, 84, 84) uint8, small pictures (height, width, layers); networks expect a batch axis"
        " in front of them."
    ),
)
def test_images(student, rng):
    for shape in ((2, 5, 5), (5, 5, 3)):
        critic, target = linear(rng, 4, int(np.prod(shape)))
        critic[:, :-1] /= 255.0
        observations = rng.integers(0, 256, size=(30, *shape)).astype(np.uint8)
        tried = f"30 observations of shape {shape}, uint8, epsilon=0"
        reply = attempt(
            student,
            EXERCISE,
            critic=critic,
            target=target,
            observations=observations,
            epsilon=0.0,
            seed=int(rng.integers(2**31)),
            tried=tried,
            expected="30 greedy actions",
            says="the critic got an input of shape",
            hint=(
                "Put a batch axis of length 1 in front of the observation, "
                "whose own axes stay as they are: ptu.from_numpy(observation)[None]."
            ),
        )
        compare(
            chosen(reply, 30),
            q_values(critic, observations).argmax(axis=1),
            tried=tried,
            hints=[
                (
                    q_values(critic, observations / np.float32(255.0)).argmax(axis=1),
                    "The frames are divided by 255: give them to the critic as they are, it scales them itself.",
                )
            ],
            hint="The greedy action of each observation, as the critic sees it.",
        )
