"""Bars as SVG: so few that a library would be larger than the charts."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

WIDTH, LEFT, RIGHT, ROW, TOP = 760, 190, 110, 30, 44
OURS, OTHERS = "#2563eb", "#94a3b8"
STYLE = "text{font:13px system-ui,sans-serif;fill:#1f2937}.t{font-weight:600;font-size:15px}"

Bar = tuple[str, float, float, float]
"""Name, value, lowest, highest."""


def bars(title: str, unit: str, rows: Sequence[Bar], *, ours: Sequence[str]) -> str:
    """A horizontal bar per row, with a line from the lowest to the highest value."""
    height = TOP + ROW * len(rows) + 12
    longest = max((high for *_, high in rows), default=1.0) or 1.0
    scale = (WIDTH - LEFT - RIGHT) / longest
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>{escape(title)}</title><style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text class="t" x="12" y="24">{escape(title)} ({escape(unit)})</text>',
    ]
    for place, (name, value, low, high) in enumerate(rows):
        top = TOP + ROW * place
        middle = top + ROW / 2 - 3
        colour = OURS if name in ours else OTHERS
        parts += [
            f'<text x="{LEFT - 10}" y="{middle + 5:.1f}" text-anchor="end">{escape(name)}</text>',
            (
                f'<rect x="{LEFT}" y="{top + 2}" width="{max(1.0, value * scale):.1f}" '
                f'height="{ROW - 10}" rx="3" fill="{colour}"/>'
            ),
            (
                f'<line x1="{LEFT + low * scale:.1f}" x2="{LEFT + high * scale:.1f}" '
                f'y1="{middle:.1f}" y2="{middle:.1f}" stroke="#111827" stroke-width="1.5"/>'
            ),
            f'<text x="{LEFT + high * scale + 8:.1f}" y="{middle + 5:.1f}">{value:,.0f}</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])
