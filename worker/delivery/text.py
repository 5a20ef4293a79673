"""What a message says. Pure: rows in, a page of headings and lines out; `render` makes it a letter.

Nothing is claimed that is not known. Only a clear, which rests on data, says "cleared"; a timeout
says that it is not known to be fixed. A fact that is not there is not mentioned.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from db.delivery_rows import HealedRow, ItemRow
from economics.marketplaces import country_of
from worker.alerts.values import rank
from worker.analysis.severity import Severity
from worker.delivery.facts import fact_line, money
from worker.wording import counted

MAX_LINES = 50
"""How many in one section; the rest is counted."""

_KINDS = {
    "price": "price",
    "buy-box-suppressed": "Buy Box suppressed",
    "pricing-health": "pricing health",
    "business-price": "business price",
    "business-buy-box-suppressed": "business Buy Box suppressed",
    "business-pricing-health": "business pricing health",
}
_TELLS: dict[str, str] = {
    "raised": "new",
    "rose": "worse than before",
    "still-true": "still true",
    "seen-again": "seen again",
    "repeated": "goes on",
    "escalated": "not acknowledged, escalation",
    "snooze-over": "snooze over, still true",
    "eased": "eased, not over",
    "cleared": "cleared",
    "timed-out": "no longer followed, not known to be fixed",
    "unstable": "unstable",
    "settled": "no longer unstable",
}
_SEVERITIES: dict[str, Severity] = {"critical": "critical", "high": "high", "warning": "warning"}


@dataclass(frozen=True, slots=True)
class Line:
    """One alert of a page. `severity` is `clear` for all clear."""

    severity: str
    heading: str
    details: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """Lines under a title; an empty title is none. `more` counts what did not fit."""

    title: str
    lines: tuple[Line, ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """A whole message."""

    severity: str
    heading: str
    sections: tuple[Section, ...]


def compose(reach: str, items: Sequence[ItemRow], healed: Sequence[HealedRow] = ()) -> Page:
    """The page of a delivery: one alert, a list, a batch or a digest."""
    if reach == "digest":
        return _digest(items, healed)
    if len(items) == 1:
        line = line_of(items[0])
        return Page(line.severity, line.heading, (Section("", (line,)),))
    ordered = sorted(items, key=_worst_first)
    severity = _severity(ordered[0])
    return Page(severity, _list_heading(reach, items, severity), (_section("", ordered),))


def line_of(item: ItemRow) -> Line:
    """One message in its words."""
    severity = _severity(item)
    details = [item.why, fact_line(item.facts, item.currency)]
    if item.profit_at_stake_per_day is not None:
        details.append(f"{money(item.profit_at_stake_per_day, item.currency)} a day at stake")
    since = item.still_true_since or item.first_seen
    seen = f"true since {_time(since)}, last seen {_time(item.last_seen)}"
    if item.occurrences > 1:
        seen += f", {item.occurrences} times"
    details += [seen, _meanwhile(item)]
    label = "ALL CLEAR" if severity == "clear" else severity.upper()
    heading = f"[{label}] {_said(item)}: {_subject(item)}"
    return Line(severity, heading, tuple(detail for detail in details if detail))


def _said(item: ItemRow) -> str:
    level = f" {item.escalation}" if item.tell == "escalated" else ""
    return _TELLS.get(item.tell, item.tell) + level


def _meanwhile(item: ItemRow) -> str:
    """What became of the alert while the message waited."""
    if item.attention != "resolved" or item.tell in {"cleared", "timed-out"}:
        return ""
    at = f" at {_time(item.resolved_at)}" if item.resolved_at else ""
    match item.resolution:
        case "cleared":
            return f"meanwhile cleared{at}"
        case "timeout":
            return f"meanwhile no longer followed{at}; not known to be fixed"
        case other:
            return f"meanwhile closed{at} ({other}); not known to be fixed"


def _digest(items: Sequence[ItemRow], healed: Sequence[HealedRow]) -> Page:
    by_product: dict[tuple[str, str], list[ItemRow]] = defaultdict(list)
    for item in sorted(items, key=_worst_first):
        by_product[item.marketplace_id, item.asin].append(item)
    sections = [
        _section(_product(marketplace, asin, found[0].facts), sorted(found, key=_oldest_first))
        for (marketplace, asin), found in by_product.items()
    ]
    left = len(sections) - MAX_LINES
    if left > 0:
        sections = [*sections[:MAX_LINES], Section(f"and {counted(left, 'more product')}", ())]
    if healed:
        lines = tuple(_healed_line(one) for one in healed[:MAX_LINES])
        title = "Healed before anyone looked"
        sections.append(Section(title, lines, max(0, len(healed) - MAX_LINES)))
    heading = f"Daily digest: {counted(len(by_product), 'product')}"
    if healed:
        heading += f", {len(healed)} healed before anyone looked"
    worst = min(items, key=_worst_first, default=None)
    return Page(_severity(worst) if worst else "clear", heading, tuple(sections))


def _healed_line(one: HealedRow) -> Line:
    since = one.still_true_since or one.first_seen
    hours = (one.resolved_at - since).total_seconds() / 3600
    lasted = f"true for {hours:.1f} h, cleared at {_time(one.resolved_at)}"
    details = [lasted]
    if one.profit_at_stake_per_day is not None:
        cost = one.profit_at_stake_per_day * Decimal(str(round(hours / 24, 6)))
        details.append(f"about {money(cost, one.currency)} were at stake in that time")
    product = _product(one.marketplace_id, one.asin, one.facts)
    kind = _KINDS.get(one.kind, one.kind)
    return Line("clear", f"{product}: {kind} ({one.severity})", tuple(details))


def _section(title: str, items: Sequence[ItemRow]) -> Section:
    shown = tuple(line_of(item) for item in items[:MAX_LINES])
    return Section(title, shown, max(0, len(items) - MAX_LINES))


def _list_heading(reach: str, items: Sequence[ItemRow], severity: str) -> str:
    counts: dict[str, int] = defaultdict(int)
    for item in items:
        counts[_severity(item)] += 1
    told = ", ".join(
        f"{counts[s]} {'all clear' if s == 'clear' else s}"
        for s in ("critical", "high", "warning", "clear")
        if counts[s]
    )
    products = counted(len({(i.marketplace_id, i.asin) for i in items}), "product")
    label = "ALL CLEAR" if severity == "clear" else severity.upper()
    places = {country_of(i.marketplace_id) for i in items}
    where = f" in {places.pop()}" if len(places) == 1 else ""
    what = "at once" if reach == "immediate" else "in this batch"
    return f"[{label}] {products}{where} {what}: {told}"


def _subject(item: ItemRow) -> str:
    kind = _KINDS.get(item.kind, item.kind)
    used = "" if item.item_condition == "new" else f", {item.item_condition}"
    return f"{_product(item.marketplace_id, item.asin, item.facts)}{used}, {kind}"


def _product(marketplace_id: str, asin: str, facts: Mapping[str, object]) -> str:
    title = facts.get("product_title")
    name = f" {str(title)[:60]}" if title else ""
    return f"{country_of(marketplace_id)} {asin}{name}"


def _severity(item: ItemRow) -> str:
    return item.severity if item.severity in _SEVERITIES else "clear"


def _worst_first(item: ItemRow) -> tuple[int, Decimal, datetime, int]:
    severity = _SEVERITIES.get(item.severity or "", "info")
    stake = item.profit_at_stake_per_day or Decimal(0)
    return (-rank(severity), -stake, item.created_at, item.queue_id)


def _oldest_first(item: ItemRow) -> tuple[datetime, int]:
    return (item.created_at, item.queue_id)


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def plain(page: Page) -> str:
    """The page as plain text, without its heading."""
    return "\n\n".join(_plain_section(section) for section in page.sections)


def _plain_section(section: Section) -> str:
    lines: list[str] = [f"== {section.title} =="] if section.title else []
    for line in section.lines:
        lines += [line.heading, *(f"  {detail}" for detail in line.details)]
    if section.more:
        lines.append(f"and {section.more} more")
    return "\n".join(lines)


def alerts_json(items: Iterable[ItemRow]) -> tuple[Mapping[str, object], ...]:
    """The alerts of a delivery for programs."""
    return tuple(
        {
            "alert_id": item.alert_id,
            "marketplace_id": item.marketplace_id,
            "asin": item.asin,
            "kind": item.kind,
            "severity": _severity(item),
            "tell": item.tell,
            "why": item.why,
            "first_seen": item.first_seen.isoformat(),
            "last_seen": item.last_seen.isoformat(),
            "facts": item.facts,
        }
        for item in items
    )
