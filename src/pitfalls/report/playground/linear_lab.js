// The linear lab: descent on data that one draws, pastes or plants, mode by mode beside the closed form.

import { lineChart, makeHistory } from "./chart.js";
import { EXAMPLES, readData, writeRows } from "./data.js";
import { dataProblem, descentStep, levelOf, makeDescent, modesProblem, modeStrength, NEAR, rotation, startAt, torchLayers, watch, capacityOf } from "./linear.js";
import { button, digits, field, group, make, menu, readouts, settled, freshId } from "./page.js";
import { planeChart } from "./plane.js";
import { LINEAR } from "./state.js";

const LINEAR_STARTS = {
  aligned: "small, aligned with the modes", rotated: "small, turned against the modes",
  saddle: "at a saddle", layers: "PyTorch's layers, torch.manual_seed",
};
const INK = ["play-a", "play-b", "play-c", "play-d", "play-e", "play-f"];
const listed = (modes) => (modes.length ? `mode${modes.length > 1 ? "s" : ""} ${modes.join(", ")}` : "no mode");

function problemOf({ data, inputs, center }) {
  const { modes, x, y } = readData(data);
  return modes ? modesProblem(modes) : dataProblem(x, y, { center: center === "yes", white: inputs === "white" });
}

// Layers to start from, for a problem and its widths.
export function startOf(problem, widths, settings) {
  const map = mapOf(problem, widths, settings);
  return map ? startAt(problem, map, widths) : torchLayers(widths, settings.seed);
}

// The map to start from, in the modes' coordinates; null where the layers are drawn.
function mapOf({ values }, widths, { start, strength, held, seed, map }) {
  const n = values.length, room = capacityOf(widths);
  if (start === "layers" || !n) return null;
  const rows = Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => (i === j ? strength : 0)));
  if (start === "saddle") for (const k of held.split(",").map(Number)) if (k <= n) rows[k - 1][k - 1] = values[k - 1];
  const given = map ? map.split(",").map(Number) : [];
  if (start === "rotated") {
    const turn = given.length === n * n ? rows.map((_, i) => given.slice(i * n, i * n + n)) : rotation(n, seed);
    return turn.map((row, k) => row.map((value) => (k < room ? strength * value : 0)));
  }
  // a mode that the layers have no room for starts, and stays, at zero
  const most = rows.map((row, k) => [row[k], k]).sort((a, b) => b[0] - a[0] || a[1] - b[1]).slice(0, room).map(([, k]) => k);
  rows.forEach((row, k) => { if (!most.includes(k)) row[k] = 0; });
  return rows;
}

export function linearLab(asked, changed) {
  let settings = asked, problem, descent, seen, first, visits, gap;
  const history = makeHistory("time");
  const values = readouts("Step", "Time", "Risk", "Above the least", "Distance to the nearest critical map", "Largest gap to the closed form", "Learning rate");
  const near = make("p", { class: "wrong" }), passed = make("ul"), python = make("code");
  const exact = () => problem.white && settings.momentum === 0 && (settings.start === "aligned" || settings.start === "saddle");
  const each = (of) => problem.values.map((_, k) => of(k));
  const of = (name) => (i) => history.columns[name][i];

  const strengths = lineChart({
    title: "Strength of each mode in the map", label: "Strength of the modes", history, x: "time", height: 190, least: 0,
    lines: () => [
      ...(exact() ? each((k) => ({ name: `mode ${k + 1} in closed form`, colour: INK[k % 6], wide: true, of: of(`e${k}`) })) : []),
      ...each((k) => ({ name: `mode ${k + 1}`, colour: INK[k % 6], of: of(`u${k}`) })),
    ],
    range: () => [0, 1.05 * (problem.values[0] ?? 1)],
    levels: () => each((k) => [problem.values[k], `mode ${k + 1}`]),
  });
  const charts = [
    strengths,
    lineChart({
      title: "Risk above the least of these widths", label: "Risk", history, x: "time", least: 0, height: 190,
      lines: () => [{ name: "risk above the least", colour: "play-a", of: (i) => Math.max(0, history.columns.excess[i]) }],
      range: () => [0, 1.05 * (levelOf(problem.values, 0) - least())],
      levels: () => problem.values.slice(0, capacityOf(widths())).map((_, rank) => [levelOf(problem.values, rank) - least(), `saddle of rank ${rank}`]),
    }),
    lineChart({
      title: "Distance to the nearest critical map", label: "Distance to the nearest critical map", history, x: "time", least: 0, log: true, height: 150,
      lines: () => [{ name: "distance", colour: "play-b", of: of("distance") }], range: () => [Infinity, 1e-30],
    }),
  ];
  const plane = planeChart({ added: (x, y) => addPair(x, y) });
  const least = () => levelOf(problem.values, capacityOf(widths()));
  const widths = () => [problem.d, ...new Array(settings.depth - 1).fill(settings.hidden), problem.p];

  function reset() {
    problem = problemOf(settings);
    descent = makeDescent(problem, startOf(problem, widths(), settings), settings);
    history.clear("time", "excess", "distance", ...each((k) => `u${k}`), ...each((k) => `e${k}`));
    visits = new Map();
    gap = 0;
    first = watch(descent);
    look();
  }

  function look() {
    seen = watch(descent);
    seen.exact = each((k) => (exact() ? modeStrength(seen.time, problem.values[k], first.strengths[k], settings.depth) : NaN));
    gap = exact() ? Math.max(gap, ...each((k) => Math.abs(seen.exact[k] - seen.strengths[k]))) : NaN;
    history.add(seen.time, seen.excess, seen.distance, ...seen.strengths, ...seen.exact);
    const key = seen.near.join(","), before = visits.get(key);
    if (!before || seen.distance < before.distance) visits.set(key, { near: seen.near, distance: seen.distance, time: seen.time });
  }

  const isLeast = (modes) => modes.length === Math.min(problem.values.length, capacityOf(widths())) && modes.every((k, i) => k === i + 1);
  const kindOf = (modes) => (isLeast(modes) ? "the global minimum" : "a saddle");

  function change(pairs) {
    settings = { ...settings, ...pairs };
    reset();
    build();
    changed();
  }

  function addPair(x, y) {
    const { x: xs = [], y: ys = [] } = readData(settings.data);
    const flat = xs[0]?.length === 2 && ys[0]?.length === 2;
    change({ data: writeRows([...(flat ? xs : []), x], [...(flat ? ys : []), y]) });
  }

  function dropPair() {
    const { x = [], y = [] } = readData(settings.data);
    if (x.length > 1) change({ data: writeRows(x.slice(0, -1), y.slice(0, -1)) });
  }

  const box = (label, name) => field(label, { value: settings[name], read: LINEAR[name].read, says: LINEAR[name].says, change: (v) => change({ [name]: v }) });
  const pick = (label, name, options) => menu(label, options, settings[name], (v) => change({ [name]: LINEAR[name].read(v) }));

  const controls = make("div", { class: "controls" });
  function build() {
    const key = controls.contains(document.activeElement) ? document.activeElement.closest(".field, button")?.textContent : null;
    controls.replaceChildren(
      group("Data", menu("Example", { ...EXAMPLES, ...(settings.data in EXAMPLES ? {} : { [settings.data]: "your own" }) }, settings.data, (v) => change({ data: v })),
        dataBox(settings.data, (text) => change({ data: text })), button("Remove the last pair", dropPair),
        pick("Inputs", "inputs", { white: "white", given: "as given" }), pick("Intercept", "center", { no: "no", yes: "yes" })),
      group("Network", pick("Layers", "depth", { 2: "2", 3: "3" }), box("Hidden width", "hidden"), pick("Start", "start", LINEAR_STARTS),
        ...(settings.start === "saddle" ? [box("Modes it holds", "held")] : []),
        ...(settings.start === "layers" ? [] : [box(settings.start === "saddle" ? "Strength of the others" : "Strength", "strength")]),
        ...(settings.start === "layers" || settings.start === "rotated" ? [box("Seed", "seed")] : [])),
      group("Descent", box("Learning rate (0: a safe one)", "rate"), box("Momentum", "momentum")),
    );
    if (key) [...controls.querySelectorAll(".field, button")].find((e) => e.textContent === key)?.querySelector("input, select, textarea")?.focus();
  }

  function draw() {
    values.set(String(descent.step), digits(seen.time), digits(seen.risk), digits(Math.max(0, seen.excess)), digits(seen.distance), digits(gap), digits(descent.rate));
    near.textContent = `The nearest critical map holds ${listed(seen.near)}: ${kindOf(seen.near)}` +
      `${seen.distance < NEAR * (problem.values[0] ?? 1) ? "" : ", and it is not near"}.`;
    for (const chart of charts) chart.draw();
    plane.draw(readData(settings.data), problem, seen.map);
  }

  function rest() {
    const close = [...visits.values()].filter((v) => v.distance < NEAR * (problem.values[0] ?? 1));
    passed.replaceChildren(...close.map((v) => make("li", {}, `${kindOf(v.near)}, ${listed(v.near)}: closest ${digits(v.distance, 3)} at time ${digits(v.time, 3)}`)));
    python.textContent = pythonOfLinear(settings, widths(), problem, descent);
  }

  const element = make("div", { class: "lab" }, settled(controls),
    make("div", { class: "seen" }, values.element, near, make("div", { class: "charts" }, ...charts.map((c) => c.element), plane.element),
      make("p", { class: "hint" }, "The broad line behind a mode is gradient flow in closed form; it holds for white inputs and a start aligned with the modes. Near means closer than a tenth of the strongest mode.")),
    make("details", { open: true }, make("summary", {}, "Critical maps that it came near"), passed),
    make("details", {}, make("summary", {}, "The same in Python"), make("pre", { tabindex: 0 }, python)));
  reset();
  build();
  return {
    element, draw, rest, reset, look, charts,
    advance(n) { for (let i = 0; i < n; i++) descentStep(descent); },
    get step() { return descent.step; },
    get settings() { return { ...settings, step: descent.step }; },
    set speed(speed) { settings = { ...settings, speed }; },
    get finite() { return Number.isFinite(seen.risk); },
    get arrived() { return isLeast(seen.near) && seen.distance < 1e-6 * problem.values[0]; },
    get seen() { return seen; },
    get descent() { return descent; },
    spoken: () => `Step ${descent.step}, time ${digits(seen.time)}: risk ${digits(seen.risk)}. ${near.textContent}`,
  };
}

function dataBox(text, change) {
  const id = freshId(), fault = make("span", { class: "fault", id: `${id}-fault` });
  const area = make("textarea", { id, rows: 4, spellcheck: "false", "aria-describedby": fault.id, onchange: () => {
    const found = readData(area.value);
    area.setAttribute("aria-invalid", String(Boolean(found.fault)));
    fault.textContent = found.fault ?? "";
    if (!found.fault) change(found.modes ? area.value : writeRows(found.x, found.y));
  } });
  area.value = text;
  return make("span", { class: "field wide" }, make("label", { for: id }, "Inputs | outputs, one sample a line; or modes"), area, fault);
}

function pythonOfLinear(settings, widths, problem, { rate, step }) {
  const { modes, x, y } = readData(settings.data), { momentum, seed } = settings, rows = JSON.stringify;
  const lines = ["import numpy as np, torch", "from pitfalls.linear import *", "from pitfalls.moments import SecondMoments"];
  if (!problem.d) return "# no input varies";
  if (modes) lines.push(`x, y = np.eye(${modes.length}), np.diag(${rows(modes)})`);
  else lines.push(`x = np.array(${rows(x)})`, `y = np.array(${rows(y)})`);
  lines.push(`moments = SecondMoments.from_arrays(x, y, center=${!modes && settings.center === "yes" ? "True" : "False"})`,
    `risk = SquaredRisk(moments)${problem.toOutputs ? ".whitened()" : ""}`, `modes, widths = risk.modes, [${widths.join(", ")}]`);
  const map = mapOf(problem, widths, settings);
  if (map) lines.push(`r, start = ${map.length}, np.array(${rows(map)})`,
    "start = modes.left[:, :r] @ start @ (modes.whiten @ modes.right[:, :r]).T", "start = factorize(start, widths, rtol=1e-14)");
  else lines.push(`torch.manual_seed(${seed})`, "start = [w.detach().numpy() for w in DeepLinearNetwork(widths).weights]");
  // drawn here in the modes' outputs, there in the data's
  if (!map && problem.toOutputs) lines.push("from scipy.linalg import null_space", "start[-1] = np.hstack([modes.left, null_space(modes.left.T)]) @ start[-1]");
  const how = momentum ? `method="momentum", momentum=${momentum}, ` : "";
  if (step) lines.push(`way = descend(risk, start, ${how}learning_rate=${rate}, steps=${step}, tol=0.0)`,
    "start, way = way.weights, way.trajectory", "print(way.strengths[-1], way.saddle_distance[-1])");
  lines.push("print(risk.value(start))");
  return lines.join("\n");
}
