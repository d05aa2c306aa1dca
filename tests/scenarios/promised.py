"""Who may be written to and which mail may arrive, by what is promised; apart from the bot's code, to hold it against.

Of a license it is kept what the report said of it last, of a mail what became of it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain

from bot.domain.evaluation import Contact, License
from tests.builders import license_, nov
from tests.spellings import plain

STRENGTH = {
    "unsubscribed": 5,
    "complained": 5,
    "erased": 5,
    "legal": 4,
    "forgotten": 4,
    "asked": 3,
    "team": 3,
    "bounced": 2,
    "paused": 1,
}
FOR_EVER = {"forgotten", "erased"}
LIFTED_BY = {
    "self": {"unsubscribed"},
    "member": {"asked", "team", "bounced", "paused"},
    "admin": set(STRENGTH) - FOR_EVER,
}
PEOPLE = {
    "ana@acme.example": "Ana Ash",
    "bo@acme.example": "Bo Birch",
    "cy@mail.acme.example": "Cy Cole",
    "di@xn--bche-0ra.example": "Di Dunn",
    "ed@cedar.example": "Ed Elm",
    "flo@gmail.com": "Flo Fir",
}
SITES = ("acme.atlassian.net", "beech.atlassian.net", None)
NUMBERS = range(6)
"""Of licenses; those that are three apart may turn out to be one."""
NOBODY = "nobody"
"""The contact of a license once the person was erased."""
WAITS, LIVE = {"held", "deferred"}, {"held", "sending", "deferred", "sent", "unknown"}
LONGEST_WAIT, PUT_OFF_AT_MOST = timedelta(days=3), timedelta(days=2)
A_MONTH, PATIENCE = timedelta(days=30), 3


def normal(address: str) -> str:
    """One spelling for all."""
    return plain(address)


@dataclass
class Skipped:
    """The active entries: by target, by reason, with the end of those that end by themselves."""

    standing: dict[str, dict[str, datetime | None]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, subject: str, cause: str, *, until: datetime | None = None) -> bool:
        """Add an entry. Return whether it says more than the active ones."""
        causes = self.standing[normal(subject)]
        is_stronger = STRENGTH[cause] > max((STRENGTH[each] for each in causes), default=0)
        if cause not in causes and (is_stronger or cause in FOR_EVER):
            causes[cause] = until
            return True
        return False

    def lift(self, subject: str, authority: str) -> str | None:
        """Lift the strongest entry that they may lift, and return it."""
        causes = self.standing[normal(subject)]
        theirs = [cause for cause in causes if cause in LIFTED_BY[authority]]
        found = max(theirs, key=lambda cause: STRENGTH[cause], default=None)
        if found is not None:
            del causes[found]
        return found

    def end_pauses(self, now: datetime) -> None:
        """What ends by itself has ended."""
        for causes in self.standing.values():
            for cause in [cause for cause, until in causes.items() if until is not None and until <= now]:
                del causes[cause]

    def against(self, address: str, site: str | None) -> bool:
        """Whether an entry covers an address: for itself, its domain or the site."""
        labels = normal(address).partition("@")[2].split(".")
        domains = ["@" + ".".join(labels[n:]) for n in range(len(labels))]
        return any(self.standing[subject] for subject in (normal(address), *domains, site or ""))


@dataclass
class TrueLicense:
    """A license as the report last told of it."""

    site: str | None
    aliases: set[str]
    contacts: dict[str, tuple[int, str]] = field(default_factory=dict)
    """By role: the contact, with the day of the record that named them."""
    state: str = "active"
    arrived: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """How many mails of each family reached somebody about it."""

    def contact(self, role: str) -> str | None:
        """The address of the person on it; None for nobody."""
        _, address = self.contacts.get(role, (0, NOBODY))
        return None if address == NOBODY else address


@dataclass
class TrueMail:
    """A mail that was ordered, and what became of it."""

    id: int
    message_id: str
    license: int
    family: str
    role: str
    address: str
    by: str
    at: datetime
    due: datetime | None = None
    """When it goes, or would, as the bot has it."""
    state: str = "held"
    moment: datetime | None = None
    """When it came to an end, as far as it did."""
    doubtful: bool = False
    """Whether it may have arrived and nobody knows; a person who sends it again does not know better."""
    again: bool = False
    """Whether somebody chose to send it again, so that it may arrive twice."""
    has_words: bool = True
    """Whether the bot still has what it says: of one that a restored database knows by its card it has not."""
    bounced: str | None = None
    undelivered: datetime | None = None
    """When a report said that it had not got through, whatever was reported later."""
    arrived: list[datetime] = field(default_factory=list)

    def ends(self, state: str, now: datetime) -> None:
        """It came to an end, or to a halt; of what may have arrived before, nobody knows still."""
        self.state = "unknown" if self.doubtful and state == "undone" else state
        self.moment = now
        self.doubtful = self.state == "unknown" or (self.doubtful and self.state in {*WAITS, "sending"})

    @property
    def latest(self) -> datetime:
        """When it went, at the latest."""
        return max(self.at, self.moment or self.at)


@dataclass
class Promised:
    """All that there is, and what follows from it."""

    at_most_every: timedelta
    now: datetime
    silence: Skipped = field(default_factory=Skipped)
    licenses: dict[int, TrueLicense] = field(default_factory=dict)
    mails: dict[int, TrueMail] = field(default_factory=dict)
    rows: list[License] = field(default_factory=list)
    """What the report ever said; each row is a day younger than the one before."""
    erased: set[str] = field(default_factory=set)

    def row(
        self, numbers: Iterable[int], technical: Contact | None, billing: Contact | None, state: str, *, named: bool
    ) -> License:
        """A fresh row of the report; it may give a person's name for that of a company."""
        person = technical.name if technical and named else None
        bought = {"license_type": "COMMERCIAL"} if state == "bought" else {"status": state}
        first = min(numbers)
        seen = license_(
            aliases=frozenset(f"E-{number}" for number in numbers),
            site=SITES[first % 3],
            company=f"{person} Consulting" if person else f"Firm {first % 3}",
            technical=technical,
            billing=billing,
            updated=nov(20) + timedelta(days=len(self.rows)),
            **bought,
        )
        self.rows.append(seen)
        self._is_told(list(numbers), seen, state)
        return seen

    def _is_told(self, numbers: list[int], seen: License, state: str) -> None:
        known = {id(each): each for number in numbers if (each := self.licenses.get(number))}
        one = TrueLicense(site=seen.site, aliases=set(seen.aliases))
        for each in known.values():
            one.aliases |= each.aliases
            for role, notified in each.contacts.items():
                one.contacts[role] = max(one.contacts.get(role, (-1, "")), notified)
            for family, times in each.arrived.items():
                one.arrived[family] += times
        one.state = state
        for alias in one.aliases:
            self.licenses[int(alias.removeprefix("E-"))] = one
        for role, contact in (("technical", seen.technical), ("billing", seen.billing)):
            self._names(one, role, contact)

    def _names(self, one: TrueLicense, role: str, contact: Contact | None) -> None:
        if contact is None:
            return
        before = one.contact(role)
        if contact.forgotten and before is not None:
            self.silence.add(before, "forgotten")
        is_gone = contact.email is None or normal(contact.email) in self.erased
        one.contacts[role] = (len(self.rows), NOBODY if is_gone or contact.email is None else normal(contact.email))

    def is_erased(self, address: str) -> None:
        """Erase somebody, so that nobody emails them."""
        self.erased.add(address)
        for one in self.licenses.values():
            for role, (day, whose) in one.contacts.items():
                if whose == address:
                    one.contacts[role] = (day, NOBODY)
        self.silence.add(address, "erased")

    def live(self, number: int, family: str, *, but: TrueMail | None = None) -> Iterator[TrueMail]:
        """The mails of a family that reached somebody about a license, or may."""
        for each in self.mails.values():
            about = self.licenses[each.license] is self.licenses[number]
            if about and each.family == family and each.state in LIVE and each is not but:
                yield each

    def refusals(self, number: int, role: str, family: str, *, but: TrueMail | None = None) -> set[str]:
        """By which reasons a mail is refused at this moment, by the names that the bot has for them."""
        one = self.licenses[number]
        address = one.contact(role)
        found = set(chain.from_iterable(_ATTEMPT[each.state] for each in self.live(number, family, but=but)))
        if address is None:
            found |= {"NO_CONTACT", "FORGOTTEN"}
        elif self.silence.against(address, one.site):
            found.add("DO_NOT_CONTACT")
        if one.state != "active":
            found |= {"CONVERTED", "OVER"}
        if but is not None and address != but.address:
            found |= {"ANOTHER"} | ({"FORGOTTEN"} if FOR_EVER & set(self.silence.standing[but.address]) else set())
        return found

    def haste(self, number: int, role: str, *, but: TrueMail | None = None) -> set[str]:
        """The reason for a refusal because of another mail to the same address, where there is one."""
        address = self.licenses[number].contact(role)
        return {"TOO_SOON"} if address is not None and self._recent(address, but=but) else set()

    def _recent(self, address: str, *, but: TrueMail | None = None) -> bool:
        """Whether a mail to an address went a short while ago, or will."""
        theirs = [each for each in self.mails.values() if each.address == address and each.state in LIVE]
        return any(
            each.state in WAITS or self.now - each.latest < self.at_most_every for each in theirs if each is not but
        )

    def arrives(self, mail: TrueMail) -> list[str]:
        """A mail reached somebody: what is wrong with that."""
        one, wrong = self.licenses[mail.license], []
        if self.silence.against(mail.address, one.site):
            wrong.append("somebody who said no was written to")
        if mail.state == "undone":
            wrong.append("a mail arrived that was taken back")
        if one.arrived[mail.family] and not mail.again:
            wrong.append("a mail of this family had arrived already")
        others = [each for each in self.mails.values() if each.address == mail.address and each is not mail]
        before = max(chain.from_iterable(each.arrived for each in others), default=None)
        if before is not None and self.now - before < self.at_most_every:
            wrong.append("two mails to one address arrived within the time that should lie between")
        one.arrived[mail.family] += 1
        mail.again = False
        mail.arrived.append(self.now)
        return wrong

    def comes_back(self, mail: TrueMail, status: str, kind: str) -> None:
        """A report on a mail came in."""
        if mail.bounced == status:
            return
        mail.bounced = status
        if kind in {"soft", "bounced"}:
            mail.undelivered = self.now
        if mail.state == "unknown":
            mail.state, mail.moment = "sent", self.now
        if mail.state == "undone" or FOR_EVER & set(self.silence.standing[mail.address]):
            return  # it never went, or nobody writes to them anyway
        if kind in {"complained", "bounced"}:
            self.silence.add(mail.address, kind)
        theirs = [each.undelivered for each in self.mails.values() if each.address == mail.address]
        many = len([at for at in theirs if at is not None and self.now - at <= A_MONTH]) >= PATIENCE
        if kind == "soft" and many:
            self.silence.add(mail.address, "paused", until=self.now + A_MONTH)


_ATTEMPT = {
    "held": {"QUEUED"},
    "deferred": {"QUEUED"},
    "sending": {"SENDING"},
    "sent": {"SENT"},
    "unknown": {"UNKNOWN"},
}
