// The two-layer ReLU network on parity: one training step, and all that is known over the whole cube.
//
// An input is a number whose bit j is feature j. A pre-activation is the sum of one row of each of two
// tables, for the lower and the upper half of the bits, so nothing is multiplied. Parameters lie feature
// by feature: d rows of k weights, the row of biases, the row of alphas, beta.

import { inputKey, mersenneTwister, splitMix, uniform, weightSeed } from "./random.js";

export const BETAS = [0.9, 0.999], EPSILON = 1e-8;

function emptyNetwork(d, k) {
  const size = k * (d + 2) + 1;
  return { d, k, step: 0, p: new Float64Array(size), m: new Float64Array(size), v: new Float64Array(size), work: workspace(d, k) };
}

function workspace(d, k) {
  const low = d + 1 >> 1, n = 2 ** low + 2 ** (d - low);
  const rows = () => new Float64Array(n * k);
  return { low, table: rows(), bucket: rows(), gradient: new Float64Array(k * (d + 2) + 1), hidden: new Float64Array(0), all: Int32Array.from({ length: 2 ** d }, (_, x) => x) };
}

// PyTorch's initial weights. `seed` is the training's; with `bare` it is torch.manual_seed's own.
export function initialNetwork(d, k, seed, bare = false) {
  const next = mersenneTwister(bare ? seed >>> 0 : weightSeed(seed));
  const [w, b] = [uniform(next, k * d, d ** -0.5), uniform(next, k, d ** -0.5)];
  const [alpha, beta] = [uniform(next, k, k ** -0.5), uniform(next, 1, k ** -0.5)];
  return fromFlat(d, k, [...w, ...b, ...alpha, ...beta]);
}

// From and to the homework's order: w unit by unit, b, alpha, beta.
export function fromFlat(d, k, flat) {
  const network = emptyNetwork(d, k), p = network.p;
  for (let i = 0; i < k; i++) for (let j = 0; j < d; j++) p[j * k + i] = flat[i * d + j];
  for (let at = d * k; at < p.length; at++) p[at] = flat[at];
  return network;
}

export function toFlat({ d, k, p }) {
  const flat = Array.from(p);
  for (let i = 0; i < k; i++) for (let j = 0; j < d; j++) flat[i * d + j] = p[j * k + i];
  return flat;
}

export const leastWidth = (d) => 3 * ((d >> 1) + 1);

// The sheet's construction (3a), as printed or with all its units at w = v.
export function exactNetwork(mask, k, printed) {
  const d = mask.length, network = emptyNetwork(d, k), p = network.p;
  for (let unit = 0; unit < leastWidth(d); unit++) {
    const shift = unit % 3;
    // units beyond 3d/2 have w = 0 on the sheet; the last of them is needed where v is all ones
    const scale = printed && unit >= Math.floor(3 * d / 2) ? 0 : 1;
    for (let j = 0; j < d; j++) p[j * k + unit] = scale * mask[j];
    p[d * k + unit] = -(2 * Math.floor(unit / 3) + (shift - 1) / 2);
    p[(d + 1) * k + unit] = shift === 1 ? -8 : 4;
  }
  p[p.length - 1] = -1;
  return network;
}

// chi_v(x) for every x.
export function labelsOf(mask) {
  const bits = mask.reduce((sum, bit, j) => sum + bit * 2 ** j, 0);
  return Float64Array.from({ length: 2 ** mask.length }, (_, x) => 1 - 2 * (countOnes(x & bits) & 1));
}

export function countOnes(x) {
  let n = 0;
  for (; x; x &= x - 1) n++;
  return n;
}

function fillTables({ d, k, p, work: { low, table } }) {
  for (let half = 0; half < 2; half++) {
    const base = half ? 2 ** low * k : 0, first = half ? low : 0, bits = half ? d - low : low;
    for (let i = 0; i < k; i++) table[base + i] = half ? 0 : p[d * k + i];
    for (let j = 0; j < bits; j++) {
      const row = (first + j) * k, offset = 2 ** j * k;
      for (let from = base; from < base + offset; from += k) {
        for (let i = 0; i < k; i++) table[from + offset + i] = table[from + i] + p[row + i];
      }
    }
  }
}

// f at every input of the list; what the units say stays in work.hidden.
function forward(network, inputs) {
  const { d, k, p, work } = network, n = inputs.length, mask = 2 ** work.low - 1;
  if (work.hidden.length < n * k) work.hidden = new Float64Array(n * k);
  fillTables(network);
  const { table, hidden } = work, outputs = new Float64Array(n), upper = 2 ** work.low * k;
  const alpha = p.subarray((d + 1) * k, (d + 2) * k), beta = p[p.length - 1];
  for (let s = 0; s < n; s++) {
    const a = (inputs[s] & mask) * k, b = upper + (inputs[s] >> work.low) * k, h = s * k;
    let sum = beta;
    for (let i = 0; i < k; i++) {
      const z = table[a + i] + table[b + i], value = z > 0 ? z : 0;
      hidden[h + i] = value;
      sum += alpha[i] * value;
    }
    outputs[s] = sum;
  }
  return outputs;
}

// sum over the inputs of slope times grad f, after `forward` on the same inputs; in work.gradient.
function backward({ d, k, p, work }, inputs, slopes) {
  const { low, hidden, bucket, gradient } = work, mask = 2 ** low - 1, upper = 2 ** low * k, last = (d + 1) * k;
  bucket.fill(0);
  gradient.fill(0);
  for (let s = 0; s < inputs.length; s++) {
    const slope = slopes[s];
    if (slope === 0) continue;
    const a = (inputs[s] & mask) * k, b = upper + (inputs[s] >> low) * k, h = s * k;
    for (let i = 0; i < k; i++) {
      // without a branch: which units are open is as good as random
      const value = hidden[h + i], gate = value > 0 ? slope : 0;
      bucket[a + i] += gate;
      bucket[b + i] += gate;
      gradient[last + i] += slope * value;
    }
    gradient[gradient.length - 1] += slope;
  }
  fold(bucket, gradient, k, 0, 0, low);
  for (let i = 0; i < k; i++) gradient[d * k + i] = bucket[i];
  fold(bucket, gradient, k, upper, low, d - low);
  for (let row = 0; row < last; row += k) for (let i = 0; i < k; i++) gradient[row + i] *= p[last + i];
  return gradient;
}

// From sums by pattern to sums by bit; the sum over all patterns is left in the first bucket.
function fold(bucket, gradient, k, base, first, bits) {
  for (let j = bits - 1; j >= 0; j--) {
    const row = (first + j) * k, offset = 2 ** j * k;
    for (let from = base; from < base + offset; from += k) {
      for (let i = 0; i < k; i++) {
        const value = bucket[from + offset + i];
        bucket[from + i] += value;
        gradient[row + i] += value;
      }
    }
  }
}

// For each loss: its value, its slope in f, and the squared weight G(f)^2 with which grad f enters the signal.
export const LOSSES = {
  hinge: {
    value: (f, y) => Math.max(0, 1 - f * y),
    slope: (f, y) => (1 - f * y > 0 ? -y : 0),
    odd: (f) => -((1 - f > 0) + (1 + f > 0)) / 2,
  },
  square: { value: (f, y) => (f - y) ** 2 / 2, slope: (f, y) => f - y, odd: () => -1 },
  logistic: {
    value: (f, y) => Math.max(-f * y, 0) + Math.log1p(Math.exp(-Math.abs(f * y))),
    slope: (f, y) => { const tail = Math.exp(-Math.abs(f * y)); return -y * (f * y > 0 ? tail : 1) / (1 + tail); },
    odd: () => -0.5,
  },
};

// The inputs of iteration `step`, as the library draws them.
export function batchInputs(key, d, batch, step) {
  const inputs = new Int32Array(batch);
  for (let i = 0; i < batch; i++) inputs[i] = splitMix(key, step * batch + i)[0] & (2 ** d - 1);
  return inputs;
}

// A trainer: settings as LearningConfig has them, of arithmetic in float64.
export function makeTrainer({ mask, loss, optimizer, rate, momentum, batch, seed }) {
  return { labels: labelsOf(mask), loss: LOSSES[loss], adam: optimizer === "adam", rate, momentum, batch, key: inputKey(seed) };
}

// One iteration, in place.
export function trainStep(network, trainer) {
  const { labels, loss, batch } = trainer;
  const inputs = batchInputs(trainer.key, network.d, batch, network.step);
  const outputs = forward(network, inputs);
  for (let i = 0; i < batch; i++) outputs[i] = loss.slope(outputs[i], labels[inputs[i]]) / batch;
  update(network, backward(network, inputs, outputs), trainer);
  network.step++;
}

function update({ p, m, v, step }, gradient, { adam, rate, momentum }) {
  if (!adam) {
    for (let i = 0; i < p.length; i++) {
      m[i] = momentum * m[i] + gradient[i];
      p[i] -= rate * m[i];
    }
    return;
  }
  const lift = rate / (1 - BETAS[0] ** (step + 1)), lift2 = 1 / Math.sqrt(1 - BETAS[1] ** (step + 1));
  for (let i = 0; i < p.length; i++) {
    const g = gradient[i];
    m[i] = BETAS[0] * m[i] + (1 - BETAS[0]) * g;
    v[i] = BETAS[1] * v[i] + (1 - BETAS[1]) * g * g;
    p[i] -= lift * m[i] / (Math.sqrt(v[i]) * lift2 + EPSILON);
  }
}

// Everything over all 2^d inputs, exactly: risk, accuracy, the gradient's signal over all masks and for
// this one, the outputs, and the Walsh spectrum of the network.
export function measure(network, trainer) {
  const { d, k, p, work } = network, n = 2 ** d, { labels, loss } = trainer;
  const outputs = forward(network, work.all), slopes = new Float64Array(n);
  let risk = 0, right = 0, square = 0;
  for (let x = 0; x < n; x++) {
    const odd = loss.odd(outputs[x]);
    risk += loss.value(outputs[x], labels[x]);
    if (outputs[x] * labels[x] > 0) right++;
    slopes[x] = odd * labels[x] / n;
    if (odd) square += odd * odd * gradientSquare(x, work.hidden, k, p, (d + 1) * k);
  }
  // E_v |grad R_v - a|^2 = 2^-d E|g|^2, an equality
  const own = backward(network, work.all, slopes).reduce((sum, g) => sum + g * g, 0);
  return { risk: risk / n, accuracy: right / n, signal: square / n / n, own, outputs, spectrum: walsh(outputs.slice()) };
}

// |grad f(x)|^2 = 1 + sum_i [alpha_i^2 1{z_i > 0} (|x| + 1) + max(0, z_i)^2]
function gradientSquare(x, hidden, k, p, alpha) {
  let gates = 0, squares = 1;
  for (let i = 0; i < k; i++) {
    const value = hidden[x * k + i];
    if (value > 0) { gates += p[alpha + i] * p[alpha + i]; squares += value * value; }
  }
  return squares + gates * (countOnes(x) + 1);
}

// 2^-d sum_x f(x) chi_v(x) for every v, in place.
export function walsh(values) {
  const n = values.length;
  for (let half = 1; half < n; half *= 2) {
    for (let base = 0; base < n; base += 2 * half) {
      for (let i = base; i < base + half; i++) {
        const a = values[i], b = values[i + half];
        values[i] = a + b;
        values[i + half] = a - b;
      }
    }
  }
  for (let i = 0; i < n; i++) values[i] /= n;
  return values;
}
