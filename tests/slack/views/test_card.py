"""The card, as people see it and as Slack takes it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.card import Action, Card, Person
from bot.domain.cautions import CustomerContext
from bot.domain.country_rules import Countries, CountryRule, Rule
from bot.domain.dnc import DncEntry, DncScope, DncTarget
from bot.domain.dnc_reason import DncReason
from bot.domain.evaluation import Contact, Done, NotForUs, NotForUsReason, Partner, State, Trial
from bot.domain.history import Entry, Kind
from bot.domain.mail import MailState
from bot.domain.mail_policy import MailRules, RefusalReason
from bot.domain.snooze import Snooze
from bot.slack import ids
from bot.slack.blocks import Block, Message
from bot.slack.views.card import card_message, pointer_message, rest_buttons
from bot.slack.views.history import note
from tests.builders import NOON, TODAY, card, contact, dnc_entry, entry, evaluation, license_, nov, sent_mail, trial
from tests.slack.checks import NAMES, NASTY, USERS, WORKSPACE, check, mrkdwn_of

AT_NOON = f"<!date^{int(NOON.timestamp())}^{{date_short_pretty}} {{time}}|2026-11-23 12:00 UTC>"
MARKETPLACE = "https://marketplace.atlassian.com"
LISTING = f"<{MARKETPLACE}/plugins/com.example.roadmap|Listing>"
BO = contact(email="bo@acme.example", name="Bo Beech")


def of(**seen: Any) -> Card:  # noqa: ANN401  of the license's fields
    """The card of a license."""
    return card(evaluation=evaluation(license=license_(**seen)))


def lines(shown: Card, *, today: date = TODAY, vendor_id: str | None = None) -> list[str]:
    """What the card says, line by line: the heading, the lines in between, the footer."""
    message = card_message(shown, today=today, vendor_id=vendor_id)
    check(message)
    return "\n".join([message.blocks[0]["text"]["text"], *mrkdwn_of(message.blocks)]).split("\n")


def starting(sign: str, shown: Card) -> list[str]:
    """The lines of the card that start with this sign."""
    return [line for line in lines(shown) if line.startswith(sign)]


def buttons(message: Message) -> list[Block]:
    return [element for block in message.blocks if block["type"] == "actions" for element in block["elements"]]


def test_a_new_card_is_five_short_lines() -> None:
    shown = of(
        site="acme.atlassian.net",
        country="New Zealand",
        opportunity_size="60",
        parent_product="Jira",
        parent_edition="Premium",
    )
    assert lines(shown) == [
        "Acme · Roadmap for Jira",
        "*27 days left* · 60 users · Cloud · New Zealand",
        ":bust_in_silhouette: Ana Ash · ana@acme.example (technical)",
        (
            f":globe_with_meridians: <https://acme.atlassian.net|acme.atlassian.net> · Jira Premium · {LISTING}"
            " · E-1AA-2BB-3CC-4DD"
        ),
        f"No owner yet · Ends 20 Dec 2026 · First seen {AT_NOON}, about 4 days after the trial started",
    ]


def test_a_card_with_everything_has_eight_lines() -> None:
    names = tuple("ABCDE")
    shown = card(
        evaluation=evaluation(
            owner="U0BO", license=license_(billing=BO, sandbox=True, migration=True, edition="Advanced")
        ),
        context=CustomerContext(customer_of=names, uses=names, evaluating=names, evaluated=("2024",), sites=9),
        mails=(sent_mail(), sent_mail(template="trial-ending")),
        mail=entry(Kind.MAIL_BOUNCED, template="welcome", status="5.1.1", means="gone"),
        assigned=entry(Kind.ASSIGNED, actor="U0BO", owner="U0BO"),
    )
    assert len(lines(shown)) == 8


def test_the_heading_names_the_app_however_long_the_customers_name_is() -> None:
    assert lines(of(company="Acme " * 1000))[0].endswith("… · Roadmap for Jira")


def selling(seen: dict[str, Any], *, today: date = TODAY, **of_trial: Any) -> str:  # noqa: ANN401
    return lines(card(evaluation=evaluation(license=license_(**seen), trial=trial(**of_trial))), today=today)[1]


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        pytest.param({}, "Cloud", id="what is unknown is left out"),
        pytest.param({"opportunity_size": "1"}, "1 user · Cloud", id="one user"),
        pytest.param({"opportunity_size": "Unlimited Users"}, "unlimited users · Cloud", id="unlimited"),
        pytest.param({"opportunity_size": "Unknown"}, "Cloud", id="size unknown for good"),
        pytest.param({"tier": "Evaluation"}, "Cloud", id="a tier that says nothing"),
        pytest.param({"hosting": "Data Center", "tier": "50 Users"}, "50 users · Data Center", id="tier"),
        pytest.param({"country": "Norway", "region": "EMEA"}, "Cloud · Norway", id="country before region"),
        pytest.param({"region": "EMEA"}, "Cloud · EMEA", id="region alone"),
    ],
)
def test_one_line_sells(seen: dict[str, Any], said: str) -> None:
    assert selling(seen) == f"*27 days left* · {said}"


BOUGHT: dict[str, Any] = {"state": State.CONVERTED, "ends": None}


@pytest.mark.parametrize(
    ("seen", "of_trial", "today", "said"),
    [
        pytest.param({}, {}, date(2026, 12, 12), "*8 days left*", id="before the last week"),
        pytest.param({}, {}, date(2026, 12, 13), ":hourglass_flowing_sand: *7 days left*", id="in the last week"),
        pytest.param({}, {}, date(2026, 12, 19), ":hourglass_flowing_sand: *1 day left*", id="one day"),
        pytest.param({}, {}, date(2026, 12, 20), ":hourglass_flowing_sand: *Last day*", id="the last day"),
        pytest.param({}, {}, date(2026, 12, 21), "*Past its last day*", id="over, and the report is late"),
        pytest.param({}, {"ends": None}, TODAY, "*Trial running*", id="without an end"),
        pytest.param({}, {"state": State.EXPIRED}, TODAY, "*Trial over*", id="expired"),
        pytest.param({}, {"state": State.CANCELLED}, TODAY, "*Trial cancelled*", id="cancelled"),
        pytest.param(
            {"license_type": "COMMERCIAL", "days_to_convert": 12}, BOUGHT, TODAY, "*Bought* after 12 days", id="bought"
        ),
        pytest.param({"license_type": "ACADEMIC"}, BOUGHT, TODAY, "*Bought*", id="bought, who knows when"),
        pytest.param(
            {"license_type": "COMMERCIAL", "days_to_convert": 0}, BOUGHT, TODAY, "*Bought*", id="bought at once"
        ),
        pytest.param(
            {"license_type": "OPEN_SOURCE", "days_to_convert": 1}, BOUGHT, TODAY, "*Licensed* after 1 day", id="given"
        ),
        pytest.param(
            {"license_type": "COMMERCIAL", "days_to_convert": 12, "latest_evaluation": nov(22)},
            BOUGHT,
            TODAY,
            "*Bought*",
            id="bought, and the days are those of a later trial",
        ),
        pytest.param(
            {"license_type": "COMMERCIAL"},
            {"upgrade_to": "Advanced"},
            TODAY,
            "*Trial running* · upgrade to Advanced",
            id="an upgrade, whose end the report does not say",
        ),
        pytest.param(
            {"license_type": "UPGRADE_EVALUATION"},
            {"upgrade_to": "Advanced"},
            TODAY,
            "*27 days left* · upgrade to Advanced",
            id="an upgrade, and the report says until when",
        ),
        pytest.param(
            {"license_type": "COMMERCIAL", "days_to_convert": 12},
            {"upgrade_to": "Advanced", **BOUGHT},
            TODAY,
            "*Bought* · upgrade to Advanced",
            id="upgraded, and the days are those of the first purchase",
        ),
    ],
)
def test_a_card_says_how_the_trial_stands(
    seen: dict[str, Any], of_trial: dict[str, Any], today: date, said: str
) -> None:
    assert selling(seen, today=today, **of_trial) == f"{said} · Cloud"


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        pytest.param(
            {"billing": BO},
            [
                ":bust_in_silhouette: Ana Ash · ana@acme.example (technical)",
                ":credit_card: Bo Beech · bo@acme.example (billing)",
            ],
            id="both",
        ),
        pytest.param(
            {"billing": contact(email="Ana@Acme.example")},
            [":bust_in_silhouette: Ana Ash · ana@acme.example (technical and billing)"],
            id="one person twice",
        ),
        pytest.param(
            {"technical": contact(name=None)}, [":bust_in_silhouette: ana@acme.example (technical)"], id="no name"
        ),
        pytest.param({"technical": None}, [":bust_in_silhouette: No contact in the report"], id="nobody"),
        pytest.param(
            {"technical": Contact(forgotten=True), "billing": BO},
            [
                ":no_entry_sign: Technical contact – forgotten at their request",
                ":credit_card: Bo Beech · bo@acme.example (billing)",
            ],
            id="one forgotten",
        ),
        pytest.param(
            {"technical": Contact(name="Ana")}, [":no_entry_sign: Ana – no address in the report"], id="no address"
        ),
        pytest.param(
            {"technical": contact(email="ana at acme")},
            [":warning: Ana Ash · ana at acme (technical) – not a valid email address"],
            id="malformed",
        ),
    ],
)
def test_a_card_names_each_contact_once_with_what_they_are(seen: dict[str, Any], said: list[str]) -> None:
    assert lines(of(**seen))[2:-2] == said


ANA_SHOWN, BO_SHOWN = "Ana Ash · ana@acme.example (technical)", "Bo Beech · bo@acme.example (billing)"


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        (
            (dnc_entry(), None),
            [
                f":no_entry_sign: {ANA_SHOWN} – *Do not contact*: {DncReason.ASKED.words}, <@U0BO>, {AT_NOON}",
                f":credit_card: {BO_SHOWN}",
            ],
        ),
        (
            (None, dnc_entry(by=None, reason=DncReason.UNSUBSCRIBED)),
            [
                f":bust_in_silhouette: {ANA_SHOWN}",
                f":no_entry_sign: {BO_SHOWN} – *Do not contact*: {DncReason.UNSUBSCRIBED.words}, {AT_NOON}",
            ],
        ),
    ],
    ids=["the technical contact was blocked", "the billing contact unsubscribed"],
)
def test_the_contact_who_said_no_is_distinct_from_the_one_who_can_be_emailed(
    entries: tuple[DncEntry | None, ...], said: list[str]
) -> None:
    people = tuple(Person(contact=c, dnc_entry=e) for c, e in zip((contact(), BO), entries, strict=True))
    shown = card(evaluation=evaluation(license=license_(billing=BO)), people=people)
    assert lines(shown)[2:4] == said
    *pressed, more = buttons(card_message(shown, today=TODAY))
    assert [each["action_id"] for each in pressed] == [Action.EMAIL, Action.CLAIM, Action.DO_NOT_CONTACT]
    assert ids.read_option(more["options"][-1]["value"])[0] == Action.REST
    assert Action.CONTACT_AGAIN in {each["action_id"] for each in rest_buttons(shown)}


@pytest.mark.parametrize(
    ("who", "said"),
    [
        ("@acme.example", "*Do not contact* anyone at acme.example: "),
        ("acme.atlassian.net", "*Do not contact* anyone at acme.atlassian.net: "),
        ("site:jira.acme.example", "*Do not contact* anyone at jira.acme.example: "),
    ],
    ids=["domain", "site", "own site"],
)
def test_a_card_shows_how_far_a_block_reaches(who: str, said: str) -> None:
    shown = card(people=(Person(contact=contact(), dnc_entry=dnc_entry(target=DncTarget.read(who))),))
    assert said in lines(shown)[2]


def test_a_block_of_somebody_who_was_forgotten_cannot_be_lifted_from_the_card() -> None:
    marked = card(
        people=(Person(contact=contact(), dnc_entry=dnc_entry(reason=DncReason.ERASED, by=None, target=None)),)
    )
    *pressed, more = buttons(card_message(marked, today=TODAY))
    assert [button["action_id"] for button in pressed] == [Action.CLAIM]
    assert ids.read_option(more["options"][-1]["value"])[0] == Action.ASSIGN


@pytest.mark.parametrize(
    ("site", "said"),
    [
        ("Acme.Atlassian.net", "<https://acme.atlassian.net|acme.atlassian.net>"),
        ("acme.jira.com", "<https://acme.jira.com|acme.jira.com>"),
        ("jira.acme.example", "jira.acme.example"),
        ("evil.example/x.atlassian.net", "evil.example/x.atlassian.net"),
        ("<https://evil.example|x.atlassian.net", "&lt;https://evil.example|x.atlassian.net"),
    ],
)
def test_only_a_site_at_atlassian_is_a_link(site: str, said: str) -> None:
    assert lines(of(site=site))[3].startswith(f":globe_with_meridians: {said} · {LISTING}")


@pytest.mark.parametrize(
    ("aliases", "vendor_id", "said"),
    [
        (
            {"E-1AA", "12"},
            "1234",
            f"<{MARKETPLACE}/manage/vendors/1234/reporting/licenses?text=E-1AA|E-1AA>",
        ),
        (
            {"SEN-7", "12"},
            "1234",
            f"<{MARKETPLACE}/manage/vendors/1234/reporting/licenses?text=SEN-7|SEN-7>",
        ),
        ({"E-1\ud800"}, "1234", f"<{MARKETPLACE}/manage/vendors/1234/reporting/licenses?text=E-1%3F|E-1>"),
        ({"\ud800"}, None, "–"),
        ({"E-1AA", "12"}, None, "E-1AA"),
        ({"12"}, "1234", "12"),
    ],
    ids=[
        "entitlement",
        "server license",
        "no UTF-8",
        "nothing to show",
        "the vendor's address is not known",
        "no number that the page finds",
    ],
)
def test_the_license_is_a_link_where_its_address_is_certain(
    aliases: set[str], vendor_id: str | None, said: str
) -> None:
    assert lines(of(aliases=frozenset(aliases)), vendor_id=vendor_id)[3].endswith(f"{LISTING} · {said}")


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        pytest.param({"technical": contact(email="ana@gmail.com")}, ":warning: Free email provider", id="free mail"),
        pytest.param(
            {"partner": Partner(name="Resell & Co", kind="Corporate_reseller")},
            ":warning: Through Resell &amp; Co (corporate reseller): the contact may be theirs, not the customer's",
            id="partner",
        ),
        pytest.param(
            {"partner": Partner()},
            ":warning: Through a partner: the contact may be theirs, not the customer's",
            id="a partner nobody names",
        ),
        pytest.param(
            {"migration": True, "technical": contact(email="it@gmail.com")},
            ":warning: Part of a move from Data Center to Cloud · Free email provider · Role address, not a person",
            id="all in one line",
        ),
        pytest.param(
            {"sandbox": True}, f":no_entry_sign: {RefusalReason.SANDBOX.removesuffix('.')}", id="sandbox, said once"
        ),
        pytest.param(
            {"atlassian": True}, f":no_entry_sign: {RefusalReason.ATLASSIAN.removesuffix('.')}", id="Atlassian's own"
        ),
        pytest.param(
            {"opportunity_size": "Evaluation", "parent_product": "Jira"},
            ":seedling: Their Jira is on trial too",
            id="a trial on a trial",
        ),
        pytest.param(
            {"opportunity_size": "evaluation"},
            ":seedling: Their parent product is on trial too",
            id="a trial on a trial of something",
        ),
    ],
)
def test_a_card_warns(seen: dict[str, Any], said: str) -> None:
    assert lines(of(**seen))[4:-1] == [said]


def test_a_card_without_a_contact_warns_of_nothing_else() -> None:
    assert starting(":warning:", of(technical=None)) == []


@pytest.mark.parametrize(
    ("license_type", "said"),
    [("COMMERCIAL", f":tada: {RefusalReason.CONVERTED}"), ("COMMUNITY", f":no_entry_sign: {RefusalReason.GRANTED}")],
)
def test_a_bought_trial_is_a_reason_to_be_glad_and_a_license_that_was_given_is_not_called_bought(
    license_type: str, said: str
) -> None:
    shown = card(evaluation=evaluation(license=license_(license_type=license_type), trial=trial(**BOUGHT)))
    assert lines(shown)[4] == said.removesuffix(".")
    assert ("ought" in str(lines(shown))) is (license_type == "COMMERCIAL")


def test_what_the_rules_do_not_allow_is_said_on_the_card_and_has_no_button() -> None:
    blocked = MailRules(countries=Countries(others=CountryRule(rule=Rule.BLOCK)))
    shown = card_message(of(country="Norway"), today=TODAY, rules=blocked)
    check(shown)
    assert RefusalReason.COUNTRY.removesuffix(".") in "".join(mrkdwn_of(shown.blocks))
    assert Action.EMAIL not in {button["action_id"] for button in buttons(shown)}


def test_a_mail_that_needs_a_legal_basis_can_be_written() -> None:
    assert Action.EMAIL in {button["action_id"] for button in buttons(card_message(card(), today=TODAY))}


@pytest.mark.parametrize(
    ("context", "said"),
    [
        (
            CustomerContext(
                customer_of=("Charts", "Q&A"),
                uses=("Clock",),
                paid_for=(("Forms", "2023"), ("Sums", "2025")),
                evaluating=("Maps", "Roadmap for Jira"),
                evaluated=("2024", "2025"),
            ),
            (
                ":star: Customer of Charts, Q&amp;A · Has a license for Clock"
                " · Paid for Forms until 2023, Sums until 2025"
                " · :eyes: Also evaluating Maps, this app on another site"
                " · :arrows_counterclockwise: Evaluated this app before: 2024, 2025"
            ),
        ),
        (CustomerContext(uses=("Clock",)), ":star: Has a license for Clock"),
        (CustomerContext(paid_for=(("Forms", "2023"),)), ":star: Paid for Forms until 2023"),
        (CustomerContext(customer_of=("Roadmap for Jira",)), ":star: Customer of this app on another site"),
        (CustomerContext(customer_of=tuple("ABCDE")), ":star: Customer of A, B, C and 2 more"),
    ],
    ids=["all", "uses", "paid once", "this app elsewhere", "many"],
)
def test_a_card_shows_what_else_the_customer_has(context: CustomerContext, said: str) -> None:
    assert lines(card(context=context))[4:-1] == [said]


MAIL = {"template": "welcome", "error": "", "mail": "1", "ground": "TRIAL"}
TOLD_OF_MAILS = [
    entry(kind, actor="U0BO", **MAIL)
    for kind in (
        Kind.MAIL_QUEUED,
        Kind.MAIL_UNDONE,
        Kind.MAIL_DEFERRED,
        Kind.MAIL_SENT,
        Kind.MAIL_FAILED,
        Kind.MAIL_UNKNOWN,
        Kind.MAIL_ARRIVED,
        Kind.MAIL_AGAIN,
    )
]


@pytest.mark.parametrize("happened", TOLD_OF_MAILS, ids=[each.kind for each in TOLD_OF_MAILS])
def test_card_and_thread_say_of_an_email_the_same_with_its_legal_basis(happened: Entry) -> None:
    assert lines(card(mail=happened))[4:-1] == [f"{note(happened).removesuffix('.')} · {AT_NOON}"]
    assert "Legal basis: legitimate interest" in note(happened)


SENT = entry(Kind.MAIL_SENT, actor="U0BO", **MAIL)
FAILED = entry(Kind.MAIL_FAILED, actor="U0BO", **MAIL | {"template": "trial-ending"})
BEFORE = f":email: Sent before: *Welcome* (<@U0BO>, {AT_NOON})"


@pytest.mark.parametrize(
    ("latest", "state", "said"),
    [
        pytest.param(SENT, MailState.SENT, None, id="the latest, said once"),
        pytest.param(FAILED, MailState.SENT, BEFORE, id="a failure does not hide what arrived"),
        pytest.param(None, MailState.SENT, BEFORE, id="an email that was found in Slack after a restore"),
        pytest.param(
            None,
            MailState.UNKNOWN,
            f":email: Sent before: *Welcome* (<@U0BO>, perhaps, {AT_NOON})",
            id="one of unknown outcome",
        ),
        pytest.param(FAILED, MailState.FAILED, None, id="two failures"),
        pytest.param(FAILED, MailState.CANCELLED, None, id="one cancelled before"),
    ],
)
def test_an_email_that_may_have_arrived_stays_on_the_card(
    latest: Entry | None, state: MailState, said: str | None
) -> None:
    shown = lines(card(mail=latest, mails=(sent_mail(state),)))[4:-1]
    reported = [] if latest is None else [f"{note(latest).removesuffix('.')} · {AT_NOON}"]
    assert shown == ([" · ".join([*reported, *([] if said is None else [said])])] if reported or said else [])


def footer(shown: Card) -> list[str]:
    return lines(shown)[-1].split(" · ")


@pytest.mark.parametrize(
    ("owner", "assigned", "said"),
    [
        (None, None, "No owner yet"),
        ("U0BO", entry(Kind.ASSIGNED, actor="U0BO", owner="U0BO"), f"Owner: <@U0BO>, claimed {AT_NOON}"),
        ("U0BO", entry(Kind.ASSIGNED, actor="U0ANA", owner="U0BO"), f"Owner: <@U0BO>, assigned by <@U0ANA> {AT_NOON}"),
        (
            "U0BO",
            entry(Kind.ASSIGNED, owner="U0BO", rule="rotation"),
            f"Owner: <@U0BO>, assigned by rotation {AT_NOON}",
        ),
        (
            "U0BO",
            entry(Kind.ASSIGNED, owner="U0BO", rule="customer"),
            f"Owner: <@U0BO>, assigned as owner of another evaluation of this customer {AT_NOON}",
        ),
        ("U0BO", entry(Kind.ASSIGNED, actor="U0ANA", owner="U0ANA"), "Owner: <@U0BO>"),
        ("U0BO", None, "Owner: <@U0BO>"),
    ],
    ids=["nobody", "claimed", "assigned", "by rotation", "same customer", "somebody else's", "not on record"],
)
def test_the_footer_says_who_owns_it_and_since_when(owner: str | None, assigned: Entry | None, said: str) -> None:
    assert footer(card(evaluation=evaluation(owner=owner), assigned=assigned))[0] == said


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (entry(Kind.EXTENDED, to="2026-12-20", was="2026-12-10"), "Ends 20 Dec 2026 (was 10 Dec 2026)"),
        (entry(Kind.CONTACT_CHANGED, to="another"), f"The report now names another contact, {AT_NOON}"),
        (entry(Kind.CONTACT_AGAIN, actor="U0BO"), f"<@U0BO> unblocked the contact, {AT_NOON}"),
    ],
    ids=["extended", "another contact", "unblocked"],
)
def test_the_footer_tells_what_the_card_does_not_show_otherwise(last: Entry, said: str) -> None:
    assert said in footer(card(last=last))


@pytest.mark.parametrize(
    ("first_seen", "after"),
    [
        (datetime(2026, 11, 20, 9, tzinfo=UTC), "about 9 h"),
        (datetime(2026, 11, 22, 0, tzinfo=UTC), "about 48 h"),
        (datetime(2026, 11, 22, 1, tzinfo=UTC), "about 3 days"),
        (datetime(2027, 1, 8, 12, tzinfo=UTC), "about 50 days"),
    ],
    ids=["the same day", "as late as usual", "later", "weeks later"],
)
def test_a_card_is_honest_about_a_trial_seen_late(first_seen: datetime, after: str) -> None:
    assert footer(card(evaluation=evaluation(first_seen=first_seen)))[-1].endswith(f", {after} after the trial started")


UPGRADE = trial(upgrade_to="Advanced")


@pytest.mark.parametrize(
    ("license_type", "shown", "said"),
    [
        ("EVALUATION", trial(), "Acme is evaluating Roadmap for Jira"),
        ("EVALUATION", trial(state=State.EXPIRED), "Acme evaluated Roadmap for Jira"),
        ("EVALUATION", trial(state=State.CANCELLED), "Acme evaluated Roadmap for Jira"),
        ("COMMERCIAL", trial(**BOUGHT), "Acme bought Roadmap for Jira"),
        ("OPEN_SOURCE", trial(**BOUGHT), "Acme got a license for Roadmap for Jira"),
        ("COMMERCIAL", UPGRADE, "Acme is evaluating the Advanced edition of Roadmap for Jira"),
        (
            "COMMERCIAL",
            trial(**BOUGHT, upgrade_to="Advanced"),
            "Acme bought the Advanced edition of Roadmap for Jira",
        ),
    ],
)
def test_a_notification_says_it_in_a_sentence(license_type: str, shown: Trial, said: str) -> None:
    tried = evaluation(license=license_(license_type=license_type), trial=shown)
    assert card_message(card(evaluation=tried), today=TODAY).text == said


@pytest.mark.parametrize(
    ("shown", "visible", "menu"),
    [
        pytest.param(
            card(),
            [Action.EMAIL, Action.CLAIM, Action.DO_NOT_CONTACT],
            [Action.NOTE, Action.DONE, Action.SNOOZE, Action.NOT_FOR_US, Action.ASSIGN],
            id="new",
        ),
        pytest.param(
            card(evaluation=evaluation(owner="U0BO")),
            [Action.EMAIL, Action.DO_NOT_CONTACT],
            [Action.NOTE, Action.DONE, Action.SNOOZE, Action.NOT_FOR_US, Action.REST],
            id="owned",
        ),
        pytest.param(
            card(evaluation=evaluation(not_for_us=NotForUs(by="U0BO", at=NOON, reason=NotForUsReason.STUDENT))),
            [Action.EMAIL, Action.CLAIM, Action.DO_NOT_CONTACT],
            [Action.NOTE, Action.UNDO, Action.ASSIGN],
            id="not for us",
        ),
        pytest.param(
            card(
                evaluation=evaluation(owner="U0BO", trial=trial(state=State.EXPIRED)),
                people=(Person(contact=contact(), dnc_entry=dnc_entry()),),
            ),
            [],
            [Action.NOTE, Action.DONE, Action.NOT_FOR_US, Action.ASSIGN, Action.REST],
            id="over, owned, opted out",
        ),
    ],
)
def test_three_buttons_at_most_are_seen_and_the_rest_is_in_the_menu(
    shown: Card, visible: list[Action], menu: list[Action]
) -> None:
    *pressed, more = buttons(card_message(shown, today=TODAY))
    assert [(button["action_id"], button["value"]) for button in pressed] == [(action, "7") for action in visible]
    seen = {Action.UNDO: f"not_for_us-{int(NOON.timestamp())}"}
    assert [ids.read_option(option["value"]) for option in more["options"]] == [
        (action, "7", seen.get(action)) for action in menu
    ]


def test_the_rest_of_the_menu_knows_what_the_card_showed() -> None:
    shown = rest_buttons(card(evaluation=evaluation(owner="U0BO")))
    assert [(each["action_id"], each["value"]) for each in shown] == [
        (Action.ASSIGN, "evaluation.assign:7"),
        (Action.RELEASE, "evaluation.release:7:U0BO"),
    ]
    assert rest_buttons(card()) == []


def test_a_card_says_who_called_it_done_or_not_for_us_and_who_will_be_reminded() -> None:
    shown = card(
        evaluation=evaluation(
            done=Done(by="U0BO", at=NOON),
            not_for_us=NotForUs(by="U0BO", at=NOON, reason=NotForUsReason.OUR_OWN_PEOPLE),
        ),
        snoozes=(Snooze(user="U0ANA", until=NOON, at=NOON), Snooze(user="U0BO", until=NOON, at=NOON)),
    )
    assert lines(shown)[-4:-1] == [
        f":white_check_mark: *Done*: <@U0BO> spoke to them elsewhere · {AT_NOON}",
        f":no_entry: *Not for us*: our own people (<@U0BO>) · {AT_NOON}",
        f":alarm_clock: Snoozed by <@U0ANA> until {AT_NOON}, <@U0BO> until {AT_NOON}",
    ]


@pytest.mark.parametrize("name", ["Acme", "Acme Instruments " * 9])
def test_the_spoken_label_of_a_button_names_the_customer(name: str) -> None:
    *pressed, _ = buttons(card_message(of(company=name, app_name="Roadmap for Jira and more"), today=TODAY))
    for button in pressed:
        spoken = button["accessibility_label"]
        assert spoken.startswith(f"{button['text']['text']} {name[:15].strip()}")
        assert "Roadmap for Jira" in spoken
        assert len(spoken) <= 75


def test_what_cannot_be_undone_looks_like_it() -> None:
    styles = {button["action_id"]: button.get("style") for button in buttons(card_message(card(), today=TODAY))}
    assert styles == {
        Action.EMAIL: "primary",
        Action.CLAIM: None,
        Action.DO_NOT_CONTACT: "danger",
        ids.MORE: None,
    }


def test_a_merged_card_points_to_the_one_that_stays() -> None:
    link = f"{WORKSPACE}archives/C1/p1"
    there, nowhere = pointer_message(card(), link), pointer_message(card(), None)
    check(there)
    check(nowhere)
    assert there.text == f"Acme: this license turned out to be the same as another one. See <{link}|its card>."
    assert nowhere.text == "Acme: this license turned out to be the same as another one. See its card."


MAYBE = st.none() | NAMES
PEOPLE = st.none() | st.builds(Contact, email=MAYBE, name=MAYBE, forgotten=st.booleans())
LICENSES = st.builds(
    license_,
    app_name=NAMES,
    aliases=st.frozensets(NAMES, min_size=1, max_size=2),
    hosting=NAMES | st.sampled_from(["Cloud", "Data Center"]),
    license_type=st.sampled_from(["EVALUATION", "COMMERCIAL"]),
    **dict.fromkeys(
        "company site country region edition tier opportunity_size parent_product parent_edition".split(), MAYBE
    ),
    technical=PEOPLE,
    billing=PEOPLE,
    partner=st.none() | st.builds(Partner, name=MAYBE, kind=MAYBE),
    sandbox=st.sampled_from([None, True, False]),
    atlassian=st.booleans(),
    migration=st.booleans(),
)
EVALUATIONS = st.builds(
    evaluation,
    license=LICENSES,
    trial=st.builds(trial, state=st.sampled_from(State), ends=st.none() | st.dates(nov(1)), upgrade_to=MAYBE),
    owner=st.none() | st.sampled_from(USERS),
    first_seen=st.integers(0, 10**6).map(lambda minutes: NOON + timedelta(minutes=minutes)),
)
SUBJECTS = st.none() | st.builds(DncTarget, scope=st.sampled_from(DncScope), value=NAMES)
OPT_OUTS = st.none() | st.builds(
    dnc_entry, reason=st.sampled_from(DncReason), target=SUBJECTS, by=st.none() | st.sampled_from(USERS), note=NAMES
)
FACTS = "company country opportunity_size parent_product parent_edition sandbox channel".split()
ENTRIES = st.none() | st.one_of(
    st.fixed_dictionaries(dict.fromkeys(FACTS, NAMES)).map(lambda facts: entry(Kind.ENRICHED, **facts)),
    st.builds(entry, st.just(Kind.DO_NOT_CONTACT), actor=st.just("U0BO"), cause=st.sampled_from(DncReason), note=NAMES),
    st.builds(entry, st.just(Kind.MAIL_FAILED), actor=st.just("U0BO"), template=NAMES, error=NAMES),
)
APPS = st.lists(NAMES, max_size=6).map(tuple)
CONTEXTS = st.builds(
    CustomerContext,
    **dict.fromkeys(["customer_of", "uses", "evaluating"], APPS),
    evaluated=st.just(("2024", "2025")),
    paid_for=APPS.map(lambda names: tuple((name, "2024") for name in names)),
    sites=st.integers(0, 9),
    partner_domain=st.booleans(),
)


@st.composite
def cards(draw: st.DrawFn) -> Card:
    """Any card there can be, and some that cannot."""
    shown = draw(EVALUATIONS)
    return card(
        evaluation=shown,
        people=tuple(Person(contact=each, dnc_entry=draw(OPT_OUTS)) for each in shown.license.contacts),
        context=draw(CONTEXTS),
        mails=tuple(draw(st.lists(st.builds(sent_mail, st.sampled_from(MailState), template=NAMES), max_size=7))),
        last=draw(ENTRIES),
        mail=draw(ENTRIES),
    )


@given(shown=cards())
def test_slack_takes_the_card_of_anybody_in_any_state(shown: Card) -> None:
    message = card_message(shown, today=TODAY)
    check(message)
    if shown.evaluation.trial.state is State.EXPECTED:
        assert len(buttons(message)) <= 1
        return
    *pressed, more = buttons(message)
    assert len(pressed) <= 3
    assert more["type"] == "overflow"


@pytest.mark.parametrize("name", ["&" * 5000, "<" * 5000, "W" * 5000, "株" * 5000])
def test_slack_takes_the_longest_card_there_can_be(name: str) -> None:
    person = contact(email=f"{name}@acme.example", name=name)
    fields = "app_name company site country region edition tier opportunity_size parent_product parent_edition".split()
    seen = license_(
        **dict.fromkeys(fields, name), technical=person, billing=person, partner=Partner(name=name, kind=name)
    )
    names = (name,) * 9
    message = card_message(
        card(
            evaluation=evaluation(license=seen, owner="U0BO", trial=trial(upgrade_to=name)),
            people=(Person(contact=person, dnc_entry=dnc_entry(target=DncTarget(scope=DncScope.SITE, value=name))),),
            context=CustomerContext(
                customer_of=names,
                uses=names,
                paid_for=tuple((each, "2024") for each in names),
                evaluating=names,
                evaluated=("2024",) * 9,
            ),
            mails=(sent_mail(template=name),) * 9,
            mail=entry(Kind.MAIL_FAILED, actor="U0BO", template=name, error=name),
        ),
        today=TODAY,
    )
    check(message)


@pytest.mark.parametrize("name", NASTY)
def test_a_nasty_name_stays_a_name_wherever_it_is_shown(name: str) -> None:
    shown = card(evaluation=evaluation(license=license_(company=name, app_name=name, technical=contact(name=name))))
    check(card_message(shown, today=TODAY, vendor_id="1234"))
    check(pointer_message(shown, None))
