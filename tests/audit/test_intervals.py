"""Intervals by hand: what printed digits stand for, and what comes out of them."""

from fractions import Fraction
from math import inf

import pytest

from evaluation.audit.intervals import Interval, parse, point, stands_for


def rounded(text: str) -> Interval:
    return stands_for(parse(text), "rounded")


@pytest.mark.parametrize(
    ("text", "value", "unit", "word"),
    [
        ("47.1", "47.1", "0.1", None), ("47.10", "47.1", "0.01", None), ("8,234", "8234", "1", None), ("-6.7", "-6.7", "0.1", None), ("∆6.7", "-6.7", "0.1", None),
        ("102.1%", "102.1", "0.1", None), ("more than 20", "20", "1", "over"), ("about 17,000", "17000", "1", "about"), ("~ 0.5", "0.5", "0.1", "about"), ("< 300", "300", "1", "under"),
    ],
)  # fmt: skip
def test_what_a_text_prints(text, value, unit, word):
    printed = parse(text)
    assert (printed.value, printed.unit, printed.word) == (Fraction(value), Fraction(unit), word)


@pytest.mark.parametrize("text", ["", "-", "206 / 47", "7 agencies", "1,23", "2007-12-01/2009-11-30", "3.", "text"])
def test_what_is_not_a_number(text):
    assert parse(text) is None


def test_zeros_that_a_table_lost_or_gained():
    assert parse("1.3", decimals=2).unit == Fraction(1, 100) and parse("2.0", decimals=0).unit == 1


@pytest.mark.parametrize(
    ("text", "reading", "lower", "upper", "closed"),
    [
        ("47.1", "rounded", "47.05", "47.15", (True, False)), ("47.1", "truncated", "47.1", "47.2", (True, False)), ("461", "rounded", "460.5", "461.5", (True, False)),
        ("-6.7", "rounded", "-6.75", "-6.65", (False, True)), ("-6.7", "truncated", "-6.8", "-6.7", (False, True)), ("0.0", "rounded", "-0.05", "0.05", (False, False)),
        ("0", "truncated", "-1", "1", (False, False)), ("900", "exact", "900", "900", (True, True)), ("17,000", "about", "16000", "18000", (True, True)), ("1910", "about", "1900", "1920", (True, True)),
    ],
)  # fmt: skip
def test_what_digits_stand_for(text, reading, lower, upper, closed):
    assert stands_for(parse(text), reading) == Interval(Fraction(lower), Fraction(upper), *closed)


def test_over_and_under_are_open_to_one_side():
    assert stands_for(parse("20"), "over") == Interval(Fraction(20), inf, False, False)
    assert stands_for(parse("20"), "under") == Interval(-inf, Fraction(20), False, False)
    with pytest.raises(ValueError):
        stands_for(parse("20"), "guessed")


def test_arithmetic():
    """4.8 - 2.2 lies strictly between 2.5 and 2.7; 335 / 217 between 334.5 / 217.5 and 335.5 / 216.5, both left out."""
    assert rounded("4.8") - rounded("2.2") == Interval(Fraction("2.5"), Fraction("2.7"), False, False)
    assert rounded("4.8") + rounded("2.2") == Interval(Fraction("6.9"), Fraction("7.1"), True, False)
    assert rounded("335") / rounded("217") == Interval(Fraction("334.5") / Fraction("217.5"), Fraction("335.5") / Fraction("216.5"), False, False)
    assert rounded("-6.7") * point(-2) == Interval(Fraction("13.3"), Fraction("13.5"), True, False)
    assert rounded("2") * rounded("-3") == Interval(Fraction("-8.75"), Fraction("-3.75"), False, True)
    assert point(1) / stands_for(parse("20"), "over") == Interval(Fraction(0), Fraction(1, 20), False, False)
    with pytest.raises(ZeroDivisionError):
        point(1) / rounded("0.0")


def test_meeting_at_an_end_needs_both_ends_closed():
    assert not rounded("69.5").meets(rounded("69.4")) and rounded("69.5").apart(rounded("69.4")) == 0
    assert Interval(Fraction(1), Fraction(2)).meets(Interval(Fraction(2), Fraction(3)))
    assert not Interval(Fraction(1), Fraction(2), True, False).meets(point(2)) and not point(2).meets(Interval(Fraction(2), Fraction(3), False, True))
    assert point(5).meets(Interval(Fraction(2), inf, False, False)) and point(1).apart(point(4)) == 3
