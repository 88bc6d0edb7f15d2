"""Several processes of transmit on one MySQL database: no number is given out twice, nothing is stored twice."""

import asyncio
import os
import random
import subprocess
import sys
from collections import defaultdict
from functools import partial
from pathlib import Path

import pytest

from services.protocol.base_pb2 import STRING
from services.stores.mysql.database import MysqlDatabase
from services.stores.ports import UniqueViolation
from services.transmit.batch import NOT_A_MEMBER, Refused, Stored, store_batch
from services.transmit.draft import Draft, digest
from services.transmit.membership import MemberLists
from tests.testbed.mariadb import clean_database

ROOMS = [f"room{number}" for number in range(5)]
PEOPLE = [f"person{number}" for number in range(6)]


def draft(sender, room, request_id, text="text"):
    return Draft(
        chat_session_id=room,
        user_id=sender,
        message_type=STRING,
        text=text,
        search_text=None,
        file_id=None,
        file_name=None,
        file_size=None,
        request_id=request_id,
        body_hash=digest(room, STRING, text.encode()),
        claimed=False,
    )


def populate(connection):
    connection.insert_many(
        "chat_session", ("chat_session_id", "chat_session_type", "created_at"), [(room, 2, 0) for room in ROOMS]
    )
    connection.insert_many(
        "chat_session_member",
        ("chat_session_id", "user_id", "joined_at"),
        [(room, person, 0) for room in ROOMS for person in PEOPLE],
    )


class Sender:
    """One process of transmit: pool, remembered members, batches one after another."""

    def __init__(self, database):
        self.database = database
        self.members = MemberLists()

    async def store(self, drafts):
        for attempt in range(20):
            try:
                result = await self.database.write(
                    partial(
                        store_batch,
                        drafts=drafts,
                        now=1,
                        remembered=self.members.get,
                        feeds_search=True,
                        doubtful=attempt > 0,
                    ),
                    concurrent=True,
                )
            except UniqueViolation:
                continue
            self.members.remember(result.members)
            return result.outcomes
        raise AssertionError("twenty races in a row")


@pytest.fixture
async def senders(mysql_target):
    databases = [await MysqlDatabase.open(mysql_target, pool_size=3) for _ in range(3)]
    await databases[0].write(populate)
    yield [Sender(database) for database in databases]
    for database in databases:
        await database.close()


async def stored_rows(sender):
    return await sender.database.read(
        lambda connection: connection.execute("SELECT session_id, seq, user_id, request_id FROM message ORDER BY id")
    )


async def check_numbers(sender, count):
    """Every conversation has 1, 2, 3 … and its head says so."""
    numbers = defaultdict(list)
    for room, seq, _, _ in await stored_rows(sender):
        numbers[room].append(seq)
    assert sum(map(len, numbers.values())) == count
    for found in numbers.values():
        assert sorted(found) == list(range(1, len(found) + 1))
    heads = await sender.database.read(
        lambda connection: connection.execute("SELECT chat_session_id, last_seq FROM chat_session")
    )
    assert {room: last for room, last in heads if last} == {room: len(found) for room, found in numbers.items()}


async def test_no_number_is_given_out_twice(senders):
    async def send(sender, name):
        for turn in range(40):
            drafts = [draft(PEOPLE[turn % 6], "room0", f"{name}-{turn}-{part}") for part in range(3)]
            outcomes = await sender.store(drafts)
            assert [each.seq for each in outcomes] == [outcomes[0].seq + part for part in range(3)]

    await asyncio.gather(*(send(sender, name) for name, sender in enumerate(senders)))
    await check_numbers(senders[0], 3 * 40 * 3)


async def test_batches_of_many_conversations_get_along(senders):
    chance = random.Random(7)

    async def send(sender, name):
        for turn in range(40):
            rooms = chance.sample(ROOMS, 4)
            await sender.store([draft(chance.choice(PEOPLE), room, f"{name}-{turn}-{room}") for room in rooms])

    await asyncio.gather(*(send(sender, name) for name, sender in enumerate(senders)))
    await check_numbers(senders[0], 3 * 40 * 4)


async def test_a_request_sent_through_all_of_them_is_stored_once(senders):
    for turn in range(30):
        outcomes = await asyncio.gather(
            *(sender.store([draft("person1", ROOMS[turn % 5], f"request{turn}")]) for sender in senders)
        )
        assert len({each[0].message_id for each in outcomes}) == 1
        assert sorted(each[0].duplicate for each in outcomes) == [False, True, True]
    await check_numbers(senders[0], 30)


async def test_a_request_id_used_for_two_conversations_at_once_stands_for_one_message(senders):
    for turn in range(30):
        outcomes = await asyncio.gather(
            *(
                sender.store([draft("person1", room, f"request{turn}")])
                for sender, room in zip(senders, ROOMS[:3], strict=True)
            )
        )
        assert sum(isinstance(each[0], Stored) for each in outcomes) == 1
        assert sum(isinstance(each[0], Refused) for each in outcomes) == 2
    await check_numbers(senders[0], 30)


async def test_nobody_sends_after_a_removal_that_was_answered(senders):
    *sending, changing = senders

    def remove(connection):
        connection.execute(f"SELECT 1 FROM chat_session WHERE chat_session_id = 'room0'{connection.dialect.for_update}")
        connection.change("DELETE FROM chat_session_member WHERE chat_session_id = 'room0' AND user_id = 'person0'")
        connection.change("UPDATE chat_session SET member_version = member_version + 1 WHERE chat_session_id = 'room0'")

    def add(connection):
        connection.change(
            "INSERT INTO chat_session_member (chat_session_id, user_id, joined_at) VALUES ('room0', 'person0', 0)"
        )
        connection.change("UPDATE chat_session SET member_version = member_version + 1 WHERE chat_session_id = 'room0'")

    member = True
    stop = False
    refused = stored = 0

    async def send(sender, name):
        nonlocal refused, stored
        turn = 0
        while not stop:
            turn += 1
            before = member
            (outcome,) = await sender.store([draft("person0", "room0", f"{name}-{turn}")])
            if before is member is False:
                assert outcome == Refused(NOT_A_MEMBER)
            refused += isinstance(outcome, Refused)
            stored += isinstance(outcome, Stored)

    tasks = [asyncio.create_task(send(sender, name)) for name, sender in enumerate(sending)]
    for _ in range(25):
        await changing.database.write(remove)
        member = False
        await asyncio.sleep(0.005)
        member = None  # under way
        await changing.database.write(add)
        member = True
        await asyncio.sleep(0.005)
    stop = True
    await asyncio.gather(*tasks)
    assert refused and stored
    rows = await senders[0].database.read(
        lambda connection: connection.execute(
            "SELECT count(*) FROM chat_session_member WHERE chat_session_id = 'room0'"
        )
    )
    assert rows == [(len(PEOPLE),)]


PROCESS = """
import asyncio, sys
from services.stores.access import Access
from services.stores.mysql.database import MysqlDatabase
from services.stores.mysql.target import read_target
from tests.stores.test_mysql_concurrency import Sender, draft

async def main(url, name):
    access = Access(sys.stdin.readline().strip(), sys.stdin.readline().strip())
    database = await MysqlDatabase.open(read_target(url, access))
    sender = Sender(database)
    for turn in range(100):
        await sender.store([draft("person1", "room0", f"{name}-{turn}-{part}") for part in range(1 + turn % 4)])
    await database.close()

asyncio.run(main(*sys.argv[1:]))
"""


def run_process(target, name):
    """What a process of transmit named so says when it has sent all it has to; nothing if that went well."""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            PROCESS,
            f"mysql://{target.addresses[0][0]}:{target.addresses[0][1]}/{target.database}",
            name,
        ],
        env={**os.environ, "PYTHONPATH": str(root)},
        cwd=root,
        input=f"{target.access.username}\n{target.access.password}\n",
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stderr if done.returncode else ""


async def test_two_processes_share_one_conversation(senders, mysql_target):
    problems = await asyncio.gather(*(asyncio.to_thread(run_process, mysql_target, name) for name in ("a", "b")))
    assert problems == ["", ""]
    await check_numbers(senders[0], 2 * 250)


async def test_serializable_works_of_two_pools_do_not_both_pass_a_check(senders):
    """Two works read that there is room for one and both take it: one of them has to see the other."""

    def take(name):
        def work(connection):
            taken = connection.execute("SELECT count(*) FROM setting WHERE name LIKE 'seat%'")[0][0]
            if taken >= 1:
                return False
            connection.change("INSERT INTO setting (name, value) VALUES (?, '')", (f"seat-{name}",))
            return True

        return work

    for turn in range(15):
        taken = await asyncio.gather(*(sender.database.write(take(f"{turn}-{n}")) for n, sender in enumerate(senders)))
        assert sum(taken) == 1
        await senders[0].database.write(
            lambda connection: connection.change("DELETE FROM setting WHERE name LIKE 'seat%'")
        )


def test_databases_are_used_again_empty():
    with clean_database() as first:
        pass
    with clean_database() as second:
        assert first == second
