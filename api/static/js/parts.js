// What the sections of the drawer are made of.

import { h } from "./dom.js";

/** `where`: {place, about}, the state it speaks of: its number, and its name where there are several. */
export const section = (name, title, where, ...children) =>
  h(
    "section",
    { "aria-labelledby": `${name}-${where.place}` },
    h(
      "h3",
      { id: `${name}-${where.place}` },
      title,
      where.about && h("span.unseen", {}, `, ${where.about}`),
    ),
    ...children,
  );
export const unknown = (why) =>
  h("span.unknown", {}, "unknown", why ? h("small", {}, ` ${why}`) : null);
export const entry = (name, value) => [h("dt", {}, name), h("dd", {}, value)];
export const tr = (...cells) => h("tr", {}, ...cells);

/** A table that scrolls in a box of its own where it is too wide. Heads are [name, class]. */
export function table(title, where, heads, rows) {
  const caption = where.about ? `${title}, ${where.about}` : title;
  return h(
    "div.scroll",
    { tabindex: 0, role: "region", "aria-label": caption },
    h(
      "table.plain-table",
      {},
      h("caption.unseen", {}, caption),
      h(
        "thead",
        {},
        tr(heads.map(([name, kind = ""]) => h("th", { scope: "col", class: kind || null }, name))),
      ),
      h("tbody", {}, rows),
    ),
  );
}
