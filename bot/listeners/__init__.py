"""What people can press or type. `register` lists it all; a listener reads, calls one service, answers."""

import re

from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.domain.card import Action
from bot.listeners.answers import AnswerListeners
from bot.listeners.away import AwayListeners, is_deactivation
from bot.listeners.card_actions import CardListeners
from bot.listeners.commands import CommandListeners
from bot.listeners.dnc_commands import DncListeners
from bot.listeners.feedback import FeedbackListeners
from bot.listeners.find import FindListeners
from bot.listeners.follow_up import FollowUpListeners
from bot.listeners.home import HomeListeners
from bot.listeners.mail_actions import MailListeners
from bot.listeners.middleware import ListenerMiddleware
from bot.listeners.reactions import ReactionListeners
from bot.listeners.services import ListenerServices
from bot.listeners.settings import SettingsListeners
from bot.listeners.view_submissions import FormListeners
from bot.slack import ids
from bot.slack.ids import AwayButton, FeedbackButton, Field, HomeButton, NoteButton, ReplyButton, Settle, Shortcut, View


def register(app: AsyncApp, middleware: ListenerMiddleware, services: ListenerServices) -> None:
    """Connect every listener, each inside the middleware."""
    follow_up = FollowUpListeners(services)
    dnc, mails = DncListeners(services), MailListeners(services)
    feedback = FeedbackListeners(services, mails)
    answers = AnswerListeners(services, mails, feedback)
    cards, forms = CardListeners(services, follow_up, answers), FormListeners(services)
    away = AwayListeners(services)
    commands = CommandListeners(services, dnc, away)
    pressed = middleware(cards.pressed)
    for action in (*Action, ids.MORE):
        app.action(action)(pressed)
    app.action(ids.UNKNOWN)(middleware(commands.unknown))
    app.action(re.compile(rf"^{re.escape(ids.PAGE)}\.\d+$"))(middleware(commands.turned))
    app.action(re.compile(rf"^{re.escape(ids.POST_AGAIN)}\.\d+$"))(middleware(commands.asked_for_card))
    app.action(re.compile(rf"^{re.escape(ids.DNC_PAGE)}\.\d+$"))(middleware(dnc.turned))
    for form in (View.DNC_ADD, View.DNC_LIFT):
        app.action(form)(middleware(dnc.opened))
    _register_emails(app, middleware, mails)
    _register_follow_up(app, middleware, follow_up)
    _register_feedback(app, middleware, feedback, mails)
    _register_home(app, middleware, services)
    _register_leaving(app, middleware, away, forms)
    _register_answers(app, middleware, answers, mails)
    # Cards keep their buttons forever, so retired ones must still answer. Bolt takes the first match.
    app.action(re.compile(".*"))(pressed)

    app.view(View.DO_NOT_CONTACT)(middleware(forms.do_not_contact))
    app.view(View.CONTACT_AGAIN)(middleware(forms.contact_again))
    app.view(View.DNC_ADD)(middleware(dnc.added))
    app.view(View.DNC_LIFT)(middleware(dnc.lifted))
    app.view(View.ASSIGN)(middleware(forms.assign, check=forms.check_owner))
    app.view(re.compile(".*"))(middleware(forms.unknown))

    # Match any name, because each workspace may give the command its own.
    app.command(re.compile(".*"))(middleware(commands.typed))


def _register_answers(
    app: AsyncApp, middleware: ListenerMiddleware, answers: AnswerListeners, mails: MailListeners
) -> None:
    """Connect the buttons under a reply, and the form for an answer."""
    app.action(ReplyButton.ANSWER)(middleware(answers.asked))
    app.action(ReplyButton.SHOW)(middleware(answers.show))
    app.action(ReplyButton.SNOOZE)(middleware(answers.snooze))
    app.view(View.ANSWER)(middleware(mails.previewed, check=answers.preview))


def _register_emails(app: AsyncApp, middleware: ListenerMiddleware, mails: MailListeners) -> None:
    """Connect the email form with its menus and its preview, and the buttons about an email."""
    for field in (Field.TEMPLATE, Field.RECIPIENT):
        app.action(field)(middleware(mails.choosing))
    app.action(Settle.ARRIVED)(middleware(mails.arrived))
    app.action(Settle.AGAIN)(middleware(mails.again))
    app.action(Settle.UNDO)(middleware(mails.undone))
    app.view(View.EMAIL)(middleware(mails.previewed, check=mails.preview))
    app.view(View.PREVIEW)(middleware(mails.sent))


def _register_follow_up(app: AsyncApp, middleware: ListenerMiddleware, follow_up: FollowUpListeners) -> None:
    """Connect the forms for notes, snoozes and *Not for us…*, and the buttons under a note or a reason for leaving."""
    app.action(NoteButton.EDIT)(middleware(follow_up.edit))
    app.action(NoteButton.DELETE)(middleware(follow_up.deleted))
    app.action(ids.SHOW_WORDS)(middleware(follow_up.show_words))
    app.action(Field.SNOOZE)(middleware(follow_up.choosing))
    app.view(View.NOTE)(middleware(follow_up.noted))
    app.view(View.NOTE_EDIT)(middleware(follow_up.edited))
    app.view(View.SNOOZE)(middleware(follow_up.snoozed, check=follow_up.check_snooze))
    app.view(View.NOT_FOR_US)(middleware(follow_up.decided_not_for_us))


def _register_feedback(
    app: AsyncApp, middleware: ListenerMiddleware, feedback: FeedbackListeners, mails: MailListeners
) -> None:
    """Connect the buttons under feedback, and both forms for an answer."""
    app.action(FeedbackButton.ANSWER)(middleware(feedback.answer))
    app.action(FeedbackButton.ANSWER_IN_APP)(middleware(feedback.answer_in_app))
    app.action(FeedbackButton.SHOW)(middleware(feedback.show))
    app.view(View.FEEDBACK_ANSWER)(middleware(feedback.answered_in_app))
    app.view(View.FEEDBACK_EMAIL)(middleware(mails.previewed, check=feedback.preview))


def _register_leaving(app: AsyncApp, middleware: ListenerMiddleware, away: AwayListeners, forms: FormListeners) -> None:
    """Connect what hands evaluations over, and the event of an account that was deactivated."""
    app.action(AwayButton.HAND_OVER)(middleware(away.hand_over))
    app.action(AwayButton.KEEP)(middleware(away.keep))
    app.view(View.HAND_OVER)(middleware(away.handed_over, check=forms.check_owner))
    deactivated = middleware(away.deactivated)

    async def changed(args: AsyncArgs) -> None:  # Bolt has acknowledged the event by then
        if is_deactivation(args.body["event"]):
            await deactivated(args)

    app.event("user_change")(changed)


def _register_home(app: AsyncApp, middleware: ListenerMiddleware, services: ListenerServices) -> None:
    """Connect the Home tab with its buttons, the shortcuts, questions to the bot, and reactions."""
    home, find = HomeListeners(services), FindListeners(services)
    app.event("app_home_opened")(middleware(home.opened))
    app.event("app_mention")(middleware(find.mentioned))
    app.event("reaction_added")(middleware(ReactionListeners(services).added))
    app.action(re.compile(rf"^{re.escape(HomeButton.CLAIM)}\.\d+$"))(middleware(home.claimed))
    app.action(HomeButton.FIND)(middleware(find.asked))
    app.action(HomeButton.REPORT)(middleware(home.asked_for_report))
    settings = SettingsListeners(services)
    app.action(HomeButton.SETTINGS)(middleware(settings.asked))
    app.view(View.SETTINGS)(middleware(settings.saved, check=settings.check))
    app.action(HomeButton.AWAY)(middleware(home.going_away))
    app.action(HomeButton.BACK)(middleware(home.came_back))
    app.action(HomeButton.DIGEST)(middleware(home.switched_digest))
    app.view(View.REPORT)(middleware(home.report_chosen))
    app.view(View.AWAY)(middleware(home.went_away, check=home.check_day))
    app.view(View.FIND)(middleware(find.submitted, check=find.check))
    app.shortcut(Shortcut.FIND)(middleware(find.asked))
    app.shortcut(Shortcut.WHO)(middleware(find.who))
