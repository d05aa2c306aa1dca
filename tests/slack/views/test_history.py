"""The sentence for every fact, with the particulars that the store writes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.dnc import DncScope, DncTarget
from bot.domain.history import Entry, Kind
from bot.domain.history_details import pack
from bot.slack.views.history import describe_scope, mail_name, note, opportunity
from tests.builders import dnc_entry, entry
from tests.slack.checks import NAMES, assert_only_our_markup, check_text

MAIL = {"template": "trial-ending", "error": ""}
SOLD = {"type": "COMMERCIAL", "edition": "Standard", "tier": "10 Users", "days": "12"}

TOLD = {
    "began": (entry(Kind.STARTED, on="2026-11-20"), "The trial started on 20 Nov 2026."),
    "extended": (
        entry(Kind.EXTENDED, to="2027-01-03", was="2026-12-20"),
        ":hourglass_flowing_sand: The trial was extended to 3 Jan 2027, was 20 Dec 2026.",
    ),
    "corrected": (
        entry(Kind.CORRECTED, to="2026-11-20/None", was="2026-11-19/2026-12-20"),
        "The report corrected the dates of the trial.",
    ),
    "bought": (
        entry(Kind.CONVERTED, **SOLD),
        ":tada: They bought the app 12 days after the trial started: Commercial, Standard, 10 Users.",
    ),
    "bought the next day": (
        entry(Kind.CONVERTED, **SOLD | {"days": "1", "edition": ""}),
        ":tada: They bought the app 1 day after the trial started: Commercial, 10 Users.",
    ),
    "bought at once": (
        entry(Kind.CONVERTED, **SOLD | {"days": "0", "edition": "", "tier": ""}),
        ":tada: They bought the app: Commercial.",
    ),
    "got, nobody knows how": (
        entry(Kind.CONVERTED, type="OPEN_SOURCE", edition="", tier="", days=""),
        "They got a license for the app: Open source.",
    ),
    "given, some days in": (
        entry(Kind.CONVERTED, type="COMMUNITY", edition="", tier="10 Users", days="2"),
        "They got a license for the app 2 days after the trial started: Community, 10 Users.",
    ),
    "upgraded": (
        entry(Kind.CONVERTED, **SOLD | {"edition": "Advanced", "upgrade": "Advanced"}),
        ":tada: They upgraded to the Advanced edition: Commercial, Advanced, 10 Users.",
    ),
    "expired": (
        entry(Kind.ENDED, how="expired", on="2026-12-20"),
        "The trial ended on 20 Dec 2026 without a purchase.",
    ),
    "expired, nobody knows when": (
        entry(Kind.ENDED, how="expired", on=""),
        "The trial ended without a purchase.",
    ),
    "an upgrade trial that ended": (
        entry(Kind.ENDED, how="expired", on="2026-12-20", upgrade="Advanced"),
        "The trial of the Advanced edition ended. They keep the license they had.",
    ),
    "cancelled": (entry(Kind.ENDED, how="cancelled", on="2026-12-20"), "The trial was cancelled."),
    "reopened": (entry(Kind.REOPENED, to="2026-12-20"), "The trial is running again, until 20 Dec 2026."),
    "reopened without an end": (entry(Kind.REOPENED, to=""), "The trial is running again."),
    "another contact": (entry(Kind.CONTACT_CHANGED, to="another"), "The report now names another contact."),
    "no contact": (entry(Kind.CONTACT_CHANGED, to="nobody"), "The report no longer names a contact."),
    "a forgotten contact": (
        entry(Kind.CONTACT_CHANGED, to="forgotten"),
        "The contact asked Atlassian to be forgotten, so nobody can email them.",
    ),
    "late facts": (
        entry(
            Kind.ENRICHED,
            company="Acme",
            country="Norway",
            opportunity_size="50",
            parent_product="Jira",
            parent_edition="Premium",
            sandbox="True",
            channel="Marketplace",
            migration="True",
        ),
        (
            "New in the report: company Acme, country Norway, 50 users, parent product Jira, "
            "edition of the parent product Premium, sandbox site, found the app through Marketplace, "
            "part of a move from Data Center to Cloud."
        ),
    ),
    "merged": (entry(Kind.MERGED), "Two records in the report turned out to be the same license."),
    "claimed": (entry(Kind.ASSIGNED, actor="U0ANA", owner="U0ANA", was=""), "<@U0ANA> claimed this."),
    "assigned": (entry(Kind.ASSIGNED, actor="U0ANA", owner="U0BO", was=""), "<@U0ANA> assigned this to <@U0BO>."),
    "done": (entry(Kind.DONE, actor="U0BO"), ":white_check_mark: *Done*: <@U0BO> spoke to them elsewhere."),
    "not for us": (
        entry(Kind.NOT_FOR_US, actor="U0BO", cause="our_own_people"),
        ":no_entry: *Not for us*: our own people (<@U0BO>).",
    ),
    "undone": (
        entry(Kind.UNDONE, actor="U0BO", what="not_for_us"),
        ":leftwards_arrow_with_hook: <@U0BO> undid *Not for us*.",
    ),
    "a note": (entry(Kind.NOTE_ADDED, actor="U0BO", note_id="5"), ":pencil: <@U0BO> added a note."),
    "released": (
        entry(Kind.RELEASED, actor="U0BO", owner="", was="U0BO"),
        "<@U0BO> released this. It has no owner now.",
    ),
    "sent": (entry(Kind.MAIL_SENT, actor="U0BO", **MAIL), ":email: <@U0BO> sent *Trial ending*."),
    "failed": (
        entry(Kind.MAIL_FAILED, actor="U0BO", **MAIL | {"error": "The server said no."}),
        ":warning: <@U0BO> tried to send *Trial ending*, but it failed. The server said no.",
    ),
    "refused": (
        entry(Kind.MAIL_REFUSED, actor="U0BO", **MAIL | {"error": "The trial is over."}),
        ":no_entry_sign: <@U0BO> tried to send *Trial ending*, but it was not allowed. The trial is over.",
    ),
    "lost from sight": (
        entry(Kind.MAIL_UNKNOWN, actor="U0BO", **MAIL),
        ":grey_question: <@U0BO> sent *Trial ending*, but we don't know whether it arrived.",
    ),
    "arrived after all": (
        entry(Kind.MAIL_ARRIVED, actor="U0BO", **MAIL),
        ":email: <@U0BO> confirmed that *Trial ending* arrived.",
    ),
    "once more": (
        entry(Kind.MAIL_AGAIN, actor="U0BO", **MAIL),
        ":hourglass_flowing_sand: <@U0BO> is sending *Trial ending* again.",
    ),
    "sent on another ground than the trial": (
        entry(Kind.MAIL_SENT, actor="U0BO", **MAIL | {"ground": "REQUEST"}),
        ":email: <@U0BO> sent *Trial ending*. Legal basis: they asked us.",
    ),
    "sent about the trial": (
        entry(Kind.MAIL_SENT, actor="U0BO", **MAIL | {"ground": "TRIAL"}),
        ":email: <@U0BO> sent *Trial ending*. Legal basis: legitimate interest in the trial they started.",
    ),
    "on its way": (
        entry(Kind.MAIL_QUEUED, actor="U0BO", **MAIL | {"ground": "CONSENT"}),
        ":hourglass_flowing_sand: Email sending… *Trial ending*, by <@U0BO>. Legal basis: consent.",
    ),
    "taken back": (
        entry(Kind.MAIL_UNDONE, actor="U0BO", **MAIL),
        ":leftwards_arrow_with_hook: <@U0BO> cancelled *Trial ending* before it was sent.",
    ),
    "put off": (
        entry(Kind.MAIL_DEFERRED, actor="U0BO", **MAIL | {"error": "The mail server is busy."}),
        (
            ":hourglass_flowing_sand: *Trial ending*, by <@U0BO>, is delayed. We'll try again automatically. "
            "The mail server is busy."
        ),
    ),
    "came back for good": (
        entry(Kind.MAIL_BOUNCED, template="trial-ending", status="5.1.1", means="gone"),
        ":leftwards_arrow_with_hook: *Trial ending* bounced (5.1.1): the address doesn't accept email.",
    ),
    "came back for now": (
        entry(Kind.MAIL_BOUNCED, template="trial-ending", status="4.2.2", means="later"),
        ":leftwards_arrow_with_hook: *Trial ending* bounced (4.2.2): perhaps only for now.",
    ),
    "came back because the mailbox is full": (
        entry(Kind.MAIL_BOUNCED, template="trial-ending", status="5.2.2", means="later"),
        ":leftwards_arrow_with_hook: *Trial ending* bounced (5.2.2): perhaps only for now.",
    ),
    "came back because of us": (
        entry(Kind.MAIL_BOUNCED, template="trial-ending", status="5.7.26", means="us"),
        ":leftwards_arrow_with_hook: *Trial ending* bounced (5.7.26): their mail server rejected the sender.",
    ),
    "came back, and nobody can read it": (
        entry(Kind.MAIL_BOUNCED, template="trial-ending", status="", means="unclear"),
        ":grey_question: Something came back for *Trial ending* that we can't read. Check whether it arrived.",
    ),
    "came back, nobody knows why": (
        entry(Kind.MAIL_BOUNCED, template="trial-ending", status="", means="later"),
        ":leftwards_arrow_with_hook: *Trial ending* bounced: perhaps only for now.",
    ),
    "complained": (
        entry(Kind.MAIL_BOUNCED, template="trial-ending", status="complaint", means="complaint"),
        ":no_entry_sign: They reported *Trial ending* as spam.",
    ),
    "erased": (entry(Kind.ERASED), "The contact's data was erased at their request."),
    "opted out": (
        entry(Kind.DO_NOT_CONTACT, actor="U0BO", cause="asked", note=""),
        ":no_entry_sign: <@U0BO> blocked the contact: They asked us not to email them.",
    ),
    "opted out, with a remark": (
        entry(Kind.DO_NOT_CONTACT, actor="U0BO", cause="complained", note="Called us."),
        ":no_entry_sign: <@U0BO> blocked the contact: They complained. “Called us.”",
    ),
    "unsubscribed": (
        entry(Kind.DO_NOT_CONTACT, cause="unsubscribed", note=""),
        ":no_entry_sign: *Do not contact*: They unsubscribed with the link in an email.",
    ),
    "marked by the machine": (
        entry(Kind.DO_NOT_CONTACT, cause="bounced"),
        ":no_entry_sign: *Do not contact*: Emails to this address bounced.",
    ),
    "by rotation": (
        entry(Kind.ASSIGNED, owner="U0BO", rule="rotation"),
        "Assigned to <@U0BO>: it was their turn in the rotation.",
    ),
    "same customer": (
        entry(Kind.ASSIGNED, owner="U0BO", rule="customer"),
        "Assigned to <@U0BO>: they own another evaluation of this customer.",
    ),
    "nobody available": (
        entry(Kind.NOBODY_AVAILABLE, U0BO="away", U0CY="not_in_channel", U0DI="away"),
        "No owner yet: nobody in the rotation is available (2 away, 1 not in this channel).",
    ),
    "owner who left": (
        entry(Kind.RELEASED, was="U0BO"),
        "<@U0BO> has no active account any more, so this has no owner now.",
    ),
    "lifted by themselves": (
        entry(Kind.CONTACT_AGAIN),
        "The contact resubscribed.",
    ),
    "lifted without a word": (
        entry(Kind.CONTACT_AGAIN, actor="U0BO", note=""),
        "<@U0BO> unblocked the contact.",
    ),
    "installed again": (
        entry(Kind.APP_SIGNALLED, what="installed"),
        ":satellite_antenna: The app was installed on their site.",
    ),
    "the license came": (
        entry(Kind.LICENSE_FOLLOWED, installed_at="2026-11-23T09:00:00+00:00"),
        ":page_facing_up: The report has the license now, 3 h after the installation. The card shows the contact.",
    ),
    "a reply": (entry(Kind.MAIL_REPLIED, message="key"), ":speech_balloon: They replied."),
    "feedback": (entry(Kind.FEEDBACK_RECEIVED, feedback_id="5"), ":speech_balloon: They sent feedback."),
    "an answer in the app": (
        entry(Kind.ANSWERED_IN_APP, actor="U0BO", feedback_id="6"),
        ":speech_balloon: Somebody answered in the app.",
    ),
    "left": (
        entry(Kind.CUSTOMER_LEFT, left="uninstall", cause="Too <expensive>.", on="2026-11-23"),
        ":wave: Uninstalled on 23 Nov 2026. Reason: Too &lt;expensive&gt;.",
    ),
    "a quote": (
        entry(Kind.QUOTE_ACCEPTED, on="2026-11-23", users="100 users", price="1200"),
        ":handshake: Quote accepted on 23 Nov 2026: 100 users, 1200.",
    ),
    "lifted": (
        entry(Kind.CONTACT_AGAIN, actor="U0BO", note="They agreed"),
        "<@U0BO> unblocked the contact: “They agreed”",
    ),
}


@pytest.mark.parametrize(("happened", "said"), TOLD.values(), ids=TOLD)
def test_a_fact_is_one_sentence(happened: Entry, said: str) -> None:
    assert note(happened) == said


def test_no_kind_of_fact_is_without_a_sentence() -> None:
    assert {happened.kind for happened, _ in TOLD.values()} == set(Kind)


@pytest.mark.parametrize(
    "happened",
    [
        pytest.param(happened, id=happened.kind)
        for happened in (
            entry(Kind.CONVERTED, type="COMMERCIAL", edition="Standard", tier="10 Users"),
            TOLD["late facts"][0],
            entry(Kind.MAIL_FAILED, actor="U0BO", **MAIL),
            entry(Kind.MAIL_BOUNCED, template="", status=""),
            entry(Kind.DO_NOT_CONTACT, actor="U0BO", note=""),
            entry(Kind.CONTACT_AGAIN, actor="U0BO", note=""),
        )
    ],
)
@given(words=st.lists(NAMES, min_size=7, max_size=7))
def test_whatever_words_a_fact_holds_its_sentence_is_harmless(happened: Entry, words: list[str]) -> None:
    known = {"days": "3", "cause": "asked", "means": "gone"}
    details = {**dict(zip(pack(happened.fact), words, strict=False)), **known}
    check_text(note(entry(happened.kind, actor=happened.actor, **details)))


@given(name=NAMES)
@pytest.mark.parametrize("scope", DncScope)
def test_the_scope_of_an_entry_is_escaped(scope: DncScope, name: str) -> None:
    assert_only_our_markup(describe_scope(dnc_entry(target=DncTarget(scope=scope, value=name))))


def test_a_line_names_the_scope_of_an_entry_for_more_than_one_address() -> None:
    reported = {
        scope: describe_scope(dnc_entry(target=DncTarget(scope=scope, value="acme.example"))) for scope in DncScope
    }
    assert reported == {
        DncScope.ADDRESS: "",
        DncScope.DOMAIN: " anyone at acme.example",
        DncScope.SITE: " anyone at acme.example",
    }
    assert describe_scope(dnc_entry(target=None)) == ""


@pytest.mark.parametrize(
    ("size", "said"),
    [
        ("1", "1 user"),
        ("593", "593 users"),
        ("Evaluation", "their parent product is on trial too"),
        ("Unlimited Users", "unlimited users"),
        ("Unknown", "size unknown to Atlassian"),
        ("<Huge>", "&lt;Huge&gt;"),
        ("9" * 5000, "9" * 149 + "… users"),
    ],
)
def test_the_size_of_an_opportunity_is_said_in_words(size: str, said: str) -> None:
    assert opportunity(size) == said


@pytest.mark.parametrize(
    ("template", "name"), [("welcome", "Welcome"), ("trial-ending", "Trial ending"), ("q3-Check-in", "Q3 check in")]
)
def test_a_template_is_called_by_a_name_that_people_say(template: str, name: str) -> None:
    assert mail_name(template) == name
