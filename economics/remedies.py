"""What a person can do about economics that are unknown. Pure.

The reasons are those of `fee_rules`, `fee_schedule` and `assess_economics`, told apart by words.
"""

from __future__ import annotations

import re

IMPORT_COSTS = "fill the column and run: buybox products import FILE.csv (docs/products.md)"
ASK_FOR_A_PRICE = "name a price: --price AMOUNT"
ADD_COSTS = "import its costs: buybox products import FILE.csv (docs/products.md)"
ADD_RULE = (
    "add the rule: buybox fees import FILE.csv (docs/fees.md); buybox fees import --starter brings "
    "the shipped ones, buybox fees list shows what there is"
)
MEND_RULES = "look with buybox fees list, put the rules right and run buybox fees import FILE.csv"
SET_TERMS = "set them: buybox fees terms --seller ID --marketplace ID --from DATE ..."

_REMEDIES = (
    (r"no costs are known", ADD_COSTS),
    (r"no terms of seller|more than one set of terms|the .* of seller ", SET_TERMS),
    (r"no .* rule\b", ADD_RULE),
    (r"the [\w -]+ rules |rule \S+ ", MEND_RULES),
    (r"the costs are in|the .* of the product (?:is|are) |the VAT rate of the sale", IMPORT_COSTS),
)


def remedy_for(reason: str) -> str:
    """What to do about this reason of `Unknown`; an empty text if nothing can be done."""
    for pattern, remedy in _REMEDIES:
        if re.match(pattern, reason):
            return remedy
    return ""
