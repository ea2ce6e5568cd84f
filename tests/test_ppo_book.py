"""The PPO chapters: their widgets compute what the package computes, and their excerpts and quiz hold."""

from __future__ import annotations

import math
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import solutions
from gcb6206.agents import ppo_agent
from gcb6206.infrastructure import pytorch_util as ptu

ROOT = Path(__file__).resolve().parents[1]
STATIC, CHAPTERS = ROOT / "book" / "_static", ROOT / "book" / "ppo"
SCRIPTS = ["figure.js", "ppo-clip.js", "ppo-gae.js", "ppo-gaussian.js", "ppo-stages.js"]

sys.path[:0] = [str(ROOT)]


@pytest.fixture(autouse=True)
def solved():
    ptu.init_gpu(use_gpu=False)
    solutions.load("hw1")


@pytest.fixture
def tab(browser, tmp_path):
    """A page with every widget of the chapters, as their raw HTML asks for them; errors go to ``trouble``."""
    chapters = "".join(file.read_text(encoding="utf-8") for file in sorted(CHAPTERS.glob("*.md")))
    asked = "".join(re.findall(r"^```\{raw\} html\n(.*?)^```$", chapters, re.S | re.M))
    scripts = "".join(f"<script>{(STATIC / name).read_text(encoding='utf-8')}</script>" for name in SCRIPTS)
    style = (STATIC / "course.css").read_text(encoding="utf-8")
    file = tmp_path / "page.html"
    file.write_text(
        f'<meta charset="utf-8"><style>{style}</style>{scripts}<article>{asked}</article>', encoding="utf-8"
    )
    page = browser.new_page()
    page.set_default_timeout(600_000)  # on a busy machine everything takes long
    page.trouble = []
    page.on("pageerror", lambda error: page.trouble.append(str(error)))
    page.goto(file.as_uri())
    yield page
    assert page.trouble == []
    page.close()


def widget(tab, name):
    return tab.locator(f"[data-widget={name}]")


def said(tab, name):
    return widget(tab, name).locator("[aria-live]").inner_text()


def replace(tab, name, old, new):
    """Make a pure function of the widgets wrong, as a proof that its test would notice."""
    source = tab.evaluate(f"course.{name}.toString()")
    assert old in source
    tab.evaluate(f"() => {{ course.{name} = {source.replace(old, new)}; }}")


# --- what the widgets compute


def clipping_differs(tab) -> float:
    """The largest difference to ``policy_loss`` and its gradient over ratios, advantages and clip ranges."""
    cases = [(r, a, e) for r in (0.3, 0.85, 1.0, 1.15, 1.9) for a in (-1.5, -0.2, 0.7) for e in (0.1, 0.3)]
    worst = 0.0
    for ratio, advantage, eps in cases:
        shown = tab.evaluate("c => course.clippedObjective(...c)", [ratio, advantage, eps])
        log_ratio = torch.tensor([math.log(ratio)], dtype=torch.float64, requires_grad=True)
        zero, weight = torch.zeros(1, dtype=torch.float64), torch.tensor([advantage], dtype=torch.float64)
        objective = -ppo_agent.policy_loss(log_ratio, zero, weight, eps)
        objective.backward()
        worst = max(worst, abs(shown["objective"] - objective.item()))
        worst = max(worst, abs(shown["gradient"] - log_ratio.grad.item() / ratio))
    return worst


def test_clip_widget_agrees_with_the_policy_loss(tab):
    assert clipping_differs(tab) < 1e-9


@pytest.mark.parametrize(
    "old, new",
    [("clipped < plain", "clipped > plain"), ("1 - eps", "0"), ("flat ? 0 : advantage", "advantage")],
)
def test_a_wrong_clip_widget_is_noticed(tab, old, new):
    replace(tab, "clippedObjective", old, new)
    assert clipping_differs(tab) > 0.05


def weights_differ(tab) -> float:
    """The largest difference to what ``compute_gae`` answers when one thing at a time is 1."""
    worst, steps = 0.0, 12
    for gamma, lam in [(0.99, 0.95), (0.9, 0.0), (0.9, 1.0), (1.0, 0.5)]:
        for end, terminates in [(4, True), (4, False), (0, True), (0, False), (steps - 1, False)]:
            shown = tab.evaluate("c => course.gaeWeights(...c)", [gamma, lam, steps, end, terminates])
            ends = np.arange(steps)[:, None] == end
            flags = (ends, ends & False) if terminates else (ends & False, ends & (end < steps - 1))
            nothing = np.zeros((steps, 1))

            def first(rewards, values, next_values, flags=flags, settings=(gamma, lam)):
                return ppo_agent.compute_gae(rewards, values, next_values, *flags, *settings)[0][0, 0]

            errors = [first(np.eye(steps)[:, [i]], nothing, nothing) for i in range(steps)]
            behind = np.arange(steps)[:, None] > 0
            critic = first(nothing, behind * 1.0, nothing + 1.0)  # every value is 1 but that of step t
            worst = max(worst, np.abs(np.array(shown["errors"]) - errors).max())
            worst = max(worst, abs(shown["critic"] - critic), abs(shown["noise"] - np.square(errors).sum()))
            # the n-step returns: a reward of step l enters those that are longer than l
            tails = gamma ** np.arange(steps) * np.cumsum(shown["returns"][::-1])[::-1]
            worst = max(worst, np.abs(tails - errors).max(), abs(sum(shown["returns"]) - 1))
    return worst


def test_gae_widget_agrees_with_compute_gae(tab):
    assert weights_differ(tab) < 1e-9


@pytest.mark.parametrize(
    "old, new",
    [("&& terminated", "&& false"), ("gamma * lambda", "gamma"), ("gamma ** (l + 1)", "gamma ** l"),
     ("(1 - lambda) * lambda ** l", "lambda ** l"), ("l < length ?", "true ?")],
)  # fmt: skip
def test_a_wrong_gae_widget_is_noticed(tab, old, new):
    replace(tab, "gaeWeights", old, new)
    assert weights_differ(tab) > 0.01


def policies_differ(tab, passes=12) -> float:
    """The largest difference to gradient descent on ``policy_loss`` by PyTorch, with and without clipping."""
    rng, worst = np.random.default_rng(0), 0.0
    actions, advantages = torch.tensor(rng.standard_normal((2, 16)))
    old = torch.distributions.Normal(0.3, math.exp(-0.2))
    for eps in (0.2, None):
        mean, log_std = (torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (0.3, -0.2))
        for _ in range(passes):
            log_prob = torch.distributions.Normal(mean, log_std.exp()).log_prob(actions)
            loss = ppo_agent.policy_loss(log_prob, old.log_prob(actions), advantages, eps or 1e9)
            with torch.no_grad():
                for parameter, grad in zip((mean, log_std), torch.autograd.grad(loss, (mean, log_std))):
                    parameter -= 0.1 * grad
        start = {"mean": 0.3, "logStd": -0.2}
        given = [actions.tolist(), advantages.tolist(), start, 0.1, passes, eps]
        shown = tab.evaluate("c => course.gaussianUpdate(...c)", given)
        new = torch.distributions.Normal(mean.detach(), log_std.detach().exp())
        expected = (mean.item(), log_std.item(), torch.distributions.kl_divergence(old, new).item())
        worst = max(worst, *(abs(shown[k] - x) for k, x in zip(("mean", "logStd", "kl"), expected)))
    return worst


def test_gaussian_widget_agrees_with_gradient_descent(tab):
    assert policies_differ(tab) < 1e-5  # PyTorch's old policy is in float32


@pytest.mark.parametrize(
    "old, new",
    [
        ("eps === null", "true"),
        ("z * z - 1", "z * z"),
        ("gradient * ratio", "gradient"),
        ("0.5 * (spread", "(spread"),
    ],
)
def test_a_wrong_gaussian_widget_is_noticed(tab, old, new):
    replace(tab, "gaussianUpdate", old, new)
    assert policies_differ(tab) > 1e-3


def test_stages_widget_counts_the_steps_of_an_update(tab, monkeypatch):
    from book import ppo_figures

    run = ppo_figures.small_run(seed=1, num_envs=2, n_steps=32, batch_size=16, n_epochs=3, total_steps=64)
    samples, taken = run.collect(), []
    step = run.agent.optimizer.step
    monkeypatch.setattr(run.agent.optimizer, "step", lambda *args: taken.append(step(*args)))
    run.agent.update(samples, 0.0)
    shown = tab.evaluate("course.updateCounts(2, 32, 16, 3)")
    assert shown == {"samples": len(samples["returns"]), "minibatches": 4, "gradientSteps": len(taken)}


# --- how the widgets are used


def test_clip_widget_by_keyboard_and_by_hand(tab):
    ring = widget(tab, "ppo-clip")
    assert "counts 1.20 with gradient 0.00" in said(tab, "ppo-clip")
    ring.get_by_label("advantage", exact=True).fill("-1")
    assert "counts -1.50 with gradient -1.00" in said(tab, "ppo-clip")
    ring.get_by_label("ratio", exact=True).focus()
    tab.keyboard.press("ArrowLeft")
    assert "Unclipped -1.49" in said(tab, "ppo-clip")
    ring.locator("svg").scroll_into_view_if_needed()
    handle = ring.locator("svg circle").last.bounding_box()
    tab.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
    tab.mouse.down()
    tab.mouse.move(handle["x"] - 120, handle["y"] - 60, steps=4)
    tab.mouse.up()
    ratio, advantage = (
        float(ring.get_by_label(name, exact=True).input_value()) for name in ("ratio", "advantage")
    )
    assert ratio < 1.4 and advantage > -1.0
    assert f"Unclipped {ratio * advantage:.1f}"[:-1] in said(tab, "ppo-clip")


def test_gae_widget_tells_a_termination_from_a_time_limit(tab):
    gae = widget(tab, "ppo-gae")
    gae.get_by_label("λ", exact=True).fill("1")
    assert "weigh 0.000" in said(tab, "ppo-gae")
    gae.get_by_label("the episode", exact=True).select_option("truncated")
    assert f"weigh {0.99**12:.3f}" in said(tab, "ppo-gae")
    gae.get_by_label("the episode", exact=True).select_option("none")
    assert "The sum has 20 errors" in said(tab, "ppo-gae")
    assert f"variance {sum(0.99 ** (2 * i) for i in range(20)):.2f}" in said(tab, "ppo-gae")
    assert gae.get_by_label("steps ahead to its end", exact=True).is_disabled()


def test_gaussian_widget_moves_only_when_it_learns(tab):
    gaussian = widget(tab, "ppo-gaussian")
    gaussian.get_by_label("passes over the samples", exact=True).fill("0")
    assert said(tab, "ppo-gaussian").count("mean 0.00, standard deviation 1.00, KL 0.000") == 2
    gaussian.get_by_label("passes over the samples", exact=True).fill("40")
    before = said(tab, "ppo-gaussian")
    clipped, free = map(float, re.findall(r"KL ([\d.]+\d|above)", before.replace("above 100", "100.0")))
    assert clipped < 0.3 < free
    gaussian.get_by_role("button", name="Other samples").click()
    assert said(tab, "ppo-gaussian") != before


def test_stages_widget_goes_round_and_refuses_what_the_configuration_refuses(tab):
    from gcb6206.env_configs.config import ConfigError
    from gcb6206.env_configs.ppo_config import PPOConfig

    stages = widget(tab, "ppo-stages")
    assert "1 of 7" in said(tab, "ppo-stages")
    stages.get_by_role("button", name="Next").focus()
    for _ in range(5):
        tab.keyboard.press("Space")
    assert "1,280 gradient steps" in said(tab, "ppo-stages")
    tab.keyboard.press("Space")
    tab.keyboard.press("Space")
    assert "1 of 7" in said(tab, "ppo-stages")
    stages.get_by_label("environments", exact=True).fill("3")
    stages.get_by_label("steps each", exact=True).fill("5")  # 2^5
    assert "choose a batch size that divides 32 × 3" in said(tab, "ppo-stages")
    with pytest.raises(ConfigError, match="must divide"):
        PPOConfig(num_envs=3, n_steps=32, batch_size=64)


@pytest.mark.parametrize("name", ["ppo-clip", "ppo-gae", "ppo-gaussian", "ppo-stages"])
def test_every_widget_is_named_and_says_what_it_shows(tab, name):
    asked = widget(tab, name)
    assert asked.get_attribute("data-ready") == "true" and len(asked.get_attribute("aria-label")) > 10
    assert len(asked.locator("svg").first.get_attribute("aria-label")) > 60
    assert all(asked.locator("input, select").evaluate_all("all => all.map(e => e.ariaLabel)"))


def test_widgets_fit_a_phone(tab):
    tab.set_viewport_size({"width": 390, "height": 800})
    tab.reload()
    assert tab.evaluate("document.documentElement.scrollWidth") <= 391


# --- the chapters


def test_an_excerpt_is_the_source_and_fails_when_it_is_gone():
    from book import ppo_figures

    shown = ppo_figures.show_source(ppo_agent.approx_kl, "log_ratio = ", "return").data
    assert shown.splitlines()[1] == "log_ratio = log_ratio.detach().numpy()"
    assert shown.splitlines()[2].startswith("return ")
    with pytest.raises(ValueError, match="approx_kl has no lines"):
        ppo_figures.show_source(ppo_agent.approx_kl, "log_ratio = ", "renamed")


def cells(page: str) -> list[str]:
    text = (CHAPTERS / f"{page}.md").read_text(encoding="utf-8")
    return re.findall(r"^```\{code-cell\}[^\n]*\n(.*?)^```$", text, re.S | re.M)


def test_the_original_recursion_errs_at_ends_and_nowhere_else():
    scope = {"np": np, "ppo_agent": ppo_agent}
    for cell in cells("four-stages"):
        if re.search(r"^(def original_gae|gamma, steps = |worlds = )", cell, re.M):
            exec(cell, scope)
    rules = {
        "course": ppo_agent.compute_gae,
        "original": scope["original_gae"],
        "masked": scope["masked_gae"],
    }
    off = {}
    for world, columns in scope["worlds"].items():
        for name, rule in rules.items():
            advantages, _ = rule(*(column[:, None] for column in columns), scope["gamma"], 0.95)
            off[world, name] = np.abs(advantages).max()
        *numbers, terminated, truncated = (column[:5, None] for column in columns)  # before the first end
        assert not (terminated | truncated).any()
        settings = (terminated, truncated, scope["gamma"], 0.95)
        np.testing.assert_allclose(
            rules["original"](*numbers, *settings), rules["course"](*numbers, *settings)
        )
    assert off["terminates", "course"] < 1e-9 and off["is cut", "course"] < 1e-9
    assert off["terminates", "original"] > 5 and off["is cut", "original"] > 5
    assert off["terminates", "masked"] < 1e-9 and off["is cut", "masked"] > 5


@pytest.mark.slow
def test_without_ends_every_step_has_the_same_error_which_shrinks_and_is_not_0():
    from book import ppo_figures

    scope, errors = {"np": np}, []
    exec(next(cell for cell in cells("four-stages") if "def original_gae" in cell), scope)

    def watched(rewards, values, next_values, terminated, truncated, gamma, gae_lambda):
        following = np.concatenate([values, next_values[-1:]])[1:]
        errors.append(rewards + gamma * following - values)
        return scope["original_gae"](rewards, values, next_values, terminated, truncated, gamma, gae_lambda)

    trained = ppo_figures.train(ppo_figures.small_run(1), {"hw1.compute_gae": watched})
    first, last = errors[0], errors[-1]
    assert round(first.mean(), 1) == 1.0 and round(last.mean(), 1) == 0.2 and last.std() < 0.05 * last.mean()
    assert round(trained["value"][-1]) == 79 and trained["return"][-1] < 30
    page = " ".join((CHAPTERS / "four-stages.md").read_text(encoding="utf-8").split())
    assert "they are 79 after 10,000 steps" in page and "1 at first, 0.2 at the end" in page


def test_the_curriculum_that_waits_waits_for_more_than_four_of_five():
    scope = {}
    exec(next(cell for cell in cells("schedules-and-scales") if "def when_it_succeeds" in cell), scope)
    waits = scope["when_it_succeeds"]
    assert waits(0.1, 0.5, 0.8) == 0.1 < waits(0.1, 0.5, 0.81)
    assert "whenever more than four of five succeed" in waits.__doc__


def test_the_noise_at_lambda_1_is_that_of_the_steps_that_are_drawn():
    script = (STATIC / "ppo-gae.js").read_text(encoding="utf-8")
    assert re.search(r"\b20\b", script) and 16 < sum(0.99 ** (2 * i) for i in range(20)) < 17
    page = " ".join((CHAPTERS / "four-stages.md").read_text(encoding="utf-8").split())
    assert "more than 16 if the episode goes on (over the 20 steps that are drawn)" in page


def test_the_schedule_of_the_original_notes_does_not_exist():
    from stable_baselines3.common import callbacks, utils

    assert not hasattr(callbacks, "LinearSchedule")
    assert not hasattr(utils.LinearSchedule(3e-4, 1e-5, 1.0), "value")
    with pytest.raises(TypeError):
        utils.LinearSchedule(3e-4, 1e-5)


def test_the_quiz_explains_every_choice():
    text = (CHAPTERS / "quiz.md").read_text(encoding="utf-8")
    questions = text.split("::::{div} quiz-question\n")[1:]
    assert len(questions) >= 10
    for question in questions:
        choices = re.findall(
            r"^:::\{dropdown\} [^\n]+\n:class-container: quiz-(right|wrong)\n(.*?)^:::$",
            question,
            re.S | re.M,
        )
        assert len(choices) == question.count("{dropdown}") >= 3
        assert sum(kind == "right" for kind, _ in choices) == 1
        assert all(reason.startswith(kind.capitalize()) and len(reason) > 40 for kind, reason in choices)
