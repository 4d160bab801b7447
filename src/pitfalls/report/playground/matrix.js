// Small dense matrices as arrays of rows.

export const zeros = (rows, columns) => Array.from({ length: rows }, () => new Array(columns).fill(0));
export const identity = (n) => diagonal(new Array(n).fill(1), n, n);
export const transposed = (a) => (a.length ? a[0].map((_, j) => a.map((row) => row[j])) : []);
export const norm = (a) => Math.hypot(...a.map((row) => Math.hypot(...row)));
export const minus = (a, b) => a.map((row, i) => row.map((value, j) => value - (b[i][j] ?? 0)));

export function diagonal(values, rows, columns) {
  const found = zeros(rows, columns);
  values.slice(0, Math.min(rows, columns)).forEach((value, i) => { found[i][i] = value; });
  return found;
}

export function product(a, b, ...more) {
  const width = b.length ? b[0].length : 0;
  const found = a.map((row) => {
    const sum = new Array(width).fill(0);
    for (let k = 0; k < row.length; k++) {
      const value = row[k], other = b[k];
      if (value !== 0) for (let j = 0; j < width; j++) sum[j] += value * other[j];
    }
    return sum;
  });
  return more.length ? product(found, ...more) : found;
}

// A = U diag(s) V', thin, largest first: columns are rotated against each other until none shares
// anything with another (one-sided Jacobi), which keeps small singular values accurate.
export function svd(a) {
  if (a.length < (a[0] ?? []).length) {
    const { u, s, v } = svd(transposed(a));
    return { u: v, s, v: u };
  }
  const columns = transposed(a), turned = identity(columns.length);
  for (let sweep = 0, moved = true; moved && sweep < 60; sweep++) {
    moved = false;
    for (let p = 0; p < columns.length; p++) {
      for (let q = p + 1; q < columns.length; q++) if (rotate(columns, turned, p, q)) moved = true;
    }
  }
  const s = columns.map((column) => Math.hypot(...column));
  const order = s.map((_, i) => i).sort((i, j) => s[j] - s[i]);
  return {
    u: transposed(order.map((i) => columns[i].map((value) => (s[i] > 0 ? value / s[i] : 0)))),
    s: order.map((i) => s[i]),
    v: transposed(order.map((i) => turned[i])),
  };
}

function rotate(columns, turned, p, q) {
  const dot = (x, y) => x.reduce((sum, value, i) => sum + value * y[i], 0);
  const a = dot(columns[p], columns[p]), b = dot(columns[q], columns[q]), c = dot(columns[p], columns[q]);
  if (Math.abs(c) <= 1e-15 * Math.sqrt(a * b) || c === 0) return false;
  const zeta = (b - a) / (2 * c), t = Math.sign(zeta || 1) / (Math.abs(zeta) + Math.hypot(1, zeta));
  const cosine = 1 / Math.hypot(1, t), sine = cosine * t;
  for (const pair of [columns, turned]) {
    const [x, y] = [pair[p], pair[q]];
    pair[p] = x.map((value, i) => cosine * value - sine * y[i]);
    pair[q] = x.map((value, i) => sine * value + cosine * y[i]);
  }
  return true;
}

export const largest = (a) => svd(a).s[0] ?? 0;
