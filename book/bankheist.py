"""BankHeist, played by the agent that was recorded: ``python -m book.bankheist`` plays its games and a film again."""

from __future__ import annotations

import argparse
import json
from datetime import date

import numpy as np
import torch
from IPython.display import Markdown
from tqdm.auto import tqdm

from book.figures import RESULTS
from gcb6206.env_configs.dqn_atari_config import DQNAtariConfig
from gcb6206.infrastructure.checkpoint import load_checkpoint
from gcb6206.infrastructure.logger import write_video
from gcb6206.scripts import record

RUN = "dqn_bankheist"
PLAYED = RESULTS / f"{RUN}_played"  # beside the record, which holds what its own command makes
GAMES = 50
CONFIG = DQNAtariConfig()


class Player:
    """Acts by a network's values with the evaluation's epsilon, or without a network at random.

    Args:
        network: of the game, or None.
        actions: how many the game has.
        seed: of the random actions.
    """

    def __init__(self, network: torch.nn.Module | None, actions: int, seed: int):
        self.network, self.actions, self.rng = network, actions, np.random.default_rng(seed)

    def get_action(self, observation: np.ndarray) -> int:
        """The action for pictures ``(4, 84, 84)``."""
        if self.network is None or self.rng.random() < CONFIG.eval_epsilon:
            return int(self.rng.integers(self.actions))
        with torch.inference_mode():
            return int(self.network(torch.as_tensor(np.asarray(observation))[None]).argmax())


def main() -> None:
    """Play ``GAMES`` games with the recorded network and at random; film the first of the network's."""
    argparse.ArgumentParser(prog="python -m book.bankheist", description=__doc__).parse_args()
    import solutions

    solutions.load()
    from gcb6206.infrastructure import utils

    build = CONFIG.build()
    env = build["make_env"](render=True)
    network = build["agent_kwargs"]["make_critic"](env.observation_space.shape, int(env.action_space.n))
    network.load_state_dict(load_checkpoint(RESULTS / RUN / "seed_1.pt")["critic"])
    returns = {}
    for name, player in (("network", network), ("random", None)):
        player = Player(player, int(env.action_space.n), seed=0)
        env.reset(seed=1)  # the training's and its evaluations' games have other seeds
        returns[name] = []
        for number in tqdm(range(GAMES), unit="game", desc=name):
            filmed = name == "network" and number == 0
            played = utils.sample_trajectory(env, player, CONFIG.longest_episode, render=filmed)
            returns[name].append(float(np.asarray(played["episode_statistics"]["r"]).item()))
            if filmed:
                write_video(PLAYED / "play.mp4", played["image_obs"], fps=30)
    about = {
        "command": "python -m book.bankheist",
        "commit": record.commit(),
        "date": f"{date.today()}",
        "hardware": record.hardware(torch.get_num_threads()),
        "returns": returns,
    }
    (PLAYED / "played.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


def returns() -> dict[str, list[float]]:
    """The scores of ``GAMES`` games each, of ``network`` and ``random``."""
    return json.loads((PLAYED / "played.json").read_text(encoding="utf-8"))["returns"]


def table() -> Markdown:
    """The mean score of each, with a 95 % interval from resampled games, the median and the range."""
    rows = [
        "| player | mean of the games, and its interval | median | lowest to highest |",
        "|---|---|---|---|",
    ]
    for name, scores in returns().items():
        scores, rng = np.asarray(scores), np.random.default_rng(0)
        low, high = np.percentile(rng.choice(scores, (10_000, len(scores))).mean(1), [2.5, 97.5])
        label = {"network": "the recorded network", "random": "random actions"}[name]
        rows.append(
            f"| {label} | {scores.mean():.0f} ({low:.0f} to {high:.0f}) | {np.median(scores):.0f} "
            f"| {scores.min():.0f} to {scores.max():.0f} |"
        )
    return Markdown("\n".join(rows))


if __name__ == "__main__":
    main()
