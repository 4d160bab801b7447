// Small elements; text goes in as text nodes only.

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

// The settings: folded where the screen has no room beside the charts.
export function settled(controls) {
  const beside = matchMedia("(min-width: 40rem)").matches;
  return make("details", { class: "settings", open: beside }, make("summary", {}, "Settings"), controls);
}

let named = 0;
export const freshId = () => `play-${++named}`;

export function button(text, onclick, attributes = {}) {
  return make("button", { type: "button", onclick, ...attributes }, text);
}

// A field whose content is read by `read`; what cannot be meant stays visible, marked, and changes nothing.
export function field(label, { value, read, says, change, ...attributes }) {
  const id = freshId(), fault = make("span", { class: "fault", id: `${id}-fault` });
  const input = make("input", { id, type: "text", inputmode: "decimal", autocomplete: "off", value, "aria-describedby": fault.id, ...attributes });
  input.addEventListener("change", () => {
    const found = read(input.value);
    input.setAttribute("aria-invalid", String(found === null));
    fault.textContent = found === null ? says : "";
    if (found !== null) change(found);
  });
  return make("span", { class: "field" }, make("label", { for: id }, label), input, fault);
}

export function menu(label, options, value, change) {
  const id = freshId();
  const select = make("select", { id, onchange: () => change(select.value) },
    ...Object.entries(options).map(([name, text]) => make("option", { value: name, selected: name === String(value) }, text)));
  return make("span", { class: "field" }, make("label", { for: id }, label), select);
}

export const group = (legend, ...children) => make("fieldset", {}, make("legend", {}, legend), ...children);

// Pairs of a name and a value that changes; `set` takes the values in order.
export function readouts(...names) {
  const values = names.map(() => make("dd"));
  const element = make("dl", { class: "readouts" }, ...names.map((name, i) => make("div", {}, make("dt", {}, name), values[i])));
  return { element, set: (...texts) => texts.forEach((text, i) => { if (values[i].textContent !== text) values[i].textContent = text; }) };
}

// Four digits, and exponents only where they are needed.
export function digits(value, n = 4) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "–" : value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  const text = size !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential(n - 2) : String(+value.toPrecision(n));
  return text.replace("-", "−");
}

const colours = new Map();
export function colour(name) {
  if (!colours.has(name)) colours.set(name, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());
  return colours.get(name);
}

export function onTheme(redraw) {
  const changed = () => { colours.clear(); redraw(); };
  new MutationObserver(changed).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
}
