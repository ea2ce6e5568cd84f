// Generalised advantage estimation: what one advantage is a sum of, for any discount, lambda and episode end.

// Weights in A_t of the next errors and of the n-step returns; `end` is the last step of the sum, counted from t.
// critic: what the values behind s_t weigh in all; noise: the variance that rewards of variance 1 give to A_t.
course.gaeWeights = (gamma, lambda, steps, end, terminated) => {
  const length = Math.min(end, steps - 1) + 1, places = Array.from({ length: steps }, (_, l) => l);
  const errors = places.map((l) => (l < length ? (gamma * lambda) ** l : 0));
  const returns = places.map((l) => (l < length - 1 ? (1 - lambda) * lambda ** l : l === length - 1 ? lambda ** l : 0));
  const bootstraps = places.map((l) => (l === length - 1 && terminated ? 0 : gamma ** (l + 1)));
  const sum = (f) => places.reduce((total, l) => total + f(l), 0);
  return { errors, returns, critic: sum((l) => returns[l] * bootstraps[l]), noise: sum((l) => errors[l] ** 2) };
};

course.widget("ppo-gae", (element) => {
  const { html, svg, slider, pageWidth, COLOURS } = course;
  const STEPS = 20, width = pageWidth(), box = { left: 46, right: width - 10, height: 100 };
  const state = { gamma: 0.99, lambda: 0.95, end: 11, how: "terminated" };
  const picture = html("div"), status = html("p", { "aria-live": "polite", class: "course-status" });
  const px = (l) => box.left + (l / STEPS) * (box.right - box.left);

  function bars(top, weights, colour, title) {
    const wide = (box.right - box.left) / STEPS, bottom = top + box.height, high = (w) => w * (box.height - 24);
    return [
      svg("text", { x: box.left, y: top + 10 }, title),
      ...[0, 1].flatMap((w) => [svg("line", { x1: box.left, x2: box.right, y1: bottom - high(w), y2: bottom - high(w), class: w ? "rule" : "axis" }),
        svg("text", { x: box.left - 6, y: bottom - high(w) + 4, "text-anchor": "end" }, String(w))]),
      ...weights.map((w, l) => svg("rect", { x: px(l) + 2, y: bottom - high(w), width: wide - 4, height: high(w), fill: colour })),
    ];
  }

  function draw() {
    const { gamma, lambda, how } = state, end = how === "none" ? STEPS - 1 : state.end;
    const { errors, returns, critic, noise } = course.gaeWeights(gamma, lambda, STEPS, end, how === "terminated");
    const height = 2 * box.height + 78, second = box.height + 24, bottom = second + box.height;
    const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", class: "course-chart" });
    if (end < STEPS - 1) {
      root.append(svg("rect", { x: px(end + 1), y: 16, width: box.right - px(end + 1), height: bottom - 16, class: "zone" }),
        svg("line", { x1: px(end + 1), x2: px(end + 1), y1: 16, y2: bottom, stroke: "currentColor", "stroke-dasharray": "4 3" }),
        svg("text", { x: (px(end + 1) + box.right) / 2, y: second - 40, "text-anchor": "middle" }, end > 14 ? "" : "next episode"));
    }
    root.append(...bars(4, errors, COLOURS[0], "weight of each step’s error δ"), ...bars(second, returns, COLOURS[1], "weight of each n-step return"),
      ...[0, 5, 10, 15].map((l) => svg("text", { x: px(l + 0.5), y: bottom + 17, "text-anchor": "middle" }, l ? `+${l}` : "t")),
      svg("text", { x: (box.left + box.right) / 2, y: height - 8, "text-anchor": "middle" }, "step"));
    const count = end + 1, ends = { none: "where the rollout ends", terminated: "where the episode terminates", truncated: "where the time limit cuts the episode" };
    const said = `The sum has ${count} error${count > 1 ? "s" : ""} and stops ${ends[how]}. The critic’s values behind this step weigh ${critic.toFixed(3)}: ` +
      `if all were wrong by 1, the advantage would be wrong by that much (bias). Rewards with noise of variance 1 give it variance ${noise.toFixed(2)}.`;
    root.setAttribute("aria-label", `Bars of the weights. ${said}`);
    picture.replaceChildren(root);
    status.textContent = said;
  }

  const three = (v) => v.toFixed(3);
  const choices = [["terminated", "terminates"], ["truncated", "is cut by a time limit"], ["none", "goes on"]];
  const select = html("select", { "aria-label": "the episode" }, ...choices.map(([value, label]) => html("option", { value }, label)));
  const ahead = slider("steps ahead to its end", { min: 0, max: STEPS - 2, step: 1, value: state.end }, (v) => { state.end = v; draw(); });
  select.addEventListener("change", () => {
    state.how = select.value;
    ahead.querySelector("input").disabled = state.how === "none";
    draw();
  });
  element.append(html("div", { class: "course-controls" },
    slider("discount γ", { min: 0.8, max: 1, step: 0.005, value: state.gamma, show: three }, (v) => { state.gamma = v; draw(); }),
    slider("λ", { min: 0, max: 1, step: 0.01, value: state.lambda, show: (v) => v.toFixed(2) }, (v) => { state.lambda = v; draw(); }),
    html("label", { class: "course-slider" }, html("span", {}, "the episode"), select), ahead), picture, status);
  draw();
});
