"""Fee rules from files and to files, and the starter set. docs/fees.md describes the columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from io import BytesIO
from typing import Annotated, BinaryIO

import psycopg
from pydantic import BaseModel, BeforeValidator

from db import catalogue
from db.catalogue import Counts, FeeRuleRow
from worker.catalogue import fields
from worker.catalogue.checking import check
from worker.catalogue.lines import CsvFile, Line, UnusableFileError
from worker.catalogue.rejects import Reject, Rejects
from worker.errors import PermanentError

COLUMNS = FeeRuleRow._fields
REQUIRED = frozenset(
    {"rule_id", "marketplace_id", "kind", "currency", "valid_from", "source", "source_date"}
)
SHAPES = ("flat", "whole-price", "marginal")
APPLIES_TO = ("referral", "fulfilment", "closing")
MAX_RULES = 100_000

NEEDED = {
    "referral": ("category", "shape", "rate"),
    "fulfilment": ("size_tier", "fulfilment_channel", "amount"),
    "closing": ("category", "amount"),
    "digital-services": ("rate", "applies_to"),
    "vat-on-fees": ("rate",),
}
"""What a rule of each kind cannot do without."""
ALLOWED = {
    "referral": ("price_up_to", "minimum", "fulfilment_channel"),
    "fulfilment": ("category", "weight_up_to_g", "price_up_to"),
    "closing": ("fulfilment_channel",),
    "digital-services": ("fulfilment_channel",),
    "vat-on-fees": ("fulfilment_channel",),
}
"""What it may have besides; the rest of PARTICULARS must be empty."""
PARTICULARS = (
    "category", "size_tier", "weight_up_to_g", "fulfilment_channel", "shape", "price_up_to", "rate",
    "amount", "minimum", "applies_to",
)  # fmt: skip


class OverlappingRulesError(PermanentError):
    """Two rules would be in force for the same thing on the same day; nothing was imported."""


def _kind(value: str | None) -> str:
    given = fields.required(value)
    if given not in NEEDED:
        raise fields.refuse("unknown-kind", f"one of {', '.join(NEEDED)}")
    return given


def _shape(value: str | None) -> str | None:
    if value is not None and value not in SHAPES:
        raise fields.refuse("unknown-shape", f"one of {', '.join(SHAPES)}")
    return value


def _applies_to(value: str | None) -> tuple[str, ...]:
    given = tuple(value.split(fields.TAG_SEPARATOR)) if value else ()
    if not set(given) <= set(APPLIES_TO):
        raise fields.refuse("unknown-fee", f"of {', '.join(APPLIES_TO)}, with | between them")
    return given


class FeeLine(BaseModel):
    """A line of a fees file. The order of the fields is the order of the columns."""

    rule_id: fields.Slug
    marketplace_id: fields.MarketplaceId
    seller_id: fields.OptionalIdentifier = None
    kind: Annotated[str, BeforeValidator(_kind)]
    category: fields.OptionalSlug = None
    size_tier: fields.OptionalSlug = None
    weight_up_to_g: fields.Weight = None
    fulfilment_channel: fields.OptionalChannel = None
    shape: Annotated[str | None, BeforeValidator(_shape)] = None
    price_up_to: fields.Price = None
    rate: fields.Rate = None
    amount: fields.Money = None
    minimum: fields.Money = None
    applies_to: Annotated[tuple[str, ...], BeforeValidator(_applies_to)] = ()
    currency: fields.Currency
    valid_from: fields.Date
    valid_to: fields.OptionalDate = None
    source: fields.Sentence
    source_date: fields.Date
    note: fields.OptionalSentence = None

    def row(self) -> FeeRuleRow:
        """The row of the table; no note is the empty text."""
        return FeeRuleRow(**self.__dict__ | {"note": self.note or ""})


@dataclass(frozen=True, slots=True)
class FeeImport:
    """What an import changed, or would have: `written` is false when it was rolled back."""

    counts: Counts
    written: bool


def read_fees(stream: BinaryIO, rejects: Rejects) -> list[FeeRuleRow]:
    """The good rules of a file; what is wrong with the others goes into `rejects`.

    Raises UnusableFileError.
    """
    rules: list[FeeRuleRow] = []
    known: dict[tuple[str | None, str], int] = {}
    for line in CsvFile(stream, known=COLUMNS, required=REQUIRED).lines():
        checked = [line] if isinstance(line, Reject) else _check(line, known)
        if isinstance(checked, list):
            rejects.add(checked)
        elif len(rules) < MAX_RULES:
            rules.append(checked)
        else:
            raise UnusableFileError(f"A file of fees holds at most {MAX_RULES:,} rules.")
    return rules


def starter_files() -> Iterator[BinaryIO]:
    """The rules that come with the program, a file per marketplace."""
    folder = resources.files("worker").joinpath("data/fees")
    for path in sorted(folder.iterdir(), key=lambda p: p.name):
        if path.name.endswith(".csv"):
            yield BytesIO(path.read_bytes())


def import_fees(
    conn: psycopg.Connection,
    rules: list[FeeRuleRow],
    *,
    now: datetime,
    write: bool = True,
) -> FeeImport:
    """Add and replace rules by (seller, rule id), in one transaction; `write` false rolls it back.

    Raises OverlappingRulesError; then nothing was changed.
    """
    try:
        with conn.transaction() as transaction:
            counts = catalogue.import_fee_rules(conn, rules, now=now)
            if not write:
                raise psycopg.Rollback(transaction)
    except psycopg.errors.ExclusionViolation as error:
        detail = error.diag.message_detail or str(error)
        raise OverlappingRulesError(
            f"Nothing was imported, two rules cannot hold together "
            f"({error.diag.constraint_name}): {detail}"
        ) from error
    return FeeImport(counts, write)


def _check(line: Line, known: dict[tuple[str | None, str], int]) -> FeeRuleRow | list[Reject]:
    checked = check(line, FeeLine)
    if isinstance(checked, list):
        return checked
    row = checked.row()
    if problems := _contradictions(row, line.number):
        return problems
    first = known.setdefault((row.seller_id, row.rule_id), line.number)
    if first != line.number:
        problem = f"line {first} has the same rule_id"
        return [Reject(line.number, "rule_id", "repeated-key", problem, row.rule_id)]
    return row


def _contradictions(row: FeeRuleRow, number: int) -> list[Reject]:
    """What a rule lacks for its kind, and what it may not have."""
    found: list[Reject] = []
    needed, allowed = NEEDED[row.kind], ALLOWED[row.kind]
    for name in PARTICULARS:
        value = getattr(row, name)
        is_given = value is not None and value != ()
        if name in needed and not is_given:
            found.append(Reject(number, name, "missing-value", f"a {row.kind} rule needs it"))
        if is_given and name not in (*needed, *allowed):
            found.append(Reject(number, name, "out-of-place", f"no part of a {row.kind} rule"))
    if row.kind == "fulfilment" and row.fulfilment_channel == "merchant":
        found.append(
            Reject(number, "fulfilment_channel", "out-of-place", "Amazon's fee, its channel")
        )
    if row.shape == "flat" and row.price_up_to is not None:
        found.append(Reject(number, "price_up_to", "out-of-place", "a flat rate has no tiers"))
    if row.valid_to is not None and row.valid_to <= row.valid_from:
        found.append(Reject(number, "valid_to", "empty-period", "must be after valid_from"))
    return found
