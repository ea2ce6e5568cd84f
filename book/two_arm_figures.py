"""What the chapters on the two arms show: tables of recorded runs, scripted players, pictures and films.

    python -m book.two_arm_figures players         # what scripted players earn
    python -m book.two_arm_figures picture         # how an episode begins and ends
    python -m book.two_arm_figures evaluate NAME   # how each seed of a recorded run plays, 50 episodes
    python -m book.two_arm_figures film NAME SEED  # what a recorded run's arms do, before and after the training

They need OpenGL and robosuite, without which the page is built all the same: it shows the files kept in
``book/results/two_arm_films``.
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from IPython.display import HTML, Markdown
from matplotlib.axes import Axes

import gcb6206.envs  # noqa: F401  (chooses what MuJoCo draws with)
from book import figures
from book.arm_figures import wilson

FILMS = figures.RESULTS / "two_arm_films"
PLAYERS = FILMS / "players.json"
HORIZON = 500
PLAYED = 10  # episodes of each scripted player
FILM_STEPS = 120
FPS = 20
ANCHOR = (326.0, 372.0)  # SAC at 131,072 steps, lowest and highest of five seeds, robosuite's own benchmark
RETURN, SUCCESS = "eval/return", "eval/success_at_end"  # whole episodes with mean actions
EVALUATION, EVALUATED, EVALUATION_SEED = "evaluation.json", 50, 20_000


def plot(ax: Axes, runs: dict[str, str], tag: str = RETURN) -> None:
    """A tag's mean and range over the seeds, and SAC's range for the return."""
    figures.plot_runs(ax, runs, tag)
    if tag == RETURN:
        ax.axhspan(*ANCHOR, color="grey", alpha=0.25, linewidth=0, label="SAC at 131,072 steps (5 seeds)")
    ax.set(ylabel="return" if tag == RETURN else "success")


def evaluation(name: str) -> dict[int, dict]:
    """How each seed of a recorded run plays: ``drawn`` and ``mean``, each ``return``, ``at_end``, ``ever``."""
    path = figures.RESULTS / name / EVALUATION
    told = json.loads(path.read_text(encoding="utf-8"))["seeds"] if path.exists() else {}
    return {int(seed): found for seed, found in told.items()}


def table(runs: dict[str, str]) -> Markdown:
    """Each seed at the end, 50 episodes: with drawn and with mean actions, return and success in the last step."""
    rows = [
        "| run | seed | actions | return | in the hole at the end (95%) | at some time |",
        "|---|---|---|---|---|---|",
    ]
    for label, name in runs.items():
        for seed, kinds in evaluation(name).items():
            for kind, found in kinds.items():
                low, high = wilson(found["at_end"], EVALUATED)
                share = f"{found['at_end'] / EVALUATED:.0%} ({100 * low:.0f} to {100 * high:.0f})"
                rows.append(
                    f"| {label} | {seed} | {kind} | {found['return']:.0f} | {share} | {found['ever'] / EVALUATED:.0%} |"
                )
    return Markdown("\n".join(rows))


def players_table() -> Markdown:
    """What scripted players earn, where success ends an episode and where it does not."""
    told = json.loads(PLAYERS.read_text(encoding="utf-8"))
    rows = ["| player | goes on after success | ends at success | success at the end |", "|---|---|---|---|"]
    for name, found in told["players"].items():
        rows.append(f"| {name} | {found['goes_on']:.0f} | {found['ends']:.0f} | {found['at_end']:.0%} |")
    return Markdown("\n".join(rows))


def player(name: str) -> dict[str, float]:
    """What a scripted player earned: ``goes_on``, ``ends``, ``at_end``."""
    return json.loads(PLAYERS.read_text(encoding="utf-8"))["players"][name]


def show_film(name: str, about: str) -> HTML:
    """A film inside the page itself, so that it needs no other file.

    Args:
        name: of the file in ``book/results/two_arm_films``, without its ending.
        about: what is to be seen, for those who do not see it.
    """
    data = base64.b64encode((FILMS / f"{name}.mp4").read_bytes()).decode()
    return HTML(
        f'<video controls loop muted width="100%" aria-label="{about}" src="data:video/mp4;base64,{data}"></video>'
    )


def measure_players() -> Path:
    """Let scripted players play; the file."""
    from gcb6206.envs.two_arm.env import TwoArmPegInHole
    from gcb6206.envs.two_arm.expert import expert_action

    rng = np.random.default_rng(0)
    script: dict[str, Callable] = {
        "nothing": lambda simulation: np.zeros((2, 6)),
        "chance": lambda simulation: rng.uniform(-1, 1, (2, 6)),
        "stays outside": lambda simulation: expert_action(simulation, push=False),
        "expert": expert_action,
    }
    env, told = TwoArmPegInHole(max_episode_steps=HORIZON), {}
    for name, policy in script.items():
        goes_on, ends, at_end = [], [], []
        for seed in range(PLAYED):
            env.begin(seed=seed)
            rewards, successes = [], []
            for _ in range(HORIZON):
                _, reward, _, _, info = env.advance(policy(env.simulation))
                rewards.append(reward)
                successes.append(info["success"])
            until = successes.index(True) + 1 if any(successes) else HORIZON
            goes_on.append(sum(rewards))
            ends.append(sum(rewards[:until]))
            at_end.append(successes[-1])
        told[name] = {
            "goes_on": float(np.mean(goes_on)), "ends": float(np.mean(ends)), "at_end": float(np.mean(at_end))
        }  # fmt: skip
    FILMS.mkdir(parents=True, exist_ok=True)
    about = {"command": "python -m book.two_arm_figures players", "episodes": PLAYED, "players": told}
    PLAYERS.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    return PLAYERS


def picture() -> Path:
    """Draw how the expert's episode begins, and how it ends; the file."""
    import imageio.v3 as imageio

    from gcb6206.envs.two_arm.cameras import FRONT
    from gcb6206.envs.two_arm.env import TwoArmPegInHole
    from gcb6206.envs.two_arm.expert import expert_action

    env, drawn = TwoArmPegInHole(), []
    env.begin(seed=0)
    for step in range(61):
        if step in (0, 20, 60):
            drawn.append(env.camera(FRONT, 300, 400, visual=True))
        env.advance(expert_action(env.simulation))
    seen = TwoArmPegInHole("images", image_size=64)
    images = seen.begin(options={"state": env.simulation.state()})[0]["images"]
    small = np.hstack([images[0, 0], images[0, 1], images[1, 1]])
    FILMS.mkdir(parents=True, exist_ok=True)
    imageio.imwrite(FILMS / "arms.png", np.hstack(drawn))
    imageio.imwrite(FILMS / "policy_pictures.png", small.repeat(3, axis=0).repeat(3, axis=1))
    return FILMS / "arms.png"


def trained(name: str, seed: int):
    """A recorded run's parts, and its agent before and after the training; the critics are untrained."""
    import solutions
    from gcb6206.env_configs.two_arm_config import TwoArmConfig
    from gcb6206.infrastructure.checkpoint import load_checkpoint
    from gcb6206.runs.two_arm import make_agent

    solutions.load()
    kept = load_checkpoint(figures.RESULTS / name / f"seed_{seed}.pt")
    settings = {field: value for field, value in kept["settings"].items() if field != "seed"}
    config = TwoArmConfig(**settings).build()
    before, after = make_agent(config, seed), make_agent(config, seed)
    after.actor.load_state_dict(kept["actor"])
    return config, before, after


def evaluate(name: str) -> Path:
    """Play 50 episodes with each seed's arms, once with drawn actions and once with the mean ones; the file."""
    from gcb6206.envs.two_arm.vector import TwoArmVectorEnv
    from gcb6206.runs.two_arm import play_episodes

    path, command = figures.RESULTS / name / EVALUATION, f"python -m book.two_arm_figures evaluate {name}"
    told = (
        json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"command": command, "seeds": {}}
    )
    for file in sorted((figures.RESULTS / name).glob("seed_*.pt")):
        seed = int(file.stem.split("_")[1])
        if str(seed) in told["seeds"]:
            continue
        config, _, agent = trained(name, seed)
        found = {}
        with TwoArmVectorEnv(10, **config["env_kwargs"]) as env:
            for kind in ("drawn", "mean"):
                returns, ever, at_end = play_episodes(env, agent, EVALUATION_SEED, EVALUATED, kind == "drawn")
                found[kind] = {
                    "return": float(returns.mean()), "at_end": int(at_end.sum()), "ever": int(ever.sum())
                }  # fmt: skip
        told["seeds"][str(seed)] = found
        path.write_text(json.dumps({**told, "episodes": EVALUATED}, indent=1) + "\n", encoding="utf-8")
    return path


def film(name: str, seed: int) -> Path:
    """Film a recorded run's arms before and after the training, side by side, with drawn actions; the file.

    Args:
        name: of the recorded run.
        seed: of the run.
    """
    from gcb6206.envs.two_arm.vector import TwoArmVectorEnv
    from gcb6206.infrastructure.logger import write_video
    from gcb6206.runs.two_arm import film_episode

    config, *agents = trained(name, seed)
    with TwoArmVectorEnv(1, num_workers=0, **config["env_kwargs"]) as env:
        shown = [film_episode(env, agent, 0, FILM_STEPS) for agent in agents]
    return write_video(FILMS / f"{name}.mp4", np.concatenate(shown, axis=2), FPS)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m book.two_arm_figures", description=__doc__.split("\n")[0]
    )
    commands = parser.add_subparsers(required=True, dest="command")
    commands.add_parser("players", help="let scripted players play")
    commands.add_parser("picture", help="draw how an episode begins and ends")
    commands.add_parser("evaluate", help="play 50 episodes with each seed's arms").add_argument("name")
    filmed = commands.add_parser("film", help="film a recorded run's arms")
    filmed.add_argument("name", help="of the recorded run")
    filmed.add_argument("seed", type=int)
    args = parser.parse_args()
    if args.command == "film":
        print(film(args.name, args.seed))
    elif args.command == "evaluate":
        print(evaluate(args.name))
    else:
        print({"players": measure_players, "picture": picture}[args.command]())


if __name__ == "__main__":
    sys.exit(main())
