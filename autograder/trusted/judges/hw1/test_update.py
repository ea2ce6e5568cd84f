"""Judges of hw1.update: what it asks of the other exercises, every step it takes, and when it stops.

The policy is linear and so are the stand-ins for the losses, so all weights are known after every step.
"""

from __future__ import annotations

import numpy as np

from autograder.student_side.student import Reply, Student, StudentFailure
from autograder.trusted.judging import Hints, close, compare, judge, no_seed_set, require

EXERCISE = "hw1.update"
READ = "ppo/four-stages"
START = np.array(
    [0.3, -0.2, -0.1, 0.4]
)  # the weights of policy (2) and critic (2); that of entropy is a setting
FIGURES = (
    "loss", "policy_gradient_loss", "value_loss", "entropy_loss", "approx_kl", "clip_fraction",
    "learning_rate", "clip_range", "ent_coef",
)  # fmt: skip


BY_NAME = (
    "update calls minibatch_indices, normalize_advantage, policy_loss and value_loss and does not write them out: "
    "the grader puts functions of its own in their place."
)


class Case:
    """Samples, settings, and what updates do with them.

    Args:
        rows, batch: minibatches of an epoch, and their size.
        scale: of returns and advantages.
        settings: of the agent, instead of the usual ones.
    """

    def __init__(
        self, rng: np.random.Generator, rows: int = 3, batch: int = 4, scale: float = 1.0, **settings: object
    ):
        self.rows, self.batch, count = rows, batch, rows * batch
        self.samples = {
            "observations": rng.normal(size=(count, 2)).astype(np.float32),
            "actions": np.arange(count),
            **{
                name: rng.normal(size=count).astype(np.float32)
                for name in ("log_probs", "values", "advantages", "returns")
            },
        }
        self.samples["log_probs"] *= 0.1
        for name in ("advantages", "returns"):
            self.samples[name] *= np.float32(scale)
        self.order = rng.permutation(count).reshape(rows, batch)
        self.settings = {
            "progress": [0.25],
            "n_epochs": 2,
            "learning_rate": [0.08, 0.04],
            "clip_range": [0.3, 0.1],
            "ent_coef": [0.5, 0.1],
            "vf_coef": 0.75,
            "max_grad_norm": None,
            "clip_range_vf": None,
            "target_kl": None,
            "normalize": True,
            "momentum": 0.0,
            "entropy": 1.0,
            "seed": int(rng.integers(2**31)),
            **settings,
        }

    @property
    def start(self) -> np.ndarray:
        """The weights before the first step."""
        return np.append(START, self.settings["entropy"])

    def place(self, row: int | slice, log_ratios: np.ndarray) -> None:
        """Gives minibatches of `order` these log-ratios at the beginning."""
        which = self.order[row]
        log_probs = (self.samples["observations"][which] @ START[:2]).astype(np.float32)
        self.samples["log_probs"][which] = log_probs - np.asarray(log_ratios, np.float32)

    def run(self, student: Student) -> Reply:
        """Calls update, once for each progress."""
        return student.run(EXERCISE, samples=self.samples, order=self.order, **self.settings)

    def scheduled(self, name: str, progress: float | None = None) -> float:
        """The value of a schedule, by default in the first update."""
        start, end = self.settings[name]
        return start + (self.settings["progress"][0] if progress is None else progress) * (end - start)

    def every_step(self, name: str) -> np.ndarray:
        """The value of a schedule at every step of every update."""
        steps = self.settings["n_epochs"] * self.rows
        return np.repeat([self.scheduled(name, progress) for progress in self.settings["progress"]], steps)

    def minibatches(self, epochs: int | None = None) -> list[np.ndarray]:
        """The indices of all minibatches, in their order."""
        epochs = self.settings["n_epochs"] * len(self.settings["progress"]) if epochs is None else epochs
        return [row for epoch in range(epochs) for row in np.roll(self.order, epoch, axis=0)]

    def advantages(self, indices: np.ndarray) -> np.ndarray:
        """As the policy loss gets them."""
        raw = self.samples["advantages"][indices]
        return 2.0 * raw + raw.mean() if self.settings["normalize"] else raw

    def gradient(self, indices: np.ndarray, vf: float, ent: float) -> np.ndarray:
        """Of the loss with regard to the five weights."""
        observations = self.samples["observations"][indices].astype(np.float64)
        of_policy = (self.advantages(indices)[:, None] * observations).mean(axis=0)
        of_value = (self.samples["returns"][indices][:, None] * observations).mean(axis=0)
        return np.concatenate([of_policy, vf * of_value, [-ent]])

    def weights(
        self,
        limit: float | None = None,
        vf: float | None = None,
        ent: float | None = None,
        remembered: bool = False,
        clip: str = "norm",
    ) -> np.ndarray:
        """The weights after every step, `(steps, 5)`, by default the right ones.

        Args:
            limit: of the gradient's norm.
            vf, ent: instead of the coefficients.
            remembered: gradients of former steps are never forgotten.
            clip: what is clipped: the whole gradient's `norm`, `each` entry, or each `tensor`'s norm.
        """
        vf = self.settings["vf_coef"] if vf is None else vf
        ents = self.every_step("ent_coef") if ent is None else [ent] * len(self.minibatches())
        now, kept, velocity, after = self.start, 0.0, 0.0, []
        for indices, weight, rate in zip(self.minibatches(), ents, self.every_step("learning_rate")):
            slope = self.gradient(indices, vf, weight) + (kept if remembered else 0.0)
            if limit is not None and clip == "each":
                slope = np.clip(slope, -limit, limit)
            elif limit is not None:
                tensors = np.split(slope, [2, 4]) if clip == "tensor" else [slope]
                slope = np.concatenate([t * min(1.0, limit / np.linalg.norm(t)) for t in tensors])
            kept = slope
            velocity = self.settings["momentum"] * velocity + slope
            now = now - rate * velocity
            after.append(now)
        return np.array(after)

    def log_probs(self) -> list[np.ndarray]:
        """Of every minibatch, when it is evaluated."""
        before = np.concatenate([self.start[None], self.weights()[:-1]])[:, :2]
        return [self.samples["observations"][indices] @ w for indices, w in zip(self.minibatches(), before)]


def entries(reply: Reply, what: str) -> list[dict]:
    """What the journal holds of one sort."""
    journal = reply["journal"]
    if not isinstance(journal, list) or not all(isinstance(entry, dict) for entry in journal):
        raise StudentFailure("refused", "the answer 'journal' has the wrong form")
    return [entry for entry in journal if entry.get("what") == what]


def column(reply: Reply, what: str, name: str) -> np.ndarray | list:
    """One value of each entry of one sort, as an array where they fit together."""
    values = [entry.get(name) for entry in entries(reply, what)]
    try:
        return np.array(values, dtype=float)
    except (TypeError, ValueError):
        return values


def demand_calls(reply: Reply, what: str, name: str) -> None:
    """Demands that update called another exercise."""
    require(
        entries(reply, what),
        tried=f"calls of {name} in an update",
        got="none",
        expected="some",
        hint=BY_NAME if entries(reply, "evaluate") else "",
    )


@judge(
    EXERCISE,
    points=0.75,
    title="n_epochs passes over all samples, each in a new order",
    read=READ,
    why="Every sample is used several times, each time together with other samples.",
)
def test_minibatches(student, rng):
    case = Case(rng, n_epochs=3)
    reply = case.run(student)
    demand_calls(reply, "indices", "minibatch_indices")
    asked = [(entry.get("num_samples"), entry.get("batch_size")) for entry in entries(reply, "indices")]
    require(
        asked[0] == (12, 4),
        tried="12 samples, batch_size 4: what minibatch_indices received",
        got=asked[0],
        expected=(12, 4),
    )
    wanted = case.minibatches()
    got = column(reply, "evaluate", "actions")  # sample i has action i
    same_order = np.array([row for _ in range(3) for row in case.order])
    compare(
        got,
        np.array(wanted),
        tried=f"{case.rows} minibatches, n_epochs 3: the samples of each call of policy.evaluate",
        hints=[
            (np.array(case.minibatches(1)), "Only one pass: repeat it self.n_epochs times."),
            (same_order, "Every epoch has the same order: call minibatch_indices once in each."),
            (
                np.tile(case.samples["actions"], (9, 1)),
                "Every call gets all samples: take those of the minibatch.",
            ),
            (
                np.array([case.samples["actions"].reshape(3, 4)] * 3).reshape(9, 4),
                "The samples come in their old order: use minibatch_indices.",
            ),
        ],
        hint="In each of self.n_epochs epochs, one evaluation for each row of minibatch_indices.",
    )
    for rows, batch in ((1, 4), (3, 1)):
        small = Case(rng, rows, batch, normalize=False)
        compare(
            column(small.run(student), "evaluate", "actions"),
            np.array(small.minibatches()),
            tried=f"batch_size {batch}, {rows} minibatches in an epoch, n_epochs 2: the samples of each evaluation",
            hint="In each of self.n_epochs epochs, one evaluation for each row of minibatch_indices.",
        )
    compare(
        column(reply, "evaluate", "observations"),
        case.samples["observations"][np.array(wanted)],
        tried="the observations of these calls",
        hint="Observations and actions must be those of the same indices.",
    )


@judge(
    EXERCISE,
    points=0.75,
    title="the losses get the arrays of the minibatch",
    read=READ,
    depends=["minibatches"],
    why="The new policy is compared with the policy that collected the samples. The critic learns the returns.",
)
def test_losses(student, rng):
    for normalize, clip_range_vf in ((True, 0.4), (False, None)):
        case = Case(
            rng, n_epochs=1, normalize=normalize, clip_range_vf=clip_range_vf, learning_rate=[0.0, 0.0]
        )
        reply, indices, samples = case.run(student), case.order, case.samples
        for what in ("policy_loss", "value_loss"):
            demand_calls(reply, what, what)
        log_prob = np.array(case.log_probs())
        raw = samples["advantages"][indices]
        hints: dict[str, Hints] = {
            "log_prob": [
                (samples["log_probs"][indices], "The new and the old log-probabilities are swapped.")
            ],
            "old_log_prob": [
                (log_prob, "This is the new policy's log-probability: take that of the samples."),
                (
                    samples["log_probs"][np.array(case.minibatches(1))[:, ::-1]],
                    "The old log-probabilities belong to other samples.",
                ),
            ],
            "advantage": [
                (raw, "The advantages are not normalised: normalize_advantage, in each minibatch."),
                (
                    2 * raw + raw.mean(axis=1, keepdims=True),
                    "The advantages are normalised though self.normalize_advantages is False.",
                ),
                (
                    2 * raw + samples["advantages"].mean(),
                    "The advantages of all samples are normalised at once: do it in each minibatch.",
                ),
                *(
                    (returns, "These are the returns: take the advantages.")
                    for goal in [samples["returns"][indices]]
                    for returns in (goal, 2 * goal + goal.mean(axis=1, keepdims=True))
                ),
                (4 * raw + 5 * raw.mean(axis=1, keepdims=True), "The advantages are normalised twice."),
                (
                    4 * raw + 2 * raw.mean(axis=1, keepdims=True) + 3 * samples["advantages"].mean(),
                    "The advantages are normalised twice: only in each minibatch.",
                ),
                *(
                    (wrong, "These are returns minus values: take the samples' own advantages.")
                    for value in (
                        samples["values"][indices],
                        samples["observations"][indices] @ START[2:],
                    )
                    for gain in [samples["returns"][indices] - value]
                    for wrong in (gain, 2 * gain + gain.mean(axis=1, keepdims=True))
                ),
                *(
                    (
                        (raw - raw.mean(axis=1, keepdims=True)) / raw.std(axis=1, ddof=ddof, keepdims=True),
                        BY_NAME,
                    )
                    for ddof in (0, 1)
                ),
            ],
        }
        expected = {
            "log_prob": log_prob,
            "old_log_prob": samples["log_probs"][indices],
            "advantage": np.array([case.advantages(row) for row in indices]),
        }
        setting = f"normalize_advantages={normalize}"
        for name, right in expected.items():
            compare(
                column(reply, "policy_loss", name),
                right,
                tried=f"{setting}: what policy_loss received as {name}",
                hints=hints[name],
                atol=1e-4,
            )
        for name, key in (("old_value", "values"), ("returns", "returns")):
            compare(
                column(reply, "value_loss", name),
                samples[key][indices],
                tried=f"what value_loss received as {name}",
                hints=[
                    (samples[other][indices], f"These are the {other}: check the order of the arguments.")
                    for other in ("values", "returns", "advantages")
                    if other != key
                ],
                atol=1e-4,
            )
        given = [entry.get("clip_range") for entry in entries(reply, "value_loss")]
        require(
            given == [clip_range_vf] * case.rows,
            tried=f"clip_range_vf={clip_range_vf}: what value_loss received as clip_range",
            got=given,
            expected=[clip_range_vf] * case.rows,
            hint="The critic has a clip range of its own: self.clip_range_vf.",
        )


@judge(
    EXERCISE,
    points=0.75,
    title="the schedules do not change during an update",
    read=READ,
    depends=["minibatches"],
    why="progress belongs to the training: it does not change within one update.",
)
def test_schedules(student, rng):
    for progress, rates in (
        (float(rng.uniform(0.3, 0.45)), [0.08, 0.04]),
        (0.0, [0.08, 0.04]),
        (1.0, [0.08, 0.0]),
    ):
        case = Case(rng, progress=[progress], learning_rate=rates)
        reply, steps = case.run(student), 2 * case.rows
        compare(
            len(entries(reply, "step")),
            steps,
            tried=f"{steps} minibatches: steps of the optimiser",
            hints=[
                (0, "No step of self.optimizer was taken: loss.backward(), then self.optimizer.step()."),
                (2 * steps, "Each minibatch takes its step twice."),
            ],
            hint="One step for each minibatch.",
        )
        for name, got, where in (
            ("learning_rate", column(reply, "step", "rate"), "the optimiser's learning rate at every step"),
            (
                "clip_range",
                column(reply, "policy_loss", "clip_range"),
                "policy_loss's clip_range at every step",
            ),
        ):
            if len(got) == 0 and name == "clip_range":  # no policy_loss was called, which another judge says
                continue
            first, last = case.settings[name]
            hints: Hints = [
                (np.full(steps, first), f"{name} keeps its first value: use linear_schedule with progress."),
                (
                    np.full(steps, last),
                    f"{name} already has its last value: use linear_schedule with progress.",
                ),
                (
                    np.full(steps, case.scheduled(name, 1 - progress)),
                    "The schedule runs the wrong way: progress is what is done.",
                ),
            ]
            if name == "learning_rate":
                kept = "The optimiser keeps its own rate: self.set_learning_rate(learning_rate)."
                hints = [(np.zeros(steps), kept), *hints]
            compare(
                got,
                case.every_step(name),
                tried=f"{name} from {first} to {last}, progress {progress:.2f}: {where}",
                hints=hints if 0.0 < progress < 1.0 else (),
                hint=f"{name} must be linear_schedule(*self.{name}, progress) as it is, once for the whole update.",
                atol=1e-9,
            )


@judge(
    EXERCISE,
    points=1.0,
    title="every minibatch takes one step down the summed loss",
    read=READ,
    depends=["losses", "schedules"],
    why="policy loss + vf_coef * value loss - ent_coef * entropy: more entropy makes the loss smaller.",
)
def test_step(student, rng):
    for scale, settings in (
        (1.0, {}),
        (30.0, {"vf_coef": 2.0}),
        (1.0, {"ent_coef": [0.0, 0.0], "progress": [1.0]}),
    ):
        case = Case(rng, scale=scale, **settings)
        ent, vf = case.scheduled("ent_coef"), case.settings["vf_coef"]
        hints: Hints = [
            (case.weights(ent=-ent), "The entropy has the wrong sign: subtract ent_coef * entropy."),
            (case.weights(ent=0.0), "The entropy is missing from the loss."),
            (case.weights(ent=1.0), "ent_coef is missing: multiply the entropy by it."),
            (
                case.weights(ent=case.settings["ent_coef"][0]),
                "ent_coef keeps its first value: use linear_schedule with progress.",
            ),
            (case.weights(vf=1.0), "vf_coef is missing: multiply the value loss by it."),
            (case.weights(vf=0.0), "The value loss is missing from the sum."),
            (case.weights(vf=0.5), "vf_coef is fixed at 0.5: use self.vf_coef."),
            (case.weights(vf=-vf), "The value loss has the wrong sign: add it."),
            (
                case.weights(remembered=True),
                "Old gradients are still there: self.optimizer.zero_grad() before backward().",
            ),
            *(
                (case.weights(limit=limit), f"max_grad_norm is None, and the gradient is clipped at {limit}.")
                for limit in (0.5, 1.0, 10.0)
            ),
        ]
        compare(
            column(case.run(student), "step", "weights"),
            case.weights(),
            tried=f"advantages and returns of about {scale:g}, vf_coef {vf:g}, ent_coef {ent:g}: the weights of policy "
            "(2), critic (2) and entropy (1) after every step",
            hints=hints,
            hint="Each minibatch: zero_grad, backward, clip, step.",
            atol=1e-4 * scale,
        )


@judge(
    EXERCISE,
    points=0.5,
    title="the gradient's norm is clipped",
    read=READ,
    depends=["step"],
    why="One unusual minibatch must not move the policy far away from the one that collected the samples.",
)
def test_clipping(student, rng):
    case = Case(rng)
    norms = [
        np.linalg.norm(case.gradient(row, case.settings["vf_coef"], case.scheduled("ent_coef")))
        for row in case.minibatches()
    ]
    limit = float(np.median(norms)) * 0.8
    case.settings["max_grad_norm"] = limit
    compare(
        column(case.run(student), "step", "weights"),
        case.weights(limit=limit),
        tried=f"max_grad_norm={limit:.2f}, gradients of norm {min(norms):.2f} to {max(norms):.2f}: weights",
        hints=[
            (
                case.weights(),
                "The gradient is not clipped: ptu.clip_grad_norm between backward() and step().",
            ),
            (case.weights(limit=0.5), "The limit is fixed at 0.5: use self.max_grad_norm."),
            (
                case.weights(limit=limit, clip="each"),
                "Every entry is clipped by itself: clip the norm of the whole gradient.",
            ),
            (
                case.weights(limit=limit, clip="tensor"),
                "Every parameter tensor is clipped by itself: clip the norm of the whole gradient.",
            ),
        ],
        hint="Scale the whole gradient so that its norm is at most self.max_grad_norm, then step.",
        atol=1e-4,
    )


def story(
    case: Case, kl: np.ndarray, limit: float, ends: str = "update", too_late: bool = False
) -> np.ndarray:
    """What an update does where minibatches have these KLs: the number of each that it evaluates, -1 for a step.

    Args:
        kl: `(rows,)`, of the minibatches of `case.order`, or `(epochs, rows)` where it changes.
        limit: above it the update ends.
        ends: what does: the `update`, the `epoch`, or only this `step` is left out.
        too_late: the step is taken first.
    """
    told: list[int] = []
    for epoch in range(case.settings["n_epochs"]):
        for row in np.roll(np.arange(case.rows), epoch):
            too_far = np.broadcast_to(kl, (case.settings["n_epochs"], case.rows))[epoch, row] > limit
            told += [row, *[-1] * (too_late or not too_far)]
            if too_far and ends == "update":
                return np.array(told)
            if too_far and ends == "epoch":
                break
    return np.array(told)


@judge(
    EXERCISE,
    points=0.5,
    title="stops the whole update when the policy has moved too far",
    read=READ,
    depends=["step"],
    why="The samples say little about a policy that is very different from the one that drew them.",
)
def test_early_stop(student, rng):
    target = 0.05
    case = Case(rng, rows=7, n_epochs=3, target_kl=target, learning_rate=[1e-6, 1e-6])
    # Log-ratios of every sample. Number 5 is too far, the others are near enough: 1 has a mean absolute log-ratio that
    # is too large, 2 is above the target itself, 3 has half a squared log-ratio that is too large, 4 a mean log-ratio
    # that is far from 0.
    shifts = np.array(
        [
            [0.0] * 4,
            [0.12, -0.12] * 2,
            [0.33, -0.33] * 2,
            [-0.69, 0.23, 0.23, 0.23],
            [-0.2] * 4,
            [0.38] * 4,
            [0.0] * 4,
        ]
    )
    case.place(slice(None), shifts)
    limit, mean = 1.5 * target, shifts.mean(axis=1)
    kl, squares = (np.exp(shifts) - 1 - shifts).mean(axis=1), (shifts**2 / 2).mean(axis=1)
    compare(
        told(case, case.run(student)),
        story(case, kl, limit),
        tried=f"target_kl {target}, 3 epochs, minibatches 0 to 6 of approx_kl {', '.join(f'{one:.3f}' for one in kl)}: "
        "which are evaluated (their numbers), and the steps (-1)",
        hints=[
            (
                story(case, kl, np.inf),
                "No minibatch ends the update: stop where its approx_kl is above 1.5 * self.target_kl.",
            ),
            (story(case, kl, limit, ends="epoch"), "Only the epoch ends: leave the outer loop as well."),
            (story(case, kl, limit, ends="step"), "Only the step is left out: end the whole update."),
            (
                story(case, kl, limit, too_late=True),
                "Stop before the step of the minibatch that is too far, not after it.",
            ),
            (
                story(case, kl, limit, ends="epoch", too_late=True),
                "Only the epoch ends, and a step too late: leave both loops, before the step.",
            ),
            (story(case, kl, target), "The limit is 1.5 * self.target_kl."),
            (
                story(case, -kl, -limit),
                "The comparison is the wrong way round: stop where approx_kl is above 1.5 * target_kl.",
            ),
            (story(case, squares, limit), "This follows half the squared log-ratio: use approx_kl."),
            *(
                (story(case, one, limit), "This follows the mean log-ratio: use approx_kl.")
                for one in (mean, -mean, np.abs(mean))
            ),
            (
                story(case, np.abs(shifts).mean(axis=1), limit),
                "This follows the mean absolute log-ratio: use approx_kl.",
            ),
        ],
        hint="Stop before the step of the first minibatch whose approx_kl exceeds 1.5 * self.target_kl.",
    )
    case = Case(rng, n_epochs=3, target_kl=0.05, learning_rate=[1e-6, 1e-6])
    case.place(slice(None), [[0.5] * 4] * 3)
    compare(
        told(case, case.run(student)),
        np.array([0]),
        tried="target_kl 0.05, all minibatches of approx_kl 0.125: which are evaluated (their numbers), and the steps "
        "(-1)",
        hint="The very first minibatch of an update may be too far too: ask in each of them, without exception.",
    )
    # the log-ratio of every sample grows by 0.1 with every step
    case = Case(rng, n_epochs=3, target_kl=0.178, learning_rate=[0.1, 0.1], normalize=False)
    case.samples["observations"][:] = [1.0, 0.0]
    case.samples["advantages"][:] = -1.0
    case.place(slice(None), np.zeros((3, 4)))
    grown = np.arange(9).reshape(3, 3) * 0.1
    kl = np.array([np.roll(row, -epoch) for epoch, row in enumerate(np.exp(grown) - 1 - grown)])
    compare(
        told(case, case.run(student)),
        story(case, kl, 1.5 * 0.178),
        tried=f"target_kl 0.178, 3 epochs of 3 minibatches, approx_kl grows from 0 to {kl.max():.2f}: which are evaluated "
        "(their numbers), and the steps (-1)",
        hints=[
            (
                story(case, kl, np.inf),
                "It stops in no later epoch: ask in every epoch, not only in the first.",
            ),
        ],
        hint="Ask in every minibatch of every epoch, with the policy as it is by then.",
    )


def told(case: Case, reply: Reply) -> np.ndarray:
    """What an update did, as `story` tells it; -2 for samples that are no minibatch."""
    numbers = {frozenset(row.tolist()): i for i, row in enumerate(case.order)}
    entries(reply, "")  # refuses a journal of the wrong form
    done = []
    for entry in reply["journal"]:
        if entry.get("what") == "step":
            done.append(-1)
        if entry.get("what") == "evaluate":
            done.append(numbers.get(frozenset(np.ravel(entry.get("actions")).tolist()), -2))
    return np.array(done)


@judge(
    EXERCISE,
    points=0.25,
    title="the second update is right too",
    read=READ,
    depends=["step"],
    why="A training updates the same agent hundreds of times, from the same settings and the same samples' dict.",
)
def test_later_updates(student, rng):
    case = Case(rng, progress=[0.1, 0.5, 0.9], momentum=0.5)
    reply = case.run(student)
    settings = {"max_grad_norm": 0.5, "clip_range_vf": 0.4, "normalize": False, "progress": [0.1, 0.9]}
    for how, one in (
        ("3 updates", reply),
        ("2 updates, other settings", Case(rng, target_kl=1e6, **settings).run(student)),
        ("2 updates that target_kl stops", Case(rng, target_kl=1e-12, **settings).run(student)),
    ):
        require(
            one["changed"] == [],
            tried=f"{how}: what they changed beside the policy's weights and the learning rate",
            got=", ".join(map(str, one["changed"])),
            expected="nothing",
            hint="An update changes the policy's weights and the optimiser's state; the settings and the samples stay.",
        )
    compare(
        column(reply, "policy_loss", "clip_range"),
        case.every_step("clip_range"),
        tried="updates at progress 0.1, 0.5 and 0.9: the clip_range at every step",
        hint="Each update takes its values from the same settings, at its own progress.",
    )
    compare(
        column(reply, "step", "weights"),
        case.weights(),
        tried="updates at progress 0.1, 0.5 and 0.9, an optimiser with momentum: the weights after every step",
        hint="Each update goes on with the same optimiser, at the values of its own progress.",
        atol=1e-4,
    )
    losses = np.array(column(reply, "policy_loss", "advantage")) * column(reply, "policy_loss", "log_prob")
    last = losses[-case.settings["n_epochs"] * case.rows :].mean()
    figure = reply["figures"].get("policy_gradient_loss") if isinstance(reply["figures"], dict) else None
    require(
        close(figure, last) or not close(figure, losses.mean()),
        tried="3 updates of one agent: policy_gradient_loss of the last",
        got=figure,
        expected=last,
        hint="The figures of earlier updates are in the means: start new lists in each update.",
    )
    again = case.run(student)["streams"]
    case.settings["seed"] += 1
    no_seed_set(reply["streams"], case.run(student)["streams"], again, tried="3 updates")


@judge(
    EXERCISE,
    points=0.25,
    title="returns the numbers as floats",
    read="ppo/four-stages",
    why="The training logs these numbers by name. A tensor would keep the whole graph in memory.",
)
def test_returned_figures(student, rng):
    reply = Case(rng).run(student)
    require(
        reply["is_mapping"] is True,
        tried="one call",
        got=reply["returned"],
        expected="dict",
        hint="Return the dict of numbers.",
    )
    types = reply["types"] if isinstance(reply["types"], dict) else {}
    require(
        set(FIGURES) <= set(types),
        tried="the keys of the returned dict",
        got=sorted(types),
        expected=sorted(FIGURES),
    )
    require(
        {types[name] for name in FIGURES} <= {"float", "int"},
        tried="the types of the numbers",
        got={name: types[name] for name in FIGURES},
        expected="float",
        hint="Take .item() of each tensor.",
    )


@judge(
    EXERCISE,
    points=0.25,
    title="the numbers are means over the minibatches",
    read=READ,
    depends=["early_stop", "returned_figures"],
    why="The log must say what happened in the whole update. The value of the last minibatch alone is mostly noise.",
)
def test_figures(student, rng):
    case = Case(rng)
    demand_means(case, case.run(student)["figures"], 6)
    case = Case(rng, target_kl=0.05, learning_rate=[1e-6, 1e-6], ent_coef=[0.2, 0.4])
    case.place(slice(None), np.zeros((3, 4)))
    case.place(2, np.full(4, 0.6))  # which is too far
    demand_means(case, case.run(student)["figures"], 3)
    # clip_range is 0.25. Log-ratios between it and others that it might be, 0.1, 0.2 and 0.3, and between it and its
    # logarithms; a density's entropy may be below 0.
    case = Case(rng, learning_rate=[1e-6, 1e-6], entropy=-0.5)
    case.place(slice(None), [[0.24, 0.24, 0.24, 0.0], [-0.27, -0.27, 0.2, 0.0], [0.15, 0.5, -0.5, 0.0]])
    demand_means(case, case.run(student)["figures"], 6)
    case = Case(rng, rows=1, n_epochs=1)
    demand_means(case, case.run(student)["figures"], 1)


def demand_means(case: Case, figures: dict, count: int) -> None:
    """Compares the figures with the means over so many minibatches."""
    samples, minibatches = case.samples, case.minibatches()[:count]
    before = np.concatenate([case.start[None], case.weights()[:-1]])[:count]
    log_probs = case.log_probs()[:count]
    log_ratio = np.array(log_probs) - samples["log_probs"][np.array(minibatches)]
    policy = np.array([(case.advantages(row) * lp).mean() for row, lp in zip(minibatches, log_probs)])
    value = np.array(
        [
            (samples["returns"][row] * (samples["observations"][row] @ w[2:4])).mean()
            for row, w in zip(minibatches, before)
        ]
    )
    vf = case.settings["vf_coef"]
    each = {
        "policy_gradient_loss": policy,
        "value_loss": value,
        "entropy_loss": -before[:, 4],
        "loss": policy + vf * value - case.scheduled("ent_coef") * before[:, 4],
        "approx_kl": (np.exp(log_ratio) - 1 - log_ratio).mean(axis=1),
        "clip_fraction": (np.abs(np.exp(log_ratio) - 1) > case.scheduled("clip_range")).mean(axis=1),
    }
    what = f"{count} minibatches were evaluated"
    stopped = case.settings["target_kl"] is not None
    if stopped:
        what += ", and the last one stopped the update"
    for name, values in each.items():
        if count == 1:
            compare(figures.get(name), values.mean(), tried=f"{what}: {name}", atol=1e-4)
            continue
        hints: Hints = [
            (values[-1], "This is the last minibatch's: return the mean over all of them."),
            (values.sum(), "This is the sum over the minibatches: return the mean."),
            (-values.mean(), "The sign is wrong."),
        ]
        if not stopped:
            hints.append(
                (values[3:].mean(), "This is the last epoch's: return the mean over all minibatches.")
            )
        else:
            hints.append((values[:-1].mean(), "The minibatch that stopped the update counts as well."))
        if name == "value_loss":
            hints.append((vf * value.mean(), "This is multiplied by vf_coef: return the loss without it."))
        if name == "entropy_loss":
            weighted = case.scheduled("ent_coef") * values.mean()
            hints.append(
                (weighted, "This is multiplied by ent_coef: return the entropy, negated, without it.")
            )
            if values.mean() > 0:  # by then it is known that the sign is not always wrong
                hints.insert(0, (-values.mean(), "The sign is lost: the entropy may be below 0."))
        if name == "clip_fraction":
            hints = [*clip_fractions(case, log_ratio), *hints]
        compare(figures.get(name), values.mean(), tried=f"{what}: {name}", hints=hints, atol=1e-4)
    for name in ("learning_rate", "clip_range", "ent_coef"):
        compare(
            figures.get(name),
            case.scheduled(name),
            tried=f"{what}: {name}",
            hint=f"Return the {name} that this update used.",
            atol=1e-8,
        )


def clip_fractions(case: Case, log_ratio: np.ndarray) -> Hints:
    """What known mistakes give for clip_fraction."""
    far, this = np.abs(np.exp(log_ratio) - 1), case.scheduled("clip_range")
    others = [*case.settings["clip_range"], 0.2]
    return [
        (
            (np.abs(log_ratio) > this).mean(),
            "This compares the log-ratio: the ratio counts, ppo_agent.clip_fraction.",
        ),
        *(((far > other).mean(), "This takes another clip range than this update's.") for other in others),
    ]
