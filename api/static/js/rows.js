// A product's row: its figures, then its alerts. Built once, then only what differs is changed.

import { AlertLine } from "./alertline.js";
import { serverNow } from "./clock.js";
import { arrange, h, setText, severityMark } from "./dom.js";
import { FIGURES, figuresOf } from "./figures.js";
import { age, count, moment } from "./format.js";
import { marketplace } from "./marketplaces.js";
import { alertsIn, isActive, rankOf } from "./products.js";
import { doubt, severityName, shortName } from "./words.js";

const FLASH_MS = 4000;
const COLUMNS = FIGURES.length + 3; // the product before them, the chart and the age after
const NOTHING_KNOWN = { text: null, detail: "" };

export class ProductRow {
  #context;
  #cells;
  #lines = new Map();
  #severity = null;
  #flash = null;
  #drawn = false;
  product = null;

  /** `context`: {actions, sparks, open(product)}. */
  constructor(context) {
    this.#context = context;
    this.name = h("button.name", { type: "button", onclick: () => context.open(this.product) });
    this.mark = h("span.mark");
    this.ids = h("span.ids");
    this.badge = h("span.badge");
    this.all = h("button.plain.all", {
      type: "button",
      hidden: true,
      onclick: () => this.#acknowledgeAll(),
    });
    this.#cells = new Map(FIGURES.map(([name, label]) => [name, figureCell(name, label)]));
    this.chart = h("td.c-spark", { role: "cell", "data-label": "7 days" });
    this.time = h("time");
    this.doubt = h("span.sub.warn");
    const head = h(
      "div.head",
      {},
      this.mark,
      h("div", {}, this.name, h("div.under", {}, this.ids, this.badge, this.all)),
    );
    this.list = h("ul.alerts");
    this.below = h(
      "tr.below",
      { role: "row" },
      h("td", { role: "cell", colspan: COLUMNS }, this.list),
    );
    this.element = h(
      "tbody.product",
      { role: "rowgroup" },
      h(
        "tr.figures",
        { role: "row" },
        h("th.c-product", { role: "rowheader", scope: "row" }, head),
        [...this.#cells.values()].map(({ cell }) => cell),
        this.chart,
        h("td.n.c-age", { role: "cell", "data-label": "Age" }, this.time, this.doubt),
      ),
      this.below,
    );
  }

  /** Whether somebody is writing in this row. */
  get open() {
    return [...this.#lines.values()].some((line) => line.open);
  }

  update(product, tab, now) {
    this.product = product;
    const place = marketplace(product.marketplaceId);
    setText(this.name, product.title ?? product.asin);
    if (product.severity !== this.#severity) {
      this.mark.replaceChildren(severityMark(product.severity, severityName(product.severity)));
      this.element.className = `product sev-${product.severity}`;
      this.#changed(this.mark);
      this.#severity = product.severity;
    }
    const lead = product.lead;
    const others = product.states.slice(1).filter((state) => rankOf(state.severity) <= 2);
    const kinds = [
      product.title && product.asin,
      lead && shortName(lead),
      ...others.map((state) => `${shortName(state) || "new"}: ${severityName(state.severity)}`),
    ]
      .filter(Boolean)
      .join(" · ");
    if (this.ids.textContent !== `${place.code} ${kinds}`) {
      this.ids.replaceChildren(h("abbr.flag", { title: place.country }, place.code), ` ${kinds}`);
    }
    this.#figures(lead);
    this.#alerts(product, tab, now);
    this.tick(now);
    this.#drawn = true;
  }

  /** Only the ages. */
  tick(now) {
    const at = this.product.lead?.event_time;
    setText(this.time, at ? age(at, now) : "unknown");
    if (at) {
      this.time.dateTime = at;
      this.time.title = `Amazon's time of the figures: ${moment(at)}`;
    }
    for (const line of this.#lines.values()) line.tick(now);
  }

  close() {
    this.#context.sparks.forget(this.chart);
  }

  #figures(state) {
    const found = state ? figuresOf(state, serverNow()) : {};
    for (const [name, cell] of this.#cells) this.#set(cell, found[name] ?? NOTHING_KNOWN);
    if (!state) return;
    setText(this.doubt, state.doubt_reason ? "in doubt" : "");
    this.doubt.title = state.doubt_reason ? doubt(state.doubt_reason) : "";
    this.#context.sparks.show(this.chart, state);
  }

  #set({ cell, value, sub }, { text, detail, mood = "" }) {
    cell.classList.toggle("unknown", text === null);
    cell.classList.toggle("own", mood === "good");
    cell.classList.toggle("loss", mood === "bad");
    if (setText(value, text ?? "unknown")) this.#changed(cell);
    setText(sub, detail);
    sub.title = detail;
  }

  #alerts(product, tab, now) {
    const { actions } = this.#context;
    const shown = new Set(alertsIn(product, tab, now));
    for (const alert of product.alerts)
      if (actions.acted.has(alert.key) || this.#lines.get(alert.key)?.open) shown.add(alert);
    const wanted = product.alerts.filter((alert) => shown.has(alert));
    const lines = wanted.map((alert) => {
      let line = this.#lines.get(alert.key);
      if (!line) {
        this.#lines.set(alert.key, (line = new AlertLine(actions)));
        this.#changed(line.element);
      }
      line.update(alert, product, now, wanted.length > 1 || alert.severity !== product.severity);
      return line.element;
    });
    const keep = new Set(wanted.map((alert) => alert.key));
    for (const key of this.#lines.keys()) if (!keep.has(key)) this.#lines.delete(key);
    arrange(this.list, lines);
    this.below.hidden = lines.length === 0;
    const active = product.alerts.filter((alert) => isActive(alert, now));
    setText(this.badge, active.length ? count(active.length, "alert") : "");
    this.badge.hidden = !active.length;
    const waiting = active.filter((alert) => alert.attention !== "reviewing").length;
    this.all.hidden = !(actions.may && waiting > 1 && lines.length > 1);
    setText(this.all, `Acknowledge all ${waiting}`);
    this.all.setAttribute("aria-label", `${this.all.textContent}, ${this.name.textContent}`);
    this.element.classList.toggle("elsewhere", !product.tabs.has(tab));
  }

  #acknowledgeAll() {
    const now = serverNow();
    const waiting = this.product.alerts.filter(
      (alert) => isActive(alert, now) && alert.attention !== "reviewing",
    );
    this.#context.actions.run("acknowledge", waiting);
  }

  /** Show for a moment that something here is new. Nothing moves. */
  #changed(element) {
    if (!this.#drawn) return;
    element.classList.add("changed");
    this.element.classList.add("changed");
    setTimeout(() => element.classList.remove("changed"), FLASH_MS);
    clearTimeout(this.#flash);
    this.#flash = setTimeout(() => this.element.classList.remove("changed"), FLASH_MS);
  }

  /** A row that has just come into the list. */
  arrived() {
    this.#drawn = true;
    this.#changed(this.mark);
  }
}

function figureCell(name, label) {
  const [value, sub] = [h("span.v"), h("span.sub")];
  const kind = name === "box" ? "c-box" : "n";
  const cell = h("td", { role: "cell", class: kind, "data-label": label }, value, sub);
  return { cell, value, sub };
}
