// The history of a product's prices: lines over time, who had the Buy Box, and the same in words.

import { h, s, setText } from "./dom.js";
import { count, money, moment } from "./format.js";
import { ends, extent, pointAt, scale, steps, stretches, ticks } from "./paths.js";

const LINES = [
  ["your_price", "Your price", "you"],
  ["market_low", "Market low", "low"],
  ["prime_low", "Prime low", "prime"],
  ["buy_box_price", "Buy Box price", "box"],
];
const HOLDERS = [
  [true, "own", "Buy Box yours"],
  [false, "other", "Buy Box somebody else's"],
  [null, "unknown", "Buy Box unknown"],
];
const FIELDS = LINES.map(([field]) => field);
const HEIGHT = 240;
const [TOP, RIGHT, BOTTOM] = [10, 10, 46];
const LEAST_LEFT = 62;
const WIDEST_DIGIT = 7.4; // pixels, in the widest of the usual fonts at the size of a tick

/** A figure of one series between two moments, `width` pixels wide; `open`: its table is open. */
export function chart(series, { from, to, width, open = false }) {
  const points = series?.points ?? [];
  const range = extent(points, FIELDS);
  if (!range) return h("p.blank", {}, "No prices were seen in this time.");
  const prices = ticks(range, 6).map((at) => [at, money(at, series.currency) ?? String(at)]);
  const left = roomFor(prices.map(([, text]) => text));
  const x = scale([from, to], [left, width - RIGHT]);
  const y = scale(range, [HEIGHT - BOTTOM, TOP]);
  const shown = points.map((point) => ({ ...point, event_time: later(point.event_time, from) }));
  const readout = h("p.readout", { "aria-hidden": "true" }, hint());
  const drawing = s(
    "svg.chart",
    {
      viewBox: `0 0 ${width} ${HEIGHT}`,
      width,
      height: HEIGHT,
      role: "img",
      "aria-label": inWords(points, series.currency),
    },
    grid(prices, y, left, width),
    timeAxis(from, to, x),
    LINES.toReversed().map(([field, , name]) =>
      s(`path.${name}`, { d: steps(shown, field, x, y, to) }),
    ),
    boxStrip(shown, x, to),
  );
  const cursor = s("line.cursor", { y1: TOP, y2: HEIGHT - BOTTOM, x1: -9, x2: -9 });
  drawing.append(cursor);
  const follow = (event) => {
    const there = from + ((event.offsetX - left) / (width - left - RIGHT)) * (to - from);
    const at = Math.min(Math.max(there, from), to);
    const held = pointAt(points, at);
    cursor.setAttribute("x1", event.offsetX);
    cursor.setAttribute("x2", event.offsetX);
    setText(readout, held ? said(held, series.currency, at) : "Before the first message");
  };
  drawing.addEventListener("pointermove", follow);
  drawing.addEventListener("pointerleave", () => {
    cursor.setAttribute("x1", -9);
    cursor.setAttribute("x2", -9);
    setText(readout, hint());
  });
  return h(
    "figure.history",
    {},
    legend(points),
    readout,
    drawing,
    h("figcaption", {}, inWords(points, series.currency)),
    asTable(series, open),
  );
}

const hint = () => "Point at the chart to read the prices of a moment.";
const later = (time, from) => (Date.parse(time) < from ? new Date(from).toISOString() : time);

function legend(points) {
  const key = (name, text) =>
    h(
      "li",
      {},
      s(
        "svg.key",
        { width: 22, height: 8, "aria-hidden": "true" },
        s(`path.${name}`, { d: "M0 4H22" }),
      ),
      text,
    );
  const seen = LINES.filter(([field]) => ends(points, field));
  const strips = HOLDERS.filter(([winner]) =>
    points.some((point) => point.buy_box_winner === winner),
  );
  return h(
    "ul.legend",
    {},
    seen.map(([, text, name]) => key(name, text)),
    strips.map(([, name, text]) => h("li", {}, h(`i.swatch.${name}`), text)),
  );
}

/** The room that the axis' longest price needs: cut off on its left, it would be another price. */
function roomFor(texts) {
  return Math.max(LEAST_LEFT, 10 + WIDEST_DIGIT * Math.max(...texts.map((text) => text.length)));
}

function grid(prices, y, left, width) {
  return prices
    .map(([value, text]) => [
      s("line.grid", { x1: left, x2: width - RIGHT, y1: y(value), y2: y(value) }),
      s("text.tick", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, text),
    ])
    .flat();
}

function timeAxis(from, to, x) {
  const days = to - from > 36 * 3600e3;
  const format = new Intl.DateTimeFormat(
    undefined,
    days ? { day: "numeric", month: "short" } : { hour: "2-digit", minute: "2-digit" },
  );
  const start = new Date(from);
  const step = days
    ? Math.ceil((to - from) / 6 / 86400e3) * 86400e3
    : Math.ceil((to - from) / 6 / 3600e3) * 3600e3;
  if (days) start.setHours(24, 0, 0, 0);
  else start.setMinutes(60, 0, 0);
  const found = [];
  for (let at = start.getTime(); at < to - step / 8; at += step) {
    found.push(
      s("text.tick", { x: x(at), y: HEIGHT - 4, "text-anchor": "middle" }, format.format(at)),
    );
  }
  return found;
}

function boxStrip(points, x, to) {
  const name = (winner) => HOLDERS.find(([one]) => one === winner)[1];
  return stretches(points, "buy_box_winner", to).map(({ from, to: until, value }) =>
    s(`rect.strip.${name(value)}`, {
      x: x(from),
      y: HEIGHT - BOTTOM + 8,
      width: Math.max(1, x(until) - x(from)),
      height: 8,
      rx: 1,
    }),
  );
}

function said(point, currency, at) {
  const prices = LINES.map(
    ([field, name]) => `${name.toLowerCase()} ${money(point[field], currency) ?? "unknown"}`,
  );
  return `${moment(new Date(at).toISOString())}: ${prices.join(", ")}`;
}

/** What the lines show, for those who cannot see them. */
function inWords(points, currency) {
  const sentences = LINES.map(([field, name]) => {
    const both = ends(points, field);
    if (!both) return null;
    const [first, last] = both.map((price) => money(price, currency));
    return first === last ? `${name} ${last}` : `${name} from ${first} to ${last}`;
  });
  const held = points.filter((point) => point.buy_box_winner === true).length;
  const box = `; you had the Buy Box at ${held} of the ${count(points.length, "message")} shown`;
  return `${sentences.filter(Boolean).join("; ")}${box}.`;
}

function asTable({ points, currency }, open) {
  const rows = () =>
    points.toReversed().map((point) =>
      h(
        "tr",
        {},
        h("th", { scope: "row" }, moment(point.event_time)),
        FIELDS.map((f) => h("td.n", {}, money(point[f], currency) ?? "unknown")),
        h(
          "td",
          {},
          point.buy_box_winner === null ? "unknown" : point.buy_box_winner ? "yes" : "no",
        ),
      ),
    );
  const body = h("tbody", {}, open ? rows() : []);
  const head = h(
    "tr",
    {},
    ["Time", ...LINES.map(([, name]) => name), "Buy Box yours"].map((name) =>
      h("th", { scope: "col" }, name),
    ),
  );
  const filled = (event) => event.target.open && !body.children.length && body.append(...rows());
  return h(
    "details",
    { open, "data-name": "history", ontoggle: filled },
    h("summary", {}, "As a table"),
    h(
      "div.scroll",
      { tabindex: 0, role: "region", "aria-label": "The history as a table" },
      h("table.plain-table", {}, h("thead", {}, head), body),
    ),
  );
}
