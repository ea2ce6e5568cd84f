// What the book's widgets share: elements, sliders, a seeded generator, and a line chart in SVG.
const course = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  const COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B07D00", "#56B4E9"];

  function fill(element, attributes, children) {
    for (const [key, value] of Object.entries(attributes)) {
      if (typeof value === "function") element.addEventListener(key, value);
      else element.setAttribute(key, value);
    }
    element.append(...children);
    return element;
  }
  const html = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
  const svg = (tag, attributes = {}, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

  // Calls build(element) for every element of the page that asks for the widget.
  function widget(name, build) {
    document.addEventListener("DOMContentLoaded", () => {
      for (const element of document.querySelectorAll(`[data-widget="${name}"]`)) {
        element.classList.add("course-widget");
        element.setAttribute("role", "group");
        build(element);
        element.dataset.ready = "true";
      }
    });
  }

  // A labelled range input; show(value) writes the number beside it.
  function slider(label, { min, max, step, value, show = String }, changed) {
    const output = html("output", {}, show(value));
    const input = html("input", { type: "range", min, max, step, value, "aria-label": label });
    input.addEventListener("input", () => {
      output.textContent = show(Number(input.value));
      changed(Number(input.value));
    });
    return html("label", { class: "course-slider" }, html("span", {}, label), input, output);
  }

  // Moves a slider from outside; text stands beside it and is what a screen reader says.
  function set(label, value, text) {
    const input = label.querySelector("input");
    input.value = value;
    input.setAttribute("aria-valuetext", text);
    label.querySelector("output").textContent = text;
  }

  const button = (text, pressed) => html("button", { type: "button", class: "course-button", click: pressed }, text);

  // What plays a recorded episode: a Play button and a slider of its steps. last() is the last step, draw(step) shows one,
  // text(step) says it, rate() gives steps a second; live is the element that tells of a step, silent while it plays.
  function player({ last, draw, text, live, rate = () => 20 }) {
    const PICTURES = 20; // a second, at most
    const still = window.matchMedia("(prefers-reduced-motion: reduce)");
    let step = 0, timer = null;
    const play = button("Play", pressed);
    const time = slider("step", { min: 0, max: 0, step: 1, value: 0 }, (v) => { stop(); go(v); });

    function go(to) {
      step = Math.max(0, Math.min(to, last()));
      time.querySelector("input").max = last();
      set(time, step, text(step));
      draw(step);
    }

    function stop() {
      clearTimeout(timer);
      timer = null;
      play.textContent = still.matches ? "Show the end" : "Play";
      live.setAttribute("aria-live", "polite");
    }

    function pressed() {
      if (timer !== null) return stop();
      if (still.matches) return go(last());
      live.setAttribute("aria-live", "off"); // nobody wants twenty sentences a second
      play.textContent = "Pause";
      go(step === last() ? 0 : step);
      return wait();
    }

    function wait() {
      timer = setTimeout(() => {
        const next = Math.min(step + Math.max(1, Math.round(rate() / PICTURES)), last());
        if (next === last()) stop();
        else wait();
        go(next);
      }, 1000 / Math.min(rate(), PICTURES));
    }

    still.addEventListener("change", stop);
    stop();
    return { controls: [play, time], go, stop };
  }

  // Numbers in [0, 1) that are the same in every browser (mulberry32).
  function generator(seed) {
    let state = seed >>> 0;
    return () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let t = Math.imul(state ^ (state >>> 15), 1 | state);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
  }

  const compact = (x) => {
    const size = Math.abs(x);
    if (size >= 1e6) return `${+(x / 1e6).toPrecision(3)}M`;
    if (size >= 1e4) return `${+(x / 1e3).toPrecision(3)}k`;
    return String(+x.toPrecision(3));
  };

  // How wide a picture is drawn, so that its letters keep their size on a phone.
  const pageWidth = () => Math.max(320, Math.min(680, (document.querySelector("article") || document.body).clientWidth - 40));

  function ticks(low, high, log) {
    if (log) {
      const first = Math.ceil(low - 1e-9), last = Math.floor(high + 1e-9), every = Math.ceil((last - first + 1) / 6);
      return Array.from({ length: last - first + 1 }, (_, i) => first + i).filter((_, i) => i % every === 0);
    }
    const rough = (high - low) / 4, power = 10 ** Math.floor(Math.log10(rough));
    const size = [1, 2, 5, 10].find((m) => m * power >= rough) * power;
    const result = [];
    for (let t = Math.ceil(low / size) * size; t <= high + 1e-9 * size; t += size) result.push(Math.abs(t) < size / 1e6 ? 0 : t);
    return result;
  }

  // Draws series into a new <svg>. A series: {x, y, label, colour, low, high, dash}; low and high give a band. A point: {x, y, colour}.
  function chart({ series, xLabel, yLabel, label, xRange, yRange, log = false, marks = [], zones = [], points = [], width = pageWidth(), height = 320 }) {
    const box = { left: 62, right: width - 24, top: 14, bottom: height - 46 };
    const f = log ? (v) => Math.log10(Math.max(v, 1e-12)) : (v) => v;
    const all = (keys) => series.flatMap((s) => keys.flatMap((k) => Array.from(s[k] || []))).filter(Number.isFinite);
    const span = (values, given) => {
      if (given) return given;
      const low = Math.min(...values), high = Math.max(...values), pad = (high - low) * 0.05 || 1;
      return [low - pad, high + pad];
    };
    const [x0, x1] = xRange || [Math.min(...all(["x"])), Math.max(...all(["x"]))];
    const [y0, y1] = span(all(["y", "low", "high"]).filter((v) => !log || v > 0).map(f), yRange);
    const px = (x) => box.left + ((x - x0) / (x1 - x0 || 1)) * (box.right - box.left);
    const py = (y) => box.bottom - ((Math.min(Math.max(f(y), y0), y1) - y0) / (y1 - y0 || 1)) * (box.bottom - box.top);
    const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label, class: "course-chart" });
    for (const z of zones) {
      root.append(svg("rect", { x: px(z.from), y: box.top, width: px(z.to) - px(z.from), height: box.bottom - box.top, class: "zone" }));
      root.append(svg("text", { x: px(z.to) + 6, y: box.top + 14, class: "note" }, z.label));
    }
    for (const t of ticks(y0, y1, log)) {
      const y = py(log ? 10 ** t : t);
      root.append(svg("line", { x1: box.left, x2: box.right, y1: y, y2: y, class: "rule" }));
      root.append(svg("text", { x: box.left - 6, y: y + 4, "text-anchor": "end" }, compact(log ? 10 ** t : t)));
    }
    for (const t of ticks(x0, x1)) root.append(svg("text", { x: px(t), y: box.bottom + 18, "text-anchor": "middle" }, compact(t)));
    root.append(svg("line", { x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom, class: "axis" }));
    root.append(svg("text", { x: (box.left + box.right) / 2, y: height - 8, "text-anchor": "middle" }, xLabel));
    const middle = (box.top + box.bottom) / 2;
    root.append(svg("text", { x: 14, y: middle, "text-anchor": "middle", transform: `rotate(-90 14 ${middle})` }, yLabel));
    series.forEach((s, i) => {
      const colour = s.colour || COLOURS[i % COLOURS.length];
      const path = (ys) => Array.from(s.x, (x, j) => `${px(x).toFixed(1)},${py(ys[j]).toFixed(1)}`);
      if (s.low) root.append(svg("polygon", { points: [...path(s.high), ...path(s.low).reverse()].join(" "), fill: colour, opacity: 0.18 }));
      root.append(svg("polyline", { points: path(s.y).join(" "), fill: "none", stroke: colour, "stroke-width": s.width || 2, "stroke-dasharray": s.dash || "none" }));
    });
    for (const p of points) root.append(svg("circle", { cx: px(p.x), cy: py(p.y), r: 5, fill: p.colour, class: "point" }));
    for (const m of marks) {
      root.append(svg("line", { x1: px(m.x), x2: px(m.x), y1: box.top, y2: box.bottom, class: "marker" }));
      root.append(svg("text", { x: Math.min(px(m.x) + 5, box.right - 70), y: (box.top + box.bottom) / 2, class: "note" }, m.label));
    }
    return root;
  }

  // Colour swatches with names, for series that have a label.
  function legend(series) {
    return html("ul", { class: "course-legend" }, ...series.map((s, i) => {
      const swatch = html("span", { class: "swatch", "aria-hidden": "true" });
      swatch.style.borderTop = `3px ${s.dash ? "dashed" : "solid"} ${s.colour || COLOURS[i % COLOURS.length]}`;
      return html("li", {}, swatch, s.label);
    }));
  }

  return { COLOURS, html, svg, widget, slider, set, button, player, generator, chart, legend, compact, pageWidth };
})();
