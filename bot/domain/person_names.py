"""How to address the person behind a contact's name: by the given name where one is plain, else not by name.

The report has whatever somebody typed into a form: titles, desks, companies, user names, “null null”. A wrong name is
worse than none, so every rule here is one of doubt: what is not plainly a person's name is no name.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.domain.cautions import ROLES, company_key

_LONGEST_NAME: Final = 100
"""Characters; more is a sentence."""
_MOST_WORDS: Final = 6
_LONGEST_GIVEN: Final = 30

# Ahead of a name, compared without full stops. Not here: “Don” and “Pan”, which are names, too.
_TITLES: Final = frozenset(
    "bsc dhr dipl diplinf diplinform dipling diplkffr diplkfm dott dottssa dr dra dres drs frau herr herrn ing "
    "judr madame mademoiselle mevr miss mlle mme mmes monsieur mr mrs ms mudr mx paeddr phd phdr prof profa professor "
    "professora rndr señor señora señorita signora sir sr sra srta univprof".split()
)
# Only with a full stop: without one, they are names, desks or initials. Phil Ash is no “Dr. phil.”, HR no “Hr.”.
_SHORT_TITLES: Final = frozenset(
    "arch avv bc capt dir eng er fr habil hc hon hr ir jur lic m mag med mgr nat oec phil pol rer rev sig techn".split()
)
# Behind a name.
_SUFFIXES: Final = frozenset(
    "ba bba beng bsc cfa cissp cpa cscp csm dba dds dipling dphil ed edd eng esq esquire ii iii iv jd jnr jr junior "
    "llb llm ma mba md meng mph msc msci mscw pe phd pmp psm rn snr sr".split()
)
# Family names begin with them, in more languages than one: what comes first is then no given name.
_PARTICLES: Final = frozenset(
    "a abu al am bin bint d da dal dall das de degli dei del della den der des di do dos du e el ibn la las le les lo "
    "los mac mc o op san santa st ten ter und van vom von y z zu zum zur".split()
)
# A form was filled in because it had to be.
_PLACEHOLDERS: Final = frozenset(
    "abc anon anonymous asdf asdfgh customer deleted fake firstname forename givenname lastname me myself na nachname "
    "name nan nil no nobody nom nombre none not null placeholder prenom prénom qwerty removed rtbf somebody someone "
    "surname tba tbc tbd testuser unbekannt undefined unknown user username vorname xyz".split()
)
# The same where they come first; as family names they exist.
_FIRST_PLACEHOLDERS: Final = frozenset(
    "blank demo dummy example first guest last private sample self test tester testing".split()
)
# Parts of a firm; `ROLES` has those that are seen as local parts of addresses.
_DESKS: Final = frozenset(
    "abteilung account accountant achats administración administrateur administration administrators admins "
    "amministrazione analytics api app application applications architecture assistant automation bitbucket board bot "
    "buchhaltung buyer ceo cfo chief cio client clients comercial community compliance compras comptabilité comptes "
    "contabilidad contacts contractor controlling coordinator cto customercare data database delivery departamento "
    "department dept desk developer developers development dirección direction director einkauf empfang engineer "
    "engineering equipo executive facturación facturation finanzas finanzen geschäftsführung group head helpline "
    "hilfe identity informatica informatik information informatique informática infrastructure integration inventory "
    "kundenservice legal licence licences licensee licensemanager lizenz lizenzen mailbox management manager "
    "marketplace master migration monitoring network nobody noc notifications onboarding online owner partner "
    "partners payable payables payroll people personal platform plattform postfach principal procure product "
    "production products project projects purchase purchaser qa quality receivable receivables reception recruiting "
    "reply reporting reseller resources responsable robot saas sap scrum secretariat secretary sekretariat server "
    "servicedesk services shared shop sistemas soc soporte specialist staff subscription subscriptions superuser "
    "supplier suppliers supply sysadmins sysops system systemadministrator systems tech technical technician technik "
    "technology tecnico tecnología treasury trial técnico uat users vendor vendors ventas verkauf vertragsmanagement "
    "vertrieb verwaltung web website workspace zentrale équipe".split()
)
# What makes a name a firm's, compared without full stops, and words that only join or describe.
_COMPANIES: Final = frozenset(
    "ab ag agency akademie and aps as asa associates association at bank bhd bv bvba by ca capital center centre co "
    "college company computing consultancy consultants consulting corp corporate corporation cv dba design digital "
    "doo ead ebusiness eg ek energy enterprise enterprises et ev firma for foundation from gbr germany gesellschaft "
    "gmbh group gruppe health holding holdings hospital hotel inc incorporated industries innovation innovations "
    "institut institute insurance int international internet investment investments kft kg kgaa kk lab labs limited "
    "llc llp logistics lp ltd ltda ltee mbh media ministry nv of ood oy oyj oü partnership plc pte pty pvt sa saas "
    "sarl sas sccl school schule sdn se sl slu software solution solutions sp spa spzoo srl sro stadt stiftung studio "
    "studios technologies telecom the trust ug uk ulc university universität université us usa ve ventures verein via "
    "we with works zrt".split()
)
_NO_PERSON: Final = ROLES | _DESKS | _COMPANIES | _PLACEHOLDERS

_WORD: Final = re.compile(r"[^\W\d_]+(?:['’‐-][^\W\d_]+)*['’]?")
_INITIALS: Final = re.compile(r"(?:[^\W\d_]\.-?)+")
_ASIDE: Final = re.compile(r"\s*[(\[][^()\[\]]*[)\]]\s*$")
_QUOTES: Final = "'\"`´‘’‚“”„«»‹›"
_PART: Final = re.compile(r"[^\W\d_]+")
_NONSENSE: Final = re.compile(r"(.)\1\1|\A(.)\2\Z", re.IGNORECASE)
"""aaa and xx."""


@dataclass(frozen=True, slots=True)
class PersonName:
    """What a contact's name says of a person; both None where it does not plainly name one."""

    given: str | None = None
    """The given name alone, where it is plain which one that is."""
    full: str | None = None
    """The name as it is said with “Guten Tag”, titles included, the family name last."""


NOBODY: Final = PersonName()


def person_name(name: str | None, *, company: str | None = None) -> PersonName:
    """Return how to address this contact; `company` is its company's name, which some type for their own.

    A given name is told in Latin script alone: elsewhere the family name often comes first, and a bare given name is
    impolite in some of those languages. “Hello there” is never wrong.
    """
    text = _cleaned(name or "")
    if not text or len(text) > _LONGEST_NAME or (company and company_key(text) == company_key(company)):
        return NOBODY
    main, *behind = [part.split() for part in text.split(",")]
    behind = [part for part in behind if not part or not all(_bare(word) in _SUFFIXES for word in part)]
    titles, words = _without_titles(main)
    words = _without_suffixes(words)
    if behind:
        return _family_first(titles, words, behind)
    return _named(titles, words)


def _family_first(titles: Sequence[str], family: Sequence[str], behind: Sequence[Sequence[str]]) -> PersonName:
    """`Lima, Ana` and `van der Berg, Jan`; anything else with a comma may be a person and their company."""
    if len(behind) > 1 or not family or any(_bare(word) not in _PARTICLES for word in family[:-1]):
        return NOBODY
    more_titles, given = _without_titles(behind[0])
    if not given:
        return NOBODY
    return _named([*titles, *more_titles], [*given, *family])


def _named(titles: Sequence[str], words: Sequence[str]) -> PersonName:
    """The person whose words these are, in the order in which they are said."""
    if not words or len(words) > _MOST_WORDS or not all(map(_may_be_of_a_name, words)):
        return NOBODY
    if _bare(words[0]) in _FIRST_PLACEHOLDERS:
        return NOBODY
    if not titles and len(words) == 1 and not _stands_alone(words[0]):
        return NOBODY
    written = _in_usual_case(words)
    given = _capitalized(written[0]) if _is_plain(words, titled=bool(titles)) else None
    return PersonName(given=given, full=" ".join([*titles, *written]))


def _is_plain(words: Sequence[str], *, titled: bool) -> bool:
    """Whether the first word is a given name. After a title a lone word is a family name: Dr. Lima."""
    first = words[0]
    if titled and len(words) == 1:
        return False
    shouted = [word for word in words if len(word) > 1 and word.isupper()]
    # Jean DUPONT, but not DUPONT Jean; and JP Dupont has initials, where BO LIMA has not.
    if first in shouted and len(shouted) < len(words):
        return False
    return (
        _is_latin(first)
        and _WORD.fullmatch(first) is not None
        and _capitalized(first)[0].isupper()
        and 1 < len(first) <= _LONGEST_GIVEN
        and _bare(first) not in _PARTICLES
    )


def _stands_alone(word: str) -> bool:
    """Whether one word alone is a name and not a user name or a firm: Ana, but not ana, ANA, AnaLima."""
    if not _is_latin(word):
        return True
    first_part = _PART.findall(word)[0]
    return _WORD.fullmatch(word) is not None and first_part[0].isupper() and not any(map(str.isupper, first_part[1:]))


def _may_be_of_a_name(word: str) -> bool:
    """Letters, with hyphens and apostrophes inside, or initials; and nothing that only desks and firms have."""
    if not (_WORD.fullmatch(word) or _INITIALS.fullmatch(word)) or _NONSENSE.search(word):
        return False
    parts = {_bare(word), *(part.casefold() for part in re.split(r"['’‐-]", word))}
    return parts.isdisjoint(_NO_PERSON)


def _without_titles(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The titles ahead, and the rest."""
    count = next((place for place, word in enumerate(words) if not _is_title(word)), len(words))
    return list(words[:count]), list(words[count:])


def _is_title(word: str) -> bool:
    return _bare(word) in _TITLES or ("." in word and _bare(word) in _SHORT_TITLES)


def _without_suffixes(words: Sequence[str]) -> list[str]:
    """The words without degrees and the like behind them; two words always stay: Ma is a name, too."""
    kept = list(words)
    while len(kept) > 2 and _bare(kept[-1]) in _SUFFIXES:  # noqa: PLR2004  as said
        kept.pop()
    return kept


def _in_usual_case(words: Sequence[str]) -> list[str]:
    """ANA LIMA and ana lima as Ana Lima; what is written in both cases stays as it is."""
    together = "".join(words)
    if not (together.isupper() or together.islower()):
        return list(words)
    return [
        word.casefold() if place and _bare(word) in _PARTICLES else _capitalized(word.lower())
        for place, word in enumerate(words)
    ]


def _capitalized(word: str) -> str:
    """The word as it is, each part of it that is all in small letters with a capital: jean-pierre as Jean-Pierre."""
    return _PART.sub(lambda part: part[0].capitalize() if part[0].islower() else part[0], word)


def _cleaned(name: str) -> str:
    """The name in one normal form, without invisible characters, quotes around it, asides and words without letters."""
    visible = "".join(
        " " if char.isspace() else char
        for char in unicodedata.normalize("NFC", name)
        if char.isspace() or not unicodedata.category(char).startswith("C")
    )
    text = visible.strip(" " + _QUOTES)
    without_aside = _ASIDE.sub("", text)
    if without_aside != text and len(without_aside.split()) == 1:
        return ""  # “Lima (Ana)” and “Acme (Ana)” say little
    kept = [word for word in without_aside.replace(",", " , ").split() if word == "," or not _is_ornament(word)]
    return " ".join(kept).replace(" ,", ",").strip()


def _is_ornament(word: str) -> bool:
    """Whether a word has neither letters nor digits nor a sign that joins two things: an emoji, a dot, a dash alone."""
    return not any(unicodedata.category(char)[0] in "LNM" or char in "&+/|@\\<>{}=#-–—" for char in word)


def _is_latin(word: str) -> bool:
    return all(unicodedata.name(char, "").startswith("LATIN ") for char in word if char.isalpha())


def _bare(word: str) -> str:
    """The word as the lists here have it: without full stops and hyphens, in small letters."""
    return re.sub(r"[.'’‐-]", "", word).casefold()
