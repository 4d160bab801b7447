// Charts on a canvas: lines over steps, bars, one cursor for pointer and keyboard.

import { colour, digits, make } from "./page.js";

const FONT = "11px system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', Arial, sans-serif";
const EDGE = { left: 44, right: 10, top: 8, bottom: 20 };

// A canvas that is as fine as the screen, and a line of text below that says what the cursor is on.
// `paint(context, box, at)` draws; `count()` places, `place(i, box)` and `find(x, box)` go from place to
// pixel and back, `say(i)` is the text; i = -1 is no cursor.
export function makeChart({ title, label, height, paint, count, place, find, say }) {
  const canvas = make("canvas", { tabindex: 0, role: "slider", "aria-label": label, "aria-valuemin": 0, "aria-valuenow": 0, "aria-valuetext": "" });
  const text = make("p", { class: "at", "aria-hidden": "true" });
  let at = -1, size = [0, 0], spoken = null;
  const box = () => ({ x: EDGE.left, y: EDGE.top, w: Math.max(10, size[0] - EDGE.left - EDGE.right), h: height - EDGE.top - EDGE.bottom });
  const limit = (i) => Math.max(-1, Math.min(count() - 1, i));

  function draw() {
    fit();
    const context = canvas.getContext("2d"), ratio = canvas.width / size[0] || 1, area = box();
    at = limit(at);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, size[0], height);
    context.font = FONT;
    paint(context, area, at);
    if (at >= 0) rule(context, place(at, area), area.y, area.h);
    const words = say(at);
    if (words !== spoken) { text.textContent = words; spoken = words; }
    if (document.activeElement === canvas) tell(words);
  }

  function tell(words) {
    canvas.setAttribute("aria-valuemax", Math.max(0, count() - 1));
    canvas.setAttribute("aria-valuenow", Math.max(0, at));
    canvas.setAttribute("aria-valuetext", words);
  }

  function fit() {
    const width = canvas.clientWidth, fine = devicePixelRatio || 1;
    if (width === size[0] && size[1] === fine) return;
    size = [width, fine];
    canvas.width = Math.round(width * fine);
    canvas.height = Math.round(height * fine);
  }

  canvas.style.height = `${height}px`;
  canvas.addEventListener("pointermove", (event) => { at = limit(find(event.offsetX, box(), event.offsetY)); draw(); });
  canvas.addEventListener("pointerdown", (event) => { at = limit(find(event.offsetX, box(), event.offsetY)); draw(); });
  canvas.addEventListener("pointerleave", () => { at = -1; draw(); });
  canvas.addEventListener("focus", () => tell(say(at)));
  canvas.addEventListener("keydown", (event) => {
    const stride = Math.max(1, Math.round(count() / 20));
    const moves = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -stride, PageUp: stride, Home: -Infinity, End: Infinity };
    if (event.key === "Escape") at = -1;
    else if (event.key in moves) at = Math.max(0, limit(at + moves[event.key]));
    else return;
    event.preventDefault();
    draw();
  });
  const element = make("div", { class: "chart" }, make("p", { class: "chart-title" }, title), canvas, text);
  return { element, draw, canvas, get at() { return at; } };
}

export function rule(context, x, y, h) {
  context.strokeStyle = colour("ink");
  context.globalAlpha = 0.5;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(Math.round(x) + 0.5, y);
  context.lineTo(Math.round(x) + 0.5, y + h);
  context.stroke();
  context.globalAlpha = 1;
}

// Values of equally many records, thinned out by half whenever they are too many.
export function makeHistory(...names) {
  let columns = {};
  const history = {
    get columns() { return columns; },
    get n() { return columns[names[0]].length; },
    add(...row) {
      if (columns[names[0]].length >= 1200) {
        for (const name of names) columns[name] = columns[name].filter((_, i) => i % 2 === 0 || i === columns[name].length - 1);
      }
      names.forEach((name, i) => columns[name].push(row[i]));
    },
    clear(...others) {
      if (others.length) names = others;
      columns = Object.fromEntries(names.map((name) => [name, []]));
    },
  };
  history.clear();
  return history;
}

// Lines over a common x. `lines`: {name, colour, wide?, dash?, of: (i) => value}; `levels`: [value, text].
export function lineChart({ title, label, history, x, lines, range, least = 1, log = false, height = 130, levels = () => [] }) {
  const xs = () => history.columns[x];
  const scale = (area) => {
    const span = spanOf(history, lines(), range(), log), to = log ? Math.log10 : (v) => v;
    const last = Math.max(xs().at(-1) ?? 0, least), low = to(span[0]), high = to(span[1]);
    return {
      span,
      last,
      across: (v) => area.x + v / last * area.w,
      up: (v) => area.y + area.h * (1 - (to(Math.min(Math.max(v, span[0]), span[1])) - low) / (high - low || 1)),
    };
  };
  return makeChart({
    title, label: `${label} by ${x}`, height,
    count: () => history.n,
    place: (i, area) => scale(area).across(xs()[i]),
    find: (pixel, area) => nearest(xs(), (pixel - area.x) / area.w * scale(area).last),
    say: (i) => {
      const at = i < 0 ? history.n - 1 : i;
      if (at < 0) return "";
      return `${x} ${digits(xs()[at])}: ` + lines().filter((line) => !line.wide).map((line) => `${line.name} ${digits(line.of(at))}`).join(", ");
    },
    paint(context, area) {
      const { span, last, across, up } = scale(area);
      axes(context, area, log ? powers(span) : ticks(span), up, last, x);
      for (const [value, text] of levels()) level(context, area, up(value), text);
      for (const line of lines()) polyline(context, xs(), line, across, up);
    },
  });
}

function spanOf(history, lines, range, log) {
  let [low, high] = range;
  for (const line of lines) {
    for (let i = 0; i < history.n; i++) {
      const value = line.of(i);
      if (!Number.isFinite(value) || (log && value <= 0)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  // a logarithmic axis of more than twelve decades shows nothing but its foot
  return log ? [Math.max(low, high * 1e-12), high] : [low, high];
}

function nearest(values, wanted) {
  let low = 0, high = values.length - 1;
  while (high - low > 1) {
    const middle = low + high >> 1;
    if (values[middle] < wanted) low = middle; else high = middle;
  }
  return Math.abs((values[low] ?? 0) - wanted) <= Math.abs((values[high] ?? 0) - wanted) ? low : high;
}

export function ticks([low, high]) {
  const rough = (high - low) / 4 || 1, unit = 10 ** Math.floor(Math.log10(rough));
  const stride = [1, 2, 5, 10].map((f) => f * unit).find((s) => s >= rough);
  const found = [];
  for (let v = Math.ceil(low / stride - 1e-9) * stride; v <= high + stride * 1e-9; v += stride) found.push(Math.abs(v) < stride * 1e-9 ? 0 : v);
  return found;
}

function powers([low, high]) {
  const from = Math.ceil(Math.log10(low) - 1e-9), to = Math.floor(Math.log10(high) + 1e-9), stride = Math.max(1, Math.ceil((to - from) / 3));
  const found = [];
  for (let e = from; e <= to; e += stride) found.push(10 ** e);
  return found.length > 1 ? found : [low, high];
}

export function axes(context, area, marks, up, last, x) {
  context.lineWidth = 1;
  context.fillStyle = colour("quiet");
  context.strokeStyle = colour("line");
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const mark of marks) {
    const y = Math.round(up(mark)) + 0.5;
    context.beginPath();
    context.moveTo(area.x, y);
    context.lineTo(area.x + area.w, y);
    context.stroke();
    context.fillText(Math.abs(mark) < 1e-3 && mark !== 0 ? mark.toExponential(0).replace("-", "−") : digits(mark, 3), area.x - 5, y);
  }
  context.textBaseline = "top";
  context.fillText(`${x} ${digits(last, 4)}`, area.x + area.w, area.y + area.h + 6);
  context.textAlign = "left";
  context.fillText("0", area.x, area.y + area.h + 6);
}

function level(context, area, y, text) {
  context.strokeStyle = context.fillStyle = colour("quiet");
  context.setLineDash([4, 4]);
  context.beginPath();
  context.moveTo(area.x, y);
  context.lineTo(area.x + area.w, y);
  context.stroke();
  context.setLineDash([]);
  context.textAlign = "right";
  context.textBaseline = "bottom";
  context.fillText(text, area.x + area.w, y - 1);
}

function polyline(context, xs, line, across, up) {
  context.strokeStyle = colour(line.colour);
  context.globalAlpha = line.wide ? 0.35 : 1;
  context.lineWidth = line.wide ? 6 : 1.8;
  context.lineJoin = "round";
  context.setLineDash(line.dash ? [5, 4] : []);
  context.beginPath();
  let open = false;
  for (let i = 0; i < xs.length; i++) {
    const value = line.of(i);
    if (!Number.isFinite(value)) { open = false; continue; }
    if (open) context.lineTo(across(xs[i]), up(value)); else context.moveTo(across(xs[i]), up(value));
    open = true;
  }
  context.stroke();
  context.setLineDash([]);
  if (xs.length === 1 && Number.isFinite(line.of(0))) dot(context, across(xs[0]), up(line.of(0)), colour(line.colour));
  context.globalAlpha = 1;
}

export function dot(context, x, y, fill) {
  context.fillStyle = fill;
  context.beginPath();
  context.arc(x, y, 3.5, 0, 7);
  context.fill();
}
