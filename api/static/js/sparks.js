// The small charts of the rows: fetched when a row comes into view, a few at a time, then updated.

import { trends } from "./api.js";
import { serverNow } from "./clock.js";
import { s } from "./dom.js";
import { money } from "./format.js";
import { ends, extent, scale, steps } from "./paths.js";

const HOURS = 7 * 24;
const POINTS = 60;
const WIDTH = 96;
const HEIGHT = 28;
const AT_ONCE = 3;
const PAUSE_MS = 150; // after each fetch: the server counts the requests of a token
const TOO_MANY = 429; // it says so to a long list that is scrolled fast
const BUSY_MS = 2000;
const KEPT = 600;

export class Sparks {
  #courses = new Map(); // state key: its points
  #cells = new Map(); // cell: the state it shows
  #queue = [];
  #running = 0;
  #seen = new IntersectionObserver((entries) => this.#look(entries), { rootMargin: "200px" });

  /** Show the course of a state in a cell; a newer version of it adds a point. */
  show(cell, state) {
    const before = this.#cells.get(cell);
    if (before?.key === state.key && before.version === state.version) return;
    this.#cells.set(cell, state);
    const points = this.#courses.get(state.key);
    if (!points) {
      this.#seen.unobserve(cell);
      this.#seen.observe(cell);
      return;
    }
    if (
      before?.key === state.key &&
      state.event_time &&
      points.at(-1)?.event_time !== state.event_time
    ) {
      const { event_time, your_price, market_low } = state;
      points.push({ event_time, your_price, market_low });
      if (points.length > POINTS * 4) points.shift();
    }
    draw(cell, points, state);
  }

  forget(cell) {
    this.#seen.unobserve(cell);
    this.#cells.delete(cell);
  }

  /** Everything may have changed: fetch again what is looked at. */
  clear() {
    this.#courses.clear();
    for (const cell of this.#cells.keys()) {
      this.#seen.unobserve(cell);
      this.#seen.observe(cell);
    }
  }

  #look(entries) {
    for (const { target, isIntersecting } of entries) {
      this.#queue = this.#queue.filter((cell) => cell !== target);
      if (isIntersecting && !this.#courses.has(this.#cells.get(target)?.key))
        this.#queue.push(target);
    }
    this.#next();
  }

  async #next() {
    if (this.#running >= AT_ONCE || !this.#queue.length) return;
    const cell = this.#queue.shift();
    const state = this.#cells.get(cell);
    if (!state) return this.#next();
    this.#running += 1;
    let pause = PAUSE_MS;
    try {
      const found = await trends(state.marketplace_id, state.asin, {
        hours: HOURS,
        points: POINTS,
      });
      const course = seriesOf(found, state)?.points ?? [];
      if (this.#courses.size >= KEPT) this.#courses.delete(this.#courses.keys().next().value);
      this.#courses.set(state.key, course);
      const now = this.#cells.get(cell);
      if (now?.key === state.key) draw(cell, course, now);
      this.#seen.unobserve(cell);
    } catch (error) {
      // Otherwise a chart is missing, nothing else; the next change of the row asks again.
      if (error.status === TOO_MANY) {
        this.#queue.push(cell);
        pause = BUSY_MS;
      }
    }
    setTimeout(() => {
      this.#running -= 1;
      this.#next();
    }, pause);
    return pause === BUSY_MS ? undefined : this.#next();
  }
}

/** The line of the answer that belongs to a state. */
export function seriesOf(found, state) {
  const same = ["marketplace_id", "item_condition", "audience", "seller_id"];
  return found.series.find((series) => same.every((name) => series[name] === state[name])) ?? null;
}

function draw(cell, points, state) {
  const end = serverNow();
  const range = extent(points, ["your_price", "market_low"], 0.12);
  if (!range) {
    cell.replaceChildren("none yet");
    return;
  }
  const x = scale([end - HOURS * 3600e3, end], [1, WIDTH - 3]);
  const y = scale(range, [HEIGHT - 2, 2]);
  const from = Math.max(Date.parse(points[0].event_time), end - HOURS * 3600e3);
  const near = points.length > 1 && end - from < HOURS * 3600e3 * 0.05;
  const xs = near ? scale([from, end], [1, WIDTH - 3]) : x;
  const yours = ends(points, "your_price");
  const line = (field, name) => s(`path.${name}`, { d: steps(points, field, xs, y, end) });
  const dot =
    yours && state.your_price !== null
      ? s("circle.you", { cx: WIDTH - 3, cy: y(Number(yours[1])), r: 2 })
      : null;
  const lows = course("market low", ends(points, "market_low"), state);
  const label = `Last 7 days: ${course("your price", yours, state)}, ${lows}`;
  const box = {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    width: WIDTH,
    height: HEIGHT,
    role: "img",
    "aria-label": label,
  };
  cell.replaceChildren(
    s("svg.spark", box, line("market_low", "low"), line("your_price", "you"), dot),
  );
}

function course(name, both, state) {
  if (!both) return `${name} unknown`;
  const [first, last] = both.map((price) => money(price, state.currency));
  return first === last ? `${name} ${last}` : `${name} from ${first} to ${last}`;
}
