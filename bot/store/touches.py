"""Whether somebody dealt with an evaluation: wrote to the contact, took a note, or spoke to them elsewhere.

Owning an evaluation is not enough.
"""

from typing import Final

from sqlalchemy import exists, func, or_, select

from bot.domain.mail import MailState
from bot.store.schema import evaluation, mail, note

_COUNTS: Final = tuple(state for state in MailState if state.blocks_resend)

IS_TOUCHED: Final = or_(
    evaluation.c.done_at.is_not(None),
    exists().where(mail.c.evaluation_id == evaluation.c.id, mail.c.state.in_(_COUNTS)),
    exists().where(note.c.evaluation_id == evaluation.c.id, note.c.deleted_at.is_(None)),
)
"""The condition on `evaluation`."""
TOUCHED_AT: Final = (
    select(func.max(mail.c.at))
    .where(mail.c.evaluation_id == evaluation.c.id, mail.c.state.in_(_COUNTS))
    .correlate(evaluation)
    .scalar_subquery()
    .label("mailed_at"),
    select(func.max(note.c.at))
    .where(note.c.evaluation_id == evaluation.c.id, note.c.deleted_at.is_(None))
    .correlate(evaluation)
    .scalar_subquery()
    .label("noted_at"),
)
"""Columns with the times of the latest email and note. The third is `evaluation.done_at`."""
