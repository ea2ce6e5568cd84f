// What the passes of one update do to a Gaussian policy over one action, with and without clipping.

// Gradient ascent on the mean of min(ratio A, clip(ratio) A) over the mean and the log standard deviation; eps null
// does not clip. kl is KL(old || new), stopped the part of the samples that no longer move the policy.
course.gaussianUpdate = (actions, advantages, start, learningRate, passes, eps) => {
  const logProb = (a, { mean, logStd }) => -0.5 * ((a - mean) / Math.exp(logStd)) ** 2 - logStd;
  const policy = { ...start };
  let stopped = 0;
  for (let i = 0; i <= passes; i += 1) {
    let toMean = 0, toLogStd = 0;
    stopped = 0;
    actions.forEach((a, k) => {
      const ratio = Math.exp(logProb(a, policy) - logProb(a, start)), A = advantages[k], std = Math.exp(policy.logStd);
      const { gradient } = eps === null ? { gradient: A } : course.clippedObjective(ratio, A, eps);
      const z = (a - policy.mean) / std, weight = (gradient * ratio) / actions.length;
      toMean += (weight * z) / std;
      toLogStd += weight * (z * z - 1);
      stopped += gradient === 0 ? 1 / actions.length : 0;
    });
    if (i === passes) break;
    policy.mean += learningRate * toMean;
    policy.logStd += learningRate * toLogStd;
  }
  const { mean, logStd } = policy, spread = Math.exp(2 * (start.logStd - logStd));
  const kl = logStd - start.logStd + 0.5 * (spread + ((start.mean - mean) / Math.exp(logStd)) ** 2 - 1);
  return { mean, logStd, kl, stopped };
};

course.widget("ppo-gaussian", (element) => {
  const { html, svg, slider, button, generator, legend, pageWidth, COLOURS } = course;
  const SAMPLES = 16, START = { mean: 0, logStd: 0 }, BEST = 1;
  const width = pageWidth(), height = 316, base = 190, box = { left: 12, right: width - 12 };
  const state = { passes: 10, learningRate: 0.1, eps: 0.2, seed: 1 };
  const picture = html("div"), status = html("p", { "aria-live": "polite", class: "course-status" });
  const px = (a) => box.left + ((a + 3) / 6) * (box.right - box.left);

  // Actions of the old policy; the reward is -(a - BEST)^2, the advantage that with mean 0 and standard deviation 1.
  function samples() {
    const random = generator(state.seed), normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const actions = Array.from({ length: SAMPLES }, normal), rewards = actions.map((a) => -((a - BEST) ** 2));
    const mean = rewards.reduce((x, y) => x + y) / SAMPLES, std = Math.sqrt(rewards.reduce((x, y) => x + (y - mean) ** 2, 0) / SAMPLES);
    return { actions, advantages: rewards.map((r) => (r - mean) / std) };
  }

  function density({ mean, logStd }, colour, dash, tall) {
    const points = Array.from({ length: 241 }, (_, i) => -3 + i / 40).map((a) => {
      const p = Math.exp(-0.5 * ((a - mean) / Math.exp(logStd)) ** 2 - logStd) / Math.sqrt(2 * Math.PI);
      return `${px(a).toFixed(1)},${(base - (Math.min(p, tall) / tall) * (base - 14)).toFixed(1)}`;
    });
    return svg("polyline", { points: points.join(" "), fill: "none", stroke: colour, "stroke-width": 2.5, "stroke-dasharray": dash });
  }

  function draw() {
    const { actions, advantages } = samples();
    const [clipped, free] = [state.eps, null].map((eps) => course.gaussianUpdate(actions, advantages, START, state.learningRate, state.passes, eps));
    const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", class: "course-chart" }), tall = 1.2, ground = base + 68, unit = 40 / Math.max(...advantages.map(Math.abs));
    root.append(svg("line", { x1: box.left, x2: box.right, y1: base, y2: base, class: "axis" }),
      svg("line", { x1: px(BEST), x2: px(BEST), y1: 14, y2: base, stroke: "currentColor", "stroke-dasharray": "4 3" }), svg("text", { x: px(BEST) + 5, y: 24 }, "best action"),
      ...[-3, -2, -1, 0, 1, 2, 3].map((a) => svg("text", { x: Math.min(Math.max(px(a), 18), width - 18), y: base + 15, "text-anchor": "middle" }, String(a))),
      svg("text", { x: box.left, y: base + 38 }, "sampled actions and their advantages"),
      svg("line", { x1: box.left, x2: box.right, y1: ground, y2: ground, class: "rule" }),
      ...actions.map((a, i) => svg("line", { x1: px(a), x2: px(a), y1: ground, y2: ground - unit * advantages[i],
        stroke: advantages[i] > 0 ? COLOURS[2] : COLOURS[3], "stroke-width": 4 })),
      density(START, "currentColor", "4 4", tall), density(free, COLOURS[1], "none", tall), density(clipped, COLOURS[0], "none", tall));
    const tell = (name, p) => `${name}: mean ${p.mean.toFixed(2)}, standard deviation ${Math.exp(p.logStd).toFixed(2)}, KL ${p.kl < 100 ? p.kl.toFixed(3) : "above 100"}`;
    const said = `After ${state.passes} passes. ${tell("With clipping", clipped)}, ${Math.round(100 * clipped.stopped)} % of the samples no longer move it. ${tell("Without", free)}.`;
    root.setAttribute("aria-label", `Densities of the old and both new policies over the action, and the advantages of ${SAMPLES} samples. ${said}`);
    picture.replaceChildren(root);
    status.textContent = said;
  }

  element.append(html("div", { class: "course-controls" },
    slider("passes over the samples", { min: 0, max: 100, step: 1, value: state.passes }, (v) => { state.passes = v; draw(); }),
    slider("step size", { min: 0.02, max: 0.3, step: 0.02, value: state.learningRate, show: (v) => v.toFixed(2) }, (v) => { state.learningRate = v; draw(); }),
    slider("clip range ε", { min: 0.05, max: 0.5, step: 0.05, value: state.eps, show: (v) => v.toFixed(2) }, (v) => { state.eps = v; draw(); }),
    button("Other samples", () => { state.seed += 1; draw(); })), picture,
  legend([{ label: "old policy", colour: "currentColor", dash: "4 4" }, { label: "new, with clipping", colour: COLOURS[0] }, { label: "new, without", colour: COLOURS[1] },
    { label: "positive advantage", colour: COLOURS[2] }, { label: "negative advantage", colour: COLOURS[3] }]), status);
  draw();
});
