"""The recorded games of the treasure hunt in the book: true to the rules, and drawn as they were recorded."""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
STATIC = ROOT / "book" / "_static"
sys.path[:0] = [str(ROOT)]

from book import realm_figures  # noqa: E402
from gcb6206.envs.realm import heuristics  # noqa: E402
from gcb6206.envs.realm.env import NEW_MAPS  # noqa: E402
from gcb6206.envs.realm.game import Layout, score  # noqa: E402
from gcb6206.envs.realm.maps import CELL, make_map  # noqa: E402
from gcb6206.envs.realm.options import RealmOptions  # noqa: E402
from gcb6206.envs.realm.render import in_view  # noqa: E402
from gcb6206.runs import team_replay  # noqa: E402

GAMES = {game["size"]: game for game in realm_figures.plays()}
NAMES = list(GAMES[64]["plays"])
EVERY = [(size, name) for size, game in GAMES.items() for name in game["plays"]]


def path_of(play) -> np.ndarray:
    """A recorded path ``(steps + 1, 2)`` in units."""
    count = len(play["actions"]) + 1
    tracks = [team_replay.unpack(track, count) for track in play["path"]]
    return np.round(np.transpose(tracks) * team_replay.UNIT).astype(int)


def by_the_rules(game, actions) -> dict:
    """What the game itself makes of actions, told by its events."""
    layout = Layout(
        make_map(game["map_seed"], game["size"]), game["start"], game["end"], tuple(game["treasures"])
    )
    options = RealmOptions(
        max_step=game["max_step"],
        flash_cooldown=game["flash_cooldown"],
        buff_duration=game["buff_duration"],
    )
    games = heuristics.deal([layout], options)
    path, taken, buff, flashes, ended, earned = [games.position[0].copy()], {}, None, [], False, 0.0
    for step, digit in enumerate(actions, 1):
        assert not ended and step <= game["max_step"]  # nobody plays on after the end
        left = set(np.flatnonzero(games.present[0]))
        events = games.advance(np.array([int(digit, 16)]), np.ones(1, bool))
        path.append(games.position[0].copy())
        taken |= {str(site): step for site in left - set(np.flatnonzero(games.present[0]))}
        buff = step if events.buff[0] else buff
        flashes += [step] if events.flashed[0] else []
        ended, earned = bool(events.ended[0]), float(events.score[0])
    return {
        "path": np.array(path).tolist(), "taken": taken, "buff": buff, "flashes": flashes, "ended": ended,
        "score": round(earned, 1),
    }  # fmt: skip


def untrue(game, play) -> list[str]:
    """What of a recorded game is not as the rules have it."""
    found = by_the_rules(game, play["actions"])
    told = {**play, "path": path_of(play).tolist()}
    return [name for name, value in found.items() if value != told[name]]


@pytest.mark.parametrize("size, name", EVERY)
def test_the_rules_make_of_the_actions_what_is_recorded(size, name):
    game = GAMES[size]
    play = game["plays"][name]
    assert untrue(game, play) == []
    assert play["ended"] or (len(play["actions"]) == game["max_step"] and play["score"] == 0)


@pytest.mark.parametrize("field", ["path", "taken", "buff", "flashes", "ended", "score"])
def test_an_invented_number_is_noticed(field):
    play = copy.deepcopy(GAMES[64]["plays"]["planner"])
    if field == "path":
        play["path"][0][7] += 1
    elif field == "taken":
        play["taken"][next(iter(play["taken"]))] += 1
    else:
        play[field] = {"buff": play["buff"] + 1, "flashes": [], "ended": False, "score": play["score"] + 0.2}[
            field
        ]
    assert untrue(GAMES[64], play) == [field]


def test_an_action_that_was_not_played_is_noticed():
    play = copy.deepcopy(GAMES[64]["plays"]["planner"])
    play["actions"] = play["actions"][0] + "0" + play["actions"][2:-1] + "0"
    assert "path" in untrue(GAMES[64], play)


@pytest.mark.slow
@pytest.mark.parametrize("size", GAMES)
def test_every_player_would_act_again_as_recorded(solved, size):
    env = realm_figures.plays_env(size)
    layout, game = env.games.layout(0), GAMES[size]
    assert (layout.start, layout.end, list(layout.treasures)) == (
        game["start"], game["end"], game["treasures"])  # fmt: skip
    assert layout.map is make_map(game["map_seed"], size)
    assert game["map_seed"] < NEW_MAPS  # the agents were trained on maps from there on only
    acts = realm_figures.players(layout, env.options)
    assert list(acts) == list(game["plays"])
    for name, act in acts.items():
        recorded, same = game["plays"][name]["actions"], []

        def forced(games, observation, act=act, recorded=recorded, same=same):
            action = int(recorded[games.steps[0]], 16)
            same.append(int(act(games, observation)[0]) == action)
            return action

        realm_figures.play(env, forced)
        assert len(same) == len(recorded)
        assert np.mean(same) == 1 or ("agent" in name and np.mean(same) > 0.98)  # rounding may break a tie


def test_the_page_stays_small():
    assert realm_figures.PLAYS.stat().st_size < 100_000
    assert len(realm_figures.plays_viewer().data) < 120_000


def test_what_is_not_recorded_is_not_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(realm_figures, "PLAYS", tmp_path / "plays.json")
    assert "data-widget" not in realm_figures.plays_viewer().data


# --- what the page says of the games


def test_the_numbers_of_the_text():
    small, large = (GAMES[size]["plays"] for size in (64, 128))
    planned, first = small["planner"], small["agent, seed 1"]
    assert (len(planned["actions"]), len(first["actions"])) == (95, 191)
    assert len(planned["taken"]) == len(first["taken"]) == 13
    assert (planned["score"], round(planned["score"] - first["score"], 1)) == (1831, 19.2)
    assert (planned["flashes"], large["planner"]["flashes"]) == ([76], [238])
    agents = [plays[f"agent, seed {seed}"] for plays in (small, large) for seed in (1, 2, 3)]
    assert all(play["flashes"][0] == 1 for play in agents)
    assert [bool((path_of(play)[0] == path_of(play)[1]).all()) for play in agents].count(True) == 2
    assert [len(large[f"agent, seed {seed}"]["taken"]) for seed in (1, 2, 3)] == [10, 2, 8]
    assert all(large[f"agent, seed {seed}"]["ended"] for seed in (1, 2, 3))
    assert len(large["agent, seed 2"]["actions"]) == 73
    assert (len(small["random"]["taken"]), len(small["random"]["actions"])) == (4, 1459)
    assert not large["random"]["ended"] and len(large["random"]["actions"]) == 2000
    assert "| 64 | planner | 13 | 95 | 1 | step 44 | 1831.0 |" in realm_figures.plays_table().data


# --- in a browser


@pytest.fixture
def shown(open_widget):
    """Opens a page with the widget."""

    def open_page(old="", new="", **media):
        names = ("figure.js", "team-replay.js", "realm-replay.js")
        sources = [(STATIC / name).read_text(encoding="utf-8") for name in names]
        assert old in sources[2]
        sources[2] = sources[2].replace(old, new) if old else sources[2]
        return open_widget(sources, realm_figures.plays_viewer().data, **media)

    return open_page


def drawn(tab):
    """What the picture says that it shows."""
    return tab.locator("canvas").evaluate("canvas => ({ ...canvas.dataset })")


def go(tab, step):
    tab.get_by_label("step", exact=True).fill(str(step))


def look(tab, size, eyes, players=()):
    """Choose a map, whose fog is shown, and who else is drawn."""
    tab.get_by_label("map", exact=True).select_option(f"{size} by {size} cells")
    tab.get_by_label(f"see what {eyes} saw").check()
    for name in NAMES:
        tab.get_by_label(f"show {name}").set_checked(name in players or name == eyes)


def pixels(tab, places):
    """The colours of the picture at places in units ``[(x, y)]``, each ``(red, green, blue, alpha)``."""
    return tab.locator("canvas").evaluate(
        """(canvas, places) => {
          const pen = canvas.getContext("2d"), scale = canvas.dataset.scale * (window.devicePixelRatio || 1) / 1000;
          return places.map(([x, y]) => [...pen.getImageData(
            Math.floor(x * scale), Math.floor(canvas.height - y * scale), 1, 1).data]);
        }""",
        [[int(x), int(y)] for x, y in places],
    )


def ground(realm, path):
    """Some cells ``(n, 2)`` over which nothing is drawn."""
    cells = np.random.default_rng(len(path)).integers(0, realm.size, (300, 2))
    along = np.linspace(path[:-1], path[1:], 12).reshape(-1, 2)  # of a flash too
    things = np.concatenate([along, realm.places, path[-1:]])
    gaps = np.abs(things[:, None] - (cells * CELL + CELL // 2)).max(axis=2).min(axis=0)
    return cells[gaps > 1600]


def rows(tab):
    """The table below the picture: for each player step, treasures and score as shown."""
    cells = tab.locator("tbody tr").evaluate_all(
        "all => all.map(r => [...r.cells].slice(2).map(c => c.innerText))"
    )
    return dict(zip(NAMES, cells, strict=True))


def wrong(tab, size, eyes, step) -> list[str]:
    """What the widget shows of a step otherwise than it was recorded."""
    go(tab, step)
    game, said, table, found = GAMES[size], drawn(tab), rows(tab), []
    places = json.loads(said["places"])
    for name, play in game["plays"].items():
        t, path = min(step, len(play["actions"])), path_of(play)
        if np.abs(np.array(places[name]) * team_replay.UNIT - path[t]).max() > 0.5:
            found.append(f"place of {name}")
        taken = sum(when <= t for when in play["taken"].values())
        over = step >= len(play["actions"])
        earned = play["score"] if over else score(taken, step, game["max_step"])
        words = f"{t:,}{(' (end)' if play['ended'] else ' (too late)') if over else ''}"
        if table[name] != [words, str(taken), f"{earned:,.1f}"]:
            found.append(f"table of {name}: {table[name]}")
    who, realm = game["plays"][eyes], make_map(game["map_seed"], size)
    path = path_of(who)[: step + 1]
    fog = ~in_view(path, size)
    if int(said["seen"]) != (~fog).sum():
        found.append(f"fog: {said['seen']} cells seen, not {(~fog).sum()}")
    cells = ground(realm, path)
    told = [(pixel[0] < 90, pixel[0] not in (52, 226)) for pixel in pixels(tab, cells * CELL + CELL // 2)]
    if told != [(bool(realm.walls[x, y]), bool(fog[x, y])) for x, y in cells]:
        found.append("ground")
    sites = [site for site in game["treasures"] if np.abs(path[-1] - realm.places[site]).max() > 4000]
    for site, pixel in zip(sites, pixels(tab, realm.places[sites])):
        gold = np.abs(np.array(pixel[:3]) - (0xF0, 0xB4, 0)).max() < 8
        if gold != (who["taken"].get(str(site), 10**9) > step):
            found.append(f"treasure {site}")
    return found


@pytest.mark.parametrize("size", GAMES)
def test_the_picture_is_what_was_recorded(shown, size):
    tab = shown()
    for eyes in ("agent, seed 1", "planner", "random"):
        look(tab, size, eyes)
        steps = len(GAMES[size]["plays"][eyes]["actions"])
        for step in sorted({0, 1, 20, steps // 2, steps - 1, steps}):
            assert wrong(tab, size, eyes, step) == []


@pytest.mark.parametrize(
    "old, new",
    [
        ("Math.min(step, who.steps)", "Math.max(0, Math.min(step, who.steps) - 1)"),
        ("who.taken[site] <= step)", "who.taken[site] < step)"),
        ("x - reach)", "x - reach + 1)"),
        ("(size - 1 - y) * size + x", "y * size + x"),
        ("? who.score :", "? 0 :"),
        ("end + step *", "step *"),
        ('taken.includes(String(site)) ? "" : TREASURE', "TREASURE"),
        ("<= state.step ? 1 : FOG", "<= state.step ? FOG : 1"),
        ("side - py * scale", "py * scale"),
    ],
)
def test_a_wrong_picture_is_noticed(shown, old, new):
    tab = shown(old, new)
    look(tab, 128, "agent, seed 1")
    taken = min(GAMES[128]["plays"]["agent, seed 1"]["taken"].values())
    assert any(wrong(tab, 128, "agent, seed 1", step) for step in (taken, 300, 700))


def test_the_score_at_the_end_is_the_recorded_one(shown):
    tab = shown()
    for size, game in GAMES.items():
        look(tab, size, "planner", NAMES)
        go(tab, max(len(play["actions"]) for play in game["plays"].values()))
        for name, (_, taken, earned) in rows(tab).items():
            play = game["plays"][name]
            assert (float(earned.replace(",", "")), int(taken)) == (play["score"], len(play["taken"]))


def test_a_tick_shows_and_hides_a_players_way(shown):
    tab = shown()
    play = GAMES[64]["plays"]["tour"]
    places = path_of(play)[[5, 12, 15]]
    look(tab, 64, "random")
    go(tab, 50)
    without = pixels(tab, places)
    tab.get_by_label("show tour").check()
    with_way = pixels(tab, places)
    assert all(np.abs(np.array(p[:3]) - (0xD5, 0x5E, 0)).max() < 60 for p in with_way)
    assert "tour" in tab.locator("canvas").get_attribute("aria-label")
    tab.get_by_label("show tour").uncheck()
    assert pixels(tab, places) == without != with_way


def test_the_slider_is_as_long_as_the_longest_game_that_is_shown(shown):
    tab = shown()
    look(tab, 64, "planner", ["agent, seed 3"])
    time = tab.get_by_label("step", exact=True)
    assert time.get_attribute("max") == "279"
    go(tab, 200)
    tab.get_by_label("show agent, seed 3").uncheck()
    assert (time.get_attribute("max"), drawn(tab)["step"]) == ("95", "95")
    status = tab.locator("[data-widget] [aria-live]").inner_text()
    assert (
        status
        == "Step 95. Planner: 13 of 13 treasures. It reached the end after 95 steps. The score is 1,831.0."
    )


def test_words_tell_of_buff_and_flash(shown):
    tab = shown()
    look(tab, 64, "planner")
    status = tab.locator("[data-widget] [aria-live]")
    go(tab, 43)
    assert "buff" not in status.inner_text() and "A flash is possible" in status.inner_text()
    go(tab, 44)
    assert "The buff works for 50 more steps." in status.inner_text()
    go(tab, 76)
    assert "for 18 more steps. The next flash is possible in 599 steps." in status.inner_text()
    look(tab, 128, "random", [])
    go(tab, 2000)
    assert "It never reached the end in 2,000 steps. The score is 0." in status.inner_text()


def test_everything_works_by_keyboard(shown):
    tab = shown()
    look(tab, 64, "planner")
    tab.get_by_label("step", exact=True).focus()
    for key, step in {"ArrowRight": 1, "ArrowLeft": 0, "End": 95, "Home": 0}.items():
        tab.keyboard.press(key)
        assert drawn(tab)["step"] == str(step)
    tab.get_by_role("button", name="One step").focus()
    tab.keyboard.press("Enter")
    assert drawn(tab)["step"] == "1"
    tab.get_by_label("see what planner saw").focus()
    tab.keyboard.press("ArrowDown")
    assert drawn(tab)["eyes"] == "tour" and tab.get_by_label("show tour").is_checked()
    tab.get_by_label("show random").focus()
    tab.keyboard.press("Space")
    assert tab.get_by_label("step", exact=True).get_attribute("max") == "1459"


def test_it_plays_pauses_and_stops_at_the_end(shown):
    tab = shown()
    look(tab, 64, "planner")
    tab.get_by_label("speed", exact=True).select_option("5 steps a second")
    tab.get_by_role("button", name="Play").click()
    tab.wait_for_function("Number(document.querySelector('canvas').dataset.step) >= 2")
    tab.get_by_role("button", name="Pause").click()
    paused = drawn(tab)["step"]
    tab.wait_for_timeout(500)
    assert drawn(tab)["step"] == paused
    tab.get_by_label("speed", exact=True).select_option("320 steps a second")
    tab.get_by_role("button", name="Play").click()
    tab.get_by_role("button", name="Play").wait_for()
    assert drawn(tab)["step"] == "95"


def test_nothing_moves_for_those_who_want_no_motion(shown):
    tab = shown(reduced_motion="reduce")
    look(tab, 64, "planner")
    tab.get_by_role("button", name="Show the end").click()
    assert drawn(tab)["step"] == "95"


def test_the_widget_fits_a_phone_and_every_control_has_a_name(shown):
    tab = shown()
    tab.set_viewport_size({"width": 390, "height": 800})
    tab.reload()
    assert tab.evaluate("document.documentElement.scrollWidth") <= 391
    assert all(tab.locator("input, select").evaluate_all("all => all.map(e => e.ariaLabel)"))
    assert tab.locator("[data-widget]").get_attribute("data-ready") == "true"
