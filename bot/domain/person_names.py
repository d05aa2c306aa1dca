"""How to address the person behind a contact's name: by the given name if it is clear, otherwise without a name.

The report contains whatever somebody typed into a form: titles, departments, companies, user names, “null null”. A
wrong name is worse than none, so every rule is conservative: a text that is not clearly a person's name is not used as
one.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.domain.cautions import ROLES, company_key

_LONGEST_NAME: Final = 100
"""Characters; a longer text is a sentence."""
_MOST_WORDS: Final = 6
_LONGEST_GIVEN: Final = 30

# Titles before a name, compared without full stops. “Don” and “Pan” are left out because they are also names.
_TITLES: Final = frozenset(
    "bsc dhr dipl diplinf diplinform dipling diplkffr diplkfm dott dottssa dr dra dres drs frau herr herrn ing "
    "judr madame mademoiselle mevr miss mlle mme mmes monsieur mr mrs ms mudr mx paeddr phd phdr prof profa professor "
    "professora rndr señor señora señorita signora sir sr sra srta univprof".split()
)
# Titles only with a full stop. Without one, they are names, departments or initials: Phil Ash is not a “Dr. phil.”, HR
# is not “Hr.”.
_SHORT_TITLES: Final = frozenset(
    "arch avv bc capt dir eng er fr habil hc hon hr ir jur lic m mag med mgr nat oec phil pol rer rev sig techn".split()
)
# Suffixes after a name.
_SUFFIXES: Final = frozenset(
    "ba bba beng bsc cfa cissp cpa cscp csm dba dds dipling dphil ed edd eng esq esquire ii iii iv jd jnr jr junior "
    "llb llm ma mba md meng mph msc msci mscw pe phd pmp psm rn snr sr".split()
)
# Particles that begin family names in several languages. A first word among them is not a given name.
_PARTICLES: Final = frozenset(
    "a abu al am bin bint d da dal dall das de degli dei del della den der des di do dos du e el ibn la las le les lo "
    "los mac mc o op san santa st ten ter und van vom von y z zu zum zur".split()
)
# Placeholders, typed because the form required a name.
_PLACEHOLDERS: Final = frozenset(
    "abc anon anonymous asdf asdfgh customer deleted fake firstname forename givenname lastname me myself na nachname "
    "name nan nil no nobody nom nombre none not null placeholder prenom prénom qwerty removed rtbf somebody someone "
    "surname tba tbc tbd testuser unbekannt undefined unknown user username vorname xyz".split()
)
# Placeholders only as the first word; they exist as family names.
_FIRST_PLACEHOLDERS: Final = frozenset(
    "blank demo dummy example first guest last private sample self test tester testing".split()
)
# Departments and roles; `ROLES` has those that are also local parts of addresses.
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
# Words that mark a company's name, compared without full stops, and words that only join or describe.
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
"""Matches nonsense such as aaa and xx."""


@dataclass(frozen=True, slots=True)
class PersonName:
    """What a contact's name says about a person; both fields are None if it does not clearly name one."""

    given: str | None = None
    """The given name alone, if it is clear which word that is."""
    full: str | None = None
    """The name as used after “Guten Tag”: with titles, the family name last."""


NOBODY: Final = PersonName()


def person_name(name: str | None, *, company: str | None = None) -> PersonName:
    """Return how to address this contact; `company` is their company's name, which some people enter as their own.

    A given name is returned in Latin script only: in other scripts the family name often comes first, and a bare given
    name is impolite in some of those languages. “Hello there” is never wrong.
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
    """Return the person for `Lima, Ana` and `van der Berg, Jan`. Any other text with a comma may be a person and their
    company.
    """
    if len(behind) > 1 or not family or any(_bare(word) not in _PARTICLES for word in family[:-1]):
        return NOBODY
    more_titles, given = _without_titles(behind[0])
    if not given:
        return NOBODY
    return _named([*titles, *more_titles], [*given, *family])


def _named(titles: Sequence[str], words: Sequence[str]) -> PersonName:
    """Return the person with these words as their name, in spoken order."""
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
    """Return whether the first word is a given name. A single word after a title is a family name: Dr. Lima."""
    first = words[0]
    if titled and len(words) == 1:
        return False
    shouted = [word for word in words if len(word) > 1 and word.isupper()]
    # Accept Jean DUPONT, not DUPONT Jean. JP Dupont begins with initials; BO LIMA does not.
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
    """Return whether a single word is a name, not a user name or a company: Ana, but not ana, ANA, AnaLima."""
    if not _is_latin(word):
        return True
    first_part = _PART.findall(word)[0]
    return _WORD.fullmatch(word) is not None and first_part[0].isupper() and not any(map(str.isupper, first_part[1:]))


def _may_be_of_a_name(word: str) -> bool:
    """Return whether a word is letters, with hyphens and apostrophes inside, or initials, and not a department or
    company word.
    """
    if not (_WORD.fullmatch(word) or _INITIALS.fullmatch(word)) or _NONSENSE.search(word):
        return False
    parts = {_bare(word), *(part.casefold() for part in re.split(r"['’‐-]", word))}
    return parts.isdisjoint(_NO_PERSON)


def _without_titles(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the leading titles and the remaining words."""
    count = next((place for place, word in enumerate(words) if not _is_title(word)), len(words))
    return list(words[:count]), list(words[count:])


def _is_title(word: str) -> bool:
    return _bare(word) in _TITLES or ("." in word and _bare(word) in _SHORT_TITLES)


def _without_suffixes(words: Sequence[str]) -> list[str]:
    """Return the words without trailing degrees and similar suffixes. Two words always stay, because Ma is
    also a name.
    """
    kept = list(words)
    while len(kept) > 2 and _bare(kept[-1]) in _SUFFIXES:  # noqa: PLR2004  as said
        kept.pop()
    return kept


def _in_usual_case(words: Sequence[str]) -> list[str]:
    """Return ANA LIMA and ana lima as Ana Lima. A name in mixed case stays as it is."""
    together = "".join(words)
    if not (together.isupper() or together.islower()):
        return list(words)
    return [
        word.casefold() if place and _bare(word) in _PARTICLES else _capitalized(word.lower())
        for place, word in enumerate(words)
    ]


def _capitalized(word: str) -> str:
    """Return the word with each all-lowercase part capitalized, the rest unchanged: jean-pierre as Jean-Pierre."""
    return _PART.sub(lambda part: part[0].capitalize() if part[0].islower() else part[0], word)


def _cleaned(name: str) -> str:
    """Return the name in one normal form, without invisible characters, surrounding quotes, asides and ornaments."""
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
    """Return whether a word has no letters, digits or signs that join two things, such as an emoji or a full stop
    alone.
    """
    return not any(unicodedata.category(char)[0] in "LNM" or char in "&+/|@\\<>{}=#-–—" for char in word)


def _is_latin(word: str) -> bool:
    return all(unicodedata.name(char, "").startswith("LATIN ") for char in word if char.isalpha())


def _bare(word: str) -> str:
    """Return the word in the form of the lists here: without full stops, apostrophes and hyphens, in lower case."""
    return re.sub(r"[.'’‐-]", "", word).casefold()
