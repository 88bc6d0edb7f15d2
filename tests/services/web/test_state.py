"""The client's state machine in a real Chromium: whatever order events come in, a conversation shows each message once, in order."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page

pytestmark = pytest.mark.asyncio(loop_scope="module")

PRELUDE = """
  const { Timeline } = await import("/js/timeline.js");
  const { State } = await import("/js/state.js");
  const { rowsOf } = await import("/js/rows.js");
  const m = (seq, extra = {}) => ({ seq, id: `m${seq}`, conversationId: "c", senderId: "bob", senderName: "Bob", time: seq * 1000,
    kind: "text", text: `t${seq}`, requestId: "", transcript: "", ...extra });
  const range = (a, b) => Array.from({ length: b - a + 1 }, (_, i) => m(a + i));
  const seqs = (timeline) => timeline.items.map((each) => each.seq);
  const shuffled = (list, seed) => { const out = [...list]; let s = seed;
    for (let i = out.length - 1; i > 0; i -= 1) { s = (s * 1103515245 + 12345) % 2147483648; const j = s % (i + 1); [out[i], out[j]] = [out[j], out[i]]; }
    return out; };
  const conversation = (state, fields = {}) => state.setConversations([{ info: { chatSessionId: "c", chatSessionName: "C", singleChatFriendId: "bob",
    avatar: new Uint8Array(0), prevMessage: null }, lastSeq: 0, readSeq: 0, unread: 0, memberCount: 2, ownerId: "", prevMessageSeq: 0, prevMessageTranscript: "", ...fields }]);
  const begin = (fields) => { const state = new State(); state.me = { userId: "me", nickname: "Me" }; conversation(state, fields); return state; };
"""


async def run(page: Page, body: str) -> Any:
    return await page.evaluate("async () => {" + PRELUDE + body + "}")


async def test_messages_in_any_order_with_repetitions_end_up_once_and_in_order(page: Page) -> None:
    results = await run(
        page,
        """
      const results = [];
      for (let seed = 1; seed <= 60; seed += 1) {
        const timeline = new Timeline();
        timeline.reset(range(1, 5), { more: false, attached: true });
        for (const each of shuffled([...range(3, 40), ...range(6, 40)], seed)) timeline.insert(each);
        results.push(seqs(timeline).join());
      }
      return results;""",
    )
    assert set(results) == {",".join(str(seq) for seq in range(1, 41))}


async def test_what_comes_after_a_gap_waits_until_the_gap_is_filled(page: Page) -> None:
    outcome = await run(
        page,
        """
      const timeline = new Timeline();
      timeline.reset(range(1, 3), { more: false, attached: true });
      const outcomes = [timeline.insert(m(6)), timeline.insert(m(5)), timeline.insert(m(2)), seqs(timeline).join(), timeline.insert(m(4)), seqs(timeline).join()];
      return outcomes;""",
    )
    assert outcome == ["gap", "gap", "known", "1,2,3", "added", "1,2,3,4,5,6"]


async def test_a_synchronisation_joins_what_is_contiguous_and_replaces_what_is_not(page: Page) -> None:
    outcome = await run(
        page,
        """
      const joined = new Timeline();
      joined.reset(range(1, 3), { more: false, attached: true });
      joined.join(range(4, 6), true);
      const replaced = new Timeline();
      replaced.reset(range(1, 3), { more: false, attached: true });
      replaced.insert(m(52));
      replaced.join(range(40, 50), false);
      replaced.join(range(51, 51), true);
      return [seqs(joined).join(), seqs(replaced).join(), replaced.more];""",
    )
    assert outcome == ["1,2,3,4,5,6", ",".join(str(seq) for seq in range(40, 53)), True]


async def test_older_pages_are_put_before_and_only_when_they_fit(page: Page) -> None:
    outcome = await run(
        page,
        """
      const timeline = new Timeline();
      timeline.reset(range(50, 60), { more: true, attached: true });
      timeline.prepend(range(20, 30), true);
      const refused = timeline.first;
      timeline.prepend(range(40, 52), true);
      return [refused, timeline.first, seqs(timeline).length];""",
    )
    assert outcome == [50, 40, 21]


async def test_around_an_old_message_live_ones_wait_until_the_end_is_reached(page: Page) -> None:
    outcome = await run(
        page,
        """
      const timeline = new Timeline();
      timeline.reset(range(10, 20), { more: true, attached: false });
      const away = timeline.insert(m(31));
      timeline.append(range(21, 31), 31);
      return [away, timeline.attached, timeline.end, timeline.insert(m(32))];""",
    )
    assert outcome == ["away", True, 31, "added"]


async def test_trimming_keeps_a_run_without_gaps_and_knows_what_was_forgotten(page: Page) -> None:
    outcome = await run(
        page,
        """
      const timeline = new Timeline();
      timeline.reset(range(1, 100), { more: false, attached: true });
      timeline.trim(50, "old");
      const old = [timeline.first, timeline.more, timeline.attached];
      timeline.trim(20, "new");
      return [...old, timeline.end, timeline.attached];""",
    )
    assert outcome == [51, True, True, 70, False]


async def test_unread_counts_what_others_wrote_and_nothing_twice(page: Page) -> None:
    outcome = await run(
        page,
        """
      const state = begin({ lastSeq: 5, readSeq: 5 });
      for (const each of [m(6), m(7), m(6), m(7)]) state.receive(each);
      const counted = state.conversation("c").unread;
      state.receive(m(8, { senderId: "me" }));
      return [counted, state.conversation("c").unread];""",
    )
    assert outcome == [2, 0]


async def test_reading_on_another_device_clears_the_count_here(page: Page) -> None:
    outcome = await run(
        page,
        """
      const state = begin({ lastSeq: 5, readSeq: 2, unread: 3 });
      state.applyRead("c", "me", 4);
      const partly = state.conversation("c").unread;
      state.applyRead("c", "me", 5);
      state.applyRead("c", "me", 3);
      return [partly, state.conversation("c").unread, state.conversation("c").readSeq];""",
    )
    assert outcome == [1, 0, 5]


async def test_a_list_slower_than_an_event_does_not_take_the_event_back(page: Page) -> None:
    outcome = await run(
        page,
        """
      const state = begin({ lastSeq: 5, readSeq: 5 });
      state.receive(m(6));
      conversation(state, { lastSeq: 5, readSeq: 5, unread: 0 });
      return [state.conversation("c").lastSeq, state.conversation("c").unread];""",
    )
    assert outcome == [6, 1]


async def test_a_message_of_an_unknown_conversation_asks_for_the_list(page: Page) -> None:
    assert await run(page, """return begin({}).receive(m(1, { conversationId: "new" }));""") == "unknown"


async def test_a_cursor_is_the_end_of_what_is_held_without_a_gap(page: Page) -> None:
    outcome = await run(
        page,
        """
      const state = begin({ lastSeq: 5 });
      const before = state.cursors()[0].seq;
      state.conversation("c").timeline.reset(range(1, 5), { more: false, attached: true });
      const outcome = state.receive(m(9));
      return [before, outcome, state.cursors()[0].seq];""",
    )
    assert outcome == [5, "gap", 5]


async def test_a_message_keeps_its_row_from_sending_to_its_place(page: Page) -> None:
    outcome = await run(
        page,
        """
      const state = begin({ lastSeq: 1 });
      const c = state.conversation("c");
      c.timeline.reset(range(1, 1), { more: false, attached: true });
      const entry = { requestId: "r1", conversationId: "c", kind: "text", text: "x", bytes: null, fileName: "", time: 2000, state: "inflight" };
      const waiting = rowsOf(c, [entry], state.me, -1).at(-1);
      state.receive(m(2, { senderId: "me", requestId: "r1" }));
      const placed = rowsOf(c, [], state.me, -1).at(-1);
      return [waiting.key === placed.key, waiting.status, placed.status];""",
    )
    assert outcome == [True, "inflight", "sent"]


async def test_a_restored_history_is_forgotten_as_a_whole(page: Page) -> None:
    outcome = await run(
        page,
        """
      const state = begin({ lastSeq: 9, readSeq: 9 });
      state.conversation("c").timeline.reset(range(1, 9), { more: false, attached: true });
      state.forgetHistory();
      conversation(state, { lastSeq: 4, readSeq: 3, unread: 1 });
      const c = state.conversation("c");
      return [c.lastSeq, c.readSeq, c.unread, c.timeline.loaded];""",
    )
    assert outcome == [4, 3, 1, False]
