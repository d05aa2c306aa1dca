"""A real mail server on loopback: Exim with a configuration of its own, which delivers into a folder."""

import asyncio
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

BINARY = shutil.which("exim4", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
AVAILABLE = BINARY is not None and os.geteuid() == 0
"""Exim takes a connection that was opened by somebody else from root alone."""

# Of the world outside it asks nobody and writes to nobody: every address is refused or delivered here.
_CONFIGURATION = """\
primary_hostname = mx.exim.test
spool_directory = FOLDER/spool
log_file_path = FOLDER/%slog
keep_environment =
log_selector = +smtp_connection
host_lookup =
rfc1413_hosts =
deliver_drop_privilege
# Mails wait until the queue is run.
queue_only
message_size_limit = 100K
smtp_accept_max_per_connection = MOST
smtputf8_advertise_hosts = UTF8
tls_advertise_hosts = TLS
tls_certificate = FOLDER/server.pem
acl_smtp_mail = sender
acl_smtp_rcpt = recipient
acl_smtp_data = content

begin acl
sender:
  deny    senders = stranger@vendor.example
          message = Sender verify failed
  accept
recipient:
  require message = relay not permitted
          domains = acme.example : xn--bcher-kva.example
  defer   local_parts = grey
          message = Greylisted, please try again later
  deny    local_parts = nobody
          message = Unknown user
  accept
content:
  deny    condition = ${if match{$message_body}{casino}}
          message = This message looks like spam
  accept

begin routers
here:
  driver = accept
  transport = file

begin transports
file:
  driver = appendfile
  directory = FOLDER/mails
  maildir_format
  user = Debian-exim
  return_path_add
  envelope_to_add

begin retry
* * F,1h,15m
"""


@dataclass(frozen=True, kw_only=True)
class Exim:
    """A running Exim: it knows acme.example and bücher.example, but nobody@ them; grey@ comes too early."""

    port: int
    folder: Path

    async def delivered(self) -> list[bytes]:
        """Every mail that has arrived, in any order, with line ends as on the wire."""
        await _run("-q", conf=self.folder / "conf")
        files = (self.folder / "mails" / "new").glob("*")
        return [file.read_bytes().replace(b"\n", b"\r\n") for file in files]

    def connections(self) -> int:
        """How many connections have ended with a goodbye."""
        return (self.folder / "mainlog").read_text().count("closed by QUIT")


@asynccontextmanager
async def running_exim(*, most_mails: int = 1000, utf8: bool = True, certificate: bytes = b"") -> AsyncIterator[Exim]:
    """Serve on 127.0.0.1, a process for each connection; with a certificate (PEM, key included) also encrypted."""
    # Not below pytest's folder: Exim's own user must get in.
    with tempfile.TemporaryDirectory() as name, socket.create_server(("127.0.0.1", 0)) as listener:
        folder = Path(name)
        filled = {"FOLDER": name, "MOST": str(most_mails), "UTF8": "*" if utf8 else ""}
        text = _CONFIGURATION
        for word, value in (filled | {"TLS": "*" if certificate else ""}).items():
            text = text.replace(word, value)
        (folder / "conf").write_text(text)
        (folder / "server.pem").write_bytes(certificate)
        for path in (folder, folder / "server.pem"):
            shutil.chown(path, "Debian-exim")
        serving = asyncio.create_task(_serve(listener, folder / "conf"))
        try:
            yield Exim(port=listener.getsockname()[1], folder=folder)
        finally:
            serving.cancel()
            with suppress(asyncio.CancelledError):
                await serving


async def _serve(listener: socket.socket, conf: Path) -> None:
    """Hand each connection to an Exim that speaks on it, as inetd does; in the end wait for them."""
    listener.settimeout(0)
    async with asyncio.TaskGroup() as talks:
        while True:
            connection, _ = await asyncio.get_running_loop().sock_accept(listener)
            connection.settimeout(None)  # as Exim expects it
            talks.create_task(_run("-bs", conf=conf, connection=connection))


async def _run(mode: str, *, conf: Path, connection: socket.socket | None = None) -> None:
    assert BINARY is not None
    here = asyncio.subprocess.DEVNULL if connection is None else connection.fileno()
    process = await asyncio.create_subprocess_exec(
        BINARY, "-C", conf, mode, stdin=here, stdout=here, stderr=asyncio.subprocess.DEVNULL
    )
    if connection is not None:
        connection.close()
    try:
        await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
