"""The texts of the unsubscribe pages, by language."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_RANGE: Final = re.compile(r"([a-z]{1,8})(?:-[a-z0-9-]*)?(?:\s*;\s*q=(\d(?:\.\d{0,3})?))?", re.IGNORECASE | re.ASCII)
_LONGEST: Final = 500
"""Characters of an Accept-Language header; browsers send less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTexts:
    """The texts of one language: `$address` is the reader's address, `$sender` is us.

    Each `…_title` is a page's heading, each `…_text` what follows it.
    """

    ask_title: str
    ask_text: str
    ask_note: str
    unsubscribe: str
    done_title: str
    done_text: str
    undo_note: str
    undo: str
    again_title: str
    again_text: str
    again_note: str
    missing_title: str
    missing_text: str
    busy_title: str
    busy_text: str
    failed_title: str
    failed_text: str


PAGE_TEXTS: Final[Mapping[str, PageTexts]] = {
    "en": PageTexts(
        ask_title="No more mail from $sender?",
        ask_text="We will stop writing to $address.",
        ask_note="Nothing changes until you press the button.",
        unsubscribe="Unsubscribe",
        done_title="You are unsubscribed.",
        done_text="We will not write to $address any more.",
        undo_note="You did not mean to?",
        undo="That was a mistake",
        again_title="You are no longer unsubscribed.",
        again_text="We may write to $address again.",
        again_note="You can change your mind at any time, here or with the link in any of our mails.",
        missing_title="This link does not work.",
        missing_text=(
            "Perhaps it was cut off on its way. Please open it from the mail once more. "
            "Or answer the mail with “no more mail”, and we will not write again."
        ),
        busy_title="One moment, please.",
        busy_text="There is a rush here right now. Please try again in a minute; nothing has been changed yet.",
        failed_title="That did not work.",
        failed_text=(
            "We could not write it down just now. Please try again in a minute. "
            "Or answer the mail with “no more mail”, and we will not write again."
        ),
    ),
    "de": PageTexts(
        ask_title="Keine E-Mails mehr von $sender?",
        ask_text="Wir schreiben dann nicht mehr an $address.",
        ask_note="Bis Sie auf den Knopf drücken, ändert sich nichts.",
        unsubscribe="Abmelden",
        done_title="Sie sind abgemeldet.",
        done_text="Wir schreiben nicht mehr an $address.",
        undo_note="Das wollten Sie nicht?",
        undo="Das war ein Versehen",
        again_title="Ihre Abmeldung ist aufgehoben.",
        again_text="Wir dürfen wieder an $address schreiben.",
        again_note="Sie können es sich jederzeit anders überlegen, hier oder über den Link in jeder unserer E-Mails.",
        missing_title="Dieser Link funktioniert nicht.",
        missing_text=(
            "Vielleicht wurde er unterwegs abgeschnitten. Bitte öffnen Sie ihn noch einmal aus der E-Mail. "
            "Oder antworten Sie auf die E-Mail mit „no more mail“, dann schreiben wir nicht mehr."
        ),
        busy_title="Einen Moment, bitte.",
        busy_text=(
            "Hier ist gerade viel los. Bitte versuchen Sie es in einer Minute noch einmal; "
            "bisher hat sich nichts geändert."
        ),
        failed_title="Das hat nicht geklappt.",
        failed_text=(
            "Wir konnten es gerade nicht festhalten. Bitte versuchen Sie es in einer Minute noch einmal. "
            "Oder antworten Sie auf die E-Mail mit „no more mail“, dann schreiben wir nicht mehr."
        ),
    ),
    "fr": PageTexts(
        ask_title="Ne plus recevoir d’e\u2011mails de $sender\u00a0?",
        ask_text="Nous n’écrirons plus à $address.",
        ask_note="Rien ne change tant que vous n’avez pas appuyé sur le bouton.",
        unsubscribe="Se désabonner",
        done_title="Votre désabonnement est enregistré.",
        done_text="Nous n’écrirons plus à $address.",
        undo_note="Ce n’était pas voulu\u00a0?",
        undo="C’était une erreur",
        again_title="Votre désabonnement est annulé.",
        again_text="Nous pouvons de nouveau écrire à $address.",
        again_note=(
            "Vous pouvez changer d’avis à tout moment, ici ou par le lien qui figure dans chacun de nos e\u2011mails."
        ),
        missing_title="Ce lien ne fonctionne pas.",
        missing_text=(
            "Il a peut-être été coupé en route. Veuillez l’ouvrir encore une fois depuis l’e\u2011mail. "
            "Ou répondez à l’e\u2011mail par «\u00a0no more mail\u00a0», et nous n’écrirons plus."
        ),
        busy_title="Un instant, s’il vous plaît.",
        busy_text=(
            "Il y a beaucoup de monde en ce moment. Veuillez réessayer dans une minute\u00a0; "
            "rien n’a encore été modifié."
        ),
        failed_title="Cela n’a pas fonctionné.",
        failed_text=(
            "Nous n’avons pas pu l’enregistrer. Veuillez réessayer dans une minute. "
            "Ou répondez à l’e\u2011mail par «\u00a0no more mail\u00a0», et nous n’écrirons plus."
        ),
    ),
    "es": PageTexts(
        ask_title="¿No recibir más correos de $sender?",
        ask_text="Dejaremos de escribir a $address.",
        ask_note="Nada cambia hasta que pulse el botón.",
        unsubscribe="Darse de baja",
        done_title="Se ha dado de baja.",
        done_text="No volveremos a escribir a $address.",
        undo_note="¿No era su intención?",
        undo="Ha sido un error",
        again_title="Su baja ha quedado anulada.",
        again_text="Podemos volver a escribir a $address.",
        again_note="Puede cambiar de opinión cuando quiera, aquí o con el enlace de cualquiera de nuestros correos.",
        missing_title="Este enlace no funciona.",
        missing_text=(
            "Quizá se cortó por el camino. Ábralo otra vez desde el correo. "
            "O responda al correo con «no more mail», y no volveremos a escribir."
        ),
        busy_title="Un momento, por favor.",
        busy_text=(
            "Ahora mismo hay mucha actividad. Inténtelo de nuevo dentro de un minuto; todavía no se ha cambiado nada."
        ),
        failed_title="No ha funcionado.",
        failed_text=(
            "No hemos podido anotarlo. Inténtelo de nuevo dentro de un minuto. "
            "O responda al correo con «no more mail», y no volveremos a escribir."
        ),
    ),
}
_FALLBACK: Final = "en"


def language(accepted: str) -> str:
    """Return the best of our languages for an Accept-Language header, or English."""
    wishes = [_RANGE.fullmatch(each.strip()) for each in accepted[:_LONGEST].split(",")]
    known = [(float(wish[2] or 1), wish[1].lower()) for wish in wishes if wish and wish[1].lower() in PAGE_TEXTS]
    weight, best = max(known, key=lambda each: each[0], default=(0.0, _FALLBACK))
    return best if weight > 0 else _FALLBACK
