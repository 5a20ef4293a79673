// The section of the drawer with the sums: a table per price, line by line, and what is not known.

import { sign } from "./decimal.js";
import { h } from "./dom.js";
import { money, percent } from "./format.js";
import { marketplace } from "./marketplaces.js";
import { section, table, tr } from "./parts.js";

const NOT_KNOWN = "not known"; // as the command says it

/** The section with an empty slot, to be filled when the answer is there: {element, slot}. */
export function sumsSection(state, where) {
  const slot = h("div.sums");
  return { element: section("sums", "The sum, line by line", where, slot), slot };
}

/** What the slot shows until then. */
export const reading = () => [h("p.blank", { role: "status" }, "Reading ...")];

/** Why there is nothing, and a way to try again. */
export const failed = (message, again) => [
  h("p.error", { role: "alert" }, message),
  h("button.plain", { type: "button", onclick: again }, "Try again"),
];

/** The sums of one state; `explained` is missing where its state has just gone. */
export function sums(state, explained, where) {
  if (!explained) return [h("p.blank", {}, "There is nothing to explain.")];
  const currency = explained.currency;
  const known = explained.sums.some((one) => one.lines.length);
  const first = explained.sums.find((one) => one.lines.length);
  return [
    known
      ? explained.sums.map((one) => priceSum(one, explained, where, one === first))
      : h("p", {}, "The sum is ", h("span.unknown", {}, NOT_KNOWN), "."),
    gaps(explained.unknown),
    known &&
      h(
        "p.note",
        {},
        `Fees of ${explained.fees_on}, the day of the newest message. Amounts in ${currency}.`,
      ),
    h(
      "p.note",
      {},
      "On the command line, and at any other price: ",
      h("code", {}, `${explainCommand(state)} --price AMOUNT`),
    ),
  ]
    .flat()
    .filter(Boolean);
}

/** One price: its outcome in a line, and the table under it. */
function priceSum(one, explained, where, open) {
  const paid = (amount) => money(amount, explained.currency);
  if (!one.lines.length) {
    return h("p.nosum", {}, h("strong", {}, one.at), " ", h("span.unknown", {}, NOT_KNOWN));
  }
  const loss = one.loses_money;
  return h(
    "details.sum",
    { open, "data-name": `sum-${where.place}-${one.at}` },
    h(
      "summary",
      {},
      h("strong", {}, one.at),
      ` ${paid(one.price)} `,
      h(
        `span.brings${loss ? ".loss" : ""}`,
        {},
        `profit ${paid(one.profit)}, margin ${percent(one.margin_pct)}${loss ? " (a loss)" : ""}`,
      ),
    ),
    table(
      `The sum at the ${one.at === "recommended" ? "recommended price" : one.at}, ${paid(one.price)}`,
      where,
      [["Line"], ["Amount", "n"], ["Rule and dates"]],
      [
        ...one.lines.map((line) =>
          tr(
            h("th", { scope: "row" }, line.label),
            h("td.n", {}, paid(line.amount)),
            h("td.rules", {}, rulesOf(line, explained.rules)),
          ),
        ),
        h(
          "tr.total",
          {},
          h("th", { scope: "row" }, "profit"),
          h(`td.n${sign(one.profit) === -1 ? ".loss" : ""}`, {}, paid(one.profit)),
          h("td", {}, one.roi_pct === null ? "" : `ROI ${percent(one.roi_pct)}`),
        ),
      ],
    ),
  );
}

/** What the rules of a line say, since when, and who says so. */
function rulesOf(line, rules) {
  return rules
    .filter((rule) => rule.fee === line.name && line.rules.includes(rule.rule_id))
    .map((rule) =>
      h(
        "div",
        {},
        `${rule.says}, ${rule.in_force}`,
        h(
          "small",
          {},
          `${rule.rule_id}${rule.seller_id ? " (own)" : ""} · ${rule.source} (${rule.source_date})`,
        ),
      ),
    );
}

/** What is not known, why, and what to do about it, in the words of the command. */
function gaps(unknown) {
  if (!unknown.length) return null;
  return h(
    "ul.gaps",
    { "aria-label": "What is not known" },
    unknown.map((gap) =>
      h(
        "li",
        {},
        h("strong", {}, `${NOT_KNOWN}: ${gap.what}`),
        `: ${gap.why}`,
        gap.remedy ? h("span.remedy", {}, `To do: ${gap.remedy}`) : null,
      ),
    ),
  );
}

const explainCommand = (state) =>
  `buybox explain ${marketplace(state.marketplace_id).code} ${state.asin}` +
  (state.item_condition === "new" ? "" : ` --condition ${state.item_condition}`);
