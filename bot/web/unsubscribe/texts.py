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
        ask_title="Unsubscribe from $sender?",
        ask_text="We’ll stop emailing $address.",
        ask_note="Nothing changes until you press the button.",
        unsubscribe="Unsubscribe",
        done_title="You’re unsubscribed.",
        done_text="We won’t email $address again.",
        undo_note="Unsubscribed by mistake?",
        undo="Resubscribe",
        again_title="You’re subscribed again.",
        again_text="We may email $address again.",
        again_note="You can change your mind at any time, here or with the link in any of our emails.",
        missing_title="This link doesn’t work.",
        missing_text=(
            "The link may have been cut off. Please open it from the email again. "
            "Or reply to the email with “unsubscribe”, and we won’t email you again."
        ),
        busy_title="One moment, please.",
        busy_text="Things are busy right now. Please try again in a minute; nothing has changed yet.",
        failed_title="That didn’t work.",
        failed_text=(
            "We couldn’t save your choice just now. Please try again in a minute. "
            "Or reply to the email with “unsubscribe”, and we won’t email you again."
        ),
    ),
    "de": PageTexts(
        ask_title="E-Mails von $sender abbestellen?",
        ask_text="Wir schreiben dann nicht mehr an $address.",
        ask_note="Solange Sie nicht auf die Schaltfläche klicken, ändert sich nichts.",
        unsubscribe="Abmelden",
        done_title="Sie sind abgemeldet.",
        done_text="Wir schreiben nicht mehr an $address.",
        undo_note="Versehentlich abgemeldet?",
        undo="Wieder anmelden",
        again_title="Sie sind wieder angemeldet.",
        again_text="Wir dürfen wieder an $address schreiben.",
        again_note="Sie können es sich jederzeit anders überlegen, hier oder über den Link in jeder unserer E-Mails.",
        missing_title="Dieser Link funktioniert nicht.",
        missing_text=(
            "Vielleicht wurde der Link abgeschnitten. Bitte öffnen Sie ihn noch einmal aus der E-Mail. "
            "Oder antworten Sie auf die E-Mail mit „abmelden“, dann schreiben wir Ihnen nicht mehr."
        ),
        busy_title="Einen Moment, bitte.",
        busy_text=(
            "Hier ist gerade viel los. Bitte versuchen Sie es in einer Minute noch einmal; "
            "bisher hat sich nichts geändert."
        ),
        failed_title="Das hat nicht geklappt.",
        failed_text=(
            "Wir konnten Ihre Auswahl gerade nicht speichern. Bitte versuchen Sie es in einer Minute noch einmal. "
            "Oder antworten Sie auf die E-Mail mit „abmelden“, dann schreiben wir Ihnen nicht mehr."
        ),
    ),
    "fr": PageTexts(
        ask_title="Vous désabonner des e\u2011mails de $sender\u00a0?",
        ask_text="Nous n’écrirons plus à $address.",
        ask_note="Rien ne change tant que vous n’avez pas cliqué sur le bouton.",
        unsubscribe="Se désabonner",
        done_title="Vous êtes désabonné(e).",
        done_text="Nous n’écrirons plus à $address.",
        undo_note="Désabonnement par erreur\u00a0?",
        undo="Me réabonner",
        again_title="Votre désabonnement est annulé.",
        again_text="Nous pouvons de nouveau écrire à $address.",
        again_note=(
            "Vous pouvez changer d’avis à tout moment, ici ou par le lien qui figure dans chacun de nos e\u2011mails."
        ),
        missing_title="Ce lien ne fonctionne pas.",
        missing_text=(
            "Le lien a peut-être été coupé. Veuillez l’ouvrir à nouveau depuis l’e\u2011mail. "
            "Ou répondez «\u00a0STOP\u00a0» à l’e\u2011mail, et nous ne vous écrirons plus."
        ),
        busy_title="Un instant, s’il vous plaît.",
        busy_text=(
            "Le service est très sollicité. Veuillez réessayer dans une minute\u00a0; rien n’a encore été modifié."
        ),
        failed_title="Cela n’a pas fonctionné.",
        failed_text=(
            "Nous n’avons pas pu enregistrer votre choix. Veuillez réessayer dans une minute. "
            "Ou répondez «\u00a0STOP\u00a0» à l’e\u2011mail, et nous ne vous écrirons plus."
        ),
    ),
    "es": PageTexts(
        ask_title="¿Darse de baja de los correos de $sender?",
        ask_text="Dejaremos de escribir a $address.",
        ask_note="Nada cambia hasta que pulse el botón.",
        unsubscribe="Darse de baja",
        done_title="Se ha dado de baja.",
        done_text="No volveremos a escribir a $address.",
        undo_note="¿Se ha dado de baja por error?",
        undo="Volver a suscribirme",
        again_title="Su baja se ha anulado.",
        again_text="Podemos volver a escribir a $address.",
        again_note="Puede cambiar de opinión cuando quiera, aquí o con el enlace de cualquiera de nuestros correos.",
        missing_title="Este enlace no funciona.",
        missing_text=(
            "Es posible que el enlace se haya cortado. Vuelva a abrirlo desde el correo. "
            "O responda «BAJA» al correo, y no volveremos a escribirle."
        ),
        busy_title="Un momento, por favor.",
        busy_text=(
            "Ahora mismo hay mucha actividad. Inténtelo de nuevo dentro de un minuto; todavía no se ha cambiado nada."
        ),
        failed_title="No ha funcionado.",
        failed_text=(
            "No hemos podido guardar su elección. Inténtelo de nuevo dentro de un minuto. "
            "O responda «BAJA» al correo, y no volveremos a escribirle."
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
