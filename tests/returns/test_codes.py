"""The codes of platforms are read as the published taxonomy reads them; what nobody knows is counted."""

from __future__ import annotations

import json
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention import returns
from retention.errors import InvalidInput
from retention.returns import OwnReason, Reason

PLATFORMS = json.loads((resources.files("retention.returns") / "platforms.json").read_text("utf-8"))
ALLERGY = OwnReason(value="ALLERGY", group="MIND", fault="buyer", en="Allergic to it", ru="Аллергия")


def test_the_data_file_says_where_it_is_from():
    """Every map has a source, the file a date, and every code one of the library's reasons."""
    assert PLATFORMS["compiled"] >= "2026-11-26"
    assert sum(len(platform["codes"]) for platform in PLATFORMS["platforms"].values()) == 187
    for platform in PLATFORMS["platforms"].values():
        assert platform["source"]
        assert set(platform["codes"].values()) <= set(Reason)


@pytest.mark.parametrize("platform", PLATFORMS["platforms"])
def test_every_code_is_found_however_it_is_written(platform):
    """Case, spaces around and Amazon's prefix do not matter; nothing known is counted as unknown."""
    codes = PLATFORMS["platforms"][platform]["codes"]
    for write in (str, str.lower, str.upper, " {} ".format, "CR-{}".format):
        read = returns.from_codes(map(write, codes), platform=platform)
        assert read.reasons == tuple(map(Reason, codes.values()))
        assert read.unknown == {}


@pytest.mark.shared_data
def test_maps_are_those_of_the_taxonomy(shared_data):
    """Reasons, families, faults, names and maps agree with the compiled taxonomy."""
    taxonomy = json.loads((shared_data / "return_reason_taxonomy.json").read_text("utf-8"))
    assert {name: p["codes"] for name, p in PLATFORMS["platforms"].items()} == taxonomy["maps"]
    for reason in Reason:
        about = taxonomy["codes"][reason.value]
        words = (reason.group, reason.fault, reason.in_words("en"), reason.in_words("ru"))
        assert words == (about["group"], about["fault"], about["en"], about["ru"])


def test_who_chose_the_wrong_item_matters():
    """Ordering the wrong thing is the buyer's error, getting the wrong thing the seller's."""
    ordered, sent, swapped = (
        returns.from_code(code, platform="amazon_fba") for code in ("ORDERED_WRONG_ITEM", "MISSING_PARTS", "SWITCHEROO")
    )
    assert (ordered.fault, sent.fault, swapped.fault) == ("buyer", "seller", "seller")


@given(st.lists(st.text() | st.integers() | st.none()))
def test_what_nobody_knows_is_other_and_counted(values):
    """No code is an error: each is one of the reasons, and every unknown one is in the count."""
    read = returns.from_codes(values, platform="ebay")
    assert len(read.reasons) == len(values)
    assert sum(read.unknown.values()) == sum(
        returns.from_code(v, platform="ebay") is Reason.OTHER for v in values
    ) - sum(str(v).strip().casefold().removeprefix("cr-") in {"other", "no_reason"} for v in values)


def test_a_shop_has_codes_of_its_own():
    """Own maps come on top of ours, an own reason answers what ours answer, and the library's stay as they are."""
    codes = returns.Codes(
        {"till": {"17": "SIZE_TOO_SMALL", "31": "ALLERGY"}, "ebay": {"OTHER": "STYLE"}}, own=[ALLERGY]
    )
    read = returns.from_codes([17, "31", 99], platform="till", codes=codes)
    assert read.reasons == (Reason.SIZE_TOO_SMALL, ALLERGY, Reason.OTHER)
    assert read.unknown == {"99": 1}
    assert (str(ALLERGY), ALLERGY.in_words("en"), ALLERGY.in_words("ru")) == ("ALLERGY", "Allergic to it", "Аллергия")
    assert returns.from_code("OTHER", platform="ebay", codes=codes) is Reason.STYLE
    assert returns.from_code("OTHER", platform="ebay") is Reason.OTHER
    assert returns.from_code("EXPIRED_ITEM", platform="ebay", codes=codes) is Reason.QUALITY


def test_bad_codes_are_refused_in_one_line():
    """A platform without a map, a map to a reason nobody knows, a code that is ours already, an unknown family."""
    with pytest.raises(InvalidInput, match=r"^platform: 'shopfy' is unknown; use one of adobe_commerce, [^\n]*$"):
        returns.from_code("X", platform="shopfy")
    with pytest.raises(InvalidInput, match=r"^platforms: till names the reason 'ALLERGY', which is unknown; [^\n]*$"):
        returns.Codes({"till": {"31": "ALLERGY"}})
    with pytest.raises(InvalidInput, match=r"^value: 'STYLE' is one of the library's reasons"):
        OwnReason(value="STYLE", group="MIND", fault="buyer", en="a", ru="b")
    with pytest.raises(InvalidInput, match=r"^group: 'TASTE' is unknown; use one of SIZE, "):
        OwnReason(value="A", group="TASTE", fault="buyer", en="a", ru="b")
    with pytest.raises(InvalidInput, match=r"^language: 'de' is unknown"):
        Reason.STYLE.in_words("de")
