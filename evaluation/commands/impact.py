"""`iccp impact`: difference-in-differences on any panel."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evaluation.commands.output import AsJson, dumps, plain, show
from evaluation.errors import UserError, say
from evaluation.impact.specification import ESTIMATORS, INFERENCES

if TYPE_CHECKING:
    from evaluation.impact.design import Design
    from evaluation.impact.inference.simulate import Errors
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
Draws = Annotated[int, typer.Option("--draws", min=1, max=100_000, help=say("of a bootstrap or of reassignments", "부트스트랩 또는 재배정 횟수"))]
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
        listed = {name: [row[name] for row in rows] for name in ("event_time", "estimate", "se", "lower", "upper")}
        typer.echo(dumps({**listed, "vcov": vcov, "level": level, "df": found.df, "band": found.band, "estimator": estimator, "inference": found.inference, "warnings": [say(*told) for told in found.warnings]}))
        return
    show(found.event.drop(columns="reference"), estimator, False)
    _say_more(found)


@impact_app.command(help=say("Show which comparisons two-way fixed effects are made of (Goodman-Bacon).", "이원고정효과가 어떤 비교로 이루어졌는지 보여 줍니다(Goodman-Bacon)."))
def decompose(panel: Panel, unit: Unit, time: Time, outcome: Outcome, cohort: Cohort = "", treatment: Treatment = "", weights: Weights = "", as_json: AsJson = False) -> None:
    from evaluation.impact.bacon import by_type, prepare
    from evaluation.impact.bacon import decompose as of_panel
    from evaluation.sources.panels import read_panel

    rows, warnings = prepare(read_panel(panel, (unit,)), unit, time, outcome, cohort or None, treatment or None, weights or None)
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
    level: Level = 0.95, inference: Inference = "analytic", strata: Strata = "", size: Size = "", draws: Draws = DRAWS, seed: Seed = SEED,
    statistic: Statistic = "t", dates: Dates = False, scheduler: Scheduler = "", as_json: AsJson = False,
) -> None:  # fmt: skip
    from evaluation.impact.inference import Options, infer
    from evaluation.impact.result import compare as in_one_table

    asked = tuple(dict.fromkeys(filter(None, (part.strip() for part in estimators.split(",")))))
    unknown = [name for name in asked if name not in ESTIMATORS]
    if unknown or not asked:
        listed = ", ".join(ESTIMATORS)
        raise UserError(f"--estimators is {estimators!r}; give one or more of: {listed}.", f"--estimators 값 {estimators!r}을(를) 쓸 수 없습니다. 다음 중 하나 이상을 쓰십시오: {listed}.")
    plan = _design(panel, unit, time, outcome, cohort, treatment, control, method, covariates, weights, cluster, gaps, anticipation, before, after, level, strata, size)
    found, refused, faults = [], [], []
    for name in asked:
        # A fault in one takes nothing from the others; it is raised when they are shown.
        try:
            found.append(infer(plan, name, aggregate, inference, Options(draws, seed, statistic, dates, scheduler or None)))
        except UserError as why:
            refused.append((name, why))
        except Exception as fault:
            faults.append((name, fault))
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


@impact_app.command(help=say("How inference does on the report's own design: simulates panels like it, once, outside the report's time.", "보고서의 설계와 같은 패널을 모의 생성하여 추론방법의 성능을 확인합니다(보고서 작성과 별도로 한 번)."))
def prove(year: Annotated[int | None, typer.Argument(help=say("evaluation year", "평가연도"), show_default=False)] = None, scheduler: Scheduler = "") -> None:
    from time import monotonic

    from evaluation.executor import on_stderr
    from evaluation.impact.credibility import own_errors, own_setting
    from evaluation.impact.inference import simulate as simulation
    from evaluation.impact.panel import estimation_panel, panel_design
    from evaluation.impact.specification import complete_impact
    from evaluation.paths import PROOF, shown
    from evaluation.sources.kept import read_proofs
    from evaluation.sources.specs import read_impact, read_report
    from evaluation.sources.store import open_inputs

    year = year or int(read_report()["default_year"])
    spec, tables = complete_impact(read_impact()), ["panel", "complexes", "price_index"]
    inputs, outcome = open_inputs(year, tables).tables, spec["outcomes"][0]
    plan = panel_design(estimation_panel(*(inputs[name] for name in tables), outcome, spec)[0], spec, outcome["window"])
    asked, settings = own_setting(plan)
    if simulation.cached(settings, read_proofs()) is not None:
        typer.echo(say("Nothing to do: the result of this design is kept already.", "이 설계의 결과가 이미 있습니다."))
        return
    began = monotonic()
    found = simulation.simulate(plan, own_errors(plan), **asked, scheduler=scheduler or None, progress=on_stderr(say("panels", "패널")))
    PROOF.mkdir(parents=True, exist_ok=True)
    place = PROOF / f"{year}-{outcome['id']}.json"
    kept = simulation.record(found, settings, f"iccp impact prove {year}", monotonic() - began)
    new = place.with_suffix(".new")
    new.write_text(dumps(kept, indent=1) + "\n", encoding="utf-8")
    new.replace(place)
    show(found[["inference", "cohort", "effect", "coverage", "rejection", "rejection_mcse", "refused"]], "tests", False)
    typer.echo(say(f"Kept in {shown(place)}; the report prints it from now on.", f"{shown(place)}에 저장하였습니다. 이제 보고서에 실립니다."))


@impact_app.command(help=say("Freeze the report's specification, before results are seen.", "결과를 보기 전에 보고서의 분석 설계를 확정합니다."))
def freeze(reason: Annotated[str, typer.Option("--reason", help=say("why it differs from the one frozen before", "먼저 확정한 설계와 달라진 이유"))] = "") -> None:
    from datetime import date

    from evaluation.impact import frozen
    from evaluation.impact.specification import complete_impact
    from evaluation.sources.kept import read_frozen, write_frozen
    from evaluation.sources.specs import read_impact

    before = frozen.checked(read_frozen())
    entry = frozen.freeze(before, complete_impact(read_impact()), date.today().isoformat(), reason)
    write_frozen([*before, entry])
    typer.echo(say(f"Frozen on {entry['on']}: {entry['hash'][:16]} ({frozen.WHERE}). Commit the file.", f"{entry['on']} 확정: {entry['hash'][:16]} ({frozen.WHERE}). 이 파일을 커밋하십시오."))


Betas = Annotated[Path, typer.Option("--betas", help=say("CSV without a header: coefficients in event-time order, without the reference period", "머리글 없는 CSV: 경과 시점순 계수(기준 시점 제외)"), show_default=False)]
Vcov = Annotated[Path, typer.Option("--vcov", help=say("CSV without a header: their covariance", "머리글 없는 CSV: 계수의 공분산 행렬"), show_default=False)]
Pre = Annotated[int, typer.Option("--pre", help=say("how many of the coefficients lie before treatment", "참여 전 계수의 수"), show_default=False)]


@impact_app.command(help=say("Robust intervals under bounds on violations of parallel trends (Rambachan and Roth).", "평행추세 위반에 한계를 둔 강건한 신뢰구간(Rambachan·Roth)."))
def honest(
    betas: Betas, vcov: Vcov, pre: Pre,
    method: Annotated[str, typer.Option("--method", help=say("rm (bounds relative to changes before treatment) | sd (bounds on changes of slope)", "rm(참여 전 변화의 배수) | sd(기울기 변화의 한계)"))] = "rm",
    bounds: Annotated[str | None, typer.Option("--bounds", help=say("joined by commas; 0.5,1,1.5,2 for rm where left out", "쉼표로 이은 한계값(rm은 생략하면 0.5,1,1.5,2)"), show_default=False)] = None,
    weights: Annotated[str, typer.Option("--weights", help=say("of the effects after treatment: numbers joined by commas, a file, or average; the first period where left out", "참여 후 효과의 가중치: 쉼표로 이은 숫자, 파일, 또는 average(생략하면 첫 시점)"))] = "",
    restriction: Annotated[str, typer.Option("--restriction", help=say("on the violation: positive|negative (after treatment) | increasing|decreasing", "위반의 방향: positive|negative(참여 후 부호) | increasing|decreasing(증감)"))] = "",
    drift: Annotated[bool, typer.Option("--drift", help=say("with rm: bound changes of slope by those before treatment", "rm에서 변화 대신 기울기의 변화를 비교"))] = False,
    inference: Annotated[str, typer.Option("--inference", help=say("c-lf|conditional (rm), flci|c-f|c-lf|conditional (sd); as recommended where left out", "c-lf|conditional(rm), flci|c-f|c-lf|conditional(sd). 생략하면 권고 방법"))] = "",
    level: Level = 0.95, as_json: AsJson = False,
) -> None:  # fmt: skip
    from evaluation.impact.sensitivity import honest as of
    from evaluation.sources.matrices import read_numbers

    found, covariance = _coefficients(betas), read_numbers(vcov)
    how = {"restriction": restriction or None, "drift": drift, "inference": inference or None, "level": level}
    after = len(found) - pre
    chosen = None if not weights else [1 / after] * after if weights == "average" and after > 0 else _listed(weights, "--weights")
    of.settled(pre, method, **how)
    if bounds is None and method != "rm":
        raise UserError("Give --bounds: with sd they are in the unit of the coefficients.", "--bounds를 지정하십시오. sd의 한계값은 계수와 같은 단위입니다.")
    frame = of.honest(found, covariance, pre, method, _numbers("0.5,1,1.5,2" if bounds is None else bounds, "--bounds"), chosen, **how)
    if pre == 1:
        typer.echo(say(
            "Note: one coefficient before treatment gives one change only; nothing shows how much changes vary from period to period.",
            "주의: 참여 전 계수가 하나여서 변화도 하나뿐이다. 변화가 시점마다 얼마나 다른지는 알 수 없다.",
        ), err=True)  # fmt: skip
    if chosen is not None and abs(sum(chosen) - 1) > 1e-6:
        typer.echo(say(f"Note: the weights add up to {sum(chosen):g}, not 1: the intervals are for that combination, not an average.", f"주의: 가중치의 합이 1이 아니라 {sum(chosen):g}이다. 구간은 평균이 아니라 그 결합에 대한 것이다."), err=True)
    if frame[["lower", "upper"]].isna().any(axis=None):
        typer.echo(say("Note: at some bounds no value is accepted: the coefficients before treatment speak against them.", "주의: 일부 한계값에서는 받아들여지는 값이 없다. 참여 전 계수가 그 가정과 맞지 않는다."), err=True)
    if as_json:
        typer.echo(dumps(plain(frame)))
        return
    show(frame, "bounds", False)
    most = of.breakdown(found, covariance, pre, method, chosen, **how)
    typer.echo(f"{say('breakdown value', '붕괴값')}: {most:.4g}" if most == most else f"{say('breakdown value', '붕괴값')}: {say('none', '없음')}")
    typer.echo(_in_a_sentence(method, drift, most))


def _in_a_sentence(method: str, drift: bool, most: float) -> str:
    """What the breakdown value means."""
    if most != most:
        return say("The interval includes 0 even at a bound of 0.", "한계값이 0이어도 구간이 0을 포함한다.")
    if most == float("inf"):
        return say("No bound tried makes the interval include 0.", "시도한 어떤 한계값에서도 구간이 0을 포함하지 않는다.")
    if method == "sd":
        return say(f"An effect other than 0 is concluded as long as the slope of the difference in trends changes by no more than {most:.3g} from one period to the next.", f"추세 차이의 기울기가 한 기간에 {most:.3g} 이하로 변하는 한 효과가 0이 아니라고 할 수 있다.")
    what = ("change of slope", "기울기 변화") if drift else ("change", "변화")
    return say(
        f"An effect other than 0 is concluded as long as no {what[0]} of the difference in trends after treatment exceeds {most:.3g} times the largest before it.",
        f"참여 후 추세 차이의 {what[1]}가 참여 전 최대 {what[1]}의 {most:.3g}배를 넘지 않는 한 효과가 0이 아니라고 할 수 있다.",
    )


@impact_app.command(help=say("What a test of trends before treatment could have found (Roth 2022).", "사전 추세 검정이 무엇을 찾아낼 수 있었는지 계산합니다(Roth 2022)."))
def pretrends(
    betas: Betas, vcov: Vcov, pre: Pre,
    times: Annotated[str, typer.Option("--times", help=say("event times of the coefficients, joined by commas; -(pre+1) to -2, then from 0 where left out", "쉼표로 이은 계수의 경과 시점(생략하면 -(pre+1)~-2, 0부터)"), show_default=False)] = "",
    level: Level = 0.95, as_json: AsJson = False,
) -> None:  # fmt: skip
    import pandas as pd

    from evaluation.impact.sensitivity.pretrends import pretrends as of
    from evaluation.sources.matrices import read_numbers

    found = of(_coefficients(betas), read_numbers(vcov), pre, _numbers(times, "--times") if times else None, level)
    for target in ("50", "80"):
        if found[f"slope{target}"] != found[f"slope{target}"]:
            typer.echo(say(
                f"Note: no slope is found {target} % of the time, since chance alone finds one in {100 * found['size']:.3g} % at this level.",
                f"주의: 이 수준에서는 추세 차이가 없어도 {100 * found['size']:.3g}%를 찾아내므로 {target}% 찾아내는 기울기가 없다.",
            ), err=True)  # fmt: skip
    lists = {name: value for name, value in found.items() if isinstance(value, list)}
    if as_json:
        alone = plain(pd.DataFrame([{name: value for name, value in found.items() if name not in lists}]))[0]
        typer.echo(dumps(alone | lists))
        return
    verdict = say("passed", "통과") if found["passed"] else say("not passed", "통과하지 못함")
    typer.echo(f"{say('Pre-test', '사전 검정')}: {verdict} ({say('significant coefficients', '유의한 계수')}: {found['significant']}); Wald {found['wald']:.4g}, df {found['wald_df']}, p {found['wald_p']:.4g}")
    names = {"slope": say("slope", "기울기"), "power": say("power", "검정력"), "bayes_factor": say("Bayes factor", "베이즈 인자"), "likelihood_ratio": say("likelihood ratio", "가능도비")}
    show(pd.DataFrame([{name: found[f"{key}{target}"] for key, name in names.items()} for target in ("50", "80")]), "slopes", False)
    show(pd.DataFrame({say("event time", "경과 시점"): lists["times"], **{key: lists[key] for key in ("bias50", "mean50", "bias80", "mean80")}}), "bias", False)
    typer.echo(say(
        f"A difference in trends that grows by {found['slope50']:.3g} each period would be found only half the time, and by {found['slope80']:.3g} four times of five; bias is what it adds to each effect, mean the estimate to expect where the pre-test is passed and there is no effect.",
        f"추세 차이가 기간마다 {found['slope50']:.3g}씩 커져도 사전 검정은 절반만, {found['slope80']:.3g}씩이면 다섯 번 중 네 번 찾아낸다. bias는 그때 효과마다 더해지는 편향, mean은 효과가 없고 사전 검정을 통과했을 때의 평균 추정치이다.",
    ))  # fmt: skip


def _coefficients(path: Path) -> list[float]:
    """Coefficients from a file with one row or one column."""
    from evaluation.paths import shown
    from evaluation.sources.matrices import read_numbers

    found = read_numbers(path)
    if 1 not in found.shape:
        rows, columns = found.shape
        raise UserError(f"{shown(path)} is {rows} x {columns}; give the coefficients in one row or one column.", f"{shown(path)}은(는) {rows} x {columns}입니다. 계수를 한 행이나 한 열에 적으십시오.")
    return found.ravel().tolist()


def _numbers(text: str, name: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise UserError(f"{name} is {text!r}; give numbers joined by commas.", f"{name} 값이 {text!r}입니다. 숫자를 쉼표로 이어 적으십시오.") from None


def _listed(text: str, name: str) -> list[float]:
    """Numbers joined by commas, or those of a file."""
    numbers = "," in text or text.strip().lstrip("+-")[:1].isdigit()
    return _numbers(text, name) if numbers and not Path(text).is_file() else _coefficients(Path(text))


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
        "groups": plain(found.groups), "diagnostics": found.diagnostics, "warnings": [say(*told) for told in found.warnings],
    }  # fmt: skip


def _say_more(found: "Result") -> None:
    if not found.groups.empty:
        show(found.groups, "groups", False)
    if found.diagnostics:
        typer.echo(", ".join(f"{name} {value:.6g}" for name, value in found.diagnostics.items()))
    typer.echo(f"{say('Estimated', '추정 대상')}: {say(*found.estimand)}")
    typer.echo(f"{say('Inference', '추론')}: {found.inference}")
    for told in found.warnings:
        typer.echo(f"{say('Note', '주의')}: {say(*told)}")


# What `simulate` puts beside each other unless told otherwise, and how often.
SIMULATED, SAMPLES, WITHIN = "recommended,analytic", 500, 199
Planned = Annotated[Path | None, typer.Option("--design", help=say("YAML file of a design without data (docs/examples/few_treated.yml)", "자료가 없는 설계의 YAML 파일(docs/examples/few_treated.yml)"), show_default=False)]


@impact_app.command(help=say("Size, coverage and power of inference methods on panels drawn like yours.", "주어진 패널과 같은 자료를 반복 생성하여 추론방법의 크기, 포함률, 검정력을 확인합니다."))
def simulate(
    panel: Annotated[Path | None, typer.Argument(help=say("panel as in estimate; or --design", "estimate와 같은 패널(또는 --design)"), show_default=False)] = None,
    unit: Unit = "", time: Time = "", outcome: Outcome = "", cohort: Cohort = "",
    estimators: Annotated[str, typer.Option("--estimators", help=say("joined by commas, of: ", "쉼표로 이어 적음: ") + "|".join(ESTIMATORS))] = "cs",
    inferences: Annotated[str, typer.Option("--inferences", help=say("joined by commas, of: ", "쉼표로 이어 적음: ") + "|".join(INFERENCES))] = SIMULATED,
    effect: Annotated[str, typer.Option("--effect", help=say("effects at which power is shown, joined by commas; 0 is always among them", "검정력을 볼 효과(쉼표로 이어 적음). 0은 항상 포함"))] = "0",
    samples: Annotated[int, typer.Option("--samples", min=2, help=say("panels drawn", "생성할 패널 수"))] = SAMPLES,
    seed: Seed = SEED, level: Level = 0.95,
    by_cohort: Annotated[bool, typer.Option("--by-cohort", help=say("each cohort by itself too", "참여 시점별로도 계산"))] = False,
    planned: Planned = None, control: Control = "never", method: Method = "dr", covariates: Covariates = "", weights: Weights = "", cluster: Cluster = "", strata: Strata = "", size: Size = "",
    gaps: Gaps = "balance", anticipation: Anticipation = 0,
    ar: Annotated[float | None, typer.Option("--ar", help=say("autocorrelation, in place of the estimate", "자기상관(추정값 대신)"), show_default=False)] = None,
    icc: Annotated[float | None, typer.Option("--icc", help=say("share of the variance that a cluster has in common, in place of the estimate", "군집이 공유하는 분산 비율(추정값 대신)"), show_default=False)] = None,
    sd: Annotated[float | None, typer.Option("--sd", help=say("standard deviation of errors, in place of the estimate", "오차의 표준편차(추정값 대신)"), show_default=False)] = None,
    draws: Annotated[int, typer.Option("--draws", min=1, max=100_000, help=say("of a bootstrap or of reassignments within each sample; fewer than in estimate, to save time", "표본마다의 부트스트랩·재배정 횟수. 시간을 줄이려고 estimate보다 적음"))] = WITHIN,
    scheduler: Scheduler = "",
    progress: Annotated[bool, typer.Option("--progress/--no-progress", help=say("say on standard error how far it is, after a second", "1초가 지나면 진행 상황을 표준오류에 표시"))] = True,
    output: Annotated[Path | None, typer.Option("--output", "-o", help=say("JSON file to keep the result in, with the command and the versions", "결과를 명령, 버전과 함께 보관할 JSON 파일"), show_default=False)] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    import shlex
    import sys
    from dataclasses import asdict
    from time import monotonic

    from evaluation.executor import on_stderr
    from evaluation.impact.inference import simulate as simulation

    if (panel is None) == (planned is None):
        raise UserError("Give either a panel or --design.", "패널과 --design 가운데 하나만 지정하십시오.")
    if output is not None and not output.parent.is_dir():
        raise UserError(f"The folder of {output} is not there. Make it first.", f"{output}의 폴더가 없습니다. 먼저 만드십시오.")
    if panel is not None:
        missing = [name for name, value in (("--unit", unit), ("--time", time), ("--outcome", outcome), ("--cohort", cohort)) if not value]
        if missing:
            raise UserError(f"{', '.join(missing)} is missing.", f"{', '.join(missing)}을(를) 지정하십시오.")
        plan = _design(panel, unit, time, outcome, cohort, "", control, method, covariates, weights, cluster, gaps, anticipation, None, None, level, strata, size)
        errors, more, told = simulation.errors_of(plan, ar, sd, icc)
    else:
        plan, errors = _planned(planned, level, ar=ar, sd=sd, icc=icc)
        more, told = {}, []
    began = monotonic()
    asked = {"estimators": _named(estimators), "inferences": _named(inferences), "effects": _numbers(effect, "--effect"), "samples": samples, "seed": seed, "by_cohort": by_cohort, "draws": draws}
    found = simulation.simulate(plan, errors, **asked, scheduler=scheduler or None, progress=on_stderr(say("panels", "패널")) if progress else None)
    seconds = monotonic() - began
    if (found["refused"] == found["samples"]).all():
        raise UserError(f"No panel gave a result. {found['reason'].iloc[0]}", f"결과를 낸 패널이 없습니다. {found['reason'].iloc[0]}")
    kept = simulation.record(found, simulation.setting(plan, errors, **asked), shlex.join(["iccp", *sys.argv[1:]]), seconds)
    if output is not None:
        output.write_text(dumps(kept, indent=1) + "\n", encoding="utf-8")
    if as_json:
        for row in found[found["refused"] > 0].drop_duplicates(["estimator", "inference", "cohort"]).itertuples():
            typer.echo(f"{row.estimator}, {row.inference}, {row.cohort}: {row.reason}", err=True)
        typer.echo(dumps({**kept, "errors": asdict(errors) | more, "level": level, "warnings": [say(*one) for one in (*plan.warnings, *told)]}))
        return
    names = ["estimator", "inference", "cohort", "effect"]
    show(found[found["inference"] == found["inference"].iloc[0]][[*names[:1], *names[2:], "bias", "bias_mcse", "sd", "sd_mcse"]], "estimates", False)
    # Rejection of no effect: the size of the test where there is none, else its power.
    words = {"rejection": say("size/power", "크기·검정력"), "rejection_mcse": "mcse"}
    show(found[[*names, "se", "coverage", "rejection", "rejection_mcse", "refused"]].rename(columns=words), "tests", False)
    for row in found[found["reason"] != ""].drop_duplicates(["estimator", "inference", "cohort"]).itertuples():
        typer.echo(f"{row.estimator}, {row.inference}, {row.cohort}: {row.reason}")
    typer.echo(say(
        f"{samples:,} panels, {draws:,} draws within each, {seconds:.0f} s. Errors: autocorrelation {errors.ar:.3g}, sd {errors.sd:.4g}, shared within clusters {errors.icc:.3g}.",
        f"패널 {samples:,}개, 패널마다 재배정·부트스트랩 {draws:,}회, {seconds:.0f}초. 오차: 자기상관 {errors.ar:.3g}, 표준편차 {errors.sd:.4g}, 군집 공유 비율 {errors.icc:.3g}.",
    ))  # fmt: skip
    for one in (*plan.warnings, *told):
        typer.echo(f"{say('Note', '주의')}: {say(*one)}")


@impact_app.command(help=say("Minimum detectable effect of a design, before there are data.", "자료를 얻기 전에 설계의 최소검출효과를 계산합니다."))
def power(
    planned: Planned = None, estimator: Estimator = "cs",
    inference: Annotated[str, typer.Option("--inference", help="|".join(INFERENCES))] = "cr2",
    level: Level = 0.95,
    wanted: Annotated[float, typer.Option("--power", help=say("probability of finding the effect", "효과를 찾아낼 확률"))] = 0.8,
    ar: Annotated[float | None, typer.Option("--ar", help=say("autocorrelation, in place of the file's", "자기상관(파일의 값 대신)"), show_default=False)] = None,
    icc: Annotated[float | None, typer.Option("--icc", help=say("share that zones have in common, in place of the file's", "구역 공유 비율(파일의 값 대신)"), show_default=False)] = None,
    sd: Annotated[float | None, typer.Option("--sd", help=say("standard deviation of errors, in place of the file's", "오차의 표준편차(파일의 값 대신)"), show_default=False)] = None,
    check: Annotated[int, typer.Option("--check", min=0, help=say("panels drawn to check it with the inference; 0 for none", "추론방법으로 확인할 때 생성할 패널 수(0이면 생략)"))] = 0,
    seed: Seed = SEED, draws: Annotated[int, typer.Option("--draws", min=1, max=100_000, help=say("of a bootstrap or of reassignments within each panel of --check", "--check 패널마다의 부트스트랩·재배정 횟수"))] = WITHIN,
    scheduler: Scheduler = "", as_json: AsJson = False,
) -> None:  # fmt: skip
    from dataclasses import asdict

    from evaluation.executor import on_stderr
    from evaluation.impact.inference.power import checked, detectable
    if planned is None:
        raise UserError("--design is missing: a YAML file such as docs/examples/few_treated.yml.", "--design을 지정하십시오(예: docs/examples/few_treated.yml).")
    plan, errors = _planned(planned, level, ar=ar, sd=sd, icc=icc)
    found = detectable(plan, errors, estimator, inference, wanted)
    if check == 1:
        raise UserError("--check must be 0, or 2 or more.", "--check는 0이거나 2 이상이어야 합니다.")
    if check:
        found = checked(found, plan, errors, estimator, inference, check, seed, draws=draws, scheduler=scheduler or None, progress=on_stderr(say("panels", "패널")))
    if as_json:
        typer.echo(dumps({"estimator": estimator, "inference": inference, "level": level, "power": wanted, "errors": asdict(errors), "results": plain(found)}))
        return
    show(found.drop(columns=["reason", "controls", "multiplier"]).rename(columns={"percent_up": "+%", "percent_down": "-%", "size_mcse": "mcse", "power_mcse": "mcse "}), "power", False)
    for row in found[found["reason"] != ""].itertuples():
        typer.echo(f"{row.cohort}: {row.reason}")
    typer.echo(say("mde is in units of the outcome (log points where that is a logarithm); per cent only for logarithms.", "mde의 단위는 결과변수의 단위(로그이면 로그포인트)이며, 백분율은 결과변수가 로그일 때만 해당한다."))


def _planned(path: Path, level: float, **changes: float | None) -> tuple["Design", "Errors"]:
    """A design before there are data, of a file; `changes` in place of its values where not None."""
    from evaluation.impact.inference.simulate import designed
    from evaluation.paths import shown
    from evaluation.sources.specs import read_yaml

    if not path.is_file():
        raise UserError(f"{path} is not there.", f"{path} 파일이 없습니다.")
    return designed(read_yaml(path) | {key: value for key, value in changes.items() if value is not None}, level, shown(path))


def _named(listed: str) -> list[str]:
    return [part.strip() for part in listed.split(",") if part.strip()]
