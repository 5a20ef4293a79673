"""What T2 makes of costs and fees: margins in state and history, with the fees of the event's day."""

from __future__ import annotations

from decimal import Decimal

import pytest
from psycopg.rows import dict_row

from tests.economy import (
    MIDNIGHT,
    fees,
    offers,
    product,
    set_all,
    set_fees,
    set_products,
    set_terms,
)
from tests.factories import ASIN, GB, JP, RIVALS, offer
from tests.interleave import analyst, column, deliver, letter, work
from worker.analysis.analyse import analyse_front


def rows(conn, table="current_state", order="event_time"):
    with conn.cursor(row_factory=dict_row) as cur:
        return cur.execute(f"SELECT * FROM {table} ORDER BY {order}").fetchall()


def state(conn):
    [row] = rows(conn)
    return row


def tell(conn, *, marketplace_id=GB, **given):
    given.setdefault("offers", offers())
    deliver(conn, letter(marketplace_id=marketplace_id, **given))
    assert work(conn, f"{marketplace_id}:{ASIN}").processed == 1


def margins(row):
    return tuple(
        row[f"margin_at_{price}"] for price in ("current_price", "market_low", "prime_low")
    )


def test_the_state_and_the_history_show_what_the_prices_are_worth(conn):
    """20.00: 16.666 - 3.00 - 2.50 - 4.00 = 7.166, 43 %. 18.00: 15 - 2.70 - 2.50 - 4 = 5.80."""
    set_all(conn, product(estimated_daily_sales=Decimal(2)))
    tell(conn)
    [kept] = rows(conn, "competitive_history")
    now = state(conn)
    assert margins(now) == margins(kept) == (Decimal("43.00"), Decimal("38.66"), Decimal("43.00"))
    assert now["min_viable_price"] == kept["min_viable_price"] == Decimal("9.52")
    assert (now["recommended_price"], now["recommendation_code"]) == (
        Decimal("17.99"),
        "beat-rival",
    )
    assert (now["profit_at_stake_per_day"], now["daily_sales"]) == (Decimal("14.33"), 2)
    assert (now["economics_unknown"], now["own_channel"]) == (None, "amazon")
    assert now["economics_at"] == now["event_time"]


def test_a_fee_that_changes_at_midnight_gives_two_margins_in_a_replay_across_it(conn):
    """Midnight is the marketplace's: 23:59:59 and 00:00 of British winter time."""
    before, after = fees(valid_to=MIDNIGHT), fees(rate="0.30", valid_from=MIDNIGHT, prefix="new")
    set_all(conn)
    set_fees(conn, *before)
    set_fees(conn, *after)
    for at in ("2025-03-04T23:59:59.000Z", "2025-03-05T00:00:00.000Z"):
        tell(conn, event_time=at)
    assert column(
        conn, "SELECT margin_at_current_price FROM competitive_history ORDER BY event_time"
    ) == [Decimal("43.00"), Decimal("25.00")]
    assert state(conn)["margin_at_current_price"] == Decimal("25.00")


def test_a_late_message_has_the_margins_of_its_own_day_and_leaves_the_state(conn):
    set_all(conn)
    set_fees(conn, *fees(valid_to=MIDNIGHT))
    set_fees(conn, *fees(rate="0.30", valid_from=MIDNIGHT, prefix="new"))
    tell(conn, event_time="2025-03-05T09:00:00.000Z")
    tell(conn, event_time="2025-03-04T09:00:00.000Z")
    assert {
        (row["outcome"], row["margin_at_current_price"])
        for row in rows(conn, "competitive_history")
    } == {("applied", Decimal("25.00")), ("late", Decimal("43.00"))}
    assert state(conn)["margin_at_current_price"] == Decimal("25.00")


UNKNOWNS = {
    "no product": ({}, "no costs are known for the product"),
    "no cost": ({"unit_cost": None}, "the unit cost of the product is not known"),
    "no category": ({"category": None}, "the category of the product is not known"),
    "unheard-of category": ({"category": "clouds"}, "no referral fee rule for category clouds"),
    "no size": ({"size_tier": None}, "no fulfilment fee rule for size tier (not known)"),
    "other channel": (
        {"fulfilment_channel": "merchant", "own_postage": Decimal(2)},
        "no costs are known for the product as sent by Amazon",
    ),
}


@pytest.mark.parametrize("name", UNKNOWNS)
def test_what_is_not_known_is_unknown_with_its_reason_and_never_zero(conn, name):
    changes, reason = UNKNOWNS[name]
    set_fees(conn)
    set_terms(conn)
    if changes:
        set_products(conn, product(**changes))
    tell(conn, offers=offers("20.00", "19.00", winner=True))
    now = state(conn)
    assert now["economics_unknown"].startswith(reason)
    assert now["recommendation_reason"].lower().startswith(reason.lower())
    assert margins(now) == (None, None, None)
    assert (now["min_viable_price"], now["recommended_price"]) == (None, None)
    assert (now["profit_at_stake_per_day"], now["recommendation_code"]) == (None, "unknown")
    assert (now["severity"], now["severity_reasons"]) == ("success", ["Buy Box winner"])


def test_a_marketplace_without_fees_and_a_seller_without_terms_are_unknown(conn):
    set_products(conn)
    tell(conn)
    assert state(conn)["economics_unknown"].startswith("no terms of seller")
    set_terms(conn)
    tell(conn, event_time="2025-03-04T11:00:00Z")
    assert state(conn)["economics_unknown"].startswith(
        "no referral fee rule for category home in UK"
    )


def yen():
    return [
        offer(row["SellerId"], row["ListingPrice"]["Amount"], 0, currency="JPY", fba=n == 0)
        for n, row in enumerate(offers("2000", "1800"))
    ]


def test_yen_are_reckoned_in_whole_ones_and_unknown_without_fees(conn):
    """2000: 2000 - 300 - 250 - 400 = 1050."""
    cost = {"marketplace_id": JP, "currency": "JPY", "sale_vat_rate": Decimal(0)}
    set_products(conn, product(**cost, unit_cost=Decimal(400)))
    set_terms(conn, marketplace_id=JP)
    tell(conn, marketplace_id=JP, offers=yen())
    assert state(conn)["economics_unknown"].startswith(
        "no referral fee rule for category home in JP"
    )
    set_fees(conn, *fees(JP, currency="JPY", prefix="jp"))
    tell(conn, marketplace_id=JP, offers=yen(), event_time="2025-03-04T11:00:00Z")
    now = state(conn)
    assert (now["economics_unknown"], now["margin_at_current_price"]) == (None, Decimal("52.50"))
    assert now["recommended_price"] == 1799
    assert now["min_viable_price"] == now["min_viable_price"].to_integral_value()


@pytest.mark.parametrize(("skus", "known"), [(("A", "B"), True), (("A",), True)])
def test_skus_of_equal_costs_are_as_good_as_one(conn, skus, known):
    set_all(conn, *(product(sku=sku, title=f"mug {sku}") for sku in skus))
    tell(conn)
    assert (state(conn)["economics_unknown"] is None) is known


def test_skus_of_different_costs_leave_open_which_one_is_offered(conn):
    set_all(conn, product(sku="A"), product(sku="B", unit_cost=Decimal(5)))
    tell(conn)
    assert state(conn)["economics_unknown"] == (
        "costs differ by SKU, and which one is offered is not known"
    )


def test_the_row_of_the_own_offers_channel_counts(conn):
    merchant = product(
        fulfilment_channel="merchant", own_postage=Decimal(3), unit_cost=Decimal(6), size_tier=None
    )
    set_all(conn, product(), merchant)
    tell(conn)
    assert state(conn)["margin_at_current_price"] == Decimal("43.00")
    own_parcel = [{**offers()[0], "IsFulfilledByAmazon": False}, offers()[1]]
    tell(conn, offers=own_parcel, event_time="2025-03-04T11:00:00Z")
    now = state(conn)  # 16.666 - 3.00 - 3.00 - 6.00 = 4.666
    assert (now["own_channel"], now["margin_at_current_price"]) == ("merchant", Decimal("28.00"))
    tell(conn, offers=offers()[1:], event_time="2025-03-04T12:00:00Z")
    assert state(conn)["economics_unknown"] == (
        "costs differ by channel, and how the own offer is sent is not known"
    )


@pytest.mark.parametrize(
    ("own", "severity"), [("10.84", "success"), ("10.82", "high"), ("9.53", "high")]
)
def test_a_winner_under_ten_percent_is_high(conn, own, severity):
    """10.84: 1.20 * (1.63 + 2.50 + 4.00) = 9.756 leaves 1.084, ten percent and not a penny less."""
    set_all(conn)
    tell(conn, offers=offers(own, "30.00", winner=True))
    assert state(conn)["severity"] == severity


@pytest.mark.parametrize(("rival", "severity"), [("10.14", "info"), ("10.13", "warning")])
def test_under_five_percent_at_the_low_is_a_warning(conn, rival, severity):
    """10.13: 10.13 - 1.20 * (1.52 + 2.50 + 4.00) = 0.506, 4.99 %; 10.14 leaves 5.08 %."""
    set_all(conn)
    tell(conn, offers=offers("11.00", rival))
    now = state(conn)
    assert (now["severity"], now["margin_at_market_low"] < 5) == (severity, severity == "warning")


@pytest.mark.parametrize(
    ("sales", "severity"), [("1", "high"), ("1.5", "critical"), (None, "critical")]
)
def test_what_hardly_sells_is_not_critical(conn, sales, severity):
    """Sales are known or not whatever the costs are."""
    set_products(conn, product(unit_cost=None, estimated_daily_sales=sales and Decimal(sales)))
    crowd = [offer(f"A1RIVAL{n:07d}", Decimal("10.00"), winner=n == 0) for n in range(11)]
    number = {"Condition": "new", "FulfillmentChannel": "Merchant", "OfferCount": 12}
    tell(conn, offers=[*crowd, offers()[0]], summary={"NumberOfOffers": [number]})
    now = state(conn)
    assert (now["severity"], now["daily_sales"]) == (severity, sales and Decimal(sales))
    assert now["economics_unknown"] is not None


def test_races_are_told_from_the_messages_of_the_last_hours(conn):
    set_all(conn)
    for n in range(8):
        rows_ = [*offers(), offer(RIVALS[n % 2], Decimal("17.00") - n * Decimal("0.10"))]
        tell(conn, offers=rows_, event_time=f"2025-03-04T10:{n:02d}:00Z")
    now = state(conn)
    assert now["risk_flags"] == ["race-to-bottom"]
    assert len(now["low_points"]) == 8


def test_rivals_too_low_are_named_and_not_followed(conn):
    set_all(conn)
    tell(conn, offers=offers("20.00", "8.00"))
    now = state(conn)
    assert now["unfollowable"] == [{"seller": RIVALS[0], "landed": "8.00"}]
    assert now["recommendation_code"] == "hold"
    assert now["risk_flags"] == ["margin-squeeze"]


def test_the_fee_book_is_read_once_and_again_when_it_moves(conn, open_connection, monkeypatch):
    from worker.analysis import shelf

    reads = []
    read = shelf.read_book
    monkeypatch.setattr(shelf, "read_book", lambda conn: (reads.append(1), read(conn))[1])
    set_all(conn)
    who, worker = analyst(), open_connection(autocommit=True)

    def turn(at):
        deliver(conn, letter(offers=offers(), event_time=f"2025-03-04T{at}:00:00Z"))
        analyse_front(worker, f"{GB}:{ASIN}", who)
        return state(conn)["margin_at_current_price"]

    assert [turn(10), turn(11)] == [Decimal("43.00")] * 2
    assert len(reads) == 1
    set_fees(conn, *fees(rate="0.30"))
    assert turn(12) == Decimal("25.00")
    set_terms(conn, registered=False)
    assert turn(13) == Decimal("37.50")  # 20 - 6 - 2.50 - 4: no VAT to hand on
    assert len(reads) == 3


def test_where_no_costs_are_known_the_fee_book_is_not_even_read(conn, monkeypatch):
    from worker.analysis import shelf

    monkeypatch.setattr(shelf, "read_book", lambda _: pytest.fail("read for nothing"))
    set_fees(conn)
    tell(conn)
    assert state(conn)["economics_unknown"] == "no costs are known for the product"


def test_money_at_stake_comes_first_within_a_severity(conn):
    stakes = {"B000000001": 1, "B000000002": 9, "B000000003": 3}
    set_all(conn, *(product(a, estimated_daily_sales=Decimal(n)) for a, n in stakes.items()))
    for asin in (*stakes, "B000000004"):
        deliver(conn, letter(asin=asin, offers=offers()))
        work(conn, f"{GB}:{asin}")
    assert column(conn, "SELECT asin FROM ops.competitive_state") == [
        "B000000002",
        "B000000003",
        "B000000001",
        "B000000004",
    ]
