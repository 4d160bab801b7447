// The parity lab: training on one mask, with everything over the whole cube beside it.

import { axes, dot, lineChart, makeChart, makeHistory, ticks } from "./chart.js";
import { button, colour, digits, field, group, make, menu, readouts, settled } from "./page.js";
import { countOnes, exactNetwork, initialNetwork, leastWidth, makeTrainer, measure, trainStep } from "./parity.js";
import { fitMask, PARITY } from "./state.js";

const PARITY_STARTS = {
  training: "PyTorch's weights, as pitfalls trains",
  torch: "PyTorch's weights, torch.manual_seed",
  printed: "the sheet's construction, as printed",
  corrected: "the sheet's construction, corrected",
};
const isExact = (start) => start === "printed" || start === "corrected";

// Features in the sheet's order, x1 first.
const bitsOf = (x, d) => Array.from({ length: d }, (_, j) => x >> j & 1).join("");

// Every mask, few ones first: the order of the spectrum's bars.
export function masksByWeight(d) {
  return Array.from({ length: 2 ** d }, (_, v) => v).sort((a, b) => countOnes(a) - countOnes(b) || a - b);
}

export function parityLab(asked, changed) {
  let settings = asked, network, trainer, seen, order;
  const history = makeHistory("step", "risk", "accuracy", "signal", "own");
  const column = (name) => (i) => history.columns[name][i];
  const values = readouts("Step", "Risk", "Accuracy", "Signal, all masks", "Signal, this mask", "Coefficient of the mask");
  const wrong = make("p", { class: "wrong" });
  const python = make("code"), top = make("ol");

  const charts = [
    lineChart({
      title: "Risk over all inputs", label: "Risk", history, x: "step",
      lines: () => [{ name: "risk", colour: "play-a", of: column("risk") }], range: () => [0, 1.05],
    }),
    lineChart({
      title: "Accuracy over all inputs", label: "Accuracy", history, x: "step",
      lines: () => [{ name: "accuracy", colour: "play-c", of: column("accuracy") }], range: () => [0.4, 1.02],
    }),
    lineChart({
      title: "Signal of the gradient: all masks (solid), this mask (dashed)",
      label: "Signal of the gradient", history, x: "step", log: true, height: 150,
      lines: () => [
        { name: "all masks", colour: "play-b", of: column("signal") },
        { name: "this mask", colour: "play-d", dash: true, of: column("own") },
      ],
      range: () => [Infinity, 1e-30],
    }),
    spectrumChart(() => ({ seen, order, settings })),
  ];

  function reset() {
    const mask = [...settings.mask].map(Number), { d, k, start } = settings;
    network = isExact(start) ? exactNetwork(mask, k, start === "printed") : initialNetwork(d, k, settings.seed, start === "torch");
    trainer = makeTrainer({ ...settings, mask });
    order = masksByWeight(d);
    history.clear();
    look();
  }

  function look() {
    seen = measure(network, trainer);
    history.add(network.step, seen.risk, seen.accuracy, seen.signal, seen.own);
  }

  function change(name, value) {
    settings = fitted({ ...settings, [name]: value });
    reset();
    build();
    changed();
  }

  const number = (label, name) => field(label, { value: settings[name], read: PARITY[name].read, says: PARITY[name].says, change: (v) => change(name, v) });

  const controls = make("div", { class: "controls" });
  const hint = make("p", { class: "hint" }, "Everything here is a mean over all 2^d inputs. The signal is the squared length of the part of the " +
    "risk's gradient that depends on the mask: its mean over all masks, and that of the chosen one. A Walsh coefficient says how much of a mask's parity the network holds.");
  function build() {
    const focus = controls.contains(document.activeElement) ? document.activeElement.id || document.activeElement.dataset.key : null;
    controls.replaceChildren(
      group("Target", number("Features d", "d"), maskButtons(settings, (mask) => change("mask", mask))),
      group("Network", number("Units k", "k"), menu("Start", PARITY_STARTS, settings.start, (v) => change("start", v)), number("Seed", "seed"),
        button("The sheet's one failing input", () => {
          settings = fitted({ ...settings, start: "printed", mask: "1".repeat(settings.d) });
          reset();
          build();
          changed();
        })),
      group("Training", menu("Loss", { hinge: "hinge", square: "square", logistic: "logistic" }, settings.loss, (v) => change("loss", v)),
        menu("Optimiser", { sgd: "SGD", adam: "Adam" }, settings.optimizer, (v) => change("optimizer", v)),
        number("Learning rate", "rate"), settings.optimizer === "sgd" ? number("Momentum", "momentum") : "", number("Batch", "batch")),
    );
    if (focus) (controls.querySelector(`[data-key="${focus}"]`) ?? controls.querySelector("button"))?.focus();
  }

  function draw() {
    const target = parseInt([...settings.mask].reverse().join(""), 2), n = seen.outputs.length;
    values.set(String(network.step), digits(seen.risk), digits(seen.accuracy), digits(seen.signal), digits(seen.own), digits(seen.spectrum[target]));
    const missed = [];
    for (let x = 0; x < n; x++) if (!(seen.outputs[x] * trainer.labels[x] > 0)) missed.push(x);
    wrong.textContent = missed.length === 0 ? `Right at all ${n} inputs.` : `Wrong at ${missed.length} of ${n} inputs; ` +
      `${missed.length === 1 ? "it is" : "the last"} ${bitsOf(missed.at(-1), settings.d)}: f = ${digits(seen.outputs[missed.at(-1)])}, due ${trainer.labels[missed.at(-1)] > 0 ? "+1" : "−1"}.`;
    for (const chart of charts) chart.draw();
  }

  // what changes slowly, or only where training rests
  function rest() {
    const largest = Array.from(order).sort((a, b) => Math.abs(seen.spectrum[b]) - Math.abs(seen.spectrum[a])).slice(0, 5);
    top.replaceChildren(...largest.map((v) => make("li", {}, `${bitsOf(v, settings.d)}: ${digits(seen.spectrum[v])}`)));
    python.textContent = pythonOfParity(settings, network.step);
  }

  const element = make("div", { class: "lab" }, settled(controls),
    make("div", { class: "seen" }, values.element, wrong, make("div", { class: "charts" }, ...charts.map((c) => c.element)), hint),
    make("details", {}, make("summary", {}, "Largest coefficients"), top),
    make("details", {}, make("summary", {}, "The same in Python"), make("pre", { tabindex: 0 }, python)));
  settings = fitted(settings);
  reset();
  build();
  return {
    element, draw, rest, reset, look, charts,
    advance(n) { for (let i = 0; i < n; i++) trainStep(network, trainer); },
    get step() { return network.step; },
    get settings() { return { ...settings, step: network.step }; },
    set speed(speed) { settings = { ...settings, speed }; },
    get finite() { return Number.isFinite(seen.risk); },
    get seen() { return seen; },
    spoken: () => `Step ${network.step}: risk ${digits(seen.risk)}, accuracy ${digits(seen.accuracy)}, signal ${digits(seen.signal)}. ${wrong.textContent}`,
  };
}

function fitted(settings) {
  const k = isExact(settings.start) ? Math.max(settings.k, leastWidth(settings.d)) : settings.k;
  return { ...settings, k, mask: fitMask(settings.mask, settings.d) };
}

function maskButtons(settings, change) {
  const bits = [...settings.mask];
  return make("div", { class: "mask", role: "group", "aria-label": "Mask: the features that count" }, ...bits.map((bit, j) =>
    button(`x${j + 1}`, () => change(bits.map((b, i) => (i === j ? 1 - b : b)).join("")), { "aria-pressed": String(bit === "1"), "data-key": `x${j + 1}` })));
}

function pythonOfParity({ d, mask, k, start, seed, loss, optimizer, rate, momentum, batch }, step) {
  const how = optimizer === "sgd" ? `momentum=${momentum}` : `optimizer="adam"`;
  const lines = ["from dataclasses import replace", "from pitfalls.parity import *", `task = ParityTask([${[...mask].join(", ")}])`,
    `config = LearningConfig(n_hidden=${k}, seed=${seed}, loss="${loss}", learning_rate=${rate}, ${how},`,
    `    batch_size=${batch}, n_iterations=${Math.max(1, step)}, dtype="float64")`, "state = initial_state(task, config)"];
  const own = isExact(start) ? `exact_network(task, "${start}", ${k})` : `TwoLayerReLU(${d}, ${k}, seed=${seed})`;
  if (start !== "training") lines.push(`start = ${own}`, "state = replace(state, parameters=start.double().flat_parameters())");
  const end = step ? "train(task, config, state=state).network" : `state.network(${d})`;
  lines.push(`network = ${end}`,
    `print(evaluate(network, task, "${loss}"), gradient_signal(network, "${loss}").signal)`);
  return lines.join("\n");
}

// One bar a mask, few ones first; the target's stands out.
function spectrumChart(get) {
  const bits = (v) => bitsOf(v, get().settings.d);
  return makeChart({
    title: "Walsh spectrum of the network, masks with few ones first",
    label: "Walsh coefficient by mask", height: 190,
    count: () => get().order.length,
    place: (i, area) => area.x + (i + 0.5) / get().order.length * area.w,
    find: (pixel, area) => Math.floor((pixel - area.x) / area.w * get().order.length),
    say: (i) => {
      const { seen, order, settings } = get(), v = i < 0 ? parseInt([...settings.mask].reverse().join(""), 2) : order[i];
      return `mask ${bits(v)}${bits(v) === settings.mask ? ", the target" : ""}: ${digits(seen.spectrum[v])}`;
    },
    paint(context, area) {
      const { seen, order, settings } = get(), n = order.length, wide = area.w / n;
      const size = seen.spectrum.reduce((most, value) => Math.max(most, Math.abs(value)), 0.02) * 1.05;
      const up = (value) => area.y + area.h * (0.5 - value / size / 2);
      axes(context, area, ticks([-size, size]), up, settings.d, "ones");
      context.fillStyle = colour("play-a");
      order.forEach((v, i) => bar(context, area.x + i * wide, wide, up(0), up(seen.spectrum[v])));
      const at = order.findIndex((v) => bits(v) === settings.mask), y = up(seen.spectrum[order[at]]);
      context.fillStyle = colour("play-b");
      bar(context, area.x + (at + 0.5) * wide - Math.max(wide, 3) / 2, Math.max(wide, 3), up(0), y);
      dot(context, area.x + (at + 0.5) * wide, y, colour("play-b"));
    },
  });
}

function bar(context, x, width, zero, y) {
  context.fillRect(x, Math.min(zero, y), Math.max(0.7, width * 0.85), Math.max(0.5, Math.abs(y - zero)));
}
