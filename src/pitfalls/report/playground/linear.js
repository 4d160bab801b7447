// Deep linear networks on R = 1/2 |W_L ... W_1 X' - Y'|^2: the data's modes, starts, descent, closed form.

import { diagonal, identity, largest, minus, norm, product, svd, transposed, zeros } from "./matrix.js";
import { mersenneTwister, uniform } from "./random.js";

// Below this share of what it was summed from a mode, or a direction of the input, is rounding.
const ROUNDING = 1e-11;
// Closer to a critical map than this share of the strongest mode is near, as in pitfalls linear tour.
export const NEAR = 0.1;

// A problem whose modes are the given ones, in the inputs in which it is canonical.
export const modesProblem = (values) => canonical(values, values.length, 0);

function canonical(values, p, floor) {
  const m = values.length, rank = values.filter((s) => s > 0).length;
  return {
    d: m, p, sxx: identity(m), syx: diagonal(values, p, m), values: values.slice(0, rank), floor, top: 1,
    left: diagonal(new Array(m).fill(1), p, m), right: identity(m), colour: identity(m), whiten: identity(m),
    white: true, toData: (map) => map,
  };
}

// The problem of data, rows being samples. Centred, it has the intercept at its best.
export function dataProblem(x, y, { center, white }) {
  const [mx, my] = [x, y].map((rows) => transposed(rows).map((column) => (center ? column.reduce((a, b) => a + b, 0) / column.length : 0)));
  const shift = (rows, means) => rows.map((row) => row.map((value, j) => value - means[j]));
  const [cx, cy] = [shift(x, mx), shift(y, my)];
  // columns in units of their own, so that what counts as zero does not depend on units; of one that
  // never varies its mean has left rounding
  const size = (rows) => transposed(rows).map((column) => Math.hypot(...column)), whole = size(x);
  const scale = size(cx).map((own, j) => (own > ROUNDING * whole[j] ? own : whole[j] || 1));
  const found = svd(cx.map((row) => row.map((value, j) => value / scale[j])));
  const kept = found.s.map((_, i) => i).filter((i) => found.s[i] > ROUNDING);
  const basis = found.u.map((row) => kept.map((i) => row[i]));
  const colour = scale.map((c, j) => kept.map((i) => c * found.v[j][i] * found.s[i]));
  const whiten = scale.map((c, j) => kept.map((i) => found.v[j][i] / found.s[i] / c));
  // square or tall, so that v is all outputs' directions, also those that no mode has
  const correlation = product(transposed(cy), basis), p = my.length, rank = Math.min(p, kept.length);
  const modes = svd([...transposed(correlation), ...zeros(p - kept.length, p)]), right = modes.u.slice(0, kept.length);
  const values = modes.s.slice(0, rank).map((s) => (s > ROUNDING * norm(cy) ? s : 0));
  const floor = norm(minus(cy, product(basis, transposed(correlation)))) ** 2 / 2;
  const means = { x: mx, y: my }, lift = transposed(product(whiten, right)).slice(0, rank);
  if (white) return { ...canonical(values, p, floor), means, toOutputs: modes.v, toData: (map) => product(modes.v, map, lift) };
  return {
    d: mx.length, p, sxx: product(transposed(cx), cx), syx: product(transposed(cy), cx), values: values.filter((s) => s > 0), floor,
    left: modes.v, right, colour, whiten, top: largest(colour) ** 2, means, white: false, toData: (map) => map,
  };
}

export const capacityOf = (widths) => Math.min(...widths);

// What data can teach within a rank: 1/2 sum of s_k^2 beyond it, above unconstrained least squares.
export const levelOf = (values, rank) => values.slice(rank).reduce((sum, s) => sum + s * s, 0) / 2;

// Balanced layers whose product is the map, or its best approximation of their rank.
export function balancedLayers(map, widths) {
  const { u, s, v } = svd(map), depth = widths.length - 1;
  const rank = Math.min(capacityOf(widths), s.filter((value) => value > 1e-14 * s[0]).length);
  const share = s.slice(0, rank).map((value) => value ** (1 / depth));
  return Array.from({ length: depth }, (_, i) => {
    const layer = zeros(widths[i + 1], widths[i]);
    for (let k = 0; k < rank; k++) {
      if (i === 0) layer[k] = v.map((row) => share[k] * row[k]);
      else if (i === depth - 1) u.forEach((row, j) => { layer[j][k] = share[k] * row[k]; });
      else layer[k][k] = share[k];
    }
    return layer;
  });
}

// The layers at a map that is given in the modes' coordinates: entry (j, k) leads from mode k to mode j.
export function startAt(problem, map, widths) {
  const m = map.length, cut = (rows) => rows.map((row) => row.slice(0, m));
  return balancedLayers(product(cut(problem.left), map, transposed(product(problem.whiten, cut(problem.right)))), widths);
}

// A rotation drawn by a seed, every plane of two axes turned in turn: no mode is favoured.
export function rotation(n, seed) {
  const next = mersenneTwister(seed >>> 0), rows = identity(n);
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) {
      const [angle] = uniform(next, 1, Math.PI), a = Math.cos(angle), b = Math.sin(angle), [x, y] = [rows[i], rows[j]];
      rows[i] = x.map((value, k) => a * value - b * y[k]);
      rows[j] = x.map((value, k) => b * value + a * y[k]);
    }
  }
  return rows;
}

// DeepLinearNetwork(widths) after torch.manual_seed(seed).
export function torchLayers(widths, seed) {
  const next = mersenneTwister(seed >>> 0);
  return widths.slice(1).map((rows, i) => {
    const flat = uniform(next, rows * widths[i], widths[i] ** -0.5);
    return Array.from({ length: rows }, (_, r) => [...flat.slice(r * widths[i], (r + 1) * widths[i])]);
  });
}

export const endToEnd = (layers) => layers.reduceRight((found, layer) => product(found, layer), identity(layers.at(-1).length));

// dR/dW_i = A_i' G B_i', G = W S_xx - S_yx, with A_i and B_i the products above and below.
export function layerGradients(layers, { sxx, syx }) {
  const below = [identity(layers[0][0].length)], above = [identity(layers.at(-1).length)];
  for (const layer of layers) below.push(product(layer, below.at(-1)));
  for (let i = layers.length - 1; i > 0; i--) above.unshift(product(above[0], layers[i]));
  const residual = minus(product(below.at(-1), sxx), syx);
  return layers.map((_, i) => product(transposed(above[i]), residual, transposed(below[i])));
}

// 1 over the largest curvature that is met on the way from here to a balanced minimum.
export function safeRate(problem, layers) {
  const { values, left, right, whiten, top } = problem, rank = Math.min(values.length, capacityOf(widthsOf(layers)));
  const cut = (rows) => rows.map((row) => row.slice(0, rank));
  const best = rank ? product(cut(left), diagonal(values, rank, rank), transposed(product(whiten, cut(right)))) : [[0]];
  const share = Math.max(largest(best), 1e-12) ** (1 / layers.length);
  const sizes = layers.map((layer) => Math.max(largest(layer), share));
  const bound = top * sizes.reduce((sum, _, i) => sum + sizes.reduce((all, size, k) => (k === i ? all : all * size), 1) ** 2, 0);
  return bound > 0 ? 1 / bound : 1;
}

export const widthsOf = (layers) => [layers[0][0].length, ...layers.map((layer) => layer.length)];

export function makeDescent(problem, layers, { rate, momentum }) {
  const own = rate || safeRate(problem, layers) * (1 - momentum);
  return { problem, layers, velocity: layers.map((w) => zeros(w.length, w[0].length)), rate: own, pace: own / (1 - momentum), momentum, step: 0 };
}

export function descentStep(descent) {
  const { layers, velocity, rate, momentum } = descent;
  layerGradients(layers, descent.problem).forEach((gradient, l) => {
    velocity[l] = velocity[l].map((row, i) => row.map((value, j) => momentum * value - rate * gradient[i][j]));
    layers[l] = layers[l].map((row, i) => row.map((value, j) => value + velocity[l][i][j]));
  });
  descent.step++;
}

// Of equal modes every turn is as good a set: the nearest critical map is the one that holds them along
// the eigenvectors of the symmetric part of U' M Z, here of a multiple of the identity added to it.
function turnOfEqual(values, held) {
  const turn = identity(values.length);
  for (let a = 0, b; a < values.length; a = b) {
    for (b = a + 1; values[b - 1] - values[b] <= ROUNDING * values[0];) b++;
    const block = held.slice(a, b).map((row) => row.slice(a, b)), size = 2 * norm(block);
    if (b > a + 1) svd(block.map((row, i) => row.map((value, j) => value + block[j][i] + (i === j ? size : 0)))).u.forEach((row, i) => turn[a + i].splice(a, b - a, ...row));
  }
  return turn;
}

// What the theory watches: risk, how much of each mode the map holds, the nearest critical map.
export function watch({ problem, layers, step, pace }) {
  const { values, left, right, colour, floor } = problem, m = values.length, capacity = capacityOf(widthsOf(layers));
  const map = endToEnd(layers), white = product(map, colour);
  const held = product(transposed(left), white, right), strengths = values.map((_, k) => held[k][k]), turn = turnOfEqual(values, held);
  const [u, v] = [left, right].map((rows) => product(rows.map((row) => row.slice(0, m)), turn)), shares = product(transposed(u), white, v);
  // the distance of M to the critical map that holds the given strengths
  const away = (wanted) => (m ? norm(minus(white, product(u, diagonal(wanted, m, m), transposed(v)))) : norm(white));
  const gain = values.map((s, k) => (2 * shares[k][k] - s) * s);
  const near = values.map((_, k) => k).filter((k) => gain[k] > 0).sort((a, b) => gain[b] - gain[a]).slice(0, capacity).sort((a, b) => a - b);
  const fit = away(values) ** 2 / 2;
  return {
    time: step * pace, risk: fit + floor, excess: fit - levelOf(values, capacity), strengths, map,
    near: near.map((k) => k + 1), distance: away(values.map((s, k) => (near.includes(k) ? s : 0))), balance: imbalance(layers),
  };
}

const imbalance = (layers) => Math.max(0, ...layers.slice(1).map((after, j) =>
  norm(minus(product(transposed(after), after), product(layers[j], transposed(layers[j]))))));

// du/dt = L u^(2 - 2/L) (s - u) from u(0) = start, solved for two and three layers.
export function modeStrength(time, target, start, depth) {
  if (time === 0 || !start || start === target) return start;
  if (depth === 2) return target / (1 + (target / start - 1) * Math.exp(-2 * target * time));
  // with v = (u/s)^(1/3) the time is elementary: 3 s^(4/3) t = F(v) - F(v0)
  const first = Math.cbrt(start / target), wanted = area(first) + 3 * Math.cbrt(target) ** 4 * time;
  let [near, far] = [first, 1];
  for (let i = 0; i < 100 && near !== far; i++) {
    const middle = (near + far) / 2;
    if (middle === near || middle === far) break;
    if (area(middle) < wanted) near = middle; else far = middle;
  }
  return target * near ** 3;
}

// The integral of 3 / (v^2 (1 - v^3)).
const area = (v) => -3 / v - Math.log(Math.abs(1 - v)) + Math.log1p(v + v * v) / 2 - Math.sqrt(3) * Math.atan((2 * v + 1) / Math.sqrt(3));
