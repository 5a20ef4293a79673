// The drawer of one product: everything that is known of it, kept up to date while it is open.

import { explanations, product as fetchProduct, trends } from "./api.js";
import { chart } from "./chart.js";
import { serverNow } from "./clock.js";
import { h, setText, severityMark } from "./dom.js";
import { economicsSection, standingSection } from "./drawer_figures.js";
import { alertsSection, offersSection } from "./drawer_lists.js";
import { failed, reading, sums, sumsSection } from "./drawer_sums.js";
import { keeping } from "./keeping.js";
import { marketplace } from "./marketplaces.js";
import { seriesOf } from "./sparks.js";
import { severityName, stateName } from "./words.js";

const RANGES = [
  ["24 h", 24],
  ["7 days", 168],
  ["30 days", 720],
];
const POINTS = 300;
const AGAIN_MS = 1500;

export class Drawer {
  #dialog;
  #store;
  #key = null;
  #place = null;
  #hours = 168;
  #body;
  #history;
  #title;
  #under;
  #voice = h("div.unseen", { role: "status", "aria-live": "polite" });
  #cut = h("p.error", { hidden: true });
  #later = null;
  #trend = null;
  #explained = null; // {found} by state, or {error}; null while it is read for the first time
  #slots = [];
  #newest = new Map(); // kind of question: the last one that was asked

  constructor(dialog, store) {
    this.#dialog = dialog;
    this.#store = store;
    this.#title = h("h2", { id: "drawer-title", tabindex: -1, autofocus: true });
    this.#under = h("p.under");
    const close = h("button.plain.close", { type: "button", onclick: () => this.close() }, "Close");
    this.#history = h("div.drawing");
    this.#body = h("div.parts");
    const ranges = h(
      "div.ranges",
      { role: "group", "aria-label": "How far back" },
      RANGES.map(([text, hours]) => this.#range(text, hours)),
    );
    dialog.append(
      h("header", {}, h("div", {}, this.#title, this.#under, this.#cut), close),
      h(
        "section",
        { "aria-labelledby": "drawer-history" },
        h("div.with", {}, h("h3", { id: "drawer-history" }, "History"), ranges),
        this.#history,
      ),
      this.#body,
      this.#voice,
    );
    dialog.addEventListener("close", () => this.#closed());
    dialog.addEventListener("click", (event) => event.target === dialog && this.close());
    addEventListener("resize", () => this.#key && this.#draw());
  }

  open(product) {
    this.#key = product.key;
    this.#place = product;
    this.#trend = null;
    this.#explained = null;
    this.#slots = [];
    this.#body.replaceChildren(h("p.blank", {}, "Reading ..."));
    this.#history.replaceChildren(h("p.blank", {}, "Reading ..."));
    this.#head(product);
    this.#dialog.showModal();
    this.#dialog.scrollTop = 0;
    this.#readAll();
  }

  close() {
    if (this.#dialog.open) this.#dialog.close();
  }

  /** Where to speak while it is open: what is outside a modal dialog is not heard. */
  get voice() {
    return this.#dialog.open ? this.#voice : null;
  }

  /** Products have changed; if this is one of them, read it again soon. */
  refresh(keys) {
    if (!this.#key || !keys.has(this.#key) || this.#later !== null) return;
    this.#later = setTimeout(() => {
      this.#later = null;
      this.#readAll();
    }, AGAIN_MS);
  }

  /** Why nothing comes any more, or "" when it does again: then what was missed is read. */
  cut(sentence) {
    const over = !sentence && !this.#cut.hidden;
    setText(this.#cut, sentence);
    this.#cut.hidden = !sentence;
    if (over) this.again();
  }

  /** Read it again: what was read may be out of date, or could not be read. */
  again() {
    if (this.#key) this.#readAll();
  }

  #closed() {
    clearTimeout(this.#later);
    this.#later = null;
    this.#key = null;
    this.#newest.clear();
  }

  /** Asks whether the answer still counts: an earlier question may be answered after a later one. */
  #question(kind) {
    const mine = {};
    this.#newest.set(kind, mine);
    return () => this.#newest.get(kind) === mine;
  }

  #head(product) {
    const place = marketplace(product.marketplaceId);
    this.#title.replaceChildren(
      severityMark(product.severity, severityName(product.severity)),
      " ",
      h("bdi", {}, product.title ?? product.asin),
    );
    const shop =
      place.host && /^[A-Z0-9]{10}$/.test(product.asin)
        ? `https://www.${place.host}/dp/${product.asin}`
        : null;
    const link = { href: shop, target: "_blank", rel: "noopener noreferrer" };
    this.#under.replaceChildren(
      h("abbr.flag", { title: place.country }, place.code),
      ` ${place.country} · ${product.asin}`,
      shop ? h("span.shop", {}, "· ", h("a", link, `Open on ${place.host}`)) : "",
    );
  }

  #readAll() {
    this.#read();
    this.#readSums();
    this.#readHistory();
  }

  async #read() {
    const key = this.#key;
    const counts = this.#question("product");
    try {
      const found = await fetchProduct(this.#place.marketplaceId, this.#place.asin);
      if (!counts()) return;
      keeping(this.#under, () => this.#head(this.#store.product(key) ?? this.#place));
      const several = found.states.length > 1;
      const slots = [];
      const parts = found.states.map((state, place) => {
        const where = { place, about: several ? stateName(state) : "" };
        const offers = found.offers.find((one) => one.state_key === state.key);
        const { element, slot } = sumsSection(state, where);
        slots.push({ slot, state, where });
        return [
          several && h("h3.which", {}, where.about),
          standingSection(state, where),
          economicsSection(state, where),
          element,
          offersSection(state, offers, where),
        ];
      });
      keeping(this.#body, () => {
        this.#slots = slots;
        const alerts = alertsSection(found.alerts, found.alerts_cut);
        this.#body.replaceChildren(...parts.flat().filter(Boolean), alerts);
        this.#drawSums();
      });
    } catch (error) {
      if (counts()) this.#body.replaceChildren(...failed(error.message, () => this.#readAll()));
    }
  }

  /** The sums come in an answer of their own, before or after the product's. */
  async #readSums() {
    const counts = this.#question("sums");
    let explained;
    try {
      const found = await explanations(this.#place.marketplaceId, this.#place.asin);
      explained = { found: new Map(found.map((one) => [one.state_key, one])) };
    } catch (error) {
      explained = { error: error.message };
    }
    if (!counts()) return;
    this.#explained = explained;
    keeping(this.#body, () => this.#drawSums());
  }

  #drawSums() {
    for (const { slot, state, where } of this.#slots)
      slot.replaceChildren(...this.#sums(state, where));
  }

  #sums(state, where) {
    if (!this.#explained) return reading();
    const { found, error } = this.#explained;
    if (found) return sums(state, found.get(state.key), where);
    return failed(error, () => {
      this.#explained = null;
      this.#drawSums();
      this.#readSums();
    });
  }

  #range(text, hours) {
    const choose = (event) => {
      this.#hours = hours;
      for (const button of event.currentTarget.parentElement.children)
        button.setAttribute("aria-pressed", String(button === event.currentTarget));
      this.#readHistory();
    };
    return h(
      "button",
      { type: "button", "aria-pressed": String(hours === this.#hours), onclick: choose },
      text,
    );
  }

  async #readHistory() {
    const counts = this.#question("history");
    if (!this.#place.lead) {
      this.#history.replaceChildren(h("p.blank", {}, "Nothing is known of its prices."));
      return;
    }
    try {
      const found = await trends(this.#place.marketplaceId, this.#place.asin, {
        hours: this.#hours,
        points: POINTS,
      });
      if (!counts()) return;
      this.#trend = {
        series: seriesOf(found, this.#place.lead),
        from: Date.parse(found.since),
        cut: found.cut,
      };
      this.#draw();
    } catch (error) {
      if (!counts()) return;
      this.#trend = null;
      this.#history.replaceChildren(...failed(error.message, () => this.#readHistory()));
    }
  }

  #draw() {
    if (!this.#trend) return;
    const { series, from, cut } = this.#trend;
    const open = this.#history.querySelector("details")?.open ?? false;
    const width = Math.max(280, Math.floor(this.#history.clientWidth));
    const drawn = chart(series, { from, to: serverNow(), width, open });
    const left = "There was more than can be shown; the oldest messages are left out.";
    keeping(this.#history, () =>
      this.#history.replaceChildren(drawn, ...(cut ? [h("p.note", {}, left)] : [])),
    );
  }
}
