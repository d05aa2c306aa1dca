"""Replies as the mail programs of the world write them, in nine languages."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

from tests.builders import NOON

OURS: Final = "Hello,\n\nwhat do you hope Roadmap will do for you?\n\nAna\n\n--\nYou're receiving this email because …"
WORDS: Final = {
    "en": "Thanks, we would like to see it with 60 users.\nCould you call us?",
    "de": "Danke, wir möchten es mit 60 Leuten ansehen.\nKönnen Sie uns anrufen?",
    "fr": "Merci, nous aimerions l’essayer à 60.\nPouvez-vous nous appeler ?",
    "es": "Gracias, queremos probarlo con 60 personas.\n¿Nos puede llamar?",
    "it": "Grazie, vorremmo provarlo in 60.\nCi può chiamare?",
    "nl": "Dank, we willen het met 60 mensen proberen.\nKunt u ons bellen?",
    "pl": "Dziękuję, chcemy wypróbować w 60 osób.\nProszę o telefon.",
    "sv": "Tack, vi vill prova det med 60 personer.\nKan ni ringa oss?",
    "ja": "ありがとうございます。60人で試したいです。\nお電話いただけますか。",
}
GMAIL: Final = {
    "en": "On Mon, 23 Nov 2026 at 12:00, Ana Sample <ana@vendor.example> wrote:",
    "de": "Am Mo., 23. Nov. 2026 um 12:00 Uhr schrieb Ana Sample <ana@vendor.example>:",
    "fr": "Le lun. 23 nov. 2026 à 12:00, Ana Sample <ana@vendor.example> a écrit :",
    "es": "El lun, 23 nov 2026 a las 12:00, Ana Sample (<ana@vendor.example>) escribió:",
    "it": "Il giorno lun 23 nov 2026 alle ore 12:00 Ana Sample <ana@vendor.example> ha scritto:",
    "nl": "Op ma 23 nov 2026 om 12:00 schreef Ana Sample <ana@vendor.example>:",
    "pl": "pon., 23 lis 2026 o 12:00 Ana Sample <ana@vendor.example> napisał(a):",
    "sv": "Den mån 23 nov. 2026 kl 12:00 skrev Ana Sample <ana@vendor.example>:",
    "ja": "2026年11月23日(月) 12:00 Ana Sample <ana@vendor.example>:",
}
OUTLOOK: Final = {
    "en": "From: Ana Sample <ana@vendor.example>\nSent: Monday, November 23, 2026 12:00\nTo: Cy\nSubject: Welcome",
    "de": "Von: Ana Sample <ana@vendor.example>\nGesendet: Montag, 23. November 2026 12:00\nAn: Cy\nBetreff: Welcome",
    "fr": "De : Ana Sample <ana@vendor.example>\nEnvoyé : lundi 23 novembre 2026 12:00\nÀ : Cy\nObjet : Welcome",
    "es": "De: Ana Sample <ana@vendor.example>\nEnviado: lunes, 23 de noviembre de 2026\nPara: Cy\nAsunto: Welcome",
    "it": "Da: Ana Sample <ana@vendor.example>\nInviato: lunedì 23 novembre 2026 12:00\nA: Cy\nOggetto: Welcome",
    "nl": "Van: Ana Sample <ana@vendor.example>\nVerzonden: maandag 23 november 2026\nAan: Cy\nOnderwerp: Welcome",
    "pl": "Od: Ana Sample <ana@vendor.example>\nWysłano: poniedziałek, 23 listopada 2026\nDo: Cy\nTemat: Welcome",
    "sv": "Från: Ana Sample <ana@vendor.example>\nSkickat: den 23 november 2026 12:00\nTill: Cy\nÄmne: Welcome",
    "ja": "差出人: Ana Sample <ana@vendor.example>\n送信日時: 2026年11月23日\n宛先: Cy\n件名: Welcome",
}
PREFIX: Final = {"de": "AW", "sv": "SV", "pl": "Odp", "nl": "Antw", "it": "R", "fr": "RE"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A reply to an email of ours, before it is written."""

    language: str
    message_id: str
    """Of our email."""
    reply_to: str
    number: int = 1
    sender: str = "Cy Cedar <cy@acme.example>"
    subject: str = "Welcome to Roadmap"
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """What somebody wrote."""
        return WORDS[self.language]

    def mail(self, body: str, *, html: str | None = None, **headers: str) -> bytes:
        """The reply with this body, and with `References` and `In-Reply-To` unless they are given."""
        found = EmailMessage()
        found["From"], found["To"] = self.sender, self.reply_to
        found["Subject"] = f"{PREFIX.get(self.language, 'Re')}: {self.subject}"
        found["Date"] = format_datetime(NOON)
        found["Message-ID"] = f"<reply-{self.number}@acme.example>"
        for name, value in {"In-Reply-To": self.message_id, "References": self.message_id, **headers}.items():
            if value:
                found[name] = value
        if body:
            found.set_content(body)
        if html is not None and body:
            found.add_alternative(html, subtype="html")
        elif html is not None:
            found.set_content(html, subtype="html")
        return found.as_bytes()

    @property
    def quoted(self) -> str:
        """Our email as a quote."""
        return "\n".join(f"> {line}" for line in OURS.splitlines())


def _html(shape: Shape, quote: str) -> str:
    said = "".join(f"<div>{line}</div>" for line in shape.words.splitlines())
    return f"<html><head><style>p {{color: red}}</style></head><body>{said}{quote}</body></html>"


CLIENTS: Final[dict[str, Callable[[Shape], bytes]]] = {
    "gmail": lambda s: s.mail(
        f"{s.words}\n\n{GMAIL[s.language]}\n\n{s.quoted}\n",
        html=_html(s, f"<div>{GMAIL[s.language]}</div><blockquote>{OURS}</blockquote>"),
    ),
    "gmail, id lost": lambda s: s.mail(
        f"{s.words}\n\n{GMAIL[s.language]}\n\n{s.quoted}\n", **{"In-Reply-To": "", "References": ""}
    ),
    "outlook": lambda s: s.mail(f"{s.words}\n\n{OUTLOOK[s.language]}\n\n{OURS}\n"),
    "outlook, tag lost": lambda s: replace(s, reply_to="replies@vendor.example").mail(
        f"{s.words}\n\n________________________________\n{OUTLOOK[s.language]}\n\n{OURS}\n"
    ),
    "exchange, id wrapped": lambda s: s.mail(
        f"{s.words}\n\n-----Original Message-----\n{OUTLOOK[s.language]}\n\n{OURS}\n",
        **{"References": f"<first@acme.example> {s.message_id}", "In-Reply-To": f" {s.message_id} (their server)"},
    ),
    "apple mail": lambda s: s.mail(f"{s.words}\n\n{GMAIL[s.language]}\n\n{s.quoted}\n"),
    "phone": lambda s: s.mail(f"{s.words}\n\nSent from my iPhone\n\n{GMAIL[s.language]}\n\n{s.quoted}\n"),
    "thunderbird": lambda s: s.mail(f"{s.words}\n\n{GMAIL[s.language]}\n{s.quoted}\n"),
    "html only": lambda s: s.mail("", html=_html(s, f"<blockquote>{OURS}</blockquote>")),
    "upper case tag": lambda s: replace(s, reply_to=s.reply_to.upper()).mail(s.words, **{"In-Reply-To": ""}),
    "delivered-to": lambda s: replace(s, reply_to="team@vendor.example").mail(
        s.words, **{"Delivered-To": s.reply_to, "In-Reply-To": "", "References": ""}
    ),
    "subject changed": lambda s: replace(s, subject="A question about prices").mail(f"{s.words}\n\n{s.quoted}\n"),
}


def shapes(message_id: str, reply_to: str) -> Iterator[tuple[str, Shape, bytes]]:
    """Every client in every language: its name, the shape, and the reply."""
    for number, (client, language) in enumerate((c, la) for c in CLIENTS for la in WORDS):
        shape = Shape(language=language, message_id=message_id, reply_to=reply_to, number=number)
        yield f"{client} in {language}", shape, CLIENTS[client](shape)
