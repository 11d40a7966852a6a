"""Which files of this package a task's result depends on, read from the import statements themselves.

Nobody has to keep a list: a module that is imported, directly or through another, is a dependency.
"""

import ast
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from evaluation.paths import ROOT

PACKAGE = "evaluation"


def notebook_code(notebook: Path) -> str:
    """All code of a notebook as one text; magics are left out."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    lines = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code").splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith(("%", "!")))


def notebook_modules(notebook: Path) -> list[Path]:
    """The package's files that a notebook imports, directly or through others."""
    return modules(_imported(_tree(notebook_code(notebook), notebook)))


def notebook_tables(notebook: Path) -> list[str]:
    """The input tables a notebook uses: its parameter `tables`."""
    for node in ast.walk(_tree(notebook_code(notebook), notebook)):
        if isinstance(node, ast.Assign) and [getattr(target, "id", "") for target in node.targets] == ["tables"]:
            return ast.literal_eval(node.value)
    return []


def modules(names: Iterable[str]) -> list[Path]:
    """The files of the named modules of the package and of all they import from it."""
    todo, done = list(names), set()
    while todo:
        for path in _files(todo.pop()):
            if path not in done:
                done.add(path)
                todo += _module_imports(path)
    return sorted(done)


@cache
def _module_imports(path: Path) -> tuple[str, ...]:
    return tuple(_imported(ast.parse(path.read_text(encoding="utf-8"))))


def _imported(tree: ast.AST) -> list[str]:
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from package import name`: the name may be a module itself.
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [name for name in names if name.split(".")[0] == PACKAGE]


def _files(name: str) -> list[Path]:
    """The file of a module and the `__init__` files above it; none where the name is not a module."""
    path = ROOT.joinpath(*name.split("."))
    own = [file for file in (path.with_suffix(".py"), path / "__init__.py") if file.exists()]
    above = [parent / "__init__.py" for parent in path.parents if parent.is_relative_to(ROOT / PACKAGE)]
    return own + above if own else []


def _tree(code: str, notebook: Path) -> ast.AST:
    try:
        return ast.parse(code)
    except SyntaxError:
        # The notebook itself will say so when it runs, with its cell; here it has no imports to follow.
        return ast.Module(body=[], type_ignores=[])
