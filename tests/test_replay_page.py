"""The replays of teams in the book: the widget draws what is recorded, by mouse, by keyboard and on a phone."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from gcb6206.runs import team_replay

ROOT = Path(__file__).resolve().parents[1]
STATIC = ROOT / "book" / "_static"

sys.path[:0] = [str(ROOT)]

from book import figures  # noqa: E402

RECORDED = figures.replays()


def made_up():
    """Two agents, a bar that turns and a box that is pushed; the second episode ends early."""
    entities = [
        {"name": "bar", "agent": False, "colour": "#262626", "shape": "line", "length": 1.0},
        {"name": "box", "agent": False, "colour": "#bf4040", "shape": "box", "length": 0.4, "width": 0.2},
        {"name": "agent_0", "agent": True, "colour": "#387db8", "shape": "circle", "radius": 0.1},
        {"name": "agent_1", "agent": True, "colour": "#ff8000", "shape": "circle", "radius": 0.1},
    ]
    checkpoints = []
    for iteration, steps in ((0, 40), (5, 12)):
        t, nothing = np.arange(steps + 1), np.zeros(steps + 1)
        paths = [(nothing, nothing, 0.02 * t), (0.5 + 0.01 * t, nothing - 0.5, nothing),
                 (-0.6 + 0.02 * t, nothing + 0.4, nothing), (nothing + 0.7, 0.6 - 0.01 * t, nothing)]  # fmt: skip
        checkpoints.append({
            "iteration": iteration, "frames": 1000 * iteration, "mean_return": iteration - 1.5, "steps": steps,
            "return": team_replay.pack((-0.1 * t).tolist()),
            "poses": [[team_replay.pack(track.tolist()) for track in path] for path in paths],
        })  # fmt: skip
    return {
        "scenario": "made_up",
        "start": 3,
        "max_steps": 40,
        "entities": entities,
        "checkpoints": checkpoints,
    }


@pytest.fixture
def shown(open_widget, tmp_path, monkeypatch):
    """Opens a page with the widget and replays ``{name: replay}``."""

    def open_page(replays, old="", new="", **media):
        monkeypatch.setattr(figures, "RESULTS", tmp_path)
        for name, replay in replays.items():
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / team_replay.REPLAY).write_text(team_replay.text(replay))
            (tmp_path / name / "record.json").write_text(json.dumps({"about": f"About {name}"}))
        source = (STATIC / "team-replay.js").read_text(encoding="utf-8")
        assert old in source
        if old:
            source = source.replace(old, new)
        scripts = [(STATIC / "figure.js").read_text(encoding="utf-8"), source]
        return open_widget(scripts, figures.replay_viewer().data, **media)

    return open_page


def drawn(tab):
    """What the picture says that it shows."""
    return tab.locator("canvas").evaluate("canvas => ({ ...canvas.dataset })")


def go(tab, checkpoint, step):
    tab.get_by_label("training", exact=True).fill(str(checkpoint))
    tab.get_by_label("step", exact=True).fill(str(step))


def pixels(tab, places):
    """The colours of the picture at places of the world ``[(x, y)]``, each ``(red, green, blue, alpha)``."""
    return tab.locator("canvas").evaluate(
        """(canvas, places) => {
          const [left, top, scale] = JSON.parse(canvas.dataset.view), sharp = window.devicePixelRatio || 1;
          const pen = canvas.getContext("2d");
          return places.map(([x, y]) => [...pen.getImageData(
            Math.round((x - left) * scale * sharp), Math.round((top - y) * scale * sharp), 1, 1).data]);
        }""",
        places,
    )


def rgb(colour):
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def difference(tab, replay, checkpoint, step) -> float:
    """How far the widget's picture and words are from what is recorded of a step."""
    go(tab, checkpoint, step)
    recorded, said = replay["checkpoints"][checkpoint], drawn(tab)
    places = team_replay.tracks(recorded)[:, :, step]
    earned = sum(recorded["return"][: step + 1]) / 1000
    worst = max(
        np.abs(np.array(json.loads(said["poses"])) - places).max(), abs(float(said["return"]) - earned)
    )
    worst = max(worst, abs(int(said["step"]) - step), abs(int(said["iteration"]) - recorded["iteration"]))
    # the picture: every agent has its colour below its number, or in its centre where it is too small for one, if no
    # later one is there
    scale = json.loads(said["view"])[2]
    agents = [(e, p[:2]) for e, p in zip(replay["entities"], places) if e["agent"]]
    free = [
        (entity, place - [0, 0.7 * entity["radius"] * (entity["radius"] * scale >= 8)])
        for i, (entity, place) in enumerate(agents)
        if all(np.hypot(*(place - other)) > 2.5 * entity["radius"] for _, other in agents[i + 1 :])
    ]
    found = pixels(tab, [place.tolist() for _, place in free])
    for (entity, _), pixel in zip(free, found):
        worst = max(worst, np.abs(np.array(pixel[:3]) - rgb(entity["colour"])).max() / 255)
    return worst


CASES = {"made_up": made_up(), **RECORDED}


@pytest.mark.parametrize("name", CASES)
def test_the_picture_is_what_was_recorded(shown, name):
    replay = CASES[name]
    tab = shown({name: replay})
    for checkpoint, recorded in enumerate(replay["checkpoints"]):
        for step in {0, 1, recorded["steps"] // 2, recorded["steps"]}:
            assert difference(tab, replay, checkpoint, step) < 0.006


@pytest.mark.parametrize(
    "old, new",
    [
        ("(total += packed[i] || 0)", "(total = packed[i] || 0)"),
        ("values[step]))", "values[Math.max(0, step - 1)]))"),
        ("y = (v) => (view.top - v)", "y = (v) => (v - view.top + view.height / view.scale)"),
        ("pen.translate(x(px), y(py))", "pen.translate(x(py), y(px))"),
        ("state.at = v;", "state.at = 0;"),
        ("return: c.earned[step]", "return: c.earned[step] - c.earned[Math.max(0, step - 1)]"),
    ],
)
def test_a_wrong_picture_is_noticed(shown, old, new):
    tab = shown({"made_up": made_up()}, old, new)
    assert max(difference(tab, made_up(), checkpoint, 9) for checkpoint in (0, 1)) > 0.015


def test_bars_turn_and_boxes_are_pale(shown):
    tab = shown({"made_up": made_up()})
    go(tab, 0, 40)  # the bar stands at 0.8 rad
    tip = [0.45 * np.cos(0.8), 0.45 * np.sin(0.8)]
    bar, mirrored, box = pixels(tab, [tip, [tip[0], -tip[1]], [0.9, -0.45]])
    assert bar[3] == 255 and max(bar[:3]) < 60 and mirrored[3] == 0
    assert 0 < box[3] < 128 and box[0] > box[1] + 60


def test_words_tell_checkpoint_step_and_an_early_end(shown):
    tab = shown({"made_up": made_up()})
    go(tab, 1, 3)
    status = tab.locator("[data-widget] [aria-live]")
    assert status.inner_text() == (
        "Iteration 5 of 5, 5,000 frames: its evaluation has a mean return of 3.50. In this episode, the return "
        "after 3 of 12 steps is −0.30 (−0.100 in this step)."
    )
    go(tab, 1, 12)
    assert "ended here, before its time limit" in status.inner_text()
    go(tab, 0, 40)
    assert "ended here" not in status.inner_text() and "mean return of −1.50" in status.inner_text()
    assert status.inner_text() in tab.locator("canvas").get_attribute("aria-label")


def test_another_checkpoint_shows_the_same_step_where_there_is_one(shown):
    tab = shown({"made_up": made_up()})
    go(tab, 0, 9)
    tab.get_by_label("training", exact=True).fill("1")
    assert (drawn(tab)["iteration"], drawn(tab)["step"]) == ("5", "9")
    go(tab, 0, 30)
    tab.get_by_label("training", exact=True).fill("1")
    assert (drawn(tab)["step"], tab.get_by_label("step", exact=True).get_attribute("max")) == ("12", "12")


def test_the_point_on_the_curve_moves_with_the_checkpoint(shown):
    tab = shown({"made_up": made_up()})
    for checkpoint in (0, 1):
        go(tab, checkpoint, 0)
        lines = tab.locator("polyline").evaluate_all(
            "all => all.map(l => l.getAttribute('points').split(' '))"
        )
        points = tab.locator("circle.point").evaluate_all(
            "all => all.map(p => [p.cx.baseVal.value, p.cy.baseVal.value])"
        )
        expected = [[float(v) for v in line[checkpoint].split(",")] for line in lines]
        np.testing.assert_allclose(points, expected, atol=0.06)
        assert len(points) == 2


def test_everything_works_by_keyboard(shown):
    tab = shown({"made_up": made_up()})
    tab.get_by_label("training", exact=True).focus()
    tab.keyboard.press("Home")
    assert drawn(tab)["iteration"] == "0"
    assert tab.get_by_label("training", exact=True).get_attribute("aria-valuetext") == "iteration 0"
    tab.get_by_label("step", exact=True).focus()
    for key, step in {"ArrowRight": 1, "PageUp": 5, "ArrowLeft": 4, "End": 40, "Home": 0}.items():
        tab.keyboard.press(key)
        assert drawn(tab)["step"] == str(step)
    tab.get_by_role("button", name="Play").focus()
    tab.keyboard.press("Space")
    live = tab.locator("[data-widget] [aria-live]")
    assert live.get_attribute("aria-live") == "off"  # or a screen reader would never stop
    tab.wait_for_function("Number(document.querySelector('canvas').dataset.step) >= 3")
    tab.keyboard.press("Space")
    paused = drawn(tab)["step"]
    tab.wait_for_timeout(300)
    assert drawn(tab)["step"] == paused and live.get_attribute("aria-live") == "polite"


def test_playing_stops_at_the_end_and_begins_anew(shown):
    tab = shown({"made_up": made_up()})
    go(tab, 1, 8)
    tab.get_by_role("button", name="Play").click()
    tab.get_by_role("button", name="Play").wait_for()
    assert drawn(tab)["step"] == "12"
    tab.get_by_role("button", name="Play").click()
    assert tab.get_by_role("button", name="Pause").count() == 1
    assert int(drawn(tab)["step"]) < 12


def test_nothing_moves_for_those_who_want_no_motion(shown):
    tab = shown({"made_up": made_up()}, reduced_motion="reduce")
    go(tab, 0, 0)
    tab.get_by_role("button", name="Show the end").click()
    assert drawn(tab)["step"] == "40"
    tab.wait_for_timeout(200)
    assert tab.get_by_role("button", name="Show the end").count() == 1


def test_teams_are_chosen_and_a_single_one_needs_no_choice(shown):
    other = {**made_up(), "scenario": "other", "checkpoints": made_up()["checkpoints"][:1]}
    tab = shown({"vmas_first": made_up()})
    assert tab.get_by_label("team", exact=True).count() == 0
    tab = shown({"vmas_first": made_up(), "vmas_second_notes": other})
    options = tab.get_by_label("team", exact=True).locator("option").all_inner_texts()
    assert options == ["first", "second notes"]
    tab.get_by_label("team", exact=True).select_option("second notes")
    assert drawn(tab)["scenario"] == "other"
    assert "About vmas_second_notes" in tab.locator("[data-widget]").inner_text()
    assert tab.get_by_label("training", exact=True).get_attribute("max") == "0"


def test_black_is_drawn_light_in_the_dark_and_the_page_fits_a_phone(shown):
    tab = shown({"made_up": made_up()})
    tab.add_style_tag(content="html[data-theme=dark] .course-widget { background: #14181e; color: #cdd; }")
    tab.evaluate("document.documentElement.dataset.theme = 'dark'")
    tab.wait_for_timeout(50)
    assert min(pixels(tab, [[0.3, 0.0]])[0][:3]) > 180  # the bar
    tab.set_viewport_size({"width": 390, "height": 800})
    tab.reload()
    assert tab.evaluate("document.documentElement.scrollWidth") <= 391
    widget = tab.locator("[data-widget=team-replay]")
    assert widget.get_attribute("data-ready") == "true" and len(widget.get_attribute("aria-label")) > 10
    assert all(widget.locator("input, select").evaluate_all("all => all.map(e => e.ariaLabel)"))


def test_what_is_not_recorded_is_not_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "RESULTS", tmp_path)
    assert "data-widget" not in figures.replay_viewer().data


def test_the_data_of_the_widget_cannot_close_their_script(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "RESULTS", tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "replay.json").write_text(team_replay.text({**made_up(), "scenario": "</script>"}))
    (tmp_path / "a" / "record.json").write_text('{"about": "</script>"}')
    assert figures.replay_viewer().data.count("</script>") == 1


# --- what the page says of the recorded team


def test_the_mean_is_flat_from_iteration_6_on_while_the_episode_still_gets_better():
    kept = {c["iteration"]: c for c in figures.replays()["vmas_navigation_notes"]["checkpoints"]}
    earned = {i: team_replay.unpack(c["return"], c["steps"] + 1)[-1] for i, c in kept.items()}
    means = [kept[i]["mean_return"] for i in (6, 8, 10)]
    assert max(means) - min(means) < 0.05 < 0.3 < kept[6]["mean_return"] - kept[4]["mean_return"]
    assert earned[6] + 0.3 < earned[8] <= earned[10] and 0.4 < earned[2] / earned[10] < 0.5
    assert kept[10]["steps"] < kept[8]["steps"] == 100
