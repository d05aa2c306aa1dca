"""What a monitoring service hears about the polls."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from bot.app.heartbeat import open_caller
from bot.config.network import Network
from bot.errors import BotError, MarketplaceError
from bot.services.operations.poll_heartbeat import PollHeartbeat, failing
from bot.web.server import listening, serve
from tests.world import World

SECRET_PATH = "/ping/7f3a-private"


@dataclass
class Service:
    """A monitoring service, and what it was asked for."""

    paths: list[str] = field(default_factory=list)
    status: int = 200

    async def answer(self, request: web.Request) -> web.Response:
        self.paths.append(request.raw_path)
        return web.Response(status=self.status, headers={"Location": "/elsewhere"})

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_get("/{path:.*}", self.answer)
        with listening(host="127.0.0.1", port=0) as sockets:
            async with serve(app, sockets) as port:
                yield f"http://127.0.0.1:{port}{SECRET_PATH}"


@dataclass
class Polls:
    """Polls that end as they are told to."""

    ends: list[bool]

    async def poll(self) -> str:
        if self.ends.pop(0):
            return "read"
        raise MarketplaceError("not now")


async def asked_of(service: Service, ends: list[bool]) -> list[str]:
    """What the service is asked for, after polls that end like this."""
    async with service.serve() as url, open_caller(Network(), url) as call:
        heartbeat = PollHeartbeat(Polls(list(ends)).poll, url=url, call=call)
        for good in ends:
            if good:
                assert await heartbeat.poll() == "read"
            else:
                with pytest.raises(BotError, match="not now"):
                    await heartbeat.poll()
    return [path.removeprefix(SECRET_PATH) for path in service.paths]


@pytest.mark.parametrize(
    ("ends", "asked"),
    [
        ([True, True], ["", ""]),
        ([False, False, True], [""]),
        ([False, False, False, False, False, True], ["/fail", ""]),
        ([False, False, False, True, False, False, False], ["/fail", "", "/fail"]),
    ],
)
async def test_each_good_poll_is_reported_and_the_third_bad_one_in_a_row(ends: list[bool], asked: list[str]) -> None:
    assert await asked_of(Service(), ends) == asked


@pytest.mark.parametrize("status", [302, 404, 500])
async def test_a_service_that_takes_no_call_changes_nothing_and_its_address_is_not_logged(
    status: int, logged: Callable[[], str]
) -> None:
    assert await asked_of(Service(status=status), [True, False, False, False, False]) == ["", "/fail", "/fail"]
    assert f"The monitoring service answered {status}." in logged()
    assert SECRET_PATH not in logged()


async def test_a_service_that_is_away_changes_nothing_and_its_address_is_not_logged(
    logged: Callable[[], str],
) -> None:
    async with Service().serve() as url:
        pass
    async with open_caller(Network(), url) as call:
        assert await PollHeartbeat(Polls([True]).poll, url=url, call=call).poll() == "read"
    assert "The monitoring service did not answer (ConnectError)." in logged()
    assert SECRET_PATH not in logged()


def test_the_word_for_a_failure_goes_to_the_end_of_the_path() -> None:
    assert failing("https://hc.example/ping/a?b=c") == "https://hc.example/ping/a/fail?b=c"
    assert failing("https://hc.example") == "https://hc.example/fail"


async def test_a_bot_at_work_calls_the_service(here: World) -> None:
    service = Service()
    async with service.serve() as url, here.bot(heartbeat_url=url):
        await here.until(lambda: service.paths)
    assert service.paths == [SECRET_PATH]
