// The treasure hunt, step by step: one recorded game of every player on the same map, laid over one another.
course.widget("realm-replay", (element) => {
  const { html, button, player, pageWidth, unpackTrack, COLOURS } = course;
  const { games } = JSON.parse(element.querySelector("script").textContent);
  const ROCK = [52, 50, 58], FLOOR = [226, 220, 204], MEMORY = [60, 150, 60], FOG = 0.45;
  const TREASURE = "#f0b400", BUFF = "#3c96dc", END = "#c83228", OTHERS = "#8c8c8c";
  const NEVER = 1e9, SPEEDS = [5, 20, 80, 320], side = Math.min(pageWidth(), 560);
  const state = { game: null, shown: new Set(["planner", "agent, seed 1"]), eyes: "agent, seed 1", step: 0, speed: 20 };
  const canvas = html("canvas", { role: "img", class: "course-canvas" }), table = html("tbody");
  const status = html("p", { "aria-live": "polite", class: "course-status" });
  const whole = (n) => n.toLocaleString("en"), points = (n) => n.toLocaleString("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  Object.assign(canvas.style, { maxWidth: `${side}px`, marginInline: "auto" });

  // A game with its paths unpacked, in thousands of units, and one entry a player.
  function opened(game) {
    const players = Object.entries(game.plays).map(([name, play], k) => ({ ...play, name, steps: play.actions.length,
      colour: COLOURS[k] || OTHERS, letter: (name.match(/\d+$/) || [name[0].toUpperCase()])[0],
      path: play.path.map((track) => unpackTrack(track, play.actions.length + 1)) }));
    return { ...game, cell: game.cell / 1000, sites: game.sites.map((site) => site.map((v) => v / 1000)), players };
  }

  const eyes = () => state.game.players.find(({ name }) => name === state.eyes);
  const drawn = () => state.game.players.filter(({ name }) => state.shown.has(name));
  const last = () => Math.max(...[eyes(), ...drawn()].map(({ steps }) => steps));
  const at = (who, step = state.step) => Math.min(step, who.steps);
  const cellOf = (who, step) => who.path.map((track) => Math.floor(track[step] / state.game.cell));
  const takenBy = (who, step = state.step) => Object.keys(who.taken).filter((site) => who.taken[site] <= step);

  // The step at which each cell was first in view, worked out once for a player.
  function firstSeen(who) {
    if (who.seen) return who.seen;
    const { size, reach } = state.game, seen = new Int32Array(size * size).fill(NEVER);
    let before = "";
    for (let t = 0; t <= who.steps; t += 1) {
      const [x, y] = cellOf(who, t);
      if (before === `${x} ${y}`) continue;
      before = `${x} ${y}`;
      for (let i = Math.max(0, x - reach); i <= Math.min(size - 1, x + reach); i += 1)
        for (let j = Math.max(0, y - reach); j <= Math.min(size - 1, y + reach); j += 1)
          if (seen[i * size + j] === NEVER) seen[i * size + j] = t;
    }
    return (who.seen = seen);
  }

  // What the player would score if it stood at the end now; what it scored once its game is over.
  function scoreOf(who) {
    const [treasure, end, step] = state.game.points;
    return state.step >= who.steps ? who.score : treasure * takenBy(who).length + end + step * (state.game.max_step - state.step);
  }

  // Rock and floor, green where it was stood on, dark where it was never in view; one pixel a cell, north at the top.
  function ground(who) {
    const { size, rock, visits } = state.game, seen = firstSeen(who), stood = new Uint8Array(size * size);
    for (let t = 0; t <= at(who); t += 1) {
      const [x, y] = cellOf(who, t);
      stood[x * size + y] = Math.min(visits, stood[x * size + y] + 1);
    }
    const small = html("canvas", { width: size, height: size }), pen = small.getContext("2d"), picture = pen.createImageData(size, size);
    for (let x = 0; x < size; x += 1)
      for (let y = 0; y < size; y += 1) {
        const part = stood[x * size + y] / visits, light = seen[x * size + y] <= state.step ? 1 : FOG;
        const colour = rock[x][y] === "1" ? ROCK : FLOOR.map((v, i) => v + part * (MEMORY[i] - v));
        picture.data.set([...colour.map((v) => light * v), 255], 4 * ((size - 1 - y) * size + x));
      }
    pen.putImageData(picture, 0, 0);
    return small;
  }

  function paint() {
    const { game, step } = state, who = eyes(), sharp = window.devicePixelRatio || 1, scale = side / (game.size * game.cell);
    canvas.width = canvas.height = Math.round(side * sharp);
    const pen = canvas.getContext("2d"), place = ([px, py]) => [px * scale, side - py * scale];
    pen.setTransform(sharp, 0, 0, sharp, 0, 0);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(ground(who), 0, 0, side, side);
    pen.lineJoin = "round";
    const players = [...drawn().filter((other) => other !== who), who], position = (other, t) => place(other.path.map((track) => track[t]));
    for (const other of players.filter(({ name }) => state.shown.has(name))) {
      for (const [style, alpha, wide] of [["#000", 0.35, 4], [other.colour, 1, 2]]) {
        Object.assign(pen, { strokeStyle: style, globalAlpha: alpha, lineWidth: wide });
        for (let t = 1; t <= at(other); t += 1) { // piece by piece, since a flash is dashed
          pen.setLineDash(other.flashes.includes(t) ? [6, 5] : []);
          pen.beginPath();
          pen.moveTo(...position(other, t - 1));
          pen.lineTo(...position(other, t));
          pen.stroke();
        }
      }
    }
    pen.setLineDash([]);
    const big = Math.max(5, side / game.size / 1.3), taken = takenBy(who);
    const shape = (site, corners, turn, fill, stroke = "#000", radius = big) => {
      const [x, y] = place(game.sites[site]);
      pen.beginPath();
      if (!corners) pen.arc(x, y, radius, 0, 2 * Math.PI);
      for (let k = 0; k < corners; k += 1) pen.lineTo(x + radius * Math.sin(turn + 2 * Math.PI * k / corners), y - radius * Math.cos(turn + 2 * Math.PI * k / corners));
      pen.closePath();
      Object.assign(pen, { strokeStyle: stroke, lineWidth: fill ? 1 : 2, globalAlpha: 1, fillStyle: fill });
      if (fill) pen.fill();
      pen.stroke();
    };
    for (const site of game.treasures) shape(site, 4, 0, taken.includes(String(site)) ? "" : TREASURE, taken.includes(String(site)) ? "#9a6700" : "#000");
    if (who.buff === null || step < who.buff) shape(0, 3, 0, BUFF);
    shape(game.start, 0, 0, "", "#fff", 1.6 * big);
    shape(game.end, 4, Math.PI / 4, END, "#fff", 1.3 * big);
    for (const other of players) {
      const [x, y] = position(other, at(other));
      pen.beginPath();
      pen.arc(x, y, 8, 0, 2 * Math.PI);
      Object.assign(pen, { fillStyle: "#fff", strokeStyle: other.colour, lineWidth: 3, font: "600 11px sans-serif", textAlign: "center", textBaseline: "middle" });
      pen.fill();
      pen.stroke();
      pen.fillStyle = "#000";
      pen.fillText(other.letter, x, y + 0.5);
    }
  }

  // How it stands with the player through whose eyes we look.
  function told() {
    const { game, step } = state, who = eyes(), t = at(who), name = who.name[0].toUpperCase() + who.name.slice(1);
    const begin = `Step ${whole(step)}. ${name}: ${takenBy(who).length} of ${game.treasures.length} treasures. `;
    if (t === who.steps) return begin + (who.ended ? `It reached the end after ${whole(t)} steps. The score is ${points(who.score)}.` :
      `It never reached the end in ${whole(t)} steps. The score is 0.`);
    const fast = who.buff !== null && t >= who.buff ? Math.max(0, who.buff + game.buff_duration - t) : 0;
    const wait = Math.max(0, ...who.flashes.map((flash) => flash - 1 + game.flash_cooldown - t).filter((n, k) => who.flashes[k] <= t));
    return begin + `${fast ? `The buff works for ${fast} more steps. ` : ""}` +
      (wait ? `The next flash is possible in ${whole(wait)} steps.` : "A flash is possible.");
  }

  function draw() {
    const { game, step } = state, said = told(), seen = firstSeen(eyes()).reduce((n, first) => n + (first <= step), 0);
    paint();
    game.players.forEach((who, k) => {
      const over = step >= who.steps ? (who.ended ? " (end)" : " (too late)") : "";
      [`${whole(at(who))}${over}`, String(takenBy(who).length), points(scoreOf(who))].forEach((text, i) => { table.rows[k].cells[i + 2].textContent = text; });
    });
    status.textContent = said;
    canvas.setAttribute("aria-label", `The map of ${game.size} by ${game.size} cells, with the ways of ${drawn().map(({ name }) => name).join("; ") || "nobody"}. ${said}`);
    Object.assign(canvas.dataset, { size: game.size, step, eyes: state.eyes, seen, scale: side / (game.size * game.cell),
      places: JSON.stringify(Object.fromEntries(game.players.map((who) => [who.name, who.path.map((track) => track[at(who)])]))) });
  }

  function row(who) {
    const tick = html("input", { type: "checkbox", "aria-label": `show ${who.name}`, change: () => {
      if (tick.checked) state.shown.add(who.name);
      else state.shown.delete(who.name);
      episode.go(state.step);
    } });
    const look = html("input", { type: "radio", name: "realm-replay-eyes", "aria-label": `see what ${who.name} saw`, change: () => {
      state.eyes = who.name;
      state.shown.add(who.name);
      tick.checked = true;
      episode.go(state.step);
    } });
    tick.checked = state.shown.has(who.name);
    look.checked = state.eyes === who.name;
    const swatch = html("span", { class: "swatch", "aria-hidden": "true" });
    swatch.style.borderTop = `3px solid ${who.colour}`;
    return html("tr", {}, html("th", { scope: "row" }, html("label", { class: "course-tick" }, tick, swatch, `${who.letter}: ${who.name}`)),
      html("td", {}, look), html("td"), html("td"), html("td"));
  }

  function choose(index) {
    episode.stop();
    state.game = opened(games[index]);
    table.replaceChildren(...state.game.players.map(row));
    episode.go(0);
  }

  const episode = player({ last, live: status, rate: () => state.speed, text: (step) => `${whole(step)} of ${whole(last())}`,
    draw: (step) => { state.step = step; draw(); } });
  const pick = (label, options, chosen, changed) => {
    const select = html("select", { "aria-label": label, change: () => changed(select.selectedIndex) }, ...options.map((text) => html("option", {}, text)));
    select.selectedIndex = chosen;
    return html("label", { class: "course-slider" }, html("span", {}, label), select);
  };
  const heads = ["player", "fog", "step", "taken", "score now"].map((text) => html("th", { scope: "col" }, text));
  element.append(html("div", { class: "course-controls" }, pick("map", games.map(({ size }) => `${size} by ${size} cells`), 0, choose),
    pick("speed", SPEEDS.map((n) => `${n} steps a second`), SPEEDS.indexOf(state.speed), (k) => { state.speed = SPEEDS[k]; })),
  canvas, html("div", { class: "course-controls" }, episode.controls[0], button("One step", () => { episode.stop(); episode.go(state.step + 1); }), episode.controls[1]),
  status, html("table", { class: "table table-sm" }, html("thead", {}, html("tr", {}, ...heads)), table));
  choose(0);
});
