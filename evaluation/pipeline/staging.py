"""Folders and files that appear whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """A sibling folder to fill; it takes the folder's place when the block ends without an error."""
    # Not a hidden name: Quarto does not see a project in a hidden folder.
    staging = folder.with_name(f"{folder.name}.staging")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    try:
        yield staging
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(staging, folder)


def write_if_changed(path: Path, text: str) -> None:
    """Write a file whole, and only where its content differs."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.staging")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


def publish(files: dict[Path, Path]) -> None:
    """Copy files to their final places: all are written beside them first, then put in place, in order.

    Args:
        files: final place -> source. What stands there stays as it is until all copies are complete.
    """
    temporary = {}
    try:
        for place, source in files.items():
            place.parent.mkdir(parents=True, exist_ok=True)
            temporary[place] = place.with_name(f".{place.name}.staging")
            shutil.copyfile(source, temporary[place])
        for place, copy in temporary.items():
            os.replace(copy, place)
    finally:
        for copy in temporary.values():
            copy.unlink(missing_ok=True)
