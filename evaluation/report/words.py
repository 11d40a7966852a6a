"""Numbers and codes as a reader sees them, in Korean and in English."""

import calendar
import math
import unicodedata

MINUS = "−"
NONE = "–"  # does not apply


def number(value: float, decimals: int, signed: bool = False) -> str:
    """A number with thousands separators and a real minus sign; an en dash where there is none.

    A value that rounds to zero carries no sign.
    """
    if value is None or math.isnan(value):
        return NONE
    text = "∞" if math.isinf(value) else f"{abs(value):,.{decimals}f}"
    if not text.strip("0.,"):
        return text
    if value < 0:
        return MINUS + text
    return "+" + text if signed else text


def interval(lower: float, upper: float, decimals: int, lang: str, signed: bool = False) -> str:
    """An interval: 1.2~3.4 in Korean, 1.2 to 3.4 in English; one number where both ends print alike;
    an en dash where there is none.
    """
    if any(value is None or math.isnan(value) for value in (lower, upper)):
        return NONE
    ends = dict.fromkeys((number(lower, decimals, signed), number(upper, decimals, signed)))
    return "~".join(ends) if lang == "ko" else " to ".join(ends)


def usd(value: float, lang: str) -> str:
    """USD billion in running text: 2,582억 달러, USD 258.2 bn."""
    return f"{number(10 * value, 0)}억 달러" if lang == "ko" else f"USD {number(value, 1)} bn"


def usd_mn(value: float, lang: str) -> str:
    """USD million in running text: 2억 4,870만 달러, USD 248.7 million."""
    if lang != "ko":
        return f"USD {number(value, 1)} million"
    hundred_millions, rest = divmod(round(100 * value), 10_000)
    parts = [f"{number(hundred_millions, 0)}억" * bool(hundred_millions), f"{number(rest, 0)}만" * bool(rest)]
    return f"{' '.join(filter(None, parts)) or '0'} 달러"


def persons(value: float, lang: str) -> str:
    """Thousand persons in running text: 46.1만 명, 461 thousand."""
    return f"{number(value / 10, 1)}만 명" if lang == "ko" else f"{number(value, 0)} thousand"


def day(date: int, lang: str) -> str:
    """A date given as 20101231 in running text: 2010년 12월 31일, 31 December 2010."""
    year, month, of_month = date // 10_000, date // 100 % 100, date % 100
    return f"{year}년 {month}월 {of_month}일" if lang == "ko" else f"{of_month} {calendar.month_name[month]} {year}"


def josa(word: str, pair: str) -> str:
    """A word with the particle that fits its last syllable: `pair` is written consonant first, as 은/는.

    Where the last sign is no Korean syllable, both stand: CO2은(는).
    """
    closed, open_ = pair.split("/")
    last = ord(word[-1]) - ord("가")
    if not 0 <= last <= ord("힣") - ord("가"):
        return f"{word}{closed}({open_})"
    final = last % 28  # 0: none, 8: ㄹ
    takes_open = final == 0 or (final == 8 and closed == "으로")
    return word + (open_ if takes_open else closed)


def width(text: str) -> int:
    """How wide a text is, in Latin letters: a Korean sign takes two."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def listed(words: list[str], lang: str) -> str:
    """Words in a row: 가·나·다 (가, 나·다 where a word has the dot itself) — a, b and c."""
    if lang == "ko" or len(words) < 2:
        return (", " if any("·" in word for word in words) else "·").join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"
