// One alert in its product's row: what it says, what became of it, and what can be done.

import { serverNow } from "./clock.js";
import { h, setText, severityMark } from "./dom.js";
import { age, clock, count, money, moment, untilMorning } from "./format.js";
import { placeOf } from "./products.js";
import { kindName, resolutionName, severityName } from "./words.js";

export class AlertLine {
  #actions;
  #alert = null;
  #product = null;
  #signature = null;
  #panel = null;
  #place = null;
  #mark = h("span.mark");
  #what = h("p.what");
  #stake = h("strong.stake");
  #meta = h("span");
  #note = h("p.note");
  #buttons = h("div.buttons");
  #form = h("div.form", { hidden: true });
  #said = h("p.said");
  #marked = null;
  element = h(
    "li.alert",
    {},
    this.#mark,
    h("div.text", {}, this.#what, h("p.meta", {}, this.#stake, this.#meta), this.#note),
    this.#buttons,
    this.#form,
    this.#said,
  );

  constructor(actions) {
    this.#actions = actions;
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.#panel) this.#close(true);
    });
  }

  /** Whether somebody is writing here. */
  get open() {
    return this.#panel !== null;
  }

  /** `marked`: whether to show its severity, because the product's does not say it already. */
  update(alert, product, now, marked) {
    const before = this.#alert;
    this.#alert = alert;
    this.#product = product;
    const place = placeOf(alert, now);
    const message = this.#actions.messages.get(alert.key);
    if (
      this.#marked !== marked ||
      !before ||
      ["severity", "kind", "facts"].some((name) => before[name] !== alert[name])
    )
      this.#describe(marked);
    this.#marked = marked;
    this.#aside(place, now);
    this.#meta.title = `First seen ${moment(alert.first_seen)}, last seen ${moment(alert.last_seen)}`;
    setText(this.#note, alert.note ?? "");
    this.#note.hidden = !alert.note;
    setText(this.#said, message?.text ?? "");
    this.#said.hidden = !message;
    this.#said.classList.toggle("error", message?.error ?? false);
    const signature = [
      alert.attention,
      place,
      alert.resolution,
      alert.condition,
      alert.superseded_by,
      Boolean(alert.note),
      this.#actions.may,
    ].join();
    if (signature !== this.#signature) this.#offer(place);
    this.#signature = signature;
    this.#place = place;
    this.element.className = `alert is-${place} sev-${alert.severity}`;
  }

  /** Time has passed. */
  tick(now) {
    this.#aside(placeOf(this.#alert, now), now);
  }

  #aside(place, now) {
    const stake = this.#alert.profit_at_stake_per_day;
    setText(this.#stake, stake ? `${money(stake, this.#alert.currency)} a day at stake` : "");
    setText(this.#meta, metaOf(this.#alert, place, now));
  }

  #describe(marked) {
    const { severity, kind, facts } = this.#alert;
    const reasons = Array.isArray(facts?.reasons) ? facts.reasons.join(" · ") : "";
    this.#mark.replaceChildren(...(marked ? [severityMark(severity, severityName(severity))] : []));
    this.#what.replaceChildren(h("strong", {}, kindName(kind)), reasons && ` ${reasons}`);
  }

  /**
   * The buttons that fit. A form that somebody has open stays, unless it no longer fits. The focus
   * stays in the line when the element that had it goes.
   */
  #offer(place) {
    const over = this.#panel === "snooze" && place !== this.#place;
    const going = over ? this.element : this.#buttons;
    const focused = going.contains(document.activeElement);
    const open = (panel) => () => this.#toggle(panel);
    const run = (action) => () => this.#actions.run(action, [this.#alert]);
    const button = (text, act, extra = {}) => this.#button(text, act, extra);
    const found = [];
    if (this.#actions.may) {
      if (place === "resolved") {
        if (
          this.#alert.condition === "firing" &&
          this.#alert.resolution !== "superseded" &&
          !this.#alert.superseded_by
        ) {
          found.push(button("Reopen", run("reopen"), { class: "undo" }));
        }
      } else {
        const reviewing = this.#alert.attention === "reviewing";
        found.push(
          reviewing
            ? button("Undo", run("unacknowledge"), {
                class: "undo",
                title: "Take the acknowledgement back",
              })
            : button("Acknowledge", run("acknowledge"), { class: "main" }),
        );
        found.push(
          button(place === "snoozed" ? "Change snooze" : "Snooze", open("snooze"), {
            "aria-expanded": "false",
            "data-panel": "snooze",
          }),
        );
        found.push(button("Resolve", run("resolve")));
      }
      found.push(
        button(this.#alert.note ? "Edit note" : "Note", open("note"), {
          "aria-expanded": "false",
          "data-panel": "note",
        }),
      );
    }
    if (over) this.#close(false);
    this.#buttons.replaceChildren(...found);
    this.#opener()?.setAttribute("aria-expanded", "true");
    if (focused) found[0]?.focus();
  }

  #button(text, act, extra) {
    const about = ` ${kindName(this.#alert.kind)}, ${this.#product.title ?? this.#product.asin}`;
    return h(
      "button",
      { type: "button", onclick: act, ...extra },
      text,
      h("span.unseen", {}, about),
    );
  }

  #toggle(panel) {
    if (this.#panel === panel) return this.#close(true);
    this.#close(false);
    this.#panel = panel;
    this.#opener()?.setAttribute("aria-expanded", "true");
    this.#form.replaceChildren(panel === "snooze" ? this.#snoozeForm() : this.#noteForm());
    this.#form.hidden = false;
    this.#form.querySelector("button, textarea").focus();
  }

  #close(refocus) {
    const opener = this.#opener();
    this.#panel = null;
    this.#form.hidden = true;
    this.#form.replaceChildren();
    opener?.setAttribute("aria-expanded", "false");
    if (refocus) opener?.focus();
  }

  #opener() {
    return this.#panel && this.#buttons.querySelector(`[data-panel="${this.#panel}"]`);
  }

  #snoozeForm() {
    const morning = untilMorning(serverNow());
    const lengths = [
      ["30 min", 30],
      ["2 h", 120],
      [morning.label, morning.minutes],
    ];
    if (placeOf(this.#alert, serverNow()) === "snoozed") lengths.push(["End it (1 min)", 1]);
    const choose = (minutes) => () => {
      this.#close(true);
      this.#actions.run("snooze", [this.#alert], { snooze_minutes: minutes });
    };
    return h(
      "div.choices",
      { role: "group", "aria-label": "Snooze for" },
      h("span", { "aria-hidden": "true" }, "Quiet for"),
      lengths.map(([label, minutes]) =>
        h("button", { type: "button", onclick: choose(minutes) }, label),
      ),
      h("button.plain", { type: "button", onclick: () => this.#close(true) }, "Cancel"),
    );
  }

  #noteForm() {
    const text = h("textarea", {
      rows: 2,
      maxlength: 2000,
      required: true,
      dir: "auto",
      "aria-label": "Note",
    });
    text.value = this.#alert.note ?? "";
    let sending = false; // a second press would be a second entry in the trail
    const save = async (event) => {
      event.preventDefault();
      const note = text.value.trim();
      if (!note) return text.focus();
      if (sending) return undefined;
      sending = true;
      if (await this.#actions.run("note", [this.#alert], { note }))
        this.#close(this.element.contains(document.activeElement));
      sending = false;
      return undefined;
    };
    return h(
      "form.noting",
      { onsubmit: save },
      text,
      h("button.main", { type: "submit" }, "Save note"),
      h("button.plain", { type: "button", onclick: () => this.#close(true) }, "Cancel"),
    );
  }
}

function metaOf(alert, place, now) {
  const since = alert.still_true_since ?? alert.first_seen;
  const parts = [
    `${alert.still_true_since ? "still true since" : "since"} ${clock(since, now)} (${age(since, now)})`,
  ];
  parts.push(count(alert.occurrences, "message"));
  if (alert.escalation_level) parts.push(`escalated ${count(alert.escalation_level, "time")}`);
  if (alert.better_since && place !== "resolved")
    parts.push(`looks better since ${clock(alert.better_since, now)}, not over yet`);
  if (alert.unstable_since) parts.push("unstable");
  if (alert.assignee) parts.push(`for ${alert.assignee}`);
  if (place === "resolved") {
    parts.push(
      `${resolutionName(alert.resolution)}, ${clock(alert.resolved_at, now)}, ${alert.resolved_by}`,
    );
  } else if (alert.attention === "reviewing") {
    parts.push(`${alert.acknowledged_by} is on it, since ${clock(alert.acknowledged_at, now)}`);
  }
  if (place === "snoozed")
    parts.push(`quiet until ${clock(alert.snooze_until, now)}, by ${alert.snoozed_by}`);
  return parts.join(" · ");
}
