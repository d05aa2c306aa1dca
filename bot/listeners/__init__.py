"""What people can press or type. `register` is the whole list; a listener reads, calls one service, answers."""

import re

from slack_bolt.async_app import AsyncApp

from bot.domain.card import Action
from bot.listeners.card_actions import CardListeners
from bot.listeners.commands import CommandListeners
from bot.listeners.mail_actions import MailListeners
from bot.listeners.middleware import ListenerMiddleware
from bot.listeners.services import ListenerServices
from bot.listeners.view_submissions import FormListeners
from bot.slack import ids
from bot.slack.ids import Field, Settle, View


def register(app: AsyncApp, guard: ListenerMiddleware, deps: ListenerServices) -> None:
    """Connect every listener, each inside the guard."""
    cards, forms = CardListeners(deps), FormListeners(deps)
    commands, mails = CommandListeners(deps), MailListeners(deps)
    pressed = guard(cards.pressed)
    for action in (*Action, ids.MORE):
        app.action(action)(pressed)
    app.action(ids.UNKNOWN)(guard(commands.unknown))
    app.action(re.compile(rf"^{re.escape(ids.PAGE)}\.\d+$"))(guard(commands.turned))
    app.action(re.compile(rf"^{re.escape(ids.POST_AGAIN)}\.\d+$"))(guard(commands.asked_for_card))
    app.action(Settle.ARRIVED)(guard(mails.arrived))
    app.action(Settle.AGAIN)(guard(mails.again))
    app.action(Settle.UNDO)(guard(mails.undone))
    for field in (Field.TEMPLATE, Field.RECIPIENT):
        app.action(field)(guard(mails.choosing))
    # Cards keep their buttons for ever; whatever we retire must still answer. Bolt takes the first that matches.
    app.action(re.compile(".*"))(pressed)

    app.view(View.EMAIL)(guard(mails.previewed))
    app.view(View.PREVIEW)(guard(mails.sent))
    app.view(View.DO_NOT_CONTACT)(guard(forms.do_not_contact))
    app.view(View.CONTACT_AGAIN)(guard(forms.contact_again))
    app.view(View.ASSIGN)(guard(forms.assign, check=forms.check_owner))
    app.view(re.compile(".*"))(guard(forms.unknown))

    # Under whatever name the command was set up in this workspace.
    app.command(re.compile(".*"))(guard(commands.typed))
