"""The mail a person wants to send: which words they see, and what becomes of the order."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.country_rules import Countries, CountryRule, Rule
from bot.domain.evaluation import Contact, ContactRole
from bot.domain.mail import LawfulBasis, MailContent, MailPreview, MailState
from bot.domain.mail_policy import DEFAULT_RULES, Allowed, MailRules, NeedsLawfulBasis, RefusalReason, Refused
from bot.mail.templating.template import Template, load_templates
from bot.security.keyring import Keyring
from bot.services.mail.draft import Draft, FormWords, SuggestedBasis
from bot.services.mail.mailer import Mailer
from bot.services.mail.outreach import Outreach
from bot.services.team.permissions import Signature
from bot.store.mail.repository import MailStatus, QueuedMail
from bot.store.mail.sealing import decrypt_content
from bot.store.schema import mail
from tests.builders import NOON, OPEN, contact, dnc_entry, license_
from tests.services.conftest import MailSetup
from tests.store.steps import SECRET, mark, report, rows

BO = Signature("Bo Birch", "Support")
BILLING = Contact(email="cy@acme.example", name="Cy Cedar")
BOTH = license_(billing=BILLING)
SHIPPED = load_templates().templates


@dataclass(kw_only=True)
class Desk:
    """Where Bo writes."""

    room: MailSetup
    rules: MailRules = OPEN
    templates: Mapping[str, Template] = field(default_factory=lambda: SHIPPED)
    addresses: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    is_set_up: bool = True

    @property
    def outreach(self) -> Outreach:
        """The service."""

        async def address_of(user: str) -> str | None:
            self.asked.append(user)
            return self.addresses.get(user)

        post: Mailer | None = self.room.office if self.is_set_up else None
        return Outreach(
            self.room.store,
            post,
            self.templates,
            rules=self.rules,
            address_of=address_of,
            clock=self.room.clock,
            today=self.room.clock.today,
            token=lambda: self.tokens.pop() if self.tokens else "t0k3n",
        )

    async def draft(
        self, *, template: str | None = None, recipient: str | None = None, words: FormWords | None = None
    ) -> Draft:
        """A draft, which there is."""
        found = await self.outreach.draft(
            1, by="U0BO", signature=BO, template=template, recipient=recipient, words=words
        )
        assert isinstance(found, Draft)
        return found

    async def refused(self) -> RefusalReason:
        """Why there is no draft."""
        found = await self.outreach.draft(1, by="U0BO", signature=BO)
        assert isinstance(found, Refused)
        return found.reason

    async def order(
        self, template: str = "welcome", *, ground: LawfulBasis | None = None
    ) -> QueuedMail | NeedsLawfulBasis | Refused:
        """Send the words of a preview."""
        letter = MailContent(template=template, recipient=ContactRole.TECHNICAL, subject="Hello", body="Dear Ana")
        return await self.outreach.enqueue(1, letter, basis=ground, by="U0BO")

    async def written(self) -> list[MailContent | None]:
        """The contents of the emails in the store."""
        return [decrypt_content(row.content, Keyring([SECRET])) for row in await rows(self.room.store, mail)]


@pytest.fixture
def desk(room: MailSetup) -> Desk:
    return Desk(room=room)


# --- Which template ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("country", "chosen", "greeting"),
    [
        ("Germany", "welcome.de", "Guten Tag Ana Ash,"),
        ("France", "welcome.fr", "Bonjour Ana,"),
        ("Spain", "welcome.es", "Hola"),
        ("Norway", "welcome", "Hello Ana,"),
        (None, "welcome", "Hello Ana,"),
    ],
)
async def test_a_mail_begins_in_the_language_of_the_country(
    desk: Desk, country: str | None, chosen: str, greeting: str
) -> None:
    await report(desk.room.store, license_(country=country))
    draft = await desk.draft()
    assert draft.template == chosen
    assert draft.rendered.body.startswith(greeting)
    assert "Bo Birch\nSupport" in draft.rendered.body
    assert draft.problem is None


async def test_every_template_that_fits_can_be_chosen_and_one_that_does_not_cannot(desk: Desk) -> None:
    draft = await desk.draft(template="welcome.de")
    assert draft.template == "welcome.de"
    assert set(draft.names) == {"welcome", "welcome.de", "welcome.es", "welcome.fr"}
    assert draft.names["welcome.de"] == "Welcome (Deutsch)"
    assert (await desk.draft(template="trial-ending")).template == "welcome"


async def test_near_its_end_a_trial_gets_the_mail_about_that(desk: Desk) -> None:
    desk.room.clock.now += timedelta(days=20)
    draft = await desk.draft()
    assert draft.template == "trial-ending"
    assert draft.rendered.subject == "Your trial of Roadmap for Jira ends on 20 December 2026"


async def test_the_apps_own_template_goes_before_the_one_for_all(desk: Desk, tmp_path: Path) -> None:
    head = "---\nname: Welcome\nsubject: Hi\napps: com.example.roadmap\n---\nHi {{ first_name }}\n"
    (tmp_path / "welcome.roadmap.md").write_text(head, "utf-8")
    desk.templates = load_templates(tmp_path).templates
    draft = await desk.draft()
    assert (draft.template, draft.rendered.body) == ("welcome.roadmap", "Hi Ana")
    assert (draft.names["welcome.roadmap"], draft.names["welcome"]) == (
        "Welcome (welcome.roadmap)",
        "Welcome (welcome)",
    )


async def test_a_family_that_was_sent_is_not_the_one_to_begin_with(desk: Desk) -> None:
    desk.rules = replace(OPEN, at_most_every=timedelta(0))
    desk.templates = {**SHIPPED, "follow-up": replace(SHIPPED["welcome"], id="follow-up", name="Follow up")}
    assert isinstance(await desk.order("welcome.de"), QueuedMail)
    assert (await desk.draft()).template == "follow-up"


async def test_a_template_that_cannot_be_filled_is_shown_with_why(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "welcome.md").write_text("---\nname: Welcome\nsubject: Hi\n---\nAt {{ site }}\n", "utf-8")
    desk.templates = load_templates(tmp_path).templates
    draft = await desk.draft(template="welcome")
    assert (draft.rendered.subject, draft.rendered.body) == ("", "")
    assert draft.problem == "This template needs the site. Please choose another one."
    assert draft.names["welcome"] == "Welcome (needs site)"
    assert (await desk.draft()).template != "welcome"


async def test_what_only_filling_finds_out_is_said_too(desk: Desk, tmp_path: Path) -> None:
    text = "---\nname: Welcome\nsubject: Hi\n---\n{{ company * 99999999999999999999 }}\n"
    (tmp_path / "welcome.md").write_text(text, "utf-8")
    desk.templates = load_templates(tmp_path).templates
    draft = await desk.draft(template="welcome")
    assert draft.problem is not None
    assert "cannot be filled" in draft.problem


# --- Who can be written to -----------------------------------------------------------------------------------------


async def test_without_a_mail_server_everybody_learns_why(desk: Desk) -> None:
    held = await desk.order()
    assert isinstance(held, QueuedMail)
    desk.is_set_up = False
    assert await desk.refused() is RefusalReason.NOT_SET_UP
    assert await desk.order() == Refused(RefusalReason.NOT_SET_UP)
    assert await desk.outreach.resend(held.mail_id, by="U0BO") == Refused(RefusalReason.NOT_SET_UP)


async def test_without_a_template_there_is_nothing_to_write(desk: Desk) -> None:
    desk.templates = {}
    assert await desk.refused() is RefusalReason.NOT_SET_UP
    desk.templates = {"trial-ending": SHIPPED["trial-ending"]}
    assert await desk.refused() is RefusalReason.NO_TEMPLATE


async def test_of_an_evaluation_that_never_was_there_is_nobody(desk: Desk) -> None:
    assert await desk.outreach.draft(99, by="U0BO", signature=BO) == Refused(RefusalReason.NO_CONTACT)


async def test_where_nobody_can_be_written_to_it_is_said_why(desk: Desk) -> None:
    await mark(desk.room.store, "@acme.example")
    assert await desk.refused() is RefusalReason.DO_NOT_CONTACT


async def test_a_license_without_a_contact_has_nobody_to_write_to(desk: Desk) -> None:
    await report(desk.room.store, license_(aliases=frozenset({"E-2"}), technical=None))
    assert await desk.outreach.draft(2, by="U0BO", signature=BO) == Refused(RefusalReason.NO_CONTACT)


async def test_only_those_are_offered_who_can_be_written_to(desk: Desk) -> None:
    await report(desk.room.store, BOTH)
    assert list((await desk.draft()).recipients) == ["technical", "billing"]
    await mark(desk.room.store, "ana@acme.example", dnc_entry())
    draft = await desk.draft(recipient="technical")
    assert draft.recipients == {"billing": BILLING}
    assert draft.recipient == "billing"
    assert draft.rendered.body.startswith("Hello Cy,")


async def test_an_address_that_was_mailed_a_short_while_ago_rests(desk: Desk) -> None:
    assert isinstance(await desk.order(), QueuedMail)
    found = await desk.outreach.draft(1, by="U0BO", signature=BO)
    assert found == Refused(RefusalReason.TOO_SOON, by="U0BO", at=NOON)
    await report(desk.room.store, BOTH)
    assert (await desk.draft()).recipient == "billing"
    await desk.room.deliver(seconds=10)
    desk.room.clock.now += timedelta(days=7)
    assert (await desk.draft()).recipient == "technical"


# --- A person's own words ------------------------------------------------------------------------------------------


async def words(desk: Desk, *, own: bool, template: str = "welcome", recipient: str = "technical") -> FormWords:
    """What stands in the form, after somebody wrote in it or not."""
    filled = (await desk.draft(template=template, recipient=recipient)).rendered
    body = f"{filled.body}\n\nP.S. Hi!" if own else filled.body
    return FormWords(template=template, recipient=recipient, subject=filled.subject, body=body)


async def test_words_that_somebody_changed_are_kept_for_another_recipient_and_it_is_said(desk: Desk) -> None:
    await report(desk.room.store, BOTH)
    draft = await desk.draft(template="welcome", recipient="billing", words=await words(desk, own=True))
    assert draft.kept
    assert draft.recipient == "billing"
    assert draft.rendered.body.startswith("Hello Ana,")
    assert draft.rendered.body.endswith("P.S. Hi!")


async def test_words_that_nobody_changed_are_filled_in_again_for_another_recipient(desk: Desk) -> None:
    await report(desk.room.store, BOTH)
    draft = await desk.draft(template="welcome", recipient="billing", words=await words(desk, own=False))
    assert not draft.kept
    assert draft.rendered.body.startswith("Hello Cy,")


async def test_another_template_brings_its_own_words_and_ones_own_stay_in_the_menu(desk: Desk) -> None:
    edited = await words(desk, own=True)
    draft = await desk.draft(template="welcome.de", words=edited)
    assert not draft.kept
    assert draft.rendered.body.startswith("Guten Tag")
    assert "P.S." not in draft.rendered.body
    assert next(iter(draft.names.items())) == ("own/welcome", "Your text: Welcome")
    german = FormWords(
        template="welcome.de",
        recipient="technical",
        subject=draft.rendered.subject,
        body=draft.rendered.body,
        edits=draft.edits,
    )
    back = await desk.draft(template="own/welcome", words=german)
    assert (back.template, back.problem) == ("own/welcome", None)
    assert back.rendered.body == edited.body
    again = replace(german, template="own/welcome", body="Once more", edits=back.edits)
    assert (await desk.draft(template="own/welcome", words=again)).rendered.body == "Once more"
    desk.tokens.append("an0ther")
    left = await desk.draft(template="welcome", words=again)
    assert left.rendered.body.startswith("Hello Ana,")
    assert (await desk.outreach.kept(left.edits["welcome"]) or edited).body == "Once more"


async def test_words_that_nobody_changed_are_not_kept(desk: Desk) -> None:
    draft = await desk.draft(template="welcome.de", words=await words(desk, own=False))
    assert not draft.edits


async def test_ones_own_words_are_gone_after_a_day(desk: Desk) -> None:
    gone = replace(await words(desk, own=False), edits={"welcome": "no-such-token"})
    draft = await desk.draft(template="own/welcome", words=gone)
    assert draft.problem == "Your text was kept for a day and is gone. Please choose a template."


async def test_words_stay_where_nothing_was_changed_but_the_choice_taken_back(desk: Desk) -> None:
    draft = await desk.draft(template="welcome", recipient="technical", words=await words(desk, own=True))
    assert not draft.kept
    assert draft.rendered.body.endswith("P.S. Hi!")


async def test_words_to_a_recipient_who_is_gone_are_nobodys(desk: Desk) -> None:
    gone = replace(await words(desk, own=True), recipient="billing")
    assert (await desk.draft(template="welcome", words=gone)).rendered.body.startswith("Hello Ana,")


# --- The preview ---------------------------------------------------------------------------------------------------


async def test_the_words_of_a_preview_are_there_for_a_day(desk: Desk) -> None:
    letter = MailContent(template="welcome", recipient=ContactRole.TECHNICAL, subject="Hello", body="Dear Ana")
    await desk.outreach.keep("t1", letter)
    assert await desk.outreach.kept("t1") == letter
    desk.room.clock.now += timedelta(days=1, seconds=1)
    await desk.outreach.keep("t2", letter)
    assert await desk.outreach.kept("t1") is None


async def test_the_preview_shows_what_the_mail_will_say(desk: Desk) -> None:
    desk.addresses = {"U0DI": "di@vendor.example"}
    await desk.room.store.evaluations.assign(1, "U0DI", instead_of=None, by="U0DI", at=NOON)
    letter = MailContent(template="welcome", recipient=ContactRole.TECHNICAL, subject="Hello", body="Dear **Ana**")
    mail = await desk.outreach.preview(1, letter, basis=LawfulBasis.REQUEST)
    assert isinstance(mail, MailPreview)
    assert mail.to == "Ana Ash <ana@acme.example>"
    assert (mail.reply_to, mail.basis, mail.subject) == ("di@vendor.example", LawfulBasis.REQUEST, "Hello")
    assert isinstance(await desk.order(ground=LawfulBasis.REQUEST), QueuedMail)
    await desk.room.deliver(seconds=10)
    [sent] = desk.room.mailbox.mails
    assert sent["headers"]["From"] == mail.sender
    assert mail.footer.splitlines()[:3] == sent["text"].rpartition("\n--\n")[2].strip().splitlines()[:3]


async def test_the_preview_of_a_mail_that_cannot_be_sent_says_why(desk: Desk) -> None:
    letter = MailContent(template="no-more", recipient=ContactRole.TECHNICAL, subject="Hello", body="Dear Ana")
    assert await desk.outreach.preview(1, letter, basis=None) == Refused(RefusalReason.NO_TEMPLATE)
    letter = replace(letter, template="welcome")
    assert await desk.outreach.preview(99, letter, basis=None) == Refused(RefusalReason.NO_CONTACT)
    desk.is_set_up = False
    assert await desk.outreach.preview(1, letter, basis=None) == Refused(RefusalReason.NOT_SET_UP)


# --- The order -----------------------------------------------------------------------------------------------------


async def test_an_order_is_held_and_holds_all_that_the_mail_will_need(desk: Desk) -> None:
    desk.addresses = {"U0DI": "di@vendor.example"}
    await desk.room.store.evaluations.assign(1, "U0DI", instead_of=None, by="U0DI", at=NOON)
    held = await desk.order("welcome.de")
    assert held == QueuedMail(mail_id=1, contact=contact(), due_at=NOON + timedelta(seconds=10))
    assert await desk.written() == [
        MailContent(
            template="welcome",
            recipient=ContactRole.TECHNICAL,
            subject="Hello",
            body="Dear Ana",
            language="de",
            to="ana@acme.example",
            reply_to="di@vendor.example",
        )
    ]
    [row] = await rows(desk.room.store, mail)
    assert (row.message_id, row.actor, row.lawful_basis) == ("<t0k3n@vendor.example>", "U0BO", "TRIAL")


@pytest.mark.parametrize("owner", [None, "U0DI"], ids=["nobody's", "of somebody whose address Slack does not tell"])
async def test_replies_go_to_the_team_where_no_owner_is_known(desk: Desk, owner: str | None) -> None:
    if owner is not None:
        await desk.room.store.evaluations.assign(1, owner, instead_of=None, by=owner, at=NOON)
    await desk.order()
    [letter] = await desk.written()
    assert letter is not None
    assert letter.reply_to is None
    assert desk.asked == ([owner] if owner else [])


async def test_another_variant_of_a_family_that_was_queued_is_refused(desk: Desk) -> None:
    desk.rules = replace(OPEN, at_most_every=timedelta(0))
    await desk.order("welcome")
    assert await desk.order("welcome.de") == Refused(RefusalReason.QUEUED, by="U0BO", at=NOON)


async def test_a_template_that_is_gone_since_the_preview_sends_nothing(desk: Desk) -> None:
    assert await desk.order("no-more") == Refused(RefusalReason.NO_TEMPLATE)
    assert await rows(desk.room.store, mail) == []


async def test_where_a_ground_is_needed_nothing_goes_without_one(desk: Desk) -> None:
    desk.rules = DEFAULT_RULES
    draft = await desk.draft()
    assert isinstance(draft.decision, NeedsLawfulBasis)
    assert isinstance(await desk.order(), NeedsLawfulBasis)
    assert await rows(desk.room.store, mail) == []
    assert isinstance(await desk.order(ground=LawfulBasis.REQUEST), QueuedMail)
    assert [row.lawful_basis for row in await rows(desk.room.store, mail)] == ["REQUEST"]


async def test_the_last_answer_for_a_country_is_suggested_to_the_person_who_gave_it(desk: Desk) -> None:
    desk.rules = replace(DEFAULT_RULES, at_most_every=timedelta(0))
    assert (await desk.draft()).suggested is None
    assert isinstance(await desk.order(ground=LawfulBasis.REQUEST), QueuedMail)
    assert (await desk.draft()).suggested == SuggestedBasis(basis=LawfulBasis.REQUEST, is_last=True)
    other = await desk.outreach.draft(1, by="U0DI", signature=BO)
    assert isinstance(other, Draft)
    assert other.suggested is None


async def test_what_a_countrys_rule_allows_is_suggested_first(desk: Desk) -> None:
    rule = CountryRule(rule=Rule.CONFIRM, basis=LawfulBasis.TRIAL)
    desk.rules = MailRules(countries=Countries(others=rule, unnamed=rule), at_most_every=timedelta(0))
    assert isinstance(await desk.order(ground=LawfulBasis.REQUEST), QueuedMail)
    assert (await desk.draft()).suggested == SuggestedBasis(basis=LawfulBasis.TRIAL, is_last=False)


async def test_an_email_is_followed_to_its_end(desk: Desk) -> None:
    held = await desk.order()
    assert isinstance(held, QueuedMail)
    seen = []
    async for outcome in desk.outreach.follow(held.mail_id, seconds=30):
        seen.append(outcome.state)
        if outcome.state is MailState.QUEUED:
            await desk.room.deliver(seconds=10)
    assert seen == [MailState.QUEUED, MailState.SENT]
    assert [each async for each in desk.outreach.follow(99, seconds=30)] == []


async def test_an_email_is_not_followed_for_ever(desk: Desk) -> None:
    held = await desk.order()
    assert isinstance(held, QueuedMail)
    assert [each.state async for each in desk.outreach.follow(held.mail_id, seconds=0.01)] == [MailState.QUEUED]


async def test_a_ground_does_not_open_a_country_that_is_closed(desk: Desk) -> None:
    block = CountryRule(rule=Rule.BLOCK)
    desk.rules = MailRules(countries=Countries(others=block, unnamed=block))
    assert await desk.refused() is RefusalReason.COUNTRY
    assert await desk.order(ground=LawfulBasis.CONSENT) == Refused(RefusalReason.COUNTRY)


async def test_a_queued_email_can_be_cancelled_by_its_sender(desk: Desk) -> None:
    held = await desk.order()
    assert isinstance(held, QueuedMail)
    other = await desk.outreach.cancel(held.mail_id, by="U0DI")
    assert (other is not None and other.changed) is False
    assert await desk.outreach.cancel(held.mail_id, by="U0BO") == MailStatus(
        changed=True, state=MailState.CANCELLED, by="U0BO", at=NOON
    )
    assert await desk.outreach.cancel(99, by="U0BO") is None
    assert isinstance((await desk.draft()).decision, Allowed)


async def test_of_a_mail_that_nobody_knows_about_a_person_decides(desk: Desk) -> None:
    held = await desk.order()
    assert isinstance(held, QueuedMail)
    await desk.room.store.mails.settle(held.mail_id, MailState.UNKNOWN, at=NOON)
    again = await desk.outreach.resend(held.mail_id, by="U0DI")
    assert isinstance(again, QueuedMail)
    assert again.due_at == NOON
    await desk.room.store.mails.settle(held.mail_id, MailState.UNKNOWN, at=NOON)
    assert await desk.outreach.confirm(held.mail_id, by="U0DI") == MailStatus(
        changed=True, state=MailState.SENT, by="U0DI", at=NOON
    )
    assert await desk.outreach.confirm(99, by="U0DI") is None
