"""What the page holds and what people do to it: told at once, and taken back where it was refused."""

from __future__ import annotations

import json

import pytest

from tests.page_rows import alert, state

ALL = {"states": [], "alerts": [], "whole": True}
BOB = {"attention": "reviewing", "acknowledged_by": "bob"}

HELD = """(() => {
    globalThis.requestAnimationFrame ??= () => 0;
    const store = new m.Store();
    const shown = (name = "attention") => store.product("P")?.alerts.map((one) => one[name]);
    store.fill(%s);
    return %s;
})()"""


@pytest.fixture
def held(evaluate):
    """The value of an expression over a `store` that was filled so; `shown()` are its alerts."""

    def ask(given, expression):
        return evaluate("store.js", HELD % (json.dumps(ALL | given), expression))

    return ask


@pytest.mark.parametrize(
    ("whole", "severity", "known", "added"),
    [
        (True, "success", False, True),
        (False, "success", False, False),
        (False, "info", False, False),
        (False, "warning", False, True),
        (False, "success", True, True),
    ],
)
def test_of_a_list_that_holds_only_the_worst_calm_states_are_told_of_what_is_there(
    held, whole, severity, known, added
):
    given = {"whole": whole, "states": [state(severity="high", version=1)] if known else []}
    told = json.dumps(state(severity=severity, version=2))
    found = held(given, f"(store.apply('state', {told}), store.product('P')?.severity)")
    assert found == (severity if added else None)
    assert held(given, f"(store.apply('alert', {json.dumps(alert(1))}), store.size)") == 1


def test_what_is_filled_in_takes_the_place_of_all_that_was_held(held):
    anew = json.dumps(ALL | {"states": [state(key="n")], "counts": 7, "cut": ["all"]})
    given = {"states": [state()], "alerts": [alert(1)]}
    expression = f"""(store.product("P"), store.fill({anew}),
        [store.product("P").states.map((one) => one.key), shown(), store.counts, store.cut,
         [...store.products()].length, store.product("Q")])"""
    assert held(given, expression) == [["n"], [], 7, ["all"], 1, None]
    gone = f'(store.product("P"), store.fill({json.dumps(ALL)}), store.product("P"))'
    assert held(given, gone) is None


@pytest.mark.parametrize(
    ("then", "shown"),
    [
        ("", ["reviewing"]),
        ("settle(true);", ["reviewing"]),
        ("settle(false);", ["new"]),
        ("store.apply('alert', told); settle(false);", ["delivered"]),
        ("store.apply('alert', told); settle(true);", ["delivered"]),
    ],
)
def test_an_act_is_shown_until_it_is_answered_or_the_stream_knows_better(held, then, shown):
    told = alert(1, attention="delivered")
    act = f"""(() => {{ const told = {json.dumps(told)};
        shown();
        const settle = store.expect({json.dumps(alert(1))}, {json.dumps(BOB)});
        {then or "shown();"} return [shown(), shown("severity")]; }})()"""
    assert held({"alerts": [alert(1)]}, act) == [shown, ["high"]]


def test_of_what_has_ended_the_newest_twenty_of_a_product_are_held(held):
    ended = [alert(n, attention="resolved") for n in (25, *range(2, 25))]
    found = held({"alerts": [alert(1), *ended], "states": [state()]}, 'shown("id")')
    assert found == [1, *range(25, 5, -1)]


def test_what_changed_is_told_once_a_frame_and_which_alerts_were_not_there_before(held):
    known, new = json.dumps(alert(1)), json.dumps(alert(2, product_key="Q"))
    expression = f"""new Promise((told) => {{
        const heard = [];
        store.onChange((dirty, fresh) => {{
            heard.push([[...dirty], fresh.map((one) => one.id)]);
            if (heard.length === 2) told(heard);
            else store.apply("alert", {known});
        }});
        store.apply("alert", {known}); store.apply("alert", {new}); store.apply("alert", {new});
        store.apply("state", {json.dumps(state(product_key="R"))});
    }})"""
    found = held({"alerts": [alert(1)]}, expression)
    assert found == [[["P", "Q", "R"], [2]], [["P"], []]]


def test_a_snooze_that_is_over_is_told_when_its_time_comes(held):
    asleep = {"alerts": [alert(1, snooze_until="2999-01-01T00:00:00Z")]}
    for hour, woken in (("2998-12-31T23:59:59Z", False), ("2999-01-01T00:00:00Z", True)):
        expression = f"""new Promise((told) => {{
            store.product("P");
            store.onChange((dirty) => told(dirty.has("P")));
            store.tick(Date.parse("{hour}"));
            setTimeout(() => told(false), 400);
        }})"""
        assert held(asleep, expression) is woken


RUN = """(async () => {
    const said = [], settled = [], asked = [];
    const store = { expect: (one, patch) => { asked.push(patch); return (done) => settled.push([one.id, done]); },
                    touch: () => 0 };
    globalThis.fetch = async (path, options) => {
        if (options.body) asked.push(JSON.parse(options.body));
        return %s;
    };
    const actions = new m.Actions(store, (sentence) => said.push(sentence));
    actions.who = { name: "ann", role: "operator" };
    const all = await actions.run(%s, %s, %s);
    const told = Object.fromEntries([...actions.messages].map(([key, one]) => [key, [one.error, one.text]]));
    actions.sorted();
    return { all, said, settled, told, left: [...actions.messages.keys()], asked };
})()"""


@pytest.fixture
def run(evaluate):
    """What becomes of an act that the server answers so."""

    def act(action, alerts, results=None, *, status=200, more=None):
        answer = {"results": results} if status == 200 else {"detail": "No.", "type": "x"}
        response = f"new Response({json.dumps(json.dumps(answer))}, {{status: {status}}})"
        given = (json.dumps(one) for one in (action, alerts, more or {}))
        return evaluate("actions.js", RUN % (response, *given))

    return act


def result(number, done, message="Ann is on it."):
    return {"id": number, "done": done, "code": "x", "message": message}


def test_of_several_each_is_told_its_own_end_and_what_was_refused_stays_to_be_read(run):
    found = run("acknowledge", [alert(1), alert(2), alert(3)], [result(2, True), result(1, False)])
    assert found["told"] == {
        "1": [True, "Not done. Ann is on it."],
        "2": [False, "Acknowledged."],
        "3": [True, "Not done. The server did not say what became of it."],
    }
    assert found["settled"] == [[1, False], [2, True], [3, False]]
    assert found["said"] == ["Acknowledged: 1 alert.", "Not done. Ann is on it."]
    assert (found["all"], found["left"]) == (False, ["1", "3"])


def test_what_the_server_refuses_whole_was_done_to_none(run):
    found = run("resolve", [alert(1), alert(2)], status=403)
    assert set(map(tuple, found["told"].values())) == {(True, "Not done. No.")}
    assert (found["settled"], found["all"]) == ([[1, False], [2, False]], False)
    assert found["said"] == ["Not done. No."]


@pytest.mark.parametrize(
    ("action", "before", "more", "said", "expected"),
    [
        ("acknowledge", {}, {}, "Acknowledged.", BOB | {"acknowledged_by": "ann"}),
        ("unacknowledge", BOB, {}, "Given back.", {"attention": "new", "acknowledged_by": None}),
        (
            "unacknowledge", BOB | {"delivered_at": "2026-03-04T10:00:00Z"}, {}, "Given back.",
            {"attention": "delivered", "acknowledged_at": None},
        ),
        ("resolve", {}, {}, "Resolved.", {"attention": "resolved", "resolution": "manual", "resolved_by": "ann", "snooze_until": None}),
        ("reopen", {}, {}, "Reopened.", {"attention": "new", "resolution": None, "resolved_at": None}),
        ("reopen", BOB, {}, "Reopened.", {"attention": "reviewing", "resolved_by": None}),
        ("note", {}, {"note": "Asked."}, "Note saved.", {"note": "Asked."}),
        ("snooze", {}, {"snooze_minutes": 30}, None, {"snoozed_by": "ann"}),
    ],
)  # fmt: skip
def test_what_is_shown_until_the_server_has_answered(run, action, before, more, said, expected):
    found = run(action, [alert(7, **before)], [result(7, True)], more=more)
    shown, sent = found["asked"]
    assert {name: shown.get(name, "-") for name in expected} == expected
    assert sent == {"action": action, "ids": [7]} | more
    error, text = found["told"]["7"]
    assert (error, found["all"]) == (False, True)
    assert text == said or (said is None and text.startswith("Snoozed until "))
