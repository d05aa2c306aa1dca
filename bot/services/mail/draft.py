"""A draft of an email: what the form shows, and the words that a person edited in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.domain.card import Card, Recipient
from bot.domain.evaluation import Contact, ContactRole
from bot.domain.mail import OWN_TEXT, LawfulBasis
from bot.domain.mail_policy import Allowed, NeedsLawfulBasis, RefusalReason, Refused
from bot.mail.templating.template import RenderedMail, Template


@dataclass(frozen=True, slots=True, kw_only=True)
class FormWords:
    """What the form holds: the choices it was rendered with, and the words as the person edited them."""

    template: str
    recipient: str
    subject: str
    body: str
    edits: Mapping[str, str] = field(default_factory=dict)
    """The tokens of drafts that hold earlier edits, by template."""

    def keeping(self, token: str) -> "FormWords":
        """Return the same with these words kept under a token."""
        return replace(self, edits={**self.edits, base_of(self.template): token})


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestedBasis:
    """The legal basis that the form selects from the start, and whether it is this person's last answer."""

    basis: LawfulBasis
    is_last: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An email that may be sent, as far as is known now. `problem` says why the template could not be filled."""

    card: Card
    template: str
    """A template id, or `OWN_TEXT` with the id of the template whose words the person edited."""
    names: Mapping[str, str]
    """Ids to names."""
    recipient: str
    choices: Sequence[Recipient]
    """The recipients on the license, whether they can be emailed or not."""
    decision: Allowed | NeedsLawfulBasis
    rendered: RenderedMail
    kept: bool
    """Whether the person's own words were kept although the recipient changed."""
    problem: str | None
    suggested: SuggestedBasis | None = None
    edits: Mapping[str, str] = field(default_factory=dict)
    """The tokens of the drafts behind `OWN_TEXT`, by template."""

    @property
    def recipients(self) -> dict[str, Contact]:
        """Return who can be emailed, by role."""
        return {each.role: each.person.contact for each in self.choices if each.is_open}

    @property
    def refused(self) -> list[Recipient]:
        """Return who cannot be emailed."""
        return [each for each in self.choices if not each.is_open]


def choose_recipient(
    choices: Sequence[Recipient], wanted: str | None
) -> tuple[ContactRole, Allowed | NeedsLawfulBasis] | Refused:
    """Return the wanted recipient if they can be emailed, else the first who can, with what the policy says of them.
    Refused if nobody can be emailed.
    """
    open_to = {each.role: each.decision for each in choices if not isinstance(each.decision, Refused)}
    if not open_to:
        refusals = [each.decision for each in choices if isinstance(each.decision, Refused)]
        return refusals[0] if refusals else Refused(RefusalReason.NO_CONTACT)
    role = next((each for each in open_to if each == wanted), next(iter(open_to)))
    return role, open_to[role]


def base_of(template: str) -> str:
    """Return the id of the template that words are based on."""
    return template.removeprefix(OWN_TEXT)


def menu(templates: Sequence[Template], lacks: Mapping[str, Sequence[str]], edits: Mapping[str, str]) -> dict[str, str]:
    """Return what a person can choose from, by id: the words they edited, then the templates.

    Several templates with one name say which is which. A template that cannot be filled says what it needs.
    """
    names = [each.name for each in templates]
    labels = {each.id: each.name if names.count(each.name) == 1 else f"{each.name} ({each.id})" for each in templates}
    own = {f"{OWN_TEXT}{base}": f"Your text: {labels[base]}" for base in edits if base in labels}
    return own | {id_: _marked(name, lacks.get(id_, ())) for id_, name in labels.items()}


def _marked(name: str, lacks: Sequence[str]) -> str:
    return f"{name} (needs {', '.join(lacks)})" if lacks else name
