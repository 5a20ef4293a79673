// What the page holds: one map of rows, kept up to date by the stream, and what is done to them.
//
// Changes are collected and told once an animation frame, as the set of products they concern.

import { serverNow } from "./clock.js";
import { productOf } from "./products.js";

const RESOLVED_KEPT = 20; // of one product: the trail is in the drawer
const CALM = new Set(["success", "info"]); // not added to a list that holds only the worst

export class Store {
  #rows = new Map(); // "state <key>" or "alert <key>": the row
  #products = new Map(); // product key: the names of its rows
  #pending = new Map(); // "alert <key>": what an act will probably change, until it is answered
  #made = new Map(); // product key: the product, until a row of it changes
  #dirty = new Set();
  #fresh = new Set(); // alerts that came over the stream and were not there before
  #asked = false;
  #listener = () => {};
  whole = true; // all states are held
  cut = new Set(); // the tabs that may lack products
  counts = null;

  /** Be told of changes: a set of product keys, and the alerts that are new. */
  onChange(listener) {
    this.#listener = listener;
  }

  /** Begin again with all that the server has. */
  fill({ states, alerts, whole, cut, counts }) {
    this.#rows.clear();
    this.#products.clear();
    this.#made.clear();
    this.whole = whole;
    this.cut = cut;
    this.counts = counts;
    for (const state of states) this.#put("state", state);
    for (const alert of alerts) this.#put("alert", alert);
  }

  /** A row as the stream tells it. A state older than the one that is held is ignored. */
  apply(kind, row) {
    const name = `${kind} ${row.key}`;
    const held = this.#rows.get(name);
    if (held && kind === "state" && row.version < held.version) return;
    if (!held && !this.whole && kind === "state" && CALM.has(row.severity)) return;
    if (kind === "alert") {
      this.#pending.delete(name);
      if (!held) this.#fresh.add(row);
    }
    this.#put(kind, row);
    this.touch(row.product_key);
  }

  /** Show what an act will probably change. Returns a function that keeps it (done) or undoes it. */
  expect(alert, patch) {
    const name = `alert ${alert.key}`;
    this.#pending.set(name, patch);
    this.touch(alert.product_key);
    return (done) => {
      if (this.#pending.get(name) !== patch) return; // the stream was quicker
      this.#pending.delete(name);
      const held = this.#rows.get(name);
      if (done && held) this.#rows.set(name, { ...held, ...patch });
      this.touch(alert.product_key);
    };
  }

  /** Time alone has changed something: snoozes that are over. */
  tick(now) {
    for (const [key, product] of this.#made) if (product.wakes <= now) this.touch(key);
  }

  product(key) {
    let made = this.#made.get(key);
    if (!made && this.#products.has(key)) {
      const rows = { state: [], alert: [] };
      for (const name of this.#products.get(key)) {
        const row = this.#rows.get(name);
        rows[name.slice(0, 5)].push(
          this.#pending.has(name) ? { ...row, ...this.#pending.get(name) } : row,
        );
      }
      made = productOf(key, rows.state, rows.alert, serverNow());
      this.#made.set(key, made);
    }
    return made ?? null;
  }

  *products() {
    for (const key of this.#products.keys()) yield this.product(key);
  }

  get size() {
    return this.#products.size;
  }

  #put(kind, row) {
    const name = `${kind} ${row.key}`;
    this.#rows.set(name, row);
    const names = this.#products.get(row.product_key) ?? new Set();
    names.add(name);
    this.#products.set(row.product_key, names);
    this.#made.delete(row.product_key);
    if (kind === "alert" && row.attention === "resolved") this.#forgetOldest(names);
  }

  #forgetOldest(names) {
    const ended = [...names].filter(
      (n) => n.startsWith("alert") && this.#rows.get(n).attention === "resolved",
    );
    if (ended.length <= RESOLVED_KEPT) return;
    const oldest = ended.reduce((a, b) => (this.#rows.get(a).id < this.#rows.get(b).id ? a : b));
    names.delete(oldest);
    this.#rows.delete(oldest);
  }

  /** Tell of a product at the next frame. */
  touch(key) {
    this.#made.delete(key);
    this.#dirty.add(key);
    if (this.#asked) return;
    this.#asked = true;
    nextFrame(() => {
      const [dirty, fresh] = [this.#dirty, [...this.#fresh]];
      this.#asked = false;
      this.#dirty = new Set();
      this.#fresh = new Set();
      this.#listener(dirty, fresh);
    });
  }
}

/** At the next frame, or soon in a tab in the background, which has no frames. */
function nextFrame(act) {
  let done = false;
  const once = () => {
    if (!done) act();
    done = true;
  };
  requestAnimationFrame(once);
  setTimeout(once, 250);
}
