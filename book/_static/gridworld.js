// Tabular Q-learning on the chapter's 3 x 4 grid, one step at a time.
course.widget("gridworld", (element) => {
  const { html, svg, slider, button, generator } = course;
  const ROWS = ["...G", ".#.X", "S..."];
  const MOVES = [["up", -1, 0], ["right", 0, 1], ["down", 1, 0], ["left", 0, -1]];
  const ARROWS = ["↑", "→", "↓", "←"];
  const DISCOUNT = 0.9, SIZE = 100;
  let epsilon = 0.3, alpha = 0.5, q, state, steps, episodes, random, trail;

  const at = (r, c) => (ROWS[r] && ROWS[r][c]) || "#";
  const best = (s) => q[s].indexOf(Math.max(...q[s]));
  const key = (r, c) => r * 4 + c;

  function reset() {
    q = Array.from({ length: 12 }, () => [0, 0, 0, 0]);
    random = generator(7);
    steps = episodes = 0;
    state = [2, 0];
    trail = "Nothing has been learned: every value is 0. Press “One step”.";
  }

  function step() {
    const s = key(...state), greedy = random() >= epsilon;
    const ties = [0, 1, 2, 3].filter((a) => q[s][a] === Math.max(...q[s]));
    const a = greedy ? ties[Math.floor(random() * ties.length)] : Math.floor(random() * 4);
    const [name, dr, dc] = MOVES[a], to = [state[0] + dr, state[1] + dc];
    const next = at(...to) === "#" ? state : to;
    const reward = { G: 1, X: -1 }[at(...next)] || 0, done = reward !== 0;
    const old = q[s][a], ahead = done ? 0 : Math.max(...q[key(...next)]);
    q[s][a] = old + alpha * (reward + DISCOUNT * ahead - old);
    const future = done ? "nothing after the end" : `${DISCOUNT} × ${ahead.toFixed(2)}`;
    trail = `${greedy ? "Greedy" : "Random"} move ${name}: Q = ${old.toFixed(2)} + ${alpha} × ` +
      `[${reward} + ${future} − ${old.toFixed(2)}] = ${q[s][a].toFixed(2)}`;
    steps += 1;
    state = done ? [2, 0] : next;
    if (done) episodes += 1;
    return done;
  }

  function episode() {
    for (let i = 0; i < 500 && !step(); i += 1);
  }

  const colour = (v) => (v >= 0 ? `rgba(0,114,178,${Math.min(v, 1) * 0.75})` : `rgba(213,94,0,${Math.min(-v, 1) * 0.75})`);

  function cell(root, r, c) {
    const x = c * SIZE, y = r * SIZE, m = SIZE / 2, kind = at(r, c), s = key(r, c);
    root.append(svg("rect", { x, y, width: SIZE, height: SIZE, class: kind === "#" ? "wall" : "cell" }));
    if (kind === "G" || kind === "X") {
      root.append(svg("text", { x: x + m, y: y + m + 8, "text-anchor": "middle", class: "terminal" }, kind === "G" ? "+1" : "−1"));
    } else if (kind !== "#") {
      const corners = [[x, y], [x + SIZE, y], [x + SIZE, y + SIZE], [x, y + SIZE]];
      const spots = [[m, 20], [SIZE - 19, m + 4], [m, SIZE - 10], [19, m + 4]];
      q[s].forEach((v, a) => {
        const [p, n] = [corners[a], corners[(a + 1) % 4]];
        root.append(svg("polygon", { points: `${p} ${n} ${x + m},${y + m}`, fill: colour(v), class: "triangle" }));
        root.append(svg("text", { x: x + spots[a][0], y: y + spots[a][1], "text-anchor": "middle",
          "font-weight": v !== 0 && a === best(s) ? "bold" : "normal" }, v === 0 ? "0" : v.toFixed(2)));
      });
    }
  }

  const picture = html("div"), status = html("p", { "aria-live": "polite", class: "course-status" });

  function draw() {
    const policy = ROWS.map((row, r) => [...row].map((kind, c) => {
      if (!".S".includes(kind)) return { G: "goal", X: "pit", "#": "wall" }[kind];
      return Math.max(...q[key(r, c)]) === 0 ? "unknown" : MOVES[best(key(r, c))][0];
    }).join(", ")).join("; ");
    const root = svg("svg", { viewBox: "-2 -2 404 304", role: "img", class: "course-grid", "aria-label": `Best move in each cell, row by row: ${policy}` });
    ROWS.forEach((row, r) => [...row].forEach((_, c) => cell(root, r, c)));
    root.append(svg("circle", { cx: state[1] * SIZE + 50, cy: state[0] * SIZE + 50, r: 9, class: "agent" }));
    picture.replaceChildren(root);
    const plan = [];
    for (let s = [2, 0], i = 0; i < 8 && ".S".includes(at(...s)) && Math.max(...q[key(...s)]) > 0; i += 1) {
      const a = best(key(...s));
      plan.push(ARROWS[a]);
      const to = [s[0] + MOVES[a][1], s[1] + MOVES[a][2]];
      if (at(...to) !== "#") s = to;
    }
    status.textContent = `${trail} — ${steps} steps, ${episodes} episodes. Greedy path from the start: ${plan.join(" ") || "none yet"}`;
  }

  const press = (text, action) => button(text, () => { action(); draw(); });
  element.append(
    html("div", { class: "course-controls" }, press("One step", step), press("One episode", episode),
      press("50 episodes", () => { for (let i = 0; i < 50; i += 1) episode(); }), press("Start again", reset),
      slider("exploration ε", { min: 0, max: 1, step: 0.05, value: epsilon, show: (v) => v.toFixed(2) }, (v) => { epsilon = v; }),
      slider("step size α", { min: 0.05, max: 1, step: 0.05, value: alpha, show: (v) => v.toFixed(2) }, (v) => { alpha = v; })),
    picture, status);
  reset();
  draw();
});
