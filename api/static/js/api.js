// Everything the page asks the server for, except the stream. What it refuses is a Refusal.

import { heard } from "./clock.js";
import { cutTabs } from "./products.js";

const PAGE = 500;
const MOST_STATES = 3000; // the worst ones; more would be too much to hold and to look at
const MOST_ALERTS = 3000; // active, and snoozed; of resolved ones as many as these two leave
const ASINS_AT_ONCE = 100;
const PATIENCE_MS = 30_000; // for one whole answer

class Refusal extends Error {
  constructor(status, message, code = null) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

let csrf = null;
let name = null;

/** An answer that does not come is a refusal too, or what was shown as done would stay so. */
async function ask(path, options = {}) {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), PATIENCE_MS);
  try {
    return await answerTo(path, { ...options, signal: late.signal });
  } catch (error) {
    if (late.signal.aborted) throw new Refusal(0, "The server does not answer.");
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function answerTo(path, options) {
  const askedAt = Date.now();
  let answer;
  try {
    answer = await fetch(path, { cache: "no-store", credentials: "same-origin", ...options });
  } catch {
    throw new Refusal(0, "The server cannot be reached.");
  }
  heard(answer.headers.get("date"), askedAt);
  if (answer.status === 204) return null;
  let body = null;
  try {
    body = await answer.json();
  } catch {
    // said below
  }
  if (answer.ok && body !== null) return body;
  const why = body?.detail ?? `The server answered ${answer.status}.`;
  throw new Refusal(answer.status, why, body?.type);
}

/** Ask for what the session must vouch for. Its cookie may be that of a later login in another tab. */
async function change(path, { headers = {}, ...options }) {
  const send = () => {
    const vouched = csrf ? { ...headers, "X-CSRF-Token": csrf } : headers;
    return ask(path, { ...options, headers: vouched });
  };
  try {
    return await send();
  } catch (error) {
    if (error.code !== "csrf") throw error;
    const found = await ask("/api/session");
    if (found.name !== name)
      throw new Refusal(403, `${found.name} has logged in in another tab: reload this page.`);
    entered(found);
    return send();
  }
}

function post(path, body, headers = {}) {
  const all = { "Content-Type": "application/json", ...headers };
  return change(path, { method: "POST", headers: all, body: JSON.stringify(body) });
}

/** Who is logged in: {name, role, expires_at}. */
export async function session() {
  return entered(await ask("/api/session"));
}

export async function logIn(token) {
  return entered(await post("/api/session", { token }));
}

export function logOut() {
  return change("/api/session", { method: "DELETE" });
}

function entered(found) {
  csrf = found.csrf_token;
  name = found.name;
  return found;
}

/**
 * All the page shows: {alerts, states, cursor, whole, cut, counts}. The cursor belongs to the first
 * answer, so that following the stream from it misses nothing. `whole` says whether all states are
 * there, `cut` which tabs may lack products.
 */
export async function everything() {
  const lists = await alertLists();
  const states = await pages("/api/state?", "states", MOST_STATES);
  const cut = cutTabs({ ...lists, states });
  const alerts = Object.values(lists).flatMap((list) => list.rows);
  await addStatesOf(alerts, states.rows);
  return {
    alerts,
    states: states.rows,
    cursor: lists.snoozed.first.cursor,
    whole: states.whole,
    cut,
    counts: states.first.counts,
  };
}

/**
 * The alerts by their tabs, in the order they are read. Open ones come before resolved ones, or a
 * day on which much was resolved would hide them. Snoozed ones come before active ones: a snooze
 * that runs out between the two changes no row, so the stream would not tell of it.
 */
async function alertLists() {
  const list = (tab, most) => pages(`/api/notifications/prioritized?tab=${tab}`, "alerts", most);
  const snoozed = await list("snoozed", MOST_ALERTS);
  const active = await list("active", MOST_ALERTS);
  const left = MOST_ALERTS - snoozed.rows.length - active.rows.length;
  return { snoozed, active, resolved: await list("resolved", left) };
}

/** The rows of a list, page after page until there are `most`: one page at least. */
async function pages(path, name, most) {
  const rows = [];
  let first = null;
  let next = null;
  do {
    const page = next ? `&page=${encodeURIComponent(next)}` : "";
    const found = await ask(`${path}&limit=${PAGE}${page}`);
    first ??= found;
    rows.push(...found[name]);
    next = found.next_page;
  } while (next && rows.length < most);
  return { rows, first, whole: next === null };
}

/** Add the states of products that have alerts but are not among the worst. */
async function addStatesOf(alerts, states) {
  const held = new Set(states.map((state) => state.product_key));
  const missing = alerts.filter((alert) => !held.has(alert.product_key));
  const asins = [...new Set(missing.map((alert) => alert.asin))];
  for (let from = 0; from < asins.length; from += ASINS_AT_ONCE) {
    const wanted = asins
      .slice(from, from + ASINS_AT_ONCE)
      .map((asin) => `&asin=${encodeURIComponent(asin)}`);
    const found = await pages(`/api/state?${wanted.join("")}`, "states", MOST_STATES);
    states.push(...found.rows.filter((state) => !held.has(state.product_key)));
  }
}

const productPath = (marketplaceId, asin) =>
  `/api/state/${encodeURIComponent(marketplaceId)}/${encodeURIComponent(asin)}`;

export const product = (marketplaceId, asin) => ask(productPath(marketplaceId, asin));

/** The sums of a product's prices, line by line: an explanation for each of its states. */
export async function explanations(marketplaceId, asin) {
  return (await ask(`${productPath(marketplaceId, asin)}/explanation`)).explanations;
}

export function trends(marketplaceId, asin, { hours, points }) {
  const query = new URLSearchParams({ marketplace: marketplaceId, hours, points });
  return ask(`/api/competitive-intelligence/trends/${encodeURIComponent(asin)}?${query}`);
}

export function workerStatus() {
  return ask("/api/worker-status");
}

/** Act on alerts; returns [{id, done, code, message}]. Sent again with its key, it acts once. */
export async function act(body) {
  const headers = { "Idempotency-Key": randomKey() };
  const send = () => post("/api/notifications/acknowledge", body, headers);
  try {
    return (await send()).results;
  } catch (error) {
    if (error.status !== 0 && error.status !== 503) throw error;
    await new Promise((go) => setTimeout(go, 700));
    return (await send()).results;
  }
}

function randomKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
