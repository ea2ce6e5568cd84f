"""The chapters on two arms: what their tables and figures show is what their text says."""

import copy
import re
import sys
from pathlib import Path

import pytest
import torch

from gcb6206.env_configs.vla_config import MAPPOConfig

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from book import figures, ranking, two_arm_figures, vla_figures  # noqa: E402


def test_success_that_ends_the_episode_earns_least_and_staying_outside_more_than_nothing():
    expert, outside, nothing = map(two_arm_figures.player, ("expert", "stays outside", "nothing"))
    assert expert["goes_on"] > outside["goes_on"] > nothing["goes_on"] > 0.5 * expert["goes_on"]
    assert expert["ends"] < 0.2 * min(outside["ends"], nothing["ends"])
    assert (expert["at_end"], outside["at_end"]) == (1, 0)
    assert (
        326 <= outside["goes_on"] <= 372
    )  # the published runs that the page calls a team that stays outside


def test_the_ratio_of_a_whole_chunk_is_clipped_more_often_at_every_change():
    parts = vla_figures.clipped_parts(chunk=8, changes=[0.0, 0.01, 0.02, 0.04])
    executed, whole = parts["the executed action"], parts["the whole chunk"]
    assert executed[0] == whole[0] == 0
    assert all(more > less for less, more in zip(executed[1:], whole[1:], strict=True))


def test_what_was_executed_has_a_ratio_of_1_and_an_action_that_was_cut_has_not(monkeypatch):
    errors = vla_figures.ratio_errors([0.0, 0.9])
    assert max(errors["what was executed"]) < 1e-4
    assert errors["judged unclamped, stored clamped"][0] < 0.05
    assert errors["judged unclamped, stored clamped"][1] > 1
    act = vla_figures.MultiAgentVLAPolicy.get_actions

    def judges_the_uncut(self, *args, **kwargs):  # the broken version, in the place of ours
        actions, log_prob = act(self, *args, **kwargs)
        return actions, log_prob - (actions.abs() == 1).any(dim=-1).float()

    monkeypatch.setattr(vla_figures.MultiAgentVLAPolicy, "get_actions", judges_the_uncut)
    assert vla_figures.ratio_errors([0.9])["what was executed"][0] > 0.1


def test_a_critic_of_both_hands_explains_nearly_all_and_one_of_one_hand_half():
    both, one = (vla_figures.fitted(agents, lr=1e-3)[-1] for agents in (2, 1))
    assert both > 0.9 and one == pytest.approx(0.5, abs=0.1)


def test_the_critics_own_rate_and_one_scale_learn_faster():
    own, actors = (vla_figures.fitted(2, lr=rate) for rate in (5e-4, 1e-4))
    assert (own[5:] > actors[5:] + 0.1).all()
    scaled = vla_figures.fitted(2, lr=1e-3)
    as_it_comes = vla_figures.fitted(2, lr=1e-3, scale=torch.tensor([1.0, 1.0, 50.0]))
    assert (scaled[5:] > as_it_comes[5:] + 0.1).all()


def test_a_head_that_begins_at_random_acts_otherwise_and_a_missing_one_is_refused():
    kept, new = vla_figures.reinitialised(*vla_figures.seen(4))
    assert (kept - new).abs().mean() > 0.05
    assert "checkpoint has no action_head--N_checkpoint.pt" in vla_figures.refused_without("action_head*")


def test_the_chapters_options_are_the_defaults():
    page = (ROOT / "book" / "two_arm" / "vla.md").read_text(encoding="utf-8")
    table = page[page.index("## The options") : page.index("## Several ranks")]
    found = {}
    for names, values in re.findall(r"^\| (`[^|]*) \| ([^|]+) \|", table, re.M):
        found.update(zip(re.findall(r"`(\w+)`", names), map(str.strip, values.split(",")), strict=True))
    assert len(found) == 16
    assert {name: float(value) if value not in ("true", "false") else value == "true" for name, value in found.items()} == {
        name: getattr(MAPPOConfig(), name) for name in found
    }  # fmt: skip


def told(runs=figures.curves) -> bool:
    """Whether what the chapter says of training from the weak start holds in these recorded runs."""
    cloned, trained = runs("two_arm_vla_cloned_weak"), runs("two_arm_vla_mappo_weak")

    def last(of, tag):
        return [curves[f"eval/{tag}"][1][-1] for curves in of.values()]

    before, after = last(cloned, "success_at_end"), last(trained, "success_at_end")
    half = [round(100 * curves["eval/success_at_end"][1][0]) for curves in trained.values()]
    largest = max(max(curves["train/approx_kl"][1]) for curves in trained.values())
    return (
        len(cloned) == len(trained) == 3
        and all(b > a for a, b in zip(before, after, strict=True))
        and (max(before), min(after), max(after)) == (0.08, 0.12, 0.54)
        and ranking.compare(ranking.spread(after), ranking.spread(before)) == "above"
        and ranking.compare(ranking.spread(last(trained, "return")), ranking.spread(last(cloned, "return")))
        == "tie"
        and half == [38, 2, 0]
        and 0.005 < largest < 0.008
    )


def test_training_from_60_demonstrations_went_as_the_chapter_tells():
    def percent(name, tag, at=-1):
        return [round(100 * curves[f"eval/{tag}"][1][at]) for curves in figures.curves(name).values()]

    cloned, trained = "two_arm_vla_cloned", "two_arm_vla_mappo"
    assert percent(cloned, "success_at_end") == [42, 52, 16] and percent(trained, "success_at_end") == [
        50,
        74,
        30,
    ]
    assert percent(trained, "success_at_end", 0) == [12, 50, 38]
    assert percent(trained, "success_ever")[0] == 96
    weak, before, after = (
        ranking.spread(percent(name, "success_at_end"))
        for name in ("two_arm_vla_cloned_weak", cloned, trained)
    )
    assert ranking.compare(before, weak) == "above" and ranking.compare(after, before) == "tie"
    returns = [[c["eval/return"][1][-1] for c in figures.curves(name).values()] for name in (cloned, trained)]
    assert all(before < after for before, after in zip(*returns, strict=True))
    assert max(max(c["train/approx_kl"][1]) for c in figures.curves(trained).values()) < 0.008


def test_training_from_the_weak_start_went_as_the_chapter_tells():
    assert told()

    def another_world(name):  # in which the first seed ends as it began
        runs = copy.deepcopy(figures.curves(name))
        if "mappo" in name:
            runs[1]["eval/success_at_end"][1][-1] = 0.0
        return runs

    assert not told(another_world)
