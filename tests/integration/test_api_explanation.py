"""The explanation of a product over HTTP: the command's own lines, for each of its states."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from api.explained import ProductExplanation
from db.tokens import create_token
from tests.catalogue import product_row
from tests.dashboard import write_alert
from tests.explaining import COSTED, fill, happens, put
from tests.factories import ASIN, GB, OWN_SELLER, any_offer_changed, offer

PATH = f"/api/state/{GB}/{ASIN}/explanation"
AT = "2026-03-04T10:00:00Z"


def explanations(client) -> list[dict]:
    answer = client.get(PATH)
    assert answer.status_code == 200, answer.text
    assert ProductExplanation.model_validate(answer.json())
    assert answer.json()["product_key"] == f"{GB}:{ASIN}"
    return answer.json()["explanations"]


def why(found) -> dict[str, str]:
    return {gap["what"]: gap["why"] for gap in found["unknown"]}


def test_the_worked_example_to_the_penny(conn, client):
    """20.49: VAT 3.415, 15 % 3.07, FBA 2.50, 2 % of 5.57 is 0.11, VAT on them 0.61+0.50+0.02."""
    fill(conn)
    happens(conn, any_offer_changed(event_time=AT))
    (found,) = explanations(client)
    own = found["sums"][0]
    lines = {line["label"]: line["amount"] for line in own["lines"]}
    assert (own["at"], own["price"], own["profit"]) == ("own price", "20.49", "7.39")
    assert lines == {
        "price": "20.49",
        "VAT of the sale (20 %)": "-3.42",
        "referral fee": "-3.07",
        "fulfilment fee": "-2.50",
        "closing fee": "0.00",
        "digital services fee": "-0.11",
        "VAT on fees": "-1.13",
        "VAT on fees that comes back (100 %)": "1.13",
        "unit cost": "-4.00",
        "inbound postage": "0.00",
        "prep cost": "0.00",
    }
    assert sum(map(Decimal, lines.values())) == Decimal(own["profit"])
    assert [one["profit"] for one in found["sums"]] == ["7.39", "6.71", "7.05", "6.70"]
    assert (found["currency"], found["fees_on"]) == ("GBP", "2026-03-04")


def test_it_is_what_the_command_tells(conn, client, explained):
    fill(conn, wanted="0.1")
    happens(conn, any_offer_changed(event_time=AT))
    (found,) = explanations(client)
    told = explained("UK", ASIN)
    same = set(found) - {"state_key", "event_time"}
    assert same <= set(told)
    assert {name: found[name] for name in same} == {name: told[name] for name in same}
    assert datetime.fromisoformat(found["event_time"]) == datetime.fromisoformat(AT)


def test_each_line_names_its_rules_and_each_rule_says_since_when(conn, client):
    fill(conn)
    happens(conn, any_offer_changed(event_time=AT))
    (found,) = explanations(client)
    of_line = {line["name"]: line["rules"] for line in found["sums"][0]["lines"]}
    assert (of_line["referral fee"], of_line["unit cost"]) == (["r0"], [])
    rule = next(one for one in found["rules"] if one["rule_id"] == "r0")
    assert (rule["fee"], rule["says"]) == ("referral fee", "15 %, at least 0.25")
    assert (rule["in_force"], rule["valid_to"]) == ("from 2020-01-01", None)


def test_each_state_of_the_product_has_its_own(conn, client):
    cheap = product_row(**COSTED, item_condition="used")._replace(unit_cost=Decimal("1.00"))
    fill(conn)
    put(conn, product_row(**COSTED), cheap)
    happens(
        conn,
        any_offer_changed(event_time=AT),
        any_offer_changed(event_time=AT, item_condition="used"),
    )
    states = client.get(f"/api/state/{GB}/{ASIN}").json()["states"]
    found = {one["state_key"]: one["sums"][0]["profit"] for one in explanations(client)}
    assert set(found) == {state["key"] for state in states}
    assert sorted(found.values()) == ["10.39", "7.39"]


def test_without_costs_the_prices_stand_and_the_command_s_words_say_what_to_do(conn, client):
    happens(conn, any_offer_changed(event_time=AT))
    (found,) = explanations(client)
    assert [one["price"] for one in found["sums"]] == ["20.49", "19.49", "19.99", None]
    assert {one["profit"] for one in found["sums"]} == {None}
    assert found["min_viable_price"] == {"price": None, "none_because": None}
    assert found["unknown"][0] == {
        "what": "fees, profit and margin",
        "why": "no costs are known for the product",
        "remedy": "import its costs: buybox products import FILE.csv (docs/products.md)",
    }


def test_costs_that_cannot_be_told_apart_are_unknown_as_in_the_state(conn, client):
    fill(conn)
    put(
        conn,
        product_row(**COSTED, sku="MUG-1"),
        product_row(**COSTED, sku="MUG-2")._replace(unit_cost=Decimal(5)),
    )
    happens(conn, any_offer_changed(event_time=AT))
    (found,) = explanations(client)
    (state,) = client.get(f"/api/state/{GB}/{ASIN}").json()["states"]
    assert why(found)["fees, profit and margin"] == state["economics_unknown"]
    assert "costs differ by SKU" in state["economics_unknown"]
    assert found["sku"] is None


def test_offers_that_are_no_longer_kept_leave_the_sums_and_no_advice(conn, client):
    fill(conn)
    happens(conn, any_offer_changed(event_time=AT))
    conn.execute("DELETE FROM notification_bodies")
    (found,) = explanations(client)
    assert found["sums"][0]["profit"] == "7.39"
    assert "no longer kept" in why(found)["rivals and recommendation"]


def test_an_own_offer_that_was_not_sent_is_said(conn, client):
    fill(conn)
    offers = [offer("A1RIVAL0000001", Decimal(18))]
    happens(conn, any_offer_changed(event_time=AT, offers=offers))
    (found,) = explanations(client)
    assert "not among those that Amazon sent" in why(found)["own price"]
    assert found["sums"][0]["lines"] == []
    assert found["sums"][1]["profit"] is not None


def test_what_nobody_has_heard_of_is_not_found(conn, client):
    fill(conn)  # costs alone make no state
    answer = client.get(PATH)
    assert (answer.status_code, answer.json()["type"]) == (404, "unknown-product")
    assert answer.headers["content-type"] == "application/problem+json"
    write_alert(conn, ASIN)
    assert explanations(client) == []


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_once_there_is_a_token_it_is_asked_for(conn, api, client, role):
    happens(conn, any_offer_changed(event_time=AT))
    token = create_token(conn, name="ann", role=role, now=datetime.now(UTC))
    assert client.get(PATH).status_code == 401
    with api.client("bbx_wrong") as stranger:
        assert stranger.get(PATH).json()["type"] == "no-token"
    with api.client(token) as ann:
        assert ann.get(PATH).json()["explanations"][0]["state_key"].endswith(OWN_SELLER)
