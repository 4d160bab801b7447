// Data in the plane as arrows from input to output, and where the network sends each input.

import { colour, make } from "./page.js";

const SIDE = 300;

export function planeChart({ added }) {
  const canvas = make("canvas", { class: "plane", role: "img", "aria-label": "The data as arrows from each input to its output, and a ring where the network sends it. The same pairs stand as text under Data." });
  const text = make("p", { class: "at" }, "Press at an input and let go at its output to add a pair.");
  const element = make("div", { class: "chart" }, make("p", { class: "chart-title" }, "The plane: arrows are data, rings the network's answers"), canvas, text);
  let reach = 1, drawn = null, last = null;
  canvas.style.height = canvas.style.width = `${SIDE}px`;

  const pixel = (v, up) => SIDE / 2 + (up ? -1 : 1) * v / reach * SIDE / 2;
  const place = (event) => [event.offsetX, event.offsetY].map((at, i) => Math.round((at / SIDE * 2 - 1) * (i ? -1 : 1) * reach * 100) / 100);

  function draw(data, problem, map) {
    last = [data, problem, map];
    const flat = data.x?.[0].length === 2 && data.y[0].length === 2;
    element.hidden = !flat;
    if (!flat) return;
    const fine = devicePixelRatio || 1, context = canvas.getContext("2d");
    if (canvas.height !== SIDE * fine) canvas.width = canvas.height = SIDE * fine;
    reach = drawn ? reach : 1.15 * Math.max(0.87, ...data.x.flat().map(Math.abs), ...data.y.flat().map(Math.abs));
    context.setTransform(fine, 0, 0, fine, 0, 0);
    context.clearRect(0, 0, SIDE, SIDE);
    cross(context);
    const { x: mx, y: my } = problem.means, whole = problem.toData(map);
    data.x.forEach((x, i) => {
      arrow(context, x, data.y[i], "quiet");
      ring(context, whole.map((row, j) => my[j] + row.reduce((sum, w, k) => sum + w * (x[k] - mx[k]), 0)));
    });
    if (drawn) arrow(context, drawn[0], drawn[1], "play-b");
  }

  function cross(context) {
    context.strokeStyle = colour("line");
    context.strokeRect(0.5, 0.5, SIDE - 1, SIDE - 1);
    context.beginPath();
    context.moveTo(0, SIDE / 2);
    context.lineTo(SIDE, SIDE / 2);
    context.moveTo(SIDE / 2, 0);
    context.lineTo(SIDE / 2, SIDE);
    context.stroke();
  }

  function arrow(context, from, to, ink) {
    const [x0, y0, x1, y1] = [pixel(from[0]), pixel(from[1], true), pixel(to[0]), pixel(to[1], true)];
    const angle = Math.atan2(y1 - y0, x1 - x0);
    context.strokeStyle = context.fillStyle = colour(ink);
    context.lineWidth = 1.4;
    context.beginPath();
    context.moveTo(x0, y0);
    context.lineTo(x1, y1);
    for (const turn of [2.7, -2.7]) {
      context.moveTo(x1, y1);
      context.lineTo(x1 + 7 * Math.cos(angle + turn), y1 + 7 * Math.sin(angle + turn));
    }
    context.stroke();
    context.fillRect(x0 - 2, y0 - 2, 4, 4);
  }

  function ring(context, [a, b]) {
    context.strokeStyle = colour("play-a");
    context.lineWidth = 2.2;
    context.beginPath();
    context.arc(pixel(a), pixel(b, true), 4.5, 0, 7);
    context.stroke();
  }

  canvas.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    drawn = [place(event), place(event)];
  });
  canvas.addEventListener("pointermove", (event) => {
    const at = place(event);
    text.textContent = drawn ? `from (${drawn[0].join(", ")}) to (${at.join(", ")})` : `(${at.join(", ")})`;
    if (drawn) { drawn[1] = at; draw(...last); }
  });
  canvas.addEventListener("pointerup", (event) => {
    if (!drawn) return;
    const [from] = drawn, to = place(event);
    drawn = null;
    added(from, to);
  });
  canvas.addEventListener("pointercancel", () => { drawn = null; });
  return { element, draw };
}
