"""A small DNS server on loopback: TXT records, names that do not exist, and the ways in which a server fails."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import dns.asyncresolver
import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from tests.machine import limit


@dataclass
class Zone:
    """The TXT records by name; any other name does not exist."""

    records: Mapping[str, Sequence[str]] = field(default_factory=dict)
    is_silent: bool = False
    fails: bool = False


class _Server(asyncio.DatagramProtocol):
    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        self.transport: asyncio.DatagramTransport | None = None

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self.transport is not None and not self._zone.is_silent:
            self.transport.sendto(self._answer(dns.message.from_wire(data)).to_wire(), addr)

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        answer = dns.message.make_response(query, recursion_available=True)
        name = query.question[0].name
        texts = self._zone.records.get(str(name).rstrip("."))
        if self._zone.fails:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif texts is None:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif texts:
            answer.answer.append(dns.rrset.from_text_list(name, 60, "IN", "TXT", [_quoted(text) for text in texts]))
        return answer


def _quoted(text: str) -> str:
    """Return a text as a zone file has it: in strings of at most 255 bytes."""
    return " ".join(f'"{text[start : start + 255]}"' for start in range(0, len(text), 255))


@asynccontextmanager
async def serving(zone: Zone) -> AsyncIterator[dns.asyncresolver.Resolver]:
    """Serve a zone, and yield a resolver that asks this server alone."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(lambda: _Server(zone), local_addr=("127.0.0.1", 0))
    server.transport = transport
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.port = transport.get_extra_info("sockname")[1]  # before the servers, which take it over
    resolver.nameservers = ["127.0.0.1"]
    resolver.lifetime = 0.3 if zone.is_silent else limit(10)
    try:
        yield resolver
    finally:
        transport.close()
