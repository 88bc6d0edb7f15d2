"""A replica of transmit as a program of its own, to be killed and paused: `python -m tests.testbed.replica PORT JOURNAL`.

Each send takes a moment, then is a line in the journal (conversation, request id, name), then is answered.
"""

from __future__ import annotations

import asyncio
import os
import sys

from services.protocol.transmit_pb2 import NewMessageReq, SendRsp
from services.runtime.rpc_server import RpcServer
from tests.testbed.calls import SECRET


async def main(port: int, journal: str) -> None:
    file = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    turn = asyncio.Lock()

    async def send(request: NewMessageReq) -> SendRsp:
        async with turn:  # fair, like the queue of a transmit service
            await asyncio.sleep(0.001)
            os.write(file, f"{request.chat_session_id} {request.request_id} {request.user_id}\n".encode())
        return SendRsp(request_id=request.request_id, success=True)

    server = RpcServer(SECRET, {"transmit": {"Send": send}})
    await server.start("127.0.0.1", [port])
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
