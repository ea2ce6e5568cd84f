"""Return to the Realm: maps, rules, observations, rewards, batch against single games, planner and bound."""

import copy
import itertools
import pickle

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from gcb6206.envs.realm import env as realm_env
from gcb6206.envs.realm import game, heuristics, planner, render
from gcb6206.envs.realm import rewards as reward_terms
from gcb6206.envs.realm.env import RealmEnv, RealmVectorEnv, draw_layouts
from gcb6206.envs.realm.game import ACTIONS, Events, Layout
from gcb6206.envs.realm.maps import CELL, SITES, UNREACHED, distance_to_segment, make_map, map_by_hand
from gcb6206.envs.realm.options import RealmOptions
from gcb6206.envs.vector import make_vector_env
from gcb6206.errors import ConfigError

NAME = "gcb6206/Realm-v0"
OPEN = ["#" * 12, *["#" + "." * 10 + "#"] * 10, "#" * 12]  # a room of ten by ten cells
HALL = ["#" * 40, *["#" + "." * 38 + "#"] * 3, "#" * 40]


def deal(rows, sites, treasures=(), options=None, **choices):
    """One game on a map by hand, from site 2 to site 1."""
    options = options or RealmOptions(**choices)
    return heuristics.deal([Layout(map_by_hand(rows, sites), 2, 1, tuple(treasures))], options)


def act(games, action):
    return games.advance(np.full(games.number, action), np.ones(games.number, bool))


# --- maps


@pytest.mark.parametrize("size", [64, 128])
@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 2**31 - 1))
def test_maps_have_the_published_statistics(size, seed):
    realm = make_map(seed, size)
    free = ~realm.walls
    assert ndimage.label(free)[1] == 1  # over sides alone
    assert 0.22 <= free.mean() <= 0.28
    assert not free[[0, -1]].any() and not free[:, [0, -1]].any()
    assert realm.sites.shape == (16, 2) and free[tuple(realm.sites.T)].all()
    np.testing.assert_array_equal(realm.sites[0], [size // 2] * 2)
    widths = realm.corridors[:, 4]
    assert len(widths) == 15 and widths.min() >= size / 16 and widths.max() <= size / 9
    to_rock = ndimage.distance_transform_edt(free)
    assert (to_rock[tuple(realm.sites.T)] > size / 32).all()
    halfway = np.round((realm.corridors[:, :2] + realm.corridors[:, 2:4]) / 2).astype(int)
    assert (to_rock[tuple(halfway.T)] > size / 32 - np.sqrt(0.5)).all()
    ends = realm.corridors[:, 2:4]
    for earlier, later in itertools.combinations(range(15), 2):
        begin = realm.corridors[later, :2]
        assert distance_to_segment(ends[earlier], begin, ends[later]) >= size / 12  # passes nobody's site
    assert to_rock.max() <= size / 9  # nowhere a hall, not even at crossings


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 2**31 - 1))
def test_sites_are_dead_ends(seed):
    """With the surroundings of a site gone, all others are still connected."""
    realm = make_map(seed, 64)
    away = np.stack(np.meshgrid(*[np.arange(64)] * 2, indexing="ij"), axis=-1)
    for site in range(1, SITES):
        rest = ~realm.walls & (np.linalg.norm(away - realm.sites[site], axis=-1) > 3)
        labels = ndimage.label(rest, np.ones((3, 3)))[0]
        others = np.delete(realm.sites, site, axis=0)
        assert len(set(labels[tuple(others.T)])) == 1 and labels[tuple(others[0])] > 0


def test_the_mean_of_walkable_cells_is_a_quarter():
    assert np.mean([1 - make_map(seed, 64).walls.mean() for seed in range(30)]) == pytest.approx(
        0.25, abs=0.01
    )


def test_a_map_is_its_seeds_and_the_seeds_alone():
    first = make_map(5, 64)
    make_map.cache_clear()
    again, other = make_map(5, 64), make_map(6, 64)
    np.testing.assert_array_equal(first.walls, again.walls)
    np.testing.assert_array_equal(first.sites, again.sites)
    assert not np.array_equal(first.walls, other.walls)


def test_grid_distances_equal_a_search_cell_by_cell():
    realm = make_map(1, 64)
    distances = realm.distances[:, :, 3]
    slow = np.full((64, 64), UNREACHED)
    slow[tuple(realm.sites[3])] = 0
    frontier = [tuple(realm.sites[3])]
    while frontier:
        x, y = frontier.pop(0)
        for dx in (-1, 0, 1):
            for dy in (-1, 0, 1):
                corner = realm.walls[x + dx, y] or realm.walls[x, y + dy]
                if not realm.walls[x + dx, y + dy] and not corner and slow[x + dx, y + dy] == UNREACHED:
                    slow[x + dx, y + dy] = slow[x, y] + 1
                    frontier.append((x + dx, y + dy))
    np.testing.assert_array_equal(distances, slow)


# --- rules


def walked(walls, position, direction, fast):
    """One player's walk, spelled out."""
    step = (game.FAST_WALK if fast else game.WALK)[direction]
    here, seen = [int(v) for v in position], []
    for k in range(1, 11):
        for axis in (0, 1):
            part = int(k * step[axis] / 10) - int((k - 1) * step[axis] / 10)
            there = list(here)
            there[axis] += part
            if not walls[there[0] // CELL, there[1] // CELL]:
                here = there
            seen.append(tuple(here))
    return here, seen


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    rock=st.floats(0.0, 0.6),
    direction=st.integers(0, 7),
    fast=st.booleans(),
)
def test_nobody_walks_through_walls(seed, rock, direction, fast):
    generator = np.random.default_rng(seed)
    walls = generator.random((8, 8)) < rock
    walls[[0, -1]] = walls[:, [0, -1]] = True
    walls[3, 4] = False
    position = np.array([3, 4]) * CELL + generator.integers(0, CELL, 2)
    arguments = np.zeros(1, int), position[None], np.array([direction]), np.array([fast])
    landing = game.walk(walls[None], *arguments)[0]
    expected, seen = walked(walls, position, direction, fast)
    assert landing.tolist() == expected
    cells = [(3, 4), *[(x // CELL, y // CELL) for x, y in seen]]
    assert not any(walls[cell] for cell in cells)
    assert all(
        abs(a - c) + abs(b - d) <= 1 for (a, b), (c, d) in itertools.pairwise(cells)
    )  # sides, never corners


@pytest.mark.parametrize("fast, length", [(False, (660, 711)), (True, (900, 1100))])
def test_walks_are_as_long_as_observed_and_counter_clockwise_from_the_east(fast, length):
    walls = np.zeros((1, 12, 12), bool)
    for direction in range(8):
        begin = np.array([[3000, 3000]])
        moved = (game.walk(walls, np.zeros(1, int), begin, np.array([direction]), np.array([fast])) - begin)[
            0
        ]
        assert length[0] <= np.linalg.norm(moved) <= length[1]
        assert np.arctan2(moved[1], moved[0]) % (2 * np.pi) == pytest.approx(direction * np.pi / 4)
        assert 7900 <= np.linalg.norm(game.FLASH[direction]) <= 8100


def test_who_walks_aslant_into_a_wall_slides_along_it():
    games = deal(OPEN, {0: (9, 9), 1: (9, 1), 2: (1, 5)})
    before = games.position.copy()
    events = act(games, 3)  # to the north-west, with rock in the west
    aside, along = (games.position - before)[0]
    assert -250 <= aside < -200 and along == 495  # up to the wall in steps of 49 or 50, and all the way north
    assert not events.bump[0]
    assert act(games, 3).bump[0]  # 495 units along it are a bump
    assert act(games, 4).bump[0] and not act(games, 6).bump[0]


def test_a_flash_passes_walls_and_rests():
    rows = ["#" * 40, "#...#" + "." * 34 + "#", "#...#" + "." * 34 + "#", "#" * 40]
    games = deal(rows, {0: (30, 1), 1: (38, 1), 2: (1, 1)}, flash_cooldown=4)
    assert games.action_mask[0].all()
    events = act(games, 8)
    assert games.position[0].tolist() == [750 + 8000, 750] and events.flashed[0] and not events.flash_wall[0]
    for _ in range(3):
        assert games.action_mask[0].tolist() == [1] * 8 + [0] * 8
        events = act(games, 12)
        assert events.illegal[0] and not events.flashed[0] and games.position[0, 0] == 8750
    assert games.action_mask[0].all()
    act(games, 12)
    assert games.position[0].tolist() == [750, 750]


@pytest.mark.parametrize("landing, cell", [("stay", (5, 5)), ("nearest", (5, 10))])
def test_a_flash_into_rock(landing, cell):
    games = deal(OPEN, {0: (9, 9), 1: (9, 1), 2: (5, 5)}, flash_landing=landing)
    events = act(games, 10)  # far beyond the northern edge
    assert events.flash_wall[0] and tuple(games.cell[0]) == cell
    assert not games.can_flash[0]  # it is spent all the same


def test_the_buff_makes_faster_for_its_time_and_comes_back_where_asked():
    games = deal(HALL, {0: (2, 2), 1: (38, 1), 2: (1, 2)}, buff_duration=5, buff_respawn=8)
    assert games.buff_present[0] and not games.is_fast[0]
    assert act(games, 4).buff[0]  # its first step ends within reach of the buff, and takes it
    lengths = []
    for k in range(9):
        before = games.position[0].copy()
        events = act(games, 0 if k % 2 == 0 else 4)
        lengths.append(abs(games.position[0] - before).sum())
        assert events.buff[0] == (k == 8) and games.buff_present[0] == (k == 7)
    assert lengths == [1000] * 5 + [700] * 4
    once = deal(HALL, {0: (2, 2), 1: (38, 1), 2: (1, 2)})
    assert [bool(act(once, a).buff[0]) for a in (4, 0, 4, 0)] == [True, False, False, False]


@pytest.mark.parametrize("x, taken", [(1750, True), (1751, False)])
def test_what_lies_within_1000_units_is_taken(x, taken):
    games = deal(OPEN, {0: (9, 9), 1: (9, 1), 2: (3, 1), 3: (1, 1)}, [3])
    games.position[0] = x - 700, 750
    act(games, 0)
    assert games.taken[0] == taken and games.present[0, 3] != taken


# --- score


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6), treasure_num=st.integers(0, 13), max_step=st.integers(20, 400))
def test_returns_are_scores(seed, treasure_num, max_step):
    env = RealmEnv(maps=False, size=64, treasure_num=treasure_num, max_step=max_step)
    env.reset(seed=seed)
    total, over = 0.0, False
    while not over:
        _, reward, terminated, truncated, info = env.step(int(heuristics.nearest(env.batch.games)[0]))
        total, over = total + reward, terminated or truncated
    assert info["treasures"] + info["missed"] == treasure_num
    assert terminated != truncated and info["steps"] <= max_step and info["is_success"] == terminated
    expected = 100 * info["treasures"] + 150 + 0.2 * (max_step - info["steps"]) if terminated else 0
    assert total == info["score"] == pytest.approx(expected)
    if truncated:
        assert info["steps"] == max_step


def test_the_end_in_the_last_step_is_an_end_and_no_time_limit():
    choices = {"maps": False, "size": 64, "treasure_num": 0}
    env = RealmEnv(**choices)
    env.reset(seed=0)
    actions = planner.plan(env.batch.games.layout(0), env.batch.options).actions
    for spare in (0, 1):
        env = RealmEnv(**choices, max_step=len(actions) + spare)
        env.reset(seed=0)
        *_, (_, reward, terminated, truncated, _) = (env.step(int(action)) for action in actions)
        assert terminated and not truncated and reward == pytest.approx(150 + 0.2 * spare)


# --- observations


def test_axes_of_the_observation():
    """A treasure to the north stands at higher second index, rock to the east at higher first index."""
    sites = {0: (9, 9), 1: (8, 3), 2: (3, 3), 3: (3, 7)}
    rows = [list(row) for row in OPEN]
    rows[-1 - 3][6] = "#"  # cell (6, 3)
    realm = map_by_hand(["".join(row) for row in rows], sites)
    games = game.RealmGames(1, RealmOptions(), 12, 1, realm_env.REACH)
    observer = realm_env.Observer(games, maps=True)
    games.begin(0, Layout(realm, 2, 1, (3,)), 0)
    observer.load(0)
    rock, memory, treasure, end = observer.surroundings()[0]
    assert np.argwhere(treasure).tolist() == [[25, 25 + 4]]
    assert np.argwhere(end).tolist() == [[25 + 5, 25]]
    assert rock[25 + 3, 25] == 255 and rock[25, 25 + 3] == 0 and rock[25 - 3, 25] == 255
    assert np.argwhere(memory).tolist() == [[25, 25]] and memory[25, 25] == 51
    act(games, 2)  # north: everything seen moves south
    rock, memory, treasure, end = observer.surroundings()[0]
    moved = games.cell[0] - (3, 3)
    assert moved[0] == 0 and moved[1] in (1, 2)
    assert np.argwhere(treasure).tolist() == [[25, 25 + 4 - moved[1]]]
    assert np.argwhere(end).tolist() == [[25 + 5, 25 - moved[1]]]
    assert rock[25 + 3, 25 - moved[1]] == 255
    for _ in range(9):
        act(games, 4 if games.steps[0] % 2 else 0)
    assert observer.surroundings()[0, 1].max() == 255  # five visits, and no more


def test_the_map_is_a_window_on_the_whole_map():
    envs = RealmVectorEnv(3, size=64, num_maps=2)
    observation, _ = envs.reset(seed=1)
    generator = np.random.default_rng(0)
    for _ in range(40):
        observation, *_ = envs.step(generator.integers(0, ACTIONS, 3))
    for i in range(3):
        padded = np.pad(envs.games.maps[envs.games.slot[i]].walls, 25)
        x, y = envs.games.cell[i]
        np.testing.assert_array_equal(observation["map"][i, 0], 255 * padded[x : x + 51, y : y + 51])


def test_the_31_numbers():
    envs = RealmVectorEnv(2, size=64, treasure_num=5)
    observation, _ = envs.reset(seed=3)
    vector, games = observation["vector"][0], envs.games
    realm, layout = games.maps[0], games.layout(0)
    np.testing.assert_allclose(vector[:2] * 64 * CELL, realm.places[2])
    sites = [site for site in range(1, 16) if site not in (1, 2)]
    far = realm.distances[tuple(realm.sites[2])] / 256
    present = np.isin(sites, layout.treasures)
    np.testing.assert_array_equal(vector[2:15], present)
    np.testing.assert_allclose(vector[15:28], np.where(present, far[sites], 1), rtol=1e-6)
    np.testing.assert_allclose(vector[28:], [1, far[0], far[1]], rtol=1e-6)


# --- Gymnasium


def test_gymnasium_finds_nothing_wrong():
    check_env(gym.make(NAME, size=64, render_mode="rgb_array").unwrapped)


def equal(left, right) -> None:
    """Whatever ``reset`` or ``step`` returned is the same."""
    if isinstance(left, dict):
        assert left.keys() == right.keys()
        for key in left:
            equal(left[key], right[key])
    elif isinstance(left, (tuple, list)):
        assert len(left) == len(right)
        for one, other in zip(left, right, strict=True):
            equal(one, other)
    elif isinstance(left, np.ndarray) and left.dtype == object:
        equal(list(left), list(right))
    elif left is None or isinstance(left, (bool, int, float)):
        assert left == right
    else:
        assert left.dtype == right.dtype
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize(
    "choices",
    [
        {"num_maps": 2, "treasure_num": 4},
        {"num_maps": None, "treasure_num": "uniform", "start": "random", "failure_rate": 0.2},
    ],
)
def test_batch_equals_single_environments(choices):
    """Bit for bit and through several episodes, against Gymnasium's own loop over our single environments."""
    choices = {"size": 64, "max_step": 70, **choices}
    batch = make_vector_env(NAME, 4, **choices)
    loop = SyncVectorEnv([lambda: gym.make(NAME, **choices)] * 4, autoreset_mode=AutoresetMode.SAME_STEP)
    assert type(batch) is RealmVectorEnv and batch.single_observation_space == loop.single_observation_space
    left, right = batch.reset(seed=3), loop.reset(seed=3)
    equal(left, right)
    generator, endings = np.random.default_rng(0), np.zeros(2, int)
    for _ in range(150):
        actions = heuristics.nearest(batch.games)
        actions[0] = generator.integers(ACTIONS)  # this one runs into its time limit
        actions[1:] = np.where(generator.random(3) < 0.1, generator.integers(0, ACTIONS, 3), actions[1:])
        left, right = batch.step(actions), loop.step(actions)
        equal(left, right)
        endings += left[2].sum(), left[3].sum()
    assert endings.min() >= 2


def test_same_seed_same_episode_whatever_was_before():
    env = RealmEnv(maps=False, size=64, num_maps=None, treasure_num="uniform", start="random")

    def episode(seed):
        env.action_space.seed(7)
        observation, _ = env.reset(seed=seed)
        return [observation["vector"]] + [env.step(env.action_space.sample())[0]["vector"] for _ in range(30)]

    first, other, again = episode(1), episode(2), episode(1)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_failed_steps_are_tried_again_and_counted():
    """A game that often gives no answer goes as one that always does."""
    calm, flaky = (RealmVectorEnv(8, maps=False, size=64, failure_rate=rate) for rate in (0.0, 0.3))
    calm.reset(seed=0), flaky.reset(seed=0)
    failed = 0
    for k in range(60):
        actions = np.full(8, k // 5 % 8)
        *_, info = calm.step(actions)
        assert (info["failed_steps"] == 0).all()
        *_, info = flaky.step(actions)
        np.testing.assert_array_equal(calm.games.position, flaky.games.position)
        failed = info["failed_steps"]
    assert 60 * 8 * 0.3 / 0.7 * 0.7 < failed.sum() < 60 * 8 * 0.3 / 0.7 * 1.4


def test_a_game_without_any_answer_is_given_up_and_nothing_raised():
    env = RealmEnv(maps=False, size=64, failure_rate=0.99)
    env.reset(seed=0)
    for _ in range(20):
        _, reward, terminated, truncated, info = env.step(0)
        if info["lost"]:
            break
    assert truncated and not terminated and reward == 0 and info["failed_steps"] > realm_env.MAX_RETRIES
    assert info["score"] == 0


@pytest.mark.parametrize(
    "choices, named",
    [
        ({"tresure_num": 3}, "tresure_num.*treasure_num"),
        ({"treasure_num": 14}, "treasure_num is 14.*0 to 13"),
        ({"treasure_num": "uniforn"}, "treasure_num is 'uniforn'.*uniform"),
        ({"treasure_id": (3, 3)}, "treasure_id.*once"),
        ({"treasure_id": (1,)}, "treasure_id holds 1"),
        ({"treasure_id": (3,), "start": "random"}, "treasure_id.*random"),
        ({"start": 16}, "start is 16"),
        ({"start": 1}, "start and end"),
        ({"end": 0}, "end is 0"),
        ({"max_step": 0}, "max_step is 0"),
        ({"max_step": 1.5}, "max_step is 1.5"),
        ({"size": 20}, "size is 20"),
        ({"num_maps": 0}, "num_maps is 0"),
        ({"flash_landing": "anywhere"}, "flash_landing is 'anywhere'"),
        ({"failure_rate": 1.0}, "failure_rate is 1.0"),
        ({"rewards": {"tresure": 1}}, "rewards.*tresure.*treasure"),
        ({"rewards": {"step": float("nan")}}, "rewards.*step is nan"),
        ({"rewards": "score"}, "rewards is 'score'.*dictionary"),
        ({"rewards": 5}, "rewards is 5"),
        ({"render_mode": "human"}, "human.*rgb_array"),
        ({"treasure_id": 3}, "treasure_id is 3.*list"),
        ({"treasure_id": "34"}, "treasure_id is '34'.*list"),
        ({"treasure_id": {3, 4}}, "treasure_id is .*list"),
        ({"treasure_id": [[3]]}, "treasure_id is .*list"),
        ({"treasure_random": "yes"}, "treasure_random is 'yes'"),
        ({"treasure_random": 2}, "treasure_random is 2"),
        ({"maps": "x"}, "maps is 'x'"),
        ({"failure_rate": "0.1"}, "failure_rate is '0.1'"),
    ],
)
def test_wrong_choices_are_named(choices, named):
    with pytest.raises(ConfigError, match=named):
        RealmEnv(**choices)


def test_wrong_inputs_are_named():
    envs = RealmVectorEnv(2, maps=False, size=64)
    envs.reset(seed=0)
    with pytest.raises(ValueError, match="16.*0 to 15"):
        envs.step(np.array([0, 16]))
    with pytest.raises(ValueError, match=r"\(3,\).*\(2,\)"):
        envs.step(np.zeros(3, int))
    with pytest.raises(ConfigError, match="treasure_num"):
        envs.reset(options={"treasurenum": 5})
    with pytest.raises(ConfigError, match="size cannot be changed"):
        envs.change(size=128)
    with pytest.raises(ValueError, match="1 seeds for 2"):
        envs.reset(seed=[1])
    for seed in (1.5, "a", [1.5, 2]):
        with pytest.raises((ValueError, gym.error.Error), match="[Ss]eed"):
            envs.reset(seed=seed)
    with pytest.raises(RuntimeError, match="render_mode"):
        envs.render()
    for number in ("2", 2.5, True, None, 0):
        with pytest.raises(ConfigError, match="num_envs is"):
            RealmVectorEnv(number, maps=False, size=64)
    for new in (
        RealmEnv(size=64, render_mode="rgb_array"),
        RealmVectorEnv(1, size=64, render_mode="rgb_array"),
    ):
        with pytest.raises(gym.error.ResetNeeded, match="reset"):
            new.step(0 if isinstance(new, RealmEnv) else np.zeros(1, int))
        with pytest.raises(gym.error.ResetNeeded, match="reset"):
            new.render()


def test_numbers_of_numpy_are_numbers():
    rewards = {"treasure": np.float32(1), "step": np.int64(-1)}
    envs = RealmVectorEnv(np.int64(2), rewards=rewards, size=np.int32(64), failure_rate=np.float32(0.1),
                          treasure_id=np.array([3, 4]))  # fmt: skip
    observation, _ = envs.reset(seed=np.array([1, 2]))
    assert observation["vector"][:, 2:15].sum(axis=1).tolist() == [2, 2]
    assert envs.step(np.zeros(2, int))[1].tolist() == [-1, -1]
    equal(envs.reset(seed=np.int64(1)), envs.reset(seed=[1, 2]))


def test_what_does_not_fit_into_memory_is_named(monkeypatch):
    def no_room(*_, **__):
        raise MemoryError("Unable to allocate 68.7 GiB")

    monkeypatch.setattr(realm_env, "RealmGames", no_room)
    with pytest.raises(ConfigError, match="num_envs is 3, num_maps 1000000, size 128.*68.7 GiB.*lower"):
        RealmVectorEnv(3, num_maps=10**6)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
@pytest.mark.parametrize("single", [False, True])
def test_a_copy_plays_as_the_original_does(copied, single):
    choices = {"size": 48, "num_maps": None, "render_mode": "rgb_array"}
    env = RealmEnv(**choices) if single else RealmVectorEnv(2, **choices)
    env.reset(seed=5)
    actions = [3 if single else np.array([3, 12])] * 20
    for action in actions:
        env.step(action)
    other = copied(env)
    for action in actions:
        equal(env.step(action), other.step(action))
    for seed in (None, 7):
        equal(env.reset(seed=seed)[0], other.reset(seed=seed)[0])
    equal(env.render(), other.render())


def test_what_an_episode_begins_with_holds_from_the_next_one_on_all_else_at_once():
    envs = RealmVectorEnv(1, maps=False, size=64)
    envs.reset(seed=0)
    envs.change(treasure_num=2, max_step=5)
    ends = [envs.step(np.array([0]))[3][0] for _ in range(5)]
    assert ends == [False] * 4 + [True] and envs.games.present.sum() == 2


@pytest.mark.parametrize(
    "choices, sites",
    [
        ({"treasure_num": 4, "treasure_random": False}, (3, 4, 5, 6)),
        ({"treasure_id": (15, 7)}, (7, 15)),
        ({"treasure_num": 0}, ()),
        ({"start": 5, "end": 3, "treasure_num": 13}, (1, 2, 4, *range(6, 16))),
    ],
)
def test_treasures_lie_where_they_are_wanted(choices, sites):
    assert {layout.treasures for layout in draw_layouts(3, 0, size=64, **choices)} == {sites}


def test_numbers_of_treasures_are_drawn_as_named():
    generator, counts = np.random.default_rng(0), {}
    for word in ("uniform", "norm"):
        drawn = [len(RealmOptions(treasure_num=word).draw_sites(generator)[2]) for _ in range(2000)]
        counts[word] = np.bincount(drawn, minlength=14)
    assert counts["uniform"].min() > 90 and counts["uniform"].max() < 200
    assert counts["norm"].argmax() in (6, 7) and counts["norm"][13] < 60 < counts["norm"][6]


# --- rewards


def no_events(n=1, **changes):
    fields = {name: np.zeros(n) for name in Events.__dataclass_fields__}
    fields["flashed"] = np.zeros(n, bool)
    return Events(**{**fields, **{name: np.asarray(value) for name, value in changes.items()}})


@pytest.mark.parametrize(
    "term, events, amount",
    [
        ("score", {"score": [7.5]}, 7.5),
        ("treasure", {"treasures": [2]}, 2),
        ("end", {"ended": [True]}, 1),
        ("missed", {"missed": [3]}, 3),
        ("buff", {"buff": [True]}, 1),
        ("approach", {"approach": [-2]}, -2),
        ("approach", {"approach": [-2], "flashed": [True]}, 0),
        ("flash_approach", {"approach": [9], "flashed": [True]}, 9),
        ("flash_approach", {"approach": [9]}, 0),
        ("wall", {"bump": [True]}, 1),
        ("flash_wall", {"flash_wall": [True]}, 1),
        ("revisit", {"revisit": [True]}, 1),
        ("step", {}, 1),
    ],
)
def test_reward_terms(term, events, amount):
    weights = {name: 3.0 if name == term else 0.0 for name in reward_terms.TERMS}
    assert reward_terms.reward(no_events(**events), weights) == pytest.approx([3.0 * amount])


def test_approach_adds_up_to_the_way_walked_towards_a_treasure():
    games = deal(HALL, {0: (38, 1), 1: (38, 3), 2: (20, 2), 3: (2, 2)}, [3])
    far = int(games.distance[0, 3])
    approach = 0
    while games.taken[0] == 0:
        approach += int(act(games, 4).approach[0])
    assert approach == far == 18


def test_revisits_count_from_the_fourth_visit():
    games = deal(OPEN, {0: (9, 9), 1: (9, 1), 2: (1, 1)})
    games.position[0] = 505, 505
    games._look(games.rows)
    assert [bool(act(games, 5).revisit[0]) for _ in range(4)] == [False, False, True, True]


# --- how good is possible


def brute_force(layout, options) -> int:
    """The fewest steps to take everything and end, over all states there are; the buff comes back or not."""
    walls, places = layout.map.walls[None], layout.map.places
    respawn = options.buff_respawn or 10**6
    states = {(*places[layout.start].tolist(), 0, False, 0, 0)}
    seen = set(states)
    whole = (1 << len(layout.treasures)) - 1
    for step in range(1, options.max_step):
        reached = set()
        for x, y, taken, flashed, fast_until, buff_at in states:
            here = np.array([[x, y]] * 8)
            slot, ways = np.zeros(8, int), np.arange(8)
            moves = [
                (p, flashed) for p in game.walk(walls, slot, here, ways, np.full(8, step - 1 < fast_until))
            ]
            if not flashed:
                landing, free = game.flash(walls, slot, here, ways)
                moves += [(p, True) for p in landing[free]]
            for position, has_flashed in moves:
                near = ((places - position) ** 2).sum(axis=1) <= 1000**2
                now = taken | sum(1 << k for k, site in enumerate(layout.treasures) if near[site])
                if near[layout.end]:
                    if now == whole:
                        return step
                    continue
                until, back = fast_until, buff_at
                if near[0] and step - 1 >= buff_at:
                    until, back = step + options.buff_duration, step + respawn
                until, back = (value if value > step else 0 for value in (until, back))
                state = (*position.tolist(), now, has_flashed, until, back)
                if state not in seen:
                    seen.add(state)
                    reached.add(state)
        states = reached
    raise AssertionError("not reachable")


SMALL = {  # map, sites, treasures
    "a hall with a flash": (
        ["#" * 27, "#...#" + "." * 21 + "#", "#...#" + "." * 21 + "#", "#.........#..............##", "#" * 27],
        {0: (9, 1), 1: (25, 2), 2: (1, 1), 3: (3, 3), 4: (20, 2)},
        (3, 4),
    ),
    "around a wall, with the buff": (
        ["#" * 9, "#...#...#", "#...#...#", "#...#...#", "#.......#", "#" * 9],
        {0: (4, 1), 1: (6, 4), 2: (1, 4), 3: (1, 1), 4: (7, 1)},
        (3, 4),
    ),
    "past the end": (
        ["#" * 11, *["#" + "." * 9 + "#"] * 6, "#" * 11],
        {0: (9, 1), 1: (4, 2), 2: (1, 2), 3: (9, 3)},
        (3,),
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    "name, respawn", [*((name, None) for name in SMALL), ("around a wall, with the buff", 4)]
)
def test_on_small_maps_the_planner_is_as_good_as_brute_force(name, respawn):
    rows, sites, treasures = SMALL[name]
    options = RealmOptions(max_step=60, buff_duration=3, buff_respawn=respawn)
    layout = Layout(map_by_hand(rows, sites), 2, 1, treasures)
    fewest = brute_force(layout, options)
    best = game.score(len(treasures), fewest, 60)
    exact = planner.plan(layout, options, resolution=1, margin=np.inf)
    assert exact.score == pytest.approx(best) and len(exact.actions) == fewest
    assert best <= planner.upper_bound(layout, options) <= best + 0.2 * 8
    assert best - 0.2 * 2 <= planner.plan(layout, options).score <= best


def test_an_exact_search_of_a_large_map_is_refused():
    (layout,) = draw_layouts(1, 0, size=64)
    with pytest.raises(ValueError, match="1[45] sites, 2000 steps.*lower max_step"):
        planner.plan(layout, RealmOptions(size=64), resolution=1, margin=np.inf)


def test_planner_beats_the_heuristics_and_stays_below_the_bound():
    options = RealmOptions(size=64, num_maps=None)
    layouts = draw_layouts(3, 11, size=64, num_maps=None)
    plans = [planner.plan(layout, options) for layout in layouts]
    players = {
        "random": heuristics.random_player(np.random.default_rng(0)),
        "nearest": heuristics.nearest,
        "tour": heuristics.Tour(),
    }
    scores = {
        name: heuristics.play(heuristics.deal(layouts, options), player, 2000)
        for name, player in players.items()
    }
    planned = np.array([found.score for found in plans])
    for name in players:
        assert (planned >= scores[name]).all()
    assert scores["random"].mean() < 0.7 * scores["nearest"].mean()
    assert (scores["nearest"] > 0).all() and scores["nearest"].mean() <= scores["tour"].mean()
    assert all(found.source == "search" for found in plans)
    bounds = np.array([planner.upper_bound(layout, options) for layout in layouts])
    assert (planned <= bounds).all() and planned.mean() >= 0.99 * bounds.mean()


@pytest.mark.parametrize("max_step", [15, 40])
def test_where_the_steps_do_not_suffice_fewer_treasures_are_planned(max_step):
    options = RealmOptions(size=64, max_step=max_step)
    (layout,) = draw_layouts(1, 4, size=64, max_step=max_step)
    found = planner.plan(layout, options)
    bound = planner.upper_bound(layout, options)
    assert len(found.actions) <= max_step and found.score <= bound
    assert (found.score > 0) == (bound > 0)
    assert max_step == 15 or 150 + 2 * 100 < found.score


def test_plans_earn_in_the_environment_what_they_say():
    env = RealmEnv(maps=False, size=64, treasure_num=4)
    env.reset(seed=2)
    found = planner.plan(env.batch.games.layout(0), env.batch.options)
    rewards = [env.step(int(action))[1] for action in found.actions]
    assert sum(rewards) == rewards[-1] == pytest.approx(found.score)


def test_the_bound_leaves_room_for_the_buff_and_for_flashes():
    (layout,) = draw_layouts(1, 0, size=64)
    bounds = [
        planner.upper_bound(layout, RealmOptions(size=64, **changes))
        for changes in (
            {"buff_duration": 0},
            {"buff_duration": 50},
            {"buff_duration": 0, "flash_cooldown": 20},
        )
    ]
    assert bounds[1] - bounds[0] == pytest.approx(
        0.2 * 50 * 3 / 7, abs=0.2
    )  # a step more or less by rounding
    assert bounds[2] > bounds[0] + 0.2 * 5


def test_shortened_tours_equal_the_best_of_all_orders_and_choices():
    generator = np.random.default_rng(0)
    plain, short = (
        (generator.random(3) + more, generator.random((3, 3)) + more, generator.random(3) + more, 0.5 + more)
        for more in (0.5, 0.0)
    )
    tables = planner._shortened_tables(plain, short, 2)
    for mask in range(8):
        places = [k for k in range(3) if mask >> k & 1]
        best = np.full(3, np.inf)
        for order in itertools.permutations(places):
            for choice in itertools.product((0, 1), repeat=len(order) + 1):
                costs = [(plain, short)[c] for c in choice]
                if order:
                    total = costs[0][0][order[0]] + costs[-1][2][order[-1]]
                    total += sum(c[1][a, b] for c, (a, b) in zip(costs[1:], itertools.pairwise(order)))
                else:
                    total = costs[0][3]
                for f in range(sum(choice), 3):
                    best[f] = min(best[f], total)
        np.testing.assert_allclose([table[mask] for table in tables], best)


@pytest.mark.parametrize("n", [0, 1, 2, 4])
def test_tours_equal_the_best_of_all_orders(n):
    generator = np.random.default_rng(n)
    first, between, last = generator.random(n), generator.random((n, n)), generator.random(n)
    costs, before = heuristics.tour_table(first, between)
    order = heuristics.best_order(costs, before, last)

    def length(order):
        if not order:
            return 0
        return first[order[0]] + sum(between[a, b] for a, b in itertools.pairwise(order)) + last[order[-1]]

    assert sorted(order) == list(range(n))
    assert length(order) == pytest.approx(min(length(list(o)) for o in itertools.permutations(range(n))))


# --- pictures


def test_pictures_show_north_at_the_top_and_what_was_not_seen_in_fog():
    env = RealmEnv(size=64, render_mode="rgb_array", treasure_id=(5,), flash_landing="nearest")
    env.reset(seed=0)
    games = env.batch.games
    treasure = games.maps[0].places[5]
    column, row = render.pixel(treasure, 64)
    picture = env.render()
    assert picture.shape == (512, 512, 3) and picture.dtype == np.uint8
    assert tuple(picture[row, column]) == render.TREASURE
    assert (row < 256) == (treasure[1] > 64 * CELL / 2) and (column < 256) == (treasure[0] < 64 * CELL / 2)
    before = env.batch.paths[0][0]
    seen = render.in_view(np.array([before]), 64)
    for cell in np.argwhere(seen)[::7]:
        column, row = render.pixel(cell * CELL + CELL // 2, 64)
        if (
            np.linalg.norm(games.places[0] - (cell * CELL + CELL // 2), axis=1).min() > 3 * CELL
        ):  # no mark in the way
            colour = render.ROCK if games.walls[0][tuple(cell)] else render.FLOOR
            np.testing.assert_array_equal(picture[row, column], colour)
    assert not (picture == render.FLASH).all(axis=2).any()
    action = 8 + next(
        d for d in range(8) if game.flash(games.walls, np.zeros(1, int), before[None], np.array([d]))[1]
    )
    env.step(action)
    assert (env.render() == render.FLASH).all(axis=2).sum() > 20
    seen = render.in_view(np.array([before]), 64)
    assert seen.sum() <= 51 * 51 and seen[tuple(before // CELL)] and not seen.all()
