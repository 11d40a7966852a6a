"""The command as a user meets it: what is rebuilt, what stays, and what bad use gets."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.conftest import ROOT, YEAR, clean_environment, flat, iccp, pages

REPORTS = [f"reports/{YEAR}/ko/report.pdf", f"reports/{YEAR}/en/report.pdf", f"reports/{YEAR}/manifest.json"]
MARKS = f"data/raw/simulated/evaluation/{YEAR}/mc_marks.csv"


def published(checkout):
    return {name: (checkout / name).read_bytes() for name in REPORTS}


def rebuilt(run):
    """The steps that a run's summary says it rebuilt."""
    return {line.split("  ")[0].strip() for line in run.stdout.splitlines() if "rebuilt" in line}


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def refused(run, *words):
    """An error a user can read: on one screen, no traceback, exit code not 0, the words in it."""
    assert run.returncode != 0
    assert "Traceback" not in run.stdout + run.stderr
    assert 0 < len(run.stderr.strip().splitlines()) <= 24
    for word in words:
        assert word in run.stderr, run.stderr


# What a run does


def test_it_ends_with_the_places_of_the_reports(made):
    run = iccp(made, "report", str(YEAR))
    assert run.returncode == 0
    assert run.stdout.strip().splitlines()[-2:] == REPORTS[:2]


def test_nothing_changed_nothing_is_done(copy):
    before = published(copy)
    run = iccp(copy, "report", str(YEAR))
    assert run.returncode == 0 and rebuilt(run) == set()
    assert published(copy) == before


def test_one_mark_changes_the_index_and_not_the_impact(copy):
    before = published(copy)
    edit(copy / MARKS, "2010,MC01,E01,74.8,0", "2010,MC01,E01,34.8,0")
    run = iccp(copy, "report", str(YEAR))
    assert run.returncode == 0
    steps = rebuilt(run)
    assert "Evaluation index" in steps and "Publish" in steps
    assert not {"Impact estimates", "Outcomes"} & steps
    assert "mc_marks.csv changed" in run.stdout.replace("\n", "")
    assert all(published(copy)[name] != before[name] for name in REPORTS)


@pytest.mark.slow
def test_an_edited_text_only_rewrites_its_language(copy):
    before = published(copy)
    edit(copy / "reports/en/methods.md", "# Methods", "# How it was done")
    run = iccp(copy, "report", str(YEAR))
    assert rebuilt(run) == {"Write the report (English)", "Typeset the PDF (English)", "Publish"}
    assert published(copy)[REPORTS[0]] == before[REPORTS[0]] and published(copy)[REPORTS[1]] != before[REPORTS[1]]


@pytest.mark.slow
def test_an_edited_module_redoes_what_imports_it(copy):
    with (copy / "evaluation/outcomes/press.py").open("a", encoding="utf-8") as file:
        file.write("\n# a comment\n")
    assert "Outcomes" in rebuilt(iccp(copy, "report", str(YEAR)))


@pytest.mark.slow
def test_a_deleted_report_is_put_back(copy):
    before = published(copy)
    (copy / REPORTS[0]).unlink()
    run = iccp(copy, "report", str(YEAR))
    assert rebuilt(run) == {"Publish"} and published(copy) == before


@pytest.mark.slow
def test_a_changed_input_with_an_old_time_stamp_is_seen(copy):
    path = copy / MARKS
    stamp = path.stat()
    edit(path, "2010,MC01,E01,74.8,0", "2010,MC01,E01,44.8,0")
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert "Evaluation index" in rebuilt(iccp(copy, "report", str(YEAR)))


@pytest.mark.slow
def test_two_runs_from_scratch_give_the_same_bytes(made, copy):
    shutil.rmtree(copy / "data/processed")
    shutil.rmtree(copy / f"reports/{YEAR}")
    assert iccp(copy, "report", str(YEAR)).returncode == 0
    assert published(copy) == published(made)


def test_later_rows_cannot_change_a_report(copy):
    """Everything after the year is altered or taken away: the reports are the same to the last byte."""
    before = {name: content for name, content in published(copy).items() if name.endswith(".pdf")}
    raw = copy / "data/raw"
    for name in ("simulated/panel.csv", "simulated/true_effects.csv", "simulated/price_index.csv", "press/press_complex_panel.csv"):
        frame = pd.read_csv(raw / name, dtype=str, keep_default_na=False)
        later = frame["year"].astype(int) > YEAR
        assert later.any()
        numbers = [column for column in frame.columns if column in ("production", "exports", "employment", "operating_firms", "value")]
        frame.loc[later, numbers] = "7"
        frame = pd.concat([frame[~later], frame[later].iloc[::2]])
        frame.to_csv(raw / name, index=False, lineterminator="\n")
    for later_year in range(YEAR + 1, 2015):
        for path in (raw / f"simulated/evaluation/{later_year}").glob("*.csv"):
            path.unlink()
    run = iccp(copy, "report", str(YEAR))
    assert run.returncode == 0, run.stderr
    assert "Check and read the inputs" in rebuilt(run)
    assert not {"Evaluation index", "Impact estimates", "Outcomes"} & rebuilt(run)
    assert {name: (copy / name).read_bytes() for name in before} == before


@pytest.mark.slow
def test_another_year(copy):
    run = iccp(copy, "report", "2011")
    assert run.returncode == 0, run.stderr
    assert (copy / "reports/2011/ko/report.pdf").exists() and (copy / "reports/2011/en/report.pdf").exists()
    text = (copy / "data/processed/2011/report/ko/report.ipynb").read_text(encoding="utf-8")
    assert "2011년 가중치는 공표되지 않아 2010년 가중치를" in text


def test_the_change_since_the_year_before(made, copy):
    """What 2011 calls last year's total and rank is what 2010's own report says; without 2010 nothing is compared."""
    assert iccp(copy, "report", "2011").returncode == 0
    before, after = (pd.read_csv(folder / f"reports/{year}/ledger.csv").set_index("id")["value"] for folder, year in ((made, YEAR), (copy, 2011)))
    for name in ("dongnam", "gangwon"):
        assert after[f"index.change.{name}.total_before"] == pytest.approx(before[f"index.total.{name}"])
        assert after[f"index.change.{name}.rank_after"] == after[f"index.rank.{name}"]
        parts = after[after.index.str.startswith(f"index.change_part.{name}.") & after.index.str.endswith(".total")]
        assert parts.sum() == pytest.approx(after[f"index.total.{name}"] - before[f"index.total.{name}"])
    text = "\n".join(pages(copy / "reports/2011/ko/report.pdf"))
    assert "총점 변화의 원인" in text
    (copy / MARKS).unlink()
    run = iccp(copy, "report", "2011")
    assert run.returncode == 0 and "Evaluation index" in rebuilt(run)
    assert "총점 변화의 원인" not in "\n".join(pages(copy / "reports/2011/ko/report.pdf"))


@pytest.mark.slow
def test_official_data_take_the_mark_away(copy):
    """With official marks, the index chapter no longer says simulated; the impact chapter still does."""
    for name in ("mc_marks", "difficulty_marks", "common_indicators", "headquarters_marks", "headquarters_indicators", "satisfaction", "satisfaction_invited"):
        place = copy / f"data/raw/official/evaluation/{YEAR}/{name}.csv"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes((copy / f"data/raw/simulated/evaluation/{YEAR}/{name}.csv").read_bytes())
    (copy / "data/raw/official/mini_clusters.csv").write_bytes((copy / "data/raw/simulated/mini_clusters.csv").read_bytes())
    assert iccp(copy, "report", str(YEAR)).returncode == 0
    cells = json.loads((copy / f"data/processed/{YEAR}/report/ko/report.ipynb").read_text(encoding="utf-8"))["cells"]
    outputs = ["".join(output["data"]["text/markdown"]) for cell in cells for output in cell.get("outputs", []) if "data" in output]
    chapter = {text.split("# ", 1)[1].split("\n")[0].split(" {")[0]: text for text in outputs}
    assert "{.simulated}" not in chapter["평가지수"] and "모의자료" not in chapter["평가지수"]
    assert "{.simulated}" in chapter["사업효과"] and "{.simulated}" in chapter["요약"]


def texts(checkout, year=YEAR):
    """The text of both reports, without spaces and line breaks."""
    return {language: flat("".join(pages(checkout / f"reports/{year}/{language}/report.pdf"))) for language in ("ko", "en")}


def make_official(checkout, *names):
    """Put copies of the simulated files in the place of official ones."""
    simulated = checkout / "data/raw/simulated"
    for path in simulated.rglob("*.csv"):
        if not names or path.stem in names:
            place = checkout / "data/raw/official" / path.relative_to(simulated)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(path.read_bytes())


@pytest.mark.slow
def test_with_official_data_nothing_is_simulated_and_no_truth_is_known(copy):
    make_official(copy)
    run = iccp(copy, "report", str(YEAR))
    assert run.returncode == 0, run.stderr
    for language, text in texts(copy).items():
        for word in {"ko": ("모의", "참효과"), "en": ("simulated", "Simulated", "Trueeffect", "trueeffect")}[language]:
            assert word not in text


@pytest.mark.slow
def test_partly_official_data_are_said_to_be_so(copy):
    make_official(copy, "panel", "mc_marks", "mini_clusters")
    assert iccp(copy, "report", str(YEAR)).returncode == 0
    text = texts(copy)
    assert flat("part of the complex-level panel and part of the evaluation marks") in text["en"]
    assert flat("단지별 패널의 일부와 평가점수의 일부는 모의자료이다") in text["ko"] and flat("참효과(모의자료)") not in text["ko"]


def test_another_scheme_and_another_specification(copy):
    """Four components with weights of their own, other outcomes, comparison, cohort and window: texts follow."""
    path = copy / "evaluation/specs/index/2010.yml"
    scheme = yaml.safe_load(path.read_text(encoding="utf-8"))
    del scheme["source"], scheme["components"][1]
    for component, weight in zip(scheme["components"], (37.5, 22.5, 25, 15), strict=True):
        component["weight"] = weight
    scheme["ties"] = {"rule": "max"}
    path.write_text(yaml.safe_dump(scheme, allow_unicode=True), encoding="utf-8")
    path = copy / "evaluation/specs/impact.yml"
    spec = yaml.safe_load(path.read_text(encoding="utf-8"))
    spec["outcomes"] = [{"id": "capital", "transform": "log"}, {"id": "operating_firms", "transform": "log"}]
    spec |= {"comparison": "not_yet_treated", "main_cohort": 2008, "window": {"before": 1, "after": 2}, "level": 0.9}
    path.write_text(yaml.safe_dump(spec), encoding="utf-8")
    run = iccp(copy, "report", str(YEAR))
    assert run.returncode == 0, run.stderr
    text = texts(copy)
    for words in ("The 4 components", "(37.5/22.5/25/15)", "the scheme file names no source", "Effect on capital stock", "Operating firms",
                  "Trends before joining could not be tested", "complexes not yet in the programme", "90% confidence interval", "also those not yet participating"):  # fmt: skip
        assert flat(words) in text["en"], words
    for words in ("4개 항목을", "자본스톡 효과", "가동업체 수", "참여 이전의 추세는 검정할 수 없었다", "아직 참여하지 않은 단지와 같은 폭"):
        assert flat(words) in text["ko"], words
    for gone in ("producer price index", "in real terms", "share the better rank", "has a p-value of", "November 2010), 3.2(6)"):
        assert flat(gone) not in text["en"], gone


@pytest.mark.slow
def test_equal_totals_share_first_place_in_words_too(copy):
    for path in (copy / f"data/raw/simulated/evaluation/{YEAR}").glob("*.csv"):
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
        for column in {"mark", "response"} & set(frame.columns):
            frame.loc[frame[column] != "", column] = "5"
        if "target" in frame:
            frame["actual"] = frame["target"]
        frame.to_csv(path, index=False, lineterminator="\n")
    run = iccp(copy, "report", str(YEAR))
    assert run.returncode == 0, run.stderr
    text = texts(copy)
    assert "sharefirstplace" in text["en"] and "공동1위이다" in text["ko"]
    assert "scoreshighest" not in text["en"] and flat("First place does not depend") not in text["en"]


@pytest.mark.slow
def test_one_language_alone_and_what_lies_beside(copy):
    """The report of a language taken out goes; folders that JupyterLab leaves are no texts; a helper module is watched."""
    edit(copy / "evaluation/specs/report.yml", "languages: [ko, en]", "languages: [ko]")
    for folder in ("reports/ko", "reports/typst", "reports/filters"):
        (copy / folder / ".ipynb_checkpoints").mkdir()
    helper = copy / "notebooks/helper.py"
    helper.write_text("from evaluation.outcomes import published\n", encoding="utf-8")
    edit(copy / "notebooks/3_outcomes.ipynb", "from evaluation.outcomes import press, published", "from evaluation.outcomes import press\\n\",\n    \"from helper import published")
    run = iccp(copy, "report", str(YEAR))
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip().splitlines()[-1] == REPORTS[0] and not (copy / REPORTS[1]).exists()
    assert list(json.loads((copy / REPORTS[2]).read_text(encoding="utf-8"))["files"]) == ["ko/report.pdf", "ledger.csv"]
    helper.write_text("from evaluation.outcomes import published  # changed\n", encoding="utf-8")
    assert "Outcomes" in rebuilt(iccp(copy, "report", str(YEAR)))


@pytest.mark.slow
def test_results_deleted_by_hand_come_back(copy):
    before = published(copy)
    (copy / f"data/processed/{YEAR}/outcomes/growth.csv").unlink()
    shutil.rmtree(copy / f"data/processed/{YEAR}/report/ko/figures")
    shutil.rmtree(copy / f"data/processed/{YEAR}/pdf")
    run = iccp(copy, "report", str(YEAR))
    assert run.returncode == 0, run.stderr
    assert published(copy) == before


@pytest.mark.slow
def test_settings_of_the_user_do_not_reach_the_report(copy):
    before = published(copy)
    (copy / "matplotlibrc").write_text("axes.facecolor: red\nlines.color: green\n", encoding="utf-8")
    shutil.rmtree(copy / "data/processed")
    run = iccp(copy, "report", str(YEAR), MATPLOTLIBRC=str(copy / "matplotlibrc"), JUPYTER_PATH="/nowhere", MPLBACKEND="pdf")
    assert run.returncode == 0, run.stderr
    assert published(copy) == before


@pytest.mark.slow
@pytest.mark.parametrize("year", [2012, 2013, 2014, 2015, 2016])
def test_every_year_has_its_report(copy, year):
    run = iccp(copy, "report", str(year))
    assert run.returncode == 0, run.stderr
    text = texts(copy, year)
    assert f"{year}년" in text["ko"] and str(year) in text["en"]


# What bad use gets


def test_an_unknown_year(copy):
    before = published(copy)
    refused(iccp(copy, "report", "1999"), "1999", "2010, 2011, 2012, 2013, 2014, 2015, 2016")
    assert published(copy) == before


def test_a_year_whose_weights_were_never_published(copy):
    refused(iccp(copy, "report", "2008"), "2008", "never published", "2010, 2011, 2012, 2013, 2014, 2015, 2016")


def test_a_year_that_is_not_a_number(copy):
    refused(iccp(copy, "report", "next"), "next")


def test_a_missing_raw_file(copy):
    before = published(copy)
    (copy / MARKS).unlink()
    refused(iccp(copy, "report", str(YEAR)), MARKS)
    assert published(copy) == before


def test_errors_in_the_inputs(copy):
    before = published(copy)
    edit(copy / MARKS, "2010,MC01,E01,74.8,0", "2010,MC01,E01,748,0")
    refused(iccp(copy, "report", str(YEAR)), "mc_marks.csv", "[2]", "748", "iccp check 2010")
    assert published(copy) == before
    check = iccp(copy, "check", str(YEAR))
    assert check.returncode == 1 and "748" in check.stdout and "1 errors" in check.stdout


def test_weights_that_do_not_add_to_100(copy):
    before = published(copy)
    edit(copy / "evaluation/specs/index/2010.yml", "weight: 40", "weight: 45")
    refused(iccp(copy, "report", str(YEAR)), "evaluation/specs/index/2010.yml", "105, not 100")
    assert published(copy) == before


def test_a_scheme_that_is_not_yaml(copy):
    edit(copy / "evaluation/specs/index/2010.yml", "components:", "components: [")
    refused(iccp(copy, "report", str(YEAR)), "2010.yml, line")


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("evaluation/specs/index/2010.yml", "year: 2010", "year: 2012", ["2010.yml", "2012", "Make them agree"]),
        ("evaluation/specs/index/2010.yml", "table: difficulty_marks", "table: difficulty_mark", ["2010.yml", "index_difficulty", "difficulty_marks"]),
        ("evaluation/specs/index/2010.yml", "unit: mc_id", "unit: mc", ["2010.yml", "'mc'", "mc_id"]),
        ("evaluation/specs/index/2014.yml", "extends: 2010", "extends: 2014", ["2014.yml", "itself"]),
        ("evaluation/specs/impact.yml", "never_treated\n\n", "never\n\n", ["impact.yml", "comparison is 'never'"]),
        ("evaluation/specs/impact.yml", "deflate: ppi", "deflte: ppi", ["impact.yml", "deflte"]),
        ("evaluation/specs/impact.yml", "main_cohort: 2005", "main_cohort: 2007", ["main_cohort", "2005, 2008, 2010"]),
        ("evaluation/specs/report.yml", "languages: [ko, en]", "languages: [ko, fr]", ["report.yml", "languages"]),
        ("evaluation/index/score.py", "import pandas as pd", "import pandas as", ["evaluation/index/score.py, line"]),
        ("notebooks/2_index.ipynb", '"cells"', '"cell"', ["notebooks/2_index.ipynb", "notebook"]),
        ("notebooks/2_index.ipynb", "{", "", ["notebooks/2_index.ipynb", "notebook"]),
        ("notebooks/2_index.ipynb", '\\"mc_marks\\"', '\\"mc_mark\\"', ["notebooks/2_index.ipynb", "mc_mark"]),
        ("reports/ko/index.md", 'figure(\"contributions\"', 'figure(\"contribution\"', ["reports/ko/index.md, line", "ranking, contributions"]),
        ("reports/en/outcomes.md", "[16,13,13,13,16,13,16]", "[20,20,20,20,20]", ["tbl-goals", "7 columns", "5 widths"]),
    ],
)
def test_a_slip_in_what_people_edit(copy, file, old, new, words):
    before = published(copy)
    edit(copy / file, old, new)
    year = Path(file).stem if file.endswith("2014.yml") else str(YEAR)
    refused(iccp(copy, "report", year), *words)
    assert published(copy) == before


def test_a_notebook_that_is_gone_or_writes_nothing(copy):
    before = published(copy)
    path = copy / "notebooks/3_outcomes.ipynb"
    text = path.read_text(encoding="utf-8")
    path.unlink()
    refused(iccp(copy, "report", str(YEAR)), "notebooks/3_outcomes.ipynb is not there")
    path.write_text(text.replace("if output:", "if output is None:"), encoding="utf-8")
    refused(iccp(copy, "report", str(YEAR)), "notebooks/3_outcomes.ipynb", "ledger.csv")
    assert published(copy) == before


def test_a_file_where_a_folder_belongs(copy):
    shutil.rmtree(copy / "reports/2010")
    (copy / "reports/2010").write_text("", encoding="utf-8")
    refused(iccp(copy, "report", str(YEAR)), "reports/2010")
    shutil.rmtree(copy / "data/processed")
    (copy / "data/processed").write_text("", encoding="utf-8")
    refused(iccp(copy, "report", str(YEAR)), "data/processed")


def test_values_that_look_like_markup_are_shown_as_they_are(copy):
    edit(copy / MARKS, "2010,MC01,E01,74.8,0", "2010,MC01,E01,[/red],0")
    check = iccp(copy, "check", str(YEAR))
    assert check.returncode == 1 and "[/red]" in check.stdout and "Traceback" not in check.stderr


def test_many_problems_of_one_kind_do_not_bury_the_others(copy):
    path = copy / MARKS
    path.write_text(path.read_text(encoding="utf-8").replace("\n2010,", "\n2011,"), encoding="utf-8")
    check = iccp(copy, "check", str(YEAR))
    assert check.returncode == 1 and "719 more like these" in check.stdout and len(check.stdout.splitlines()) < 40


def break_cell(checkout, name, line):
    path = checkout / "notebooks" / name
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cell = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code" and "twfe(data" in "".join(cell["source"]))
    cell["source"] = [line, "\n", *cell["source"]]
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return notebook["cells"].index(cell) + 1


def test_a_notebook_cell_that_fails(copy):
    before = published(copy)
    number = break_cell(copy, "4_impact.ipynb", "1 / 0")
    run = iccp(copy, "report", str(YEAR))
    refused(run, "notebooks/4_impact.ipynb", f"cell {number}", "ZeroDivisionError", "1 / 0", f"data/processed/{YEAR}/failed/4_impact.ipynb")
    assert (copy / f"data/processed/{YEAR}/failed/4_impact.ipynb").exists()
    assert published(copy) == before


@pytest.mark.slow
def test_a_text_that_asks_for_an_unknown_number(copy):
    before = published(copy)
    edit(copy / "reports/ko/methods.md", "# 평가 방법", "# 평가 방법\n\n{{ v('index.total.nowhere') }}")
    refused(iccp(copy, "report", str(YEAR)), "reports/ko/methods.md, line 3", "index.total.nowhere")
    assert published(copy) == before


def test_messages_are_korean_for_a_korean_system(copy):
    run = iccp(copy, "report", "2008", ICCP_LANG="", LANG="ko_KR.UTF-8", LC_ALL="", LC_MESSAGES="")
    refused(run, "2008년은 평가지수를 산출할 수 없습니다")


def start(checkout):
    return subprocess.Popen(
        [sys.executable, "-m", "evaluation", "report", str(YEAR)],
        cwd=checkout, env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("sent", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow), pytest.param(signal.SIGKILL, marks=pytest.mark.slow)])
def test_an_interrupted_run_leaves_the_last_report(copy, sent):
    before = published(copy)
    edit(copy / MARKS, "2010,MC01,E01,74.8,0", "2010,MC01,E01,34.8,0")
    run = start(copy)
    wait_for(lambda: (copy / f"data/processed/{YEAR}/data.staging").exists())
    run.send_signal(sent)
    out, err = run.communicate(timeout=30)
    assert run.returncode != 0 and "Traceback" not in out + err
    if sent != signal.SIGKILL:
        assert "Stopped" in err
    assert published(copy) == before
    again = iccp(copy, "report", str(YEAR))
    assert again.returncode == 0 and published(copy) != before


@pytest.mark.slow
def test_two_runs_at_once(copy):
    edit(copy / MARKS, "2010,MC01,E01,74.8,0", "2010,MC01,E01,34.8,0")
    first = start(copy)
    wait_for(lambda: (copy / f"data/processed/{YEAR}/data.staging").exists())
    refused(iccp(copy, "report", str(YEAR)), "Another run of 2010", str(first.pid))
    first.communicate(timeout=120)
    assert first.returncode == 0


def test_a_wrong_quarto_path_is_said_to_be_so(copy):
    refused(iccp(copy, "report", str(YEAR), QUARTO_PATH="/nowhere/quarto"), "QUARTO_PATH", "/nowhere/quarto")


# The other commands


def test_years(made):
    out = iccp(made, "years").stdout
    assert "2010" in out and "published" in out and "reports/2010" in out and "as 2010 (assumed)" in out


def test_explain_leads_back_to_files_and_code(made):
    out = iccp(made, "explain", str(YEAR), "index.total.dongnam").stdout
    assert "85.5" in out and "mc_marks.csv" in out and "evaluation.index.score.score" in out
    refused(iccp(made, "explain", str(YEAR), "no.such"), "no.such")


def test_an_installed_copy_hands_over_to_the_checkout(made, tmp_path):
    """`pip install .` leaves notebooks and data behind; the command then works in the checkout it is called in."""
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "--quiet", "install", "--no-deps", "--no-build-isolation", "--target", str(site), str(ROOT)]
    subprocess.run(pip, check=True, capture_output=True)

    def call(folder):
        return subprocess.run(
            [sys.executable, "-P", "-c", "from evaluation.cli import main; main()", "years"],
            cwd=folder, env=clean_environment(PYTHONPATH=str(site)), capture_output=True, text=True, check=False,
        )  # fmt: skip

    assert "reports/2010" in call(made / "notebooks").stdout
    refused(call(tmp_path), "checkout")


@pytest.mark.slow
def test_published_numbers_that_moved_are_held_back(copy):
    before = published(copy)
    assert iccp(copy, "diff", str(YEAR), "--fail").returncode == 0
    edit(copy / MARKS, "2010,MC01,E01,74.8,0", "2010,MC01,E01,34.8,0")
    refused(iccp(copy, "report", str(YEAR), "--hold", "0"), "Held back", "index.", "iccp diff 2010")
    assert published(copy) == before
    told = iccp(copy, "diff", str(YEAR), "--fail")
    assert told.returncode == 1 and "index.contribution" in told.stdout
    assert iccp(copy, "report", str(YEAR), "--hold", "100").returncode == 0
    assert published(copy) != before
    assert iccp(copy, "diff", str(YEAR), "--fail").returncode == 0


def test_help_has_examples():
    for arguments in (("--help",), ("report", "--help"), ("check", "--help")):
        assert iccp(ROOT, *arguments).returncode == 0
    assert "iccp report 2010" in iccp(ROOT, "--help").stdout
