// Products out of states and alerts: what stands together in a row, in which tab, in which order. Pure.

import { compare } from "./decimal.js";

export const TABS = ["critical", "high", "warning", "success", "all", "snoozed", "resolved"];
const RANK = { critical: 0, high: 1, warning: 2, success: 3, info: 4 };

export const rankOf = (severity) => RANK[severity] ?? 5;
const isResolved = (alert) => alert.attention === "resolved";
/** Ended because it became worse: another alert carries on, so it belongs to the trail only. */
const carriedOn = (alert) => alert.resolution === "superseded";
const isSnoozed = (alert, now) =>
  !isResolved(alert) && alert.snooze_until !== null && Date.parse(alert.snooze_until) > now;
export const isActive = (alert, now) => !isResolved(alert) && !isSnoozed(alert, now);

/** The place of an alert among the three: active, snoozed or resolved. */
export function placeOf(alert, now) {
  return isResolved(alert) ? "resolved" : isSnoozed(alert, now) ? "snoozed" : "active";
}

/**
 * One product: its states (the leading one first), its alerts (the worst first), the tabs it stands
 * in, and what it is ordered by.
 *
 * It stands in one tab of severity at most: that of its worst active alert. Without one, that of its
 * state, unless people have put the alert about it away: then it is in snoozed or resolved only.
 */
export function productOf(key, states, alerts, now) {
  const ordered = [...states].sort(byLead);
  const lead = ordered[0] ?? null;
  const worst = alerts.filter((alert) => !carriedOn(alert)).sort(byUrgency);
  const active = worst.filter((alert) => isActive(alert, now));
  const snoozed = worst.some((alert) => isSnoozed(alert, now));
  const resolved = worst.some(isResolved);
  const putAway =
    !active.length &&
    (snoozed ||
      worst.some((a) => isResolved(a) && a.condition === "firing" && stillSo(a, ordered)));
  const stateSeverity =
    ordered.map((s) => s.severity).sort((a, b) => rankOf(a) - rankOf(b))[0] ?? "info";
  const severity = active[0]?.severity ?? stateSeverity;
  const tabs = new Set(["all"]);
  if (!putAway && severity !== "info") tabs.add(severity);
  if (snoozed) tabs.add("snoozed");
  if (resolved) tabs.add("resolved");
  const any = lead ?? alerts[0];
  return {
    key,
    marketplaceId: any.marketplace_id,
    asin: any.asin,
    title: any.title ?? worst.find((alert) => alert.title)?.title ?? null,
    lead,
    states: ordered,
    alerts: worst,
    severity,
    tabs,
    stake: stakeOf([...active, ...ordered]),
    newest: Math.max(0, ...active.map((alert) => Date.parse(alert.first_seen))),
    ended: Math.max(0, ...worst.filter(isResolved).map((alert) => Date.parse(alert.resolved_at))),
    wakes: Math.min(
      Infinity,
      ...worst.filter((a) => isSnoozed(a, now)).map((a) => Date.parse(a.snooze_until)),
    ),
  };
}

/**
 * The tabs that may lack products. A list that was cut lacks what comes after its last row; where
 * the worst come first, the tabs of worse severities than that row's lack nothing.
 */
export function cutTabs({ states, active, snoozed, resolved }) {
  const behind = ({ rows, whole }, tabs) =>
    whole ? [] : tabs.filter((tab) => rankOf(tab) >= rankOf(rows.at(-1).severity));
  const cut = new Set([...behind(states, TABS.slice(0, 4)), ...behind(active, TABS.slice(0, 3))]);
  if (!snoozed.whole) cut.add("snoozed");
  if (!resolved.whole) cut.add("resolved");
  if (cut.size || !states.whole) cut.add("all");
  return cut;
}

/** The order of a tab's rows. */
export function orderOf(tab) {
  const key = (a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
  if (tab === "snoozed") return (a, b) => a.wakes - b.wakes || key(a, b);
  if (tab === "resolved") return (a, b) => b.ended - a.ended || key(a, b);
  return (a, b) =>
    rankOf(a.severity) - rankOf(b.severity) ||
    moreFirst(a.stake, b.stake) ||
    b.newest - a.newest ||
    key(a, b);
}

/** Which of a product's alerts a tab shows. */
export function alertsIn(product, tab, now) {
  if (tab === "snoozed" || tab === "resolved")
    return product.alerts.filter((a) => placeOf(a, now) === tab);
  if (tab === "all") return product.alerts.filter((alert) => !isResolved(alert));
  return product.alerts.filter((alert) => isActive(alert, now));
}

/** Whether the words of a search are all found in what names the product. */
export function matches(product, marketplace, text) {
  const where =
    `${product.title ?? ""} ${product.asin} ${marketplace.code} ${marketplace.country}`.toLowerCase();
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => where.includes(word));
}

/** How one order of keys differs from another: {added, removed, moved} as numbers. */
export function difference(shown, wanted) {
  const [before, after] = [new Set(shown), new Set(wanted)];
  const stayed = shown.filter((key) => after.has(key));
  const now = wanted.filter((key) => before.has(key));
  return {
    added: wanted.length - now.length,
    removed: shown.length - stayed.length,
    moved: stayed.filter((key, place) => now[place] !== key).length,
  };
}

/** Whether the state that an alert is about is still bad. Business customers have a state of their own. */
function stillSo(alert, states) {
  const audience = alert.kind.startsWith("business-") ? "business" : "consumer";
  const about = states.find(
    (s) =>
      s.item_condition === alert.item_condition &&
      s.audience === audience &&
      s.seller_id === alert.seller_id,
  );
  return about !== undefined && rankOf(about.severity) <= rankOf("warning");
}

function moreFirst(a, b) {
  if (a === null || b === null) return compare(a, b); // the unknown last, either way
  return Number(b) - Number(a) || compare(b, a); // exactly, but only where it matters: it is slower
}

function stakeOf(rows) {
  const stakes = rows
    .map((row) => row.profit_at_stake_per_day)
    .filter((stake) => stake !== null && stake !== undefined);
  return stakes.sort((a, b) => compare(b, a))[0] ?? null;
}

function byLead(a, b) {
  const lesser = (s) => (s.audience === "consumer" ? 0 : 2) + (s.item_condition === "new" ? 0 : 1);
  return lesser(a) - lesser(b) || (a.key < b.key ? -1 : 1);
}

function byUrgency(a, b) {
  return (
    Number(isResolved(a)) - Number(isResolved(b)) ||
    rankOf(a.severity) - rankOf(b.severity) ||
    b.id - a.id
  );
}
