"""How commands show results: as one JSON object for a program, as tables for a person."""

import json
import math
from typing import TYPE_CHECKING, Annotated

import typer

from evaluation.errors import say

if TYPE_CHECKING:
    import pandas as pd

AsJson = Annotated[bool, typer.Option("--json", help=say("one JSON object on standard output", "표준출력에 JSON 객체 하나"))]


def dumps(value: object, indent: int | None = None) -> str:
    """JSON text; numbers that are missing or infinite, which JSON does not have, are null. Arrays are lists."""

    def finite(part: object) -> object:
        part = part.tolist() if hasattr(part, "tolist") else part
        if isinstance(part, float):
            return part if math.isfinite(part) else None
        if isinstance(part, dict):
            return {key: finite(own) for key, own in part.items()}
        return [finite(own) for own in part] if isinstance(part, list | tuple) else part

    return json.dumps(finite(value), ensure_ascii=False, allow_nan=False, indent=indent)


def show(frame: "pd.DataFrame", name: str, as_json: bool) -> None:
    """A result, for a program or for a person."""
    if as_json:
        typer.echo(dumps({name: plain(frame)}))
        return
    import pandas as pd
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in frame:
        table.add_column(str(column), justify="right" if frame[column].dtype.kind in "fi" else "left", overflow="fold")
    for row in frame.itertuples(index=False):
        table.add_row(*("" if cell is None or pd.isna(cell) else f"{cell:.4g}" if isinstance(cell, float) and not float(cell).is_integer() else f"{cell:g}" if isinstance(cell, float) else str(cell) for cell in row))
    Console(highlight=False).print(table)


def plain(frame: "pd.DataFrame") -> list[dict]:
    """Rows as JSON takes them: what is missing or infinite is null."""

    import pandas as pd

    def cell(value: object) -> object:
        value = value.item() if hasattr(value, "item") else value
        return None if value is None or (not isinstance(value, tuple | list) and pd.isna(value)) or value in (float("inf"), float("-inf")) else value

    return [{key: cell(value) for key, value in row.items()} for row in frame.to_dict("records")]
