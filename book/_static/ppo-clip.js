// PPO's clipped objective for one sample: drag the ratio and the advantage, see the branch and its gradient.

// What one sample adds to the objective, and the slope of that over its ratio; eps is the clip range.
course.clippedObjective = (ratio, advantage, eps) => {
  const plain = ratio * advantage, clipped = Math.min(Math.max(ratio, 1 - eps), 1 + eps) * advantage;
  const flat = clipped < plain;
  return { plain, clipped, objective: flat ? clipped : plain, gradient: flat ? 0 : advantage, flat };
};

course.widget("ppo-clip", (element) => {
  const { html, svg, slider, legend, pageWidth, COLOURS } = course;
  const [BLUE, ORANGE] = COLOURS, RATIOS = [0.02, 2], ADVANTAGES = [-1.5, 1.5], TOP = 3;
  const width = pageWidth(), height = 300, box = { left: 46, right: width - 14, top: 12, bottom: height - 44 };
  const state = { ratio: 1.5, advantage: 1, eps: 0.2 };
  const px = (r) => box.left + (r / RATIOS[1]) * (box.right - box.left);
  const py = (y) => box.top + ((TOP - y) / (2 * TOP)) * (box.bottom - box.top);
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", class: "course-chart", style: "cursor: grab; touch-action: none" });
  const status = html("p", { "aria-live": "polite", class: "course-status" });
  const limit = (v, [low, high]) => Math.min(Math.max(v, low), high);

  const line = (points, more) => svg("polyline", { points: points.map(([r, y]) => `${px(r)},${py(y)}`).join(" "), fill: "none", ...more });
  const text = (x, y, words, more = {}) => svg("text", { x, y, "text-anchor": "middle", ...more }, words);

  function axes() {
    const { eps } = state, middle = (box.top + box.bottom) / 2;
    return [
      svg("rect", { x: px(1 - eps), y: box.top, width: px(1 + eps) - px(1 - eps), height: box.bottom - box.top, class: "zone" }),
      ...[-2, -1, 0, 1, 2].flatMap((y) => [svg("line", { x1: box.left, x2: box.right, y1: py(y), y2: py(y), class: y ? "rule" : "axis" }),
        text(box.left - 6, py(y) + 4, String(y), { "text-anchor": "end" })]),
      ...[0, 0.5, 1, 1.5, 2].map((r) => text(px(r), box.bottom + 18, String(r))),
      text((box.left + box.right) / 2, height - 6, "ratio π(a|s) / π_old(a|s)"),
      text(13, middle, "objective", { transform: `rotate(-90 13 ${middle})` }),
    ];
  }

  function draw() {
    const { ratio, advantage, eps } = state, now = course.clippedObjective(ratio, advantage, eps);
    const edge = advantage > 0 ? 1 + eps : 1 - eps; // where the objective turns flat
    const far = advantage > 0 ? RATIOS[1] : 0, near = advantage > 0 ? 0 : RATIOS[1];
    const push = Math.sign(now.gradient) * Math.max(18, 34 * Math.abs(now.gradient)), x = px(ratio), y = py(now.objective);
    root.replaceChildren(...axes(),
      line([[0, 0], [RATIOS[1], RATIOS[1] * advantage]], { stroke: "currentColor", "stroke-dasharray": "5 4", opacity: 0.7 }),
      line([[near, near * advantage], [edge, edge * advantage]], { stroke: BLUE, "stroke-width": 4 }),
      line([[edge, edge * advantage], [far, edge * advantage]], { stroke: ORANGE, "stroke-width": 4 }),
      ...(now.gradient ? [svg("path", { fill: BLUE, stroke: BLUE, "stroke-width": 3,
        d: `M${x} ${y} h${push} m${-Math.sign(push) * 8} -6 l${Math.sign(push) * 8} 6 l${-Math.sign(push) * 8} 6` })] : []),
      svg("circle", { cx: x, cy: y, r: 7, fill: now.flat ? ORANGE : BLUE }),
      svg("circle", { cx: x, cy: py(now.plain), r: 10, fill: "none", stroke: "currentColor", "stroke-width": 2 }));
    const branch = now.flat ? "The clipped branch is the smaller one" : now.plain === now.clipped ? "Both branches are the same" : "The unclipped branch is the smaller one";
    const way = { 1: "the update makes this action more likely", "-1": "the update makes this action less likely", 0: "this sample no longer moves the policy" };
    const said = `Unclipped ${now.plain.toFixed(2)}, clipped ${now.clipped.toFixed(2)}. ${branch}: the sample counts ${now.objective.toFixed(2)} ` +
      `with gradient ${now.gradient.toFixed(2)}, so ${way[Math.sign(now.gradient)]}.`;
    root.setAttribute("aria-label", `Clipped objective against the ratio, for advantage ${advantage.toFixed(2)}. ${said}`);
    status.textContent = said;
  }

  const two = (v) => v.toFixed(2);
  const sliders = {
    ratio: slider("ratio", { min: RATIOS[0], max: RATIOS[1], step: 0.01, value: state.ratio, show: two }, (v) => { state.ratio = v; draw(); }),
    advantage: slider("advantage", { min: ADVANTAGES[0], max: ADVANTAGES[1], step: 0.01, value: state.advantage, show: two }, (v) => { state.advantage = v; draw(); }),
    eps: slider("clip range ε", { min: 0.05, max: 0.5, step: 0.05, value: state.eps, show: two }, (v) => { state.eps = v; draw(); }),
  };

  function drag(event) {
    if (!event.buttons) return;
    root.setPointerCapture(event.pointerId);
    const shape = root.getBoundingClientRect();
    const x = ((event.clientX - shape.left) / shape.width) * width, y = ((event.clientY - shape.top) / shape.height) * height;
    const ratio = limit(((x - box.left) / (box.right - box.left)) * RATIOS[1], RATIOS);
    const value = TOP - ((y - box.top) / (box.bottom - box.top)) * 2 * TOP;
    for (const [name, v] of [["ratio", ratio], ["advantage", limit(value / ratio, ADVANTAGES)]]) {
      const input = sliders[name].querySelector("input");
      input.value = v;
      input.dispatchEvent(new Event("input"));
    }
  }
  root.addEventListener("pointerdown", drag);
  root.addEventListener("pointermove", drag);

  element.append(html("div", { class: "course-controls" }, ...Object.values(sliders)), root,
    legend([{ label: "what PPO counts, with a gradient", colour: BLUE }, { label: "what PPO counts, flat", colour: ORANGE }, { label: "ratio × advantage; drag the ring on it", colour: "currentColor", dash: "5 4" }]), status);
  draw();
});
