"""Which trials get a card."""

from datetime import date
from typing import Any

import pytest

from bot.domain.announcement import AnnouncementPolicy, SkipReason
from bot.domain.evaluation import Contact, State
from tests.builders import TODAY, contact, license_, nov, trial


@pytest.mark.parametrize(
    ("of_license", "of_trial", "quiet_before", "silence"),
    [
        pytest.param({}, {}, None, None, id="running"),
        pytest.param({}, {"started": date(2026, 1, 1)}, None, None, id="running, seen late"),
        pytest.param({}, {"started": nov(25)}, None, None, id="begins tomorrow, by our clock"),
        pytest.param({}, {"ends": None}, None, None, id="without an end"),
        pytest.param({}, {"ends": TODAY}, None, None, id="on its last day"),
        pytest.param({}, {"ends": nov(22)}, None, SkipReason.OVER, id="past its end, whatever the status"),
        pytest.param({}, {"state": State.EXPIRED}, None, SkipReason.OVER, id="expired"),
        pytest.param({}, {"state": State.CANCELLED}, None, SkipReason.OVER, id="cancelled"),
        pytest.param({}, {"state": State.CONVERTED, "ends": None}, None, SkipReason.OVER, id="bought"),
        pytest.param({"atlassian": True}, {}, None, SkipReason.ATLASSIAN, id="Atlassian's own"),
        pytest.param({"license_type": "FREE"}, {}, None, SkipReason.GIVEN_AWAY, id="free"),
        pytest.param({"license_type": "COMMUNITY"}, {}, None, SkipReason.GIVEN_AWAY, id="community"),
        pytest.param({"license_type": "NET_NEW_EVALUATION"}, {}, None, None, id="a new kind of evaluation"),
        pytest.param(
            {"license_type": "COMMERCIAL"}, {"upgrade_to": "Advanced"}, None, None, id="a customer tries an upgrade"
        ),
        pytest.param({"sandbox": True}, {}, None, None, id="a sandbox: marked, not muted"),
        pytest.param({"migration": True}, {}, None, None, id="a migration: marked, not muted"),
        pytest.param({"technical": None}, {}, None, None, id="without a contact"),
        pytest.param({"technical": Contact(forgotten=True)}, {}, None, None, id="of somebody forgotten"),
        pytest.param({}, {}, nov(20), None, id="first run: began on the first day that counts"),
        pytest.param({}, {}, nov(21), SkipReason.EARLIER, id="first run: began before the bot was there"),
        # Where several hold, what will not change is said.
        pytest.param(
            {"atlassian": True}, {"state": State.EXPIRED}, nov(21), SkipReason.ATLASSIAN, id="whose it is first"
        ),
        pytest.param({}, {"state": State.EXPIRED}, nov(21), SkipReason.OVER, id="then how it stands"),
    ],
)
def test_which_trials_get_a_card(
    *, of_license: dict[str, Any], of_trial: dict[str, Any], quiet_before: date | None, silence: SkipReason | None
) -> None:
    policy = AnnouncementPolicy(today=TODAY, quiet_before=quiet_before)
    assert policy.skip_reason(license_(**of_license), trial(**of_trial)) is silence


@pytest.mark.parametrize(
    ("own", "seen", "silent"),
    [
        pytest.param("acme-dev", {"site": "acme-dev.atlassian.net"}, True, id="a site by its name"),
        pytest.param("acme-dev.atlassian.net", {"site": "acme-dev.atlassian.net"}, True, id="a site by its address"),
        pytest.param("acme-dev", {"site": "Acme-Dev.atlassian.net"}, True, id="however the report spells it"),
        pytest.param("jira.acme.example", {"site": "jira.acme.example"}, True, id="a site with a domain of its own"),
        pytest.param("acme.example", {"technical": contact(email="Dev@ACME.example")}, True, id="a mail domain"),
        pytest.param("acme.example", {"billing": contact()}, True, id="a mail domain, billing contact"),
        pytest.param("acme", {"site": "acme-dev.atlassian.net"}, False, id="part of a name is another name"),
        pytest.param("acme.example", {"technical": contact(email="a@mail.acme.example")}, False, id="another domain"),
        pytest.param("acme", {"company": "Acme"}, False, id="a company is no site"),
        pytest.param("acme-dev", {"site": "acme-dev.jira.com"}, True, id="a site of former days by its name"),
        pytest.param(
            "*.acme.example", {"technical": contact(email="a@acme.example")}, True, id="all below, and itself"
        ),
        pytest.param("*.acme.example", {"technical": contact(email="a@x.y.acme.example")}, True, id="all below"),
        pytest.param("*.acme.example", {"site": "jira.acme.example"}, True, id="a site below"),
        pytest.param("*.acme.example", {"technical": contact(email="a@notacme.example")}, False, id="not below"),
        pytest.param(
            "xn--mller-kva.example", {"technical": contact(email="a@Müller.example")}, True, id="a name in ASCII"
        ),
        pytest.param(
            "acme.example", {"technical": contact(email="a@acme.example\u200b")}, True, id="invisible letters"
        ),
        pytest.param("", {"site": None, "technical": None}, False, id="nothing is nobody's"),
    ],
)
def test_the_vendors_own_test_sites_are_silent(own: str, seen: dict[str, Any], *, silent: bool) -> None:
    elsewhere: dict[str, Any] = {"site": "other.atlassian.net", "technical": contact(email="ana@other.example")}
    policy = AnnouncementPolicy(today=TODAY, own_sites=frozenset({own, "another-site"}))
    silence = policy.skip_reason(license_(**elsewhere | seen), trial())
    assert silence is (SkipReason.OWN_SITE if silent else None)


def test_every_silence_is_said_in_words_of_its_own() -> None:
    assert len({silence.value for silence in SkipReason}) == len(SkipReason)
