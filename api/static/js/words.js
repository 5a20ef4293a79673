// What the codes of states and alerts mean, in plain words. Pure. An unknown code is shown as it is.

const said = (words) => (code) =>
  code && Object.hasOwn(words, code) ? words[code] : String(code ?? "").replaceAll("-", " ");

export const severityName = said({
  critical: "Critical",
  high: "High",
  warning: "Warning",
  success: "Success",
  info: "Info",
});

export const kindName = said({
  price: "Price",
  "buy-box-suppressed": "Buy Box suppressed",
  "pricing-health": "Pricing health",
  "business-price": "Business price",
  "business-buy-box-suppressed": "Business Buy Box suppressed",
  "business-pricing-health": "Business pricing health",
});

export const whyNoOwnPrice = said({
  "outside-offers-sent": "your offer is not among those Amazon sent (20 at most)",
  "no-offers-sent": "Amazon sent no offers",
  "not-among-readable-offers": "your offer is not among those that could be read",
});

export const doubt = said({
  "invalid-price":
    "the last message had a price that cannot be right; the figures are those before it",
});

export const flagName = said({
  "below-cost": "Below cost",
  "margin-squeeze": "Margin squeeze at the market low",
  "race-to-bottom": "Race to the bottom",
  "dead-zone": "Dead zone: a lower price earns more",
  "map-breach": "Breaks Amazon's competitive price threshold",
  "invalid-price": "A price that cannot be right",
  "buy-box-suppressed": "Buy Box suppressed",
  "low-not-shippable-now": "The lowest offer does not ship now",
  "winner-not-told": "Amazon did not say who has the Buy Box",
});

export const resolutionName = said({
  cleared: "over: the data say so",
  timeout: "closed by time; nothing says that it is over",
  manual: "closed by hand",
  superseded: "became worse; another alert took its place",
});

export const quietName = said({
  deduplicated: "it was told a short while ago",
  acknowledged: "somebody is on it",
  snoozed: "it is snoozed",
  inhibited: "a worse alert of the product mutes it",
  unstable: "it keeps changing, which was told",
  "waiting-to-fall": "it must hold for a while first",
  unknown: "the data cannot say",
  "never-told": "its beginning was never told",
  resolved: "it had ended",
  "act-of-a-person": "who did it knows",
  bookkeeping: "nothing of weight changed",
  "told-otherwise": "another message said it",
});

const NOT_PEOPLE = { data: "the data", clock: "the clock", delivery: "delivery" };
export const actorName = (who) => (Object.hasOwn(NOT_PEOPLE, who) ? NOT_PEOPLE[who] : who);

/** What a state is about, in a word or two; nothing for new goods and consumers. */
export function shortName(state) {
  const unusual = [
    state.item_condition !== "new" && state.item_condition,
    state.audience === "business" && "business",
  ];
  return unusual.filter(Boolean).join(" ");
}

/** What a state is about, beside the product: "used, business customers". */
export function stateName(state) {
  return `${state.item_condition}, ${state.audience === "business" ? "business customers" : "consumers"}`;
}

/** Who has the Buy Box: {text, detail}; text is null when nobody knows. */
export function buyBoxHolder(state) {
  const others = state.buy_box_sellers.filter((id) => id !== state.seller_id);
  if (state.has_buy_box === false)
    return { text: "Nobody", detail: state.item_condition === "new" ? "suppressed" : "" };
  if (state.buy_box_winner) {
    const shared = others.length
      ? `shared with ${others.length === 1 ? others[0] : `${others.length} others`}`
      : "";
    return { text: "You", detail: shared, own: true };
  }
  if (others.length)
    return { text: others[0], detail: others.length > 1 ? `and ${others.length - 1} more` : "" };
  if (state.buy_box_winner === false) return { text: "A rival", detail: "not named by Amazon" };
  return { text: null, detail: "Amazon did not say who has it" };
}

/** Why a figure of a state is not known. */
export function whyUnknown(state, field) {
  if (field === "your_price") return whyNoOwnPrice(state.own_price_unknown) || "not told by Amazon";
  if (field === "prime_low") return "no Prime offer was seen";
  if (field === "position" || field === "gap_pct") {
    if (state.your_price === null) return "your price is unknown";
    if (state.market_low === null) return "the market low is unknown";
  }
  if (
    field.startsWith("margin") ||
    field.startsWith("min_") ||
    field === "profit_at_stake_per_day"
  ) {
    if (state.economics_unknown) return state.economics_unknown;
    if (field === "margin_at_current_price" && state.your_price === null)
      return "your price is unknown";
    if (field === "margin_at_market_low" && state.market_low === null)
      return "the market low is unknown";
    if (field === "margin_at_prime_low" && state.prime_low === null)
      return "no Prime offer was seen";
    if (field === "min_viable_price") return state.recommendation_reason || "no price works";
  }
  return state.doubt_reason ? doubt(state.doubt_reason) : "not in Amazon's messages";
}
