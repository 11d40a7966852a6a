"""`make bench`: how long things take, as ratios to the plain way, measured in one run.

For a report the plain way is what one would type without this toolkit: papermill on each notebook in turn, then one
render per language. Both work on the same copy of the checkout; nothing is judged here, only printed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from evaluation.pipeline.graph import ANALYSES
from tests.conftest import ROOT, YEAR, clean_environment, copy_sources

MARKS = f"data/raw/simulated/evaluation/{YEAR}/mc_marks.csv"
REPEATS = 3
RENDER = """
import sys
from pathlib import Path
from evaluation.report.render import render
pdf = Path(sys.argv[2]); pdf.parent.mkdir(parents=True)
render(Path(sys.argv[1]), pdf, {"name": "embedded"})
"""


def timed(work, *arguments: object) -> float:
    """Seconds of wall time of one call."""
    start = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - start


def call(checkout: Path, *command: str) -> None:
    """Run a Python command in a checkout; its words only if it fails."""
    run = subprocess.run([sys.executable, *command], cwd=checkout, env=clean_environment(PYTHONPATH=str(checkout)), capture_output=True, text=True, check=False)
    if run.returncode:
        sys.exit(run.stdout + run.stderr)


def report(checkout: Path) -> None:
    """Our way: one command."""
    call(checkout, "-m", "evaluation", "report", str(YEAR))


def bare(checkout: Path) -> None:
    """The plain way: every notebook, then every language, one after another, from nothing."""
    base = checkout / "bare"
    shutil.rmtree(base, ignore_errors=True)
    shutil.copytree(checkout / "data" / "processed" / str(YEAR) / "state", base / "state")

    def papermill(notebook: str, folder: Path, **parameters: str) -> None:
        folder.mkdir(parents=True)
        named = [item for name, value in ({"year": str(YEAR), "output": str(folder)} | parameters).items() for item in ("-p", name, value)]
        call(checkout, "-m", "papermill", "--cwd", "notebooks", "--no-progress-bar", f"notebooks/{notebook}", str(folder / notebook), *named)

    papermill("1_data.ipynb", base / "data")
    for name, notebook in ANALYSES.items():
        papermill(notebook, base / name, inputs=str(base / "data"))
    for language in ("ko", "en"):
        papermill("report.ipynb", base / "report" / language, inputs=str(base), lang=language)
    for language in ("ko", "en"):
        call(checkout, "-c", RENDER, str(base / "report" / language), str(base / "pdf" / language / "report.pdf"))


def change_one_mark(checkout: Path, number: int) -> None:
    """Another value for the first mark each time."""
    path = checkout / MARKS
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    fields = lines[1].split(",")
    fields[3] = f"{50 + number}.0"
    path.write_text("".join([lines[0], ",".join(fields), *lines[2:]]), encoding="utf-8")


def main() -> None:
    console = Console()
    reports(console)
    console.print()
    index(console)
    console.print()
    impact(console)
    console.print()
    inference(console)
    console.print()
    reassignments(console)
    console.print()
    firms(console)
    census(console)


MEASURED = """
import resource, sys, time
from pathlib import Path
started = time.perf_counter()
exec(sys.argv[1])
print(time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000)
"""
BY_PANDAS = """
import pandas as pd
pd.read_parquet(sys.argv[2]).groupby(["complex_id", "year"])[["production", "exports", "employment"]].sum()
"""
BY_US = """
from evaluation.sources.firms import aggregate_firms
aggregate_firms(Path(sys.argv[2]))
"""
# The scheme and marks of the year, read beforehand: what is measured are the draws.
MARKED = """
from evaluation.index.scheme import complete
from evaluation.index.score import score, totals, with_headquarters
from evaluation.index.uncertainty import bootstrap_totals
from evaluation.pipeline.sources_of import notebook_tables
from evaluation.sources.specs import read_scheme
from evaluation.sources.store import open_inputs
year = int(sys.argv[2])
scheme = complete(*read_scheme(year))
tables = with_headquarters(open_inputs(year, notebook_tables(Path("notebooks/2_index.ipynb"))).tables)
started = time.perf_counter()
"""
DRAWS = MARKED + """
bootstrap_totals(scheme, tables, 10_000, 1)
"""
ONE_BY_ONE = MARKED + """
import numpy as np, pandas as pd
marks = tables["mc_marks"]
names = marks["evaluator"].unique()
for draw in range(50):
    taken = np.random.default_rng(draw).choice(names, len(names))
    drawn = pd.concat([marks[marks["evaluator"] == name].assign(evaluator=f"{name}-{i}") for i, name in enumerate(taken)])
    totals(score(scheme, tables | {"mc_marks": drawn}), scheme)
"""
WEIGHTS = """
import numpy as np, pandas as pd
from evaluation.index.sensitivity import weight_uncertainty
scores = pd.DataFrame(np.random.default_rng(1).uniform(0, 100, (1_000, 50)))
started = time.perf_counter()
weight_uncertainty(scores, pd.Series(2.0, index=scores.columns), 100, 10_000, 1)
"""
# A panel is read beforehand; what is measured starts from a frame and ends with estimate and clustered error.
PANEL = """
import numpy as np, pandas as pd
frame = pd.read_parquet(sys.argv[2])
"""
TWFE = PANEL + """
from evaluation.impact.estimators.within import codes, fit
started = time.perf_counter()
unit = codes(frame["unit"])
fit(frame["y"].to_numpy(), frame[["treated"]], unit, codes(frame["time"]), unit)
"""
TWFE_CHECKED = PANEL + """
from evaluation.impact.design import design
from evaluation.impact.estimators import estimate
estimate(design(frame.head(1500), "unit", "time", "y", "cohort", panel="keep"), "twfe")
started = time.perf_counter()
estimate(design(frame, "unit", "time", "y", "cohort", panel="keep"), "twfe")
"""
TWFE_PYFIXEST = PANEL + """
import warnings; warnings.simplefilter("ignore")
import pyfixest
pyfixest.feols("y ~ treated | unit + time", frame.head(1500), vcov={"CRV1": "unit"})
started = time.perf_counter()
pyfixest.feols("y ~ treated | unit + time", frame, vcov={"CRV1": "unit"})
"""
GROUP_TIME = PANEL + """
from evaluation.impact.design import design
from evaluation.impact.estimators import estimate
estimate(design(frame.head(1500), "unit", "time", "y", "cohort"), "cs", "dynamic")
started = time.perf_counter()
estimate(design(frame, "unit", "time", "y", "cohort"), "cs", "dynamic")
"""
GROUP_TIME_MODERNDID = PANEL + """
import warnings; warnings.simplefilter("ignore")
from moderndid import aggte, att_gt
started = time.perf_counter()
aggte(att_gt(frame, yname="y", tname="time", idname="unit", gname="cohort", est_method="reg", boot=False, cband=False), type="dynamic", boot=True, cband=True, biters=999)
"""
GROUP_TIME_DIFF_DIFF = PANEL + """
import warnings; warnings.simplefilter("ignore")
from diff_diff import CallawaySantAnna
started = time.perf_counter()
CallawaySantAnna(estimation_method="reg", n_bootstrap=999, seed=1).fit(frame, outcome="y", unit="unit", time="time", first_treat="cohort", aggregate="event_study")
"""
# The wild cluster bootstrap of a regression with unit and time effects: p-value and interval; and the p-value alone, a regression for each draw.
BOOTSTRAP = PANEL + """
from evaluation.impact.design import design
from evaluation.impact.inference import Options, infer
plan = design(frame, "unit", "time", "y", "cohort", cluster="cluster")
infer(plan, "twfe", "simple", "wild", Options(draws=99))
started = time.perf_counter()
infer(plan, "twfe", "simple", "wild", Options(draws=9_999))
"""
SUBCLUSTERS = BOOTSTRAP.replace('"wild"', '"subcluster"')
DRAW_BY_DRAW = PANEL + """
from evaluation.impact.estimators.within import codes, demean, fit
unit, times, cluster = codes(frame["unit"]), codes(frame["time"]), codes(frame["cluster"])
y = demean(frame[["y"]].to_numpy(), unit, times)[:, 0]
rng = np.random.default_rng(1)
started = time.perf_counter()
for draw in range(100):
    drawn = fit(y * rng.choice([-1.0, 1.0], 20)[cluster], frame[["treated"]], unit, times, cluster)
    drawn.coefficients["treated"] / drawn.vcov.at["treated", "treated"] ** 0.5
"""
BY_WILDBOOTTEST = PANEL + """
import warnings; warnings.simplefilter("ignore")
from wildboottest.wildboottest import WildboottestCL
bare = frame[["y", "treated"]].join(pd.get_dummies(frame["time"], drop_first=True, dtype=float))
bare = (bare - bare.groupby(frame["unit"]).transform("mean")).to_numpy()
def test(draws):
    boot = WildboottestCL(X=bare[:, 1:], Y=bare[:, 0], cluster=frame["cluster"], R=np.eye(10)[0], B=draws, seed=1)
    boot.get_scores(bootstrap_type="11", impose_null=True); boot.get_weights(weights_type="rademacher")
    boot.get_numer(); boot.get_denom(); boot.get_tboot(); boot.get_vcov(); boot.get_tstat(); boot.get_pvalue()
    return boot
test(99)
started = time.perf_counter()
test(9_999)
"""
# The libraries are loaded before: what is measured starts from a checked design.
REASSIGNED = PANEL + """
from evaluation.impact.design import design
from evaluation.impact.inference import Options, infer
plan = design(frame, "unit", "time", "y", "cohort")
infer(plan, "ESTIMATOR", "simple", "randomisation", Options(draws=99))
started = time.perf_counter()
infer(plan, "ESTIMATOR", "simple", "randomisation")
"""
ANEW = PANEL + """
from evaluation.impact.design import design
from evaluation.impact.estimators import estimate
from evaluation.impact.inference.linear import assigned, blocks
plan = design(frame, "unit", "time", "y", "cohort")
some, rng = blocks(plan), np.random.default_rng(1)
estimate(plan, "ESTIMATOR")
started = time.perf_counter()
for _ in range(20):
    estimate(assigned(plan, some, rng.permutation(some.first)), "ESTIMATOR")
"""
SIZES = (1_000_000, 3_000_000, 10_000_000)


def measured(code: str, path: Path | str) -> tuple[float, float]:
    """Seconds and peak megabytes of some code in a process of its own."""
    command = [sys.executable, "-c", MEASURED, code, str(path)]
    run = subprocess.run(command, cwd=ROOT, env=clean_environment(PYTHONPATH=str(ROOT)), capture_output=True, text=True, check=False)
    if run.returncode:
        sys.exit(run.stderr)
    seconds, megabytes = map(float, run.stdout.split()[-2:])
    return seconds, megabytes


def index(console: Console) -> None:
    """Draws of evaluators and respondents, beside scoring one draw after another, and of weights."""
    with console.status("index"):
        ours, plain, weights = measured(DRAWS, str(YEAR)), measured(ONE_BY_ONE, str(YEAR)), measured(WEIGHTS, "")
    scaled = plain[0] * 10_000 / 50
    console.print(f"10,000 draws of the index of {YEAR}: {ours[0]:.1f} s (goal 2); one by one, from 50 draws: {scaled:.0f} s; ratio {ours[0] / scaled:.4f}")
    console.print(f"Weights of 1,000 units by 50 indicators, 10,000 draws: {weights[0]:.1f} s, {weights[1]:,.0f} MB (goals 60 s, 1,000 MB)")


def impact(console: Console) -> None:
    """Two-way fixed effects beside pyfixest, and group-time effects with a bootstrap beside the libraries."""
    import numpy as np
    import pandas as pd

    def panel(units: int, times: int, kept: float) -> pd.DataFrame:
        rng = np.random.default_rng(1)
        frame = pd.MultiIndex.from_product([range(units), range(times)], names=["unit", "time"]).to_frame(index=False)
        frame["cohort"] = np.repeat(rng.choice([0, 5, 9], units), times)
        frame["treated"] = ((frame["cohort"] > 0) & (frame["time"] >= frame["cohort"])).astype(float)
        frame["y"] = rng.normal(size=units)[frame["unit"]] + rng.normal(size=times)[frame["time"]] + 0.5 * frame["treated"] + rng.normal(size=len(frame))
        return frame if kept == 1 else frame[rng.random(len(frame)) < kept]

    with tempfile.TemporaryDirectory() as folder, console.status("impact"):
        for name, kept, goal in (("balanced", 1, 0.2), ("unbalanced", 0.9, 1)):
            path = Path(folder) / f"{name}.parquet"
            panel(66_667, 15, kept).to_parquet(path, index=False)
            ours, checked, theirs = (measured(code, path) for code in (TWFE, TWFE_CHECKED, TWFE_PYFIXEST))
            console.print(
                f"Two-way fixed effects, {name}, 1,000,000 rows: {ours[0]:.2f} s, with checks of the panel {checked[0]:.2f} s; pyfixest {theirs[0]:.2f} s; "
                f"ratio {ours[0] / theirs[0]:.2f}, with checks {checked[0] / theirs[0]:.2f} (goal {goal})"
            )
        path = Path(folder) / "cohorts.parquet"
        panel(50_000, 15, 1).to_parquet(path, index=False)
        ours, *theirs = (measured(code, path) for code in (GROUP_TIME, GROUP_TIME_MODERNDID, GROUP_TIME_DIFF_DIFF))
        console.print(
            f"Callaway-Sant'Anna with 999 draws, 50,000 units by 15 periods: {ours[0]:.1f} s, {ours[1]:,.0f} MB (goal 1,000); moderndid {theirs[0][0]:.1f} s, "
            f"{theirs[0][1]:,.0f} MB; diff-diff {theirs[1][0]:.1f} s, {theirs[1][1]:,.0f} MB; ratio to the faster {ours[0] / min(theirs[0][0], theirs[1][0]):.2f} (goal 1)"
        )


def inference(console: Console) -> None:
    """The wild bootstrap with its interval, beside a regression for each draw without one, and wildboottest where it is installed."""
    from importlib.util import find_spec

    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(1)
    frame = pd.MultiIndex.from_product([range(1_000), range(10)], names=["unit", "time"]).to_frame(index=False)
    frame["cluster"] = frame["unit"] % 20
    frame["cohort"] = np.select([frame["cluster"] < 5, frame["cluster"] < 9], [4, 6], 0)
    frame["treated"] = ((frame["cohort"] > 0) & (frame["time"] >= frame["cohort"])).astype(float)
    frame["y"] = rng.normal(size=(20, 10))[frame["cluster"], frame["time"]] + 0.3 * frame["treated"] + rng.normal(size=len(frame))
    with tempfile.TemporaryDirectory() as folder, console.status("inference"):
        path = Path(folder) / "clusters.parquet"
        frame.to_parquet(path, index=False)
        ours, sub, plain = (measured(code, path)[0] for code in (BOOTSTRAP, SUBCLUSTERS, DRAW_BY_DRAW))
        scaled = plain * 9_999 / 100
        beside = "wildboottest is not installed"
        if find_spec("wildboottest"):
            theirs = measured(BY_WILDBOOTTEST, path)[0]
            beside = f"wildboottest, p-value alone: {theirs:.2f} s, ratio {ours / theirs:.2f}"
    console.print(
        f"Wild cluster bootstrap, 9,999 draws and interval, 10,000 rows in 20 clusters: {ours:.2f} s (goal 0.4), by units within clusters {sub:.2f} s; "
        f"one by one, p-value alone, from 100 draws: {scaled:.0f} s; ratio {ours / scaled:.4f}; {beside}"
    )


def reassignments(console: Console) -> None:
    """Randomisation with t statistic and interval, beside estimating anew under each assignment."""
    import numpy as np
    import pandas as pd

    with tempfile.TemporaryDirectory() as folder, console.status("reassignments"):
        for name, sizes in (("the programme's waves", {2005: 7, 2008: 5, 2010: 190, 0: 60}), ("500 units", {2005: 13, 2008: 10, 2010: 363, 0: 114})):
            units = sum(sizes.values())
            frame = pd.MultiIndex.from_product([range(units), range(2001, 2016)], names=["unit", "time"]).to_frame(index=False)
            frame["cohort"] = np.repeat(np.repeat(list(sizes), list(sizes.values())), 15)
            frame["y"] = np.random.default_rng(1).normal(size=len(frame))
            path = Path(folder) / "panel.parquet"
            frame.to_parquet(path, index=False)
            for estimator in ("cs", "bjs", "twfe"):
                ours, anew = (measured(code.replace("ESTIMATOR", estimator), path) for code in (REASSIGNED, ANEW))
                scaled = anew[0] * 9_999 / 20
                console.print(f"9,999 reassignments, {name}, {estimator}: {ours[0]:.2f} s (goal 2), {ours[1]:,.0f} MB; one by one, from 20: {scaled:.0f} s; ratio {ours[0] / scaled:.4f}")


def firms(console: Console) -> None:
    """Firm-years to complex-years, beside pandas, and how the cost grows."""
    import duckdb

    table = Table(box=None, pad_edge=False, header_style="bold", title="Firm-years to complex-years (Parquet), checks included")
    for heading in ("rows", "s", "MB", "pandas s", "pandas MB", "time ratio", "memory ratio"):
        table.add_column(heading, justify="right")
    with tempfile.TemporaryDirectory() as folder, console.status("firm-years"):
        for size in SIZES:
            path = Path(folder) / f"{size}.parquet"
            duckdb.sql(
                f"""
                COPY (SELECT 'F' || (i // 10) AS firm_id, 'C' || (i // 10 % 1300) AS complex_id, 2001 + i % 10 AS year,
                      hash(i) % 100000 AS production, hash(i + 1) % 5000 AS exports, hash(i + 2) % 300 AS employment
                      FROM range({size}) t(i)) TO '{path}' (FORMAT parquet)
                """
            )
            ours, plain = measured(BY_US, path), measured(BY_PANDAS, path)
            table.add_row(f"{size:,}", f"{ours[0]:.1f}", f"{ours[1]:,.0f}", f"{plain[0]:.1f}", f"{plain[1]:,.0f}", f"{ours[0] / plain[0]:.2f}", f"{ours[1] / plain[1]:.2f}")
    console.print(table)


def census(console: Console) -> None:
    """The census workbook, where the official files are there, beside reading its main sheet plainly."""
    folder = os.environ.get("ICCP_OFFICIAL_DATA")
    found = sorted(Path(folder).rglob("*산업단지현황조사*.xlsx")) if folder else []
    if not found:
        console.print("Census workbook: ICCP_OFFICIAL_DATA names no folder with it, not measured.")
        return
    ours = measured("from evaluation.sources.census import read_census\nread_census(Path(sys.argv[2]))", found[-1])
    plain = measured("import pandas as pd\npd.read_excel(sys.argv[2], sheet_name='전국산업단지현황')", found[-1])
    console.print(f"Census workbook, all sheets and checks: {ours[0]:.1f} s; pandas.read_excel of one sheet: {plain[0]:.1f} s; ratio {ours[0] / plain[0]:.2f}")


def reports(console: Console) -> None:
    """Reports beside papermill and render in turn."""
    seconds = {"cold": [], "unchanged": [], "mark": [], "bare": []}
    with tempfile.TemporaryDirectory() as folder, console.status("") as status:
        checkout = copy_sources(ROOT, Path(folder) / "checkout")
        for number in range(REPEATS):
            status.update(f"round {number + 1} of {REPEATS}")
            shutil.rmtree(checkout / "data" / "processed", ignore_errors=True)
            shutil.rmtree(checkout / "reports" / str(YEAR), ignore_errors=True)
            seconds["cold"].append(timed(report, checkout))
            seconds["unchanged"].append(timed(report, checkout))
            change_one_mark(checkout, number)
            seconds["mark"].append(timed(report, checkout))
            seconds["bare"].append(timed(bare, checkout))

    table = Table(box=None, pad_edge=False, header_style="bold", title=f"Report of {YEAR}, both languages, {REPEATS} rounds")
    for heading in ("", "median s", "min–max s", "ratio", "goal s"):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    names = {
        "bare": ("papermill and render in turn", ""), "cold": ("iccp report, from nothing", "60"),
        "unchanged": ("iccp report, nothing changed", "2"), "mark": ("iccp report, one mark changed", "20"),
    }  # fmt: skip
    median = {name: sorted(values)[REPEATS // 2] for name, values in seconds.items()}
    for name, (label, goal) in names.items():
        values = seconds[name]
        table.add_row(label, f"{median[name]:.1f}", f"{min(values):.1f}–{max(values):.1f}", f"{median[name] / median['bare']:.2f}", goal)
    console.print(table)


if __name__ == "__main__":
    main()
