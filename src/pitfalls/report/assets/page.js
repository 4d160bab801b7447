"use strict";
// What the interactive parts share: data, colours, small elements; the theme and the contents list.
const pitfalls = (() => {
  const parts = {};

  function data(name) {
    const element = document.getElementById("data-" + name);
    return element ? JSON.parse(element.textContent) : null;
  }

  function decode(text, Type) {
    const raw = atob(text);
    const bytes = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
    return new Type(bytes.buffer);
  }

  // text goes in as text nodes only: a class name with markup in it stays a class name
  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) {
      if (value === null || value === undefined || value === false) continue;
      if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
      else element.setAttribute(key, value === true ? "" : value);
    }
    element.append(...children);
    return element;
  }

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  }

  function isDark() {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }

  const themeListeners = [];
  function onTheme(listener) { themeListeners.push(listener); }
  function themeChanged() { for (const listener of themeListeners) listener(); }

  function sheet(sprite) {
    const bytes = decode(sprite.webp, Uint8Array);
    const url = URL.createObjectURL(new Blob([bytes], { type: "image/webp" }));
    const picture = new Image();
    picture.src = url;
    return {
      url, picture, size: sprite.size, columns: sprite.columns, ready: picture.decode(),
      // a square element that shows one tile
      tile(number, edge, label) {
        const scale = edge / sprite.size;
        const x = (number % sprite.columns) * edge, y = Math.floor(number / sprite.columns) * edge;
        const element = make("span", { class: "thumb", role: "img", "aria-label": label, title: label });
        element.style.cssText = `width:${edge}px;height:${edge}px;background-image:url(${url});` +
          `background-position:-${x}px -${y}px;background-size:${picture.naturalWidth * scale}px auto`;
        return element;
      },
      paint(canvas, number) {
        const context = canvas.getContext("2d");
        context.imageSmoothingEnabled = false;
        context.clearRect(0, 0, canvas.width, canvas.height);
        context.drawImage(picture, (number % sprite.columns) * sprite.size,
          Math.floor(number / sprite.columns) * sprite.size, sprite.size, sprite.size,
          0, 0, canvas.width, canvas.height);
      },
    };
  }

  // Chooses between the interactive part and the static figure that it stands on.
  function mount(host, live) {
    const still = host.querySelector(".static");
    host.append(live);
    host.classList.add("ready");
    const button = make("button", {
      type: "button", "aria-pressed": "false",
      onclick: () => {
        const shown = host.classList.toggle("ready");
        button.setAttribute("aria-pressed", String(!shown));
        still.style.display = shown ? "" : "block";
        for (const child of live.children) if (child !== foot) child.hidden = !shown;
      },
    }, "Static figure");
    const foot = make("div", { class: "bar" }, button);
    foot.style.margin = "0.6rem 0 0";
    live.append(foot);
  }

  function part(kind, build) { parts[kind] = build; }

  function start() {
    for (const host of document.querySelectorAll(".explorer")) {
      const kind = host.dataset.explorer, values = data(kind);
      if (values && parts[kind]) parts[kind](host, values);
    }
  }

  // On a phone a claim's derivation waits until it is asked for; paper has no way to ask.
  function foldDerivations() {
    const all = () => document.querySelectorAll("details.derivation");
    if (matchMedia("(max-width: 48rem)").matches) for (const one of all()) one.open = false;
    addEventListener("beforeprint", () => { for (const one of all()) one.open = true; });
  }

  function themeButton() {
    const button = document.getElementById("theme");
    if (!button) return;
    button.parentElement.hidden = false;
    const name = () => { button.textContent = isDark() ? "Light page" : "Dark page"; };
    name();
    button.addEventListener("click", () => {
      const next = isDark() ? "light" : "dark";
      document.documentElement.dataset.theme = next;
      try { localStorage.setItem("pitfalls-theme", next); } catch (error) { /* a file without storage */ }
      name();
      themeChanged();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { name(); themeChanged(); });
  }

  function contentsList() {
    const nav = document.querySelector("nav.contents details");
    if (matchMedia("(max-width: 67.99rem)").matches) nav.removeAttribute("open");
    const links = new Map([...nav.querySelectorAll("a")].map((a) => [a.getAttribute("href").slice(1), a]));
    const heads = [...links.keys()].map((id) => document.getElementById(id)).filter(Boolean);
    let current = null;
    const update = () => {
      let found = null;
      for (const head of heads) if (head.getBoundingClientRect().top < innerHeight * 0.3) found = head;
      if (found === current) return;
      if (current) links.get(current.id).removeAttribute("aria-current");
      if (found) links.get(found.id).setAttribute("aria-current", "location");
      current = found;
    };
    addEventListener("scroll", update, { passive: true });
    update();
  }

  // What scrolls sideways must be reachable by keyboard, and only then.
  function scrollables() {
    for (const element of document.querySelectorAll(".scroll, .drawing, .equation, pre, main p, main li, main dd")) {
      if (element.scrollWidth > element.clientWidth + 1) {
        element.tabIndex = 0;
        if (!element.hasAttribute("role") && element.tagName === "DIV") { // a paragraph keeps its role
          element.setAttribute("role", "region");
          element.setAttribute("aria-label", element.classList.contains("equation") ? "Equation" : element.classList.contains("drawing") ? "Figure" : "Wide content");
        }
      } else element.removeAttribute("tabindex");
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    themeButton();
    contentsList();
    foldDerivations();
    start();
    scrollables();
    addEventListener("resize", scrollables);
    document.documentElement.dataset.ready = "true";
  });

  return { data, decode, make, colour, isDark, onTheme, sheet, mount, part, live: {} };
})();
