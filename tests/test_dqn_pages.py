"""The DQN pages: what they say of a bias, of a step size and of recorded runs holds, and would fail elsewhere."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import imageio.v2 as imageio
import numpy as np
import pytest
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from book import bankheist, figures, ranking  # noqa: E402

PAGES = ROOT / "book" / "dqn"


def text(page: str) -> str:
    return " ".join((PAGES / f"{page}.md").read_text(encoding="utf-8").split())


def defined(page: str, name: str, **scope):
    """The function of that name from the cell that defines it."""
    source = (PAGES / f"{page}.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```\{code-cell\}[^\n]*\n(.*?)^```$", source, re.S | re.M)
    (cell,) = [block for block in blocks if f"def {name}(" in block]
    scope["np"] = np
    exec(cell, scope)
    return scope[name]


def test_masking_leaves_1_to_10_percent_and_the_policy_does_not_survive_in_3_of_20_seeds():
    corridor = defined("terminated-truncated", "corridor", gamma=0.9)
    tables = {rule: [corridor(rule, seed=seed) for seed in range(count)]
              for rule, count in (("mask", 20), ("bootstrap", 2))}  # fmt: skip
    shares = {
        rule: np.array(found).max(2) / (10 * 0.9 ** (4 - np.arange(5))) for rule, found in tables.items()
    }
    survive = {rule: sum(bool((Q[:, 1] > Q[:, 0]).all()) for Q in found) for rule, found in tables.items()}
    assert 0.01 < shares["mask"].min() and shares["mask"].max() < 0.101 < 0.95 < shares["bootstrap"].min()
    assert survive == {"mask": 17, "bootstrap": 2}
    assert "between 1% and 10% of the true values" in text("terminated-truncated")
    assert "does not survive in 3 of 20 seeds" in text("terminated-truncated")


def q_learning() -> dict:
    """What the page on Q-learning defines: its grid, its true values, its learner."""
    source = (PAGES / "q-learning.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```\{code-cell\}[^\n]*\n(.*?)^```$", source, re.S | re.M)
    scope = {"np": np}
    for block in blocks:
        if any(word in block for word in ("rows = [", "V_star = ", "def learn(", "def steps_needed(")):
            exec(block.split("\n\n\nfor epsilon")[0], scope)
    return scope


def test_half_and_always_random_tie_and_a_tenth_hardly_gets_there():
    scope = q_learning()
    tenth, half, whole = ([scope["steps_needed"](eps, seed) for seed in range(6)] for eps in (0.1, 0.5, 1.0))
    assert tenth.count(None) == 5 and None not in half + whole
    assert ranking.compare(ranking.spread(half), ranking.spread(whole)) == "tie"
    assert "With 0.1, five of six seeds never get there. 0.5 and 1 tie" in text("q-learning")


def test_with_a_constant_step_size_q_learning_never_becomes_precise():
    left_share = defined("double-dqn", "left_share")
    late = [np.mean(left_share(double, episodes=20_000, runs=100)[-2000:]) for double in (False, True)]
    assert 0.75 < late[0] < 0.9 and late[1] < 0.5
    assert "After 20,000 episodes, Q-learning still goes left in four of five runs." in text("double-dqn")


def test_the_copies_until_95_are_298_and_280_are_made():
    from gcb6206.env_configs.dqn_basic_config import DQNBasicConfig

    limit = (1 - 0.99 ** (np.arange(400) + 1)) / (1 - 0.99)  # after so many copies
    config = DQNBasicConfig()
    copies = (config.total_steps - config.learning_starts) // config.target_update_period
    assert (np.argmax(limit >= 95), copies) == (298, 280)
    assert "$k = 298$ copies are the fewest" in text("replay-and-targets")
    assert "makes about 280 copies" in text("replay-and-targets")
    runs = [c for name in ("dqn_cartpole", "dqn_cartpole_constant_lr") for c in figures.curves(name).values()]
    tops = [c["q_values"][1].max() for c in runs]
    assert (round(limit[copies]), len(tops), sum(top > limit[copies] for top in tops)) == (94, 6, 3)
    assert f"three of six recorded runs pass it ({max(tops):.0f} at most)" in text("replay-and-targets")


def test_a_tenth_of_exploration_leaves_an_error_above_a_tenth():
    learn = q_learning()["learn"]
    lowest = {epsilon: min(learn(epsilon)) for epsilon in (0.0, 0.1, 0.5, 1.0)}
    assert lowest[0.0] > lowest[0.1] > 0.1 > 1e-6 > max(lowest[0.5], lowest[1.0])
    assert "with epsilon 0.1 it stays above 0.1, with 0.5 and 1 it falls early" in text("q-learning")


def test_a_run_with_a_falling_rate_falls_late_too_and_the_ends_are_a_tie():
    steps, returns = figures.curves("dqn_cartpole")[2]["eval_return"]
    when, rates = figures.curves("dqn_cartpole")[2]["lr"]
    before, after = (returns[steps == step].item() for step in (240_000, 250_000))
    assert (before, round(after)) == (500, 127) and 1 / 6 < rates[when == 250_000].item() / 1e-3 < 1 / 5
    ends = {name: list(figures.final_return(name).values())
            for name in ("dqn_cartpole", "dqn_cartpole_constant_lr")}  # fmt: skip
    assert [sum(end == 500 for end in found) for found in ends.values()] == [3, 2]
    assert ranking.compare(*map(ranking.spread, ends.values())) == "tie"
    said = text("reading-curves")
    assert "One run falls from 500 to 127 at step 250,000, when the rate is less than a fifth" in said
    assert "all three runs end at 500. With the constant rate, two do." in said and "so this is a tie" in said


def test_much_exploration_keeps_the_evaluations_at_one_level_for_a_while_but_not_from_the_start():
    middle, early = [], []
    for name in ("dqn_exploration_0.5", "dqn_exploration_1.0"):
        for curves in figures.curves(name).values():
            steps, returns = curves["eval_return"]
            middle += list(returns[(steps >= 30_000) & (steps <= 60_000)])
            early += list(returns[(steps > 0) & (steps < 30_000)])
    assert len(middle) == 24 and sum(80 < value < 120 for value in middle) == 23
    assert sum(value > 120 for value in early) >= 5  # so "as long as epsilon is large" would be wrong
    said = "all evaluations but one from step 30,000 to step 60,000 lie between 80 and 120"
    assert said in text("reading-curves") and "We did not test this reason." in text("reading-curves")


def exploration(share: str) -> ranking.Interval:
    return ranking.spread(figures.final_return(f"dqn_exploration_{share}").values())


def test_only_exploring_to_the_end_is_worse_and_only_than_the_two_smallest_shares():
    least, tenth, half, whole = map(exploration, ("0.01", "0.1", "0.5", "1.0"))
    assert [ranking.compare(whole, other) for other in (least, tenth, half)] == ["below", "below", "tie"]
    assert {ranking.compare(a, b) for a, b in ((least, tenth), (least, half), (tenth, half))} == {"tie"}
    said = text("reading-curves")
    assert (
        "exploring during the whole run is worse than 1 % and 10 %. 50 % lies between them and ties" in said
    )


def test_healthy_runs_pass_the_largest_possible_value_a_little():
    tops = [c["q_values"][1].max() for name in ("dqn_cartpole", "dqn_cartpole_constant_lr")
            for c in figures.curves(name).values()]  # fmt: skip
    assert 100 < max(tops) < 110
    assert "A little above is not: healthy runs here reach {glue:text}`q_top`" in text("reading-curves")


def test_noise_under_a_maximum_adds_up_to_56_with_two_actions():
    bias = 0.0
    for _ in range(3000):  # Q = gamma * E max (Q + noise), two actions alike
        bias = 0.99 * (bias + 1 / np.sqrt(np.pi))
    assert round(bias) == 56 and "the bias adds up to about 56" in text("reading-curves")


def test_homework_3_marks_what_the_recorded_runs_show_of_a_rate_fifty_times_too_high():
    def late(name: str, tag: str) -> np.ndarray:
        values = figures.spread(name, tag)[1]
        return np.median(values[:, -values.shape[1] // 4 :], axis=1)

    high, usual = "dqn_cartpole_lr_5e-2", "dqn_cartpole"
    means, losses = late(high, "q_values"), (late(high, "critic_loss"), late(usual, "critic_loss"))
    scheme = (ROOT / "assignments" / "hw3" / "hw3.ipynb").read_text(encoding="utf-8")
    found = re.search(
        r"the mean may look just as good \((\d+) to (\d+) at the end of the recorded runs\)", scheme
    )
    assert [int(number) for number in found.groups()] == [round(means.min()), round(means.max())]
    assert means.min() > late(usual, "q_values").min()
    assert np.median(losses[0]) > 10 * np.median(losses[1]) and "more than ten times as large" in scheme
    assert max(figures.final_return(high).values()) < 200


def test_the_small_breakout_is_learned_as_the_page_says():
    page, seeds = text("homework"), figures.curves("dqn_small_breakout")
    assert len(seeds) == 3 and "each of the three agents breaks more than two bricks per game" in page
    for logged in seeds.values():
        steps, values = logged["eval_return"]
        assert values[steps == 10_000] > 2 and (np.diff(values) < 0).any()
    ends = figures.final_return("dqn_small_breakout").values()
    assert all(logged["eval_return"][0][-1] == 45_000 for logged in seeds.values())
    assert (
        min(ends) >= 5 > 10 * 0.4
        and "at step 45,000, they break five or more. That is over ten times what random" in page
    )
    films = [figures.RESULTS / "dqn_small_breakout" / f"{name}.mp4" for name in ("seed_1_0", "seed_1_8")]
    assert all(f'"{film.stem}"' in page and film.is_file() for film in films)


def test_which_arrays_of_a_batch_need_a_cast():
    dones, actions, values = torch.tensor([True, False]), torch.tensor([1, 0]), torch.zeros(2, 2)
    with pytest.raises(RuntimeError, match="bool"):
        1 - dones
    assert actions.dtype == torch.int64 and values[[0, 1], actions].shape == (2,)
    with pytest.raises(RuntimeError, match="same number of dimensions"):
        values.gather(1, actions)
    said = text("homework")
    assert "In PyTorch `1 - dones` is an error" in said
    assert "`gather` wants an index with as many axes as the values have" in said


def test_homework_3_says_how_often_the_target_is_copied_on_atari():
    from gcb6206.env_configs.dqn_atari_config import DQNAtariConfig

    period = f"{DQNAtariConfig().target_update_period:,}"
    notebook = (ROOT / "assignments" / "hw3" / "hw3.ipynb").read_text(encoding="utf-8")
    assert f"our Atari preset every {period} steps." in notebook
    assert f"The one for Atari copies every {period} steps" in text("replay-and-targets")


def test_the_gallery_sorts_its_bugs_as_the_recorded_runs_do():
    from book import gallery

    def end(bug: str) -> ranking.Interval:
        return ranking.spread(figures.final_return(f"dqn_bug_{bug}").values())

    def values(bug: str) -> list[float]:
        return [np.median(run["q_values"][1][-10:]) for run in figures.curves(f"dqn_bug_{bug}").values()]

    kinds = {"dead": ["target_never_synced", "loss_broadcast", "observation_not_advanced"],
             "healthy values": ["no_done_mask", "epsilon_inverted"],
             "invisible": ["done_or_truncated", "truncated_dropped", "epsilon_not_passed"]}  # fmt: skip
    ranked = {
        kind: {ranking.compare(end(bug), end("no_bug")) for bug in bugs} for kind, bugs in kinds.items()
    }
    assert ranked == {"dead": {"below"}, "healthy values": {"below"}, "invisible": {"tie"}}
    dead = {bug: values(bug) for bug in kinds["dead"]}
    assert max(abs(value - 1) for value in dead["target_never_synced"]) < 0.5
    assert all(8 < value < 13 for bug in kinds["dead"][1:] for value in dead[bug])
    assert "The values stay far under 100: about 1, or about 10." in text("homework")
    evaluated = [run["eval_return"][1] for run in figures.curves("dqn_bug_observation_not_advanced").values()]
    assert (
        max(values[2:].max() for values in evaluated) > 100
    )  # one seed plays well for a while: not dead at once
    assert max(values[5:].max() for values in evaluated) < 90
    assert min(value for bug in kinds["healthy values"] for value in values(bug)) > 85
    same, right = (figures.curves(f"dqn_bug_{bug}") for bug in ("target_not_detached", "no_bug"))
    assert all(
        np.array_equal(same[seed][tag][1], right[seed][tag][1]) for seed in right for tag in right[seed]
    )
    named = {bug for bugs in kinds.values() for bug in bugs} | {"target_not_detached", "no_bug"}
    assert named == set(gallery.BUGS)


def test_bankheist_went_as_the_page_says():
    page = text("homework")
    ((steps, values),) = (logged["eval_return"] for logged in figures.curves("dqn_bankheist").values())
    assert (
        steps[-1] >= 1_000_000
        and values[-1] == values.max() < 150
        and "Its last evaluation is its best one" in page
    )
    assert values[steps < 210_000].max() == 0 and "It stays near 0 for 200,000 steps" in page
    network, chance = (np.mean(bankheist.returns()[name]) for name in ("network", "random"))
    assert 4 < network / chance < 5 and "four to five times as much as random actions do" in page
    assert f"reached {values[-1]:.0f} after a million steps" in (
        ROOT / "assignments" / "hw3" / "hw3.ipynb"
    ).read_text(encoding="utf-8")
    film = bankheist.PLAYED / "play.mp4"
    pictures = [picture.astype(int) for picture in imageio.get_reader(film)]
    assert len(pictures) > 100 and np.abs(pictures[-1] - pictures[0]).mean() > 1
