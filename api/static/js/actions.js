// What people do with alerts: shown at once, sent, and if refused taken back with the reason.

import { act } from "./api.js";
import { serverNow } from "./clock.js";
import { clock, count } from "./format.js";

const DONE = {
  acknowledge: "Acknowledged",
  unacknowledge: "Given back",
  snooze: "Snoozed",
  resolve: "Resolved",
  reopen: "Reopened",
  note: "Note saved",
};

export class Actions {
  #store;
  #announce;
  messages = new Map(); // alert key: {error, text}, to be shown beside the alert
  acted = new Set(); // alerts acted on since the list was last sorted: they stay where they are
  who = null; // the session: {name, role}

  constructor(store, announce) {
    this.#store = store;
    this.#announce = announce;
  }

  get may() {
    return this.who?.role === "operator";
  }

  /** Do it to these alerts. `more` goes into the request: note, snooze_minutes. */
  async run(action, alerts, more = {}) {
    const settle = alerts.map((alert) => {
      this.messages.delete(alert.key);
      this.acted.add(alert.key);
      return this.#store.expect(alert, expected(action, alert, more, this.who.name));
    });
    let results = new Map();
    let failure = null;
    try {
      const answered = await act({ action, ids: alerts.map((alert) => alert.id), ...more });
      results = new Map(answered.map((one) => [one.id, one]));
    } catch (error) {
      failure =
        error.status === 0 ? `${error.message} Nothing may have been changed.` : error.message;
    }
    const refused = [];
    alerts.forEach((alert, place) => {
      const result = results.get(alert.id);
      const done = result?.done ?? false;
      const why = failure ?? result?.message ?? "The server did not say what became of it.";
      this.messages.set(alert.key, {
        error: !done,
        text: done ? said(action, more) : `Not done. ${why}`,
      });
      if (!done) refused.push(why);
      settle[place](done);
      this.#store.touch(alert.product_key);
    });
    const done = alerts.length - refused.length;
    if (done)
      this.#announce(
        alerts.length > 1 ? `${DONE[action]}: ${count(done, "alert")}.` : `${DONE[action]}.`,
      );
    if (refused.length) this.#announce(`Not done. ${refused[0]}`);
    return refused.length === 0;
  }

  /** The list has been sorted: alerts acted on are where they belong, and what was said is read. */
  sorted() {
    this.acted.clear();
    for (const [key, { error }] of this.messages) if (!error) this.messages.delete(key);
  }
}

function said(action, more) {
  if (action !== "snooze") return `${DONE[action]}.`;
  return `Snoozed until ${clock(serverNow() + more.snooze_minutes * 60e3, serverNow())}.`;
}

/** What the alert will probably look like. The stream brings what it does look like. */
function expected(action, alert, more, who) {
  const now = new Date(serverNow()).toISOString();
  const told = alert.delivered_at ? "delivered" : "new";
  const nobody = { acknowledged_by: null, acknowledged_at: null };
  switch (action) {
    case "acknowledge":
      return { attention: "reviewing", acknowledged_by: who, acknowledged_at: now };
    case "unacknowledge":
      return { attention: told, ...nobody };
    case "snooze":
      return {
        snooze_until: new Date(serverNow() + more.snooze_minutes * 60e3).toISOString(),
        snoozed_by: who,
      };
    case "resolve":
      return {
        attention: "resolved",
        resolution: "manual",
        resolved_at: now,
        resolved_by: who,
        snooze_until: null,
      };
    case "reopen": {
      const open = { resolution: null, resolved_at: null, resolved_by: null };
      return { attention: alert.acknowledged_by ? "reviewing" : told, ...open };
    }
    default:
      return { note: more.note };
  }
}
