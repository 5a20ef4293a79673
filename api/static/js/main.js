// The page: who is there, what there is, and what happens when something changes.

import { Actions } from "./actions.js";
import { everything, logOut, session } from "./api.js";
import { Announcer } from "./announce.js";
import { serverNow } from "./clock.js";
import { h } from "./dom.js";
import { Drawer } from "./drawer.js";
import { count, moment } from "./format.js";
import { Header } from "./header.js";
import { firstSteps, List } from "./list.js";
import { askForToken } from "./login.js";
import { Sparks } from "./sparks.js";
import { Store } from "./store.js";
import { Stream } from "./stream.js";
import { Tabs } from "./tabs.js";

const TICK_MS = 5000;
const AGAIN_MS = 3000; // after a read that failed
const TYPED_MS = 700; // this long after the last key, the search is taken as typed
const $ = (id) => document.getElementById(id);

const store = new Store();
const announcer = new Announcer({
  set textContent(sentence) {
    (drawer.voice ?? $("announce")).textContent = sentence;
  },
});
const actions = new Actions(store, announcer.say);
const sparks = new Sparks();
const drawer = new Drawer($("drawer"), store);
const stream = new Stream("/api/notifications/stream", {
  state: (found) => header.connection(found),
  event: hear,
  unauthorized: enter,
});
const header = new Header(announcer.say, retryNow, (sentence) => drawer.cut(sentence));
const list = new List(store, $("products"), {
  actions,
  sparks,
  open: (product) => drawer.open(product),
  blank,
});
const tabs = new Tabs(document.querySelector(".tabs"), $("products"), (tab) => {
  list.show(tab, $("find").value);
  document.title = title();
});
let counts = {};
let entering = false;
let telling = null;
let wake = () => {}; // ends the wait for the next try at reading everything

function hear(name, data) {
  if (name === "state" || name === "alert") store.apply(name, data);
  else if (name === "reset") reload();
}

store.onChange((dirty, fresh) => {
  recount();
  list.refresh(dirty);
  drawer.refresh(dirty);
  announcer.fresh(fresh);
  announcer.changed(dirty);
});

function recount() {
  counts = tabs.count(store.products(), store.cut);
  document.title = title();
}

function title() {
  return counts.critical ? `(${counts.critical}) critical · buybox` : "buybox";
}

function blank(tab, query) {
  if (!store.size) return firstSteps();
  if (query) return [h("p", {}, `No product in this tab is called “${query}”.`)];
  const words = {
    all: "No products.",
    snoozed: "Nothing is snoozed.",
    resolved: "Nothing was resolved in the last seven days.",
  };
  return [h("p", {}, words[tab] ?? `No product is ${tab}.`)];
}

/** Read everything. What changes meanwhile comes over the stream, which goes on from the cursor. */
async function load() {
  const found = await everything();
  store.fill(found);
  sparks.clear();
  recount();
  return found;
}

/**
 * The stream cannot go on from where it was, so what is held may be out of date. It begins again
 * after what is read here, since what it told meanwhile was replaced with all that was held.
 */
async function reload() {
  try {
    const found = await patiently(load);
    list.apply();
    drawer.again();
    stream.start(found.cursor);
  } catch (error) {
    if (error.status !== 401) throw error;
    enter();
  }
}

/** Find out who is there, ask for a token if need be, and begin. */
async function enter() {
  if (entering) return;
  entering = true;
  stream.stop();
  header.rest();
  for (;;) {
    try {
      become(await patiently(session));
      const found = await patiently(load);
      show("page");
      tabs.choose(tabs.chosen ?? firstTab());
      stream.start(found.cursor);
      header.watch(enter);
      entering = false;
      return;
    } catch (error) {
      if (error.status !== 401) throw error;
      const over = actions.who ? "Your session is over: log in again." : "";
      become(null);
      header.away();
      show("login");
      become(await askForToken(over));
    }
  }
}

/** Try until the server answers; only a 401, "nobody is logged in", is thrown at once. */
async function patiently(act) {
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (error.status === 401) throw error;
      const cut = { state: "cut", reason: error.message.replace(/\.$/, "") };
      header.connection({ ...cut, retryAt: Date.now() + AGAIN_MS });
      await new Promise((go) => {
        wake = go;
        setTimeout(go, AGAIN_MS);
      });
      header.connection({ ...cut, retryAt: null });
    }
  }
}

/** The network is back, somebody looks again, or asked for it. */
function retryNow() {
  wake();
  stream.retryNow();
}

function become(who) {
  actions.who = who;
  $("who").textContent = actions.who
    ? `${actions.who.name}${actions.may ? "" : " (may look, not act)"}`
    : "";
  $("who").hidden = !actions.who || actions.who.name === "local";
  $("logout").hidden = !actions.who?.expires_at;
  $("logout").textContent = "Log out";
}

function firstTab() {
  return ["critical", "high", "warning"].find((tab) => counts[tab]) ?? "all";
}

function show(id) {
  for (const one of ["login", "page"]) $(one).hidden = one !== id;
  if (id === "login") drawer.close();
  document.title = id === "login" ? "Log in · buybox" : title();
}

$("find").addEventListener("input", () => {
  list.show(tabs.chosen, $("find").value);
  clearTimeout(telling);
  telling = setTimeout(() => announcer.say(`${count(list.length, "product")} found.`), TYPED_MS);
});
$("logout").addEventListener("click", async () => {
  try {
    await logOut();
  } catch (error) {
    if (error.status !== 401) {
      $("logout").textContent = "Not logged out: try again";
      announcer.say("Not logged out.");
      return;
    }
  }
  become(null);
  enter();
});
window.addEventListener("online", retryNow);
window.addEventListener("beforeprint", () => {
  $("printed").textContent = `Printed ${moment(serverNow())}`;
});
document.addEventListener("visibilitychange", () => document.hidden || retryNow());
setInterval(() => {
  const now = serverNow();
  store.tick(now);
  list.tick(now);
}, TICK_MS);

enter();
