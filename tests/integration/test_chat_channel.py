"""apprise's channels against a real server: its yes, its no, its silence."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from io import BytesIO
from urllib.parse import urlsplit

import pytest
import requests

from tests.delivery import NOW, channels
from tests.interleave import until
from tests.receivers import DROP, ENDLESS, HANG, SLOW, HttpReceiver
from worker.delivery.channels import chat
from worker.delivery.channels.carrier import ChannelSettings, Letter
from worker.delivery.outcome import Accepted, Failure

LETTER = Letter("buybox-delivery-1", "ops", "critical", "A heading", "Text.", "<p>Text.</p>")
DISCORD = "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js"


@pytest.fixture
def notify():
    """Sends the letter to a Gotify server that answers so."""
    receivers = []

    def send(*answers, timeout_s=5.0, allow_private=True):
        receivers.append(HttpReceiver(*answers))
        carriers = channels(
            schemes=("gotify",), timeout_s=timeout_s, allow_private=allow_private
        )  # fmt: skip
        address = f"gotify://127.0.0.1:{receivers[-1].port}/Atoken99Secret"
        return receivers[-1], carriers.carry(address, LETTER, NOW)

    yield send
    for one in receivers:
        one.close()


def test_a_chat_service_gets_the_letter_once(notify):
    receiver, outcome = notify(200)
    assert isinstance(outcome, Accepted)
    (post,) = receiver.posts
    assert (post.body["title"], post.body["message"]) == ("A heading", "Text.")
    assert post.headers["user-agent"] == "buybox"


@pytest.mark.parametrize(
    ("answer", "error_class"),
    [(401, "auth"), (404, "refused"), (429, "rate-limited"), (500, "transient"), (302, "refused")],
)
def test_the_status_is_read_off_what_apprise_remarks(notify, answer, error_class):
    receiver, outcome = notify(answer)
    assert isinstance(outcome, Failure)
    assert (outcome.error_class, len(receiver.posts)) == (error_class, 1)
    assert "Secret" not in outcome.text


def test_where_it_does_not_say_why_the_failure_may_pass(notify):
    _, outcome = notify(DROP)
    assert outcome == Failure("transient", "apprise could not send it and does not say why")


def test_a_service_that_hangs_is_left_behind_in_time(notify):
    began = time.monotonic()
    _, outcome = notify(HANG, timeout_s=0.3)
    assert outcome == Failure("cut-off", "no answer in time")
    assert time.monotonic() - began < 3


def test_a_letter_for_which_no_thread_was_free_is_not_sent_later(monkeypatch, receive):
    monkeypatch.setattr(chat, "THREADS", 1)
    receiver = receive(HttpReceiver, SLOW)
    carrier = chat.ChatCarrier(ChannelSettings(allow_private=True, timeout_s=0.3))
    address = f"gotify://127.0.0.1:{receiver.port}/Atoken99Secret"
    first, second = (carrier.carry(address, LETTER, NOW) for _ in range(2))
    assert (first.error_class, second.error_class) == ("cut-off", "transient")
    receiver.let_go()
    carrier._threads.shutdown()
    assert len(receiver.posts) == 1


def test_of_an_answer_without_end_the_beginning_is_read_and_its_status_counts(notify):
    """Read whole, it fills the worker's memory, even when the delivery was given up long ago."""
    _, outcome = notify(ENDLESS)
    assert isinstance(outcome, Accepted)


def test_a_service_that_hangs_holds_one_thread_however_often_it_is_tried(monkeypatch, receive):
    monkeypatch.setattr(chat, "THREADS", 2)
    hanging, other = receive(HttpReceiver, SLOW), receive(HttpReceiver, 200)
    carrier = chat.ChatCarrier(ChannelSettings(allow_private=True, timeout_s=0.3))
    first, second, third = (
        carrier.carry(f"gotify://127.0.0.1:{one.port}/Atoken99Secret", LETTER, NOW)
        for one in (hanging, hanging, other)
    )
    assert (first.error_class, second.error_class) == ("cut-off", "transient")
    assert isinstance(third, Accepted)
    hanging.let_go()
    carrier._threads.shutdown()
    assert len(hanging.posts) == 1


def test_a_service_that_hung_is_tried_again_when_it_has_let_go(receive):
    receiver = receive(HttpReceiver, SLOW)
    carrier = chat.ChatCarrier(ChannelSettings(allow_private=True, timeout_s=0.3))
    address = f"gotify://127.0.0.1:{receiver.port}/Atoken99Secret"
    assert isinstance(carrier.carry(address, LETTER, NOW), Failure)
    receiver.let_go()
    until(lambda: isinstance(carrier.carry(address, LETTER, NOW), Accepted), "it is tried again")


def test_a_service_of_our_own_network_needs_permission(notify):
    receiver, outcome = notify(200, allow_private=False)
    assert isinstance(outcome, Failure)
    assert outcome.error_class == "refused"
    assert receiver.posts == []


# where a server may send us -----------------------------------------------------------------------

ELSEWHERE = {"m.homeserver": {"base_url": "https://10.0.0.7"}}


@pytest.fixture
def asked(monkeypatch):
    """Apprise's requests: where to, whether certificates are checked, what. All answered alike."""
    found = []

    def answer(_adapter, request, *, verify=True, **_more):
        found.append((request.url, bool(verify), request.body))
        response = requests.Response()
        response.status_code = 200
        response.raw = BytesIO(json.dumps(ELSEWHERE).encode())
        response.url, response.request = request.url, request
        return response

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", answer)
    return found


@pytest.mark.parametrize("options", ["", "?discovery=yes", "?Discovery=yes", "?verify=no"])
def test_a_matrix_server_cannot_send_us_on_to_a_host_of_our_network(asked, options):
    carriers = channels(allow_private=False)
    carriers.carry(f"matrixs://ann:password@8.8.8.8/%23room{options}", LETTER, NOW)
    assert asked, "the server that was named is asked"
    assert {(urlsplit(url).hostname, checked) for url, checked, _ in asked} == {("8.8.8.8", True)}


def test_no_template_is_fetched_from_a_host_of_our_network(asked):
    channels(allow_private=False).carry(f"{DISCORD}?template=http://10.0.0.7/admin", LETTER, NOW)
    assert {urlsplit(url).hostname for url, _, _ in asked} == {"discord.com"}


# what a service is given --------------------------------------------------------------------------


def test_of_a_list_too_long_for_a_service_goes_what_it_takes(asked):
    channels().carry(DISCORD, replace(LETTER, text="B0CXYZ1234: the Buy Box is lost\n" * 100), NOW)
    ((_, _, body),) = asked
    assert 1000 < len(json.loads(body)["content"]) <= 2000


def test_what_stands_in_a_title_is_no_markup_for_a_service(asked):
    telegram = "tgram://123456789:abcdefg_hijklmnop/12315544/"
    channels().carry(telegram, replace(LETTER, text="Salt & <b>Pepper"), NOW)
    assert "Salt &amp; &lt;b&gt;Pepper" in json.loads(asked[-1][2])["text"]


@pytest.mark.parametrize(
    "title", ["@everyone", "@here", "<@81384788765712384>", "<@&165511591545143296>"]
)
def test_what_stands_in_a_title_calls_nobody(asked, title):
    channels().carry(DISCORD, replace(LETTER, heading=title, text=f"Salt {title}"), NOW)
    said = json.loads(asked[-1][2])["content"]
    assert "Salt" in said
    assert title not in said
