"""An explanation for people, as tables, and for programs, as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from economics.explanation import FEE_NAMES, PriceSum
from economics.told import as_values
from economics.viable import NoViablePrice
from economics.wording import Money, line_label, percent, period, rule_says
from process.terminal import plain
from worker.catalogue.explaining import Answer
from worker.cli.common import fits, print_line

NOT_KNOWN = "not known"


def show(console: Console, found: Answer) -> None:
    """The whole explanation. Prices side by side if the terminal is wide enough, else in turn."""
    marketplace, told = found.question.marketplace, found.explanation
    money = Money(marketplace.minor_units)
    for heading in _heading(found):
        print_line(heading, to=console)
    whole = _sums_table(found, told.sums, money)
    if fits(console, whole):
        console.print(whole)
    else:
        for one in told.sums:
            console.print(_sums_table(found, [one], money))
    for finding in _findings(found, money):
        print_line(finding, to=console)
    rules = _rules_table(found)
    if fits(console, rules):
        console.print(rules)
    else:
        for cells in _rules(found):
            print_line(f"rule: {' · '.join(cells)}", to=console)
    for gap in told.gaps:
        remedy = f"; {gap.remedy}" if gap.remedy else ""
        print_line(f"{NOT_KNOWN}: {gap.what}: {gap.why}{remedy}", to=console)


def as_json(found: Answer) -> dict[str, Any]:
    """The same for programs: amounts and rates as text, what is not known as null with a gap."""
    question, product = found.question, found.product
    return {
        "marketplace_id": question.marketplace.marketplace_id,
        "country": question.marketplace.country_code,
        "asin": question.asin,
        "seller_id": found.seller_id,
        "item_condition": question.item_condition,
        "audience": found.audience,
        "fulfilment_channel": product.fulfilment_channel if product else None,
        "sku": product.sku if product else None,
        "title": product.title if product else None,
        "currency": question.marketplace.currency,
        "event_time": _iso(found.event_time),
        "doubt_since": _iso(found.doubt_since),
        "fees_on": found.fees_on.isoformat(),
        **as_values(found.explanation),
    }


# for people ---------------------------------------------------------------------------------------


def _heading(found: Answer) -> Iterator[str]:
    question, product = found.question, found.product
    parts = [f"{question.asin} in {question.country}", f"seller {found.seller_id}"]
    parts.append(question.item_condition)
    if product is not None:
        parts += [f"sent by {product.fulfilment_channel}", product.sku, product.title or ""]
    yield " · ".join(filter(None, parts))
    event = "none yet" if found.event_time is None else _moment(found.event_time)
    buyers = ", business buyers" if found.audience == "business" else ""
    currency = question.marketplace.currency
    yield f"newest message: {event}{buyers} · fees of: {found.fees_on} · amounts in {currency}"
    if found.doubt_since is not None:
        yield f"a newer message, of {_moment(found.doubt_since)}, could not be believed"


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _sums_table(found: Answer, sums: Sequence[PriceSum], money: Money) -> Table:
    """A column a price, a row a line; what a price has not is left empty."""
    table = Table("", box=SIMPLE_HEAD, pad_edge=False)
    for one in sums:
        table.add_column(one.name, justify="right", no_wrap=True)
    table.add_row("price", *(NOT_KNOWN if s.price is None else money(s.price) for s in sums))
    amounts = [{line.name: line.amount for line in one.lines} for one in sums]
    for name in dict.fromkeys(line.name for one in sums for line in one.lines[1:]):
        cells = (money(of[name]) if name in of else "" for of in amounts)
        table.add_row(line_label(name, found.explanation.schedule), *cells)
    worths = [one.worth for one in sums]
    if any(worths):
        table.add_section()
        table.add_row("profit", *(money(w.profit) if w else "" for w in worths), style="bold")
        table.add_row("margin", *(f"{w.margin_pct} %" if w else "" for w in worths))
        table.add_row(
            "ROI", *(f"{w.roi_pct} %" if w and w.roi_pct is not None else "" for w in worths)
        )
    return table


def _findings(found: Answer, money: Money) -> Iterator[str]:
    told, view = found.explanation, found.explanation.view
    if told.floors is not None and told.schedule is not None:
        yield f"lowest price that loses nothing: {_floor(told.floors.even, money)}"
        wanted = told.schedule.wanted_margin
        if wanted:
            lowest = _floor(told.floors.wanted, money)
            yield f"lowest price that keeps the wanted margin of {percent(wanted)}: {lowest}"
    for zone in told.dead_zones:
        end = f"to {money(zone.until)}" if zone.until is not None else "on"
        after = money(zone.after)
        yield f"dead zone: from just above {after} {end}, each price earns less than {after} does"
    if view.recommended_price is not None:
        yield f"recommended: {money(view.recommended_price)}. {view.recommendation_reason}"
    if view.risk_flags:
        yield f"risks: {', '.join(view.risk_flags)}"
    if view.unfollowable:
        rivals = (f"{seller} at {money(price)}" for seller, price in view.unfollowable)
        yield f"rivals that cannot be followed: {', '.join(rivals)}"
    if view.profit_at_stake_per_day is not None:
        yield f"profit at stake a day, the Buy Box lost: {money(view.profit_at_stake_per_day)}"


def _floor(floor: Decimal | NoViablePrice, money: Money) -> str:
    return f"none, {floor.reason}" if isinstance(floor, NoViablePrice) else money(floor)


def _rules_table(found: Answer) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    if found.explanation.rules:
        for header in ("fee", "rule", "what", "in force", "used at", "source"):
            table.add_column(header)
    for cells in _rules(found):
        table.add_row(*(escape(plain(cell)) for cell in cells))
    return table


def _rules(found: Answer) -> Iterator[tuple[str, ...]]:
    """Each rule that a fee comes from, as cells."""
    known = [one.name for one in found.explanation.sums if one.worth]
    for rule, used in found.explanation.rules.items():
        yield (
            FEE_NAMES[rule.kind],
            rule.rule_id + (" (own)" if rule.seller_id else ""),
            rule_says(rule),
            period(rule),
            "every price" if len(used) == len(known) > 1 else ", ".join(used),
            f"{rule.source} ({rule.source_date})",
        )


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat()
