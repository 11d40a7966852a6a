"""Numbers as readers see them."""

import math

import pytest

from evaluation.report.words import interval, josa, listed, number, persons, usd


@pytest.mark.parametrize(
    ("value", "decimals", "signed", "text"),
    [
        (1234.56, 1, False, "1,234.6"), (-0.04, 1, False, "0.0"), (-0.06, 1, False, "−0.1"), (0.0, 1, True, "0.0"),
        (2.05, 0, True, "+2"), (-3, 0, True, "−3"), (math.nan, 1, False, "–"), (None, 1, False, "–"),
    ],
)  # fmt: skip
def test_number(value, decimals, signed, text):
    assert number(value, decimals, signed) == text


def test_interval():
    assert interval(-0.91, 12.5, 1, "ko") == "−0.9~12.5"
    assert interval(-0.91, 12.5, 1, "en", signed=True) == "−0.9 to +12.5"
    assert interval(5, 5, 0, "ko") == "5"
    assert interval(math.nan, 1, 1, "ko") == "–"


def test_units_of_each_language():
    assert usd(258.2, "ko") == "2,582억 달러" and usd(258.2, "en") == "USD 258.2 bn"
    assert persons(461, "ko") == "46.1만 명" and persons(461, "en") == "461 thousand"


def test_listed():
    assert listed(["가", "나"], "ko") == "가·나" and listed(["a", "b", "c"], "en") == "a, b and c" and listed(["a"], "en") == "a"


@pytest.mark.parametrize(
    ("word", "pair", "text"),
    [
        ("생산", "은/는", "생산은"), ("업체 수", "은/는", "업체 수는"), ("동남권", "이/가", "동남권이"), ("제주", "과/와", "제주와"),
        ("생산자물가지수", "으로/로", "생산자물가지수로"), ("서울", "으로/로", "서울로"), ("고용", "으로/로", "고용으로"), ("R2", "이/가", "R2이(가)"),
    ],
)  # fmt: skip
def test_particles_follow_the_last_syllable(word, pair, text):
    assert josa(word, pair) == text
