"""The lines of the charts: prices hold until they change, and what is unknown is a gap."""

from __future__ import annotations

import json

import pytest

POINTS = [
    {"event_time": "1970-01-01T00:00:00Z", "p": "10"},
    {"event_time": "1970-01-01T00:00:10Z", "p": None},
    {"event_time": "1970-01-01T00:00:20Z", "p": "20"},
    {"event_time": "1970-01-01T00:00:30Z", "p": "15"},
]


def test_prices_hold_until_they_change_and_unknown_is_a_gap(evaluate):
    expression = (
        f"m.steps({json.dumps(POINTS)}, 'p', m.scale([0, 40000], [0, 40]), (v) => v, 40000)"
    )
    assert evaluate("paths.js", expression) == "M0 10H10M20 20H30V15H40"


def test_nothing_known_has_no_extent(evaluate):
    assert evaluate("paths.js", "m.extent([{p: null}], ['p'])") is None


def test_ticks_are_round_and_inside(evaluate):
    assert evaluate("paths.js", "m.ticks([16.6, 29.4], 6)") == [17.5, 20, 22.5, 25, 27.5]


@pytest.mark.parametrize(
    ("prices", "extent"),
    [
        (["10", "20", None], [9.2, 20.8]),
        (["50", "50"], [49.92, 50.08]),
        (["-50"], [-50.08, -49.92]),
        (["0"], [-0.08, 0.08]),
    ],
)
def test_the_range_has_some_air_even_around_a_price_that_never_changed(evaluate, prices, extent):
    points = json.dumps([{"p": price} for price in prices] + [{}])
    found = evaluate("paths.js", f"m.extent({points}, ['p', 'q'])")
    assert found == pytest.approx(extent)


@pytest.mark.parametrize(
    ("value", "pixel"), [(15, 150), (10, 240), (20, 60), (10.01, 239.8), (15.002, 150)]
)
def test_a_scale_leads_from_values_to_tenths_of_a_pixel(evaluate, value, pixel):
    assert evaluate("paths.js", f"m.scale([10, 20], [240, 60])({value})") == pixel


def test_a_scale_of_one_value_has_one_place(evaluate):
    assert evaluate("paths.js", "m.scale([5, 5], [10, 60])(5)") == 10


def test_stretches_last_until_another_value_and_the_last_one_until_the_end(evaluate):
    points = [
        {"event_time": f"1970-01-01T00:00:{second:02}Z", "w": won}
        for second, won in ((0, True), (10, True), (20, None), (30, False))
    ]
    assert evaluate("paths.js", f"m.stretches({json.dumps(points)}, 'w', 40000)") == [
        {"from": 0, "to": 20000, "value": True},
        {"from": 20000, "to": 30000, "value": None},
        {"from": 30000, "to": 40000, "value": False},
    ]


@pytest.mark.parametrize(("at", "held"), [(-1, "-"), (0, "10"), (9999, "10"), (10000, None)])
def test_a_moment_has_the_prices_of_the_message_before_it(evaluate, at, held):
    found = evaluate("paths.js", f"m.pointAt({json.dumps(POINTS)}, {at})")
    assert (found["p"] if found else "-") == held


def test_the_first_and_the_last_price_that_is_known(evaluate):
    points = [{"p": None}, {"p": "1"}, {"p": "2"}, {"p": "3"}, {}]
    assert evaluate("paths.js", f"m.ends({json.dumps(points)}, 'p')") == ["1", "3"]
    assert evaluate("paths.js", "m.ends([{p: null}], 'p')") is None


@pytest.mark.parametrize(
    ("span", "about", "ticks"),
    [
        ([0, 10], 5, [0, 2, 4, 6, 8, 10]),
        ([0.9, 1.32], 6, [0.9, 1, 1.1, 1.2, 1.3]),
        ([980, 5020], 6, [1000, 2000, 3000, 4000, 5000]),
        ([-0.08, 0.08], 4, [-0.05, 0, 0.05]),
    ],
)
def test_ticks_are_written_without_the_dust_of_a_float(evaluate, span, about, ticks):
    assert evaluate("paths.js", f"m.ticks({span}, {about}).map((n) => n || 0)") == ticks
