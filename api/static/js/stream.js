// The connection to the feed: live, catching up, or cut and trying again with its cursor.
//
// Read with fetch and not with EventSource: EventSource hides the keep-alives, so that a connection
// that died without a word would be shown as live for ever, and it hides why it was refused.

import { parser } from "./sse.js";

// Three keep-alives missed, or one of the longest that the server may be set to: the connection is
// dead, whatever it looks like.
const SILENCE_MS = 45_000;
const SETTLED_MS = 400; // no further piece for this long after a gap: all of it has come
const FIRST_WAIT_MS = 3_000;
const LONGEST_WAIT_MS = 30_000;

/** How long to wait before a try: what the server asked for, longer with each failure in a row. */
export function waitBefore(failures, wishedMs) {
  const wait = (wishedMs ?? FIRST_WAIT_MS) * 1.6 ** Math.max(0, failures - 1);
  return Math.min(LONGEST_WAIT_MS, Math.round(wait));
}

/**
 * Follows the feed from a cursor on. `on` has: state({state, reason, retryAt}), event(name, data),
 * unauthorized(). The states: connecting, catching-up, live, cut.
 */
export class Stream {
  #url;
  #on;
  #cursor = "";
  #wishedMs = null;
  #failures = 0;
  #abort = null;
  #timer = null;
  #watch = null;
  #settle = null;
  #heardAt = 0;
  #database = true;

  constructor(url, on) {
    this.#url = url;
    this.#on = on;
  }

  start(cursor) {
    this.stop();
    this.#cursor = cursor;
    this.#failures = 0;
    this.#watch = setInterval(() => this.#listen(), 5_000);
    this.#connect();
  }

  stop() {
    clearInterval(this.#watch);
    this.#hangUp();
  }

  /** Try at once: the network is back, or somebody asked for it. */
  retryNow() {
    if (this.#timer !== null) this.#connect();
  }

  #hangUp() {
    clearTimeout(this.#timer);
    clearTimeout(this.#settle);
    this.#timer = null;
    this.#settle = null;
    this.#abort?.abort();
    this.#abort = null;
  }

  /** Has the connection died in silence, for example while the lid was closed? */
  #listen() {
    if (this.#abort && Date.now() - this.#heardAt > SILENCE_MS) {
      this.#failures += 1;
      this.#connect("no sign of life from the server; trying again");
    }
  }

  async #connect(why = "trying again") {
    this.#hangUp();
    const abort = (this.#abort = new AbortController());
    this.#heardAt = Date.now();
    this.#say(...(this.#failures ? ["cut", why] : ["connecting", ""]));
    try {
      const headers = { Accept: "text/event-stream", "Last-Event-ID": this.#cursor };
      const options = {
        headers,
        signal: abort.signal,
        cache: "no-store",
        credentials: "same-origin",
      };
      const answer = await fetch(this.#url, options);
      if (answer.status === 401) {
        this.stop();
        this.#on.unauthorized();
        return;
      }
      if (!answer.ok) throw new Error(await refusal(answer));
      this.#say("catching-up", "");
      await this.#read(answer.body, abort.signal);
      throw new Error("the server closed the connection");
    } catch (error) {
      if (!abort.signal.aborted) this.#failed(error);
    }
  }

  async #read(body, signal) {
    const events = parser(this.#cursor);
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { value, done } = await reader.read();
      if (done || signal.aborted) return;
      this.#heardAt = Date.now();
      for (const one of events.take(value)) this.#hear(one);
      this.#cursor = events.lastId();
      if (this.#settle !== null) this.#settleSoon();
    }
  }

  #hear(one) {
    if ("retry" in one) this.#wishedMs = one.retry;
    else if ("comment" in one) this.#caughtUp();
    else if (one.name === "cursor") this.#began(JSON.parse(one.data));
    else if (one.name === "feed") this.#feed(JSON.parse(one.data).live);
    else this.#on.event(one.name, JSON.parse(one.data));
  }

  #began({ live, resumed }) {
    this.#failures = 0;
    this.#database = live;
    if (resumed) this.#settleSoon();
    else this.#caughtUp(true);
  }

  #settleSoon() {
    clearTimeout(this.#settle);
    this.#settle = setTimeout(() => this.#caughtUp(), SETTLED_MS);
  }

  #caughtUp(always = false) {
    if (this.#settle === null && !always) return;
    clearTimeout(this.#settle);
    this.#settle = null;
    this.#feed(this.#database);
  }

  /** The server is there; whether it reaches its database is another matter. */
  #feed(live) {
    this.#database = live;
    if (live) this.#say("live", "");
    else this.#say("cut", "the server does not reach its database; it tries again by itself");
  }

  #failed(error) {
    this.#hangUp();
    this.#failures += 1;
    const wait = waitBefore(this.#failures, this.#wishedMs);
    this.#timer = setTimeout(() => this.#connect(), wait);
    const reason = error instanceof TypeError ? "the server cannot be reached" : error.message;
    this.#say("cut", reason, Date.now() + wait);
  }

  #say(state, reason, retryAt = null) {
    this.#on.state({ state, reason, retryAt });
  }
}

async function refusal(answer) {
  try {
    return (await answer.json()).detail;
  } catch {
    return `the server answered ${answer.status}`;
  }
}
