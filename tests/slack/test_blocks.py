"""The card, as people see it and as Slack takes it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.card import Action, Card, Person
from bot.domain.cautions import CustomerContext
from bot.domain.country_rules import Countries, CountryRule, Rule
from bot.domain.dnc import DncReason, DncScope, DncTarget
from bot.domain.evaluation import Contact, Partner, State, Trial
from bot.domain.history import Kind
from bot.domain.mail import MailState
from bot.domain.mail_policy import MailRules
from bot.slack import ids
from bot.slack.blocks import Block, Message, note_message, paragraphs, plain
from bot.slack.views.card import card_message, pointer_message
from tests.builders import NOON, TODAY, card, contact, entry, evaluation, license_, nov, opt_out, sent_mail, trial
from tests.slack.checks import NAMES, NASTY, USERS, WORKSPACE, check, mrkdwn_of

AT_NOON = f"<!date^{int(NOON.timestamp())}^{{date_short_pretty}} {{time}}|2026-11-23 12:00 UTC>"


def of(**seen: Any) -> list[str]:  # noqa: ANN401  of the license's fields
    """The lines in the card of a license."""
    return lines(card(evaluation=evaluation(license=license_(**seen))))


def lines(shown: Card) -> list[str]:
    message = card_message(shown, today=TODAY)
    check(message)
    return "\n".join([message.blocks[0]["text"]["text"], *mrkdwn_of(message.blocks)]).split("\n")


def field(head: str, shown: Card, *, today: date = TODAY) -> list[str] | None:
    """What a field of the card says, line by line; None where there is no such field."""
    fields = (text["text"].split("\n") for text in card_message(shown, today=today).blocks[1]["fields"])
    return next((said for name, *said in fields if name == f"*{head}*"), None)


def buttons(message: Message) -> list[Block]:
    return [element for block in message.blocks if block["type"] == "actions" for element in block["elements"]]


def test_the_header_names_the_customer_and_the_app() -> None:
    assert of()[0] == "Acme · Roadmap for Jira"


def test_the_header_names_the_app_however_long_the_customers_name_is() -> None:
    assert of(company="Acme " * 1000)[0].endswith("… · Roadmap for Jira")


@pytest.mark.parametrize(
    ("seen", "head", "said"),
    [
        pytest.param({}, "Contact", ["Ana Ash", "ana@acme.example"], id="contact"),
        pytest.param({"technical": contact(name=None)}, "Contact", ["ana@acme.example"], id="contact without a name"),
        pytest.param({"technical": None}, "Contact", ["_none in the report_"], id="no contact"),
        pytest.param(
            {"technical": Contact(forgotten=True)}, "Contact", ["_forgotten at their request_"], id="forgotten contact"
        ),
        pytest.param({"technical": Contact(name="\u200b")}, "Contact", ["–"], id="contact with an invisible name"),
        pytest.param(
            {"site": "acme.atlassian.net", "country": "Norway", "region": "EMEA"},
            "Where",
            ["Acme", "acme.atlassian.net", "Norway (EMEA)"],
            id="where",
        ),
        pytest.param({"company": None, "region": "EMEA"}, "Where", ["EMEA"], id="where, by region alone"),
        pytest.param({"company": None, "country": "Norway"}, "Where", ["Norway"], id="where, by country alone"),
        pytest.param({"company": None}, "Where", ["_not in the report_"], id="nowhere"),
        pytest.param({"edition": "Advanced", "tier": "Evaluation"}, "Hosting", ["Cloud · Advanced"], id="hosting"),
        pytest.param({"hosting": "Data Center", "tier": "50 Users"}, "Hosting", ["Data Center · 50 Users"], id="tier"),
        pytest.param({}, "Opportunity", ["_not yet known_"], id="size to come"),
        pytest.param({"opportunity_size": "50"}, "Opportunity", ["50 users"], id="size"),
        pytest.param(
            {"opportunity_size": "Evaluation"},
            "Opportunity",
            ["Their parent product is on trial, too"],
            id="size of a trial on a trial",
        ),
        pytest.param(
            {"opportunity_size": "Unknown"}, "Opportunity", ["Size not known to Atlassian"], id="size in words"
        ),
        pytest.param(
            {"hosting": "Data Center", "opportunity_size": "Unlimited Users"},
            "Opportunity",
            ["Unlimited users"],
            id="size where it is not expected",
        ),
        pytest.param(
            {"hosting": "Data Center", "parent_product": "Jira"},
            "Parent product",
            ["Jira"],
            id="parent product where it is not expected",
        ),
        pytest.param({}, "Parent product", ["_not yet known_"], id="parent product to come"),
        pytest.param(
            {"parent_product": "Jira", "parent_edition": "Premium"},
            "Parent product",
            ["Jira Premium"],
            id="parent product",
        ),
    ],
)
def test_a_field_says_what_the_report_says(seen: dict[str, Any], head: str, said: list[str]) -> None:
    assert field(head, card(evaluation=evaluation(license=license_(**seen)))) == said


@pytest.mark.parametrize("head", ["Opportunity", "Parent product"])
def test_a_data_center_card_does_not_wait_for_what_never_comes(head: str) -> None:
    assert field(head, card(evaluation=evaluation(license=license_(hosting="Data Center")))) is None


@pytest.mark.parametrize(
    ("of_trial", "today", "standing"),
    [
        pytest.param({}, TODAY, "27 days left", id="running"),
        pytest.param({}, date(2026, 12, 12), "8 days left", id="before the last week"),
        pytest.param({}, date(2026, 12, 13), ":hourglass_flowing_sand: *7 days left*", id="in the last week"),
        pytest.param({}, date(2026, 12, 19), ":hourglass_flowing_sand: *1 day left*", id="one day"),
        pytest.param({}, date(2026, 12, 20), ":hourglass_flowing_sand: *last day*", id="the last day"),
        pytest.param({}, date(2026, 12, 21), "past its end", id="over by the calendar, and the report is late"),
        pytest.param({"state": State.EXPIRED}, TODAY, "over", id="expired"),
        pytest.param({"state": State.CANCELLED}, TODAY, "cancelled", id="cancelled"),
    ],
)
def test_a_card_says_how_the_trial_stands(of_trial: dict[str, Any], today: date, standing: str) -> None:
    shown = card(evaluation=evaluation(trial=trial(**of_trial)))
    assert field("Trial", shown, today=today) == ["20 Nov 2026 – 20 Dec 2026", standing]


UPGRADE = trial(upgrade_to="Advanced")
BOUGHT = trial(state=State.CONVERTED, ends=None)


@pytest.mark.parametrize(
    ("seen", "shown", "said"),
    [
        pytest.param({}, trial(ends=None), ["began 20 Nov 2026", "running"], id="without an end"),
        pytest.param(
            {"license_type": "COMMERCIAL", "days_to_convert": 12},
            BOUGHT,
            ["began 20 Nov 2026", "*bought*, 12 days later"],
            id="bought",
        ),
        pytest.param(
            {"license_type": "ACADEMIC"}, BOUGHT, ["began 20 Nov 2026", "*bought*"], id="bought, who knows when"
        ),
        pytest.param(
            {"license_type": "COMMERCIAL", "days_to_convert": 0},
            BOUGHT,
            ["began 20 Nov 2026", "*bought*"],
            id="bought at once",
        ),
        pytest.param(
            {"license_type": "OPEN_SOURCE", "days_to_convert": 1},
            BOUGHT,
            ["began 20 Nov 2026", "licensed, 1 day later"],
            id="given",
        ),
        pytest.param(
            {"license_type": "COMMERCIAL", "days_to_convert": 12, "latest_evaluation": nov(22)},
            BOUGHT,
            ["began 20 Nov 2026", "*bought*"],
            id="bought, and the days are those of a later trial",
        ),
        pytest.param(
            {"license_type": "COMMERCIAL"},
            UPGRADE,
            ["Upgrade trial: Advanced", "began 20 Nov 2026", "running"],
            id="an upgrade, whose end the report does not say",
        ),
        pytest.param(
            {"license_type": "UPGRADE_EVALUATION"},
            UPGRADE,
            ["Upgrade trial: Advanced", "20 Nov 2026 – 20 Dec 2026", "27 days left"],
            id="an upgrade, and the report says until when",
        ),
        pytest.param(
            {"license_type": "COMMERCIAL", "days_to_convert": 12},
            trial(upgrade_to="Advanced", state=State.CONVERTED, ends=None),
            ["Upgrade trial: Advanced", "began 20 Nov 2026", "*bought*"],
            id="upgraded, and the days are those of the first purchase",
        ),
    ],
)
def test_a_card_says_no_more_of_a_trial_than_the_report(seen: dict[str, Any], shown: Trial, said: list[str]) -> None:
    assert field("Trial", card(evaluation=evaluation(license=license_(**seen), trial=shown))) == said


@pytest.mark.parametrize(
    ("seen", "remark"),
    [
        pytest.param({"sandbox": True}, ":warning: Sandbox site", id="sandbox"),
        pytest.param(
            {"sandbox": True},
            ":no_entry_sign: No email: Sandbox site – the real evaluation is happening elsewhere.",
            id="no mail to a sandbox",
        ),
        pytest.param({"technical": contact(email="ana@gmail.com")}, ":warning: Free-mail address", id="free mail"),
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
            {"sandbox": True, "migration": True, "technical": contact(email="it@gmail.com")},
            (
                ":warning: Sandbox site  ·  Part of a move from their own servers to cloud"
                "  ·  Free-mail address  ·  Role address, not a person"
            ),
            id="all in one line",
        ),
        pytest.param(
            {"technical": None}, ":no_entry_sign: No email: The report has no address for this contact.", id="no"
        ),
        pytest.param({"atlassian": True}, ":no_entry_sign: No email: This is Atlassian's own license.", id="Atlassian"),
    ],
)
def test_a_card_warns(seen: dict[str, Any], remark: str) -> None:
    assert remark in of(**seen)


def test_what_the_refusal_says_is_not_said_twice() -> None:
    assert not [line for line in of(technical=None) if line.startswith(":warning:")]


def test_a_bought_trial_is_a_reason_to_be_glad() -> None:
    shown = lines(card(evaluation=evaluation(license=license_(license_type="COMMERCIAL"), trial=BOUGHT)))
    assert ":tada: No email: They bought the app – no trial email needed." in shown


def test_a_license_that_was_given_is_not_called_bought() -> None:
    shown = card_message(
        card(evaluation=evaluation(license=license_(license_type="COMMUNITY"), trial=BOUGHT)), today=TODAY
    )
    assert ":no_entry_sign: No email: They have a license now – no trial email needed." in mrkdwn_of(shown.blocks)
    assert "bought" not in str(shown)


def test_a_card_shows_who_marked_the_contact_and_why() -> None:
    marked = card(people=(Person(contact=contact(), dnc_entry=opt_out()),))
    by_themselves = card(people=(Person(contact=contact(), dnc_entry=opt_out(by=None)),))
    assert f":no_entry_sign: *Do not contact*: They asked us not to email them, <@U0BO>, {AT_NOON}" in lines(marked)
    assert f":no_entry_sign: *Do not contact*: They asked us not to email them, {AT_NOON}" in lines(by_themselves)


@pytest.mark.parametrize(
    ("whom", "said"),
    [
        ("@acme.example", "*Do not contact* anybody at acme.example: They asked us not to email them"),
        ("acme.atlassian.net", "*Do not contact* anybody of acme.atlassian.net: They asked us not to email them"),
        ("site:jira.acme.example", "*Do not contact* anybody of jira.acme.example: They asked us not to email them"),
    ],
    ids=["domain", "site", "own site"],
)
def test_a_card_shows_how_far_a_mark_reaches(whom: str, said: str) -> None:
    shown = card(people=(Person(contact=contact(), dnc_entry=opt_out(target=DncTarget.read(whom))),))
    assert f":no_entry_sign: {said}, <@U0BO>, {AT_NOON}" in lines(shown)


def test_a_mark_of_somebody_who_was_forgotten_cannot_be_lifted_from_the_card() -> None:
    marked = card(people=(Person(contact=contact(), dnc_entry=opt_out(reason=DncReason.ERASED, by=None, target=None)),))
    *pressed, more = buttons(card_message(marked, today=TODAY))
    assert [button["action_id"] for button in pressed] == [Action.CLAIM]
    assert [ids.read_option(option["value"])[0] for option in more["options"]] == [Action.ASSIGN]


def test_what_the_rules_do_not_allow_is_said_on_the_card_and_has_no_button() -> None:
    blocked = MailRules(countries=Countries(others=CountryRule(rule=Rule.BLOCK)))
    shown = card_message(card(evaluation=evaluation(license=license_(country="Norway"))), today=TODAY, rules=blocked)
    check(shown)
    assert ":no_entry_sign: No email: Your country rules don't allow email to this country." in mrkdwn_of(shown.blocks)
    assert Action.EMAIL not in {button["action_id"] for button in buttons(shown)}


def test_a_mail_that_needs_a_ground_can_be_written() -> None:
    shown = card_message(card(), today=TODAY)
    assert Action.EMAIL in {button["action_id"] for button in buttons(shown)}


def test_a_card_shows_what_else_the_customer_has() -> None:
    context = CustomerContext(
        customer_of=("Charts", "Q&A"),
        uses=("Clock",),
        paid_for=(("Forms", "2023"), ("Sums", "2025")),
        evaluating=("Maps", "Roadmap for Jira"),
        evaluated=("2024", "2025"),
    )
    shown = lines(card(context=context))
    assert (
        ":star: Already a customer of Charts, Q&amp;A  ·  Have a license of Clock"
        "  ·  Paid for Forms until 2023, Sums until 2025"
    ) in shown
    assert ":eyes: Also evaluating Maps, this app on another site" in shown
    assert ":arrows_counterclockwise: Evaluated this app before, in 2024, 2025" in shown


@pytest.mark.parametrize(
    ("context", "said"),
    [
        (CustomerContext(uses=("Clock",)), ":star: Have a license of Clock"),
        (CustomerContext(paid_for=(("Forms", "2023"),)), ":star: Paid for Forms until 2023"),
        (CustomerContext(customer_of=("Roadmap for Jira",)), ":star: Already a customer of this app on another site"),
    ],
)
def test_a_card_calls_nobody_a_customer_who_is_none(context: CustomerContext, said: str) -> None:
    assert [line for line in lines(card(context=context)) if line.startswith(":star:")] == [said]


def test_a_card_stays_calm_whatever_there_is_to_know() -> None:
    apps = tuple("ABCDEF")
    context = CustomerContext(
        customer_of=apps,
        uses=apps,
        paid_for=tuple((app, "2024") for app in apps),
        evaluating=apps,
        evaluated=("2024", "2025"),
        sites=9,
        partner_domain=True,
    )
    seen = license_(
        sandbox=True,
        migration=True,
        partner=Partner(name="Resell"),
        technical=contact(email="it@gmail.com"),
        billing=contact(),
    )
    shown = card_message(card(evaluation=evaluation(license=seen), context=context), today=TODAY)
    assert len(shown.blocks[2]["text"]["text"].split("\n")) == 4


def test_of_long_lists_a_card_shows_five() -> None:
    context = CustomerContext(customer_of=tuple("ABCDEF"))
    mails = tuple(sent_mail(template=template) for template in "abcdef")
    shown = lines(card(context=context, mails=mails))
    assert ":star: Already a customer of A, B, C, D, E" in shown
    assert [line[8] for line in shown if line.startswith(":email:")] == ["B", "C", "D", "E", "F"]


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (MailState.SENT, ":email: Welcome sent by <@U0BO>"),
        (MailState.UNKNOWN, ":grey_question: Welcome by <@U0BO>"),
        (MailState.FAILED, None),
        (MailState.SENDING, None),
        (MailState.QUEUED, None),
        (MailState.DEFERRED, None),
        (MailState.CANCELLED, None),
    ],
)
def test_a_card_shows_mails_that_may_have_arrived(state: MailState, said: str | None) -> None:
    mailed = [line.split(",")[0] for line in lines(card(mails=(sent_mail(state),))) if "Welcome" in line]
    assert mailed == ([] if said is None else [said])


def test_failed_attempts_do_not_hide_a_mail_that_arrived() -> None:
    mails = (sent_mail(), *[sent_mail(MailState.FAILED, template="trial-ending")] * 5)
    assert any(line.startswith(":email: Welcome") for line in lines(card(mails=mails)))


def footer(shown: Card) -> list[str]:
    return lines(shown)[-1].split("  ·  ")


@pytest.mark.parametrize(
    ("shown", "last"),
    [
        pytest.param(card(), [], id="nothing yet"),
        pytest.param(card(last=entry(Kind.STARTED, on="2026-11-20")), [], id="what the trial's dates say"),
        pytest.param(
            card(last=entry(Kind.MAIL_SENT, actor="U0BO", template="welcome", error="")), [], id="what the mails say"
        ),
        pytest.param(
            card(last=entry(Kind.RELEASED, actor="U0BO", owner="", was="U0BO")),
            [f"<@U0BO> gave this back; it has no owner, {AT_NOON}"],
            id="an event",
        ),
        pytest.param(card(mails=(sent_mail(MailState.SENDING),)), ["A mail is on its way"], id="a mail under way"),
        pytest.param(card(mails=(sent_mail(MailState.QUEUED),)), ["A mail is on its way"], id="a mail that is held"),
        pytest.param(
            card(mails=(sent_mail(MailState.DEFERRED),)), ["A mail waits for the mail server"], id="a mail put off"
        ),
        pytest.param(
            card(mails=(sent_mail(MailState.DEFERRED), sent_mail(MailState.QUEUED, template="trial-ending"))),
            ["A mail is on its way"],
            id="one put off and one held",
        ),
        pytest.param(card(mails=(sent_mail(MailState.CANCELLED),)), [], id="a mail taken back"),
        pytest.param(
            card(last=entry(Kind.MAIL_UNDONE, actor="U0BO", template="welcome")), [], id="that a mail was taken back"
        ),
        pytest.param(
            card(last=entry(Kind.MAIL_BOUNCED, template="welcome", status="5.1.1", means="gone")),
            [f":leftwards_arrow_with_hook: *Welcome* came back (5.1.1): the address takes no mail, {AT_NOON}"],
            id="a mail that came back",
        ),
    ],
)
def test_the_footer_tells_the_last_event(shown: Card, last: list[str]) -> None:
    owner, *told, seen = footer(shown)
    assert owner == "No owner yet"
    assert told == last
    assert seen.startswith("Trial first seen <!date^")


def test_the_footer_tells_the_owner_and_how_late_the_trial_was_seen() -> None:
    seen_late = evaluation(owner="U0BO", first_seen=datetime(2026, 11, 20, 9, tzinfo=UTC))
    assert footer(card(evaluation=seen_late))[0] == "Owner: <@U0BO>"
    assert footer(card(evaluation=seen_late))[-1].endswith(", within 9 h of its start")


@pytest.mark.parametrize(
    ("first_seen", "how_late"),
    [
        (datetime(2026, 11, 22, 0, tzinfo=UTC), "within 48 h of its start"),
        (datetime(2026, 11, 22, 1, tzinfo=UTC), "2 days after it began"),
        (datetime(2026, 11, 23, 23, tzinfo=UTC), "3 days after it began"),
        (datetime(2027, 1, 8, 12, tzinfo=UTC), "49 days after it began"),
    ],
    ids=["as late as usual", "later", "days later", "weeks later"],
)
def test_a_card_is_honest_about_a_trial_seen_late(first_seen: datetime, how_late: str) -> None:
    assert footer(card(evaluation=evaluation(first_seen=first_seen)))[-1].endswith(f", {how_late}")


@pytest.mark.parametrize(
    ("license_type", "shown", "said"),
    [
        ("EVALUATION", trial(), "Acme is evaluating Roadmap for Jira"),
        ("EVALUATION", trial(state=State.EXPIRED), "Acme evaluated Roadmap for Jira"),
        ("EVALUATION", trial(state=State.CANCELLED), "Acme evaluated Roadmap for Jira"),
        ("COMMERCIAL", BOUGHT, "Acme bought Roadmap for Jira"),
        ("OPEN_SOURCE", BOUGHT, "Acme got a license of Roadmap for Jira"),
        ("COMMERCIAL", UPGRADE, "Acme is evaluating the Advanced edition of Roadmap for Jira"),
        (
            "COMMERCIAL",
            trial(state=State.CONVERTED, ends=None, upgrade_to="Advanced"),
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
        pytest.param(card(), [Action.EMAIL, Action.CLAIM, Action.DO_NOT_CONTACT], [Action.ASSIGN], id="new"),
        pytest.param(
            card(evaluation=evaluation(owner="U0BO")),
            [Action.EMAIL, Action.DO_NOT_CONTACT],
            [Action.ASSIGN, Action.RELEASE],
            id="owned",
        ),
        pytest.param(
            card(
                evaluation=evaluation(owner="U0BO", trial=trial(state=State.EXPIRED)),
                people=(Person(contact=contact(), dnc_entry=opt_out()),),
            ),
            [],
            [Action.ASSIGN, Action.RELEASE, Action.CONTACT_AGAIN],
            id="over, owned, opted out",
        ),
    ],
)
def test_three_buttons_at_most_are_seen_and_the_rest_is_in_the_menu(
    shown: Card, visible: list[Action], menu: list[Action]
) -> None:
    *pressed, more = buttons(card_message(shown, today=TODAY))
    assert [(button["action_id"], button["value"]) for button in pressed] == [(action, "7") for action in visible]
    owner = {Action.RELEASE: shown.evaluation.owner}
    assert [ids.read_option(option["value"]) for option in more["options"]] == [
        (action, "7", owner.get(action)) for action in menu
    ]


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


@pytest.mark.parametrize(
    ("lengths", "packed"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([10, 20], [31], id="what fits is one"),
        pytest.param([1500, 1499], [3000], id="to the last character"),
        pytest.param([1500, 1500], [1500, 1500], id="one character too many"),
        pytest.param([2000, 2000, 10], [2000, 2011], id="in order"),
    ],
)
def test_lines_are_packed_into_as_few_paragraphs_as_slack_takes(lengths: list[int], packed: list[int]) -> None:
    assert [len(block["text"]["text"]) for block in paragraphs("x" * n for n in lengths)] == packed


@pytest.mark.parametrize(("name", "shown"), [("Acme", "Acme"), ("\u200b", "–"), ("x" * 80, "x" * 74 + "…")])
def test_a_literal_text_is_never_empty_and_never_too_long(name: str, shown: str) -> None:
    assert plain(name) == {"type": "plain_text", "text": shown, "emoji": False}


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
    opt_out, reason=st.sampled_from(DncReason), target=SUBJECTS, by=st.none() | st.sampled_from(USERS), note=NAMES
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
    )


@given(shown=cards())
def test_slack_takes_the_card_of_anybody_in_any_state(shown: Card) -> None:
    message = card_message(shown, today=TODAY)
    check(message)
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
            people=(Person(contact=person, dnc_entry=opt_out(target=DncTarget(scope=DncScope.SITE, value=name))),),
            context=CustomerContext(
                customer_of=names,
                uses=names,
                paid_for=tuple((each, "2024") for each in names),
                evaluating=names,
                evaluated=("2024",) * 9,
            ),
            mails=(sent_mail(template=name),) * 9,
            last=entry(Kind.ENRICHED, **dict.fromkeys(FACTS, name)),
        ),
        today=TODAY,
    )
    check(message)


@pytest.mark.parametrize("name", NASTY)
def test_a_nasty_name_stays_a_name_wherever_it_is_shown(name: str) -> None:
    shown = card(evaluation=evaluation(license=license_(company=name, app_name=name, technical=contact(name=name))))
    check(card_message(shown, today=TODAY))
    check(pointer_message(shown, None))


def test_a_line_of_a_thread_is_a_message() -> None:
    check(note_message("The trial was cancelled."))
