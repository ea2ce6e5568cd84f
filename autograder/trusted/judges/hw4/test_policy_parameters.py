"""Judges of hw4.policy_parameters: who has whose weights, and how many there are."""

from __future__ import annotations

import numpy as np

from autograder.student_side.student import Reply, Student
from autograder.trusted.judging import compare, judge, no_seed_set, require

EXERCISE = "hw4.policy_parameters"
READ = "marl/one-to-many"


def networks(
    student: Student,
    rng: np.random.Generator,
    n_agents: int,
    share: bool,
    inputs: int | None = None,
    seed: int | None = None,
) -> Reply:
    """One call with networks of that many inputs, by default a random number, after a seed, by default a random one."""
    inputs = inputs or int(rng.integers(2, 6))
    seed = int(rng.integers(2**31)) if seed is None else seed
    return student.run(EXERCISE, n_agents=n_agents, share=share, inputs=inputs, seed=seed)


def count(reply: Reply, times: int, tried: str, hint: str) -> None:
    """Demands that so many networks can be learned."""
    compare(
        float(reply["parameters"]) if isinstance(reply["parameters"], int) else None,
        times * float(reply["of_one"]) if isinstance(reply["of_one"], int) else np.nan,
        tried=f"{tried}: the number of parameters",
        hint=hint,
    )


@judge(
    EXERCISE,
    points=0.25,
    title="an entry for each agent",
    read=READ,
    why="Entry i acts for agent i.",
)
def test_entries(student, rng):
    several = int(rng.integers(3, 6))
    for n_agents, share in ((several, True), (several, False), (1, False), (1, True)):
        reply, tried = networks(student, rng, n_agents, share), f"{n_agents} agents, share={share}"
        require(
            reply["length"] == n_agents,
            tried=f"{tried}: how many networks come back",
            got=reply["length"],
            expected=n_agents,
            hint="An entry for every agent, also where all of them are the same network.",
        )


@judge(
    EXERCISE,
    points=0.75,
    title="shared: all agents use one network",
    read=READ,
    depends=["entries"],
    why="Then every agent's experience trains all of them, and there are only as many weights as for one agent.",
)
def test_shared(student, rng):
    n_agents = int(rng.integers(3, 6))
    reply, tried = networks(student, rng, n_agents, True), f"{n_agents} agents, share=True"
    weights = reply["weights"]
    alike = isinstance(weights, list) and all(np.array_equal(weights[0], one) for one in weights)
    if reply["parameters"] == n_agents * reply["of_one"]:
        own = (
            "The networks are copies: they are equal at first, and become different in training. Put the same network in "
            "every entry."
            if alike
            else "The agents have networks of their own: with share=True put the same one in every entry."
        )
    else:
        own = "The agents share a part of their weights only: put the same network in every entry."
    compare(
        reply["same_as"],
        np.zeros(n_agents),
        tried=f"{tried}: the first agent with the very same parameters, for each agent",
        hint=own,
    )
    count(reply, 1, tried, "")


@judge(
    EXERCISE,
    points=0.75,
    title="not shared: a network for each agent",
    read=READ,
    depends=["shared"],
    why="Agents with different tasks need different policies, from the start.",
)
def test_separate(student, rng):
    n_agents = int(rng.integers(3, 6))
    reply, tried = networks(student, rng, n_agents, False), f"{n_agents} agents, share=False"
    once = "call make_network() once for each agent."
    compare(
        reply["same_as"],
        np.arange(n_agents),
        tried=f"{tried}: the first agent with the very same parameters, for each agent",
        hints=[
            (
                np.zeros(n_agents),
                f"All agents have the same network, though share is False: {once} ([make_network()] * n calls it "
                "once and repeats one and the same.)",
            ),
        ],
        hint=f"Some agents share a network, though share is False: {once}",
    )
    count(reply, n_agents, tried, f"The agents share a part of their weights: {once}")
    weights = reply["weights"]
    require(
        isinstance(weights, list)
        and len({one.tobytes() for one in weights if isinstance(one, np.ndarray)}) == n_agents,
        tried=f"{tried}: the weights at the beginning",
        got="two agents begin with the same weights",
        expected="different ones",
        hint=f"The networks begin as copies of one another: {once}",
    )


@judge(
    EXERCISE,
    points=0.25,
    title="a ModuleList, whose weights the seed decides",
    read=READ,
    depends=["separate"],
    why="PyTorch finds the parameters in a ModuleList, not in a plain list; another seed begins another run.",
)
def test_type_and_seed(student, rng):
    for share in (True, False):
        seeds = rng.integers(2**31, size=2).tolist()
        first, second, again = (networks(student, rng, 3, share, 4, seed) for seed in (*seeds, seeds[0]))
        require(
            first["type"] == "ModuleList",
            tried=f"3 agents, share={share}: the type of what comes back",
            got=first["type"],
            expected="ModuleList",
            hint="PyTorch does not look into a plain list: an optimiser would find no parameters there.",
        )
        require(
            first["altered"] == 0,
            tried=f"3 agents, share={share}: networks that are not as make_network made them",
            got=first["altered"],
            expected=0,
            hint="Take the networks as make_network gives them: their weights, and that all of them can be learned.",
        )
        no_seed_set(first["streams"], second["streams"], again["streams"], f"3 agents, share={share}")
        for other, what, wanted in ((second, "another", [False] * 3), (again, "the same", [True] * 3)):
            pairs = [
                reply["weights"] if isinstance(reply["weights"], list) else [] for reply in (first, other)
            ]
            same = [np.array_equal(*pair) for pair in zip(*pairs)]
            require(
                same == wanted,
                tried=f"3 agents, share={share}, a second call after {what} seed: whether each network begins with the "
                "weights of the first call",
                got=same,
                expected=wanted,
                hint="You set a seed inside: the weights no longer follow from the program's own seed.",
            )
