// The tabs with their counts: one tab stop, arrows to go through them.

import { h, setText, shape } from "./dom.js";
import { TABS } from "./products.js";
import { severityName } from "./words.js";

const NAMES = { all: "All", snoozed: "Snoozed", resolved: "Resolved" };

export class Tabs {
  #buttons = new Map();
  #chosen = null;
  #panel;
  #on;

  constructor(place, panel, on) {
    this.#panel = panel;
    this.#on = on;
    for (const tab of TABS) {
      const name = NAMES[tab] ?? severityName(tab);
      const button = h(
        `button.tab.sev-${tab}`,
        {
          type: "button",
          role: "tab",
          id: `tab-${tab}`,
          "aria-controls": panel.id,
          onclick: () => this.choose(tab),
        },
        tab in NAMES ? null : shape(tab),
        h("span", {}, name),
        h("span.count"),
      );
      button.addEventListener("keydown", (event) => this.#move(event, tab));
      this.#buttons.set(tab, button);
      place.append(button);
    }
  }

  get chosen() {
    return this.#chosen;
  }

  choose(tab) {
    this.#chosen = tab;
    for (const [name, button] of this.#buttons) {
      button.setAttribute("aria-selected", String(name === tab));
      button.tabIndex = name === tab ? 0 : -1;
    }
    this.#buttons.get(tab).scrollIntoView({ block: "nearest", inline: "nearest" });
    this.#panel.setAttribute("aria-labelledby", `tab-${tab}`);
    this.#on(tab);
  }

  /** The numbers of products, followed by a plus in the tabs that may lack some. */
  count(products, cut) {
    const counts = Object.fromEntries(TABS.map((tab) => [tab, 0]));
    for (const product of products) for (const tab of product.tabs) counts[tab] += 1;
    for (const [tab, button] of this.#buttons) {
      setText(button.lastElementChild, `${counts[tab]}${cut.has(tab) ? "+" : ""}`);
      button.classList.toggle("none", counts[tab] === 0);
    }
    return counts;
  }

  #move(event, tab) {
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -TABS.length, End: TABS.length }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = TABS.indexOf(tab);
    const whole = Math.abs(step) > 1;
    const next = whole ? (step < 0 ? 0 : TABS.length - 1) : (at + step + TABS.length) % TABS.length;
    this.choose(TABS[next]);
    this.#buttons.get(TABS[next]).focus();
  }
}
