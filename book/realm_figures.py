"""What the chapters on the realm show: how recorded agents and other players play new maps.

python -m book.realm_figures            # every player on 200 new maps of 64 and of 128 cells
python -m book.realm_figures --plays    # one game of every player on a map of each size, step by step
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

import numpy as np
from IPython.display import HTML, Markdown
from tqdm import tqdm

from book import figures
from gcb6206.runs import team_replay

AGENTS = "realm_fresh"
OTHERS = {"the notes' settings": "realm_fresh_notes", "trained at 128 cells": "realm_fresh_128_long"}
PLAYERS = figures.RESULTS / "realm_players" / "players.json"
PLAYS = figures.RESULTS / "realm_players" / "plays.json"
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


def trained(seed: int, name: str = AGENTS):
    """A recorded agent of a result, and its run's parts."""
    import solutions
    from gcb6206.env_configs.realm_config import RealmConfig
    from gcb6206.infrastructure.checkpoint import load_checkpoint
    from gcb6206.runs.realm import make_agent

    solutions.load()
    kept = load_checkpoint(figures.RESULTS / name / f"seed_{seed}.pt")
    config = RealmConfig(
        **{field: value for field, value in kept["settings"].items() if field != "seed"}
    ).build()
    agent = make_agent(config)
    agent.policy.load_state_dict(kept["actor"])
    return config, agent


def agent_seeds(name: str = AGENTS) -> list[int]:
    """The seeds of a result's recorded agents."""
    return sorted(int(path.stem.split("_")[1]) for path in (figures.RESULTS / name).glob("seed_*.pt"))


def measure_players() -> Path:
    """Let all players play the same new maps; the file."""
    import torch

    from gcb6206.envs.realm import heuristics, planner
    from gcb6206.runs.realm import make_eval_games, play_episodes, share

    config, _ = trained(agent_seeds()[0])
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
        for kind, result in {"agent": AGENTS, **OTHERS}.items():
            for seed in agent_seeds(result):
                torch.manual_seed(seed)
                np.random.seed(seed)
                observation, _ = env.reset(seed=EVALUATION_SEED)
                found = play_episodes(env, trained(seed, result)[1], observation, False)
                scores[f"{kind}, seed {seed}"] = found["score"]
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


def players(layout, options) -> dict:
    """Who plays the recorded games: functions of the games and the observation, which return the action ``(1,)``."""
    from gcb6206.envs.realm import heuristics, planner
    from gcb6206.networks.realm import gumbel_noise, pack

    planned = planner.plan(layout, options).actions

    def of_agent(seed: int):
        agent, generator = trained(seed)[1], np.random.default_rng(seed)
        return lambda games, observation: agent.act(pack(observation), gumbel_noise(generator, 1, 1)[0])[0]

    def of_heuristic(act):
        return lambda games, observation: act(games)

    return {
        "planner": lambda games, observation: planned[games.steps],
        "tour": of_heuristic(heuristics.Tour()),
        "nearest treasure": of_heuristic(heuristics.nearest),
        **{f"agent, seed {seed}": of_agent(seed) for seed in agent_seeds()},
        "random": of_heuristic(heuristics.random_player(np.random.default_rng(0))),
    }


def plays_env(size: int):
    """The game of a size that is recorded, at its start: on a map on which no agent was trained."""
    from gcb6206.runs.realm import make_eval_games

    env = make_eval_games(trained(agent_seeds()[0])[0], 1, size=size)
    env.reset(seed=EVALUATION_SEED)
    return env


def record_plays() -> Path:
    """Let all players play one game on a map of each size, and keep every step; the file."""
    from gcb6206.scripts.record import commit, hardware

    told = {"command": "python -m book.realm_figures --plays", "commit": commit(), "hardware": hardware()}
    told["games"] = []
    for size in SIZES:
        env = plays_env(size)
        layout, options = env.games.layout(0), env.options
        about = {
            "size": size, "map_seed": options.map_seed, "max_step": options.max_step,
            "flash_cooldown": options.flash_cooldown, "buff_duration": options.buff_duration,
            "start": layout.start, "end": layout.end, "treasures": list(layout.treasures),
        }  # fmt: skip
        found = {name: play(env, act) for name, act in players(layout, options).items()}
        told["games"].append({**about, "plays": found})
    text = json.dumps(told, separators=(",", ":"))
    text = re.sub(r'("commit"|"games"|"plays"|\{"size"|"[\w, ]+":\{"actions")', r"\n\1", text)
    PLAYS.parent.mkdir(parents=True, exist_ok=True)
    PLAYS.write_text(text + "\n", encoding="utf-8")
    return PLAYS


def play(env, act) -> dict:
    """One game from ``EVALUATION_SEED`` on, step by step.

    Args:
        env: a ``RealmVectorEnv`` of one game.
        act: takes the games and the observation; the action ``(1,)``.

    Returns:
        ``actions``, a hexadecimal digit each; ``path``, x and y before each step and at the end, in units, packed as
        in ``team_replay``; ``taken``, for each treasure the step that took it; ``buff``, that of the buff, or None;
        ``flashes``, the steps that were one; ``ended`` and ``score``.
    """
    observation, _ = env.reset(seed=EVALUATION_SEED)
    games, over = env.games, False
    actions, path, taken, buff, flashes = "", [games.position[0].copy()], {}, None, []
    while not over:
        action = np.asarray(act(games, observation)).reshape(1)
        could_flash, left, had_buff = games.can_flash[0], games.present[0].copy(), games.buff_present[0]
        observation, _, terminated, truncated, info = env.advance(action)
        actions += f"{action[0]:x}"
        step = len(actions)
        path.append(games.position[0].copy())
        taken |= {int(site): step for site in np.flatnonzero(left & ~games.present[0])}
        buff = step if had_buff and not games.buff_present[0] else buff
        flashes += [step] if action[0] >= 8 and could_flash else []
        over = bool(terminated[0] or truncated[0])
    return {
        "actions": actions, "path": [packed(values) for values in np.transpose(path)], "taken": taken, "buff": buff,
        "flashes": flashes, "ended": bool(terminated[0]), "score": round(float(info["score"][0]), 1),
    }  # fmt: skip


def packed(units: np.ndarray) -> list[int]:
    """Whole units as ``team_replay.pack`` keeps them, which counts in thousandths."""
    return team_replay.pack((units / team_replay.UNIT).tolist())


def plays() -> list[dict]:
    """The recorded games, one for each size; none if they are not recorded."""
    return json.loads(PLAYS.read_text(encoding="utf-8"))["games"] if PLAYS.is_file() else []


def plays_viewer() -> HTML:
    """The page's widget for watching the recorded games; it carries them, and the maps that their seeds make."""
    from gcb6206.envs.realm.game import END_SCORE, STEP_SCORE, TREASURE_SCORE, VISITS
    from gcb6206.envs.realm.maps import CELL, make_map
    from gcb6206.envs.realm.observation import REACH

    games = []
    for game in plays():
        realm = make_map(game["map_seed"], game["size"])
        rock = ["".join("01"[cell] for cell in row) for row in realm.walls.astype(int)]  # [x][y]
        points = [TREASURE_SCORE, END_SCORE, STEP_SCORE]
        rules = {"cell": CELL, "reach": REACH, "visits": VISITS, "points": points}
        games.append({**game, **rules, "rock": rock, "sites": realm.places.tolist()})
    if not games:
        return HTML("<p>No game is recorded yet.</p>")
    content = json.dumps({"games": games}, separators=(",", ":")).replace("<", "\\u003c")
    return HTML(
        '<div data-widget="realm-replay" aria-label="Recorded games of several players">'
        f'<script type="application/json">{content}</script></div>'
    )


def plays_table() -> Markdown:
    """How each recorded game went."""
    rows = ["| cells | player | treasures | steps | flashes | buff | score |"]
    rows.append("|---|---|---|---|---|---|---|")
    for game in plays():
        for name, found in game["plays"].items():
            buff = "–" if found["buff"] is None else f"step {found['buff']}"
            rows.append(
                f"| {game['size']} | {name} | {len(found['taken'])} | {len(found['actions']):,} | "
                f"{len(found['flashes'])} | {buff} | {found['score']:.1f} |"
            )
    return Markdown("\n".join(rows))


def main() -> None:
    """The command line."""
    flags = argparse.ArgumentParser(prog="python -m book.realm_figures", description=__doc__.split("\n")[0])
    flags.add_argument("--plays", action="store_true", help="record the games of the moving picture instead")
    print(record_plays() if flags.parse_args().plays else measure_players())


if __name__ == "__main__":
    sys.exit(main())
