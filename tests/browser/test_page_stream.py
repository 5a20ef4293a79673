"""The page's connection to the feed: when it may call itself live, what it comes back with, when it ends."""

from __future__ import annotations

import json

import pytest

FOLLOWED = """(async () => {
    const real = { fetch, setTimeout, clearTimeout, setInterval, clearInterval };
    const [clock, turn] = [Date.now, setTimeout];
    const [due, lines, asked, said, heard] = [new Map(), [], [], [], []];
    let [time, number] = [0, 0];
    const after = (act, wait, every) => (due.set(++number, { act, at: time + wait, every }), number);
    const drained = async () => {
        for (let n = 0; n < 12; n += 1) await new Promise((go) => turn(go, 0));
    };
    const pass = async (seconds) => {
        const end = time + seconds * 1000;
        await drained();
        for (;;) {
            const [next] = [...due].filter(([, one]) => one.at <= end).sort((a, b) => a[1].at - b[1].at);
            if (!next) break;
            const [id, one] = next;
            time = Math.max(time, one.at);
            if (one.every) one.at += one.every;
            else due.delete(id);
            one.act();
            await drained();
        }
        time = end;
    };
    const line = (signal, ok, no) => {
        const one = { cut: () => one.body ? one.body.error(new TypeError("x")) : no(new TypeError("x")) };
        const gone = () => one.body ? one.body.error(new Error("aborted")) : no(new Error("aborted"));
        signal?.addEventListener("abort", () => { one.gone = true; gone(); });
        one.refuse = async (status, text) => {
            ok(new Response(text, { status }));
            await drained();
        };
        one.open = () => ok(new Response(new ReadableStream({ start: (body) => { one.body = body; } })));
        one.send = async (...texts) => {
            if (!one.body) one.open();
            for (const text of texts) one.body.enqueue(new TextEncoder().encode(text));
            await drained();
        };
        lines.push(one);
    };
    const state = () => said.at(-1)?.state;
    const stream = new m.Stream("/stream", {
        state: (one) => said.push(one),
        event: (name, data) => heard.push([name, data]),
        unauthorized: () => said.push({ state: "unauthorized" }),
    });
    Date.now = () => time;
    Object.assign(globalThis, {
        fetch: (url, { headers, signal }) => {
            asked.push(headers["Last-Event-ID"]);
            return new Promise((ok, no) => line(signal, ok, no));
        },
        setTimeout: (act, wait) => after(act, wait), clearTimeout: (id) => due.delete(id),
        setInterval: (act, wait) => after(act, wait, wait), clearInterval: (id) => due.delete(id),
    });
    try {
        stream.start("a~0:0:");
        %s
    } finally {
        stream.stop();
        Date.now = clock;
        Object.assign(globalThis, real);
    }
})()"""

RETRY, ALIVE = "retry: 4000\n\n", ": alive\n\n"


def cursor(name, *, live=True, resumed=True):
    data = json.dumps({"live": live, "resumed": resumed})
    return f"id: {name}\nevent: cursor\ndata: {data}\n\n"


def event(name, data, ident=""):
    return f"id: {ident}\nevent: {name}\ndata: {json.dumps(data)}\n\n"


def js(*texts):
    return ", ".join(json.dumps(one) for one in texts)


LIVE = f"await lines[0].send({js(RETRY + cursor('a~1:1:', resumed=False))});"


@pytest.fixture
def follow(evaluate):
    """What a script returns that has `lines` to the server, `pass(seconds)` and what was `said`."""

    def ask(script):
        return evaluate("stream.js", FOLLOWED % script)

    return ask


def test_it_comes_back_with_the_last_event_that_came_whole(follow):
    whole, half = event("state", {"n": 1}, "a~2:2:"), "id: a~3:3:\nevent: state\nda"
    found = follow(f"""{LIVE}
        await lines[0].send({js(whole, half)});
        lines[0].cut();
        await pass(4);
        return [asked, heard, said.map((one) => [one.state, one.reason, one.retryAt])];""")
    asked, heard, said = found
    assert asked == ["a~0:0:", "a~2:2:"]
    assert heard == [["state", {"n": 1}]]
    assert said == [
        ["connecting", "", None],
        ["catching-up", "", None],
        ["live", "", None],
        ["cut", "the server cannot be reached", 4000],
        ["cut", "trying again", None],
    ]


def test_a_connection_that_the_server_ends_in_peace_is_cut_all_the_same(follow):
    found = follow(f"{LIVE} lines[0].body.close(); await drained(); return said.at(-1);")
    assert (found["state"], found["reason"]) == ("cut", "the server closed the connection")


@pytest.mark.parametrize(
    ("status", "text", "reason"),
    [
        (503, '{"detail": "too many streams"}', "too many streams"),
        (502, "<h1>Bad Gateway</h1>", "the server answered 502"),
    ],
)
def test_why_it_was_refused_is_told(follow, status, text, reason):
    script = f"await lines[0].refuse({status}, {json.dumps(text)}); return said.at(-1);"
    assert follow(script) == {"state": "cut", "reason": reason, "retryAt": 3000}


def test_it_is_live_only_when_all_that_was_missed_has_come(follow):
    found = follow(f"""const states = [];
        await lines[0].send({js(RETRY + cursor("a~1:1:"))});
        for (let n = 0; n < 4; n += 1) {{
            await pass(0.3);
            await lines[0].send({js(event("state", {"n": 1}, "a~2:2:"))});
            states.push(state());
        }}
        await pass(0.399);
        states.push(state());
        await pass(0.001);
        return [...states, state()];""")
    assert found == ["catching-up"] * 5 + ["live"]


def test_a_sign_of_life_says_that_nothing_more_is_to_come(follow):
    told = js(cursor("a~1:1:") + ALIVE)
    assert follow(f"await lines[0].send({told}); return state();") == "live"


def test_what_was_cut_while_it_caught_up_is_not_live_again_before_it_has_caught_up(follow):
    """Neither on the connection that is gone nor on the next one, which has told nothing yet."""
    found = follow(f"""await lines[0].send({js(RETRY + cursor("a~1:1:"))});
        lines[0].cut();
        await pass(1);
        const states = [state()];
        await pass(3);
        await lines[1].send({js(RETRY)});
        await pass(1);
        states.push(state());
        await lines[1].send({js(cursor("a~1:1:"))});
        await pass(1);
        return [...states, state()];""")
    assert found == ["cut", "catching-up", "live"]


@pytest.mark.parametrize("resumed", [True, False])
def test_a_server_that_does_not_reach_its_database_is_not_live(follow, resumed):
    up, down = (event("feed", {"live": live}, "a~1:1:") for live in (True, False))
    began = cursor("a~1:1:", live=False, resumed=resumed)
    found = follow(f"""const states = [];
        for (const text of [{js(began, up, down, ALIVE, event("state", {}, "a~2:2:"))}]) {{
            await lines[0].send(text);
            await pass(1);
            states.push(state());
        }}
        return [states, said.at(-1).reason, heard.length];""")
    why = "the server does not reach its database; it tries again by itself"
    assert found == [["cut", "live", "cut", "cut", "cut"], why, 1]


def test_a_database_that_is_lost_while_it_catches_up_is_lost_afterwards(follow):
    told = js(cursor("a~1:1:"), event("feed", {"live": False}, "a~1:1:"))
    assert follow(f"await lines[0].send({told}); await pass(1); return state();") == "cut"


def test_signs_of_life_keep_it_and_silence_ends_it(follow):
    found = follow(f"""{LIVE}
        for (let n = 0; n < 5; n += 1) {{
            await pass(15);
            await lines[0].send({js(ALIVE)});
        }}
        const [before, tries] = [state(), asked.length];
        await pass(45);
        const [still, after] = [asked.length, said.length];
        await pass(5);
        return [before, tries, still, asked.length, said.slice(after), lines[0].gone];""")
    cut = {"state": "cut", "reason": "no sign of life from the server; trying again"}
    assert found == ["live", 1, 1, 2, [cut | {"retryAt": None}], True]


def test_a_long_wait_for_the_answer_is_not_cut_short_by_an_earlier_silence(follow):
    found = follow("""for (let n = 0; n < 6; n += 1) { lines.at(-1).cut(); await pass(30); }
        const tries = asked.length;
        await pass(40);
        return asked.length - tries;""")
    assert found == 0


def test_waits_grow_until_it_has_been_there_again(follow):
    waits = follow(f"""const waits = [];
        const fail = () => {{ lines.at(-1).cut(); }};
        for (let n = 0; n < 5; n += 1) {{
            fail();
            await drained();
            waits.push(said.at(-1).retryAt - time);
            await pass(waits.at(-1) / 1000);
            if (n === 2) await lines.at(-1).send({js(RETRY + cursor("a~1:1:"))});
        }}
        return waits;""")
    assert waits == [3000, 4800, 7680, 4000, 6400]


def test_a_try_that_is_asked_for_takes_the_place_of_the_one_that_waits(follow):
    found = follow(f"""lines[0].cut();
        await pass(1);
        stream.retryNow();
        stream.retryNow();
        await lines[1].send({js(cursor("a~1:1:", resumed=False))});
        await pass(20);
        stream.retryNow();
        return [asked.length, state()];""")
    assert found == [2, "live"]


@pytest.mark.parametrize("when", ["", LIVE, "lines[0].cut(); await pass(1);"])
def test_after_its_end_it_asks_nothing_and_tells_nothing(follow, when):
    found = follow(f"""{when}
        const [tries, before] = [asked.length, said.length];
        stream.stop();
        await drained();
        stream.retryNow();
        await pass(100);
        return [asked.length - tries, said.length - before, lines[0].gone, heard];""")
    assert found == [0, 0, True, []]


def test_whoever_begins_anew_no_longer_hears_the_old_connection(follow):
    found = follow(f"""{LIVE}
        stream.start("b~9:9:");
        await drained();
        return [asked, lines[0].gone, state()];""")
    assert found == [["a~0:0:", "b~9:9:"], True, "connecting"]


def test_who_is_not_logged_in_is_not_asked_for_again_and_again(follow):
    script = (
        """await lines[0].refuse(401, "{}"); await pass(100); return [asked.length, state()];"""
    )
    assert follow(script) == [1, "unauthorized"]
