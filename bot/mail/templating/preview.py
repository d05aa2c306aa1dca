"""Show a template as it would be sent."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Final

from bot.domain.cautions import reachable
from bot.domain.evaluation import Contact, Evaluation, License, State, Trial
from bot.errors import TemplateWrong
from bot.mail.outbound.compose import Footer, Recipient, Sender, Thread, compose, new_message_id
from bot.mail.outbound.footer import footer_texts
from bot.mail.templating.template import SIGNATURE, LoadedTemplates, Template, read_template
from bot.mail.templating.variables import variables_for

SAMPLE_SENDER: Final = Sender(
    from_address="Ben Sample <ben@vendor.example>",
    postal_address="Sample Vendor, 1 Sample Street, Springfield",
)

SAMPLE_TITLE: Final = "Product Manager"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Both parts of an email, and its subject."""

    subject: str
    text: str
    html: str


def found(named: str, loaded: LoadedTemplates) -> Template | None:
    """Return the template with this id, or in the file at this path; None if there is neither.

    TemplateWrong if it is there and broken.
    """
    if named in loaded.templates:
        return loaded.templates[named]
    for problem in loaded.problems:
        if problem.startswith((f"{named}.md,", f"{named}.md ")):
            raise TemplateWrong(problem)
    path = Path(named)
    if path.name.partition(".")[0] == SIGNATURE:
        raise TemplateWrong("A signature is shown below a template that ends with it: render one of those.")
    return loaded.signed(read_template(path)) if path.is_file() else None


def preview(
    template: Template,
    evaluation: Evaluation,
    *,
    sender: Sender,
    sender_title: str | None = None,
    vendor: str | None = None,
    today: date,
) -> Preview:
    """Return the email to the contact of this evaluation. TemplateWrong if a fact is missing."""
    contact = reachable(evaluation.license)
    variables = variables_for(
        evaluation,
        contact,
        sender_name=sender.address.display_name or sender.address.username,
        sender_title=sender_title,
        vendor=vendor,
        today=today,
    )
    rendered = template.fill(variables)
    mail = compose(
        sender=sender,
        recipient=Recipient(address="you@customer.example"),  # is not shown, and must not fail
        subject=rendered.subject,
        body=rendered.body,
        footer=Footer(
            texts=footer_texts(template.language, app=evaluation.license.app_name, began=evaluation.trial.started)
        ),
        thread=Thread(
            message_id=new_message_id("preview", sender.address.domain),
            date=datetime.combine(today, time(), tzinfo=UTC),
        ),
    )
    return Preview(subject=mail["Subject"], text=_part(mail, "plain"), html=_part(mail, "html"))


def sample(today: date) -> Evaluation:
    """Return an invented evaluation with every fact known; it ends in a week."""
    contact = Contact(email="ana@customer.example", name="Ana Sample")
    started, ends = today - timedelta(days=23), today + timedelta(days=7)
    license_ = License(
        app_key="com.example.sample",
        app_name="Sample App for Jira",
        aliases=frozenset({"E-000-000-000-000"}),
        hosting="Cloud",
        license_type="EVALUATION",
        status="active",
        starts=started,
        updated=today,
        ends=ends,
        site="sample-customer.atlassian.net",
        company="Sample Customer",
        technical=contact,
    )
    trial = Trial(started=started, ends=ends, state=State.RUNNING, reported_on=today)
    return Evaluation(id=0, license=license_, trial=trial, first_seen=datetime.combine(started, time(), tzinfo=UTC))


def _part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    return "" if part is None else str(part.get_content()).replace("\r\n", "\n")
