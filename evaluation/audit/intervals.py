"""What a printed number stands for, and arithmetic on it: exact fractions, each end open or closed."""

import re
from dataclasses import dataclass
from fractions import Fraction
from math import inf

WORDS = {
    "about": ("about", "around", "approximately", "nearly", "some", "~", "약"),
    "over": ("over", "more than", "above", ">"),
    "under": ("under", "less than", "below", "<"),
}
NUMBER = re.compile(
    rf"(?:(?P<word>{'|'.join(re.escape(word) for words in WORDS.values() for word in words)})\s*)?"
    r"(?P<sign>[-\u2212\u2206\u25b3]?)\s*(?P<whole>\d{1,3}(?:,\d{3})+|\d+)(?:\.(?P<decimals>\d+))?\s*%?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Printed:
    """A number as it stands in print: its value, the worth of its last digit, and a word such as `about` (or None)."""

    value: Fraction
    unit: Fraction
    word: str | None = None


@dataclass(frozen=True)
class Interval:
    """All numbers between two ends; an end belongs to it only where it is closed. An end may be infinite."""

    lower: Fraction | float
    upper: Fraction | float
    lower_closed: bool = True
    upper_closed: bool = True

    def __add__(self, other: "Interval") -> "Interval":
        return Interval(
            self.lower + other.lower, self.upper + other.upper, self.lower_closed and other.lower_closed, self.upper_closed and other.upper_closed
        )

    def __neg__(self) -> "Interval":
        return Interval(-self.upper, -self.lower, self.upper_closed, self.lower_closed)

    def __sub__(self, other: "Interval") -> "Interval":
        return self + -other

    def __mul__(self, other: "Interval") -> "Interval":
        corners = [
            (_times(left, right), left_closed and right_closed)
            for left, left_closed in ((self.lower, self.lower_closed), (self.upper, self.upper_closed))
            for right, right_closed in ((other.lower, other.lower_closed), (other.upper, other.upper_closed))
        ]
        lower, upper = min(value for value, _ in corners), max(value for value, _ in corners)
        return Interval(lower, upper, any(closed for value, closed in corners if value == lower), any(closed for value, closed in corners if value == upper))

    def __truediv__(self, other: "Interval") -> "Interval":
        """Raises ZeroDivisionError where zero lies within the divisor or at its end."""
        if other.lower <= 0 <= other.upper:
            raise ZeroDivisionError("the divisor may be zero")
        return self * Interval(_inverse(other.upper), _inverse(other.lower), other.upper_closed, other.lower_closed)

    def meets(self, other: "Interval") -> bool:
        """Whether the two have a number in common."""
        if self.lower > other.upper or other.lower > self.upper:
            return False
        if self.lower == other.upper:
            return self.lower_closed and other.upper_closed
        if other.lower == self.upper:
            return other.lower_closed and self.upper_closed
        return True

    def apart(self, other: "Interval") -> Fraction | float:
        """How far the two lie apart; 0 where they meet or touch."""
        return max(self.lower - other.upper, other.lower - self.upper, Fraction(0))


def point(value: int | Fraction) -> Interval:
    """The interval of one number."""
    return Interval(Fraction(value), Fraction(value))


def parse(text: str, decimals: int | None = None) -> Printed | None:
    """The number that a text prints, None where it prints none.

    Args:
        text: digits, with separators, a sign (also ∆), a per cent sign or a word such as `more than` where print has them.
            Trailing zeros count: 47.10 is printed to the hundredth.
        decimals: how many decimals print has, where the text has lost or gained zeros.
    """
    match = NUMBER.fullmatch(text.strip())
    if match is None:
        return None
    shown = match["decimals"] or ""
    value = Fraction(f"{match['whole'].replace(',', '')}.{shown or 0}") * (-1 if match["sign"] else 1)
    word = next((name for name, words in WORDS.items() if match["word"] and match["word"].lower() in words), None)
    return Printed(value, Fraction(1, 10 ** (len(shown) if decimals is None else decimals)), word)


def stands_for(printed: Printed, reading: str) -> Interval:
    """The numbers that would be printed as these digits.

    Args:
        printed: the number in print.
        reading: `rounded`: half a unit of the last digit either way, halves away from zero, so 47.1 is [47.05, 47.15);
            `truncated`: the digits after were cut off, towards zero, so 47.1 is [47.1, 47.2); `exact`: a count;
            `about`: one unit of the last digit that is not zero either way; `over`, `under`: everything above, below.
    """
    value, unit = printed.value, printed.unit
    if reading == "exact":
        return point(value)
    if reading == "over":
        return Interval(value, inf, lower_closed=False, upper_closed=False)
    if reading == "under":
        return Interval(-inf, value, lower_closed=False, upper_closed=False)
    if reading == "about":
        while value and value % (10 * unit) == 0:
            unit *= 10
        return Interval(value - unit, value + unit)
    if reading not in ("rounded", "truncated"):
        raise ValueError(reading)
    reach = unit / 2 if reading == "rounded" else unit
    if value == 0:
        return Interval(-reach, reach, lower_closed=False, upper_closed=False)
    inner = unit / 2 if reading == "rounded" else Fraction(0)
    if value > 0:
        return Interval(value - inner, value + reach, upper_closed=False)
    return Interval(value - reach, value + inner, lower_closed=False)


def _times(left: Fraction | float, right: Fraction | float) -> Fraction | float:
    return Fraction(0) if left == 0 or right == 0 else left * right


def _inverse(value: Fraction | float) -> Fraction:
    return Fraction(0) if value in (inf, -inf) else 1 / Fraction(value)
