"""The footer of an email, below the words of its author."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil
from types import MappingProxyType

from bot.mail.sanitize import one_line
from bot.mail.templating.language import long_day

FALLBACK = "en"
"""The language for readers whose language we have no texts in."""

_FEW_DAYS = 60
_DAYS_A_MONTH = 365.25 / 12


@dataclass(frozen=True, slots=True, kw_only=True)
class FooterTexts:
    """The texts below one email, all in one language."""

    language: str
    """As in HTML and HTTP: `en`, `de`."""
    why: str
    """Why the person gets this email, and where the address came from."""
    heading: str | None
    """The heading above the opt-out in the first email, where the law wants the right to stand out."""
    by_link: str
    """How to opt out, with a link."""
    by_reply: str
    """How to opt out, without one."""
    about: str | None
    """Who emails, what is kept for how long, and what the person may ask for; in the first email."""
    unsubscribe: str
    """The text of the link."""
    privacy_policy: str
    """The text before the address of the privacy policy, with a space at its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Language:
    """One language. `{app}` is used where it needs no article, elision or case."""

    why: str
    why_unknown: str
    heading: str
    right: str
    question: str
    by_link: str
    by_reply: str
    maker: str
    maker_unknown: str
    kept: str
    kept_for: str
    for_months: str
    for_days: str
    rights: str
    unsubscribe: str
    privacy_policy: str


_LANGUAGES: Mapping[str, _Language] = MappingProxyType(
    {
        "en": _Language(
            why=(
                "You're receiving this email because a trial of {app} was started on {began}, with you as a contact. "
                "Atlassian, which runs the Marketplace, gave us your address."
            ),
            why_unknown=(
                "You're receiving this email because a trial of one of our apps was started on the Atlassian "
                "Marketplace, with you as a contact. Atlassian gave us your address."
            ),
            heading="Your right to object",
            right=(
                "You can object at any time, without giving a reason, to us emailing you and using your address for it."
            ),
            question="Would you rather not hear from us?",
            by_link="Use the “Unsubscribe” link below or reply “unsubscribe”, and we won't email you again.",
            by_reply="Reply “unsubscribe”, and we won't email you again.",
            maker="We make {app}; our name and postal address are below.",
            maker_unknown="We make the app; our name and postal address are below.",
            kept=(
                "Atlassian gave us your contact details and the details of the trial. We use them to help you with the "
                "trial."
            ),
            kept_for="We keep them for no longer than {period} after the last activity.",
            for_months="{n} months",
            for_days="{n} days",
            rights=(
                "Reply to this email if you'd like to know what data we hold about you, or to have it corrected or "
                "deleted. You can also complain to a data protection authority."
            ),
            unsubscribe="Unsubscribe",
            privacy_policy="Privacy policy: ",
        ),
        "de": _Language(
            why=(
                "Sie erhalten diese E-Mail, weil am {began} eine Testversion von {app} gestartet wurde und Sie dabei "
                "als Kontakt angegeben sind. Ihre Adresse haben wir von Atlassian, dem Betreiber des Marketplace."
            ),
            why_unknown=(
                "Sie erhalten diese E-Mail, weil über den Atlassian Marketplace eine Testversion einer unserer Apps "
                "gestartet wurde und Sie dabei als Kontakt angegeben sind. Ihre Adresse haben wir von Atlassian."
            ),
            heading="Ihr Widerspruchsrecht",
            right=(
                "Sie können jederzeit und ohne Angabe von Gründen widersprechen, dass wir Ihnen schreiben und Ihre "
                "Adresse dafür verwenden."
            ),
            question="Sie möchten nichts mehr von uns hören?",
            by_link=(
                "Klicken Sie unten auf „Abmelden“ oder antworten Sie mit „abmelden“, dann schreiben wir Ihnen nicht "
                "mehr."
            ),
            by_reply="Antworten Sie mit „abmelden“, dann schreiben wir Ihnen nicht mehr.",
            maker="Wir sind der Anbieter von {app}; Name und Anschrift finden Sie unten.",
            maker_unknown="Wir sind der Anbieter der App; Name und Anschrift finden Sie unten.",
            kept=(
                "Von Atlassian haben wir Ihre Kontaktdaten und die Angaben zur Testversion. Wir verwenden sie, um Sie "
                "beim Testen zu unterstützen."
            ),
            kept_for="Wir speichern sie nach der letzten Aktivität höchstens {period} lang.",
            for_months="{n} Monate",
            for_days="{n} Tage",
            rights=(
                "Möchten Sie wissen, welche Daten wir über Sie gespeichert haben, oder sie berichtigen oder löschen "
                "lassen? Dann antworten Sie auf diese E-Mail. Sie können sich auch bei einer "
                "Datenschutzaufsichtsbehörde beschweren."
            ),
            unsubscribe="Abmelden",
            privacy_policy="Datenschutzerklärung: ",
        ),
        "fr": _Language(
            why=(
                "Vous recevez cet e-mail parce qu’un essai de l’application {app} a été lancé le {began} et que vous y "
                "figurez comme contact. Atlassian, qui exploite le Marketplace, nous a transmis votre adresse."
            ),
            why_unknown=(
                "Vous recevez cet e-mail parce qu’un essai de l’une de nos applications a été lancé sur l’Atlassian "
                "Marketplace et que vous y figurez comme contact. Atlassian nous a transmis votre adresse."
            ),
            heading="Votre droit d’opposition",
            right=(
                "Vous pouvez vous opposer à tout moment, sans donner de motif, à ce que nous vous écrivions et "
                "utilisions votre adresse à cette fin."
            ),
            question="Vous préférez ne plus recevoir de messages de notre part\u202f?",
            by_link=(
                "Utilisez le lien «\u00a0Se désabonner\u00a0» ci-dessous ou répondez «\u00a0STOP\u00a0», et nous ne "
                "vous écrirons plus."
            ),
            by_reply="Répondez «\u00a0STOP\u00a0», et nous ne vous écrirons plus.",
            maker="Nous sommes l’éditeur de l’application {app}\u202f; notre nom et notre adresse figurent ci-dessous.",
            maker_unknown=(
                "Nous sommes l’éditeur de l’application\u202f; notre nom et notre adresse figurent ci-dessous."
            ),
            kept=(
                "Atlassian nous a communiqué vos coordonnées et les informations relatives à l’essai. Nous les "
                "utilisons pour vous aider pendant l’essai."
            ),
            kept_for="Nous les conservons au maximum {period} après la dernière activité.",
            for_months="{n} mois",
            for_days="{n} jours",
            rights=(
                "Pour savoir quelles données nous conservons à votre sujet, ou pour les faire rectifier ou effacer, "
                "répondez à cet e-mail. Vous pouvez aussi adresser une réclamation à une autorité de protection des "
                "données."
            ),
            unsubscribe="Se désabonner",
            privacy_policy="Politique de confidentialité\u00a0: ",
        ),
        "es": _Language(
            why=(
                "Recibe este correo porque el {began} se inició una prueba de {app} en la que usted figura como "
                "contacto. Atlassian, que gestiona el Marketplace, nos ha facilitado su dirección."
            ),
            why_unknown=(
                "Recibe este correo porque se inició una prueba de una de nuestras aplicaciones en el Atlassian "
                "Marketplace en la que usted figura como contacto. Atlassian nos ha facilitado su dirección."
            ),
            heading="Su derecho de oposición",
            right=(
                "Puede oponerse en cualquier momento, sin indicar el motivo, a que le escribamos y a que usemos su "
                "dirección para ello."
            ),
            question="¿Prefiere no recibir más correos nuestros?",
            by_link=(
                "Use el enlace «Darse de baja» que aparece más abajo o responda «BAJA», y no volveremos a escribirle."
            ),
            by_reply="Responda «BAJA», y no volveremos a escribirle.",
            maker="Somos el proveedor de {app}; nuestro nombre y nuestra dirección figuran más abajo.",
            maker_unknown="Somos el proveedor de la aplicación; nuestro nombre y nuestra dirección figuran más abajo.",
            kept=(
                "Atlassian nos ha facilitado sus datos de contacto y los datos de la prueba. Los usamos para ayudarle "
                "durante la prueba."
            ),
            kept_for="Los conservamos como máximo {period} después de la última actividad.",
            for_months="{n} meses",
            for_days="{n} días",
            rights=(
                "Si quiere saber qué datos suyos conservamos, o que los corrijamos o los eliminemos, responda a este "
                "correo. También puede presentar una reclamación ante una autoridad de protección de datos."
            ),
            unsubscribe="Darse de baja",
            privacy_policy="Política de privacidad: ",
        ),
    }
)

LANGUAGES = frozenset(_LANGUAGES)
"""The languages we have texts in."""


def footer_texts(
    language: str, *, app: str | None, began: date | None, first: bool = True, kept: timedelta | None = None
) -> FooterTexts:
    """Return the texts below an email about the trial of this app that began on that day (None if unknown).

    In the `first` email to a person, the right to object gets a heading of its own (GDPR 21(4)), and the person learns
    who we are, what is kept and for how long, and what to ask for (GDPR 14).
    """
    code, said = _said(language)
    app = one_line(app or "")
    opening = said.right if first else said.question
    return FooterTexts(
        language=code,
        why=said.why.format(app=app, began=long_day(began, code)) if app and began else said.why_unknown,
        heading=said.heading if first else None,
        by_link=f"{opening} {said.by_link}",
        by_reply=f"{opening} {said.by_reply}",
        about=_about(said, app if began else "", kept) if first else None,
        unsubscribe=said.unsubscribe,
        privacy_policy=said.privacy_policy,
    )


def _said(language: str) -> tuple[str, _Language]:
    """Return the texts for a language tag such as `de`, `de-AT` or `DE`."""
    code = language.strip().partition("-")[0].lower()
    code = code if code in _LANGUAGES else FALLBACK
    return code, _LANGUAGES[code]


def _about(said: _Language, app: str, kept: timedelta | None) -> str:
    sentences = [said.maker.format(app=app) if app else said.maker_unknown, said.kept]
    if kept is not None:
        few = kept.days < _FEW_DAYS
        n = kept.days if few else ceil(kept.days / _DAYS_A_MONTH)  # no less than we keep them in truth
        sentences.append(said.kept_for.format(period=(said.for_days if few else said.for_months).format(n=n)))
    return " ".join([*sentences, said.rights])
