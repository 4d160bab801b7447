// The library's random numbers, bit for bit: NumPy's SeedSequence, torch's Mersenne twister, SplitMix64.

// What one seed is used for, as in pitfalls.parity.training.two_layer.
const WEIGHTS = 1, INPUTS = 2;

// SeedSequence([seed, use]).generate_state(1, uint64), as [low, high] words of 32 bits.
export function seedStream(seed, use) {
  const entropy = [...wordsOf(seed), ...wordsOf(use)];
  let constant = 0x43b0d7e5;
  const hash = (value) => {
    value ^= constant;
    constant = Math.imul(constant, 0x931e8875);
    value = Math.imul(value, constant);
    return value ^ (value >>> 16);
  };
  const mix = (x, y) => {
    const value = Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y) | 0;
    return value ^ (value >>> 16);
  };
  const pool = [0, 1, 2, 3].map((i) => hash(i < entropy.length ? entropy[i] : 0));
  for (let from = 0; from < 4; from++) {
    for (let to = 0; to < 4; to++) if (from !== to) pool[to] = mix(pool[to], hash(pool[from]));
  }
  for (let from = 4; from < entropy.length; from++) {
    for (let to = 0; to < 4; to++) pool[to] = mix(pool[to], hash(entropy[from]));
  }
  constant = 0x8b51f9dd;
  return [0, 1].map((i) => {
    let value = pool[i] ^ constant;
    constant = Math.imul(constant, 0x58f38ded);
    value = Math.imul(value, constant);
    return (value ^ (value >>> 16)) >>> 0;
  });
}

// A whole number below 2^53 as words of 32 bits, the lowest first; zero is one word.
function wordsOf(number) {
  const high = Math.floor(number / 2 ** 32);
  return high ? [number >>> 0, high] : [number >>> 0];
}

// The seed that training gives to torch: its generators take 63 bits, and use the lowest 32.
export function weightSeed(seed) {
  const [low, high] = seedStream(seed, WEIGHTS);
  return ((low >>> 1) | (high << 31)) >>> 0;
}

export function inputKey(seed) { return seedStream(seed, INPUTS); }

// torch.Generator().manual_seed(seed): a function that gives the next 32 bits.
export function mersenneTwister(seed) {
  const state = new Uint32Array(624);
  state[0] = seed;
  for (let i = 1; i < 624; i++) {
    const last = state[i - 1] ^ (state[i - 1] >>> 30);
    state[i] = Math.imul(1812433253, last) + i;
  }
  let at = 624;
  return () => {
    if (at === 624) { twist(state); at = 0; }
    let y = state[at++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  };
}

function twist(state) {
  for (let i = 0; i < 624; i++) {
    const y = (state[i] & 0x80000000) | (state[(i + 1) % 624] & 0x7fffffff);
    state[i] = state[(i + 397) % 624] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
  }
}

// Tensor.uniform_(-bound, bound) in float32, as float64 numbers.
export function uniform(next, n, bound) {
  const low = Math.fround(-bound), span = Math.fround(Math.fround(bound) - low);
  return Float64Array.from({ length: n }, () => Math.fround((next() & 0xffffff) * 2 ** -24 * span + low));
}

// The product of two numbers of 64 bits, each [low, high], modulo 2^64.
function multiply(a, b) {
  const a0 = a[0] & 0xffff, a1 = a[0] >>> 16, b0 = b[0] & 0xffff, b1 = b[0] >>> 16;
  const low = a0 * b0, middle = a1 * b0 + (low >>> 16), other = a0 * b1 + (middle % 0x10000);
  const carry = a1 * b1 + Math.floor(middle / 0x10000) + Math.floor(other / 0x10000);
  const high = (carry + Math.imul(a[0], b[1]) + Math.imul(a[1], b[0])) | 0;
  return [((other % 0x10000) * 0x10000 + (low & 0xffff)) >>> 0, high >>> 0];
}

function shiftXor(z, n) {
  return [(z[0] ^ ((z[0] >>> n) | (z[1] << (32 - n)))) >>> 0, (z[1] ^ (z[1] >>> n)) >>> 0];
}

const GAMMA = [0x7f4a7c15, 0x9e3779b9], MIX1 = [0x1ce4e5b9, 0xbf58476d], MIX2 = [0x133111eb, 0x94d049bb];

// Word number `counter` of the stream of a key, SplitMix64.
export function splitMix(key, counter) {
  const count = counter + 1, step = multiply([count >>> 0, Math.floor(count / 2 ** 32)], GAMMA);
  const low = key[0] + step[0];
  const z = [low >>> 0, (key[1] + step[1] + (low > 0xffffffff ? 1 : 0)) >>> 0];
  return shiftXor(multiply(shiftXor(multiply(shiftXor(z, 30), MIX1), 27), MIX2), 31);
}
