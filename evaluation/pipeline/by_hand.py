"""What the report notebook needs when someone runs it by hand in JupyterLab."""

import sys
from pathlib import Path

from rich.console import Console

from evaluation.paths import processed


def results(year: int) -> Path:
    """The year's work folder with data, index, outcomes and impact brought up to date."""
    from evaluation.pipeline.run import make_results

    # Plain lines: a notebook has no terminal to redraw.
    make_results(year, Console(file=sys.stdout, force_jupyter=False, force_terminal=False, highlight=False))
    return processed(year)


def draft_folder(year: int, lang: str) -> Path:
    """Where a report written by hand goes; the run and the published report never look there."""
    folder = processed(year) / "by_hand" / lang
    folder.mkdir(parents=True, exist_ok=True)
    return folder
