// The sections of the drawer with figures: where the product stands, and what its prices are worth.

import { serverNow } from "./clock.js";
import { sign } from "./decimal.js";
import { h, severityMark } from "./dom.js";
import { age, money, moment, percent, signed } from "./format.js";
import { entry, section, table, tr, unknown } from "./parts.js";
import { buyBoxHolder, doubt, flagName, severityName, whyUnknown } from "./words.js";

/** The severity with its reasons, and the figures that decide it. */
export function standingSection(state, where) {
  const paid = (field) => money(state[field], state.currency) ?? unknown(whyUnknown(state, field));
  const holder = buyBoxHolder(state);
  const gap =
    state.gap_pct === null
      ? unknown(whyUnknown(state, "gap_pct"))
      : `${signed(state.gap_pct, percent(state.gap_pct))} to the market low`;
  const position =
    state.your_position === null
      ? unknown(whyUnknown(state, "position"))
      : `${state.your_position} of ${state.total_offers ?? "unknown"}`;
  const remarks = state.flags.filter((flag) => flag !== "invalid-price").map(flagName);
  return section(
    "standing",
    "Where it stands",
    where,
    h(
      "div.verdict",
      {},
      severityMark(state.severity, severityName(state.severity)),
      h(
        "ul.reasons",
        {},
        (state.severity_reasons.length
          ? state.severity_reasons
          : ["no reason was written down"]
        ).map((reason) => h("li", {}, reason)),
      ),
    ),
    state.doubt_reason
      ? h(
          "p.error",
          {},
          `In doubt since ${moment(state.doubt_since)}: ${doubt(state.doubt_reason)}.`,
        )
      : null,
    h(
      "dl.figures",
      {},
      entry("Your price", paid("your_price")),
      entry("Market low", paid("market_low")),
      entry("Lowest rival", paid("competitor_low")),
      entry("Prime low", paid("prime_low")),
      entry("Gap", gap),
      entry("Position", position),
      entry(
        "Buy Box",
        holder.text === null
          ? unknown(holder.detail)
          : [holder.text, holder.detail].filter(Boolean).join(", "),
      ),
      entry("Buy Box price", paid("buy_box_price")),
      state.health_issue ? entry("Pricing health", state.health_issue) : null,
      remarks.length ? entry("Remarks", remarks.join("; ")) : null,
      entry(
        "As of",
        state.event_time
          ? `${moment(state.event_time)} (${age(state.event_time, serverNow())} ago)`
          : unknown(""),
      ),
    ),
  );
}

/** What the prices are worth: margins, floors, the recommendation, what is at stake. */
export function economicsSection(state, where) {
  if (state.economics_unknown) {
    return section(
      "economics",
      "What it is worth",
      where,
      h("p", {}, "Margins are ", unknown(""), `: ${state.economics_unknown}.`),
    );
  }
  const margin = (field) => {
    const value = state[field];
    if (value === null) return h("td.n", {}, unknown(whyUnknown(state, field)));
    return h(
      `td.n${sign(value) === -1 ? ".loss" : ""}`,
      {},
      percent(value),
      sign(value) === -1 ? " (a loss)" : "",
    );
  };
  const at = (name, price, field) =>
    tr(
      h("th", { scope: "row" }, name),
      h("td.n", {}, money(state[price], state.currency) ?? unknown("")),
      margin(field),
    );
  const stake = state.profit_at_stake_per_day;
  const rivals = state.unfollowable ?? [];
  return section(
    "economics",
    "What it is worth",
    where,
    state.risk_flags.length
      ? h(
          "ul.flags",
          { "aria-label": "Risks" },
          state.risk_flags.map((flag) => h("li", {}, flagName(flag))),
        )
      : null,
    table(
      "Margins at several prices",
      where,
      [["At"], ["Price", "n"], ["Margin", "n"]],
      [
        at("your price", "your_price", "margin_at_current_price"),
        at("the market low", "market_low", "margin_at_market_low"),
        at("the Prime low", "prime_low", "margin_at_prime_low"),
      ],
    ),
    h(
      "dl.figures",
      {},
      entry(
        "Lowest price without a loss",
        money(state.min_viable_price, state.currency) ??
          unknown(whyUnknown(state, "min_viable_price")),
      ),
      state.min_price_for_margin
        ? entry("Lowest at your wanted margin", money(state.min_price_for_margin, state.currency))
        : null,
      entry("Recommended", [
        h("strong", {}, money(state.recommended_price, state.currency) ?? "no price"),
        state.recommendation_reason ? h("small", {}, ` ${state.recommendation_reason}`) : "",
      ]),
      stake === null ? null : entry("At stake", `${money(stake, state.currency)} a day`),
      rivals.length
        ? entry(
            "Do not follow",
            rivals.map((r) => `${r.seller} at ${money(r.landed, state.currency)}`).join("; "),
          )
        : null,
    ),
  );
}
