// Replays of a team: one episode from the same start at every checkpoint of a training, drawn from recorded data only.

// Every number that a packed track stands for (see gcb6206/runs/team_replay.py): running sums of thousandths.
course.unpackTrack = (packed, count) => {
  let total = 0;
  return Array.from({ length: count }, (_, i) => (total += packed[i] || 0) / 1000);
};

course.widget("team-replay", (element) => {
  const { html, slider, set, player, chart, legend, compact, pageWidth, unpackTrack, COLOURS } = course;
  const { replays } = JSON.parse(element.querySelector("script").textContent);
  const TALLEST = 440, MARGIN = 0.06, width = pageWidth();
  const state = { replay: null, at: 0, step: 0 };
  const canvas = html("canvas", { role: "img", class: "course-canvas" }), curve = html("div"), about = html("p");
  const status = html("p", { "aria-live": "polite", class: "course-status" });
  const whole = (n) => n.toLocaleString("en"), signed = (v, digits = 2) => v.toFixed(digits).replace(/^-(?=0\.?0*$)/, "").replace("-", "−");

  // A replay with its tracks unpacked, and the part of the world that all its episodes together need.
  function opened(replay) {
    const checkpoints = replay.checkpoints.map((c) => ({ ...c, earned: unpackTrack(c.return, c.steps + 1),
      tracks: c.poses.map((entity) => entity.map((track) => unpackTrack(track, c.steps + 1))) }));
    const low = [Infinity, Infinity], high = [-Infinity, -Infinity];
    replay.entities.forEach(({ radius, length, width: across = 0 }, k) => checkpoints.forEach(({ tracks }) => tracks[k][2].forEach((angle, t) => {
      const [along, aside] = [Math.abs(Math.cos(angle)), Math.abs(Math.sin(angle))];
      [radius || (length * along + across * aside) / 2, radius || (length * aside + across * along) / 2].forEach((reach, axis) => {
        low[axis] = Math.min(low[axis], tracks[k][axis][t] - reach);
        high[axis] = Math.max(high[axis], tracks[k][axis][t] + reach);
      });
    })));
    const size = [0, 1].map((axis) => high[axis] - low[axis] + 2 * MARGIN), scale = Math.min(width / size[0], TALLEST / size[1]);
    const view = { scale, left: (low[0] + high[0]) / 2 - width / scale / 2, top: high[1] + MARGIN, height: Math.round(size[1] * scale) };
    return { ...replay, checkpoints, view };
  }

  const checkpoint = () => state.replay.checkpoints[state.at];
  const poses = (step) => checkpoint().tracks.map((track) => track.map((values) => values[step]));

  function paint() {
    const { entities, view } = state.replay, { tracks } = checkpoint(), sharp = window.devicePixelRatio || 1;
    canvas.width = width * sharp;
    canvas.height = view.height * sharp;
    const pen = canvas.getContext("2d"), ink = getComputedStyle(element).color;
    const x = (v) => (v - view.left) * view.scale, y = (v) => (view.top - v) * view.scale;
    const colour = ({ colour: c }) => (Math.max(...[1, 3, 5].map((i) => parseInt(c.slice(i, i + 2), 16))) < 0x60 ? ink : c); // black would vanish in the dark
    pen.setTransform(sharp, 0, 0, sharp, 0, 0);
    pen.lineJoin = "round";
    entities.forEach((entity, k) => { // the ways so far, on a pale ground that shows in light and dark
      const [xs, ys] = tracks[k];
      pen.beginPath();
      for (let t = 0; t <= state.step; t += 1) pen.lineTo(x(xs[t]), y(ys[t]));
      for (const [style, alpha, wide] of entity.shape === "line" ? [] : [[ink, 0.25, 4], [colour(entity), 1, 1.5]]) {
        Object.assign(pen, { strokeStyle: style, globalAlpha: alpha, lineWidth: wide });
        pen.stroke();
      }
    });
    pen.lineWidth = 1.5;
    poses(state.step).forEach(([px, py, angle], k) => {
      const entity = entities[k], [long, wide] = [entity.length * view.scale, (entity.width || 0) * view.scale];
      pen.save();
      pen.translate(x(px), y(py));
      pen.rotate(-angle);
      pen.fillStyle = colour(entity);
      pen.strokeStyle = ink;
      pen.globalAlpha = 1;
      pen.beginPath();
      if (entity.shape === "circle") pen.arc(0, 0, entity.radius * view.scale, 0, 2 * Math.PI);
      else if (entity.shape === "box") pen.rect(-long / 2, -wide / 2, long, wide);
      else {
        pen.moveTo(-long / 2, 0);
        pen.lineTo(long / 2, 0);
        pen.strokeStyle = colour(entity);
        pen.lineWidth = 3;
      }
      if (entity.shape !== "line") {
        pen.globalAlpha = entity.agent ? 1 : 0.3;
        pen.fill();
      }
      pen.globalAlpha = 1;
      pen.stroke();
      const number = entity.name.match(/\d+$/);
      if (number && entity.shape === "circle" && entity.radius * view.scale >= 8) { // who belongs to which goal, without colours
        pen.rotate(angle);
        pen.fillStyle = entity.agent ? "#000" : ink;
        pen.font = "600 12px sans-serif";
        pen.textAlign = "center";
        pen.textBaseline = "middle";
        pen.fillText(number[0], 0, 0);
      }
      pen.restore();
    });
  }

  function draw() {
    const { replay, step } = state, c = checkpoint(), last = replay.checkpoints[replay.checkpoints.length - 1];
    paint();
    set(checkpoints, state.at, `iteration ${c.iteration}`);
    const reward = step ? ` (${signed(c.earned[step] - c.earned[step - 1], 3)} in this step)` : "";
    const ended = step === c.steps && c.steps < replay.max_steps ? " The episode ended here, before its time limit." : "";
    const said = `Iteration ${c.iteration} of ${last.iteration}, ${whole(c.frames)} frames: its evaluation has a mean return of ${signed(c.mean_return)}. ` +
      `In this episode, the return after ${step} of ${c.steps} steps is ${signed(c.earned[step])}${reward}.${ended}`;
    status.textContent = said;
    canvas.setAttribute("aria-label", `The team of ${replay.scenario} seen from above. ${said}`);
    Object.assign(canvas.dataset, { scenario: replay.scenario, iteration: c.iteration, step, return: c.earned[step],
      poses: JSON.stringify(poses(step)), view: JSON.stringify([replay.view.left, replay.view.top, replay.view.scale]) });
  }

  // The learning curve: it changes with the checkpoint, not with the step.
  function drawCurve() {
    const { replay, at } = state, frames = replay.checkpoints.map((c) => c.frames), ends = replay.checkpoints.map((c) => c.earned[c.steps]);
    const means = replay.checkpoints.map((c) => c.mean_return), said = `at ${whole(frames[at])} frames ${signed(means[at])} and ${signed(ends[at])}`;
    const series = [{ x: frames, y: means, label: "mean return of the evaluation" }, { x: frames, y: ends, label: "return of this episode", dash: "5 4" }];
    curve.replaceChildren(chart({ series, xLabel: "frames", yLabel: "return", height: 200,
      label: `Learning curve of ${replay.scenario}: mean return of the evaluations, and return of this episode; ${said}`,
      points: [means, ends].map((ys, i) => ({ x: frames[at], y: ys[at], colour: COLOURS[i] })) }), legend(series));
  }

  function choose(index) {
    episode.stop();
    state.replay = opened(replays[index]);
    state.at = state.replay.checkpoints.length - 1;
    checkpoints.querySelector("input").max = state.at;
    canvas.style.aspectRatio = `${width} / ${state.replay.view.height}`;
    about.textContent = `${replays[index].about}. Filled circles are agents, pale shapes everything else; thin lines are the ways so far.`;
    drawCurve();
    episode.go(0);
  }

  const episode = player({ last: () => checkpoint().steps, text: (step) => `${step} of ${checkpoint().steps}`, live: status,
    draw: (step) => { state.step = step; draw(); } });
  const checkpoints = slider("training", { min: 0, max: 0, step: 1, value: 0 }, (v) => {
    state.at = v;
    drawCurve();
    episode.go(state.step);
  });
  const select = html("select", { "aria-label": "team", change: () => choose(select.selectedIndex) }, ...replays.map((r) => html("option", {}, r.label)));
  const team = html("label", { class: "course-slider" }, html("span", {}, "team"), select);
  element.append(html("div", { class: "course-controls" }, ...(replays.length > 1 ? [team] : []), checkpoints), about, canvas,
    html("div", { class: "course-controls" }, ...episode.controls), status, curve);
  choose(0);
  new MutationObserver(() => paint()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
});
