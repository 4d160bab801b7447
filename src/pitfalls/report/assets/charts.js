"use strict";
// Curves to zoom into, the surface around a saddle, the phase diagram: drawn by plotly.
(() => {
  const { make } = pitfalls;
  const hasWebGL = () => {
    try { return Boolean(document.createElement("canvas").getContext("webgl")); } catch (error) { return false; }
  };

  // Charts are drawn as on the light page; the dark page turns them as it turns the static figures, so
  // that both have the same colours in either.
  const light = { paper: "#ffffff", ink: "#1d2228", quiet: "#57606a", grid: "#dfe3e8" };
  const colour = (name) => light[name];

  function layout(more) {
    const axis = { gridcolor: colour("grid"), zerolinecolor: colour("grid"), linecolor: colour("quiet"), tickcolor: colour("quiet"), automargin: true };
    const given = more || {};
    return {
      paper_bgcolor: colour("paper"), plot_bgcolor: colour("paper"), hovermode: "closest",
      font: { color: colour("ink"), size: 12, family: "system-ui, sans-serif" },
      margin: { l: 56, r: 12, t: 32, b: 48 }, showlegend: true,
      legend: { orientation: "h", x: 0, yref: "container", y: 0, yanchor: "bottom" },
      ...given, xaxis: { ...axis, ...given.xaxis }, yaxis: { ...axis, ...given.yaxis },
    };
  }
  // plotly reads tags in its texts; a name from a run is text and stays text
  const plain = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const titled = (text) => ({ title: { text: plain(text) } });
  const config = { scrollZoom: false, responsive: true, displaylogo: false, modeBarButtonsToRemove: ["lasso2d", "select2d"], displayModeBar: "hover" };

  function chart(element, plan) {
    const draw = () => { const p = plan(); return Plotly.react(element, p.data, layout(p.layout), config); };
    draw();
    return draw;
  }

  // the static figures' colours, in their order; a curve may name its own
  const palette = ["#0072b2", "#d55e00", "#009e73", "#e69f00", "#cc79a7", "#56b4e9", "#5f6670"];
  const dashes = ["solid", "dash", "dot", "dashdot"];
  function traces(series) {
    return series.map((s, i) => ({
      type: "scatter", mode: "lines", name: plain(s.name), x: s.x, y: s.y,
      line: { width: 1.8, color: s.colour || palette[i % palette.length], dash: dashes[(s.dash ?? Math.floor(i / palette.length)) % 4] },
    }));
  }

  function curves(kind) {
    pitfalls.part(kind, (host, values) => {
      const plot = make("div", { class: "chart", role: "group", "aria-label": values.label });
      const which = { panel: 0, log: Boolean(values.panels[0].log) };
      const scale = make("button", { type: "button", "aria-pressed": String(which.log), onclick: () => {
        which.log = !which.log;
        scale.setAttribute("aria-pressed", String(which.log));
        draw();
      } }, "Logarithmic");
      const panel = make("select", { onchange: () => { which.panel = Number(panel.value); draw(); } },
        ...values.panels.map((p, i) => make("option", { value: String(i) }, p.title)));
      const live = make("div", { class: "live" }, make("div", { class: "bar" },
        make("label", { hidden: values.panels.length < 2 }, "Show ", panel), scale), plot,
        make("p", { class: "hint" }, "Drag to zoom, double-click to go back, click a name to hide its curve."));
      pitfalls.mount(host, live);
      const draw = chart(plot, () => {
        const p = values.panels[which.panel];
        // room for the names below the curves
        plot.style.height = `${22 + 1.4 * Math.ceil(p.series.length / 3)}rem`;
        return { data: traces(p.series), layout: {
          xaxis: titled(p.x), yaxis: { ...titled(p.y), type: which.log ? "log" : "linear" } } };
      });
      pitfalls.live[kind] = { plot, which };
    });
  }
  curves("parity-curves");
  curves("training-curves");
  curves("training-curve");

  pitfalls.part("surface", (host, values) => {
    const plot = make("div", { class: "chart tall", role: "group", "aria-label": values.label });
    const solid = hasWebGL();
    const live = make("div", { class: "live" }, plot,
      make("p", { class: "hint" }, solid ? "Drag to turn; the buttons above the plot zoom and reset it." : "This browser draws no solids; the same surface as a map."));
    pitfalls.mount(host, live);
    chart(plot, () => {
      const path = values.paths.map((p, i) => ({
        name: plain(p.name), x: p.x, y: p.y, z: p.z, mode: "lines", type: solid ? "scatter3d" : "scatter",
        line: { width: solid ? 7 : 3, color: ["#d55e00", "#e69f00", "#cc79a7"][i % 3] },
      }));
      const points = values.points.map((p, i) => ({
        name: plain(p.name), x: [p.x], y: [p.y], z: [p.z], mode: "markers", type: solid ? "scatter3d" : "scatter",
        marker: { size: solid ? 5 : 11, color: ["#000000", "#009e73", "#7f3c8d"][i % 3], symbol: ["circle", "diamond", "square"][i % 3], line: { color: "#ffffff", width: 1 } },
      }));
      // a solid may have places of its own in every row; a map has one grid
      const rows = Array.isArray(values.x[0]);
      const grid = solid || !rows
        ? { x: values.x, y: rows ? values.x.map((row, i) => row.map(() => values.y[i])) : values.y, z: values.z }
        : values.flat;
      const ground = { type: solid ? "surface" : "contour", ...grid, colorscale: "Cividis", name: "risk",
        showlegend: false, ...(solid ? { opacity: 0.93 } : {}), colorbar: { ...titled(values.axes[2]), thickness: 12, len: 0.7 } };
      const side = (text) => ({ ...titled(text), gridcolor: colour("grid"), color: colour("ink"), backgroundcolor: colour("paper") });
      return { data: [ground, ...path, ...points], layout: solid ? {
        margin: { l: 0, r: 0, t: 0, b: 0 }, legend: { orientation: "h", y: 0.02, x: 0 },
        scene: { xaxis: side(values.axes[0]), yaxis: side(values.axes[1]), zaxis: side(values.axes[2]), aspectmode: "manual", aspectratio: { x: 1.35, y: 1.35, z: 0.8 }, camera: { eye: { x: 1.2, y: -1.45, z: 1.35 }, center: { x: 0, y: 0, z: -0.12 } } },
      } : { xaxis: titled(values.axes[0]), yaxis: titled(values.axes[1]) } };
    });
    pitfalls.live.surface = { plot, solid };
  });

  pitfalls.part("phase", (host, values) => {
    const map = make("div", { class: "chart", role: "group", "aria-label": values.label });
    const plot = make("div", { class: "chart", role: "group", "aria-label": "Curves of the chosen cell" });
    const title = make("p", { role: "status" });
    const keys = Object.keys(values.cells);
    const choice = make("select", { onchange: () => show(choice.value) },
      ...keys.map((key) => make("option", { value: key }, values.cells[key].name)));
    const live = make("div", { class: "live" }, map,
      make("div", { class: "bar" }, make("label", {}, "Cell ", choice)), title, plot,
      make("p", { class: "hint" }, "Click a cell, or choose it by name, to see how its runs went."));
    pitfalls.mount(host, live);
    let current = values.start || keys[0];
    chart(map, () => ({
      data: [{ type: "heatmap", x: values.x, y: values.y, z: values.rate, zmin: 0, zmax: 1, colorscale: "Cividis", xgap: 2, ygap: 2,
        hoverongaps: false, customdata: values.keys, text: values.text, texttemplate: "%{text}", hovertemplate: "d = %{x}, |v*| = %{y}<br>learned: %{z:.0%}<br>%{text}<extra></extra>",
        colorbar: { title: { text: "share learned" }, thickness: 12, tickformat: ".0%" } }],
      layout: { showlegend: false, xaxis: { ...titled(values.axes[0]), type: "category" }, yaxis: { ...titled(values.axes[1]), type: "category" } },
    }));
    map.on("plotly_click", (event) => { const key = event.points[0].customdata; if (values.cells[key]) show(key); });
    const draw = chart(plot, () => {
      const cell = values.cells[current];
      return { data: traces(cell.series), layout: { showlegend: cell.series.length < 9, xaxis: titled(values.curve[0]), yaxis: titled(values.curve[1]) } };
    });
    function show(key) {
      current = choice.value = key;
      title.textContent = values.cells[key].says;
      draw();
    }
    show(current);
    pitfalls.live.phase = { map, plot, show, current: () => current };
  });
})();
