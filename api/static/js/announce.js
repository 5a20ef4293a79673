// What a screen reader is told, a sentence at a time: few new alerts singly, the rest as a number.

import { count, money } from "./format.js";
import { marketplace } from "./marketplaces.js";
import { kindName, severityName } from "./words.js";

const PAUSE_MS = 1500;
const QUIET_MS = 30_000;
const SINGLY = 3; // new alerts that are told one by one

export class Announcer {
  #place;
  #waiting = [];
  #fresh = []; // new alerts not announced yet
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

  /** Alerts that were not there before. */
  fresh(alerts) {
    this.#fresh.push(...alerts.filter((alert) => alert.attention !== "resolved"));
    if (!this.#speaking) this.#next();
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
    const sentence = this.#waiting.shift() ?? this.#news();
    this.#speaking = sentence !== undefined;
    if (!this.#speaking) return;
    this.#place.textContent = sentence;
    setTimeout(() => this.#next(), PAUSE_MS);
  }

  /** The next new alert; if many wait, their number, or the last would be told minutes later. */
  #news() {
    if (this.#fresh.length > SINGLY) return `${this.#fresh.splice(0).length} new alerts.`;
    return this.#fresh.length ? sentenceOf(this.#fresh.shift()) : undefined;
  }
}

function sentenceOf(alert) {
  const stake = alert.profit_at_stake_per_day;
  const at = stake ? `, ${money(stake, alert.currency)} a day at stake` : "";
  const where = marketplace(alert.marketplace_id).country;
  const what = `${severityName(alert.severity).toLowerCase()} alert, ${kindName(alert.kind)}`;
  return `New ${what}: ${alert.title ?? alert.asin}, ${where}${at}.`;
}
