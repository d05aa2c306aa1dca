"""Records that no list of cases would think of."""

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.evaluation import License
from bot.marketplace.license_record import InvalidRecord, parse_license
from tests.marketplace.test_license_record import BARE, read

OPTIONAL = (
    "addonName addonLicenseId licenseId appEntitlementId hostLicenseId hostEntitlementId hostEntitlementNumber "
    "maintenanceEndDate latestEvaluationStartDate appEdition tier cloudSiteHostname contactDetails partnerDetails "
    "attribution cmtDetails evaluationOpportunitySize parentProductName parentProductEdition daysToConvertEval "
    "installedOnSandbox licenseSourceType newBillingSystem isNewBillingSystem somethingNew"
).split()

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(categories=["L", "N", "P", "Z", "Cc", "Cs"]))
    | st.sampled_from(["RTBF", "NA", "Pending", "2026-02-30", "9" * 5000, 10**60]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.sampled_from(OPTIONAL), inner),
    max_leaves=8,
)


@given(JSON_VALUES)
def test_no_value_whatever_raises(value: object) -> None:
    assert isinstance(parse_license(value), License | InvalidRecord)


@given(st.dictionaries(st.sampled_from([*BARE, *OPTIONAL]), JSON_VALUES))
def test_no_record_whatever_raises(fields: dict[str, object]) -> None:
    assert isinstance(parse_license(BARE | fields), License | InvalidRecord)


@given(st.dictionaries(st.sampled_from(OPTIONAL), JSON_VALUES))
def test_junk_in_an_optional_field_never_sets_a_record_aside(fields: dict[str, object]) -> None:
    assert isinstance(parse_license(BARE | fields), License)


@given(
    st.dictionaries(
        st.sampled_from(["company", "country", "region", "technicalContact", "billingContact"]),
        st.dictionaries(st.sampled_from(["email", "name", "phone"]), JSON_VALUES) | JSON_VALUES,
    )
)
def test_what_is_read_can_be_stored(details: dict[str, object]) -> None:
    found = read(contactDetails=details)
    for words in (found.company, found.country, *(c.email for c in found.contacts), *(c.name for c in found.contacts)):
        assert words is None or words.encode().decode().strip() == words != ""
