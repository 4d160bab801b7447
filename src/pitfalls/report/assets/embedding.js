"use strict";
// Two scatter plots of the same images (PCA and CCA): hover shows the image, a selection in one shows in both.
pitfalls.part("embedding", (host, values) => {
  const { make, decode } = pitfalls;
  const count = values.count;
  const label = decode(values.label, Uint16Array);
  const split = decode(values.split, Uint8Array);
  const index = decode(values.index, Uint32Array);
  const tile = decode(values.tile, Int32Array);
  const sheet = values.sprite ? pitfalls.sheet(values.sprite) : null;
  const rgb = values.colours.map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  const state = {
    classes: new Set(values.classes.keys()), split: values.splits.length > 1 ? 0 : -1,
    selected: new Uint8Array(count), number: 0, hovered: -1, mode: "select",
  };
  const visible = new Uint8Array(count);
  const views = values.views.map(makeView);
  const status = make("p", { class: "hint", role: "status" });
  const tally = make("div", { class: "tally" });
  const gallery = make("div", { class: "gallery", "aria-label": "Selected images", role: "group" });

  function describe(i) {
    return `${values.classes[label[i]]}, ${values.splits[split[i]]} ${index[i]}`;
  }

  function refilter() {
    for (let i = 0; i < count; i++) {
      visible[i] = state.classes.has(label[i]) && (state.split < 0 || split[i] === state.split) ? 1 : 0;
    }
    for (const view of views) view.changed();
    report();
  }

  // -- one plot -------------------------------------------------------------------------------
  function makeView(plan) {
    const x = decode(plan.x, Uint16Array), y = decode(plan.y, Uint16Array);
    const canvas = make("canvas", {
      class: "points", tabindex: "0", role: "application", "aria-roledescription": "scatter plot",
      "aria-label": `${plan.name} embedding: arrow keys go from point to point, space selects, plus and minus zoom`,
    });
    const context = canvas.getContext("2d");
    const tip = make("div", { class: "tip", hidden: true });
    const frame = make("div", { class: "frame" }, canvas, tip);
    // pixel = scale * value + offset, for values in 0..65535 with y upwards
    const camera = { scale: 1, ox: 0, oy: 0 };
    let edge = 0, ratio = 1, pending = false, dirty = true, base = null, box = null;

    // points in cells of a 128 x 128 grid, so that hovering looks at few of them
    const cells = 128, width = 65536 / cells;
    const first = new Uint32Array(cells * cells + 1), order = new Uint32Array(count);
    for (let i = 0; i < count; i++) first[(y[i] / width | 0) * cells + (x[i] / width | 0) + 1]++;
    for (let c = 0; c < cells * cells; c++) first[c + 1] += first[c];
    const cursor = first.slice();
    for (let i = 0; i < count; i++) order[cursor[(y[i] / width | 0) * cells + (x[i] / width | 0)]++] = i;

    const px = (i) => camera.scale * x[i] + camera.ox;
    const py = (i) => edge - (camera.scale * y[i] + camera.oy);

    function reset() {
      const margin = 10;
      camera.scale = (edge - 2 * margin) / 65535;
      camera.ox = camera.oy = margin;
      changed();
    }

    function resize() {
      const size = Math.round(canvas.clientWidth);
      if (!size) return;
      const before = edge;
      ratio = Math.min(window.devicePixelRatio || 1, 2);
      edge = size;
      canvas.width = canvas.height = Math.round(size * ratio);
      if (before) {
        const grown = edge / before;
        camera.scale *= grown; camera.ox *= grown; camera.oy *= grown;
        changed();
      } else reset();
    }

    function zoom(factor, cx = edge / 2, cy = edge / 2) {
      const least = 0.5 * (edge - 20) / 65535;
      const scale = Math.max(least, Math.min(camera.scale * factor, 400 * least));
      const f = scale / camera.scale;
      camera.ox = cx - f * (cx - camera.ox);
      camera.oy = (edge - cy) - f * ((edge - cy) - camera.oy);
      camera.scale = scale;
      hideTip();
      changed();
    }

    function changed() { dirty = true; ask(); }
    function ask() {
      if (pending) return;
      pending = true;
      requestAnimationFrame(() => { pending = false; draw(); });
    }

    // All points go straight into the pixels of one image: 60,000 take a few milliseconds.
    function paintPoints() {
      const n = canvas.width;
      const image = context.createImageData(n, n);
      const out = image.data;
      out.fill(255);
      const zoomed = camera.scale * 65535 / edge;
      const size = Math.max(1, Math.round(ratio * Math.min(5, 1.4 + 0.5 * Math.sqrt(zoomed))));
      const alpha = Math.min(0.85, 0.35 + 0.12 * zoomed);
      const fading = state.number > 0;
      for (let pass = 0; pass < (fading ? 2 : 1); pass++) {
        for (let i = 0; i < count; i++) {
          if (!visible[i] || (fading && state.selected[i] !== pass)) continue;
          const [r, g, b] = fading && !pass ? [196, 201, 207] : rgb[label[i]];
          const a = fading ? (pass ? 0.9 : 0.25) : alpha;
          const dot = fading && pass ? size + 1 : size;
          const left = Math.round(px(i) * ratio - dot / 2), top = Math.round(py(i) * ratio - dot / 2);
          if (left < 0 || top < 0 || left + dot > n || top + dot > n) continue;
          for (let v = 0; v < dot; v++) {
            let at = 4 * ((top + v) * n + left);
            for (let u = 0; u < dot; u++, at += 4) {
              out[at] += a * (r - out[at]);
              out[at + 1] += a * (g - out[at + 1]);
              out[at + 2] += a * (b - out[at + 2]);
            }
          }
        }
      }
      base = image;
    }

    // Names stand at their classes' centres, moved up or down where they would cover each other.
    function namesApart() {
      const names = plan.centres.filter(([c]) => state.classes.has(c)).map(([c, cx, cy]) =>
        [c, [camera.scale * cx + camera.ox, edge - (camera.scale * cy + camera.oy)], context.measureText(values.classes[c]).width / 2 + 3]);
      for (let round = 0; round < 60; round++) {
        let moved = false;
        for (let i = 0; i < names.length; i++) for (let j = 0; j < i; j++) {
          const [, a, wide] = names[i], [, b, other] = names[j];
          const overlap = 15 - Math.abs(a[1] - b[1]);
          if (overlap <= 0 || Math.abs(a[0] - b[0]) >= wide + other) continue;
          const step = (overlap / 2 + 0.1) * (a[1] >= b[1] ? 1 : -1);
          a[1] += step; b[1] -= step; moved = true;
        }
        if (!moved) break;
      }
      return names;
    }

    function draw() {
      if (!edge) return;
      if (dirty) { paintPoints(); dirty = false; }
      context.putImageData(base, 0, 0);
      context.save();
      context.scale(ratio, ratio);
      context.font = "600 12px system-ui, sans-serif";
      context.textAlign = "center";
      context.textBaseline = "middle";
      for (const [c, at] of namesApart()) {
        context.lineWidth = 3.5;
        context.strokeStyle = "rgb(255 255 255 / 0.9)";
        context.strokeText(values.classes[c], at[0], at[1]);
        context.fillStyle = values.colours[c];
        context.fillText(values.classes[c], at[0], at[1]);
      }
      const i = state.hovered;
      if (i >= 0 && visible[i]) {
        context.beginPath();
        context.arc(px(i), py(i), 6, 0, 7);
        context.lineWidth = 2;
        context.strokeStyle = "#111";
        context.stroke();
      }
      if (box) {
        context.fillStyle = "rgb(31 78 121 / 0.12)";
        context.strokeStyle = "#1f4e79";
        const area = [Math.min(box.x0, box.x1), Math.min(box.y0, box.y1), Math.abs(box.x1 - box.x0), Math.abs(box.y1 - box.y0)];
        context.fillRect(...area);
        context.strokeRect(...area);
      }
      context.restore();
    }

    function nearest(mx, my, reach = 14) {
      const ux = (mx - camera.ox) / camera.scale, uy = (edge - my - camera.oy) / camera.scale;
      const r = reach / camera.scale;
      const clip = (v) => Math.max(0, Math.min(cells - 1, Math.floor(v / width)));
      let best = -1, least = r * r;
      for (let cy = clip(uy - r); cy <= clip(uy + r); cy++) {
        for (let cx = clip(ux - r); cx <= clip(ux + r); cx++) {
          for (let k = first[cy * cells + cx]; k < first[cy * cells + cx + 1]; k++) {
            const i = order[k];
            if (!visible[i]) continue;
            const d = (x[i] - ux) ** 2 + (y[i] - uy) ** 2;
            if (d < least) { least = d; best = i; }
          }
        }
      }
      return best;
    }

    // the nearest visible point within a right angle of a direction: how arrow keys move
    function step(dx, dy) {
      let from = state.hovered;
      if (from < 0 || !visible[from]) return nearest(edge / 2, edge / 2, edge);
      let best = -1, least = Infinity;
      for (let i = 0; i < count; i++) {
        if (!visible[i] || i === from) continue;
        const u = x[i] - x[from], v = y[i] - y[from], along = u * dx + v * dy;
        if (along <= 0 || Math.abs(u * dy) + Math.abs(v * dx) > along) continue;
        const d = u * u + v * v;
        if (d < least) { least = d; best = i; }
      }
      return best < 0 ? from : best;
    }

    function hideTip() { tip.hidden = true; }

    function showTip(i) {
      tip.replaceChildren();
      tip.dataset.point = i;
      if (sheet && tile[i] >= 0) {
        const picture = make("canvas", { width: "96", height: "96" });
        tip.append(picture);
        sheet.ready.then(() => sheet.paint(picture, tile[i]));
      }
      tip.append(make("strong", {}, values.classes[label[i]]), make("div", {}, `${values.splits[split[i]]} image ${index[i]}`));
      if (tile[i] < 0) tip.append(make("div", {}, "its picture is not in this file"));
      tip.hidden = false;
      const w = tip.offsetWidth, h = tip.offsetHeight;
      let left = px(i) + 14, top = py(i) + 14;
      if (left + w > edge) left = Math.max(0, px(i) - w - 14);
      if (top + h > edge) top = Math.max(0, py(i) - h - 14);
      tip.style.left = left + "px";
      tip.style.top = top + "px";
    }

    function hover(i) {
      if (i === state.hovered && !(i >= 0 && tip.hidden)) return;
      state.hovered = i;
      for (const view of views) { view.hideTip(); view.ask(); }
      if (i >= 0) showTip(i);
    }

    function place(event) {
      const at = canvas.getBoundingClientRect();
      return [event.clientX - at.left, event.clientY - at.top];
    }

    let drag = null;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      const [mx, my] = place(event);
      drag = { mx, my, ox: camera.ox, oy: camera.oy, moved: false, add: event.shiftKey };
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      const [mx, my] = place(event);
      if (!drag) { hover(nearest(mx, my)); return; }
      if (Math.hypot(mx - drag.mx, my - drag.my) > 4) drag.moved = true;
      if (!drag.moved) return;
      hideTip();
      if (state.mode === "move") {
        camera.ox = drag.ox + mx - drag.mx;
        camera.oy = drag.oy - (my - drag.my);
        changed();
      } else {
        box = { x0: drag.mx, y0: drag.my, x1: mx, y1: my };
        ask();
      }
    });
    canvas.addEventListener("pointerup", (event) => {
      const [mx, my] = place(event);
      if (drag && !drag.moved) {
        const i = nearest(mx, my);
        hover(i);
        select(i < 0 ? [] : [i], drag.add);
      } else if (drag && box) {
        const chosen = [];
        const [l, r] = [Math.min(box.x0, box.x1), Math.max(box.x0, box.x1)];
        const [t, b] = [Math.min(box.y0, box.y1), Math.max(box.y0, box.y1)];
        for (let i = 0; i < count; i++) {
          const u = px(i), v = py(i);
          if (visible[i] && u >= l && u <= r && v >= t && v <= b) chosen.push(i);
        }
        select(chosen, drag.add);
      }
      drag = box = null;
      ask();
    });
    canvas.addEventListener("pointercancel", () => { drag = box = null; ask(); });
    canvas.addEventListener("pointerleave", () => { if (!drag) hover(-1); });
    canvas.addEventListener("blur", () => hover(-1));
    canvas.addEventListener("wheel", (event) => {
      // the page scrolls as ever unless the plot has the focus
      if (!event.ctrlKey && document.activeElement !== canvas) return;
      event.preventDefault();
      zoom(Math.exp(-event.deltaY / 300), ...place(event));
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => {
      const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
      if (moves[event.key]) {
        const i = step(...moves[event.key]);
        if (i >= 0) { hover(i); status.textContent = describe(i); }
      } else if (event.key === " " || event.key === "Enter") {
        if (state.hovered >= 0) select([state.hovered], event.shiftKey);
      } else if (event.key === "+" || event.key === "=") zoom(1.4);
      else if (event.key === "-") zoom(1 / 1.4);
      else if (event.key === "0") reset();
      else if (event.key === "Escape") select([], false);
      else return;
      event.preventDefault();
    });
    new ResizeObserver(resize).observe(canvas);

    const element = make("div", { class: "plot" }, make("h5", {}, plan.title), frame,
      make("div", { class: "axis" }, make("span", {}, "→ " + plan.axes[0]), make("span", {}, "↑ " + plan.axes[1])));
    return {
      name: plan.name, element, canvas, tip, changed, ask, reset, zoom, hideTip,
      position: (i) => [px(i), py(i)], nearest,
    };
  }

  // -- selection ------------------------------------------------------------------------------
  function select(points, add) {
    if (!add) state.selected.fill(0);
    for (const i of points) state.selected[i] = 1;
    state.number = state.selected.reduce((sum, one) => sum + one, 0);
    for (const view of views) view.changed();
    report();
  }

  function report() {
    const shown = visible.reduce((sum, one) => sum + one, 0);
    const counts = new Array(values.classes.length).fill(0);
    const pictures = [];
    for (let i = 0; i < count; i++) {
      if (!state.selected[i] || !visible[i]) continue;
      counts[label[i]]++;
      if (tile[i] >= 0 && pictures.length < 60) pictures.push(i);
    }
    const number = counts.reduce((a, b) => a + b, 0);
    status.textContent = number
      ? `${number.toLocaleString("en")} of ${shown.toLocaleString("en")} images selected, in both plots`
      : `${shown.toLocaleString("en")} images shown; drag over a plot to select`;
    tally.replaceChildren(...counts.map((n, c) => [n, c]).filter(([n]) => n).sort((a, b) => b[0] - a[0])
      .map(([n, c]) => make("span", {}, `${values.classes[c]} ${n.toLocaleString("en")}`)));
    const fill = () => gallery.replaceChildren(...pictures.map((i) => sheet.tile(tile[i], 40, describe(i))));
    if (sheet) sheet.ready.then(fill);
  }

  // -- controls -------------------------------------------------------------------------------
  const boxes = values.classes.map((name, c) => {
    const swatch = make("span", { class: "swatch", "aria-hidden": "true" });
    swatch.style.background = values.colours[c];
    const input = make("input", { type: "checkbox", checked: true, "data-class": String(c), onchange: () => {
      if (input.checked) state.classes.add(c); else state.classes.delete(c);
      refilter();
    } });
    return { input, element: make("label", {}, input, swatch, name) };
  });
  const everyone = (on) => { for (const [c, b] of boxes.entries()) { b.input.checked = on; if (on) state.classes.add(c); else state.classes.delete(c); } refilter(); };
  const splitChoice = make("select", { onchange: () => { state.split = Number(splitChoice.value); refilter(); } },
    ...values.splits.map((name, s) => make("option", { value: String(s) }, name)), make("option", { value: "-1" }, "both"));
  const modes = ["select", "move"].map((mode) => make("button", {
    type: "button", "aria-pressed": String(mode === state.mode), "data-mode": mode,
    onclick: () => { state.mode = mode; for (const b of modes) b.setAttribute("aria-pressed", String(b.dataset.mode === mode)); },
  }, mode === "select" ? "Drag selects" : "Drag moves"));
  const press = (text, action) => make("button", { type: "button", onclick: action }, text);
  const live = make("div", { class: "live" },
    make("div", { class: "bar" },
      make("label", {}, "Images ", splitChoice), ...modes,
      press("Zoom in", () => views.forEach((v) => v.zoom(1.5))), press("Zoom out", () => views.forEach((v) => v.zoom(1 / 1.5))),
      press("Reset view", () => views.forEach((v) => v.reset())), press("Clear selection", () => select([], false))),
    make("fieldset", {}, make("legend", {}, "Classes"), ...boxes.map((b) => b.element), press("All", () => everyone(true)), press("None", () => everyone(false))),
    make("div", { class: "plots" }, ...views.map((v) => v.element)),
    status, tally, gallery,
    make("p", { class: "hint" }, "Point at a dot for its image. Shift adds to a selection. The wheel zooms once a plot has the focus (or with Ctrl)."));
  if (values.splits.length < 2) splitChoice.parentElement.hidden = true;
  pitfalls.mount(host, live);
  refilter();
  pitfalls.live.embedding = { views, state, select, visible, label, index, split, tile };
});
