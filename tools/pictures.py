"""Writes the README's pictures from the report made last: a page in each language and a figure."""

import sys
from pathlib import Path

import pypdfium2

ROOT = Path(__file__).resolve().parents[1]
REPORTS = ROOT / "reports" / "2010"
# Name, language, page (from 1), and the part of the page as fractions: left, top, right, bottom.
PICTURES = (
    ("page-ko.png", "ko", 2, (0, 0, 1, 1)),
    ("page-en.png", "en", 2, (0, 0, 1, 1)),
    ("figure-ko.png", "ko", 5, (0.09, 0.222, 0.91, 0.46)),
    ("figure-en.png", "en", 5, (0.09, 0.25, 0.91, 0.48)),
)


def main() -> None:
    for name, language, number, (left, top, right, bottom) in PICTURES:
        page = pypdfium2.PdfDocument(REPORTS / language / "report.pdf")[number - 1]
        picture = page.render(scale=1.4).to_pil()
        width, height = picture.size
        picture = picture.crop((int(left * width), int(top * height), int(right * width), int(bottom * height)))
        picture.quantize(128).save(ROOT / "docs" / name, optimize=True)
        print(f"docs/{name}", file=sys.stderr)


if __name__ == "__main__":
    main()
