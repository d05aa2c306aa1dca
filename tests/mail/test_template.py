"""Templates say what is missing, and a broken one is named while the others work."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot.errors import TemplateWrong
from bot.mail.template import Facts, Filled, load_templates, read_template

FACTS = Facts(
    recipient_name="Ana Lima",
    first_name="Ana",
    company="Acme",
    app="Diagram Studio",
    site="acme-eval.atlassian.net",
    trial_started="12 March 2026",
    trial_ends="11 April 2026",
    days_left="7",
    sender_name="Ben Miller",
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
        "trial-ending": "Trial ends soon",
    }
    assert loaded.problems == ()


def test_the_welcome_mail_reads_like_a_letter() -> None:
    assert load_templates().templates["welcome"].fill(FACTS) == Filled(
        subject="Your trial of Diagram Studio",
        body="""\
Hello Ana,

You started a trial of Diagram Studio on 12 March 2026 for acme-eval.atlassian.net. I work on Diagram Studio at \
Demo Vendor, and I would like to ask you one question: what should it do for you?

Two lines are enough. If I know what you need, I can tell you how to set it up, or tell you honestly that it does \
not fit.

And if anything is unclear or does not work, just reply. This mail comes from a person, and your answer reaches one.

Best regards,
Ben Miller""",
    )


def test_the_reminder_says_when_the_trial_ends_even_if_little_is_known() -> None:
    facts = replace(FACTS, first_name=None, site=" ", company=None)

    filled = load_templates().templates["trial-ending"].fill(facts)

    assert filled.subject == "Your trial of Diagram Studio ends on 11 April 2026"
    assert filled.body.startswith(
        "Hello there,\n\nYou started a trial of Diagram Studio on 12 March 2026, and it ends on 11 April 2026.\n\n"
    )
    assert filled.body.endswith("\n\nBest regards,\nBen Miller")


@pytest.mark.parametrize("missing", [None, "", " \n"])
def test_a_missing_fact_is_named_with_its_template(missing: str | None) -> None:
    with pytest.raises(TemplateWrong, match=r"Template welcome cannot be filled: 'trial_started' is undefined\."):
        load_templates().templates["welcome"].fill(replace(FACTS, trial_started=missing))


def test_a_subject_is_one_line_whatever_the_app_is_called(tmp_path: Path) -> None:
    template = read_template(write(tmp_path, "t.md", "---\nname: T\nsubject: On {{ app }}\n---\nHello"))

    assert template.fill(Facts(app="Dia\r\ngram\u2028  Studio\x00")).subject == "On Dia gram Studio"


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
        ("---\nname: A\n\nsender: C\n---\nHello", "bad.md, line 4: unknown key “sender”; the head knows name and "),
        ("---\nname: A\nname: B\n---\nHello", "bad.md, line 3: name is given twice; keep one."),
        ("---\nname\n---\nHello", "bad.md, line 2: expected “key: value”."),
        (f"---\nname: {'n' * 76}\nsubject: B\n---\nHello", "bad.md, line 2: the name is too long; Slack shows 75 "),
        ("---\nname: A\nsubject: B\n---\n\n", "bad.md, line 4: the body is empty; write the mail below the head."),
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
    write(tmp_path, "welcome.md", "---\r\nname: Hallo\r\nsubject: Ihr Test\r\n---\r\nGuten Tag\r\n")
    write(tmp_path, "demo.md", body("Shall I show you {{ app }}?"))
    write(tmp_path, "broken.md", "no head")

    loaded = load_templates(tmp_path)

    assert set(loaded.templates) == {"welcome", "trial-ending", "demo"}
    assert loaded.templates["welcome"].fill(Facts()) == Filled("Ihr Test", "Guten Tag")
    assert loaded.templates["demo"].fill(FACTS).body == "Shall I show you Diagram Studio?"
    assert [problem.split(",")[0] for problem in loaded.problems] == ["broken.md"]


def test_a_broken_replacement_does_not_bring_the_shipped_words_back(tmp_path: Path) -> None:
    write(tmp_path, "welcome.md", "no head")

    assert set(load_templates(tmp_path).templates) == {"trial-ending"}


def test_a_folder_that_is_not_there_is_a_problem_of_its_own(tmp_path: Path) -> None:
    loaded = load_templates(tmp_path / "nowhere")

    assert len(loaded.templates) == 2
    assert "MAIL_TEMPLATES" in loaded.problems[0]
