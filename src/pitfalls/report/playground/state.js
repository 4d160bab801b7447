// A lab's settings: what each may be, and how they stand in the address.

import { EXAMPLES, readData } from "./data.js";

export const MARK = "#play?";

const whole = (least, most, preset) => ({
  preset,
  read: (text) => (/^\d+$/.test(text) && +text >= least && +text <= most ? +text : null),
  says: `a whole number from ${least} to ${most}`,
});
const real = (least, most, preset, open = false) => ({
  preset,
  read: (text) => (text.trim() !== "" && Number.isFinite(+text) && (open ? +text > least : +text >= least) && +text <= most ? +text : null),
  says: `a number ${open ? "above" : "from"} ${least}${open ? " and at most" : " to"} ${most}`,
});
const choice = (...names) => ({
  preset: names[0],
  read: (text) => (names.includes(text) ? text : null),
  says: `one of ${names.join(", ")}`,
});
const matching = (pattern, preset, says) => ({ preset, read: (text) => (pattern.test(text) ? text : null), says });

// The most steps that are taken on opening: seconds, not minutes.
export const MOST_STEPS = 50000;

export const PARITY = {
  d: whole(1, 10, 10),
  mask: matching(/^[01]{1,10}$/, "1110000000", "1 to 10 zeros and ones"),
  k: whole(1, 400, 100),
  start: choice("training", "torch", "printed", "corrected"),
  seed: whole(0, Number.MAX_SAFE_INTEGER, 123),
  loss: choice("hinge", "square", "logistic"),
  optimizer: choice("sgd", "adam"),
  rate: real(0, 100, 0.001, true),
  momentum: real(0, 0.9999, 0.9),
  batch: whole(1, 1000, 100),
  speed: whole(1, 500, 30),
  step: whole(0, Number.MAX_SAFE_INTEGER, 0),
};

const isSquare = (values) => values.every(Number.isFinite) && Number.isInteger(values.length ** 0.5);

export const LINEAR = {
  data: { preset: Object.keys(EXAMPLES)[0], read: (text) => (readData(text).fault ? null : text), says: "modes, or one sample a line" },
  inputs: choice("white", "given"),
  center: choice("no", "yes"),
  depth: whole(2, 3, 2),
  hidden: whole(1, 12, 4),
  start: choice("aligned", "rotated", "saddle", "layers"),
  held: matching(/^[1-8](,[1-8])*$/, "1", "the numbers of modes, such as 1,3"),
  strength: real(0, 10, 0.01),
  map: { preset: "", read: (text) => (isSquare(text.split(",").map(Number)) ? text : null), says: "the numbers of a square matrix, row by row" },
  seed: whole(0, Number.MAX_SAFE_INTEGER, 123),
  rate: real(0, 100, 0.01),
  momentum: real(0, 0.9999, 0),
  speed: whole(1, 500, 3),
  step: whole(0, Number.MAX_SAFE_INTEGER, 0),
};

export const LABS = { parity: PARITY, linear: LINEAR };

export const presets = (spec) => Object.fromEntries(Object.entries(spec).map(([name, field]) => [name, field.preset]));

// The settings that an address names, and a sentence on each that cannot be meant.
export function readAddress(fragment) {
  if (!fragment.startsWith(MARK)) return null;
  const given = new URLSearchParams(fragment.slice(MARK.length)), notes = [];
  const asked = given.get("lab") ?? "parity", lab = Object.hasOwn(LABS, asked) ? asked : "parity", spec = LABS[lab];
  if (lab !== asked) notes.push(`There is no lab ${asked}.`);
  const settings = presets(spec);
  for (const [name, text] of given) {
    if (name === "lab") continue;
    const known = Object.hasOwn(spec, name), value = known ? spec[name].read(text.replaceAll("/", "\n")) : null;
    if (value !== null) settings[name] = value;
    else notes.push(known ? `${name} must be ${spec[name].says}, not ${text || "empty"}.` : `There is no setting ${name}.`);
  }
  return { lab, settings, notes };
}

// Only what differs from the presets stands in the address.
export function writeAddress(lab, settings) {
  const pairs = new URLSearchParams({ lab });
  for (const [name, { preset }] of Object.entries(LABS[lab])) {
    if (settings[name] !== preset) pairs.set(name, String(settings[name]).replaceAll("\n", "/"));
  }
  return MARK + pairs.toString();
}

// A mask for d features: the given one cut, or filled with zeros.
export const fitMask = (mask, d) => mask.slice(0, d).padEnd(d, "0");
