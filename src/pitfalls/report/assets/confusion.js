"use strict";
// The confusion matrix as a table of buttons: each opens the images behind its number.
pitfalls.part("confusion", (host, values) => {
  const { make } = pitfalls;
  // the thumbnails may lie in the page already, with the embedding
  const sprite = typeof values.sprite === "string" ? pitfalls.data(values.sprite).sprite : values.sprite;
  const sheet = sprite ? pitfalls.sheet(sprite) : null;
  const names = values.classes;
  const gallery = make("div", { class: "gallery" });
  const status = make("p", { role: "status" });
  const buttons = [];
  const total = values.counts.map((counts) => counts.reduce((a, b) => a + b, 0));

  // lightness carries the share of the row; the number is always written on it
  function shade(share) {
    const strength = Math.sqrt(share);
    // between these two ranges neither dark nor white text could be read
    const light = strength < 0.75 ? 97 - 40 * strength : 52 - 20 * strength;
    return [`hsl(212 ${30 + 30 * strength}% ${light}%)`, strength < 0.75 ? "#1d2228" : "#ffffff"];
  }

  function show(t, p) {
    for (const b of buttons) b.setAttribute("aria-pressed", String(b.dataset.cell === `${t}-${p}`));
    const n = values.counts[t][p];
    const found = (values.cells[`${t}-${p}`] || []);
    status.textContent = `${n.toLocaleString("en")} of ${total[t].toLocaleString("en")} images of ${names[t]} were called ${names[p]}` +
      (n === 0 ? "." : found.length ? `; ${found.length < n ? `${found.length} of them` : "these"}, the surest first:` : "; none of them is in this file.");
    const fill = () => gallery.replaceChildren(...found.map((f) => make("figure", {},
      sheet.tile(f.tile, 64, `${names[t]}, called ${names[p]}, image ${f.index}`),
      make("figcaption", {}, `${f.index}: ${(100 * f.confidence).toFixed(0)} %`))));
    if (sheet) sheet.ready.then(fill);
  }

  const head = make("thead", {}, make("tr", {}, make("td", {}, "is ↓ called →"),
    ...names.map((name) => make("th", { scope: "col" }, make("span", {}, name)))));
  const body = make("tbody", {}, ...names.map((name, t) => make("tr", {}, make("th", { scope: "row" }, name),
    ...names.map((other, p) => {
      const n = values.counts[t][p];
      const button = make("button", {
        type: "button", "data-cell": `${t}-${p}`, "aria-pressed": "false",
        "aria-label": `${name} called ${other}: ${n}`, onclick: () => show(t, p),
      }, String(n));
      [button.style.background, button.style.color] = shade(n / Math.max(1, total[t]));
      buttons.push(button);
      return make("td", {}, button);
    }))));
  const table = make("table", { class: "confusion" }, make("caption", { class: "vh" }, values.label), head, body);
  const live = make("div", { class: "live" }, make("div", { class: "scroll" }, table), status, gallery);
  pitfalls.mount(host, live);
  let worst = [0, 1, -1];
  values.counts.forEach((counts, t) => counts.forEach((n, p) => { if (t !== p && n > worst[2]) worst = [t, p, n]; }));
  show(worst[0], worst[1]);
  pitfalls.live.confusion = { show, values };
});
