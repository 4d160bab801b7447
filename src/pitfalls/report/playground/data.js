// Data as text: "modes 4 3 2 1", or one sample a line, inputs | outputs.

const MOST = { samples: 500, columns: 8 };
// the farther of two points of one hand: a turn by 40 degrees with one axis shortened
const ARROWS = [[0.8, 0], [0.55, 0.55], [0, 0.8], [-0.55, 0.55], [-0.8, 0], [-0.55, -0.55], [0, -0.8], [0.55, -0.55]]
  .map(([a, b]) => [[a, b], [0.77 * a - 0.26 * b, 0.64 * a + 0.31 * b].map((v) => Math.round(v * 100) / 100)]);

export const EXAMPLES = {
  [writeRows(ARROWS.map(([x]) => x), ARROWS.map(([, y]) => y))]: "eight arrows in the plane",
  "modes 4 3 2 1": "the report's modes: 4, 3, 2, 1",
  "modes 3 1": "two modes: 3, 1",
};

export function writeRows(x, y) {
  return x.map((row, i) => `${row.join(" ")} | ${y[i].join(" ")}`).join("\n");
}

// {modes}, {x, y}, or {fault}: a sentence on what cannot be meant.
export function readData(text) {
  const given = /^\s*modes\b(.*)$/is.exec(text);
  if (given) return readModes(numbersOf(given[1]));
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line && !line.startsWith("#"));
  // one line of names may stand above the numbers, and none of them begins like a number
  const digit = /(^|[\s,;|])[-+.]?\d/, skip = digit.test(lines[0]) ? 0 : 1;
  if (!digit.test(lines[skip])) return { fault: "No line holds numbers: give inputs | outputs, one sample a line." };
  const x = [], y = [];
  for (const [i, line] of lines.slice(skip).entries()) {
    const parts = line.split("|"), numbers = parts.map(numbersOf), at = `Line ${i + skip + 1}`;
    if (parts.length > 2 || numbers.some((row) => !row)) return { fault: `${at} is not numbers with at most one bar.` };
    const [inputs, outputs] = parts.length === 2 ? numbers : [numbers[0].slice(0, -1), numbers[0].slice(-1)];
    if (!inputs.length || !outputs.length) return { fault: `${at} needs an input and an output.` };
    if (i && (inputs.length !== x[0].length || outputs.length !== y[0].length)) return { fault: `${at} has not as many numbers as the first.` };
    x.push(inputs);
    y.push(outputs);
  }
  if (x.length > MOST.samples) return { fault: `At most ${MOST.samples} samples, not ${x.length}.` };
  if (x[0].length > MOST.columns || y[0].length > MOST.columns) return { fault: `At most ${MOST.columns} inputs and outputs.` };
  return { x, y };
}

function readModes(values) {
  if (!values || !values.length || values.length > MOST.columns || values.some((v) => v < 0)) return { fault: `Give 1 to ${MOST.columns} modes, none negative.` };
  return { modes: values.sort((a, b) => b - a) };
}

// Numbers between commas, semicolons or blanks; null where there is anything else, or commas that may be
// those of decimals.
function numbersOf(text) {
  const given = text.trim(), numbers = given.split(/[\s,;]+/).filter(Boolean).map(Number);
  return numbers.length && !/\d,\d.*[;\s]|[;\s].*\d,\d/s.test(given) && numbers.every((v) => Number.isFinite(v) && Math.abs(v) < 1e9) ? numbers : null;
}
