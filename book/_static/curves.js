// Recorded runs: choose the runs and the quantity, see mean and range over the seeds, read values at a step.
course.widget("curves", (element) => {
  const { html, chart, legend, slider, compact, COLOURS } = course;
  const { runs, tags } = JSON.parse(element.querySelector("script").textContent);
  const chosen = new Set(runs.slice(0, 2).map((run) => run.name));
  let tag = tags[0], log = false, every = false, at = Infinity;
  const picture = html("div"), table = html("div", { "aria-live": "polite" });

  // One seed's value at a step: the last one logged there or before.
  function valueAt({ x, y }, step) {
    const later = x.findIndex((t) => t > step), i = later === -1 ? x.length - 1 : later - 1;
    return i < 0 ? NaN : y[i];
  }

  function lines(run, colour) {
    const seeds = Object.values(run.seeds).map((s) => s[tag]).filter(Boolean);
    if (!seeds.length) return [];
    if (every) return seeds.map((s, i) => ({ ...s, colour, width: 1.3, label: i ? "" : run.label }));
    const x = seeds.reduce((a, b) => (a.x.length <= b.x.length ? a : b)).x;
    const columns = x.map((t) => seeds.map((s) => valueAt(s, t)));
    const mean = (v) => v.reduce((a, b) => a + b, 0) / v.length;
    return [{ x, y: columns.map(mean), low: columns.map((v) => Math.min(...v)), high: columns.map((v) => Math.max(...v)), colour, label: run.label }];
  }

  function draw() {
    const shown = runs.map((run, i) => [run, COLOURS[i % COLOURS.length]]).filter(([run]) => chosen.has(run.name));
    const series = shown.flatMap(([run, colour]) => lines(run, colour));
    if (!series.length) {
      picture.replaceChildren(html("p", {}, "Choose a run that logged this quantity."));
      table.replaceChildren();
      return;
    }
    const end = Math.max(...series.flatMap((s) => s.x)), step = Math.min(at, end);
    const label = `${tag} against environment steps for ${shown.map(([run]) => run.label).join(", ")}`;
    picture.replaceChildren(chart({ series, xLabel: "environment step", yLabel: tag, label, log, marks: step < end ? [{ x: step, label: compact(step) }] : [] }),
      legend(series.filter((s) => s.label)));
    const seeds = [...new Set(shown.flatMap(([run]) => Object.keys(run.seeds)))];
    const row = ([run]) => html("tr", {}, html("th", { scope: "row" }, run.label), ...seeds.map((seed) => {
      const curve = run.seeds[seed] && run.seeds[seed][tag];
      return html("td", {}, curve ? compact(valueAt(curve, step)) : "–");
    }));
    table.replaceChildren(html("table", { class: "table" }, html("caption", {}, `${tag} at step ${Math.round(step).toLocaleString("en")}`),
      html("thead", {}, html("tr", {}, html("th", { scope: "col" }, "run"), ...seeds.map((s) => html("th", { scope: "col" }, `seed ${s}`)))),
      html("tbody", {}, ...shown.map(row))));
  }

  function tick(text, checked, changed) {
    const input = html("input", { type: "checkbox" });
    input.checked = checked;
    input.addEventListener("change", () => { changed(input.checked); draw(); });
    return html("label", { class: "course-tick" }, input, text);
  }

  const select = html("select", { change: () => { tag = select.value; draw(); } }, ...tags.map((t) => html("option", { value: t }, t)));
  const longest = Math.max(...runs.flatMap((run) => Object.values(run.seeds).flatMap((s) => Object.values(s).flatMap((c) => c.x))));
  element.append(
    html("fieldset", {}, html("legend", {}, "Runs"), ...runs.map((run) => tick(run.label, chosen.has(run.name),
      (on) => (on ? chosen.add(run.name) : chosen.delete(run.name))))),
    html("div", { class: "course-controls" }, html("label", {}, "Quantity ", select),
      tick("logarithmic scale", false, (on) => { log = on; }), tick("every seed on its own", false, (on) => { every = on; }),
      slider("read at step", { min: 0, max: longest, step: longest / 300, value: longest, show: compact }, (v) => { at = v; draw(); })),
    picture, table);
  draw();
});
