// One update of PPO as data that flow through four stages, with the shape of everything on its way.

// How much work one update is; minibatches is not whole where the batch size does not divide the samples.
course.updateCounts = (environments, steps, batch, epochs) => {
  const samples = environments * steps, minibatches = samples / batch;
  return { samples, minibatches, gradientSteps: minibatches * epochs };
};

course.widget("ppo-stages", (element) => {
  const { html, svg, slider, button, pageWidth, COLOURS } = course;
  const width = pageWidth(), narrow = width < 480, state = { environments: 4, steps: 2048, batch: 64, epochs: 10, at: 0 };
  const picture = html("div"), status = html("p", { "aria-live": "polite", class: "course-status" });
  const whole = (n) => n.toLocaleString("en");

  // Each move: the stage it belongs to, what happens, and the shapes it leaves behind.
  function moves() {
    const { environments: N, steps: T, batch: B, epochs } = state, { samples, minibatches, gradientSteps } = course.updateCounts(N, T, B, epochs);
    return [
      [0, `The policy plays ${whole(T)} steps in each of ${N} environments, which makes ${whole(samples)} transitions. It does not change meanwhile.`],
      [1, `The same policy gives each action’s log-probability and each state’s value, with what the step led to: these are the “old” ones that later ratios are taken against.`],
      [1, `Backwards through time, each environment by itself, the errors of the critic are summed to advantages and returns. Then time no longer matters: (T, N) becomes one row of ${whole(samples)} samples.`],
      [2, `The samples are shuffled and cut into ${whole(minibatches)} minibatches of ${B}. For one of them, the policy of this moment gives new log-probabilities and values, and three losses become one number.`],
      [3, `Its gradient is scaled down if its norm is above the limit, and Adam takes one step. Then comes the next minibatch.`],
      [3, `After ${whole(minibatches)} steps every sample was used once. Shuffled anew, ${epochs} times: ${whole(gradientSteps)} gradient steps in all.`],
      [0, `All ${whole(samples)} samples are thrown away, since they tell about a policy that is gone. The new one collects the next.`],
    ];
  }

  function draw() {
    const { environments: N, steps: T, batch: B, epochs } = state, { samples, minibatches } = course.updateCounts(N, T, B, epochs);
    if (!Number.isInteger(minibatches)) {
      status.textContent = `${whole(samples)} samples cannot be cut into minibatches of ${B}: choose a batch size that divides ${T} × ${N}. PPOConfig refuses it as well.`;
      return;
    }
    const all = moves(), [stage, words] = all[state.at], grid = `(${whole(T)}, ${N})`, left = 12, right = width - 44;
    const boxes = [
      ["1  Collect", "observations, actions, rewards, ends", `${grid} each`],
      ["2  Estimate advantages", "log-probs, values, advantages, returns", `${grid} → (${whole(samples)},)`],
      ["3  Three losses", "policy, value, entropy on one minibatch", `(${B},) → one number`],
      ["4  Step and repeat", "gradient, clip its norm, Adam", `${whole(minibatches)} × ${epochs} times`],
    ];
    const tall = narrow ? 84 : 64, gap = 26, top = (i) => 8 + i * (tall + gap), middle = (left + right) / 2;
    const root = svg("svg", { viewBox: `0 0 ${width} ${top(3) + tall + 10}`, role: "img", class: "course-chart",
      "aria-label": `Four stages of an update, the present one is ${boxes[stage][0].slice(3)}. ${boxes.map((b) => `${b[0]}: ${b[1]}, ${b[2]}`).join("; ")}` });
    const head = (x, y, dx, dy) => svg("path", { d: `M${x} ${y} l${-6 * dy - 9 * dx} ${-6 * dx - 9 * dy} l${12 * dy} ${12 * dx} Z`, fill: "currentColor" });
    boxes.forEach(([title, what, shape], i) => {
      const on = i === stage, y = top(i);
      root.append(svg("rect", { x: left, y, width: right - left, height: tall, rx: 8, fill: COLOURS[i], "fill-opacity": on ? 0.3 : 0.06, stroke: COLOURS[i], "stroke-width": on ? 4 : 1.5 }),
        svg("text", { x: left + 12, y: y + 25, "font-weight": 700 }, title), svg("text", { x: left + 12, y: y + 48 }, what),
        svg("text", narrow ? { x: left + 12, y: y + 71 } : { x: right - 12, y: y + 25, "text-anchor": "end" }, shape));
      if (i < 3) root.append(svg("line", { x1: middle, x2: middle, y1: y + tall, y2: y + tall + gap - 6, class: "axis" }), head(middle, top(i + 1), 0, 1));
    });
    const back = (from, to, x) => [svg("path", { d: `M${right} ${from} H${x} V${to} H${right + 6}`, fill: "none", class: "axis" }), head(right, to, -1, 0)];
    root.append(...back(top(3) + tall / 2 - 8, top(2) + tall / 2, right + 16), ...back(top(3) + tall / 2 + 10, top(0) + tall / 2, right + 34));
    picture.replaceChildren(root);
    status.textContent = `${state.at + 1} of ${all.length}. ${words}`;
  }

  const move = (by) => () => { state.at = (state.at + by + moves().length) % moves().length; draw(); };
  const set = (name, label, options) => slider(label, { ...options, value: options.value ?? state[name] }, (v) => { state[name] = options.power ? 2 ** v : v; draw(); });
  const power = (min, max, value) => ({ min, max, step: 1, value, power: true, show: (v) => whole(2 ** v) });
  element.append(html("div", { class: "course-controls" }, button("Back", move(-1)), button("Next", move(1)),
    set("environments", "environments", { min: 1, max: 16, step: 1 }), set("steps", "steps each", power(5, 13, 11)),
    set("batch", "batch size", power(5, 9, 6)), set("epochs", "epochs", { min: 1, max: 30, step: 1 })), picture, status);
  draw();
});
