// The header: the connection, the workers, the queue's age, the theme; and the banner while cut.

import { workerStatus } from "./api.js";
import { serverNow } from "./clock.js";
import { h, setText } from "./dom.js";
import { age, clock, count } from "./format.js";

const ASK_EVERY_MS = 5000;
const CONNECTION = {
  connecting: "Connecting",
  "catching-up": "Catching up",
  live: "Live",
  cut: "Cut",
};
const HEALTH = {
  healthy: "Workers healthy",
  degraded: "Workers degraded",
  critical: "Workers critical",
};

const $ = (id) => document.getElementById(id);

export class Header {
  #announce;
  #tell;
  #cutSince = null;
  #was = null;
  #heard = null; // the workers' health as last heard of, whatever was not answered since
  #last = { state: "connecting", reason: "", retryAt: null };

  /** `tell` is given all that the banner says: it is not seen behind what lies over the page. */
  constructor(announce, retryNow, tell) {
    this.#announce = announce;
    this.#tell = tell;
    $("cut").querySelector("button").addEventListener("click", retryNow);
    $("theme").addEventListener("click", nextTheme);
    closeWhenLeft($("workers"));
    showTheme();
    setInterval(() => this.#banner(), 1000);
  }

  connection(found) {
    this.#last = found;
    const pill = $("connection");
    pill.dataset.state = found.state;
    setText(pill.lastElementChild, CONNECTION[found.state]);
    if (found.state === "cut") this.#cutSince ??= serverNow();
    if (found.state === "live") this.#cutSince = null;
    if (
      found.state !== this.#was &&
      (found.state === "cut" || (found.state === "live" && this.#was))
    ) {
      if (found.state === "cut" || this.#lost)
        this.#announce(found.state === "cut" ? "The connection is cut." : "Live again.");
      this.#lost = found.state === "cut";
    }
    this.#was = found.state;
    this.#banner();
  }

  #lost = false;

  #banner() {
    const banner = $("cut");
    const { state, reason, retryAt } = this.#last;
    banner.hidden = this.#cutSince === null || state === "live";
    document.body.classList.toggle("is-cut", !banner.hidden);
    if (banner.hidden) return this.#tell("");
    const left = retryAt === null ? null : Math.max(0, Math.ceil((retryAt - Date.now()) / 1000));
    const next = left === null ? "" : left ? ` Next try in ${left} s.` : " Trying now.";
    const since = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" }).format(
      this.#cutSince,
    );
    const sentence =
      state === "catching-up"
        ? "Connected again, catching up."
        : `Cut since ${since}: ${reason}. What you see is as of then.${next}`;
    setText(banner.firstElementChild, sentence);
    banner.querySelector("button").hidden = left === null;
    return this.#tell(sentence);
  }

  /** Nobody is logged in: there is no connection to speak of. */
  away() {
    this.#cutSince = null;
    this.connection({ state: "connecting", reason: "", retryAt: null });
    setText($("connection").lastElementChild, "Not logged in");
  }

  /** Ask for the workers' health, again and again while somebody looks. `failed` hears of a 401. */
  watch(failed) {
    let asked = false; // one question at a time, even if the server hangs
    const ask = async () => {
      if (document.hidden || asked) return;
      asked = true;
      try {
        this.#workers(await workerStatus());
      } catch (error) {
        this.#unknown(error.message);
        if (error.status === 401) failed();
      } finally {
        asked = false;
      }
    };
    clearInterval(this.#asking);
    this.#asking = setInterval(ask, ASK_EVERY_MS);
    ask();
  }

  rest() {
    clearInterval(this.#asking);
    for (const id of ["workers", "queue"]) $(id).hidden = true;
  }

  #asking = null;

  #workers({ ingestion, analysis, overall_health: health }) {
    const now = serverNow();
    const seen = (name, at) =>
      `${name}: ${at ? `seen ${age(at, now)} ago (${clock(at, now)})` : "never seen"}`;
    this.#health(health, HEALTH[health], [
      seen("Ingestion", ingestion.last_heartbeat),
      seen("Analysis", analysis.last_heartbeat),
      `${ingestion.processed_per_minute} messages worked out in the last minute`,
      ingestion.dlq_count === null
        ? "Dead letters: unknown, no ingester reports them"
        : count(ingestion.dlq_count, "dead letter"),
    ]);
    const { queue_depth: depth, oldest_message_age_seconds: oldest } = ingestion;
    const waiting = depth === null ? "Queue unknown" : `Queue ${depth}`;
    const oldestText =
      oldest === null
        ? ""
        : `, oldest ${oldest < 1 ? "under 1 s" : age(new Date(now - oldest * 1000).toISOString(), now)}`;
    const backlog = analysis.backlog_count ? `, ${analysis.backlog_count} to analyse` : "";
    $("queue").hidden = false;
    setText($("queue"), waiting + oldestText + backlog);
    $("queue").title =
      depth === null
        ? "No ingester reports how many messages wait in SQS."
        : "Messages that wait in SQS, and how long the oldest message has waited";
  }

  #unknown(why) {
    this.#health("unknown", "Workers unknown", [why]);
    $("queue").hidden = true;
  }

  #health(state, name, sentences) {
    const [pill, list] = $("workers").children;
    $("workers").hidden = false;
    pill.dataset.state = state;
    setText(pill.lastElementChild, name);
    if (state !== "unknown") {
      if (this.#heard !== null && this.#heard !== state) this.#announce(`${name}.`);
      this.#heard = state;
    }
    arrangeTexts(list, sentences);
  }
}

function arrangeTexts(list, sentences) {
  while (list.children.length > sentences.length) list.lastElementChild.remove();
  while (list.children.length < sentences.length) list.append(h("li"));
  sentences.forEach((sentence, place) => setText(list.children[place], sentence));
}

/** What is unfolded over the page closes with Escape, and when somebody turns to something else. */
function closeWhenLeft(details) {
  details.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !details.open) return;
    details.open = false;
    details.querySelector("summary").focus();
  });
  addEventListener("pointerdown", (event) => {
    if (!details.contains(event.target)) details.open = false;
  });
}

function nextTheme() {
  const now = document.documentElement.dataset.theme ?? "auto";
  const next = { auto: "light", light: "dark", dark: "auto" }[now];
  if (next === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  try {
    localStorage.setItem("buybox-theme", next);
  } catch {
    // it holds until the page is left
  }
  showTheme();
}

function showTheme() {
  setText($("theme"), `Theme: ${document.documentElement.dataset.theme ?? "auto"}`);
}
