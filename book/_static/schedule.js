// The exploration schedule: how fast epsilon falls, and how many random actions that means.
course.widget("schedule", (element) => {
  const { html, slider, chart, compact } = course;
  const total = Number(element.dataset.total), starts = Number(element.dataset.starts);
  let fraction = 0.1, last = 0.02, step = starts;
  const value = (t) => (t >= fraction * total ? last : 1 + (t / (fraction * total)) * (last - 1));
  const picture = html("div"), status = html("p", { "aria-live": "polite", class: "course-status" });

  function draw() {
    const x = Array.from({ length: 301 }, (_, i) => (i * total) / 300);
    picture.replaceChildren(chart({
      series: [{ x, y: x.map(value) }], xLabel: "environment step", yLabel: "epsilon", yRange: [0, 1.02], height: 260,
      label: `Epsilon falls from 1 to ${last} over ${compact(fraction * total)} steps`,
      zones: [{ from: 0, to: starts, label: "filling the buffer" }],
      marks: [{ x: step, label: `step ${compact(step)}` }],
    }));
    const falling = Math.min(step, fraction * total);
    const random = (falling * (1 + value(falling))) / 2 + Math.max(step - fraction * total, 0) * last;
    status.textContent = `At step ${step.toLocaleString("en")} epsilon is ${value(step).toFixed(3)}; by then about ` +
      `${Math.round(random).toLocaleString("en")} of the actions were random (${step ? Math.round((100 * random) / step) : 100} %).`;
  }

  element.append(
    html("div", { class: "course-controls" },
      slider("falls over this share of the run", { min: 0.02, max: 1, step: 0.02, value: fraction, show: (v) => `${Math.round(100 * v)} %` }, (v) => { fraction = v; draw(); }),
      slider("final epsilon", { min: 0, max: 0.5, step: 0.01, value: last, show: (v) => v.toFixed(2) }, (v) => { last = v; draw(); }),
      slider("look at step", { min: 0, max: total, step: 1000, value: step, show: compact }, (v) => { step = v; draw(); })),
    picture, status);
  draw();
});
