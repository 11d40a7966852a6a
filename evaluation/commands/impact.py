"""`iccp impact`: difference-in-differences on any panel."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evaluation.commands.output import AsJson, dumps, plain, show
from evaluation.errors import UserError, say
from evaluation.impact.specification import ESTIMATORS, INFERENCES

if TYPE_CHECKING:
    from evaluation.impact.design import Design
    from evaluation.impact.result import Result

# Estimators that `compare` shows unless told otherwise: those that take any design with never-treated units.
DRAWS, SEED = 9_999, 20_050_101
COMPARED = "twfe,sa,cs,bjs,did2s,etwfe,lpdid,stacked"

impact_app = typer.Typer(help=say("Estimate an effect by difference-in-differences, on any panel.", "임의의 패널에서 이중차분으로 효과를 추정합니다."), no_args_is_help=True)
Panel = Annotated[Path, typer.Argument(help=say("panel: CSV, Parquet or Stata, a row per unit and period", "패널(CSV, Parquet, Stata): 단위·시점마다 한 행"), show_default=False)]
Unit = Annotated[str, typer.Option("--unit", help=say("column of the units", "단위 열"), show_default=False)]
Time = Annotated[str, typer.Option("--time", help=say("column of the periods, whole numbers", "시점 열(정수)"), show_default=False)]
Outcome = Annotated[str, typer.Option("--outcome", help=say("column of the outcome", "결과변수 열"), show_default=False)]
Cohort = Annotated[str, typer.Option("--cohort", help=say("column of the first treated period; 0, blank or infinite: never", "처음 참여한 시점의 열. 0, 빈칸, 무한대는 미참여"), show_default=False)]
Treatment = Annotated[str, typer.Option("--treatment", help=say("in place of --cohort: a column that is 0 or 1, or a share", "--cohort 대신: 0·1 또는 비율로 적은 처치 열"), show_default=False)]
Estimator = Annotated[str, typer.Option("--estimator", help="|".join(ESTIMATORS))]
Control = Annotated[str, typer.Option("--control", help="never|notyet")]
Method = Annotated[str, typer.Option("--method", help=say("reg|ipw|dr, of estimators with covariates", "reg|ipw|dr(공변량을 쓰는 추정방법)"))]
Covariates = Annotated[str, typer.Option("--covariates", help=say("columns, joined by commas", "쉼표로 이은 열 이름"))]
Weights = Annotated[str, typer.Option("--weights", help=say("column of weights", "가중치 열"))]
Cluster = Annotated[str, typer.Option("--cluster", help=say("column of clusters; the units where left out", "군집 열(생략하면 단위)"))]
Aggregate = Annotated[str, typer.Option("--aggregate", help="simple|group|dynamic|calendar")]
Gaps = Annotated[str, typer.Option("--panel", help=say("units not seen in every period: balance (leave out) | keep | complete (what each estimator can use)", "빠진 시점이 있는 단위: balance(제외) | keep(유지) | complete(추정방법마다 쓸 수 있는 만큼)"))]
Anticipation = Annotated[int, typer.Option("--anticipation", min=0, help=say("periods before treatment in which an effect may show", "참여 전 효과가 나타날 수 있는 시점 수"))]
Before = Annotated[int | None, typer.Option("--before", min=1, help=say("event times shown before treatment", "참여 전 표시할 시점 수"), show_default=False)]
After = Annotated[int | None, typer.Option("--after", min=0, help=say("event times shown after treatment", "참여 후 표시할 시점 수"), show_default=False)]
Level = Annotated[float, typer.Option("--level", min=0.5, max=0.999, help=say("of intervals", "구간의 수준"))]
Inference = Annotated[str, typer.Option("--inference", help="|".join(INFERENCES))]
Strata = Annotated[str, typer.Option("--strata", help=say("column within which units could have changed places, for randomisation", "무작위 재배정에서 서로 바꿀 수 있는 단위를 묶는 열"))]
Size = Annotated[str, typer.Option("--size", help=say("column of unit size, for ferman-pinto", "단위 규모 열(ferman-pinto에 사용)"))]
Draws = Annotated[int, typer.Option("--draws", min=1, help=say("of a bootstrap or of reassignments", "붓스트랩 또는 재배정 횟수"))]
Seed = Annotated[int, typer.Option("--seed", min=0, help=say("of the draws", "난수 시드"))]
Statistic = Annotated[str, typer.Option("--statistic", help=say("t|coefficient, of randomisation", "t|coefficient(무작위 재배정에 사용)"))]
Dates = Annotated[bool, typer.Option("--dates", help=say("draw adoption dates too, not only who adopts", "참여 단위뿐 아니라 참여 시점도 재배정"))]
Scheduler = Annotated[str, typer.Option("--scheduler", help=say("address of a Dask scheduler; local processes where left out", "Dask 스케줄러 주소(생략하면 로컬 프로세스)"))]


@impact_app.command(help=say("Estimate one effect.", "효과 하나를 추정합니다."))
def estimate(
    panel: Panel, unit: Unit, time: Time, outcome: Outcome, cohort: Cohort = "", treatment: Treatment = "", estimator: Estimator = "cs",
    control: Control = "never", method: Method = "dr", covariates: Covariates = "", weights: Weights = "", cluster: Cluster = "",
    aggregate: Aggregate = "simple", gaps: Gaps = "balance", anticipation: Anticipation = 0, before: Before = None, after: After = None,
    level: Level = 0.95, inference: Inference = "analytic", strata: Strata = "", size: Size = "", draws: Draws = DRAWS, seed: Seed = SEED,
    statistic: Statistic = "t", dates: Dates = False, scheduler: Scheduler = "", as_json: AsJson = False,
) -> None:  # fmt: skip
    from evaluation.impact.inference import Options, infer

    plan = _design(panel, unit, time, outcome, cohort, treatment, control, method, covariates, weights, cluster, gaps, anticipation, before, after, level, strata, size)
    found = infer(plan, estimator, aggregate, inference, Options(draws, seed, statistic, dates, scheduler or None))
    if as_json:
        typer.echo(dumps(_told(found)))
        return
    typer.echo(f"{estimator}: {found.estimate:.6g} ({100 * level:g} % {say('interval', '구간')} {found.lower:.6g} … {found.upper:.6g}), se {found.se:.6g}, p {found.p:.4g}")
    typer.echo(say(f"{found.n_obs:,} rows, {found.n_units:,} units, {found.n_treated_units:,} of them treated", f"{found.n_obs:,}행, 단위 {found.n_units:,}개(참여 {found.n_treated_units:,}개)"))
    _say_more(found)


@impact_app.command("event-study", help=say("Effects by time since treatment, with their covariance.", "참여 후 경과 시점별 효과와 공분산."))
def event_study(
    panel: Panel, unit: Unit, time: Time, outcome: Outcome, cohort: Cohort = "", treatment: Treatment = "", estimator: Estimator = "cs",
    control: Control = "never", method: Method = "dr", covariates: Covariates = "", weights: Weights = "", cluster: Cluster = "",
    gaps: Gaps = "balance", anticipation: Anticipation = 0, before: Before = None, after: After = None, level: Level = 0.95,
    inference: Inference = "analytic", strata: Strata = "", size: Size = "", draws: Draws = DRAWS, seed: Seed = SEED,
    statistic: Statistic = "t", dates: Dates = False, scheduler: Scheduler = "", as_json: AsJson = False,
) -> None:  # fmt: skip
    from evaluation.impact.inference import Options, infer

    plan = _design(panel, unit, time, outcome, cohort, treatment, control, method, covariates, weights, cluster, gaps, anticipation, before, after, level, strata, size)
    found = infer(plan, estimator, "dynamic", inference, Options(draws, seed, statistic, dates, scheduler or None))
    event = found.event[~found.event["reference"]]
    if as_json:
        rows = plain(event)
        vcov = [] if found.vcov is None else found.vcov
        listed = {name: [row[name] for row in rows] for name in ("event_time", "estimate", "se")}
        typer.echo(dumps({**listed, "vcov": vcov, "estimator": estimator, "inference": found.inference, "warnings": [say(*told) for told in found.warnings]}))
        return
    show(found.event.drop(columns="reference"), estimator, False)
    _say_more(found)


@impact_app.command(help=say("Show which comparisons two-way fixed effects are made of (Goodman-Bacon).", "이원고정효과가 어떤 비교로 이루어졌는지 보여 줍니다(Goodman-Bacon)."))
def decompose(panel: Panel, unit: Unit, time: Time, outcome: Outcome, cohort: Cohort = "", treatment: Treatment = "", as_json: AsJson = False) -> None:
    from evaluation.impact.bacon import by_type, prepare
    from evaluation.impact.bacon import decompose as of_panel
    from evaluation.sources.panels import read_panel

    rows, warnings = prepare(read_panel(panel, (unit,)), unit, time, outcome, cohort or None, treatment or None)
    twfe, parts = of_panel(rows)
    if as_json:
        typer.echo(dumps({"twfe": float(twfe), "parts": plain(parts), "warnings": [say(*told) for told in warnings]}))
        return
    show(by_type(parts), "parts", False)
    typer.echo(f"twfe {twfe:.6g}")
    for told in warnings:
        typer.echo(f"{say('Note', '주의')}: {say(*told)}")


@impact_app.command(help=say("Several estimators on the same rows.", "같은 자료에 여러 추정방법을 적용합니다."))
def compare(
    panel: Panel, unit: Unit, time: Time, outcome: Outcome, cohort: Cohort = "", treatment: Treatment = "",
    estimators: Annotated[str, typer.Option("--estimators", help=say("joined by commas, of: ", "쉼표로 이어 적음: ") + "|".join(ESTIMATORS))] = COMPARED,
    control: Control = "never", method: Method = "dr", covariates: Covariates = "", weights: Weights = "", cluster: Cluster = "",
    aggregate: Aggregate = "simple", gaps: Gaps = "balance", anticipation: Anticipation = 0, before: Before = None, after: After = None,
    level: Level = 0.95, as_json: AsJson = False,
) -> None:  # fmt: skip
    from evaluation.impact.estimators import several
    from evaluation.impact.result import compare as in_one_table

    asked = tuple(dict.fromkeys(filter(None, (part.strip() for part in estimators.split(",")))))
    unknown = [name for name in asked if name not in ESTIMATORS]
    if unknown or not asked:
        listed = ", ".join(ESTIMATORS)
        raise UserError(f"--estimators is {estimators!r}; give one or more of: {listed}.", f"--estimators 값 {estimators!r}을(를) 쓸 수 없습니다. 다음 중 하나 이상을 쓰십시오: {listed}.")
    plan = _design(panel, unit, time, outcome, cohort, treatment, control, method, covariates, weights, cluster, gaps, anticipation, before, after, level)
    found, refused, faults = [], [], []
    for name in asked:
        # A fault in one takes nothing from the others; it is raised when they are shown.
        try:
            served, why = several(plan, (name,), aggregate)
        except Exception as fault:
            faults.append((name, fault))
        else:
            found, refused = [*found, *served], [*refused, *why]
    if not found and not faults:
        raise UserError("; ".join(f"{name}: {why.en}" for name, why in refused), "; ".join(f"{name}: {why.ko}" for name, why in refused))
    if as_json:
        typer.echo(dumps([_told(one) for one in found]))
    else:
        show(in_one_table(found)[["estimator", "estimate", "se", "lower", "upper", "p", "n_obs"]], "estimators", False)
        for one in found:
            for told in one.warnings:
                typer.echo(f"{one.estimator}: {say(*told)}")
    # What could not serve is said, but is no part of the answer.
    for name, why in refused:
        typer.echo(f"{name}: {why}", err=True)
    for name, fault in faults:
        typer.echo(f"{name}: {say('refused, internal error', '내부 오류로 추정하지 못함')} ({type(fault).__name__}: {fault})", err=True)
    if faults:
        raise faults[0][1]


@impact_app.command(help=say("Freeze the report's specification, before results are seen.", "결과를 보기 전에 보고서의 분석 설계를 확정합니다."))
def freeze(reason: Annotated[str, typer.Option("--reason", help=say("why it differs from the one frozen before", "먼저 확정한 설계와 달라진 이유"))] = "") -> None:
    from datetime import date

    from evaluation.impact import frozen
    from evaluation.impact.specification import complete_impact
    from evaluation.paths import SPECS, shown
    from evaluation.sources.specs import read_impact

    path = SPECS / "impact.frozen.yml"
    entry = frozen.freeze(path, complete_impact(read_impact()), date.today().isoformat(), reason)
    typer.echo(say(f"Frozen on {entry['on']}: {entry['hash'][:16]} ({shown(path)}). Commit the file.", f"{entry['on']} 확정: {entry['hash'][:16]} ({shown(path)}). 이 파일을 커밋하십시오."))


def _design(
    panel: Path, unit: str, time: str, outcome: str, cohort: str, treatment: str, control: str, method: str, covariates: str, weights: str, cluster: str,
    gaps: str, anticipation: int, before: int | None, after: int | None, level: float, strata: str = "", size: str = "",
) -> "Design":  # fmt: skip
    from evaluation.impact.design import design
    from evaluation.sources.panels import read_panel

    named = tuple(filter(None, (part.strip() for part in covariates.split(","))))
    return design(
        read_panel(panel, (unit,)), unit, time, outcome, cohort or None, treatment or None, covariates=named, weights=weights or None, cluster=cluster or None,
        strata=strata or None, size=size or None, control=control, method=method, panel=gaps, anticipation=anticipation, before=before, after=after, level=level,
    )  # fmt: skip


def _told(found: "Result") -> dict:
    """A result as the JSON of `estimate`."""

    return {
        "estimate": found.estimate, "se": found.se, "ci": [found.lower, found.upper], "p": found.p,
        "estimator": found.estimator, "aggregate": found.aggregate, "inference": found.inference, "df": found.df, "n_obs": found.n_obs,
        "n_units": found.n_units, "n_treated_units": found.n_treated_units, "estimand": say(*found.estimand),
        "groups": plain(found.groups), "warnings": [say(*told) for told in found.warnings],
    }  # fmt: skip


def _say_more(found: "Result") -> None:
    if not found.groups.empty:
        show(found.groups, "groups", False)
    typer.echo(f"{say('Estimated', '추정 대상')}: {say(*found.estimand)}")
    typer.echo(f"{say('Inference', '추론')}: {found.inference}")
    for told in found.warnings:
        typer.echo(f"{say('Note', '주의')}: {say(*told)}")
