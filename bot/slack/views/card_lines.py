"""The lines of a card between its heading and its buttons, one function each."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Final
from urllib.parse import quote

from bot.domain.address import canonical, is_address
from bot.domain.card import Card, Person, known_end, person, readable_id, recipients
from bot.domain.cautions import Caution, cautions_for, describe
from bot.domain.dnc import DncEntry
from bot.domain.evaluation import ContactRole, Evaluation, License, State, days_left
from bot.domain.history import Kind, MailBounced, MailEvent
from bot.domain.license_types import is_sold
from bot.domain.mail import MailState
from bot.domain.mail_policy import MailRules, RefusalReason, Refused
from bot.domain.target_parser import SITES
from bot.slack.text import days, escape, mention, moment
from bot.slack.views.history import describe_scope, mail_name, note, opportunity

SEPARATOR: Final = " · "
_LAST_WEEK: Final = 7
_MOST_NAMES: Final = 3
_MARKETPLACE: Final = "https://marketplace.atlassian.com"
_HOST: Final = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
_OF_THE_LICENSE: Final = (
    RefusalReason.CONVERTED,
    RefusalReason.GRANTED,
    RefusalReason.ATLASSIAN,
    RefusalReason.SANDBOX,
    RefusalReason.COUNTRY,
)
"""Why nobody on a license can be emailed, where no other line says it."""
_SAID_ELSEWHERE: Final = frozenset(
    {Caution.NO_CONTACT, Caution.FORGOTTEN, Caution.MALFORMED, Caution.ATLASSIAN, Caution.LEFT}
)
_MAY_HAVE_ARRIVED: Final = frozenset({Kind.MAIL_SENT, Kind.MAIL_ARRIVED, Kind.MAIL_UNKNOWN, Kind.MAIL_BOUNCED})


def selling_line(card: Card, *, today: date) -> str:
    """Return what makes the trial worth a look: time left, size, hosting, country. What is unknown is left out."""
    evaluation, license_ = card.evaluation, card.evaluation.license
    upgrade = evaluation.trial.upgrade_to
    parts = (
        _standing(evaluation, today=today),
        f"upgrade to {escape(upgrade)}" if upgrade else None,
        _size(license_),
        escape(license_.hosting),
        _escaped(license_.country or license_.region),
    )
    return _joined(parts)


def people_lines(card: Card) -> list[str]:
    """Return a line for each contact: who they are, and why they can't be emailed, if so."""
    license_ = card.evaluation.license
    found: dict[str, tuple[Person, list[ContactRole]]] = {}
    for role in ContactRole:
        who = next((each for each in card.people if each.contact == license_.contact(role)), None)
        if who is not None:
            key = canonical(who.contact.email) if who.contact.email else f"{who.contact.name} {who.contact.forgotten}"
            found.setdefault(key, (who, []))[1].append(role)
    lines = [_person_line(who, roles) for who, roles in found.values()]
    return lines or [":bust_in_silhouette: No contact in the report"]


def place_line(card: Card, *, vendor_id: str | None) -> str:
    """Return where the app runs, and the links that leave Slack."""
    license_ = card.evaluation.license
    parent = " ".join(part for part in (license_.parent_product, license_.parent_edition) if part)
    listing = f"{_MARKETPLACE}/plugins/{_in_url(license_.app_key)}"
    parts = (
        _site(license_.site),
        _escaped(parent),
        f"{escape(license_.edition)} edition" if license_.edition else None,
        f"<{listing}|Listing>",
        _license_link(license_, vendor_id),
    )
    return f":globe_with_meridians: {_joined(parts)}"


def signs_line(card: Card, rules: MailRules) -> str:
    """Return what else is known of the customer and speaks for or against an email; may be empty."""
    license_, context = card.evaluation.license, card.context
    until = [f"{_app(name, card)} until {year}" for name, year in context.paid_for]
    has = (
        ("Customer of", _listed([_app(name, card) for name in context.customer_of])),
        ("Has a license for", _listed([_app(name, card) for name in context.uses])),
        ("Paid for", _listed(until)),
    )
    known = (
        (":star:", _joined(f"{how} {names}" for how, names in has if names)),
        (":eyes: Also evaluating", _listed([_app(name, card) for name in context.evaluating])),
        (":arrows_counterclockwise: Evaluated this app before:", _listed(context.evaluated)),
        (":seedling:", _parent_on_trial(license_)),
    )
    refusal = _refusal(card, rules)
    return _joined((refusal, *(f"{how} {what}" for how, what in known if what), _cautions(card, refused=bool(refusal))))


def waiting_line(card: Card) -> str:
    """Return since when the contact waits for an answer; empty if they don't."""
    since = card.evaluation.waiting_since
    return "" if since is None else f":speech_balloon: *Waiting for an answer* since {moment(since)}"


def mail_line(card: Card) -> str:
    """Return the latest about email, in the words of the thread, and what was sent before; may be empty."""
    entry = card.mail
    latest = None if entry is None else f"{note(entry).removesuffix('.')}{SEPARATOR}{moment(entry.at)}"
    covered = None
    if entry is not None and isinstance(entry.fact, MailEvent | MailBounced) and entry.kind in _MAY_HAVE_ARRIVED:
        covered = entry.fact.template
    before = _listed([*_sent_before(card, covered)])
    return _joined((latest, f":email: Sent before: {before}" if before else None))


def _standing(evaluation: Evaluation, *, today: date) -> str:
    trial = evaluation.trial
    left = days_left(trial, today) if known_end(evaluation) else None
    match trial.state:
        case State.CONVERTED:
            said = _converted(evaluation)
        case State.EXPIRED:
            said = "*Trial over*"
        case State.CANCELLED:
            said = "*Trial cancelled*"
        case _ if left is not None:
            said = _left(left)
        case _:
            said = "*Trial running*" if known_end(evaluation) is None else "*Past its last day*"
    return said


def _left(left: int) -> str:
    said = "Last day" if left == 0 else f"{days(left)} left"
    return f":hourglass_flowing_sand: *{said}*" if left <= _LAST_WEEK else f"*{said}*"


def _converted(evaluation: Evaluation) -> str:
    license_, trial = evaluation.license, evaluation.trial
    said = "*Bought*" if is_sold(license_.license_type) else "*Licensed*"
    is_latest = trial.upgrade_to is None and license_.latest_evaluation in (None, trial.started)
    return f"{said} after {days(license_.days_to_convert)}" if is_latest and license_.days_to_convert else said


def _size(license_: License) -> str | None:
    """Return the number of users. A trial in a data center has it in its tier."""
    size, tier = license_.opportunity_size, license_.tier
    if size is not None and size.lower() not in {"evaluation", "unknown"}:
        return opportunity(size)
    return escape(tier).lower() if tier is not None and tier != "Evaluation" else None


def _parent_on_trial(license_: License) -> str | None:
    is_on_trial = (license_.opportunity_size or "").lower() == "evaluation"
    return f"Their {escape(license_.parent_product or 'parent product')} is on trial too" if is_on_trial else None


def _person_line(who: Person, roles: Sequence[ContactRole]) -> str:
    contact, role = who.contact, " and ".join(roles)
    name = escape(contact.name, longest=100) if contact.name else None
    if contact.email is None:
        said = "forgotten at their request" if contact.forgotten else "no address in the report"
        return f":no_entry_sign: {name or f'{role.capitalize()} contact'} – {said}"
    shown = f"{SEPARATOR.join(filter(None, (name, escape(contact.email, longest=100))))} ({role})"
    if who.dnc_entry is not None:
        return f":no_entry_sign: {shown} – {blocked(who.dnc_entry)}"
    if not is_address(contact.email):
        return f":warning: {shown} – not a valid email address"
    return f"{':credit_card:' if roles == [ContactRole.BILLING] else ':bust_in_silhouette:'} {shown}"


def blocked(entry: DncEntry) -> str:
    """Return why somebody must not be emailed, who decided it, and when."""
    by = f", {mention(entry.by)}" if entry.by else ""
    return f"*Do not contact*{describe_scope(entry)}: {entry.reason.words}{by}, {moment(entry.at)}"


def _site(site: str | None) -> str | None:
    """Return the customer's site, as a link if its address is one of Atlassian's: those are certain."""
    if site is None:
        return None
    host = site.lower()
    is_certain = _HOST.fullmatch(host) is not None and host.endswith(SITES)
    return f"<https://{host}|{host}>" if is_certain else escape(site)


def _license_link(license_: License, vendor_id: str | None) -> str:
    """Return the license, as a link to the vendor's own report if its address is known."""
    number = readable_id(license_)
    shown = escape(number, longest=40)
    if vendor_id is None or not number.startswith(("E-", "SEN-")):
        return shown
    return f"<{_MARKETPLACE}/manage/vendors/{vendor_id}/reporting/licenses?text={_in_url(number)}|{shown}>"


def _in_url(value: str) -> str:
    """Return the value of a parameter in a URL. A lone surrogate, which has no UTF-8 form, becomes a question mark."""
    return quote(value, safe="", errors="replace")


def _refusal(card: Card, rules: MailRules) -> str | None:
    decisions = [each.decision for each in recipients(card, rules)]
    reasons = {each.reason for each in decisions if isinstance(each, Refused)}
    reason = next((each for each in _OF_THE_LICENSE if each in reasons), None)
    if reason is None:
        return None
    return f"{':tada:' if reason is RefusalReason.CONVERTED else ':no_entry_sign:'} {reason.removesuffix('.')}"


def _cautions(card: Card, *, refused: bool) -> str | None:
    license_, who = card.evaluation.license, person(card)
    found = cautions_for(license_, None if who is None else who.contact, card.context)
    elsewhere = _SAID_ELSEWHERE | ({Caution.SANDBOX} if refused else set())
    said = [escape(describe(each, license_, card.context), longest=250) for each in found if each not in elsewhere]
    return f":warning: {SEPARATOR.join(said)}" if said else None


def _sent_before(card: Card, covered: str | None) -> Iterator[str]:
    for mail in card.mails:
        if mail.template == covered or mail.attempt.state not in {MailState.SENT, MailState.UNKNOWN}:
            continue
        unsure = ", perhaps" if mail.attempt.state is MailState.UNKNOWN else ""
        yield f"*{escape(mail_name(mail.template))}* ({mention(mail.attempt.by)}{unsure}, {moment(mail.at)})"


def _app(name: str, card: Card) -> str:
    """Return an app of the customer's as this app's card names it."""
    return "this app on another site" if name == card.evaluation.license.app_name else escape(name, longest=60)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more


def _escaped(text: str | None) -> str | None:
    return escape(text) if text else None


def _joined(parts: Iterable[str | None]) -> str:
    return SEPARATOR.join(part for part in parts if part)
