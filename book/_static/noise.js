// The maximum of noisy estimates: one table against two, when every action is truly worth 0.
course.widget("noise", (element) => {
  const { html, svg, slider, generator, legend, pageWidth, COLOURS } = course;
  const DRAWS = 4000, BINS = 48;
  let actions = 4, sigma = 1;
  const picture = html("div"), status = html("p", { "aria-live": "polite", class: "course-status" });

  // Mean of both estimators over many draws, and their histograms on [-4, 4].
  function simulate() {
    const random = generator(11), normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const result = [0, 1].map(() => ({ mean: 0, bins: new Array(BINS).fill(0) }));
    for (let i = 0; i < DRAWS; i += 1) {
      const first = Array.from({ length: actions }, () => sigma * normal());
      const chosen = first.indexOf(Math.max(...first)), second = sigma * normal();
      [first[chosen], second].forEach((v, k) => {
        result[k].mean += v / DRAWS;
        const bin = Math.floor(((v + 4) / 8) * BINS);
        if (bin >= 0 && bin < BINS) result[k].bins[bin] += 1;
      });
    }
    return result;
  }

  function draw() {
    const result = simulate(), width = pageWidth(), height = 230, base = height - 34, tall = Math.max(...result.flatMap((r) => r.bins));
    const x = (v) => 20 + ((v + 4) / 8) * (width - 40);
    const said = `one table overestimates by ${result[0].mean.toFixed(2)}, two tables by ${result[1].mean.toFixed(2)}`;
    const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", class: "course-chart", "aria-label": `Histogram: ${said}` });
    result.forEach((r, k) => {
      const points = r.bins.map((n, i) => `${x(-4 + (8 * i) / BINS)},${base - (n / tall) * (base - 16)} ${x(-4 + (8 * (i + 1)) / BINS)},${base - (n / tall) * (base - 16)}`);
      root.append(svg("polygon", { points: `${x(-4)},${base} ${points.join(" ")} ${x(4)},${base}`, fill: COLOURS[k], opacity: 0.4 }));
      root.append(svg("line", { x1: x(r.mean), x2: x(r.mean), y1: 8, y2: base, stroke: COLOURS[k], "stroke-width": 3 }));
    });
    root.append(svg("line", { x1: 20, x2: width - 20, y1: base, y2: base, class: "axis" }));
    for (let v = -4; v <= 4; v += 1) root.append(svg("text", { x: x(v), y: base + 17, "text-anchor": "middle" }, String(v)));
    picture.replaceChildren(root);
    status.textContent = `The true value is 0. Over ${DRAWS} draws, ${said}.`;
  }

  element.append(
    html("div", { class: "course-controls" },
      slider("number of actions", { min: 1, max: 18, step: 1, value: actions }, (v) => { actions = v; draw(); }),
      slider("noise of one estimate", { min: 0, max: 1.5, step: 0.1, value: sigma, show: (v) => v.toFixed(1) }, (v) => { sigma = v; draw(); })),
    picture, legend([{ label: "chosen and valued by the same table (DQN)" }, { label: "chosen by one, valued by another (double)" }]), status);
  draw();
});
