"""Judges of hw3.run_training_loop, on scripted environments with recording stand-ins for the other exercises.

Observations are `(environment, episode, t)`: each one says where it comes from.
"""

from __future__ import annotations

import copy

import numpy as np

from autograder.student_side.student import Reply, Student, StudentFailure
from autograder.trusted.judging import array_of, attempt, close, compare, judge, require

EXERCISE = "hw3.run_training_loop"
LOOP, TARGETS, ENDS = "dqn/homework", "dqn/replay-and-targets", "dqn/terminated-truncated"
EVALUATE = (
    "Evaluate with utils.sample_n_trajectories (run.evaluate does), greedily, in an environment made for it."
)
FIGURES = ("critic_loss", "q_values", "target_values", "grad_norm")


class Case:
    """A run of `total` steps over short episodes: some terminate, some are truncated, some are both at once."""

    def __init__(self, rng: np.random.Generator, frames: bool = False):
        self.total, self.starts = int(rng.integers(50, 60)), int(rng.integers(15, 22))
        self.batch_size = int(rng.integers(5, 9)) if frames else int(rng.integers(130, 140))
        self.eval_interval = int(rng.integers(15, 20))
        self.log_interval, self.eval_trajectories = int(rng.integers(3, 7)), int(rng.integers(2, 4))
        self.lengths = rng.integers(3, 7, size=6)
        self.lengths[rng.integers(6)] = 1
        ends = rng.permutation(6)
        self.terminated, self.truncated = ends < 4, (ends % 4) < 2  # 2 of each kind
        self.rewards = rng.uniform(11.0, 50.0, size=8) * rng.choice([-1, 1], size=8)
        self.actions = rng.integers(4, size=2 * self.total)
        self.actions[:4] = 1, 2, 3, 0
        half, last = self.total // 2, self.total - int(rng.integers(4, 9))
        self.corners = np.array([[0, 1.0], [half, float(rng.uniform(0.3, 0.6))], [last, 0.0]])
        self.frames, self.seed, self.before = frames, *rng.choice(10_000, size=2, replace=False).tolist()
        self.spare = f"figure_{rng.integers(100)}"

    def epsilon(self, step: np.ndarray) -> np.ndarray:
        """What the schedule gives, `(steps,)`."""
        return np.interp(step, self.corners[:, 0], self.corners[:, 1])

    def run(self, student: Student) -> Story:
        """Runs the loop."""
        reply = attempt(
            student,
            EXERCISE,
            total_steps=self.total,
            learning_starts=self.starts,
            batch_size=self.batch_size,
            eval_interval=self.eval_interval,
            log_interval=self.log_interval,
            eval_trajectories=self.eval_trajectories,
            lengths=self.lengths,
            terminated=self.terminated,
            truncated=self.truncated,
            rewards=self.rewards,
            actions=self.actions,
            epsilons=self.corners,
            frames=self.frames,
            seed=self.seed,
            before=self.before,
            spare=self.spare,
            expected="the loop runs to its end",
            tried=(
                f"{self.total} steps on {'stacked frames' if self.frames else 'vectors'}, episodes of "
                f"{self.lengths.min()} to {self.lengths.max()} steps"
            ),
            says="after the episode had ended",
            hint="An episode has ended: begin a new one when terminated or truncated.",
        )
        return Story(self, reply)


class Story:
    """What happened in the training environment, step by step, put together from the probe's journal.

    Attributes:
        clock, episode, t, reward, action: of every training step.
        terminated, truncated: what the environment said after it; `cut` where it was truncated alone.
        before, after: the observations, as (environment, episode, t).
    """

    def __init__(self, case: Case, reply: Reply):
        self.reply = reply
        steps, resets = self.table("step"), self.table("reset")
        numbers, counts = np.unique(steps["env"], return_counts=True)
        self.env = int(numbers[counts.argmax()]) if counts.size else 0
        events = [
            (clock, is_reset, given)
            for table, is_reset in ((resets, True), (steps, False))
            for clock, given, env in zip(table["clock"], table["given"], table["env"])
            if env == self.env
        ]
        episode, t, rows = -1, 0, []
        for clock, is_reset, given in sorted(events):
            if is_reset:
                episode, t = episode + 1, 0
                continue
            kind = episode % 6
            end = t + 1 == case.lengths[kind]
            flags = end and case.terminated[kind], end and case.truncated[kind]
            rows.append((clock, episode, t, case.rewards[t % 8], given, *flags))
            t += 1
        columns = np.array(rows, dtype=float).reshape(-1, 7)
        self.clock, self.episode, self.t, self.reward, self.action = columns[:, :5].T
        self.terminated, self.truncated = columns[:, 5:].T.astype(bool)
        self.cut = self.truncated & ~self.terminated
        self.before = np.stack([np.full_like(self.t, self.env), self.episode, self.t], axis=1)
        self.after = self.before + [0, 0, 1]

    def table(self, name: str) -> dict[str, np.ndarray]:
        """One sort of the journal's entries, as columns of equal length."""
        table = self.reply[name]
        if (
            not isinstance(table, dict)
            or not all(isinstance(v, np.ndarray) and v.ndim for v in table.values())
            or len({len(v) for v in table.values()}) != 1
        ):
            raise StudentFailure("refused", f"the journal's {name!r} entries have the wrong form")
        return table

    def step_of(self, clock: np.ndarray) -> np.ndarray:
        """The number of the latest training step before each moment."""
        return np.searchsorted(self.clock, clock) - 1

    def logged(self, tag: str) -> tuple[np.ndarray, np.ndarray]:
        """Steps and values logged under a tag."""
        log, tags = self.table("log"), self.reply["tags"]
        chosen = np.array([name == tag for name in tags], dtype=bool)
        return log["step"][chosen], log["value"][chosen]


@judge(
    EXERCISE,
    points=0.25,
    title="takes total_steps steps with the agent's actions",
    read=LOOP,
    why="The agent learns from its own behaviour, so the environment must get the action that it chose.",
)
def test_steps(student, rng):
    case = Case(rng)
    story = case.run(student)
    steps = story.table("step")
    elsewhere = int(np.sum(steps["env"] != story.env))
    require(
        elsewhere == 0,
        tried="steps taken in other environments than the one that is trained in",
        got=elsewhere,
        expected=0,
        hint=EVALUATE,
    )
    compare(
        len(story.clock),
        case.total,
        tried=f"total_steps={case.total}: steps taken in the training environment",
    )
    choices = story.table("choice")
    compare(
        len(choices["clock"]),
        case.total,
        tried=f"total_steps={case.total}: calls of agent.get_action",
        hints=[(0, "The agent is never asked: action = agent.get_action(observation, epsilon=epsilon).")],
        hint="One call for every step.",
    )
    compare(
        story.action,
        choices["action"],
        tried="the actions given to env.step",
        hint="Take the action that agent.get_action returned.",
    )


@judge(
    EXERCISE,
    points=0.25,
    title="evaluates in an environment of its own",
    read=LOOP,
    depends=["steps"],
    why="An evaluation that plays in the training environment cuts the episode that is being learned from.",
)
def test_evaluation(student, rng):
    case = Case(rng)
    story = case.run(student)
    resets = story.table("reset")
    inside = int(np.sum((resets["env"] == story.env) & (resets["evaluating"] == 1)))
    require(
        inside == 0,
        tried="evaluation episodes begun in the training environment",
        got=inside,
        expected=0,
        hint=(
            "Evaluate in a second environment made by config['make_env'](), not in the training environment."
        ),
    )
    epsilon = story.table("eval_choice")["epsilon"]
    largest = float(epsilon.max()) if len(epsilon) else 0.0
    require(
        largest <= 0.02 + 1e-9,
        tried="the largest epsilon of an evaluation",
        got=largest,
        expected="0, or 0.02 at most",
        hint="An evaluation does not explore: play it with agent.greedy().",
    )


@judge(
    EXERCISE,
    points=0.25,
    title="evaluates regularly, and logs every episode",
    read=LOOP,
    depends=["evaluation"],
    why="Without curves you cannot understand a run afterwards.",
)
def test_logs(student, rng):
    case = Case(rng)
    story = case.run(student)
    steps, values = story.logged("eval_return")
    compare(
        steps,
        np.arange(0, case.total, case.eval_interval),
        hint="Evaluate at every step that eval_interval divides.",
        tried=f"eval_interval={case.eval_interval}: steps at which eval_return is logged",
    )
    played = story.table("eval_episode")
    compare(
        len(played["clock"]),
        len(steps) * case.eval_trajectories,
        tried=f"num_eval_trajectories={case.eval_trajectories}, {len(steps)} evaluations: episodes played",
        hint=f"Each evaluation plays args.num_eval_trajectories episodes. {EVALUATE}",
    )
    results = played["result"].reshape(len(steps), case.eval_trajectories)
    compare(
        values,
        results.mean(axis=1),
        tried="the logged eval_return of each evaluation",
        hints=[
            (results[:, -1], "This is the last episode's return: log the mean of all."),
            (results[:, 0], "This is the first episode's return: log the mean of all."),
            (results.sum(axis=1), "This is the sum of the returns: log their mean."),
            (results.max(axis=1), "This is the best episode's return: log the mean of all."),
        ],
        hint="Log the mean return of the episodes of the evaluation.",
    )
    ends = np.flatnonzero(story.terminated | story.truncated)
    logged, values = story.logged("train_return")
    compare(
        logged,
        ends,
        tried="steps at which train_return is logged",
        hint="Log the return of every training episode at its last step, terminated or truncated.",
    )
    sums = np.cumsum(case.rewards)[story.t[ends].astype(int) % 8]
    compare(values, sums, tried="the logged train_return of each episode", atol=1e-3)
    for tag, at, right, what in (
        ("train_ep_len", ends, story.t[ends] + 1, "the number of steps of the episode"),
        (
            "eval_ep_len",
            steps,
            played["length"].reshape(results.shape).mean(axis=1),
            "the mean number of steps of the evaluation's episodes",
        ),
    ):
        logged, values = story.logged(tag)
        compare(
            logged,
            at,
            tried=f"steps at which {tag} is logged",
            hints=[(np.zeros(0), f"{tag} is never logged.")],
            hint=f"Log {tag} wherever the return is logged.",
        )
        compare(values, right, tried=f"the logged {tag}", atol=1e-3, hint=f"{tag} is {what}.")


@judge(
    EXERCISE,
    points=0.25,
    title="acts on the current observation",
    read=LOOP,
    depends=["steps", "evaluation"],
    why="The agent must see the state that the environment is in, also right after a reset.",
)
def test_observation(student, rng):
    story = Case(rng).run(student)
    start = story.before * [1, 1, 0]
    previous = np.where(story.t[:, None] > 0, story.before - [0, 0, 1], story.before)
    not_reset = story.before.copy()
    begins = np.flatnonzero((story.t == 0) & (np.arange(len(story.t)) > 0))
    not_reset[begins] = story.after[begins - 1]
    compare(
        story.table("choice")["observation"],
        story.before,
        tried="the observations given to get_action, as (environment, episode, t)",
        hints=[
            (start, "The observation is never advanced: observation = next_observation after each step."),
            (previous, "The agent acts one step late: give it the latest observation."),
            (
                not_reset,
                (
                    "After an episode's end the agent still sees the old episode's last observation: take the"
                    " one that reset() returns."
                ),
            ),
        ],
    )


@judge(
    EXERCISE,
    points=0.25,
    title="begins every episode in another state",
    read=LOOP,
    depends=["steps"],
    why="If every episode begins in the same state, the agent learns only this one episode.",
)
def test_new_episodes(student, rng):
    story = Case(rng).run(student)
    resets = story.table("reset")
    given = resets["given"][(resets["env"] == story.env) & (resets["given"] >= 0)]
    require(
        len(np.unique(given)) == len(given),
        tried="the seeds given to the training environment's reset",
        got=given,
        expected="none, or one at the beginning",
        hint="Reset with the same seed, every episode is the same: seed once, and then env.reset().",
    )


@judge(
    EXERCISE,
    points=0.25,
    title="args.seed decides the run, once",
    read=LOOP,
    depends=["steps"],
    why="The same seed must give the same run. And a seed that is set again draws the same numbers again.",
)
def test_seed(student, rng):
    case = Case(rng)

    def drawn(**changes: int) -> dict[str, np.ndarray]:
        """What the choices drew from each stream, and the first seed of the training environment's resets."""
        other = copy.copy(case)
        vars(other).update(changes)
        story = other.run(student)
        table, resets = story.table("choice"), story.table("reset")
        here = (resets["env"] == story.env) & (resets["given"] >= 0)
        return {**{name: table[name] for name in ("numpy", "torch")}, "reset": resets["given"][here][:1]}

    first = drawn()
    for name in ("numpy", "torch"):
        require(
            len(np.unique(first[name])) == len(first[name]),
            tried=f"numbers that {case.total} choices drew from {name}'s random stream",
            got=f"{len(np.unique(first[name]))} different ones",
            expected=f"{case.total} different ones",
            hint="A seed is set again during the run, so the same numbers are drawn again: seed once.",
        )
    again, another = drawn(before=case.before + 1), drawn(seed=case.seed + 1)
    for name, what in (
        ("numpy", "what the choices drew from numpy's random stream"),
        ("torch", "what the choices drew from torch's random stream"),
        ("reset", "the seed of the training environment's first reset"),
    ):
        same, other = np.array_equal(first[name], again[name]), np.array_equal(first[name], another[name])
        require(
            same and not (other and len(first[name])),
            tried=f"two runs with args.seed {case.seed} and one with {case.seed + 1}: {what}",
            got=f"{'the same' if same else 'different'} with the same seed, "
            f"{'the same' if other else 'different'} with another",
            expected="the same with the same seed, different with another",
            hint="Seed numpy, torch and the environment with args.seed: TrainingRun does.",
        )


@judge(
    EXERCISE,
    points=0.5,
    title="epsilon follows the exploration schedule",
    read=LOOP,
    depends=["steps"],
    why="Early steps explore, later ones exploit; without the argument get_action uses 0.02 from the start.",
)
def test_epsilon(student, rng):
    case = Case(rng)
    story = case.run(student)
    step = np.arange(case.total)
    compare(
        story.table("choice")["epsilon"],
        case.epsilon(step),
        atol=1e-6,
        tried="the epsilon of every step",
        hints=[
            (
                np.full(case.total, 0.02),
                "epsilon is not passed on: agent.get_action(observation, epsilon=epsilon).",
            ),
            (
                np.full(case.total, case.epsilon(0)),
                "epsilon stays at its first value: ask the schedule at each step.",
            ),
            (np.zeros(case.total), "Training never explores: epsilon is 0."),
            (np.full(case.total, case.corners[1, 1]), "epsilon is the same at every step."),
            (case.epsilon(step + 1), "epsilon of the next step: use exploration_schedule.value(step)."),
            (1 - case.epsilon(step), "This is 1 - epsilon."),
        ],
        hint="epsilon = config['exploration_schedule'].value(step)",
    )


@judge(
    EXERCISE,
    points=0.75,
    title="stores every transition as it happened",
    read=TARGETS,
    depends=["observation"],
    why="The target is computed from the stored next state; a wrong one teaches a wrong value.",
)
def test_stored(student, rng):
    case = Case(rng)
    story = case.run(student)
    insert = story.table("insert")
    require(
        len(insert["clock"]),
        tried="calls of replay_buffer.insert",
        got="none",
        expected="one for every step",
        hint="replay_buffer.insert(observation=..., action=..., reward=..., next_observation=..., done=...)",
    )
    number = story.step_of(insert["clock"])
    count = np.bincount(number[number >= 0], minlength=case.total)
    regular = ~story.truncated  # whether the others are stored is the business of another judge
    compare(
        count[regular],
        np.ones(regular.sum()),
        tried="how often each step that is not truncated was stored",
        hint="Every step is stored once, right after env.step.",
    )
    keep = np.isin(number, np.flatnonzero(regular))
    number = number[keep]
    ends = story.terminated[number]
    next_start = np.stack(
        [np.full(len(number), story.env), story.episode[number] + 1, np.zeros(len(number))], axis=1
    )
    replaced = np.where(ends[:, None], next_start, story.after[number])
    compare(
        insert["observation"][keep],
        story.before[number],
        tried="stored observations, as (environment, episode, t)",
        hints=[
            (
                story.after[number],
                "observation is already the next one: store before observation = next_observation.",
            ),
            (replaced, "observation is already the next one: store before observation = next_observation."),
            (story.before[number] * [1, 1, 0], "The same observation is stored all the time: advance it."),
        ],
    )
    compare(
        insert["next_observation"][keep],
        story.after[number],
        tried="stored next_observations, as (environment, episode, t)",
        hints=[
            (
                replaced,
                (
                    "At an episode's end the next observation is the following episode's first: store before "
                    "the reset."
                ),
            ),
            (
                story.before[number],
                "next_observation is the observation itself: store what env.step returned.",
            ),
        ],
    )
    compare(insert["action"][keep], story.action[number], tried="stored actions")
    compare(
        insert["reward"][keep],
        story.reward[number],
        tried="stored rewards",
        hints=[
            *(
                (
                    np.clip(story.reward[number], -most, most),
                    "The rewards are clipped: store them as they are.",
                )
                for most in (1.0, 10.0)
            ),
            (np.zeros(len(number)), "All stored rewards are 0."),
        ],
    )


@judge(
    EXERCISE,
    points=0.75,
    title="a time limit is stored, but not as an end",
    read=ENDS,
    depends=["stored"],
    why=(
        "done switches the next value off. A truncated episode could have gone on, so its last step must"
        " bootstrap."
    ),
)
def test_time_limit(student, rng):
    case = Case(rng)
    story = case.run(student)
    insert = story.table("insert")
    number, done = story.step_of(insert["clock"]), insert["done"]
    plain = ~story.truncated[number]
    compare(
        done[plain],
        story.terminated[number][plain].astype(float),
        tried="done of the steps that no time limit cut",
        hints=[
            (np.zeros(plain.sum()), "done is never set: store terminated."),
            (np.ones(plain.sum()), "done is always set: store terminated."),
            (1.0 - story.terminated[number][plain], "The flag is inverted: done = terminated."),
        ],
        hint="done = terminated",
    )
    stored = int(story.truncated[number].sum())
    compare(
        stored,
        int(story.truncated.sum()),
        tried="how many truncated steps are stored",
        hints=[(0, "Truncated steps are dropped: store them like all others, with done = terminated.")],
        hint="Store each of them once.",
    )
    for which, flag, hint in (
        (
            story.cut,
            0.0,
            "A truncated step is stored as an end: done = terminated, not terminated or truncated.",
        ),
        (
            story.truncated & story.terminated,
            1.0,
            "The episode terminated there, and a time limit at the same step does not change that: done = terminated.",
        ),
    ):
        chosen = which[number]
        kind = "truncated alone" if which is story.cut else "terminated and truncated at once"
        compare(
            done[chosen],
            np.full(int(chosen.sum()), flag),
            tried=f"done of the steps that were {kind}",
            hints=[(np.full(int(chosen.sum()), 1.0 - flag), hint)],
            hint="done = terminated",
        )


@judge(
    EXERCISE,
    points=0.5,
    title="learns once per step, from learning_starts on",
    read=LOOP,
    depends=["steps"],
    why=(
        "Before learning_starts the buffer holds too little to learn from; afterwards each step brings one"
        " update."
    ),
)
def test_learning(student, rng):
    case = Case(rng)
    story = case.run(student)
    update, sample = story.table("update"), story.table("sample")
    steps = story.step_of(update["clock"]).astype(float)
    at = np.arange(case.starts, case.total)
    compare(
        steps,
        at,
        tried=f"learning_starts={case.starts}, total_steps={case.total}: steps at which the agent is updated",
        hints=[
            (np.zeros(0), "The agent is never updated."),
            (np.arange(case.total), "learning_starts is ignored."),
            (np.arange(case.starts + 1, case.total), "One step late: learn where step >= learning_starts."),
            (np.arange(0, case.starts), "The condition is inverted: learn where step >= learning_starts."),
        ],
        hint="One update per step where step >= config['learning_starts'].",
    )
    compare(
        sample["size"],
        np.full(len(at), case.batch_size),
        tried=f"batch_size={case.batch_size}: transitions sampled at each update",
        hint="replay_buffer.sample(config['batch_size']), once for every update.",
    )
    insert = story.table("insert")
    newest = np.full(case.total, np.inf)  # when each step's transition was stored
    newest[story.step_of(insert["clock"])] = insert["clock"]
    number = story.step_of(sample["clock"])
    late = (newest[number] > sample["clock"]) & ~story.truncated[number]  # those may not be stored at all
    require(
        not late.any(),
        tried="what the buffer holds when a batch is drawn",
        got=f"{int(late.sum())} of {len(late)} times without the transition of the same step",
        expected="every transition up to this step",
        hint="Act, store, then sample and update: the order within a step.",
    )


@judge(
    EXERCISE,
    points=0.25,
    title="logs the updates",
    read=LOOP,
    depends=["learning"],
    why="critic_loss and q_values are the first to look at when an agent does not learn.",
)
def test_log_update(student, rng):
    case = Case(rng)
    story = case.run(student)
    at = np.arange(case.starts, case.total)
    due = at[at % case.log_interval == 0]
    for place, name in enumerate((*FIGURES, case.spare)):
        steps, values = story.logged(name)
        compare(
            steps,
            due,
            tried=f"learning_starts={case.starts}, log_interval={case.log_interval}: steps at which {name} is logged",
            hints=[
                (
                    np.zeros(0),
                    f"{name} is never logged: log what agent.update returned (run.log_update does).",
                ),
                (at, "log_interval is ignored: log where step % args.log_interval == 0."),
            ],
            hint="Log what agent.update returned at every step that log_interval divides.",
        )
        compare(
            values,
            10.0 * (due - case.starts) + place,
            tried=f"the logged {name}",
            hint="Log the numbers of this step's update, each under its own name.",
        )
    count, chosen = due - case.starts, story.table("choice")["epsilon"]
    for name, right, hint in (
        (
            "epsilon",
            [case.epsilon(due), chosen[due]],
            "Log the epsilon with which this step's action was chosen.",
        ),
        (
            "lr",
            [0.125 * 0.9 ** (count + after) for after in (1, 0)],  # after this step's update, or before
            "Log the learning rate of this step: agent.lr_scheduler.get_last_lr()[0].",
        ),
    ):
        steps, values = story.logged(name)
        compare(
            steps,
            due,
            tried=f"steps at which {name} is logged",
            hints=[(np.zeros(0), f"{name} is never logged: run.log_update does it.")],
            hint=f"Log {name} with the figures of the update.",
        )
        rights = [one for one in right if close(values, one, atol=1e-6)] or right
        compare(values, rights[0], atol=1e-6, tried=f"the logged {name}", hint=hint)


@judge(
    EXERCISE,
    points=0.25,
    title="updates on the sampled batch",
    read=LOOP,
    depends=["learning"],
    why="The update must get the arrays that were drawn from the buffer, each in its own place.",
)
def test_batch(student, rng):
    case = Case(rng)
    story = case.run(student)
    given, drawn = story.reply["updates"], story.reply["samples"]
    if not isinstance(given, list) or not isinstance(drawn, list) or not given or len(given) != len(drawn):
        raise StudentFailure("refused", "the journal's batches have the wrong form")
    names = ("observations", "actions", "rewards", "next_observations", "dones")
    for got, batch in zip(given, drawn):
        for name in names:
            others = [
                (batch[other], f"{name} received the batch's {other}.") for other in names if other != name
            ]
            compare(
                got.get(name),
                batch[name],
                tried=f"what agent.update received as {name}",
                hints=others,
                hint="Pass the arrays of replay_buffer.sample, through ptu.from_numpy.",
            )
    require(
        bool(np.all(story.table("update")["tensors"])),
        tried="the types of what agent.update received",
        got="not all of them tensors",
        expected="tensors",
        hint="The buffer gives numpy arrays, networks take tensors: ptu.from_numpy(batch).",
    )
    compare(
        story.table("update")["step"],
        np.arange(case.starts, case.total),
        tried="the step given to agent.update",
        hints=[
            (np.arange(case.total - case.starts), "This counts updates: pass the training step."),
            (np.arange(case.starts, case.total) + 1, "One too large: pass step itself."),
        ],
        hint="agent.update needs the training step to time the target network.",
    )


@judge(
    EXERCISE,
    points=0.25,
    title="returns the trained agent",
    read=LOOP,
    depends=["learning"],
    why="The caller of the loop wants to play with what was learned.",
)
def test_returned_agent(student, rng):
    case = Case(rng)
    story = case.run(student)
    if (
        story.reply["returned"] == "NoneType"
    ):  # as the original homework's loop, which nobody asks for an agent
        return
    require(
        story.reply["returned"] == "DQNAgent",
        tried="what the loop returns",
        got=story.reply["returned"],
        expected="a DQNAgent",
        hint="End with: return agent.",
    )
    learned = array_of(story.reply, "learned", 2)
    updates = case.total - case.starts
    compare(
        learned,
        np.full(learned.shape, float(updates)),
        tried=f"{updates} updates that add 1 to every weight: how far the returned agent's critic has come",
        atol=1e-3,
        hints=[
            (np.zeros(learned.shape), "This critic was never trained: return the agent that was updated.")
        ],
        hint="Return the agent that was trained, with its critic.",
    )


@judge(
    EXERCISE,
    points=0.25,
    title="stores single frames of stacked observations",
    read=TARGETS,
    depends=["evaluation"],
    why="Two neighbouring stacks share three of their four frames. Each frame is stored once, which needs a quarter of the memory.",
)
def test_frames(student, rng):
    case = Case(rng, frames=True)
    story = case.run(student)
    resets, insert = story.table("on_reset"), story.table("insert")
    number = story.step_of(insert["clock"])
    keep = ~story.truncated[number]  # whether truncated steps are stored is the business of another judge
    compare(
        np.unique(number[keep]),
        np.flatnonzero(~story.truncated),
        tried="the steps whose frame was stored by insert",
        hint="replay_buffer.insert(action, reward, next_observation[-1], terminated), once a step.",
    )
    number, stored = number[keep], array_of(insert, "next_observation", 2)[keep, 0]
    for name, right in (("action", story.action), ("reward", story.reward)):
        compare(insert[name][keep], right[number], tried=f"the {name} stored with each frame")
    compare(
        insert["done"][keep],
        story.terminated[number].astype(float),
        tried="done, stored with the frames of steps that no time limit cut",
        hint="replay_buffer.insert(action, reward, next_observation[-1], terminated), once a step.",
    )
    level = 20 * story.episode + story.t  # of the newest frame before each step, as far as a byte holds it
    compare(
        stored,
        (level[number] + 1) % 256,
        tried="the level of each stored frame",
        hints=[(level[number] % 256, "This is the frame before the step: store next_observation[-1].")],
        hint="The newest frame of the stack is the last: next_observation[-1].",
    )
    latest = np.searchsorted(resets["clock"], story.clock) - 1
    require(
        len(resets["clock"]) and latest.min() >= 0,
        tried="calls of replay_buffer.on_reset",
        got=len(resets["clock"]),
        expected="one before each episode",
        hint=(
            "Tell the buffer the first frame of every episode:"
            " replay_buffer.on_reset(observation=observation[-1])."
        ),
    )
    compare(
        array_of(resets, "observation", 2)[latest, 0],
        20 * story.episode % 256,
        tried="the first frame of each episode, as the buffer knows it",
        hint="Call replay_buffer.on_reset(observation=observation[-1]) after every reset.",
    )
    every = story.step_of(insert["clock"])
    if not right_ends(story, insert, every):
        vectors = Case(rng).run(student)
        table = vectors.table("insert")
        require(  # else it is the time limit that is taken wrongly everywhere, and not with frames
            not right_ends(vectors, table, vectors.step_of(table["clock"])),
            tried="done, stored with the frames of truncated steps",
            got=insert["done"][story.truncated[every]],
            expected=story.terminated[every][story.truncated[every]].astype(float),
            hint="done = terminated, with frames as with vectors.",
        )


def right_ends(story: Story, insert: dict, number: np.ndarray) -> bool:
    """Whether done is terminated in what was stored of truncated steps."""
    cut = story.truncated[number]
    return bool(np.array_equal(insert["done"][cut], story.terminated[number][cut].astype(float)))
