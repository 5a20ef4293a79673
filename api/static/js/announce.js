// What a screen reader is told: a sentence at a time, the urgent ones singly, the rest as a number.

import { count, money } from "./format.js";
import { marketplace } from "./marketplaces.js";
import { kindName, severityName } from "./words.js";

const PAUSE_MS = 1500;
const QUIET_MS = 30_000;

export class Announcer {
  #place;
  #waiting = [];
  #speaking = false;
  #changed = new Set();
  #lastSum = 0;

  constructor(place) {
    this.#place = place;
    this.say = this.say.bind(this);
  }

  say(sentence) {
    this.#waiting.push(sentence);
    if (!this.#speaking) this.#next();
  }

  /** Alerts that were not there before; of many at once, their number. */
  fresh(alerts) {
    const open = alerts.filter((alert) => alert.attention !== "resolved");
    if (open.length > 3) this.say(`${open.length} new alerts.`);
    else for (const alert of open) this.say(sentenceOf(alert));
  }

  /** Rows that changed: told as a number, seldom. */
  changed(keys) {
    for (const key of keys) this.#changed.add(key);
    if (Date.now() - this.#lastSum < QUIET_MS) return;
    this.#lastSum = Date.now();
    this.say(`${count(this.#changed.size, "product")} changed.`);
    this.#changed.clear();
  }

  #next() {
    const sentence = this.#waiting.shift();
    this.#speaking = sentence !== undefined;
    if (!this.#speaking) return;
    this.#place.textContent = sentence;
    setTimeout(() => this.#next(), PAUSE_MS);
  }
}

function sentenceOf(alert) {
  const stake = alert.profit_at_stake_per_day;
  const at = stake ? `, ${money(stake, alert.currency)} a day at stake` : "";
  const where = marketplace(alert.marketplace_id).country;
  const what = `${severityName(alert.severity).toLowerCase()} alert, ${kindName(alert.kind)}`;
  return `New ${what}: ${alert.title ?? alert.asin}, ${where}${at}.`;
}
