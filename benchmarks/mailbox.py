"""A mailbox full of other people's email, read at the first start: seconds, and megabytes on top.

The floor is a client that fetches the same, and does nothing with it. Most of it is the time of the server.
"""

import asyncio
import json
import resource
import sys
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.demo.fake_imap import PASSWORD, USERNAME
from bot.mail.inbound.imap import BATCH, ImapAccount, ImapMailbox, Secret
from bot.mail.inbound.reply import FIELDS
from bot.mail.inbound.verp import Purpose, read_tagged_address
from bot.services.inbound.bounces import BounceHandler
from bot.services.inbound.replies import Inbox, ReplyReader
from bot.services.operations.alerts import AdminAlerts
from bot.store import open_store

SERVER = """
import asyncio, sys
from bot.demo.fake_imap import ReplyMailbox
async def main():
    box = ReplyMailbox()
    async with box.serve() as port:
        for number in range(int(sys.argv[1])):
            head = f"From: a{number}@other.example\\r\\nTo: b@vendor.example\\r\\nSubject: Re: number {number}\\r\\n"
            ids = f"Message-ID: <{number}@other.example>\\r\\nReferences: <x{number}@other.example>\\r\\n"
            await box.deliver((head + ids + "X-Padding: " + "x" * 900 + "\\r\\n\\r\\nhello\\r\\n").encode())
        print(port, flush=True)
        await asyncio.Future()
asyncio.run(main())
"""


def megabytes() -> float:
    """Return the most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def measure(messages: int) -> dict[str, float]:
    """Return the seconds that reading takes, those of the floor, and the megabytes on top."""
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVER, str(messages), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert server.stdout is not None  # noqa: S101  a pipe was asked for
        port = int(await server.stdout.readline())
        with TemporaryDirectory() as folder:
            account = ImapAccount(host="127.0.0.1", port=port, tls="none", username=USERNAME, folder="INBOX")
            seconds, above = await _read(Path(folder), account)
            return {"seconds": seconds, "floor": await asyncio.to_thread(_fetch, account), "megabytes": above}
    finally:
        server.kill()
        await server.wait()


def _fetch(account: ImapAccount) -> float:
    mailbox, began = ImapMailbox(account), time.perf_counter()
    mailbox.open(Secret(PASSWORD))
    uids = mailbox.uids(after=0, since=None)
    for start in range(0, len(uids), BATCH):
        mailbox.headers(uids[start : start + BATCH], FIELDS)
    took = time.perf_counter() - began
    mailbox.close()
    return took


async def _read(folder: Path, account: ImapAccount) -> tuple[float, float]:
    keys = [b"a key"]

    async def secret() -> Secret:
        return Secret(PASSWORD)

    async def nothing(*_: object) -> None:
        return None

    def clock() -> datetime:
        return datetime.now(UTC)

    bounce_tag = partial(read_tagged_address, keys=keys, purpose=Purpose.BOUNCE)
    inbox = Inbox(
        account=account,
        secret=secret,
        reply_tag=partial(read_tagged_address, keys=keys, purpose=Purpose.REPLY),
        bounce_tag=bounce_tag,
        is_own=lambda _: False,
    )
    async with open_store(
        f"sqlite+aiosqlite:///{folder / 'bench.db'}", secret_keys=["a key for the bench, long"]
    ) as store:
        bounces = BounceHandler(store.bounces, verp=bounce_tag, tell=nothing, tell_unclear=nothing, clock=clock)
        alerts = AdminAlerts(store, admins=(), channel="C0BENCH", clock=clock)
        reader = ReplyReader(store, inbox, bounces=bounces, alerts=alerts, clock=clock)
        before, began = megabytes(), time.perf_counter()
        opened = await reader.connect(Secret(PASSWORD))
        await reader.read_new(opened)
        took = time.perf_counter() - began
        await reader.close()
    return took, megabytes() - before


def main() -> None:
    """Print what was measured as JSON, for the number of messages in the arguments."""
    print(json.dumps(asyncio.run(measure(int(sys.argv[1])))))  # noqa: T201  the result


if __name__ == "__main__":
    main()
