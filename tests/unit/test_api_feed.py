"""What a stream is told: each change once, the latest of what is behind, and never part of a batch."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.feed.client import Client, Leave
from api.feed.events import PIECE_BYTES, Batch, Change, Wanted, cursor_alone
from api.feed.snapshot import Snapshot

EVERYTHING = Wanted()


def change(key="a", tx=10, *, kind="state", severity="high", marketplace="M", body=None):
    text = body or json.dumps({"key": key, "tx": tx})
    return Change(kind, key, tx, marketplace, f"asin-{key}", severity, None, text)


def cursor(low, high=None, *running):
    return f"e.1~{low}:{high or low}:{','.join(map(str, running))}"


def batch(low, *changes):
    return Batch(cursor(low), tuple(changes))


def client(wanted=EVERYTHING, *, max_pending=100, settled=True):
    cuts = []
    one = Client(
        wanted, owner="me", token_id=1, max_pending=max_pending, cut_off=lambda: cuts.append(1)
    )
    if settled:
        one.settle(cursor(1), read_gap=False)
    return one, cuts


def told(one):
    """What the client is sent now: (event, key, tx) of each, and the ids that came along."""
    pieces = asyncio.run(one.take(patience_s=0))
    return parse(pieces)


def parse(pieces):
    events, ids = [], []
    for text in b"".join(pieces or ()).decode().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in text.splitlines() if not line.startswith(":"))
        if "id" in lines:
            ids.append(lines["id"])
        if "event" in lines:
            data = json.loads(lines["data"])
            events.append((lines["event"], data.get("key"), data.get("tx")))
    return events, ids


class TestSnapshot:
    @given(st.integers(3, 60), st.sets(st.integers(3, 80)), st.integers(1, 90))
    def test_it_sees_what_had_ended_and_nothing_else(self, high, others, transaction):
        running = sorted(x for x in others if x < high)
        low = running[0] if running else high
        snapshot = Snapshot.of(f"e.1~{low}:{high}:{','.join(map(str, running))}")
        assert snapshot.saw(transaction) == (transaction < high and transaction not in running)

    def test_it_covers_another_only_when_nothing_of_it_can_be_missing(self):
        assert Snapshot.of(cursor(20)).covers(Snapshot.of(cursor(10, 20, 10)))
        assert not Snapshot.of(cursor(19, 25, 19)).covers(Snapshot.of(cursor(10, 20, 10)))


class TestAClientThatKeepsUp:
    def test_gets_the_batches_as_they_are_and_their_cursor_with_the_last_event(self):
        one, _ = client()
        one.offer(batch(11, change("a"), change("b")))
        assert told(one) == ([("state", "a", 10), ("state", "b", 10)], [cursor(11)])
        assert one.cursor == cursor(11)

    def test_shares_the_bytes_with_the_others(self):
        both = [client()[0], client()[0]]
        shared = batch(11, change())
        pieces = []
        for one in both:
            one.offer(shared)
            pieces.append(asyncio.run(one.take(patience_s=0)))
        assert pieces[0][0] is pieces[1][0]

    def test_hears_nothing_for_a_while_and_then_only_where_it_stands(self):
        one, _ = client()
        assert asyncio.run(one.take(patience_s=0)) is None
        assert one.sign_of_life(cursor(50)) == cursor_alone(cursor(50))
        assert b"data" not in cursor_alone(cursor(50))

    def test_a_large_batch_comes_in_pieces_of_whole_events(self):
        body = json.dumps({"key": "a", "text": "x" * 10_000})
        pieces = batch(11, *(change(str(n), body=body) for n in range(20))).pieces(EVERYTHING)
        assert len(pieces) > 4
        assert all(len(p) <= PIECE_BYTES + 11_000 and p.endswith(b"\n\n") for p in pieces)
        assert b"".join(pieces).count(b"id: ") == 1
        assert b"id: " in pieces[-1]


class TestAClientThatIsBehind:
    def test_gets_the_latest_state_of_each_product_only(self):
        one, _ = client()
        for tx in range(10, 40):
            one.offer(batch(tx + 1, change("a" if tx % 2 else "b", tx)))
        assert told(one) == ([("state", "b", 38), ("state", "a", 39)], [cursor(40)])

    @pytest.mark.parametrize("batches", [2, 3, 4, 5])
    def test_the_cursor_stands_for_all_that_waited_however_many_batches(self, batches):
        one, _ = client()
        waited = range(10, 10 + batches)
        for tx in waited:
            one.offer(batch(tx + 1, change(f"p{tx}", tx)))
        events, ids = told(one)
        assert [tx for *_, tx in events] == list(waited)
        assert ids == [cursor(10 + batches)]

    def test_is_not_told_again_what_it_was_told(self):
        one, _ = client()
        for tx in (10, 11):
            one.offer(batch(tx + 1, change(f"p{tx}", tx)))
        assert [key for _, key, _ in told(one)[0]] == ["p10", "p11"]
        for tx in (12, 13):
            one.offer(batch(tx + 1, change(f"p{tx}", tx)))
        assert [key for _, key, _ in told(one)[0]] == ["p12", "p13"]

    def test_gets_every_change_of_an_alert(self):
        one, _ = client()
        for tx in range(10, 14):
            one.offer(batch(tx + 1, change("7", tx, kind="alert")))
        assert told(one)[0] == [("alert", "7", tx) for tx in range(10, 14)]

    def test_gets_every_alert_that_one_transaction_changed(self):
        one, _ = client()
        one.offer(batch(11, change("7", kind="alert"), change("8", kind="alert")))
        one.offer(batch(12, change("9", 11, kind="alert")))
        assert [key for _, key, _ in told(one)[0]] == ["7", "8", "9"]

    @pytest.mark.parametrize("batches", [1, 2])
    def test_a_sign_of_life_does_not_say_that_it_was_told_what_still_waits(self, batches):
        """A batch may come at the moment in which its patience ends."""
        one, _ = client()
        for tx in range(10, 10 + batches):
            one.offer(batch(tx + 1, change("a", tx)))
        assert one.sign_of_life(cursor(50)) == cursor_alone(cursor(1))

    def test_is_cut_off_when_too_much_waits_and_told_nothing_more(self):
        one, cuts = client(max_pending=5)
        for tx in range(10, 16):
            one.offer(batch(tx + 1, change(f"p{tx}", tx)))
        assert cuts == [1]
        assert one.leaving == Leave("slow")
        assert told(one) == ([], [])
        one.offer(batch(99, change("z", 98)))
        assert one._pending == {}

    def test_is_not_cut_off_by_one_product_that_changes_a_thousand_times(self):
        one, cuts = client(max_pending=5)
        for tx in range(10, 1010):
            one.offer(batch(tx + 1, change("a", tx)))
        assert cuts == []
        assert told(one)[0] == [("state", "a", 1009)]

    def test_is_not_cut_off_by_what_does_not_concern_it(self):
        one, cuts = client(Wanted(marketplaces=frozenset({"N"})), max_pending=5)
        for tx in range(10, 40):
            one.offer(batch(tx + 1, change(f"p{tx}", tx)))
        assert cuts == []
        assert told(one) == ([], [])
        assert one.cursor == cursor(40)


class TestAGap:
    """A client that comes back: registered first, its gap read, then live, each change once."""

    def test_what_the_gap_has_shown_is_not_told_again(self):
        one, _ = client(settled=False)
        one.offer(batch(12, change("a", 10), change("b", 11)))
        one.offer(batch(15, change("b", 14)))
        one.settle(cursor(14), read_gap=True)  # saw 10 and 11, and not 14
        assert told(one) == ([("state", "b", 14)], [cursor(15)])

    def test_a_batch_older_than_the_gap_does_not_move_the_cursor_back(self):
        one, _ = client(settled=False)
        one.offer(batch(12, change("a", 10)))
        one.settle(cursor(20), read_gap=True)
        assert told(one) == ([], [])
        assert one.cursor == cursor(20)
        one.offer(batch(13, change("b", 12)))  # from a read that began before the gap's
        assert told(one) == ([], [])
        assert one.cursor == cursor(20)
        one.offer(batch(25, change("c", 20)))
        one.offer(batch(26, change("d", 25)))
        assert told(one) == ([("state", "c", 20), ("state", "d", 25)], [cursor(26)])

    def test_the_row_of_a_transaction_that_was_running_is_told(self):
        one, _ = client(settled=False)
        one.settle(cursor(10, 20, 10), read_gap=True)
        one.offer(batch(21, change("slow", 10), change("seen", 15)))
        assert told(one)[0] == [("state", "slow", 10)]

    def test_a_sign_of_life_waits_until_the_hub_is_certainly_past_the_gap(self):
        one, _ = client(settled=False)
        one.settle(cursor(15, 20, 15), read_gap=True)
        assert one.sign_of_life(cursor(15, 18, 15)) == cursor_alone(cursor(15, 20, 15))
        assert one.sign_of_life(cursor(22)) == cursor_alone(cursor(22))
        one.offer(batch(23, change("a", 22)))
        assert told(one)[0] == [("state", "a", 22)]

    @given(st.data())
    def test_whatever_the_order_it_ends_with_the_table_and_hears_nothing_twice(self, data):
        """Transactions end in any order; the hub reads and the client joins at any moment."""
        count = data.draw(st.integers(1, 14))
        order = data.draw(st.permutations(range(count)))
        keys = [data.draw(st.sampled_from("ab")) for _ in range(count)]
        reads = data.draw(st.sets(st.integers(0, count), min_size=1)) | {count}
        join, gap = sorted(data.draw(st.lists(st.integers(0, count), min_size=2, max_size=2)))
        given_at = data.draw(st.integers(0, join))

        def cursor_at(step):
            running = sorted(100 + n for n in order[step:])
            low = running[0] if running else 100 + count
            return cursor(low, 100 + count, *running)

        def since(frm, to):
            """The rows changed in between, each in its latest form."""
            rows = {}
            for step in range(frm, to):
                rows[keys[order[step]]] = change(keys[order[step]], 100 + order[step])
            return tuple(rows.values())

        one, heard, position = None, list(since(given_at, gap)), 0
        for step in range(count + 1):
            if step == join:
                one, _ = client(settled=False)
            if step in reads:
                if one is not None:
                    one.offer(Batch(cursor_at(step), since(position, step)))
                position = step
            if step == gap:
                one.settle(cursor_at(gap), read_gap=True)
        live = told(one)[0]
        heard = [(c.key, c.changed_in) for c in heard] + [(key, tx) for _, key, tx in live]
        table = {c.key: c.changed_in for c in since(0, count)}
        held = {c.key: c.changed_in for c in since(0, given_at)} | dict(heard)
        assert held == table
        assert len(heard) == len(set(heard))


class TestFilters:
    def test_only_what_was_asked_for_comes(self):
        wanted = Wanted(marketplaces=frozenset({"M"}), asins=frozenset({"asin-a"}))
        one, _ = client(wanted)
        one.offer(batch(11, change("a"), change("b"), change("a", marketplace="N")))
        assert told(one)[0] == [("state", "a", 10)]

    def test_who_shows_one_severity_hears_that_a_row_has_left_it(self):
        one, _ = client(Wanted(severities=frozenset({"critical"})))
        one.offer(batch(11, change("a", severity="critical"), change("b", severity="success")))
        pieces = asyncio.run(one.take(patience_s=0))
        assert parse(pieces) == ([("state", "a", 10), ("left", "b", None)], [cursor(11)])
        assert b'"severity": "success"' in pieces[0]


class TestBeginningAgain:
    def test_a_reset_of_the_feed_drops_what_waits_and_comes_first(self):
        one, _ = client()
        one.offer(batch(11, change("a")))
        one.begin_again("other-epoch", cursor(5))
        one.offer(batch(6, change("b", 5)))
        events, ids = told(one)
        assert events == [("reset", None, None), ("state", "b", 5)]
        assert ids == [cursor(5), cursor(6)]

    def test_nothing_of_before_comes_after_it(self):
        """The client reads everything anew, and an older row would take the place of a newer."""
        one, _ = client()
        for tx in (10, 11):
            one.offer(batch(tx + 1, change("a", tx)))
        one.begin_again("other-epoch", cursor(5))
        one.offer(batch(6, change("b", 5)))
        assert told(one)[0] == [("reset", None, None), ("state", "b", 5)]

    def test_a_gap_read_meanwhile_does_not_undo_it(self):
        one, _ = client(settled=False)
        one.begin_again("other-epoch", cursor(5))
        one.settle(cursor(50), read_gap=True)
        one.offer(batch(6, change("b", 5)))
        assert told(one)[0] == [("reset", None, None), ("state", "b", 5)]


def test_the_first_reason_to_leave_stands():
    one, _ = client()
    one.end(Leave("restart", 5))
    one.end(Leave("gone"))
    assert one.leaving == Leave("restart", 5)
    assert told(one) == ([], [])


@pytest.mark.parametrize("live", [True, False])
def test_a_notice_about_the_feed_comes_before_its_changes(live):
    one, _ = client()
    one.offer(batch(11, change("a")))
    one.notice(b'event: feed\ndata: {"live": %s}\n\n' % (b"true" if live else b"false"))
    assert [name for name, *_ in told(one)[0]] == ["feed", "state"]


def test_a_notice_alone_leaves_the_cursor_where_it_is():
    one, _ = client()
    one.notice(b'event: feed\ndata: {"live": false}\n\n')
    assert told(one) == ([("feed", None, None)], [])
    assert one.cursor == cursor(1)
