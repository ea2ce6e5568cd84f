"""Grades a BankHeist agent that was trained elsewhere: two files beside the notebook, weights and log.

Nothing is trained again. A process of its own, with limits on time and memory, reads the weights as tensors alone,
puts them into our own network and plays our own games. What it finds is a verdict, which never changes the points of
the homework: an instructor gives extra credit for it. `python -m autograder.trusted.bankheist` is that process.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
import pickle
import resource
import struct
import subprocess
import sys
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path

from autograder.student_side.text import clean
from autograder.trusted.judges.convergence import rule_of

WEIGHTS, LOG = "bankheist.pt", "bankheist.csv"
WEIGHTS_LIMIT, LOG_LIMIT = 8 * 2**20, 8 * 2**20  # bytes
LINES_LIMIT = 200_000
MEMORY = 4 * 2**30
SECONDS = 300  # of computing
PATIENCE = 3000  # seconds of wall time, on a machine that is busy with others
COURSE = Path(__file__).parents[2]
RULE = "hw3.bankheist"
COPY = 0.98  # two networks whose directions agree like this were not trained apart

# verdict -> what it says
VERDICTS = {
    "excellent": "It reaches what double DQN is known for.",
    "good": "It reaches what DQN is known for.",
    "weak": "It plays better than chance, but not as well as DQN is known to.",
    "random": "It plays no better than chance.",
    "implausible log": "The log does not fit a training of this agent. Please show your run to your instructor.",
    "missing log": f"The weights came without {LOG}. Hand in both files that gcb6206.scripts.hand_in writes.",
    "missing weights": f"The log came without {WEIGHTS}. Hand in both files that gcb6206.scripts.hand_in writes.",
    "oversized": "A file is larger than a float16 network and its log can be. Make it with gcb6206.scripts.hand_in.",
    "code": "The weights hold something else than tensors, such as code, which is never run.",
    "corrupt": "The weights cannot be read. Make the file again with gcb6206.scripts.hand_in, and hand it in as it is.",
    "foreign": "These are not the weights of this course's network for BankHeist.",
    "limit": "Reading or playing took more time or memory than is allowed.",
    "copied": "Somebody else handed in the same network. A person will look at it.",
}


@dataclass(frozen=True)
class HandedIn:
    """The two files, as bytes; None where there is none. Where one was not read, the verdict on that and the detail."""

    weights: bytes | None = field(default=None, repr=False)
    log: bytes | None = field(default=None, repr=False)
    refused: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Verdict:
    """What was found.

    Attributes:
        verdict: a key of VERDICTS.
        detail: what in particular.
        scores: of each episode.
        sketch: the direction of the weights, as 64 numbers, by which copies are known.
    """

    verdict: str
    detail: str = ""
    scores: tuple[float, ...] = ()
    sketch: tuple[float, ...] = ()

    @property
    def text(self) -> str:
        """For people."""
        mean = f" Mean score of {len(self.scores)} games: {_mean(self.scores):.0f}." if self.scores else ""
        return " ".join(f"{VERDICTS[self.verdict]}{mean} {self.detail}".split())


def grade(files: HandedIn, seed: int, rule: dict | None = None, seconds: float = SECONDS) -> Verdict:
    """The verdict on what was handed in; whatever it is, this returns.

    Args:
        files: what was handed in.
        seed: of the games.
        rule: the protocol; by default that of thresholds.yaml.
        seconds: of computing, after which it is ended.
    """
    if files.refused:
        return Verdict(files.refused, files.detail)
    if files.weights is None:
        return Verdict("missing weights")
    request = {"seed": seed, "rule": rule or rule_of(RULE), "log": files.log is not None}
    body = b"".join(_block(part) for part in (json.dumps(request).encode(), files.weights, files.log or b""))
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environment |= {"PYTHONPATH": str(COURSE), "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "autograder.trusted.bankheist", str(int(seconds))],
            input=body, capture_output=True, timeout=PATIENCE, env=environment, cwd="/", check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Verdict("limit", "It took too long.")
    try:
        found = json.loads(done.stdout[-(2**16) :])
        return Verdict(found["verdict"], found["detail"], tuple(found["scores"]), tuple(found["sketch"]))
    except (ValueError, KeyError, TypeError):
        return Verdict("limit", f"The process ended with {done.returncode}.")


def same_network(one: Verdict, other: list[float] | tuple[float, ...]) -> bool:
    """Whether two networks are copies of each other, even where numbers were changed a little."""
    return (
        bool(one.sketch)
        and len(one.sketch) == len(other)
        and math.fsum(a * b for a, b in zip(one.sketch, other)) >= COPY
    )


# What runs in the process of its own


def _examine(request: dict, weights: bytes, log: bytes) -> Verdict:
    """The whole verdict; raises MemoryError where that does not suffice."""
    import torch

    from gcb6206.infrastructure.atari_wrappers import make_atari_games
    from gcb6206.networks.critics import AtariCritic
    from gcb6206.runs.dqn_fast import play_at_once

    rule = request["rule"]
    try:
        content = torch.load(io.BytesIO(weights), map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # torch raises many kinds for a damaged file
        lines = [line for line in str(error).splitlines() if "unsupported" in line.lower()]
        if isinstance(error, pickle.UnpicklingError) and lines:
            return Verdict("code", clean(lines[0], 200))
        return Verdict("corrupt", _brief(error))
    critic = AtariCritic((4, 84, 84), rule["actions"])
    reason = _foreign(content, critic.state_dict())
    if reason:
        return Verdict("foreign", reason)
    critic.load_state_dict({name: weight.float() for name, weight in content["critic"].items()})
    sketch = _sketch(torch.cat([weight.flatten() for weight in critic.state_dict().values()]))
    if not request["log"]:
        return Verdict("missing log", sketch=sketch)
    games = make_atari_games(rule["env_name"], rule["episodes"], threads=1)
    scores, _ = play_at_once(critic, games, rule["epsilon"], rule["longest_episode"], request["seed"])
    reason = _implausible(log, float(scores.mean()), rule)
    if reason:
        return Verdict("implausible log", reason, tuple(scores.tolist()), sketch)
    mean = float(scores.mean())
    steps = [("excellent", "excellent"), ("threshold", "good"), ("chance", "weak")]
    verdict = next((name for limit, name in steps if mean >= rule[limit]), "random")
    return Verdict(verdict, "", tuple(scores.tolist()), sketch)


def _foreign(content: object, expected: dict) -> str:
    """Why these are not the weights of our network, or ""."""
    import torch

    critic = content.get("critic") if isinstance(content, dict) else None
    if not isinstance(critic, dict):
        return "There is no critic in the file."
    if set(critic) != set(expected):
        return f"Its layers are {', '.join(clean(str(name), 40) for name in list(critic)[:12])}."
    for name, weight in expected.items():
        given = critic[name]
        if (
            not isinstance(given, torch.Tensor)
            or given.layout != torch.strided
            or not given.is_floating_point()
        ):
            return f"{name} is no array of numbers."
        if given.shape != weight.shape:
            return f"{name} has shape {tuple(given.shape)}; expected {tuple(weight.shape)}."
        if not torch.isfinite(given).all():
            return f"{name} holds numbers that are not finite."
    return ""


def _sketch(weights) -> tuple[float, ...]:
    """The direction of a vector, by 64 sums of its entries with random signs; about the same angles between vectors."""
    import torch

    signs = torch.Generator().manual_seed(0)
    found = [
        float(weights @ (torch.randint(0, 2, weights.shape, generator=signs, dtype=torch.int8) * 2.0 - 1.0))
        for _ in range(64)
    ]
    norm = math.hypot(*found) or 1.0
    return tuple(round(value / norm, 6) for value in found)


def _implausible(log: bytes, measured: float, rule: dict) -> str:
    """Why a log is not that of a training which ended with this agent, or "".

    A training plays its episodes one after another in each game, so their lengths add up to no more than its steps;
    BankHeist's scores are multiples of 10; evaluations come in order, and the last ones say about what we measure.
    """
    curves: dict[str, list[tuple[int, float]]] = defaultdict(list)
    try:
        lines = csv.reader(io.StringIO(log.decode("utf-8")))
        if next(lines, None) != ["tag", "step", "value"]:
            return "Its first line is not tag,step,value."
        for number, line in enumerate(lines):
            if number >= LINES_LIMIT:
                return f"It has more than {LINES_LIMIT} lines."
            tag, step, value = line
            curves[tag].append((int(step), float(value)))
    except (ValueError, csv.Error):
        return "It has a line that is not tag,step,value."
    needed = ("eval_return", "train_return", "train_ep_len", "critic_loss", "q_values", "epsilon")
    if absent := [tag for tag in needed if not curves[tag]]:
        return f"It has no {absent[0]}."
    for tag in needed:
        steps, values = zip(*curves[tag])
        if not all(math.isfinite(value) for value in values):
            return f"{tag} holds numbers that are not finite."
        if list(steps) != sorted(steps) or steps[0] < 0:
            return f"The steps of {tag} go back."
    last = curves["train_ep_len"][-1][0]
    if last < rule["fewest_steps"]:
        return f"It ends after {last} steps; a training of {rule['fewest_steps']} is the least."
    played = sum(value for _, value in curves["train_ep_len"])
    if not 0.5 * last <= played <= last + 1:
        return f"Its episodes have {played:.0f} steps in all, its training {last}."
    if any(value % 10 for _, value in curves["train_return"]):
        return "train_return holds scores that BankHeist does not give."
    if len(curves["eval_return"]) < 10:
        return f"It has {len(curves['eval_return'])} evaluations; expected at least 10."
    if len({value for _, value in curves["critic_loss"]}) < 0.9 * len(curves["critic_loss"]):
        return "critic_loss repeats itself."
    told = [value for _, value in curves["eval_return"][-5:]]
    if measured < min(told) / 2 - 30 or measured > 2 * max(told) + 30:
        return f"Its last evaluations say {min(told):.0f} to {max(told):.0f}; we measured {measured:.0f}."
    return ""


def _mean(values: tuple[float, ...]) -> float:
    return math.fsum(values) / len(values)


def _brief(error: Exception) -> str:
    return f"{type(error).__name__}: {clean((str(error).splitlines() or [''])[0], 200)}"


def _block(content: bytes) -> bytes:
    return struct.pack("<Q", len(content)) + content


def main() -> None:
    """Reads a request from standard input, and writes a verdict to standard output."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no verdict
    seconds = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    parts = [sys.stdin.buffer.read(struct.unpack("<Q", sys.stdin.buffer.read(8))[0]) for _ in range(3)]
    try:
        verdict = _examine(json.loads(parts[0]), parts[1], parts[2])
    except (MemoryError, RuntimeError) as error:
        verdict = Verdict("limit", _brief(error))
    json.dump(asdict(verdict), out)
    out.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
