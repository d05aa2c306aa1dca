"""Choose the templates that fit an evaluation, and the one to begin with."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from bot.domain.evaluation import Evaluation
from bot.mail.templating.language import distance, language_of
from bot.mail.templating.template import Template

MOST: Final = 100
"""Options of a Slack select menu."""
_FIRST_FAMILY: Final = "welcome"


@dataclass(frozen=True, slots=True)
class TemplateSelection:
    """The templates a person may choose from, in order: the best variant of each family, then the others."""

    templates: tuple[Template, ...]
    chosen: Template | None
    """The one to begin with. One of a family that was already sent only if there is no other."""


def select_templates(
    templates: Iterable[Template],
    evaluation: Evaluation,
    *,
    today: date,
    sent: Collection[str] = (),
    can_fill: Callable[[Template], bool] = lambda _: True,
) -> TemplateSelection:
    """Return the templates for this app on this day of the trial; `sent` are families already sent.

    The one to begin with is one that can be filled, if there is any.

    The best variant of a family is the app's own before the one for all apps, then the one in the language of the
    recipient's country, then English.
    """
    wanted = language_of(evaluation.license.country)

    def rank(template: Template) -> tuple[bool, int, str]:
        return not template.apps, distance(template.language, wanted), template.id

    families: dict[str, list[Template]] = {}
    for template in sorted((each for each in templates if _fits(each, evaluation, today)), key=rank):
        families.setdefault(template.family, []).append(template)
    best = sorted((variants[0] for variants in families.values()), key=_order)
    others = [each for first in best for each in families[first.family][1:]]
    offered = (*best, *others)[:MOST]
    chosen = min(offered, key=lambda each: (not can_fill(each), each.family in sent), default=None)
    return TemplateSelection(offered, chosen)


def _order(template: Template) -> tuple[bool, bool, str]:
    # A template offered only on some days is meant for exactly these days.
    return template.window is None, template.family != _FIRST_FAMILY, template.family


def _fits(template: Template, evaluation: Evaluation, today: date) -> bool:
    license_ = evaluation.license
    names = {license_.app_key.casefold(), " ".join(license_.app_name.casefold().split())}
    return (not template.apps or bool(template.apps & names)) and (
        template.window is None or template.window.includes(evaluation, today)
    )
