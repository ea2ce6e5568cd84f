"""The tables and figures of the page on speed, from the recorded ``book/results/bench/bench.json``."""

from __future__ import annotations

import functools
import json

import matplotlib.pyplot as plt
from IPython.display import Markdown

from book.figures import COLOURS, RESULTS

FAR = 3.0  # times: what is further than this from its limit needs a reason
TITLES = {
    "autograde": "grading a class",
    "dqn_atari": "DQN, BankHeist",
    "dqn_cartpole": "DQN, CartPole",
    "ppo_cartpole": "PPO, CartPole",
    "realm": "treasure hunt, games alone",
    "realm_roles": "treasure hunt, training",
    "roarm": "RoArm, pick and place",
    "two_arm": "two arms, state",
    "vla": "two arms, model from pictures",
    "vmas_navigation": "MAPPO, navigation",
    "vmas_scaling": "many teams, collecting",
}
WHY = {  # of benchmarks that may be far from their limit; the page shows those that are
    "autograde": "The limit is the judges alone. It leaves out kernels, the students' own cells and the pages.",
    "dqn_atari": "The limit spreads all work over all cores without a gap. In our loop one thread learns while the "
    "games step, so the slower of the two decides. The clocks are those of an update.",
    "dqn_cartpole": "The limit counts each call at its cheapest. It leaves out the Python code between the calls.",
    "ppo_cartpole": "The limit counts each call at its cheapest. It leaves out the Python code between the calls.",
    "realm": "The limit counts only the bytes of an observation. It leaves out the rules and new maps.",
    "realm_roles": "The limit counts arithmetic and bytes, and all numbers are moved once. It leaves out the rules and "
    "new maps, and every pass over the numbers between two products.",
    "roarm": "The limit is the physics of one arm that stays in one place. It leaves out rewards and new episodes.",
    "two_arm": "The limit leaves out the controllers. They solve equations for both arms in each of the 25 substeps.",
    "vla": "The limit counts products alone. It leaves out all other passes over the tokens.",
    "vmas_navigation": "Between two products of a minibatch stand the densities, the losses and the optimiser.",
    "vmas_scaling": "The limit is the world and the products. It leaves out noise, bounds and the batch that is kept.",
}
LABELS = {
    "batch": "transitions in a batch",
    "width": "units of a hidden layer",
    "environments": "environments side by side",
}


QUIET = 1.0  # the load at the beginning above which a record warns its readers


@functools.cache
def recorded() -> dict:
    """The record."""
    return json.loads((RESULTS / "bench" / "bench.json").read_text(encoding="utf-8"))


def rate(value: float) -> str:
    """A rate with the digits that mean something."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table() -> Markdown:
    """Ours, each peer, their ratio with its spread, the limit, and how far it is."""
    lines = ["| benchmark | ours | peer | ours / peer | limit | limit / ours |", "|---|---|---|---|---|---|"]
    for name, row in recorded()["benchmarks"].items():
        limit, further = (
            (rate(row["limit"]["rate"]), f"{row['limit']['further']:.1f}") if row["limit"] else ("", "")
        )
        beside = [
            (f"{peer}: {rate(of['rate'])}", f"{of['median']:.2f} ({of['min']:.2f} to {of['max']:.2f})")
            for peer, of in row["peers"].items()
        ]
        peers, ratios = ("<br>".join(column) for column in zip(*(beside or [("none", "")])))
        cells = (TITLES[name], f"{rate(row['ours'])} {row['unit']}", peers, ratios, limit, further)
        lines.append(f"| {' | '.join(cells)} |")
    missing = "\n".join(f"- {peer}: {why}." for peer, why in recorded()["not_measured"].items())
    return Markdown(_warning() + "\n".join(lines) + (f"\n\nNot measured:\n\n{missing}" if missing else ""))


def _warning() -> str:
    """What readers have to know of a record that no quiet machine made; nothing of one that was."""
    about = recorded()
    if not about["smallest"] and about["load"] <= QUIET:
        return ""
    how = "with tiny sizes, " if about["smallest"] else ""
    return (
        f"**This table was recorded {how}at a load of {about['load']:.1f}.** Other programs took much of the time. Take "
        "it as a sample of its form, and measure your own machine.\n\n"
    )


def note() -> Markdown:
    """Below the plots of growth: that their points jump, where the machine was busy."""
    return Markdown("**The points were taken on a busy machine, and jump.**" if _warning() else "")


def source() -> Markdown:
    """Where and when the record was made, and the command that makes it again."""
    about = recorded()
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    return Markdown(
        f"Recorded on {about['date']} at commit `{about['commit']}`: {about['hardware']}, "
        f"{about['wall_seconds'] / 60:.0f} minutes, load {about['load']:.1f} at the beginning. Python "
        f"{about['python']}, {versions}.\n\n```bash\nmake results NAME=bench{' ARGS=--smallest' if about['smallest'] else ''}\n```"
    )


def chart() -> None:
    """Of each benchmark: ours, its peers and the limit, as multiples of ours."""
    rows = {name: row for name, row in recorded()["benchmarks"].items() if "ours" in row}
    _, ax = plt.subplots(figsize=(7.6, 0.42 * len(rows) + 1.2))
    for height, row in enumerate(rows.values()):
        ends = [of["rate"] / row["ours"] for of in row["peers"].values()]
        limit = row["limit"]["further"] if row["limit"] else 1.0
        ax.plot([min([*ends, 1.0]), max(limit, 1.0)], [height, height], color="0.8", zorder=0)
        ax.scatter(ends, [height] * len(ends), marker="s", s=34, color=COLOURS[1], label="peer")
        ax.scatter([1.0], [height], s=40, color=COLOURS[0], label="ours")
        if row["limit"]:
            ax.scatter([limit], [height], marker="|", s=160, color="black", label="limit")
    ax.set_xscale("log")
    ticks = [0.1, 0.3, 1, 3, 10, 30, 100]
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.set_yticks(range(len(rows)), [TITLES[name] for name in rows])
    ax.invert_yaxis()
    ax.set_xlabel("rate, ours = 1")
    handles = dict(zip(*reversed(ax.get_legend_handles_labels())))
    ax.legend(handles.values(), handles.keys(), loc="upper center", bbox_to_anchor=(0.5, 1.14), ncol=3)


def far() -> dict[str, dict]:
    """The benchmarks further than ``FAR`` from their limit."""
    rows = recorded()["benchmarks"]
    return {name: row for name, row in rows.items() if row["limit"] and row["limit"]["further"] > FAR}


def reasons() -> Markdown:
    """Of each that is far from its limit: how far, why, and where its time goes."""
    said = []
    for name, row in far().items():
        parts = ", ".join(f"{part} {share:.0%}" for part, share in row["parts"].items() if share >= 0.005)
        parts = parts or f"what the limit counts {1 / row['limit']['further']:.0%}"
        counted = ""
        if row.get("operations"):
            cheapest = min(recorded()["machine"]["calls"].values())
            counted = (
                f" Learning calls PyTorch {row['operations']:.3g} times per unit; the limit counts "
                f"{row['limit']['calls']:.3g} calls of {1e6 * cheapest:.2g} µs."
            )
        said.append(
            f"**{TITLES[name]}**, {row['limit']['further']:.1f} times. {WHY[name]}{counted} *Measured:* {parts}."
        )
    return Markdown(_warning() + ("\n\n".join(said) or "None is further away than that."))


def machine() -> Markdown:
    """What this machine can do, where the benchmarks use it."""
    about = recorded()["machine"]
    lines = ["| what | measured |", "|---|---|"]
    products = about["products"]
    ordered = sorted(products, key=lambda name: -products[name]["flops"] / products[name]["seconds"])
    shown = [*ordered[:3], *ordered[-3:]]
    for name in dict.fromkeys(shown):
        speed = products[name]["flops"] / products[name]["seconds"] / 1e9
        lines.append(f"| product {name} | {speed:,.3g} GFLOP/s |")
    for threads, copies in about["bytes"].items():
        for name, speed in copies.items():
            lines.append(f"| a copy in the {name}, {threads} | {speed / 1e9:.3g} GB/s |")
    for name, seconds in about["calls"].items():
        title = name if " " in name else f"a call: {name}"
        lines.append(f"| {title} | {seconds * 1e6:.2g} µs |")
    return Markdown("\n".join(lines))


def parts_of_limits() -> Markdown:
    """What each limit consists of, in microseconds of one step."""
    lines = [
        "| benchmark | MFLOP | products | memory | calls | world | limit |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in recorded()["benchmarks"].items():
        if row["limit"] and "seconds" in row["limit"]:
            spent = [f"{1e6 * s:,.3g}" for s in row["limit"]["seconds"].values()]
            lines.append(f"| {TITLES[name]} | {row['limit']['flops'] / 1e6:,.3g} | {' | '.join(spent)} |")
    return Markdown("\n".join(lines))


def growth() -> None:
    """Cost against batch, width and environments, ours and the limit, both axes logarithmic."""
    series = recorded()["growth"]
    _, axes = plt.subplots(1, len(series), figsize=(9.4, 3.1))
    for ax, (name, points) in zip(axes, series.items()):
        numbers = [point["number"] for point in points]
        for key, colour, style in (("ours", COLOURS[0], "o-"), ("limit", "black", "|--")):
            ax.plot(numbers, [1e3 * point[key] for point in points], style, color=colour, label=key)
        ax.set(xscale="log", yscale="log", xlabel=LABELS[name])
        ax.minorticks_off()
        ax.set_xticks(numbers, [f"{number:,}" for number in numbers])
    axes[0].set_ylabel("ms")
    axes[0].legend()


def times(series: str, first: int, last: int, key: str = "ours") -> float:
    """How many times the cost at one number is that at another."""
    cost = {point["number"]: point[key] for point in recorded()["growth"][series]}
    return cost[last] / cost[first]


def numbers() -> dict[str, str]:
    """What the page's sentences quote."""
    return {
        "batch_times": f"{times('batch', 32, 128):.1f}",
        "batch_far": f"{times('batch', 32, 2048):.0f}",
        "width_times": f"{times('width', 16, 64):.1f}",
        "width_far": f"{times('width', 64, 1024):.0f}",
        "environments_times": f"{times('environments', 6, 600):.1f}",
        "far": str(len(far())),
        "limits": str(sum(bool(row["limit"]) for row in recorded()["benchmarks"].values())),
        "products": f"{recorded()['benchmarks']['dqn_cartpole']['parts']['products and tanh']:.0%}",
    }
