"""Whatever happens in whatever order: nobody who said no is mailed, nobody twice by accident, and no mail is lost.

A team's months are played at random on the real store and services, which mail into a real mailbox over a socket; what
is promised is worked out beside them, without their code.
"""

import asyncio
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from aiosmtpd.smtp import SMTP
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Row, select

from bot.demo.fake_smtp import Fault, Mail, Mailbox, Step, answer, drop
from bot.domain.card_snapshot import PostedCard
from bot.domain.dnc import DncAddResult, DncEntry, DncTarget
from bot.domain.dnc_reason import DncReason
from bot.domain.evaluation import Contact, ContactRole, License
from bot.domain.mail import LawfulBasis, MailContent
from bot.domain.mail_policy import MailRules, NeedsLawfulBasis, Refused
from bot.errors import LeaseLost, StoreError
from bot.exports.dnc_csv import read_csv, write_csv
from bot.mail.outbound.compose import Sender
from bot.mail.outbound.smtp import Smtp, SmtpServer
from bot.mail.templating.template import load_templates
from bot.security.keyring import Keyring
from bot.services.dnc import DoNotContact
from bot.services.mail.links import Link, Links
from bot.services.mail.mailer import Mailer
from bot.services.mail.outreach import Outreach
from bot.services.mail.worker import MailWorker
from bot.services.operations.alerts import AdminAlerts
from bot.store import Store, open_store
from bot.store.engine.sqlite_files import copy_database, put_in_place
from bot.store.leases import Leases
from bot.store.mail.repository import MailStatus, QueuedMail
from bot.store.schema import delivery, do_not_contact, evaluation, license_alias, mail
from tests.builders import NOON, OPEN
from tests.examples import MANY, drawn
from tests.scenarios.promised import (
    FOR_EVER,
    LONGEST_WAIT,
    NUMBERS,
    PATIENCE,
    PEOPLE,
    PUT_OFF_AT_MOST,
    WAITS,
    Promised,
    TrueMail,
    normal,
)
from tests.spellings import AROUND, WAYS
from tests.store.steps import CHANNEL, bring, cards, poll, report, rows
from tests.store.test_forgetting import readable

pytestmark = [pytest.mark.slow, drawn]

_DRAWN = os.environ.get("CORRESPONDENCE", "60x80" if MANY else "4x40")
EXAMPLES, STEPS = (int(word) for word in _DRAWN.split("x"))
"""How many times it is played, and for how long: CORRESPONDENCE=500x100 is an evening's."""
ADMIN: Final = "U0ADMIN"
TEMPLATES: Final = {
    name: replace(template, id=name)
    for template in load_templates().templates.values()
    if template.family == "welcome"
    for name in (template.id, template.id.replace("welcome", "news"), template.id.replace("welcome", "farewell"))
}
"""Three families, each in several languages."""
SAID_BY_PEOPLE: Final = ("asked", "complained", "legal", "team")
SUBJECTS: Final = (*PEOPLE, "@acme.example", "@xn--bche-0ra.example", "acme.atlassian.net", "beech.atlassian.net")
REPORTS: Final = {"bounced": "5.1.1", "soft": "4.2.2", "complained": "complaint", "refused": "5.7.1"}
SPANS: Final = {"seconds": (5, 11), "hours": (1, 3), "days": (1, 3, 4, 8, 31)}
RTBF: Final = Contact(forgotten=True)
NOBODY_LISTENS, UNDONE_MEANWHILE = "nobody listens", "somebody undoes it meanwhile"
NO_SUCH_ADDRESS: Final = "550 no such address"
LATER: Final = {"451 at RCPT", "550 at MAIL", "550 no relaying", NOBODY_LISTENS}
REFUSED: Final = {NO_SUCH_ADDRESS, "554 not these words"}
CUT: Final = {"cut before it was taken", "cut after it was taken"}
FAULTS: Final[dict[str, tuple[Step, Fault]]] = {
    "451 at RCPT": ("RCPT", answer("451 4.7.1 Come back later")),
    "550 at MAIL": ("MAIL", answer("550 5.7.1 Sender refused")),
    NO_SUCH_ADDRESS: ("RCPT", answer("550 5.1.1 User unknown")),
    "550 no relaying": ("RCPT", answer("550 5.7.1 Unable to relay")),
    "554 not these words": ("DATA", answer("554 5.6.0 Content not accepted")),
    "cut before it was taken": ("DATA", drop()),
    "cut after it was taken": ("ANSWER", drop()),
}
EVENTS: Final = (
    *("unsubscribed", "address", "domain", "site", "bought", "inactive"),
    *("forgotten", "another", "killed", "undone", "complained"),
)
BUTTONS: Final = ("undo", "arrived", "again", "again")
STANDSTILLS: Final = ("between two mails", "with a mail in hand")
DEATHS: Final = ("between two mails", "with a mail in hand", "DATA", "ANSWER")
_CLOSED_PORT: Final = 1

yes = st.booleans()
some = st.integers(0, 99)
"""Of those that there are, whichever."""
numbers, roles = st.sampled_from(NUMBERS), st.sampled_from(("technical", "billing"))
people, users = st.sampled_from(tuple(PEOPLE)), st.sampled_from(("U0BO", "U0BO", "U0CY", ADMIN))
spellings = st.sampled_from(tuple(WAYS.values()))
contacts = st.builds(lambda who, spelt: Contact(email=spelt(who), name=PEOPLE[who]), people, spellings)
or_forgotten = st.one_of(*[contacts] * 12, st.just(RTBF))
subjects = st.builds(
    lambda who, spelt, around: around.format(spelt(who)),
    st.sampled_from(SUBJECTS),
    spellings,
    st.sampled_from(AROUND),
)
causes, templates = st.sampled_from(SAID_BY_PEOPLE), st.sampled_from(tuple(TEMPLATES))
faults = st.none() | st.sampled_from((*FAULTS, *sorted(CUT), NOBODY_LISTENS, UNDONE_MEANWHILE))
letters = st.lists(some, min_size=1, max_size=4)
"""Mails that may be requested at the moment."""
spans = st.one_of(*[st.builds(timedelta, **{unit: st.sampled_from(many)}) for unit, many in SPANS.items()])


class Correspondence(RuleBasedStateMachine):
    """The rules are what a report, a team, the people they write to and a mail server may do at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.loop = asyncio.Runner()
        self.world, self.bot = AsyncExitStack(), AsyncExitStack()
        self.mailbox = Mailbox(on_mail=self.arrives)
        self.secrets = ["the first key of a test that is long enough"]
        self.policy = OPEN
        self.ordered = 0
        self.seconds = 0.0
        """By the stopwatch of the machine, on which the lead of a copy runs out."""
        self.tokens: list[str] = []
        """Of the unsubscribe links in all mails that arrived."""
        self.wrong: list[str] = []
        self.painted: Mapping[int, object] = {}
        """What each card says of its people, since it was painted last."""
        self.saved: dict[int, TrueMail] = {}
        """The mails as they were when the database was saved."""
        self.promised = Promised(at_most_every=timedelta(0), now=NOON)

    @initialize(
        days=st.sampled_from([0, 1, 7]),
        seconds=st.sampled_from([0, 10]),
        who=st.lists(contacts, min_size=6, max_size=6),
    )
    def the_bot_is_set_up(self, days: int, seconds: int, who: list[Contact]) -> None:
        every, hold = timedelta(days=days), timedelta(seconds=seconds)
        self.policy = MailRules(countries=OPEN.countries, at_most_every=every, hold=hold)
        self.promised.at_most_every = every
        self.loop.run(self._open())
        for number, contact in enumerate(who):
            self._read(self.promised.row([number], contact, None, "active", named=False))

    async def _open(self) -> None:
        self.port = await self.world.enter_async_context(self.mailbox.serve())
        await self._start()

    async def _start(self) -> None:
        self.store: Store = await self._copy(self.bot)
        assert await self.store.leases.take(), "a start waits for a copy that is gone"
        await self._begin()

    async def _copy(self, stack: AsyncExitStack) -> Store:
        """Another copy of the bot, on a stopwatch of the test's own."""
        url = f"sqlite+aiosqlite:///{self.folder / 'evaluators.db'}"
        opened = await stack.enter_async_context(open_store(url, secret_keys=self.secrets))
        store = replace(opened, leases=Leases(opened.database, elapsed=lambda: self.seconds))
        stack.callback(store.leases.close)
        return store

    async def _begin(self) -> None:
        await self.store.mails.recover_in_flight(at=self.now())
        self.consent = DoNotContact(self.store, clock=self.now, admins=[ADMIN])
        self.outreach = Outreach(
            self.store,
            self._post(self.port),
            TEMPLATES,
            rules=self.policy,
            address_of=_unknown,
            clock=self.now,
            today=lambda: self.now().date(),
            token=lambda: str(self.ordered),
        )

    def now(self) -> datetime:
        """The time, by every clock."""
        return self.promised.now

    def arrives(self, arrived: Mail) -> None:
        """A mail is in somebody's mailbox: was it promised that it would not be?"""
        [mine] = [m for m in self.promised.mails.values() if m.message_id == arrived["headers"]["Message-ID"]]
        self.wrong += self.promised.arrives(mine)
        if [mine.address] != [address.lower() for address in arrived["to"]]:
            self.wrong.append("a mail arrived at another address than it was written to")
        self.tokens += re.findall(r"/u/([^>]+)>", arrived["headers"]["List-Unsubscribe"])

    # What the report says.

    @rule(number=numbers, technical=or_forgotten, billing=st.none() | contacts, named=yes)
    def a_license_is_reported(self, number: int, technical: Contact, billing: Contact | None, *, named: bool) -> None:
        known = self.promised.licenses.get(number)
        state = "bought" if known is not None and known.state == "bought" else "active"
        self._read(self.promised.row([number], technical, billing, state, named=named))

    @rule(number=numbers, contact=st.none() | contacts, state=st.sampled_from(["bought", "inactive", "cancelled"]))
    def a_trial_is_over(self, number: int, contact: Contact | None, state: str) -> None:
        known = self.promised.licenses.get(number)
        if known is not None and known.state != "bought":
            self._read(self.promised.row([number], contact, None, state, named=False))

    @rule(number=numbers, technical=st.none() | or_forgotten, families=st.lists(templates, max_size=3))
    def two_licenses_turn_out_to_be_one(self, number: int, technical: Contact | None, families: list[str]) -> None:
        both = [number, (number + 3) % 6]
        known = [self.promised.licenses.get(each) for each in both]
        if all(known):
            for family in families:
                self.a_mail_is_ordered(number, "technical", family, "U0BO")
            is_bought = any(each is not None and each.state == "bought" for each in known)
            state = "bought" if is_bought else "active"
            self._read(self.promised.row(both, technical, None, state, named=False))

    @precondition(lambda self: self.promised.rows)
    @rule(which=st.sets(some, min_size=1, max_size=4), by_digest=yes)
    def old_rows_come_again(self, which: set[int], *, by_digest: bool) -> None:
        again = [self.promised.rows[n % len(self.promised.rows)] for n in which]
        self.loop.run((poll if by_digest else report)(self.store, *again))

    def _read(self, row: License) -> None:
        self.loop.run(report(self.store, row, at=self.now()))

    # Who says no, and who takes that back.

    @rule(table=st.lists(st.tuples(subjects, causes), min_size=1, max_size=2))
    def marks_are_typed_or_imported(self, table: list[tuple[str, str]]) -> None:
        [(who, cause), *others] = table
        adding = self.consent.add(_subject(who), reason=DncReason(cause), note=_note(who), by="U0BO")
        assert self.loop.run(adding).changed == self.promised.silence.add(who, cause)
        marks = [
            (_subject(who), DncEntry(reason=DncReason(cause), by=ADMIN, at=self.now(), note=_note(who)))
            for who, cause in others
        ]
        won = self.loop.run(self.store.dnc.add_all(marks))
        assert won == sum([self.promised.silence.add(who, cause) for who, cause in others])

    @rule(number=numbers, role=roles, cause=causes, by=users)
    def somebody_is_marked_on_a_card(self, number: int, role: str, cause: str, by: str) -> None:
        if number in self.promised.licenses:
            address = self.promised.licenses[number].contact(role)
            marked = self.loop.run(self._mark_on_card(number, role, cause, note=_note(address or ""), by=by))
            if isinstance(marked, Refused):
                assert address is None
            else:
                assert address is not None
                assert marked.changed == self.promised.silence.add(address, cause)

    async def _mark_on_card(self, number: int, role: str, cause: str, *, note: str, by: str) -> DncAddResult | Refused:
        return await self.consent.add_for_contact(
            await self._evaluation(number), role=ContactRole(role), reason=DncReason(cause), note=note, by=by
        )

    @rule(which=st.lists(some, min_size=1, max_size=5), by=users)
    def marks_are_lifted(self, which: list[int], by: str) -> None:
        standing = [subject for subject, marks in self.promised.silence.standing.items() if marks]
        for each in which:
            self.a_mark_is_lifted([*standing, *SUBJECTS][each % (len(standing) + 1)], by)

    def a_mark_is_lifted(self, subject: str, by: str) -> None:
        lifted = self.loop.run(self.consent.take_back(_subject(subject), note=_note(subject), by=by))
        found = self.promised.silence.lift(subject, "admin" if by == ADMIN else "member")
        assert lifted.changed == (found is not None) or (lifted.changed and self._may_know_more(subject))

    def _may_know_more(self, subject: str) -> bool:
        """Return whether a report may stand against a subject that the model knows nothing of.

        It may stand beside a final entry that an older secret hides, or come from an email whose words are gone and
        whose address has its hash by an older secret.
        """
        mails = [each for each in self.promised.mails.values() if each.address == normal(subject)]
        is_hidden = len(self.secrets) > 1 and not all(each.has_words for each in mails)
        return is_hidden or bool(FOR_EVER & set(self.promised.silence.standing[normal(subject)]))

    @precondition(lambda self: self.tokens)
    @rule(which=some, takes_it_back=yes)
    def somebody_unsubscribes(self, which: int, *, takes_it_back: bool) -> None:
        link = self._link(which)
        self.loop.run(self.consent.unsubscribe(link))
        self.promised.silence.add(link.address, "unsubscribed")
        if takes_it_back:
            self.loop.run(self.consent.resubscribe(link))
            self.promised.silence.lift(link.address, "self")

    @precondition(lambda self: self.promised.mails)
    @rule(which=some, kinds=st.lists(st.sampled_from(("soft", *REPORTS)), min_size=1, max_size=4))
    def mails_to_somebody_come_back(self, which: int, kinds: list[str]) -> None:
        address = self._mail(which).address
        theirs = [each for each in self.promised.mails.values() if each.address == address]
        for mine, kind in zip(theirs, kinds, strict=False):
            self.loop.run(self._come_back(mine.id, kind, REPORTS[kind]))
            self.promised.comes_back(mine, REPORTS[kind], kind)

    async def _come_back(self, mail_id: int, kind: str, status: str) -> None:
        bounces = self.store.bounces
        match kind:
            case "bounced":
                await bounces.record_hard_bounce(mail_id, status=status, at=self.now())
            case "soft":
                await bounces.record_soft_bounce(mail_id, status=status, at=self.now(), threshold=PATIENCE)
            case "complained":
                await bounces.record_complaint(mail_id, at=self.now())
            case _:
                await bounces.record_policy_refusal(mail_id, status=status, at=self.now())

    @rule(address=people, spelt=spellings)
    def somebody_is_erased(self, address: str, spelt: Callable[[str], str]) -> None:
        if len(self.promised.erased) > 1:
            address = min(self.promised.erased)
        self.loop.run(self.store.personal_data.erase(spelt(address), at=self.now(), by=ADMIN))
        self.promised.is_erased(address)

    # What is written.

    @rule(number=numbers, role=roles, template=templates, by=users)
    def a_mail_is_ordered(self, number: int, role: str, template: str, by: str) -> None:
        if number not in self.promised.licenses:
            return
        refusals = self.promised.refusals(number, role, TEMPLATES[template].family)
        self.ordered += 1
        asked = self.loop.run(self._order(number, role, template, by))
        address = self.promised.licenses[number].contact(role)
        if isinstance(asked, QueuedMail) and address is not None:
            assert not refusals
            self.promised.mails[asked.mail_id] = TrueMail(
                id=asked.mail_id,
                message_id=f"<{self.ordered}@vendor.example>",
                license=number,
                family=TEMPLATES[template].family,
                role=role,
                address=address,
                by=by,
                at=self.now(),
                due=asked.due_at,
            )
        else:
            assert isinstance(asked, Refused)
            assert asked.reason.name in refusals | self.promised.haste(number, role)

    async def _order(self, number: int, role: str, template: str, by: str) -> QueuedMail | NeedsLawfulBasis | Refused:
        name = PEOPLE.get(self.promised.licenses[number].contact(role) or "", "")
        letter = MailContent(recipient=ContactRole(role), subject=f"For {name}", body=f"Dear {name}", template=template)
        return await self.outreach.enqueue(await self._evaluation(number), letter, basis=LawfulBasis.REQUEST, by=by)

    def a_mail_is_taken_back(self, mine: TrueMail, by: str) -> None:
        verdict = self.loop.run(self.outreach.cancel(mine.id, by=by))
        assert verdict is not None
        assert verdict.changed == (mine.state in WAITS and by == mine.by)
        if verdict.changed:
            mine.ends("undone", self.now())

    def somebody_says_that_it_arrived(self, mine: TrueMail, by: str) -> None:
        verdict = self.loop.run(self.outreach.confirm(mine.id, by=by))
        assert verdict is not None
        assert verdict.changed == (mine.state == "unknown")
        if verdict.changed:
            mine.ends("sent", self.now())

    @precondition(lambda self: self.promised.mails)
    @rule(which=some, buttons=st.lists(st.sampled_from(BUTTONS), min_size=1, max_size=3), by=users, then=faults)
    def buttons_are_pressed(self, which: int, buttons: list[str], by: str, then: str | None) -> None:
        mine = self._mail(which, *(("held", "deferred") if buttons[0] == "undo" else ("unknown",)))
        for button in buttons:
            match button:
                case "undo":
                    self.a_mail_is_taken_back(mine, by)
                case "arrived":
                    self.somebody_says_that_it_arrived(mine, by)
                case _:
                    self.somebody_sends_it_again(mine, by)
        self.the_postman_comes(then)
        self.a_mail_is_ordered(mine.license, mine.role, mine.family, by)

    def somebody_sends_it_again(self, mine: TrueMail, by: str) -> None:
        refusals = self.promised.refusals(mine.license, mine.role, mine.family, but=mine)
        asked = self.loop.run(self.outreach.resend(mine.id, by=by))
        if isinstance(asked, QueuedMail):
            assert mine.state == "unknown"
            assert not refusals
            mine.state, mine.by, mine.at, mine.again = "held", by, self.now(), True
            mine.due = asked.due_at
        elif isinstance(asked, Refused):
            # Of somebody who was forgotten on another license the words are gone, too. Then the mark against the
            # address is named, if there is one, and else that the words are gone.
            without = {"FORGOTTEN", "DO_NOT_CONTACT", "NO_WORDS"}
            why = without if refusals & without or not mine.has_words else set[str]()
            assert asked.reason.name in refusals | why | self.promised.haste(mine.license, mine.role, but=mine)
        else:
            assert isinstance(asked, MailStatus)
            assert mine.state != "unknown"

    @rule(fault=faults)
    def the_postman_comes(self, fault: str | None) -> None:
        self.loop.run(self._deliver(fault))

    @rule()
    def the_cards_are_painted(self) -> None:
        self.loop.run(self._paint())

    @rule(letters=letters, fault=faults, days=st.sampled_from((0, 1, 7)))
    def the_team_writes(self, letters: list[int], fault: str | None, days: int) -> None:
        for which in letters:
            self._write(which)
        self.time_passes(self.policy.hold)
        self.the_postman_comes(fault)
        self.time_passes(timedelta(days=days))

    @rule(letters=letters, fault=faults)
    def the_team_is_busy_for_weeks(self, letters: list[int], fault: str | None) -> None:
        for number, which in enumerate(letters):
            self.the_team_writes([which], fault if number else None, 8)

    @rule(which=some, event=st.sampled_from(EVENTS), contact=contacts, put_off=yes, painted=yes)
    def something_happens_while_a_mail_waits(
        self, which: int, event: str, contact: Contact, *, put_off: bool, painted: bool
    ) -> None:
        mine = self._write(which)
        if mine is None:
            return
        if put_off:
            self.time_passes(self.policy.hold)
            self.the_postman_comes("451 at RCPT")
        if painted:
            self.the_cards_are_painted()
        self._happens(mine, event, contact)
        self.what_was_promised_holds()
        if painted:
            self.the_cards_are_painted()
        self.time_passes(timedelta(minutes=1))
        self.the_postman_comes(None)

    def _write(self, which: int) -> TrueMail | None:
        """Order one of the mails that may be ordered, if there are any."""
        choices = [
            (number, role, template)
            for number in sorted(self.promised.licenses)
            for role in ("technical", "billing")
            for template in sorted(TEMPLATES)
            if not self.promised.refusals(number, role, TEMPLATES[template].family)
            and not self.promised.haste(number, role)
        ]
        if not choices:
            return None
        before = set(self.promised.mails)
        self.a_mail_is_ordered(*choices[which * 7 % len(choices)], "U0BO")
        return next((mine for id_, mine in self.promised.mails.items() if id_ not in before), None)

    def _happens(self, mine: TrueMail, event: str, contact: Contact) -> None:
        site = self.promised.licenses[mine.license].site
        match event:
            case "unsubscribed":
                self.loop.run(self.consent.unsubscribe(Link(address=mine.address.upper(), mail_id=mine.id)))
                self.promised.silence.add(mine.address, "unsubscribed")
            case "address":
                self.marks_are_typed_or_imported([(mine.address, "asked")])
            case "domain":
                self.marks_are_typed_or_imported([("@" + mine.address.partition("@")[2], "team")])
            case "site" if site is not None:
                self.marks_are_typed_or_imported([(site, "legal")])
            case "bought" | "inactive":
                self.a_trial_is_over(mine.license, None, event)
            case "forgotten" | "another":
                who = RTBF if event == "forgotten" else contact
                self._read(self.promised.row([mine.license], who, None, "active", named=False))
            case "killed":
                self.the_bot_is_killed_and_starts_again("between two mails", new_secret=True)
            case "undone":
                self.a_mail_is_taken_back(mine, mine.by)
            case _:
                self.mails_to_somebody_come_back(sorted(self.promised.mails).index(mine.id), ["complained"])

    # What else happens.

    @rule(span=spans)
    def time_passes(self, span: timedelta) -> None:
        self.promised.now += span
        self.loop.run(self.consent.end_pauses())
        self.promised.silence.end_pauses(self.now())

    @rule(how=st.sampled_from(DEATHS), new_secret=yes)
    def the_bot_is_killed_and_starts_again(self, how: str, *, new_secret: bool) -> None:
        self.loop.run(self._restart(how, new_secret=new_secret))

    @rule(how=st.sampled_from(("beside", *STANDSTILLS)))
    def a_second_copy_starts(self, how: str) -> None:
        self.loop.run(self._second_copy(how))

    @rule(letters=letters, fault=faults, table=st.lists(st.tuples(subjects, causes), min_size=1, max_size=2))
    def a_backup_is_put_back(self, letters: list[int], fault: str | None, table: list[tuple[str, str]]) -> None:
        self.loop.run(self._save())
        for which in letters:
            self._write(which)
        self.time_passes(self.policy.hold)
        self.the_postman_comes(fault)
        self.marks_are_typed_or_imported(table)
        self._write(letters[0])
        before = {each.id: (each.state, each.moment) for each in self.promised.mails.values()}
        self.loop.run(self._put_back())
        self._follow_back(before)

    @invariant()
    def what_was_promised_holds(self) -> None:
        if hasattr(self, "store"):
            self.loop.run(self._check())

    # How it is done.

    def _post(self, port: int) -> Mailer:
        return Mailer(
            smtp=Smtp(SmtpServer(host="127.0.0.1", port=port, tls="none")),
            sender=Sender(from_address="ana@vendor.example", postal_address="1 Sample Street"),
            vendor="Vendor",
            kept=timedelta(days=730),
            links=Links(Keyring(self.secrets), public_url="https://mail.vendor.test"),
        )

    def _mail_worker(self, port: int, store: Store | None = None) -> MailWorker:
        store = store or self.store
        # A fresh one, since one who met a fault pauses for some seconds of the machine's own clock.
        alerts = AdminAlerts(store, admins=(ADMIN,), channel=CHANNEL, clock=self.now)
        return MailWorker(store, self._post(port), rules=self.policy, alerts=alerts, clock=self.now)

    def _mail(self, which: int, *states: str) -> TrueMail:
        """One of the mails; where there are some in these states, one of those."""
        found = [each for each in self.promised.mails.values() if each.state in states]
        found = found or list(self.promised.mails.values())
        return found[which % len(found)]

    def _link(self, which: int) -> Link:
        """What stands behind the link in some mail that arrived."""
        found = Links(Keyring(self.secrets), public_url="").read(self.tokens[which % len(self.tokens)])
        assert found is not None
        return found

    async def _evaluation(self, number: int) -> int:
        """The evaluation of a license."""
        query = (
            select(evaluation.c.id)
            .join(license_alias, license_alias.c.license_id == evaluation.c.license_id)
            .where(license_alias.c.alias == f"E-{number}", evaluation.c.merged_into.is_(None))
        )
        async with self.store.database.read() as connection:
            found: int = (await connection.scalars(query)).one()
            return found

    async def _deliver(self, fault: str | None) -> None:
        """A run of the mail worker in which this goes wrong once."""
        due = [each for each in self.promised.mails.values() if each.due is not None and each.due <= self.now()]
        before = self._arrived()
        if fault in FAULTS:
            step, act = FAULTS[fault]
            self.mailbox.faults[step] = act
        elif fault == UNDONE_MEANWHILE:
            self.mailbox.faults["DATA"] = self._undo_meanwhile
        await self._mail_worker(_CLOSED_PORT if fault == NOBODY_LISTENS else self.port).deliver()
        was_met = bool(due) if fault == NOBODY_LISTENS else not self.mailbox.faults
        self.mailbox.faults.clear()
        await self._follow(fault if was_met else None, before)

    async def _undo_meanwhile(self, _: SMTP) -> str:
        """The sender of the mail that is being sent wants to cancel it: too late."""
        [mail_id] = [row.id for row in await rows(self.store, mail) if row.state == "sending"]
        verdict = await self.outreach.cancel(mail_id, by=self.promised.mails[mail_id].by)
        if verdict is None or verdict.changed:
            self.wrong.append("a mail was taken back while it was sent")
        return "250 OK"

    def _arrived(self) -> dict[int, int]:
        return {each.id: len(each.arrived) for each in self.promised.mails.values()}

    async def _follow(self, fault: str | None, before: Mapping[int, int]) -> None:
        """Take over what became of mails; each needs a good reason."""
        done = [row for row in await rows(self.store, mail) if row.state != self.promised.mails[row.id].state]
        lost = [row for row in done if row.state in {"failed", "unknown"}]
        for row in done:
            mine = self.promised.mails[row.id]
            if row.state == "sent":
                assert len(mine.arrived) > before[mine.id]
            elif row.state == "deferred":
                assert fault in LATER
            else:
                assert row.state == "sending" or row in lost
            if row not in lost:
                mine.ends(row.state, self.now())
        for row in lost:
            if fault == NO_SUCH_ADDRESS and "refused the address" in row.error:
                self.promised.comes_back(self.promised.mails[row.id], "5.1.1", "bounced")
        for row in lost:
            mine = self.promised.mails[row.id]
            was_cut = fault in CUT and "went silent" in row.error
            assert row.state == ("unknown" if was_cut or mine.doubtful else "failed")
            assert was_cut or self._excuse(mine, fault, row.error), f"mail {mine.id} was lost: {row.error}"
            mine.ends(row.state, self.now())

    def _excuse(self, mine: TrueMail, fault: str | None, error: str) -> bool:
        """Why a mail did not go, if there is a good reason."""
        if "server" in error:
            given_up = fault in LATER and self.now() - mine.at > PUT_OFF_AT_MOST - timedelta(hours=2)
            return given_up or fault in REFUSED
        too_late = mine.due is not None and self.now() - mine.due > LONGEST_WAIT
        refusals = self.promised.refusals(mine.license, mine.role, mine.family, but=mine)
        return too_late or bool(refusals | self.promised.haste(mine.license, mine.role, but=mine))

    async def _restart(self, how: str, *, new_secret: bool) -> None:
        before = self._arrived()
        if how == "with a mail in hand":
            await self.store.mails.claim(self.policy, now=self.now())
        elif how in {"DATA", "ANSWER"}:
            await self._die_at("DATA" if how == "DATA" else "ANSWER")
        await self._follow(None, before)
        await self.bot.aclose()
        self.seconds += 1
        if new_secret:
            self.secrets.insert(0, f"another key of a test that is long enough, number {len(self.secrets)}")
        await self._start()
        for each in self.promised.mails.values():
            if each.state == "sending":
                each.ends("unknown", self.now())

    async def _second_copy(self, how: str) -> None:
        """It is sent away while the first one lives; it takes over where that stands still, and then wakes up."""
        stack = AsyncExitStack()
        other = await self._copy(stack)
        assert not await other.leases.take()
        if how == "beside":
            await self.store.leases.renew()
            await stack.aclose()
            return
        before = self._arrived()
        if how == "with a mail in hand":
            await self.store.mails.claim(self.policy, now=self.now())
            await self._follow(None, before)
        self.seconds += other.leases.term.total_seconds()
        assert await other.leases.take()
        first, self.store, self.bot = (self.store, self.bot), other, stack
        await self._begin()
        for each in self.promised.mails.values():
            if each.state == "sending":
                each.ends("unknown", self.now())
        await self._wakes_up(first[0])
        await first[1].aclose()
        await self.store.leases.renew()  # as it does every few seconds

    async def _wakes_up(self, first: Store) -> None:
        """A copy that stood still goes on with what it was at: nothing leaves it, and nothing is written."""
        before, mails = self._arrived(), await rows(self.store, mail)
        with first.leases.as_leader():
            with pytest.raises(LeaseLost):
                first.leases.ensure()
            with suppress(LeaseLost):
                await self._mail_worker(self.port, first).deliver()
            with pytest.raises(LeaseLost):
                await first.mails.recover_in_flight(at=self.now())
        assert (self._arrived(), await rows(self.store, mail)) == (before, mails)

    async def _save(self) -> None:
        """Save the database, and what it knows of each mail."""
        await bring(self.store, at=self.now() + timedelta(days=1))
        (self.folder / "saved").unlink(missing_ok=True)
        copy_database(self.folder / "evaluators.db", self.folder / "saved")
        self.saved = {each.id: replace(each) for each in self.promised.mails.values()}

    async def _put_back(self) -> None:
        """Put it back as `db restore` does, with the table of today; the cards in Slack tell what they know."""
        ids = [row.id for row in await rows(self.store, evaluation) if row.card_ts]
        traces = {each: await self.store.installation.trace(each) for each in ids}
        posted = [PostedCard(channel=CHANNEL, ts=f"{each}.0", evaluation_id=each, trace=traces[each]) for each in ids]
        marks = read_csv(write_csv(await self.store.dnc.list_active()), at=self.now(), by=None)
        await self.bot.aclose()
        put_in_place(self.folder / "saved", self.folder / "evaluators.db", at=self.now())
        await self._start()
        await self.store.installation.go_back(at=self.now())
        await self.store.dnc.add_all(marks)
        await self.store.installation.adopt(posted, text="", to=(), at=self.now())

    def _follow_back(self, before: Mapping[int, tuple[str, datetime | None]]) -> None:
        """Of what waited nobody knows whether it went; what went since is known by its card."""
        for id_, (state, moment) in before.items():
            mine, saved = self.promised.mails[id_], self.saved.get(id_)
            if saved is None and state in {"failed", "undone"}:
                del self.promised.mails[id_]
                continue
            mine.again = False
            mine.has_words = mine.has_words and saved is not None
            if saved is not None:
                mine.state, mine.moment, mine.doubtful = saved.state, saved.moment, saved.doubtful
                mine.by, mine.at = saved.by, saved.at
            if mine.state in {*WAITS, "sending"}:
                mine.ends("unknown", self.now() if saved else mine.latest)
            if mine.state == "unknown" and state == "sent":
                mine.ends("sent", moment or mine.latest)

    async def _die_at(self, step: Step) -> None:
        """Be cut off in the middle of the first mail of a round."""
        reached = asyncio.Event()

        async def hang(_: SMTP) -> str:
            reached.set()
            return await asyncio.Future()

        self.mailbox.faults[step] = hang
        round_ = asyncio.ensure_future(self._mail_worker(self.port).deliver())
        there = asyncio.ensure_future(reached.wait())
        await asyncio.wait({round_, there}, return_when=asyncio.FIRST_COMPLETED)
        for task in (round_, there):
            task.cancel()
        await asyncio.gather(round_, there, return_exceptions=True)
        self.mailbox.faults.clear()

    async def _paint(self) -> None:
        """Every card that says something else of its people than it should is to be painted."""
        owed = {
            row.evaluation_id for row in await rows(self.store, delivery) if (row.kind, row.state) == ("card", "due")
        }
        now = {
            card.evaluation.id: tuple((each.contact, each.dnc_entry and each.dnc_entry.reason) for each in card.people)
            for card in await cards(self.store)
        }
        stale = {each for each, people_on_it in self.painted.items() if each in now and now[each] != people_on_it}
        assert stale <= owed
        await bring(self.store, at=self.now() + timedelta(days=1))
        self.painted = now

    async def _check(self) -> None:
        assert not self.wrong, self.wrong
        async with self.store.database.read() as connection:
            mails = (await connection.execute(select(mail))).all()
            marks = (await connection.execute(select(do_not_contact))).all()
        for row in mails:
            mine = self.promised.mails[row.id]
            assert row.state == mine.state
            mine.due = row.due_at
            if mine.state in WAITS and self.promised.silence.standing[mine.address]:
                assert row.due_at <= self.now(), "what waits for somebody who said no is not stopped at once"
        self._check_marks(marks)
        if self.promised.erased:
            words = (await readable(self.store, self.secrets)).lower()
            gone = [word for each in self.promised.erased for word in (each, PEOPLE[each].lower()) if word in words]
            assert gone == [], "something is left of somebody who was erased"

    def _check_marks(self, marks: Sequence[Row[Any]]) -> None:
        """The active entries are those that should be, also with the newest secret alone."""
        keys, newest = Keyring(self.secrets), Keyring(self.secrets[:1])
        standing = [row for row in marks if row.lifted_at is None]
        for subject, due in self.promised.silence.standing.items():
            theirs = {row.reason for row in standing if row.target_key in keys.address_hashes(subject)}
            # Beside a final entry a report may stand, or be gone after a restore.
            reports = {"complained", "bounced", "paused"}
            least = set(due) - reports if FOR_EVER & set(due) else set(due)
            most = set(due) | reports if self._may_know_more(subject) else set(due)
            assert least <= theirs <= most, "other marks stand than should"
            rows_ = [row for row in marks if row.target_key in keys.address_hashes(subject)]
            if FOR_EVER & set(due):
                said = "".join(
                    _opened(keys, sealed) for row in rows_ for sealed in (row.target, row.note, row.lifted_note)
                )
                assert not said, "a mark says who was forgotten"
            held = [row for row in rows_ if row.lifted_at is None]
            # Who drops the older secrets is told that marks need them, or needs them for none.
            if held and all(_opens(newest, row.target) for row in held):
                now = {row.target_key for row in held}
                assert newest.address_hash(subject) in now, "a mark gets lost with an older secret"

    def teardown(self) -> None:
        try:
            if hasattr(self, "store"):
                self.loop.run(self._at_the_end())
        finally:
            self.loop.run(self.bot.aclose())
            self.loop.run(self.world.aclose())
            self.loop.close()
            shutil.rmtree(self.folder)

    async def _at_the_end(self) -> None:
        """All is well with the server, and some hours go by: whatever waits arrives, or there is a reason."""
        for _ in range(3):
            await self._check()
            self.promised.now += timedelta(hours=3)
            await self._deliver(None)
        await self._check()
        assert [each.state for each in self.promised.mails.values() if each.state in WAITS] == []


def _opened(keys: Keyring, sealed: bytes | None) -> str:
    return keys.decrypt(sealed) if sealed else ""


def _opens(keys: Keyring, sealed: bytes) -> bool:
    try:
        keys.decrypt(sealed)
    except StoreError:
        return False
    return True


async def _unknown(_: str) -> None:
    """Slack does not tell the address of a member."""


def _subject(text: str) -> DncTarget:
    found = DncTarget.read(text)
    assert found is not None
    return found


def _note(subject: str) -> str:
    """What somebody types about a person, whose name they know."""
    address = normal(subject)
    return f"{PEOPLE[address]} <{address}> rang" if address in PEOPLE else "they rang"


@pytest.mark.timeout(0)
def test_nobody_is_mailed_who_said_no_nor_twice_and_no_mail_is_lost() -> None:
    # Without shrinking, which would take minutes with a server behind every step; the steps are printed as they were.
    some_months = settings(
        max_examples=EXAMPLES,
        derandomize=_DRAWN == "4x40",  # the same months each time, unless more are asked for
        stateful_step_count=STEPS,
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Correspondence, settings=some_months)
