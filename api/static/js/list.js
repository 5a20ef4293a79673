// The list of a tab: which products, in which order, and when that order may change.
//
// Rows change where they are. They change places only while nobody has the pointer, the keyboard or
// a half-written note in the list; until then a button says how many changes wait.

import { serverNow } from "./clock.js";
import { arrange, h, setText } from "./dom.js";
import { count } from "./format.js";
import { marketplace } from "./marketplaces.js";
import { difference, matches, orderOf } from "./products.js";
import { ProductRow } from "./rows.js";

const STEP = 100; // rows that are drawn at once; a button shows more
const HANDS_OFF_MS = 3000; // after a touch or a key somebody is still at it
const RECOMPUTE_MS = 200;

export class List {
  #store;
  #context;
  #table;
  #panel;
  #sort;
  #more;
  #blank;
  #tab = "critical";
  #query = "";
  #limit = STEP;
  #shown = [];
  #rows = new Map();
  #shownTab = "";
  #pointer = false;
  #busyUntil = 0;
  #waiting = null;
  #planned = null;
  #changes = null;

  /** `context` is that of the rows, with blank(tab, query): what an empty list says. */
  constructor(store, panel, context) {
    this.#store = store;
    this.#context = context;
    this.#panel = panel;
    this.#table = panel.querySelector("table");
    this.#sort = panel.querySelector(".moved button");
    this.#more = panel.querySelector(".more button");
    this.#blank = panel.querySelector(".blank");
    this.#sort.addEventListener("click", () => this.#sortNow());
    this.#more.addEventListener("click", () => this.#showMore());
    panel.addEventListener("pointerenter", (event) => this.#at(event.pointerType === "mouse"));
    panel.addEventListener("pointerleave", () => this.#at(false));
    panel.addEventListener("focusout", () => this.#later());
    for (const touch of ["pointerdown", "keydown", "wheel", "touchmove"]) {
      panel.addEventListener(touch, () => this.#touched(), { passive: true });
    }
  }

  show(tab, query) {
    this.#tab = tab;
    this.#query = query.trim();
    this.#limit = STEP;
    this.apply();
  }

  /** Products have changed: update their rows at once, and the order when it may change. */
  refresh(keys) {
    const now = serverNow();
    for (const key of keys) {
      const row = this.#rows.get(key);
      const product = row && this.#store.product(key);
      if (product) row.update(product, this.#tab, now);
    }
    this.#planned ??= setTimeout(() => this.#reconsider(), RECOMPUTE_MS);
  }

  /** How many products there are, drawn or not. */
  get length() {
    return this.#shown.length;
  }

  tick(now) {
    for (const row of this.#rows.values()) row.tick(now);
  }

  /** Bring the list into its order, now. */
  apply() {
    const wanted = this.#wanted();
    const before = new Set(this.#shown);
    const first = this.#shown.length === 0 || this.#shownTab !== this.#tab + this.#query;
    this.#context.actions.sorted();
    this.#shown = wanted;
    this.#shownTab = this.#tab + this.#query;
    const now = serverNow();
    const drawn = wanted.slice(0, this.#limit);
    const keep = new Set(drawn);
    for (const [key, row] of this.#rows) {
      if (!keep.has(key)) {
        row.close();
        this.#rows.delete(key);
      }
    }
    const bodies = drawn.map((key) => {
      let row = this.#rows.get(key);
      const isNew = !row;
      if (isNew) this.#rows.set(key, (row = new ProductRow(this.#context)));
      row.update(this.#store.product(key), this.#tab, now);
      if (isNew && !first && !before.has(key)) row.arrived();
      return row.element;
    });
    const focused = document.activeElement;
    arrange(this.#table, [this.#table.caption, this.#table.tHead, ...bodies]);
    if (focused !== document.activeElement && focused.isConnected)
      focused.focus({ preventScroll: true });
    const left = wanted.length - drawn.length;
    this.#more.hidden = left === 0;
    setText(this.#more, `Show ${Math.min(STEP, left)} more of ${left}`);
    const lacking = left ? `${count(left, "more product")} ${left === 1 ? "is" : "are"}` : "";
    setText(this.#more.nextElementSibling, lacking && `${lacking} not shown here.`);
    this.#table.hidden = wanted.length === 0;
    this.#blank.hidden = wanted.length > 0;
    this.#sayWhyEmpty();
    this.#offer(null);
  }

  #sayWhyEmpty() {
    if (this.#shown.length === 0)
      this.#blank.replaceChildren(...this.#context.blank(this.#tab, this.#query));
  }

  #wanted() {
    const found = [];
    for (const product of this.#store.products()) {
      if (!product.tabs.has(this.#tab)) continue;
      if (this.#query && !matches(product, marketplace(product.marketplaceId), this.#query))
        continue;
      found.push(product);
    }
    return found.sort(orderOf(this.#tab)).map((product) => product.key);
  }

  #reconsider() {
    clearTimeout(this.#planned);
    this.#planned = null;
    const change = difference(this.#shown, this.#wanted());
    if (!change.added && !change.removed && !change.moved) {
      this.#sayWhyEmpty(); // something may have arrived in another tab
      this.#offer(null);
      return;
    }
    this.#changes = change;
    if (this.#occupied()) {
      this.#offer(change);
      this.#later();
    } else {
      this.apply();
    }
  }

  /** Is somebody at it? The focus that a mouse's click has left behind does not count. */
  #occupied() {
    const focused =
      this.#panel.contains(document.activeElement) && document.activeElement !== this.#panel;
    const byKey = focused && document.activeElement.matches(":focus-visible");
    return (
      this.#pointer ||
      byKey ||
      Date.now() < this.#busyUntil ||
      [...this.#rows.values()].some((row) => row.open)
    );
  }

  #at(here) {
    this.#pointer = here;
    if (!here) this.#later();
  }

  #touched() {
    this.#busyUntil = Date.now() + HANDS_OFF_MS;
  }

  /** Look again soon whether the list is free. */
  #later() {
    clearTimeout(this.#waiting);
    this.#waiting = setTimeout(() => this.#changes && this.#reconsider(), 1000);
  }

  #offer(change) {
    this.#changes = change;
    this.#sort.hidden = !change;
    if (!change) return;
    const parts = [
      change.added && `${change.added} new`,
      change.moved && count(change.moved, "moved", "moved"),
      change.removed && `${change.removed} gone`,
    ];
    setText(this.#sort, `${parts.filter(Boolean).join(", ")}: sort`);
  }

  #sortNow() {
    this.apply();
    this.#panel.focus({ preventScroll: true });
  }

  #showMore() {
    const next = this.#shown[this.#limit];
    this.#limit += STEP;
    this.apply();
    this.#rows.get(next)?.name.focus();
  }
}

/** What to do when nothing has arrived yet. */
export function firstSteps() {
  const step = (text, command) => h("li", {}, text, h("pre", {}, h("code", {}, command)));
  return [
    h("h2", {}, "Nothing has arrived yet"),
    h(
      "p",
      {},
      "As soon as Amazon's first notification is worked out, its product appears here by itself.",
    ),
    h(
      "ol.steps",
      {},
      step("See what is set up and what is missing:", "buybox doctor"),
      step("Start reading the queue and working it out:", "buybox run"),
      step("Or watch it with made-up traffic, without Amazon:", "make demo"),
      step(
        "Tell it your costs, for margins and recommended prices:",
        "buybox fees import --starter\nbuybox products import products.csv",
      ),
    ),
  ];
}
