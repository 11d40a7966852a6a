"""`iccp index`: any index, from a scheme and a long table."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evaluation.commands.output import AsJson, dumps, plain, show
from evaluation.errors import say

if TYPE_CHECKING:
    import pandas as pd

index_app = typer.Typer(help=say("Score any index: a scheme (YAML) on a long table.", "임의의 지수를 평가체계(YAML)와 자료(긴 형식)로 산출합니다."), no_args_is_help=True)
Scheme = Annotated[Path, typer.Option("--scheme", help=say("YAML file of the scheme", "평가체계 YAML 파일"))]
Data = Annotated[Path, typer.Option("--data", help=say("long table (CSV, Parquet, .xlsx): unit, indicator, value[, evaluator, item, target, respondent]", "긴 형식의 표(CSV, Parquet, .xlsx): unit, indicator, value[, evaluator, item, target, respondent]"))]


@index_app.command(help=say("Score, rank and grade of every unit at every node of the scheme.", "평가체계의 모든 단계에서 단위별 점수·순위·등급을 산출합니다."))
def score(scheme: Scheme, data: Data, as_json: AsJson = False) -> None:
    from evaluation.index.scheme import complete_tree
    from evaluation.index.tree import score_tree
    from evaluation.paths import shown
    from evaluation.sources.long import read_long
    from evaluation.sources.specs import read_yaml

    scores = score_tree(complete_tree(read_yaml(scheme), shown(scheme)), read_long(data))
    show(scores, "scores", as_json)


@index_app.command(help=say("How far the ranking depends on evaluators, respondents and weights.", "순위가 평가위원·응답자·가중치에 얼마나 좌우되는지 계산합니다."))
def robustness(
    scheme: Scheme,
    data: Data,
    draws: Annotated[int, typer.Option("--draws", min=100, help=say("how many draws", "추출 횟수"))] = 10_000,
    seed: Annotated[int, typer.Option("--seed", min=0, help=say("of the random numbers", "난수 시드"))] = 1,
    concentration: Annotated[float, typer.Option("--concentration", min=0, help=say("of the Dirichlet distribution around the weights; 0 leaves them as they are", "가중치 주위 디리클레 분포의 집중도(0이면 가중치를 바꾸지 않음)"))] = 100.0,
    level: Annotated[float, typer.Option("--level", min=0.5, max=0.999, help=say("of the intervals", "구간의 수준"))] = 0.90,
    points: Annotated[int, typer.Option("--points", min=0, help=say("of the Sobol' indices, a power of 2; 0 leaves them out", "소볼 지수의 점 수(2의 거듭제곱, 0이면 생략)"))] = 1024,
    as_json: AsJson = False,
) -> None:
    import pandas as pd

    from evaluation.index.robustness import robustness as of_scheme
    from evaluation.index.scheme import complete_tree
    from evaluation.paths import shown
    from evaluation.sources.long import read_long
    from evaluation.sources.specs import read_yaml

    found = of_scheme(complete_tree(read_yaml(scheme), shown(scheme)), read_long(data), draws, seed, concentration or None, level, points)
    if as_json:
        typer.echo(dumps({name: plain(value) if isinstance(value, pd.DataFrame) else [say(*told) for told in value] if name == "warnings" else value for name, value in found.items()}))
        return
    for told in found["warnings"]:
        typer.echo(f"{say('Note', '주의')}: {say(*told)}", err=True)
    for title, frame in _in_words(found):
        if not frame.empty:
            typer.echo(title)
            show(frame, title, False)
            typer.echo("")


def _in_words(found: dict) -> list[tuple[str, "pd.DataFrame"]]:
    """What `iccp index robustness` shows a person: less than the JSON holds, and no wider than a terminal."""
    import pandas as pd

    from evaluation.index.sensitivity import REASONS

    def between(frame: pd.DataFrame, stem: str, digits: int = 1) -> list[str]:
        return [f"{lower:.{digits}f}–{upper:.{digits}f}" for lower, upper in zip(frame[f"{stem}_lower"], frame[f"{stem}_upper"], strict=True)]

    units = found["units"]
    told = units[["unit", "score"]].assign(interval=between(units, "total"), rank=units["rank"], ranks=between(units, "rank", 0), first=[f"{100 * share:.0f} %" for share in units["first"]])
    bands = [column for column in units if column.startswith("grade_")]
    if bands:
        told["grade"] = units["grade"]
        told["grades"] = [", ".join(f"{band[6:]} {100 * row[band]:.0f} %" for band in bands if row[band] >= 0.005) for row in units.to_dict("records")]
    out = [(say("Total and rank, with their intervals", "총점·순위와 구간"), told)]
    if not found["swaps"].empty:
        swaps = found["swaps"][found["swaps"]["version"] == "any"]
        reasons = [say(*REASONS[reason]) if reason in REASONS else "" for reason in swaps["reason"]]
        out.append((say("Smallest change of weights (points) that makes neighbours equal", "이웃한 두 단위의 총점이 같아지는 최소 가중치 변화(%p)"), swaps[["ahead", "behind", "gap", "moved", "from", "to"]].assign(note=reasons)))
        out.append((say("How far each weight may go alone before a rank changes", "순위가 바뀌지 않는 가중치 범위"), found["stability"][["component", "weight", "lower", "upper"]]))
        changed = found["without"][found["without"]["rank_change"] != 0]
        moves = [(name, ", ".join(f"{row.unit} {row.rank_change:+d}" for row in own.itertuples())) for name, own in changed.groupby("without", sort=False)]
        out.append((say("Changes of rank where a component is left out", "구성요소를 하나 뺄 때의 순위 변화"), pd.DataFrame(moves, columns=["without", "ranks"])))
    if not found["choices"].empty:
        out.append((say(f"Ranks under all {found['choices']['combinations'].iloc[0]} combinations of choices", f"선택 조합 {found['choices']['combinations'].iloc[0]}가지 전체에서의 순위"), found["choices"][["unit", "best", "median", "worst", "most"]]))
    out.append((say("Choices that these data do not allow", "자료상 쓸 수 없는 선택지"), found["choices_left_out"]))
    if not found["sobol"].empty:
        shift = found["sobol"][found["sobol"]["output"] == "shift"]
        shares = shift[["input"]].assign(first=shift["first"].round(2), first_interval=between(shift, "first", 2), total=shift["total"].round(2), total_interval=between(shift, "total", 2))
        out.append((say("Shares of the mean shift of ranks (Sobol' indices)", "평균 순위 변동의 요인별 몫(소볼 지수)"), shares))
    drivers = found["drivers"] if found["drivers"].empty else found["drivers"].assign(units=[", ".join(names) for names in found["drivers"]["units"]])
    out.append((say("Evaluators whose leaving changes a rank", "빠지면 순위가 바뀌는 평가위원"), drivers))
    return out


@index_app.command(help=say("How severe evaluators are and how far they agree.", "평가위원의 엄격도와 일치도를 계산합니다."))
def agreement(
    data: Data,
    indicator: Annotated[str, typer.Option("--indicator", help=say("marks of this indicator only", "이 지표의 점수만"), show_default=False)] = "",
    draws: Annotated[int, typer.Option("--draws", min=100, help=say("of the bootstrap", "부트스트랩 횟수"))] = 1_000,
    seed: Annotated[int, typer.Option("--seed", min=0, help=say("of the random numbers", "난수 시드"))] = 1,
    as_json: AsJson = False,
) -> None:
    from evaluation.index.agreement import agreement_of
    from evaluation.sources.long import read_long

    found = agreement_of(read_long(data), indicator, draws, seed)
    if as_json:
        typer.echo(dumps({name: plain(value) if hasattr(value, "to_dict") and hasattr(value, "columns") else value for name, value in found.items()}))
        return
    for name in ("measures", "icc", "severity"):
        show(found[name], name, False)
        typer.echo("")
