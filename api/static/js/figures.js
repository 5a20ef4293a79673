// The figures of a row as texts, each with what is below it. Pure. Unknown is null with a reason.

import { sign, subtract } from "./decimal.js";
import { age, count, money, percent, signed } from "./format.js";
import { buyBoxHolder, whyUnknown } from "./words.js";

/** The columns, in their order: the name of the figure and its heading. */
export const FIGURES = [
  ["yours", "Your price"],
  ["low", "Market low"],
  ["prime", "Prime low"],
  ["gap", "Gap"],
  ["position", "Position"],
  ["box", "Buy Box"],
  ["margin", "Margin"],
];

/** {yours: {text, detail}, ...}; `mood` is good or bad where a figure is. */
export function figuresOf(state, now, language) {
  const paid = (text) => money(text, state.currency, language);
  const known = (field, text, detail = "") => ({
    text,
    detail: text === null ? whyUnknown(state, field) : detail,
  });
  const above = subtract(state.your_price, state.market_low);
  const gap = signed(state.gap_pct, percent(state.gap_pct, language));
  const atLow = percent(state.margin_at_market_low, language);
  const margin = state.margin_at_current_price;
  const isLow = state.market_low === state.your_price;
  return {
    yours: ownPrice(state, paid, now),
    low: known("market_low", paid(state.market_low), isLow ? "yours" : ""),
    prime: known("prime_low", paid(state.prime_low)),
    gap: known("gap_pct", gap, above === null ? "" : signed(above, paid(above))),
    position: position(state),
    box: box(state, paid),
    margin: {
      ...known(
        "margin_at_current_price",
        percent(margin, language),
        atLow === null ? "" : `${atLow} at low`,
      ),
      mood: sign(margin) === -1 ? "bad" : "",
    },
  };
}

function ownPrice(state, paid, now) {
  if (state.your_price !== null) return { text: paid(state.your_price), detail: "" };
  const last = state.last_own_price
    ? `, last ${paid(state.last_own_price)} ${age(state.last_own_price_at, now)} ago`
    : "";
  return { text: null, detail: whyUnknown(state, "your_price") + last };
}

function position(state) {
  const all = state.total_offers;
  if (state.your_position !== null) {
    return { text: `${state.your_position} of ${all ?? "unknown"}`, detail: "" };
  }
  return { text: null, detail: all === null ? whyUnknown(state, "position") : count(all, "offer") };
}

function box(state, paid) {
  const holder = buyBoxHolder(state);
  const price = state.buy_box_price === null ? null : paid(state.buy_box_price);
  const parts = holder.text === null ? [holder.detail] : [price, holder.detail];
  return {
    text: holder.text,
    detail: parts.filter(Boolean).join(", "),
    mood: holder.own ? "good" : "",
  };
}
