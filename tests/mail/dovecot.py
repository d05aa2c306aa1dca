"""A real IMAP server on loopback: Dovecot with a configuration of its own, and one mailbox in a folder."""

import asyncio
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from pwd import getpwnam
from typing import Final

from tests.machine import limit

BINARY: Final = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
AVAILABLE: Final = BINARY is not None and os.geteuid() == 0
"""Its processes change their user, which only root may do."""
PASSWORD: Final = "opens-dovecot"
_USER: Final = "nobody"

_CONFIGURATION = """\
protocols = imap
listen = 127.0.0.1
base_dir = FOLDER/run
state_dir = FOLDER/state
log_path = FOLDER/log
ssl = no
disable_plaintext_auth = no
default_login_user = nobody
default_internal_user = nobody
default_internal_group = nogroup
first_valid_uid = 1
mail_location = maildir:FOLDER/mail
service imap-login {
  chroot =
  inet_listener imap {
    port = PORT
  }
  inet_listener imaps {
    port = 0
  }
}
service anvil {
  chroot =
}
MORE_LOGINS
passdb {
  driver = static
  args = password=PASSWORD
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=FOLDER/home
}
namespace {
  inbox = yes
  mailbox Done {
    auto = create
  }
}
"""
_TOKENS = """\
auth_mechanisms = plain xoauth2
passdb {
  driver = oauth2
  mechanisms = xoauth2
  args = FOLDER/oauth2.conf
}
"""
_OAUTH2 = """\
introspection_mode = post
introspection_url = INTROSPECTION
username_attribute = username
active_attribute = active
active_value = true
"""


@dataclass(frozen=True, slots=True)
class Dovecot:
    """The server: its port, and the folder that new messages are put into."""

    port: int
    folder: Path

    def deliver(self, content: bytes, number: int) -> None:
        """Put a message into the inbox, as a mail server does."""
        name = f"{1_700_000_000 + number}.{number}.test"
        written = self.folder / "mail" / "tmp" / name
        written.write_bytes(content)
        os.chown(written, getpwnam(_USER).pw_uid, -1)
        written.rename(self.folder / "mail" / "new" / name)

    def files(self, folder: str = "") -> list[str]:
        """The names of the messages that were moved out of `new`, with their flags."""
        return sorted(each.name for each in (self.folder / "mail" / folder / "cur").iterdir())


@asynccontextmanager
async def dovecot(*, introspection: str | None = None) -> AsyncIterator[Dovecot]:
    """Run the server until the end of the block.

    It takes tokens, too, if there is an address where it can ask whether one is valid.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="dovecot-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for each in ("run", "state", "home", *(f"mail/{part}" for part in ("cur", "new", "tmp"))):
            (folder / each).mkdir(parents=True)
        for each in ("home", "mail", "mail/cur", "mail/new", "mail/tmp"):
            os.chown(folder / each, getpwnam(_USER).pw_uid, -1)
        given = {
            "MORE_LOGINS": _TOKENS if introspection else "",
            "FOLDER": name,
            "PORT": str(port),
            "PASSWORD": PASSWORD,
        }
        text = _CONFIGURATION
        for word, value in given.items():
            text = text.replace(word, value)
        (folder / "dovecot.conf").write_text(text)
        (folder / "oauth2.conf").write_text(_OAUTH2.replace("INTROSPECTION", introspection or ""))
        server = await asyncio.create_subprocess_exec(str(BINARY), "-F", "-c", str(folder / "dovecot.conf"))
        try:
            await _until_it_listens(port)
            yield Dovecot(port, folder)
        finally:
            server.terminate()
            await server.wait()


async def _until_it_listens(port: int) -> None:
    async with asyncio.timeout(limit(20)):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return
