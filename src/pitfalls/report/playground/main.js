// One lab at a time: run, pause, step, reset; the address that gives back what is on the screen.

import { button, field, make, onTheme } from "./page.js";
import { linearLab } from "./linear_lab.js";
import { parityLab } from "./parity_lab.js";
import { LABS, MOST_STEPS, presets, readAddress, writeAddress } from "./state.js";

const BUILD = { parity: parityLab, linear: linearLab };
const NAMES = { parity: "Parity", linear: "Linear networks" };
// milliseconds of a frame that catching up with an address may take
const CATCH_UP = 24;

export function mount(host) {
  const state = { name: null, lab: null, running: false, goal: 0, frames: [] };
  const status = make("p", { class: "status", role: "status" });
  const run = button("Run", () => (state.running ? pause() : start()), { class: "run" });
  const tabs = Object.entries(NAMES).map(([name, text]) => button(text, () => { open(name, presets(LABS[name]), []); keep(); }, { "data-lab": name }));
  const speed = make("span"), room = make("div");
  const bar = make("div", { class: "transport", role: "group", "aria-label": "Training" }, run,
    button("Step", () => { pause(); advance(1); show(); rest(); keep(); }),
    button("Reset", () => { pause(); state.lab.reset(); show(); rest(); keep(); }), speed);

  function advance(n) {
    state.lab.advance(n);
    state.lab.look();
    if (!state.lab.finite) return pause(`Training left the finite numbers by step ${state.lab.step}. Take a smaller learning rate, and reset.`);
    // it rests where descent ends, once; who runs on, runs on
    if (state.lab.arrived && !state.arrived && !state.goal) pause(`Arrived. ${state.lab.spoken()}`);
    state.arrived = state.lab.arrived;
  }

  function show() { state.lab.draw(); }

  function rest(words) {
    state.lab.rest();
    status.textContent = words ?? state.lab.spoken();
  }

  function keep() {
    // a viewer may keep no address
    const address = writeAddress(state.name, state.lab.settings);
    try { history.replaceState(null, "", address); } catch {}
  }

  function start() {
    state.running = true;
    run.textContent = "Pause";
    status.textContent = "Running.";
    requestAnimationFrame(frame);
  }

  function pause(words) {
    if (!state.running && !words) return;
    state.running = false;
    state.goal = 0;
    run.textContent = "Run";
    rest(words);
    keep();
  }

  function frame() {
    if (!state.running) return;
    const began = performance.now();
    if (state.goal) catchUp(began); else advance(state.lab.settings.speed);
    show();
    state.frames.push(performance.now() - began);
    if (state.frames.length > 600) state.frames.shift();
    if (state.goal && state.lab.step >= state.goal) pause();
    if (state.running) requestAnimationFrame(frame);
  }

  function catchUp(began) {
    const { lab, goal } = state;
    const stride = Math.ceil(goal / 200);
    do advance(Math.min(stride - lab.step % stride, goal - lab.step)); while (state.running && lab.step < goal && performance.now() - began < CATCH_UP);
  }

  function open(name, settings, notes) {
    // the address is the next state's already
    state.running = false;
    run.textContent = "Run";
    state.name = name;
    state.lab = BUILD[name](settings, () => { pause(); show(); rest(); keep(); });
    room.replaceChildren(state.lab.element);
    for (const tab of tabs) tab.setAttribute("aria-pressed", String(tab.dataset.lab === name));
    const { speed: preset } = LABS[name];
    speed.replaceChildren(field("Steps a frame", { value: settings.speed, read: preset.read, says: preset.says, change: (v) => { state.lab.speed = v; keep(); } }));
    show();
    rest(notes.length ? notes.join(" ") : undefined);
    state.goal = Math.min(settings.step, MOST_STEPS);
    if (settings.step) start();
  }

  function follow() {
    const asked = readAddress(location.hash);
    if (!asked) return false;
    open(asked.lab, asked.settings, asked.notes);
    host.scrollIntoView({ block: "start" });
    return true;
  }

  host.replaceChildren(make("div", { class: "play" }, make("div", { class: "tabs", role: "group", "aria-label": "Lab" }, ...tabs), bar, status, room));
  if (!follow()) open("parity", presets(LABS.parity), []);
  addEventListener("hashchange", () => { if (follow()) run.focus({ preventScroll: true }); });
  addEventListener("resize", show);
  onTheme(show);
  return { state, open, start, pause };
}
