"""The pages about distributed training: their moving picture, and the figures in their sentences."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from book import figures, realm_figures
from gcb6206.env_configs.realm_config import RealmDistributedConfig
from gcb6206.envs.realm import heuristics, planner
from gcb6206.envs.realm.env import draw_layouts
from gcb6206.envs.realm.options import RealmOptions
from gcb6206.envs.realm.rewards import TERMS
from gcb6206.infrastructure.distributed.throughput import predicted
from gcb6206.runs.realm import make_eval_games, play_episodes, share

ROOT = Path(__file__).resolve().parents[1]
STATIC = ROOT / "book" / "_static"
sys.path[:0] = [str(ROOT)]


@pytest.fixture
def tab(browser, tmp_path):
    """A page with the widget; errors of its scripts fail the test."""
    scripts = "".join(
        f"<script>{(STATIC / name).read_text(encoding='utf-8')}</script>"
        for name in ("figure.js", "actor-learner.js")
    )
    file = tmp_path / "page.html"
    style = (STATIC / "course.css").read_text(encoding="utf-8")
    file.write_text(
        f'<meta charset="utf-8"><style>{style}</style>{scripts}<article><div data-widget="actor-learner"></div></article>',
        encoding="utf-8",
    )
    page, trouble = browser.new_page(), []
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.goto(file.as_uri())
    yield page
    assert trouble == []
    page.close()


def simulated(tab, **settings):
    """A minute of the simulation: its last state, and the clipped part of its ratios."""
    settings = {"acting": 4, "learning": 2, "publish": 1, "reuse": 1, "wait": False, **settings}
    return tab.evaluate(
        """(settings) => {
          const { begin, advance, clipped } = course.actorLearner, random = course.generator(1);
          const state = advance(begin(settings), 60, random);
          const mean = state.lags.reduce((a, b) => a + b, 0) / state.lags.length;
          return { ...state, mean, most: Math.max(...state.lags), part: clipped(state.lags, 0.2, random).part };
        }""",
        settings,
    )


def test_lag_and_clipping_grow_with_rare_publication_and_with_reuse(tab):
    lags = [simulated(tab, publish=publish) for publish in (1, 5, 20)]
    assert lags[0]["mean"] < lags[1]["mean"] < lags[2]["mean"]
    assert lags[0]["part"] < lags[2]["part"] and lags[0]["part"] < 0.05
    reused = simulated(tab, reuse=4, learning=8)
    assert reused["mean"] > 2 * lags[0]["mean"]


def test_a_late_learner_wastes_most_trajectories_unless_the_workers_wait(tab):
    free = simulated(tab, acting=20, learning=0.5)
    waiting = simulated(tab, acting=20, learning=0.5, wait=True)
    assert free["lost"] > 0.8 * free["inserted"]
    assert waiting["lost"] < 0.4 * waiting["inserted"]  # by the luck of uniform draws
    assert free["inserted"] > 5 * waiting["inserted"]
    assert waiting["inserted"] == pytest.approx(4 * waiting["version"], abs=12)


def test_samples_for_each_trajectory_are_what_was_asked_where_the_learner_keeps_up(tab):
    state = simulated(tab, reuse=2, learning=8)
    assert 4 * state["version"] / state["inserted"] == pytest.approx(2, rel=0.05)


def test_the_sliders_and_the_clock_move_the_picture(tab):
    canvas = tab.locator("canvas")
    before = float(canvas.get_attribute("data-lag"))
    tab.get_by_label("trainings until weights are published").fill("20")
    assert float(canvas.get_attribute("data-lag")) > before
    told = tab.locator("[aria-live]").inner_text()
    assert "outside the clip range" in told and "After 60 seconds" in told
    tab.get_by_role("button", name="play").click()
    tab.wait_for_function(
        "() => !document.querySelector('[aria-live]').textContent.includes('After 60 seconds')"
    )
    tab.get_by_role("button", name="pause").click()
    tab.get_by_role("button", name="workers do not wait").click()
    assert (
        tab.get_by_role("button", name="workers wait for the learner").get_attribute("aria-pressed") == "true"
    )


# --- the notes, version by version

NOTES = (ROOT / "book" / "realm" / "notes.md").read_text(encoding="utf-8")


def test_the_notes_settings_of_the_buffer_are_the_defaults():
    values = yaml.safe_load(re.search(r"^notes = (\{.*?\})$", NOTES, re.S | re.M)[1])
    assert len(values) == 7
    assert values == {name: getattr(RealmDistributedConfig(), name) for name in values}


def test_every_name_of_the_versions_is_a_setting_or_a_reward():
    rows = re.findall(r"^\| (?:[\d.]+|16 August).*\|([^|]*)\|$", NOTES, re.M)
    names = set(re.findall(r"`(\w+)", " ".join(rows)))
    known = (
        set(RealmDistributedConfig.__dataclass_fields__) | set(RealmOptions.__dataclass_fields__) | set(TERMS)
    )
    assert len(rows) == 9 and len(names) > 8 and names <= known


def test_each_case_shows_its_recorded_runs_and_the_command_that_made_them():
    page = (ROOT / "book" / "realm" / "cases.md").read_text(encoding="utf-8")
    described = yaml.safe_load((ROOT / "book" / "results" / "results.yaml").read_text(encoding="utf-8"))
    cases = {name for name in described if name.startswith("realm_case")}
    assert len(cases) == 9 and set(re.findall(r'"(realm_case\w*)"', page)) == cases
    commands = re.findall(r"^python -m gcb6206.scripts.train_realm (.*) --solutions$", page, re.M)
    made = {re.sub(r" -ei .*", "", described[name]["command"]) for name in cases}
    assert set(commands) <= made and len(commands) >= 7


# --- the game, and what distribution costs


def test_the_nearest_treasure_is_nearly_as_good_as_the_plan_and_the_plan_nearly_at_the_bound():
    options = RealmOptions(size=64, num_maps=None)
    layouts = draw_layouts(6, seed=0, size=64, num_maps=None)
    planned = [planner.plan(layout, options) for layout in layouts]
    score = np.mean([plan.score for plan in planned])
    nearest = heuristics.play(heuristics.deal(layouts, options), heuristics.nearest, options.max_step).mean()
    bound = np.mean([planner.upper_bound(layout, options) for layout in layouts])
    assert 0.95 < nearest / score < 1 and 0.99 < score / bound <= 1
    assert np.mean([len(plan.actions) for plan in planned]) == pytest.approx(100, abs=15)


def test_the_learner_decides_and_leaves_fourteen_of_sixteen_cores_idle():
    page = (ROOT / "book" / "realm" / "distributed.md").read_text(encoding="utf-8")
    file = ROOT / "book" / "results" / "realm_costs" / "costs.json"
    costs = json.loads(file.read_text(encoding="utf-8"))["costs"]
    assert costs["sample"] > costs["step"] + costs["prediction"]
    one, two, sixteen = (predicted(costs, cores) for cores in (1, 2, 16))
    assert 1.8 < two["steps"] / one["steps"] < 2 and sixteen == two
    assert round(16 - sixteen["workers"] - sixteen["learner"]) == 14
    bytes_a_step, per_second = (
        int(x.replace(",", ""))
        for x in re.search(r"at ([\d,]+) bytes.*?carries\s+([\d,]+)", page, re.S).groups()
    )
    assert bytes_a_step == pytest.approx(costs["bytes_a_step"], rel=0.01)
    assert per_second == pytest.approx(10e9 / 8 / bytes_a_step, rel=0.01)


# --- what recorded runs show


def last(name, tag):
    """A tag's last value of each seed, in rising order."""
    found = [curve[tag][1][-1] for curve in figures.curves(name).values()]
    assert len(found) >= 3
    return sorted(found)


def test_each_agent_reaches_nine_tenths_of_the_planner_on_maps_that_nobody_trained_on():
    assert " -neval 200 " in figures.record("realm_fresh")["command"]
    assert last("realm_fresh", "eval/of_planner")[0] > 0.9


def test_longer_trainings_on_large_maps_and_dqn_come_to_what_the_text_says():
    parts = {name: [round(100 * part) for part in last(name, "eval/of_planner")][::2]
             for name in ("realm_fresh", "realm_fresh_128", "realm_fresh_128_long", "realm_fresh_dqn")}  # fmt: skip
    assert parts == {"realm_fresh": [92, 94], "realm_fresh_128": [72, 77], "realm_fresh_128_long": [81, 88],
                     "realm_fresh_dqn": [78, 88]}  # fmt: skip
    assert [round(n, 1) for n in last("realm_fresh_128_long", "eval/treasures")] == [12.9, 12.9, 12.9]
    ended = [round(100 * part) for part in last("realm_fresh_128_long", "eval/is_success")]
    assert (100 - ended[-1], 100 - ended[0]) == (8, 15)
    early = {name: [curve["eval/of_planner"][1][0] for curve in figures.curves(name).values()]
             for name in ("realm_fresh", "realm_fresh_dqn")}  # fmt: skip
    early = {name: (round(100 * min(parts)), round(100 * max(parts))) for name, parts in early.items()}
    assert early == {"realm_fresh": (70, 73), "realm_fresh_dqn": (19, 37)}


def test_the_cases_show_what_the_chapter_says():
    usual, hurried = ({tag: last(name, f"eval/{tag}") for tag in ("treasures", "steps", "of_planner", "is_success")}
                      for name in ("realm_case", "realm_case_penalty"))  # fmt: skip
    assert [round(steps) for steps in hurried["steps"][:2]] == [41, 47]
    assert (round(usual["steps"][0]), round(usual["steps"][-1])) == (139, 195)
    assert max(hurried["treasures"][:2]) < usual["treasures"][0]
    assert hurried["of_planner"][1] > usual["of_planner"][-1]
    assert (usual["is_success"][0], usual["is_success"][-1]) == (0.06, 0.54)
    ratios = [
        last(name, "train/importance_ratio_max") for name in ("realm_case_roles", "realm_case_recomputed")
    ]
    assert ratios[0][0] > 1.1 and ratios[1] == [1, 1, 1]
    taken = [last(name, "eval/treasures") for name in ("realm_case_roles", "realm_case_recomputed")]
    assert [round(n, 1) for n in (*taken[1][::2], *taken[0][::2])] == [0.4, 0.9, 1.5, 1.8]
    assert (
        last("realm_case_unscaled", "train/value_loss")[0] > 1000 * last("realm_case", "train/value_loss")[-1]
    )
    large, small = (last(f"realm_case_{size}_steps", "eval/of_planner") for size in ("large", "small"))
    assert large[0] > last("realm_case", "eval/of_planner")[-1] > small[-1]
    assert last("realm_case_small_steps", "train/approx_kl")[-1] < 1e-5
    moved = {name: sorted(round(float(curve["train/approx_kl"][1].mean()), 3) for curve in figures.curves(name).values())
             for name in ("realm_case", "realm_case_unscaled")}  # fmt: skip
    assert moved["realm_case"][-1] <= 0.005 and (moved["realm_case_unscaled"][0], moved["realm_case_unscaled"][-1]) == (
        0.013, 0.042)  # fmt: skip
    for tag in ("eval/of_planner", "train/explained_variance"):  # the ranges overlap
        assert last("realm_case_unscaled", tag)[-1] > last("realm_case", tag)[0]
        assert last("realm_case", tag)[-1] > last("realm_case_unscaled", tag)[0]
    third = last("realm_case_penalty", "eval/of_planner")[0]
    assert round(third, 2) == 0.02 and usual["of_planner"][0] > third
    assert [round(part, 2) for part in last("realm_case_start", "eval/of_planner")] == [0.0, 0.01, 0.61]
    curriculum = last("realm_case_treasures", "eval/of_planner")
    assert [round(part, 2) for part in curriculum] == [0.0, 0.0, 0.1]
    assert [round(part, 2) for part in usual["of_planner"]] == [0.04, 0.05, 0.29]
    assert curriculum[-1] > usual["of_planner"][0]  # the ranges overlap
    seconds = [seed["wall_seconds"] for name in yaml.safe_load((ROOT / "book/results/results.yaml").read_text())
               if name.startswith("realm_case") for seed in figures.record(name)["seeds"].values()]  # fmt: skip
    assert (round(min(seconds)), round(max(seconds))) == (23, 135)


def test_the_tables_of_players_hold_what_the_text_says():
    sizes = json.loads(realm_figures.PLAYERS.read_text(encoding="utf-8"))["sizes"]
    agents = {
        size: [found for name, found in players.items() if name.startswith("agent")]
        for size, players in sizes.items()
    }

    def spread(size, kind, figure="of_planner"):
        found = [100 * each[figure] for name, each in sizes[size].items() if name.startswith(kind)]
        return len(found), round(min(found)), round(max(found))

    assert spread("64", "the notes") == (3, 27, 33)
    assert spread("128", "trained at 128") == (3, 81, 86) and spread("64", "trained at 128") == (3, 17, 33)
    parts = {
        size: sorted(round(100 * found["of_planner"]) for found in each) for size, each in agents.items()
    }
    assert (parts["64"][0], parts["64"][-1]) == (90, 94) and (parts["128"][0], parts["128"][-1]) == (53, 70)
    assert round(100 * sizes["64"]["nearest treasure"]["of_planner"]) == 98
    ended = sorted(round(100 * found["ended"]) for found in agents["128"])
    assert (ended[0], ended[-1]) == (66, 85)
    assert "seed 3" in realm_figures.players_table(64).data


@pytest.mark.slow
def test_a_recorded_agent_plays_as_it_did():
    config, agent = realm_figures.trained(2)
    env = make_eval_games(config, 20)
    observation, _ = env.reset(seed=5)
    layouts = [env.games.layout(i) for i in range(20)]
    planned = np.array([planner.plan(layout, env.options).score for layout in layouts])
    assert share(play_episodes(env, agent, observation, False)["score"], planned)[0] > 0.75
