"""One key for a mailbox: what earlier versions compared in lower case, as it was spelled, gets its canonical form."""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

import sqlalchemy as sa
from alembic import context, op

from bot.domain.address import ascii_domain, canonical, is_address
from bot.domain.dnc import DncScope, DncTarget
from bot.errors import StoreError

revision = "0003"
down_revision = "0002"

_PORTION: Final = 1_000
_LICENSE = sa.table(
    "license",
    sa.column("id"),
    sa.column("contacts", sa.LargeBinary()),
    sa.column("technical_key"),
    sa.column("billing_key"),
    sa.column("domain"),
)
_MAIL = sa.table("mail", sa.column("id"), sa.column("address_key"), sa.column("content", sa.LargeBinary()))
_MARK = sa.table(
    "do_not_contact",
    sa.column("id"),
    sa.column("scope"),
    sa.column("subject_key"),
    sa.column("subject", sa.LargeBinary()),
    sa.column("cause"),
    sa.column("at", sa.DateTime(timezone=True)),
    sa.column("until", sa.DateTime(timezone=True)),
    sa.column("lifted_at", sa.DateTime(timezone=True)),
)
_SEEN_ROW = sa.table("seen_row")


def upgrade() -> None:
    """Give every row whose words can be opened its key; of who was forgotten the former keys are looked up for good."""
    _licenses()
    _mails()
    _marks()
    # What is read of a row differs now: invisible characters leave it. So each is read once more.
    op.execute(sa.delete(_SEEN_ROW))


def _licenses() -> None:
    for row in _every(_LICENSE):
        contacts = json.loads(_opened(row.contacts) or "[null, null]")
        changed: dict[str, Any] = {}
        for column, contact in zip(("technical_key", "billing_key"), contacts, strict=True):
            email = contact and contact["email"]
            if email and _is_new(email):
                changed[column] = _fingerprint(email)
        domain = row.domain and ascii_domain(row.domain)
        if domain and domain != row.domain:
            changed["domain"] = domain
        if changed:
            op.execute(sa.update(_LICENSE).where(_LICENSE.c.id == row.id).values(changed))


def _mails() -> None:
    for row in _every(_MAIL):
        address = json.loads(_opened(row.content) or "{}").get("to")
        if address and _is_new(address):
            op.execute(sa.update(_MAIL).where(_MAIL.c.id == row.id).values(address_key=_fingerprint(address)))


def _marks() -> None:
    """Marks under their keys; of two against one subject with one cause, the older one goes on standing for both."""
    seal: Callable[[str], bytes] = context.config.attributes["seal"]
    rows = list(_every(_MARK))
    new = {row.id: found for row in rows if (found := _meant(row.scope, _opened(row.subject)))}
    keys = {row.id: _fingerprint(new[row.id].key) if row.id in new else row.subject_key for row in rows}
    standing: dict[tuple[str, str], Any] = {}
    for row in rows:
        if row.lifted_at is not None:
            continue
        first = standing.setdefault((keys[row.id], row.cause), row)
        if first is not row:
            _update(row.id, lifted_at=row.at)
            if first.until is not None and row.until is not None and row.until > first.until:
                _update(first.id, until=row.until)
    for mark_id, subject in new.items():
        _update(mark_id, scope=subject.scope.value, subject_key=keys[mark_id], subject=seal(subject.key))


def _meant(scope: str, text: str) -> DncTarget | None:
    """What a mark stands against, where it is found by another key than before; None where by the same, or unknown.

    Earlier versions took what was typed with quotes or stars for an address or a domain, and matched nobody by it.
    """
    if not text:
        return None
    of_address = DncTarget.of_address(text) if scope == DncScope.ADDRESS else None
    is_meant_so = is_address(text) and not text.startswith("*@")
    found = of_address if is_meant_so else DncTarget.read(text) or of_address
    return found if found is not None and found.key != text else None


def _is_new(address: str) -> bool:
    return canonical(address) != address.strip().lower()


def _update(mark_id: int, **values: object) -> None:
    op.execute(sa.update(_MARK).where(_MARK.c.id == mark_id).values(values))


def _fingerprint(address: str) -> str:
    found: str = context.config.attributes["fingerprint"](address)
    return found


def _opened(sealed: bytes) -> str:
    """The words; nothing where they were sealed with a secret that is gone: by its keys nobody finds them anyway."""
    try:
        text: str = context.config.attributes["open"](sealed)
    except StoreError:
        return ""
    return text


def _every(table: sa.TableClause) -> Iterator[Any]:
    """All rows of a table by their ids, some at a time."""
    last = 0
    while True:
        query = sa.select(table).where(table.c.id > last).order_by(table.c.id).limit(_PORTION)
        rows = op.get_bind().execute(query).all()
        if not rows:
            return
        yield from rows
        last = rows[-1].id
