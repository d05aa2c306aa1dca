"""Templates say what is missing, and a broken one is named while the others work."""

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from bot.errors import TemplateWrong
from bot.mail.templating.front_matter import TrialWindow
from bot.mail.templating.template import RenderedMail, TemplateVariables, load_templates, read_template

FACTS = TemplateVariables(
    recipient_name="Ana Lima",
    first_name="Ana",
    company="Acme",
    app="Diagram Studio",
    site="acme-eval.atlassian.net",
    trial_started=date(2026, 3, 12),
    trial_ends=date(2026, 4, 11),
    days_left=7,
    sender_name="Ben Miller",
    sender_title="Product Manager",
    vendor="Demo Vendor",
)


def write(folder: Path, file: str, text: str) -> Path:
    path = folder / file
    path.write_text(text, "utf-8")
    return path


def body(source: str) -> str:
    return f"---\nname: Test\nsubject: Hello\n---\n{source}\n"


def test_the_shipped_templates_load_without_a_problem() -> None:
    loaded = load_templates()

    assert {id_: template.name for id_, template in loaded.templates.items()} == {
        "welcome": "Welcome",
        "welcome.de": "Welcome (Deutsch)",
        "welcome.es": "Welcome (Español)",
        "welcome.fr": "Welcome (Français)",
        "trial-ending": "Trial ends soon",
        "trial-ending.de": "Trial ends soon (Deutsch)",
        "trial-ending.es": "Trial ends soon (Español)",
        "trial-ending.fr": "Trial ends soon (Français)",
    }
    assert loaded.problems == ()
    for id_, template in loaded.templates.items():
        assert template.language == (id_.partition(".")[2] or "en")
        assert template.window == (TrialWindow("last", 10) if template.family == "trial-ending" else None)
        assert template.signature is not None
        assert template.signature.language == template.language


def test_the_welcome_mail_reads_like_a_letter() -> None:
    assert load_templates().templates["welcome"].fill(FACTS) == RenderedMail(
        subject="Your trial of Diagram Studio",
        body="""\
Hello Ana,

A trial of Diagram Studio was started at acme-eval.atlassian.net on 12 March 2026, and you're listed as the contact. \
I'm on the team behind Diagram Studio at Demo Vendor and have one question: what do you hope it will do for you?

A line or two is plenty. If I know what you need, I can tell you how to set it up, or tell you honestly if it isn't \
a fit.

If somebody else is looking at it, please pass this on. And if anything is unclear or doesn't work, just reply – a \
real person will read it.

Best regards,
Ben Miller
Product Manager
Demo Vendor""",
    )


@pytest.mark.parametrize("id_", sorted(load_templates().templates))
def test_a_shipped_template_needs_no_more_than_what_is_always_known(id_: str) -> None:
    template = load_templates().templates[id_]
    least = TemplateVariables(app="Diagram Studio", trial_started=date(2026, 3, 12), sender_name="Ben Miller")

    filled = template.fill(least)

    assert template.needs == {"app", "trial_started", "sender_name"}
    for words in (filled.subject, filled.body):
        assert "Diagram Studio" in words
        assert not re.search(r"[{}%]|None|undefined", words)
        assert not re.search(r" [,.:]|  |\n\n\n", words)
    assert filled.body.endswith("\nBen Miller")


@pytest.mark.parametrize("missing", [None, "", " \n"])
def test_a_missing_fact_is_named_with_its_template(missing: str | None) -> None:
    with pytest.raises(TemplateWrong, match=r"Template welcome cannot be filled: 'app' is undefined\."):
        load_templates().templates["welcome"].fill(replace(FACTS, app=missing))


def test_a_missing_fact_of_the_signature_is_named_with_the_signature() -> None:
    with pytest.raises(TemplateWrong, match=r"Template signature\.de cannot be filled: 'sender_name' is undefined\."):
        load_templates().templates["welcome.de"].fill(replace(FACTS, sender_name=None))


def test_a_mail_that_is_not_signed_needs_nothing_of_the_signature(tmp_path: Path) -> None:
    write(tmp_path, "short.md", body("Hello from {{ app }}"))

    short = load_templates(tmp_path).templates["short"]

    assert short.needs == {"app"}
    assert short.fill(TemplateVariables(app="Diagram Studio")).body == "Hello from Diagram Studio"


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "1 March 2026"),
        ("en-US", "March 1, 2026"),
        ("de", "1.\u00a0März 2026"),
        ("fr", "1er mars 2026"),
        ("pt-BR", "1 de março de 2026"),
    ],
)
def test_a_date_is_said_in_the_language_of_the_template(tmp_path: Path, language: str, said: str) -> None:
    path = write(tmp_path, "t.md", f"---\nname: T\nsubject: S\nlanguage: {language}\n---\n{{{{ trial_started }}}}")

    assert read_template(path).fill(TemplateVariables(trial_started=date(2026, 3, 1))).body == said


@pytest.mark.parametrize(
    ("file", "language"),
    [("t.md", "en"), ("t.de.md", "de"), ("t.studio.pt-BR.md", "pt-BR"), ("t.zz.md", "en"), ("de.md", "en")],
)
def test_a_template_that_says_no_language_has_that_of_its_file(tmp_path: Path, file: str, language: str) -> None:
    assert read_template(write(tmp_path, file, body("Hello"))).language == language


def test_the_front_matter_says_for_which_trials_and_when(tmp_path: Path) -> None:
    head = "name: A\nsubject: B\nlanguage: pt-br\napps: com.example.studio, Diagram  Studio,\noffered: First 1 day"

    template = read_template(write(tmp_path, "welcome.studio.md", f"---\n{head}\n---\nHello"))

    assert (template.id, template.family, template.language) == ("welcome.studio", "welcome", "pt-BR")
    assert template.apps == {"com.example.studio", "diagram studio"}
    assert template.window == TrialWindow("first", 1)


def test_a_subject_is_one_line_whatever_the_app_is_called(tmp_path: Path) -> None:
    template = read_template(write(tmp_path, "t.md", "---\nname: T\nsubject: On {{ app }}\n---\nHello"))

    assert template.fill(TemplateVariables(app="Dia\r\ngram\u2028  Studio\x00")).subject == "On Dia gram Studio"


def test_an_error_while_filling_does_not_quote_the_facts(tmp_path: Path) -> None:
    template = read_template(write(tmp_path, "sum.md", body("{{ company + 1 }}")))

    with pytest.raises(TemplateWrong, match="Template sum cannot be filled") as caught:
        template.fill(FACTS)

    assert "Acme" not in str(caught.value)


def test_a_template_cannot_reach_into_the_machine(tmp_path: Path) -> None:
    template = read_template(write(tmp_path, "spy.md", body("{{ company.__class__.__mro__ }}")))

    with pytest.raises(TemplateWrong, match="spy"):
        template.fill(FACTS)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Hello", "bad.md, line 1: the head is missing; start the file with ---."),
        ("---\nname: A\nsubject: B\n", "bad.md, line 4: the head has no end; close it with ---."),
        ("---\nname: A\n---\nHello", "bad.md, line 3: the head has no subject; add a line “subject: …”."),
        ("---\nsubject: A\n---\nHello", "bad.md, line 3: the head has no name; add a line “name: …”."),
        (
            "---\nname: A\n\nsender: C\n---\nHello",
            "bad.md, line 4: unknown key “sender”; the head knows name, subject, language, apps, offered.",
        ),
        ("---\nname: A\nlanguage: German\n---\nHello", "bad.md, line 3: the language is unknown; write it like de or"),
        ("---\napps: ,\n---\nHello", "bad.md, line 2: apps names none; write their keys or names with commas "),
        *(
            (
                f"---\nname: A\noffered: {when}\n---\nHello",
                "bad.md, line 3: offered is not understood; write it like “fi",
            )
            for when in ("always", "first days", "last 0 days", "last 1000 days", "first 7 days or so", "-1 days")
        ),
        ("---\nname: A\nname: B\n---\nHello", "bad.md, line 3: name is given twice; keep one."),
        ("---\nname\n---\nHello", "bad.md, line 2: expected “key: value”."),
        (f"---\nname: {'n' * 76}\nsubject: B\n---\nHello", "bad.md, line 2: the name is too long; Slack shows 75 "),
        (
            "---\nname: A\nsubject: B\n---\n\n",
            "bad.md, line 4: the body is empty; write the email below the front matter.",
        ),
        ("---\nname: A\nsubject: {{ ap }}\n---\nHello", "bad.md, line 3: unknown fact “ap”; known are app, company,"),
        (body("Hello\n\n{{ compny }}"), "bad.md, line 7: unknown fact “compny”"),
        (body("Hello\n{% if app %}"), "bad.md, line 6: Unexpected end of template."),
        (body("{{ app | shout }}"), "bad.md, line 5: No filter named 'shout'."),
    ],
)
def test_a_broken_template_is_named_with_its_line(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(TemplateWrong) as caught:
        read_template(write(tmp_path, "bad.md", text))

    assert str(caught.value).startswith(problem)


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "photo.md").write_bytes(b"\xff\xd8\xff")

    assert load_templates(tmp_path).problems == ("photo.md cannot be read: it must be a readable file in UTF-8.",)


def test_a_folder_adds_and_replaces_and_its_broken_files_cost_nothing_else(tmp_path: Path) -> None:
    write(tmp_path, "welcome.md", "---\r\nname: Hallo\r\nsubject: Ihre Testversion\r\n---\r\nGuten Tag\r\n")
    write(tmp_path, "demo.md", body("Shall I show you {{ app }}?"))
    write(tmp_path, "broken.md", "no head")

    loaded = load_templates(tmp_path)

    assert set(loaded.templates) == {*load_templates().templates, "demo"}
    assert loaded.templates["welcome"].fill(TemplateVariables()) == RenderedMail("Ihre Testversion", "Guten Tag")
    assert loaded.templates["demo"].fill(FACTS).body == "Shall I show you Diagram Studio?"
    assert [problem.split(",")[0] for problem in loaded.problems] == ["broken.md"]


def test_a_broken_replacement_does_not_bring_the_shipped_words_back(tmp_path: Path) -> None:
    write(tmp_path, "welcome.md", "no head")

    assert "welcome" not in load_templates(tmp_path).templates


def test_a_signature_can_be_replaced_for_a_language(tmp_path: Path) -> None:
    write(tmp_path, "signature.de.md", "---\n---\nGruß, {{ sender_name }}")

    loaded = load_templates(tmp_path)

    assert loaded.problems == ()
    assert loaded.templates["welcome.de"].fill(FACTS).body.endswith("\n\nGruß, Ben Miller")
    assert "\n\nBest regards,\nBen" in loaded.templates["welcome"].fill(FACTS).body


def test_a_broken_signature_stops_the_mails_that_it_ends_and_no_others(tmp_path: Path) -> None:
    write(tmp_path, "signature.md", "---\nname: Mine\n---\nBen")

    loaded = load_templates(tmp_path)

    assert loaded.problems == ("signature.md, line 2: unknown key “name”; the head knows language.",)
    with pytest.raises(TemplateWrong, match="'signature' is undefined"):
        loaded.templates["welcome"].fill(FACTS)
    assert loaded.templates["welcome.de"].fill(FACTS).body.endswith("\nDemo Vendor")


@pytest.mark.parametrize(("language", "ending"), [("de-AT", "Viele Grüße"), ("pl", "Best regards,")])
def test_a_language_without_a_signature_takes_that_of_a_sister_or_the_english_one(
    tmp_path: Path, language: str, ending: str
) -> None:
    write(tmp_path, f"hello.{language}.md", body("{{ signature }}"))

    filled = load_templates(tmp_path).templates[f"hello.{language}"].fill(FACTS)

    assert filled.body.startswith(f"{ending}\nBen Miller")


def test_a_folder_that_is_not_there_is_a_problem_of_its_own(tmp_path: Path) -> None:
    loaded = load_templates(tmp_path / "nowhere")

    assert set(loaded.templates) == set(load_templates().templates)
    assert "MAIL_TEMPLATES" in loaded.problems[0]
