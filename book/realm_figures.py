"""What the chapter on an agent in the realm shows: how recorded agents and other players play new maps.

python -m book.realm_figures        # every player on 200 new maps of 64 and of 128 cells
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from IPython.display import Markdown
from tqdm import tqdm

from book import figures

AGENTS = "realm_fresh"
PLAYERS = figures.RESULTS / "realm_players" / "players.json"
SIZES, MAPS, EVALUATION_SEED = (64, 128), 200, 20_000


def players_table(size: int) -> Markdown:
    """How each player plays the new maps of a size: part of the planner's score, and how often the end was reached."""
    rows = ["| player | score | % of the planner (95%) | reached the end |", "|---|---|---|---|"]
    for name, found in json.loads(PLAYERS.read_text(encoding="utf-8"))["sizes"][str(size)].items():
        part, low, high = (100 * found[key] for key in ("of_planner", "low", "high"))
        rows.append(
            f"| {name} | {found['score']:.0f} | {part:.0f} ({low:.0f} to {high:.0f}) | {found['ended']:.0%} |"
        )
    return Markdown("\n".join(rows))


def trained(seed: int):
    """A recorded agent and its run's parts."""
    import solutions
    from gcb6206.env_configs.realm_config import RealmConfig
    from gcb6206.infrastructure.checkpoint import load_checkpoint
    from gcb6206.runs.realm import make_agent

    solutions.load()
    kept = load_checkpoint(figures.RESULTS / AGENTS / f"seed_{seed}.pt")
    config = RealmConfig(
        **{field: value for field, value in kept["settings"].items() if field != "seed"}
    ).build()
    agent = make_agent(config)
    agent.policy.load_state_dict(kept["actor"])
    return config, agent


def measure_players() -> Path:
    """Let all players play the same new maps; the file."""
    import torch

    from gcb6206.envs.realm import heuristics, planner
    from gcb6206.runs.realm import make_eval_games, play_episodes, share

    seeds = sorted(int(path.stem.split("_")[1]) for path in (figures.RESULTS / AGENTS).glob("seed_*.pt"))
    config, _ = trained(seeds[0])
    told = {"command": "python -m book.realm_figures", "maps": MAPS, "sizes": {}}
    for size in SIZES:
        env = make_eval_games(config, MAPS, size=size)
        env.reset(seed=EVALUATION_SEED)
        layouts = [env.games.layout(i) for i in range(MAPS)]
        planned = np.array(
            [planner.plan(layout, env.options).score for layout in tqdm(layouts, desc=f"plans, {size} cells")]
        )
        scores = {"planner": planned}
        players = {
            "tour": heuristics.Tour(),
            "nearest treasure": heuristics.nearest,
            "random": heuristics.random_player(np.random.default_rng(0)),
        }
        for name, player in players.items():
            games = heuristics.deal(layouts, env.options)
            scores[name] = heuristics.play(games, player, env.options.max_step)
        for seed in seeds:
            torch.manual_seed(seed)
            np.random.seed(seed)
            observation, _ = env.reset(seed=EVALUATION_SEED)
            scores[f"agent, seed {seed}"] = play_episodes(env, trained(seed)[1], observation, False)["score"]
        told["sizes"][size] = {}
        for name, found in scores.items():
            part, low, high = share(found, planned)
            told["sizes"][size][name] = {
                "score": float(found.mean()), "of_planner": part, "low": low, "high": high,
                "ended": float((found > 0).mean()),
            }  # fmt: skip
    PLAYERS.parent.mkdir(parents=True, exist_ok=True)
    PLAYERS.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return PLAYERS


def main() -> None:
    """The command line."""
    argparse.ArgumentParser(
        prog="python -m book.realm_figures", description=__doc__.split("\n")[0]
    ).parse_args()
    print(measure_players())


if __name__ == "__main__":
    sys.exit(main())
