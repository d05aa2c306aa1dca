"""The floor for signals: an endpoint that writes each request down before it answers, and does nothing else with it."""

import argparse
import asyncio
import sqlite3
import sys
from http import HTTPStatus
from pathlib import Path

from aiohttp import web


class Endpoint:
    """Answers 202 once a request is on disk. Those that wait share a transaction, as with the bot."""

    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.execute("CREATE TABLE request (id INTEGER PRIMARY KEY, body BLOB)")
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._turn = asyncio.Lock()

    async def take(self, request: web.Request) -> web.Response:
        """Write a request down."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((await request.read(), done))
        async with self._turn:
            if not done.done():
                taken, self._waiting = self._waiting, []
                await asyncio.to_thread(self._write, [(body,) for body, _ in taken])
                for _, each in taken:
                    each.set_result(None)
        return web.Response(status=HTTPStatus.ACCEPTED)

    def _write(self, rows: list[tuple[bytes]]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany("INSERT INTO request (body) VALUES (?)", rows)
        self._connection.execute("COMMIT")


async def serve(file: Path) -> None:
    """Serve on a free port, which is printed, until standard input ends."""
    app = web.Application()
    app.router.add_post("/signals", Endpoint(file).take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    asyncio.run(serve(parser.parse_args().file))
