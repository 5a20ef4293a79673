// Values as people read them. Pure: the time and the language are given. Unknown is null, never 0.

import { floor, parse, plain, sign } from "./decimal.js";

const EXACT = exactIntl();

/** Money from its decimal text with every digit it has, in the language's way of writing it. */
export function money(text, currency, language) {
  const found = parse(text);
  if (!found) return null;
  const usual = minorUnits(currency);
  const digits = trimmed(plain(found), usual);
  const shown = digits.includes(".") ? digits.length - digits.indexOf(".") - 1 : 0;
  if (!EXACT || !currency) return currency ? `${currency} ${digits}` : digits;
  return new Intl.NumberFormat(language, {
    style: "currency",
    currency,
    currencyDisplay: "narrowSymbol",
    minimumFractionDigits: shown,
    maximumFractionDigits: shown,
  }).format(digits);
}

/** A percentage from its decimal text, rounded down to two decimals, as in the reasons. */
export function percent(text, language) {
  const digits = floor(text, 2);
  if (digits === null) return null;
  if (!EXACT) return `${digits} %`;
  const options = { minimumFractionDigits: 2, maximumFractionDigits: 2 };
  return `${new Intl.NumberFormat(language, options).format(digits)} %`;
}

/** With a plus before what is above zero. */
export function signed(text, shown) {
  return shown !== null && sign(text) === 1 ? `+${shown}` : shown;
}

/** How long ago, in one unit: 8 s, 3 min, 5 h, 12 d. The future is now. */
export function age(from, now) {
  const seconds = Math.max(0, Math.floor((now - Date.parse(from)) / 1000));
  if (Number.isNaN(seconds)) return null;
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

/** A time of day, with the day where it is not today's. */
export function clock(text, now, language) {
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) return null;
  const today = at.toDateString() === new Date(now).toDateString();
  const day = today ? {} : { weekday: "short", day: "numeric", month: "short" };
  return new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", ...day }).format(
    at,
  );
}

/** A whole moment, for a title and for a trail. */
export function moment(text, language) {
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) return null;
  const style = { dateStyle: "medium", timeStyle: "medium" };
  return new Intl.DateTimeFormat(language, style).format(at);
}

/** 1 product, 2 products. */
export function count(n, one, many = `${one}s`) {
  return `${n} ${n === 1 ? one : many}`;
}

/** The next 08:00 of the local day: {minutes, label}. Never more than 24 hours away. */
export function untilMorning(now) {
  const at = new Date(now);
  const morning = new Date(at);
  morning.setHours(8, 0, 0, 0);
  const today = at < morning;
  if (!today) morning.setDate(morning.getDate() + 1);
  const minutes = Math.min(24 * 60, Math.max(1, Math.floor((morning - at) / 60000)));
  return { minutes, label: today ? "Until 08:00" : "Until tomorrow" };
}

/** Decimals of a currency: 0 for JPY. */
function minorUnits(currency) {
  try {
    return new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions()
      .maximumFractionDigits;
  } catch {
    return 2;
  }
}

/** Trailing zeros beyond the currency's own decimals go, missing ones are added; no digit is lost. */
function trimmed(digits, usual) {
  let [whole, fraction = ""] = digits.split(".");
  while (fraction.length > usual && fraction.endsWith("0")) fraction = fraction.slice(0, -1);
  fraction = fraction.padEnd(usual, "0");
  return fraction ? `${whole}.${fraction}` : whole;
}

/** Whether this browser formats decimal texts digit by digit; older ones go through a float. */
function exactIntl() {
  const long = "9007199254740993.07";
  const options = { minimumFractionDigits: 2, maximumFractionDigits: 2, useGrouping: false };
  return new Intl.NumberFormat("en", options).format(long) === long;
}
