"""The facts that a template cannot do without are known before anybody needs it."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment

from bot.errors import TemplateWrong
from bot.mail.templating.required_variables import needs
from bot.mail.templating.template import TemplateVariables, load_templates

TEMPLATES = list(load_templates().templates.values())


@pytest.mark.parametrize(
    ("source", "needed"),
    [
        ("Hello", ""),
        ("{{ app }} {{ site | upper }}", "app site"),
        ("{{ app | default('it') }} {{ site | d('there') }}", ""),
        ("{{ app | default(site) }}", "site"),
        ("{{ app | upper | default('it') }}", "app"),
        ("{% if app is defined %}{{ app }}{% else %}{{ app }}{% endif %}", "app"),
        ("{% if app is defined %}{{ app }} {{ site }}{% endif %}", "site"),
        ("{% if app is defined and site is defined %}{{ app }}{{ site }}{% endif %}", ""),
        ("{% if app is defined and app == 'x' %}x{% endif %}", ""),
        ("{% if app is defined or site %}{{ app }}{% endif %}", "app site"),
        ("{% if app %}x{% elif site is defined %}{{ site }}{% endif %}", "app"),
        ("{{ app if app is defined else site }}", "site"),
        ("{{ app if app is defined }}", ""),
        ("{% if app is not defined %}{{ app }}{% endif %}", "app"),
        ("{% if app is undefined %}none{% endif %}", ""),
    ],
)
def test_what_has_neither_default_nor_question_is_needed(source: str, needed: str) -> None:
    assert needs(Environment(autoescape=True).parse(source)) == set(needed.split())


@given(known=st.sets(st.sampled_from(sorted(TemplateVariables.__dataclass_fields__))), data=st.data())
def test_a_shipped_template_fills_exactly_when_what_it_needs_is_known(known: set[str], data: st.DataObject) -> None:
    template = data.draw(st.sampled_from(TEMPLATES))
    values = {name: date(2026, 3, 1) if name in {"trial_started", "trial_ends"} else "x" for name in known}
    facts = TemplateVariables(**values)  # type: ignore[arg-type]  # by name, and each name has its own type
    if template.needs <= known:
        assert template.fill(facts).body
    else:
        with pytest.raises(TemplateWrong, match="is undefined"):
            template.fill(facts)
