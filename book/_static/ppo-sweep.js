// The hyperparameter sweeps: choose task, hyperparameter and values; curves with intervals, and the scores.
course.widget("ppo-sweep", (element) => {
  const { html, chart, legend } = course;
  const RAMP = ["#6a51a3", "#3182bd", "#21918c", "#41ab5d", "#d98c00", "#d55e00"]; // from low values to high ones
  const tasks = JSON.parse(element.querySelector("script").textContent);
  const state = { task: tasks[0], field: "learning_rate", hidden: new Set(), every: false };
  const picture = html("div"), status = html("div", { "aria-live": "polite", style: "overflow-x: auto" });
  const values = html("fieldset");
  const whole = (v) => (v === null ? "–" : Math.round(v).toLocaleString("en"));
  const named = (s) => s.value + (s.usual ? " (preset)" : "");
  const style = (s, i) => ({ colour: s.usual ? "currentColor" : RAMP[i], width: s.usual ? 3 : 2 });

  function lines(s, i) {
    if (state.every) return Object.values(s.seeds).map((y, k) => ({ x: s.step, y, ...style(s, i), width: 1.3, label: k ? "" : named(s) }));
    const band = s.low[0] === null ? {} : { low: s.low, high: s.high };
    return [{ x: s.step, y: s.mean, ...band, ...style(s, i), label: named(s) }];
  }

  function draw() {
    const settings = state.task.fields[state.field];
    const shown = settings.map((s, i) => [s, i]).filter(([s]) => !state.hidden.has(s.value));
    if (!shown.length) {
      picture.replaceChildren(html("p", {}, "Choose a value."));
      status.replaceChildren();
      return;
    }
    const series = shown.flatMap(([s, i]) => lines(s, i)), end = Math.max(...settings.flatMap((s) => s.step));
    const label = `Evaluation return on ${state.task.name} against environment steps, for ${state.field} of ` +
      `${shown.map(([s]) => `${s.value} with a score of ${whole(s.score[0])}`).join(", ")}.`;
    picture.replaceChildren(chart({ series, xLabel: "environment step", yLabel: "evaluation return", label, xRange: [0, end], yRange: state.task.limits }),
      legend(series.filter((s) => s.label)));
    const row = ([s]) => html("tr", {}, html("th", { scope: "row" }, named(s)), html("td", {}, whole(s.score[0])),
      html("td", {}, s.score[1] === null ? "–" : `${whole(s.score[1])} to ${whole(s.score[2])}`), html("td", {}, String(Object.keys(s.seeds).length)));
    const heads = [state.field, "score", "95% interval", "seeds"].map((text) => html("th", { scope: "col" }, text));
    status.replaceChildren(html("table", { class: "table" }, html("caption", {}, `${state.task.name}, ${state.field}`),
      html("thead", {}, html("tr", {}, ...heads)), html("tbody", {}, ...shown.map(row))));
  }

  function tick(text, checked, changed) {
    const input = html("input", { type: "checkbox", "aria-label": text });
    input.checked = checked;
    input.addEventListener("change", () => { changed(input.checked); draw(); });
    return html("label", { class: "course-tick" }, input, text);
  }

  function choose() {
    state.hidden.clear();
    values.replaceChildren(html("legend", {}, "Values"), ...state.task.fields[state.field].map((s) =>
      tick(named(s), true, (on) => (on ? state.hidden.delete(s.value) : state.hidden.add(s.value)))));
    draw();
  }

  function select(text, names, changed) {
    const input = html("select", { "aria-label": text, change: () => { changed(input.selectedIndex); choose(); } }, ...names.map((name) => html("option", {}, name)));
    return html("label", { class: "course-slider" }, html("span", {}, text), input);
  }

  const fields = Object.keys(state.task.fields);
  element.append(html("div", { class: "course-controls" },
    select("hyperparameter", fields, (i) => { state.field = fields[i]; }),
    select("task", tasks.map((task) => task.name), (i) => { state.task = tasks[i]; }),
    tick("every seed on its own", false, (on) => { state.every = on; })), values, picture, status);
  choose();
});
