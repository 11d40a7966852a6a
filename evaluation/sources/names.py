"""Names of complexes as different sources write them."""

import re
import unicodedata

DOTS = "·ㆍ・‧∙•.．"
# What is added to a name and does not tell complexes apart: [재생사업지구], (구 …), (구:…).
ADDED = re.compile(r"\[[^\]]*\]|\(구[\s:][^)]*\)")
MARKERS = re.compile(r"\(?\s*[①-⑳](?:\s*\+\s*[①-⑳])*\s*\)?")
FOOTNOTE = re.compile(r"[#*†]+$")


def name_key(name: str) -> str:
    """A name for comparing: without marks of order, added remarks and spaces, with one kind of dot."""
    text = unicodedata.normalize("NFC", name)
    text = ADDED.sub("", MARKERS.sub("", text)).replace("▷", "")
    text = FOOTNOTE.sub("", re.sub(r"\s+", "", text))
    return re.sub(f"[{re.escape(DOTS)}]", "·", text)


def markers(name: str) -> list[str]:
    """The circled numbers in a name: a child's own, or those of a parent's children."""
    found = MARKERS.search(name)
    return re.findall("[①-⑳]", found[0]) if found else []
