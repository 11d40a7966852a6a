"""Which files of this project a task's result depends on, read from the import statements themselves.

Nobody has to keep a list: a module of the package or beside the notebooks that is imported, directly or
through another, is a dependency.
"""

import ast
import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from evaluation.errors import UserError
from evaluation.paths import NOTEBOOKS, ROOT, shown
from evaluation.sources.tables import TABLES

PACKAGE = "evaluation"


def notebook_code(notebook: Path) -> str:
    """All code of a notebook as one text; magics are left out."""
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    except FileNotFoundError:
        raise UserError(
            f"{shown(notebook)} is not there. `git checkout -- notebooks` restores what ships.",
            f"{shown(notebook)} 파일이 없습니다. `git checkout -- notebooks`로 배포본을 복원할 수 있습니다.",
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{shown(notebook)} is not readable as a notebook ({error}). Open and save it in JupyterLab, or restore it with git.",
            f"{shown(notebook)} 파일을 노트북으로 읽을 수 없습니다({error}). JupyterLab에서 다시 저장하거나 git으로 되돌리십시오.",
        ) from None
    lines = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code").splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith(("%", "!")))


def notebook_modules(notebook: Path) -> list[Path]:
    """The project's files that a notebook imports, directly or through others."""
    return modules(_imported(_tree(notebook_code(notebook), notebook), ""))


def notebook_tables(notebook: Path) -> list[str]:
    """The input tables a notebook uses: its parameter `tables`."""
    for node in ast.walk(_tree(notebook_code(notebook), notebook)):
        if isinstance(node, ast.Assign) and [getattr(target, "id", "") for target in node.targets] == ["tables"]:
            return _listed(node.value, notebook)
    return []


def _listed(value: ast.AST, notebook: Path) -> list[str]:
    try:
        names = ast.literal_eval(value)
        unknown = [name for name in names if name not in TABLES]
    except (ValueError, TypeError):
        names, unknown = [], [ast.unparse(value)]
    if unknown:
        listed = ", ".join(map(str, unknown))
        raise UserError(
            f"{shown(notebook)}: `tables` must be a plain list of input tables; not one: {listed}. There are: {', '.join(TABLES)}.",
            f"{shown(notebook)}: `tables`에는 입력 표 이름만 나열해야 합니다. 잘못된 값: {listed}. 쓸 수 있는 표: {', '.join(TABLES)}.",
        )
    return names


def modules(names: Iterable[str]) -> list[Path]:
    """The files of the named modules, of the package or beside the notebooks, and of all they import from there."""
    todo, done = list(names), set()
    while todo:
        for path in _files(todo.pop()):
            if path not in done:
                done.add(path)
                todo += _module_imports(path)
    return sorted(done)


@cache
def _module_imports(path: Path) -> tuple[str, ...]:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise UserError(
            f"{shown(path)}, line {error.lineno}: {error.msg}.", f"{shown(path)} {error.lineno}행: 문법 오류({error.msg})."
        ) from None
    inside = path.relative_to(ROOT) if path.is_relative_to(ROOT / PACKAGE) else Path(path.name)
    return tuple(_imported(tree, ".".join(inside.parts[:-1])))


def _imported(tree: ast.AST, package: str) -> list[str]:
    """The modules a tree imports; `package` is what relative imports start from."""
    names = []
    for node in _statements(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            # `from package import name`: the name may be a module itself.
            names += [module, *(f"{module}.{alias.name}" for alias in node.names)]
    return names


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """All statements, however deep; expressions hold no imports, and there are ten times as many of them."""
    todo = [tree]
    while todo:
        node = todo.pop()
        for part in ("body", "orelse", "finalbody", "handlers", "cases"):
            inside = getattr(node, part, None)
            if isinstance(inside, list):
                todo += inside
                yield from inside


@cache
def _files(name: str) -> list[Path]:
    """The file of a module and the `__init__` files above it; none where the name is no module of the project."""
    home = ROOT if name.split(".")[0] == PACKAGE else NOTEBOOKS
    path = home.joinpath(*name.split("."))
    own = [file for file in (path.with_suffix(".py"), path / "__init__.py") if file.exists()]
    above = [parent / "__init__.py" for parent in path.parents if parent.is_relative_to(home) and parent != home]
    return own + [file for file in above if file.exists()] if own else []


def _tree(code: str, notebook: Path) -> ast.AST:
    try:
        return ast.parse(code)
    except SyntaxError:
        # The notebook itself will say so when it runs, with its cell; here it has no imports to follow.
        return ast.Module(body=[], type_ignores=[])
