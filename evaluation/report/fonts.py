"""The report's Korean font, for Typst and matplotlib alike; fonts of the system are never used."""

from importlib.metadata import files
from pathlib import Path

FAMILY = "NanumGothic"
NAMES = ("NanumGothic.ttf", "NanumGothicBold.ttf")


def font_files() -> list[Path]:
    """The TTF files, from the installed wheel (importing that package fails on new Pythons)."""
    return sorted(Path(file.locate()) for file in files("koreanize-matplotlib") if file.name in NAMES)
