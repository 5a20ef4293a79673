"""A mail's headers are those that we write, whatever a product is called."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import SMTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.delivery import NOW
from worker.delivery.channels.carrier import Letter
from worker.delivery.channels.mail import mail_of

HEADERS = [
    "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "List-Id",
    "List-Unsubscribe", "MIME-Version", "Content-Type",
]  # fmt: skip
ENCODED = [
    "=?utf-8?q?=0D=0ABcc:_eve=40example.com?=",
    "=?utf-8?b?DQoNCjxoMT5QYXkgaGVyZTwvaDE+?=",
    "=?us-ascii?q?=FF?=",
    "=?utf-8?q?=ED=A0=80?=",
    "=?unicode_escape?q?=5Cud800?=",
    "=?utf-8*en?q?a?=",
    "=?idna?q?x?=",
]
"""Words as the parser of Python's mails reads them in what it is given as plain text."""

PIECES = st.sampled_from([*ENCODED, "=", "?", "=?", "?=", " ", "é", "\r\n", "😀" * 40, "a" * 90])
TITLES = st.lists(PIECES | st.text(st.characters(codec="utf-8"), max_size=3)).map("".join)


def sent(title):
    """The mail as it goes to the server, read again, of a product that is called so."""
    letter = Letter("x-1", "ops", "critical", f"[CRITICAL] new: UK B0 {title}", title, "<p>")
    mail = mail_of(letter, "alerts@example.com", ("ann@example.com",), NOW)
    return message_from_bytes(mail.as_bytes(), policy=SMTP)


@pytest.mark.parametrize("title", [*ENCODED, f"é {ENCODED[2]}"])
def test_a_title_in_the_spelling_of_headers_is_only_text(title):
    mail = sent(title)
    assert mail.keys() == HEADERS
    assert mail["Subject"] == f"[CRITICAL] new: UK B0 {title.replace('=?', '= ?')}"


@given(TITLES)
def test_no_title_adds_a_header_or_keeps_a_mail_from_being_sent(title):
    assert sent(title).keys() == HEADERS
