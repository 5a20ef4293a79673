"""What the page asks the server for: all of every list, once, and each act once however often it is sent."""

from __future__ import annotations

import json

import pytest

ASKED = """(async () => {
    const [real, asked] = [globalThis.fetch, []];
    const answer = %s;
    globalThis.fetch = async (url, options) => {
        asked.push({ url, key: options.headers?.["Idempotency-Key"], body: options.body });
        const [status, body] = answer(new URL(url, "http://page.test"), asked.length);
        return new Response(typeof body === "string" ? body : JSON.stringify(body), { status });
    };
    try { return %s; } finally { globalThis.fetch = real; }
})()"""


@pytest.fixture
def ask(evaluate):
    """The value of an expression, with what was `asked`, of a server that answers so."""

    def value(answer, expression):
        return evaluate("api.js", ASKED % (answer, expression))

    return value


@pytest.mark.parametrize("status", [503, 0])
def test_an_act_that_is_sent_again_has_the_same_key_and_another_act_another(ask, status):
    """The server does it once for each key: two keys would do it twice, one for all only the first."""
    fails = '[503, { detail: "Not now." }]' if status else "(() => { throw new TypeError('x'); })()"
    answer = f"(url, n) => n %% 2 ? {fails} : [200, {{ results: [n] }}]".replace("%%", "%")
    found = ask(
        answer,
        """await (async () => [await m.act({ ids: [1] }), await m.act({ ids: [1] }),
            asked.map((one) => one.key), asked[1].body])()""",
    )
    first, second, keys, body = found
    assert (first, second, json.loads(body)) == ([2], [4], {"ids": [1]})
    assert keys[0] == keys[1] != keys[2] == keys[3]
    assert {len(key) for key in keys} == {32}


@pytest.mark.parametrize("status", [400, 403, 409, 500])
def test_an_act_that_was_refused_is_not_sent_again(ask, status):
    refused = "await m.act({}).catch((error) => [error.status, error.message, asked.length])"
    assert ask(f'() => [{status}, {{ detail: "No." }}]', refused) == [status, "No.", 1]


@pytest.mark.parametrize(
    ("status", "text", "why"),
    [
        (502, "<h1>Bad Gateway</h1>", "The server answered 502."),
        (200, "<h1>Welcome to the hotel</h1>", "The server answered 200."),
        (404, '{"detail": "No such product."}', "No such product."),
    ],
)
def test_what_is_no_answer_of_the_server_is_a_refusal(ask, status, text, why):
    refused = "await m.product('M', 'A').catch((error) => [error.status, error.message])"
    assert ask(f"() => [{status}, {json.dumps(text)}]", refused) == [status, why]


def test_what_names_a_product_is_not_a_part_of_the_address(ask):
    every = """await (async () => { await m.product("M/1", "A?&b"); await m.explanations("M/1", "A?&b");
        await m.trends("M&1", "A/b", { hours: 24, points: 60 }); return asked.map((one) => one.url); })()"""
    assert ask("() => [200, { explanations: [] }]", every) == [
        "/api/state/M%2F1/A%3F%26b",
        "/api/state/M%2F1/A%3F%26b/explanation",
        "/api/competitive-intelligence/trends/A%2Fb?marketplace=M%261&hours=24&points=60",
    ]


EVERYTHING = """(url) => {
    const [tab, page] = [url.searchParams.get("tab"), url.searchParams.get("page")];
    const row = (n) => ({ asin: `A${n}`, product_key: `P${n}`, severity: "high" });
    const rows = (from, to) => Array.from({ length: to - from }, (_, n) => row(from + n));
    const more = { cursor: `${tab} ${page}`, next_page: null };
    if (tab === "active" && !page) return [200, { ...more, alerts: rows(0, 150), next_page: "a&b" }];
    if (tab === "active") return [200, { ...more, alerts: rows(150, 251) }];
    if (tab === "snoozed" && !page) return [200, { ...more, alerts: rows(0, 2), next_page: "b" }];
    if (tab) return [200, { ...more, alerts: [] }];
    const asins = url.searchParams.getAll("asin");
    if (!asins.length) return [200, { ...more, states: rows(0, 20) }];
    const found = asins.map((asin) => row(Number(asin.slice(1))));
    return [200, { ...more, states: [row(3), ...found] }];
}"""


def test_everything_is_read_page_by_page_and_each_product_has_its_state_once(ask):
    every = """await (async () => {
        const found = await m.everything();
        return { ...found, cut: [...found.cut], asked: asked.map((one) => one.url) };
    })()"""
    found = ask(EVERYTHING, every)
    assert [one["asin"] for one in found["states"]] == [f"A{n}" for n in range(251)]
    assert len(found["alerts"]) == 253
    assert (found["cursor"], found["whole"], found["cut"]) == ("snoozed null", True, [])
    lists = [one for one in found["asked"] if "asin=" not in one]
    assert lists == [
        "/api/notifications/prioritized?tab=snoozed&limit=500",
        "/api/notifications/prioritized?tab=snoozed&limit=500&page=b",
        "/api/notifications/prioritized?tab=active&limit=500",
        "/api/notifications/prioritized?tab=active&limit=500&page=a%26b",
        "/api/notifications/prioritized?tab=resolved&limit=500",
        "/api/state?&limit=500",
    ]
    many = [one.count("asin=") for one in found["asked"] if "asin=" in one]
    assert many == [100, 100, 31]
