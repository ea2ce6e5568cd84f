// Actors and a learner at speeds of their own: how old what is learned from gets, and what that does to the ratio.
(() => {
  const WORKERS = 4, BATCH = 4, CAPACITY = 12, DRIFT = 0.06, KEPT = 200;

  // The state of a training in which nothing has happened yet.
  // settings: acting, learning (trajectories and trainings in a second), publish (trainings from one publication to
  // the next), reuse (samples for each trajectory), wait (workers wait for a late learner).
  function begin(settings) {
    return { settings, time: 0, version: 0, published: 0, inserted: 0, paid: 0, lost: 0, training: null, buffer: [], lags: [],
      workers: Array.from({ length: WORKERS }, (_, k) => ({ since: 0, ends: (1 + k / WORKERS) * WORKERS / settings.acting, version: 0, item: null })) };
  }

  // Lets time pass, from event to event; random() draws which trajectories a training takes.
  function advance(state, until, random) {
    const { acting, learning, publish, reuse, wait } = state.settings;
    const due = () => state.buffer.length >= BATCH && state.inserted - state.paid >= BATCH / reuse;
    for (;;) {
      if (!state.training && due()) {
        const items = state.buffer.slice(), drawn = [];
        while (drawn.length < BATCH) drawn.push(items.splice(Math.floor(random() * items.length), 1)[0]);
        for (const item of drawn) item.seen = true;
        state.training = { since: state.time, ends: state.time + 1 / learning, drawn };
        state.paid = wait ? state.paid + BATCH / reuse : Math.max(state.paid + BATCH / reuse, state.inserted - BATCH / reuse);
        state.lags.push(...drawn.map((item) => state.version - item.version));
        state.lags.splice(0, state.lags.length - KEPT);
        continue;
      }
      const held = wait && state.training && due(); // what is ready stays with its worker
      const events = state.workers.filter((w) => !held || w.ends > state.time).map((w) => [Math.max(w.ends, state.time), w]);
      if (state.training) events.push([state.training.ends, null]);
      const [at, worker] = events.reduce((a, b) => (b[0] < a[0] ? b : a), [Infinity, null]);
      if (at > until) break;
      state.time = at;
      if (worker && !(wait && state.training && due())) {
        if (state.buffer.length === CAPACITY && !state.buffer.shift().seen) state.lost += 1;
        state.buffer.push({ version: worker.version, seen: false });
        state.inserted += 1;
        Object.assign(worker, { since: at, ends: at + WORKERS / acting, version: state.published });
      } else if (!worker) {
        state.training = null;
        state.version += 1;
        if (state.version % publish === 0) state.published = state.version;
      } else {
        worker.ends = state.training.ends + 1e-9;
      }
    }
    state.time = until;
    return state;
  }

  // The part of the ratios further than clip from 1, where each training moves a log-probability by a normal step of
  // DRIFT: the log-ratio after L trainings is normal with mean -s^2 / 2 and variance s^2 = L * DRIFT^2.
  function clipped(lags, clip, random) {
    const ratios = lags.flatMap((lag) => Array.from({ length: 20 }, () => {
      const s = DRIFT * Math.sqrt(lag), normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
      return Math.exp(s * normal - (s * s) / 2);
    }));
    return { ratios, part: ratios.filter((r) => Math.abs(r - 1) > clip).length / Math.max(ratios.length, 1) };
  }

  course.actorLearner = { begin, advance, clipped };

  course.widget("actor-learner", (element) => {
    const { html, slider, button, generator, pageWidth, COLOURS } = course;
    const settings = { acting: 4, learning: 2, publish: 2, reuse: 1, wait: false }, CLIP = 0.2;
    let random = generator(5), state = begin(settings), playing = false, before = 0;
    const canvas = html("canvas", { class: "course-canvas", role: "img" });
    const status = html("p", { "aria-live": "polite", class: "course-status" });
    const colour = (lag) => (lag <= 1 ? COLOURS[2] : lag <= 4 ? COLOURS[4] : COLOURS[1]);

    function draw() {
      const width = pageWidth(), height = 300, sharp = window.devicePixelRatio || 1, ink = getComputedStyle(element).color;
      canvas.width = width * sharp;
      canvas.height = height * sharp;
      const pen = canvas.getContext("2d"), left = 90, right = width - 14;
      pen.setTransform(sharp, 0, 0, sharp, 0, 0);
      Object.assign(pen, { fillStyle: ink, strokeStyle: ink, font: "13px sans-serif", textBaseline: "middle" });
      const bar = (y, part, fill, text) => {
        pen.globalAlpha = 0.8;
        pen.fillStyle = fill;
        pen.fillRect(left, y - 9, (right - left) * 0.45 * Math.min(Math.max(part, 0), 1), 18);
        pen.globalAlpha = 1;
        pen.strokeRect(left, y - 9, (right - left) * 0.45, 18);
        pen.fillStyle = ink;
        pen.fillText(text, left + (right - left) * 0.45 + 10, y);
      };
      state.workers.forEach((w, k) => {
        pen.fillText(`worker ${k + 1}`, 6, 20 + 26 * k);
        const age = state.version - w.version;
        bar(20 + 26 * k, (state.time - w.since) / (w.ends - w.since), colour(age), `weights ${w.version}, ${age} old`);
      });
      pen.fillText("buffer", 6, 134);
      state.buffer.forEach((item, k) => {
        const size = (right - left) / CAPACITY - 4;
        pen.fillStyle = colour(state.version - item.version);
        pen.fillRect(left + k * (size + 4), 124, size, 20);
        pen.fillStyle = "#fff";
        pen.fillText(String(state.version - item.version), left + k * (size + 4) + 4, 134);
        pen.fillStyle = ink;
      });
      pen.fillText("learner", 6, 166);
      const t = state.training;
      bar(166, t ? (state.time - t.since) / (t.ends - t.since) : 0, COLOURS[0], t ? `trains version ${state.version + 1}` : "waits for trajectories");
      const { ratios, part } = clipped(state.lags.slice(-40), CLIP, generator(7));
      const bins = new Array(40).fill(0), base = height - 22, x = (r) => left + (r / 2) * (right - left);
      for (const r of ratios) bins[Math.min(39, Math.floor(r * 20))] += 1;
      const tall = Math.max(1, ...bins);
      pen.fillText("ratio", 6, 230);
      bins.forEach((n, k) => {
        pen.fillStyle = Math.abs((k + 0.5) / 20 - 1) > CLIP ? COLOURS[1] : COLOURS[0];
        pen.fillRect(x(k / 20), base - 70 * (n / tall), (right - left) / 40 - 1, 70 * (n / tall));
      });
      pen.fillStyle = ink;
      for (const r of [0, 1 - CLIP, 1, 1 + CLIP, 2]) pen.fillText(r.toFixed(1), x(r) - 9, base + 12);
      const mean = state.lags.length ? state.lags.reduce((a, b) => a + b, 0) / state.lags.length : 0;
      const said = `After ${state.time.toFixed(0)} seconds: version ${state.version}, ${state.inserted} trajectories, ${state.lost} of them overwritten unseen. ` +
        `Lag ${mean.toFixed(1)} on average, ${Math.max(0, ...state.lags)} at most. ${(100 * part).toFixed(0)}% of the ratios lie outside the clip range.`;
      status.textContent = said;
      canvas.setAttribute("aria-label", `Four workers, a buffer and a learner. ${said}`);
      Object.assign(canvas.dataset, { lag: mean.toFixed(3), clipped: part.toFixed(3), lost: state.lost, version: state.version, inserted: state.inserted });
    }

    function anew() {
      random = generator(5);
      state = advance(begin({ ...settings }), 60, random);
      draw();
    }
    function frame(now) {
      if (!playing) return;
      advance(state, state.time + Math.min((now - before) / 1000, 0.1), random);
      before = now;
      draw();
      requestAnimationFrame(frame);
    }
    const play = button("play", () => {
      playing = !playing;
      play.textContent = playing ? "pause" : "play";
      before = performance.now();
      if (playing) requestAnimationFrame(frame);
    });
    const waits = button("workers do not wait", () => {
      settings.wait = !settings.wait;
      waits.textContent = settings.wait ? "workers wait for the learner" : "workers do not wait";
      waits.setAttribute("aria-pressed", settings.wait);
      anew();
    });
    waits.setAttribute("aria-pressed", false);
    const set = (name) => (value) => { settings[name] = value; anew(); };
    element.append(canvas,
      html("div", { class: "course-controls" }, play, waits,
        slider("trajectories a second", { min: 1, max: 20, step: 1, value: settings.acting }, set("acting")),
        slider("trainings a second, at most", { min: 0.5, max: 8, step: 0.5, value: settings.learning }, set("learning")),
        slider("samples for each trajectory", { min: 1, max: 8, step: 1, value: settings.reuse }, set("reuse")),
        slider("trainings until weights are published", { min: 1, max: 20, step: 1, value: settings.publish }, set("publish"))),
      status);
    anew();
  });
})();
