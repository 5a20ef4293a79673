// The sections of the drawer with lists: the offers as last seen, the alerts with their trails.

import { serverNow } from "./clock.js";
import { sign } from "./decimal.js";
import { h, severityMark } from "./dom.js";
import { clock, count, money, moment } from "./format.js";
import { section, table } from "./parts.js";
import { actorName, kindName, quietName, resolutionName, severityName } from "./words.js";

/** The offers on which the state was decided. */
export function offersSection(state, list, where) {
  if (!list || !list.offers.length) {
    return section(
      "offers",
      "Offers as last seen",
      where,
      h(
        "p.blank",
        {},
        list ? "Amazon sent no offers." : "The offers of the last message are no longer kept.",
      ),
    );
  }
  const yesNo = (value, yes) =>
    value === true ? yes : value === false ? "" : h("span.unknown", {}, "unknown");
  const rows = list.offers.map((offer) => {
    const paid = (amount) => money(amount, state.currency);
    const parts = [
      sign(offer.shipping) && `+ ${paid(offer.shipping)}`,
      offer.points && `− ${offer.points} points`,
    ].filter(Boolean);
    const sum = parts.length ? `${paid(offer.listing)} ${parts.join(" ")}` : "";
    return h(
      `tr${offer.own ? ".own" : ""}`,
      {},
      h("th", { scope: "row" }, offer.own ? "You" : offer.seller_id),
      h("td.n", {}, sum ? h("small", {}, `${sum} = `) : null, h("strong", {}, paid(offer.landed))),
      h("td", {}, yesNo(offer.prime, "Prime")),
      h("td", {}, yesNo(offer.fulfilled_by_amazon, "Amazon")),
      h("td", {}, yesNo(offer.winner, "Buy Box")),
    );
  });
  const total = state.total_offers ?? 0;
  const more =
    total > list.offers.length ? ` ${count(total, "offer")} in all; Amazon sends 20 at most.` : "";
  return section(
    "offers",
    "Offers as last seen",
    where,
    table(
      "Each seller and price",
      where,
      [["Seller"], ["Landed price", "n"], ["Prime"], ["Sent by"], ["Buy Box"]],
      rows,
    ),
    h("p.note", {}, `As of ${moment(list.event_time) ?? "unknown"}.${more}`),
  );
}

/** The alerts of the product, each with its trail. `cut`: there are older ones. */
export function alertsSection(alerts, cut) {
  if (!alerts.length)
    return section(
      "alerts",
      "Alerts",
      { place: 0 },
      h("p.blank", {}, "There was no alert about it yet."),
    );
  return section(
    "alerts",
    "Alerts and their trail",
    { place: 0 },
    ...alerts.map((alert, place) => oneAlert(alert, place === 0)),
    cut && older("alerts", `buybox alerts list --ended --asin ${alerts[0].asin} --limit 1000`),
  );
}

/** Says that some are left out, or a part would be taken for the whole, and where the whole is. */
const older = (what, command) =>
  h("p.note", {}, `There are older ${what}, which are not shown here: `, h("code", {}, command));

function oneAlert(alert, open) {
  const now = serverNow();
  const end =
    alert.attention === "resolved"
      ? `${resolutionName(alert.resolution)}, ${clock(alert.resolved_at, now)}`
      : `open since ${clock(alert.first_seen, now)}`;
  const trail = alert.trail.map((one) =>
    h(
      "li",
      {},
      h("time", { datetime: one.at }, moment(one.at)),
      h("strong", {}, ` ${one.change.replaceAll("-", " ")} `),
      h("span", {}, `by ${actorName(one.who)}: ${one.reason}`),
      h(
        "small",
        {},
        one.told
          ? ` Told: ${one.told.replaceAll("-", " ")}.`
          : one.quiet
            ? ` Not told: ${quietName(one.quiet)}.`
            : "",
      ),
    ),
  );
  return h(
    "details.trail",
    { open, "data-name": alert.key },
    h(
      "summary",
      {},
      severityMark(alert.severity, severityName(alert.severity)),
      ` ${kindName(alert.kind)} #${alert.id}, ${end}`,
    ),
    alert.note ? h("p.note", {}, "Note: ", h("bdi", {}, alert.note)) : null,
    trail.length ? h("ol", {}, trail) : h("p.blank", {}, "Its trail is empty."),
    alert.trail_cut && older("entries", `buybox alerts show ${alert.id}`),
  );
}
