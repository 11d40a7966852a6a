"""The simulated inputs: reproducible, calibrated to print, and with the true effect they claim."""

from math import exp
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evaluation.simulation import generate, panel, registry
from evaluation.sources.specs import headquarters_of

ROOT = Path(__file__).resolve().parents[2]
PUBLISHED = ROOT / "data" / "raw" / "published"
SIMULATED = ROOT / "data" / "raw" / "simulated"
SIX = {"seoul_metropolitan", "chungcheong", "honam", "daekyung", "dongnam", "gangwon"}
# The zones of the KICOX booklet of 2016, "Progress".
ELEVEN = {"seoul", "incheon", "gyeonggi", "chungcheong", "daekyung", "busan", "ulsan", "gyeongnam", "gwangju_honam", "jeonbuk", "gangwon"}
YEARS = range(2010, 2017)
OUTCOMES = ["production", "exports", "employment"]
PRINTED = {"production": "production", "exports": "export", "employment": "employment"}


def text(folder, name):
    """A table with every cell as it is written."""
    return pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)


def of(year):
    """The headquarters of a year."""
    return SIX if year < 2015 else ELEVEN


def evaluation(name):
    """One evaluation table of all years."""
    return pd.concat(pd.read_csv(SIMULATED / "evaluation" / str(year) / f"{name}.csv") for year in YEARS)


@pytest.fixture(scope="module")
def complexes():
    return pd.read_csv(SIMULATED / "complexes.csv")


@pytest.fixture(scope="module")
def reconciliation():
    return pd.read_csv(SIMULATED / "reconciliation.csv").set_index("item_en")


@pytest.fixture(scope="module")
def pilots(complexes):
    """Totals of the seven complexes of 2005 by year: USD bn at 1,150 KRW, USD bn, thousand persons."""
    seven = complexes.loc[complexes["first_treated"] == 2005, "complex_id"]
    assert len(seven) == 7
    table = text(SIMULATED, "panel")
    table = table[table["complex_id"].isin(seven)]
    totals = table[OUTCOMES].astype(int).groupby(table["year"].astype(int)).sum()
    return totals / [1150 * 1000, 1e6, 1e3]


def test_regenerating_reproduces_every_file_byte_for_byte(tmp_path):
    written = generate(PUBLISHED, tmp_path)
    committed = {path.relative_to(SIMULATED) for path in SIMULATED.rglob("*") if path.is_file()}
    assert {path.relative_to(tmp_path) for path in written} == committed - {Path("README.md")}
    for path in written:
        content = path.read_bytes()
        assert content == (SIMULATED / path.relative_to(tmp_path)).read_bytes(), path.name
        assert not content.startswith(b"\xef\xbb\xbf") and b"\r" not in content


# Calibration


@pytest.mark.parametrize("item, year", [("base_2005", 2005), ("achieved_2008", 2008)])
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_totals_of_the_pilots_are_as_printed(pilots, outcome, item, year):
    goals = text(PUBLISHED, "goal_achievement").set_index(["indicator", "item"])["value"]
    printed = goals[PRINTED[outcome], item]
    decimals = len(printed.partition(".")[2])
    assert f"{pilots.loc[year, outcome]:.{decimals}f}" == printed


@pytest.mark.parametrize("outcome, printed", [("production", 45.8), ("exports", 33.7), ("employment", 11.9)])
def test_growth_of_the_pilots_2004_to_2009_is_as_printed(pilots, outcome, printed):
    growth = text(PUBLISHED, "growth_2004_2009").set_index(["indicator", "group"])["value"].astype(float)
    assert growth[PRINTED[outcome], "7_target_complexes"] == printed
    assert round(100 * (pilots.loc[2009, outcome] / pilots.loc[2004, outcome] - 1), 1) == printed


# Registry


def test_rows_by_role(complexes):
    assert complexes["role"].value_counts().to_dict() == {"spoke": 167, "non_participant": 60, "hub": 27}
    assert complexes["first_treated"].value_counts().to_dict() == {2005: 7, 2008: 5, 2010: 182}
    assert complexes["complex_id"].is_unique and complexes["name_en"].is_unique and complexes["name_ko"].is_unique


def test_counted_gives_the_printed_193(complexes):
    wanju = complexes["name_en"] == "Wanju"
    as_hubs = complexes[(complexes["role"] == "hub") & ~wanju]
    as_spokes = complexes[(complexes["role"] == "spoke") | wanju]
    assert (as_hubs["counted"].sum(), as_spokes["counted"].sum()) == (25, 168)
    assert complexes["counted"].sum() == 193
    # The organisation chart: 5, 5, 5, 5, 3 and 2 hubs.
    assert as_hubs.groupby("headquarters")["counted"].sum().to_dict() == {
        "seoul_metropolitan": 5, "chungcheong": 5, "honam": 5, "dongnam": 5, "daekyung": 3, "gangwon": 2,
    }
    # The status tables: spokes by zone.
    assert as_spokes.groupby("zone")["counted"].sum().to_dict() == {
        "seoul_metropolitan": 14, "chungcheong": 41, "honam": 36, "daekyung": 18, "dongnam": 43, "gangwon": 13, "jeju": 3,
    }


def test_onsan_is_the_only_one_with_another_year(complexes):
    other = complexes.dropna(subset="first_treated_alternative")
    assert other[["name_en", "first_treated", "first_treated_alternative"]].to_numpy().tolist() == [["Onsan", 2010, 2005]]


def test_numbered_and_invented_rows_say_so(complexes):
    numbered = complexes["name_en"].str.contains(r"\(\d\)$")
    assert (numbered == (complexes["basis"] == "inferred")).all()
    assert ((complexes["basis"] == "invented") == complexes["name_ko"].str.startswith("가상단지")).all()
    assert complexes["name_ko"].str.contains("[가-힣]").all()


def test_every_korean_name_is_used():
    named = set(registry.names_ko().index)
    mini_clusters = set(text(SIMULATED, "mini_clusters")["name_en"])
    rows = text(SIMULATED, "complexes").query("basis != 'invented'")["name_en"]
    assert named == mini_clusters | set(rows.str.replace(r" \(\d\)$", "", regex=True))


def test_reconciliation_adds_up(reconciliation):
    table = reconciliation
    assert (table["listed"] - table["printed"] == table["difference"]).all()
    difference = table["difference"]
    assert difference["participants: counted against the printed total"] == 0
    assert difference["hubs: rows against the printed number"] == 2
    specials = ["Bupyeong-Juan", "Onsan", "Pyeongdong Oetu", "Wanju: mentions against complexes"]
    assert difference[specials].sum() == 2
    assert difference[table.index.str.startswith("hubs of")].sum() == 2
    assert table.loc["spokes of Honam, all: list against the map", ["listed", "printed"]].tolist() == [36, 34]
    assert table.loc["spokes of Daekyung, all: list against the map", ["listed", "printed"]].tolist() == [18, 20]
    spokes = table[table.index.str.startswith("spokes of")]
    by_zone = spokes.index.str.contains(", all:")
    assert spokes[by_zone]["printed"].sum() == spokes[~by_zone]["printed"].sum() == 168
    assert spokes[by_zone]["listed"].sum() == spokes[~by_zone]["listed"].sum() == 168
    assert table["explanation_ko"].str.contains("[가-힣]").all()


# Panel


def test_masks_stand_exactly_where_two_or_fewer_firms_operate(complexes):
    table = text(SIMULATED, "panel")
    few = table["operating_firms"].astype(int) <= 2
    for outcome in OUTCOMES:
        assert ((table[outcome] == "X") == few).all()
    assert 0.02 <= few.mean() <= 0.04
    masked = complexes[complexes["complex_id"].isin(table.loc[few, "complex_id"])]
    assert set(masked["type"]) <= {"agro_industrial", "general"} and not (masked["role"] == "hub").any()


def test_missing_cells_are_few_and_clustered(complexes):
    table = text(SIMULATED, "panel")
    missing = table[OUTCOMES] == ""
    assert missing.to_numpy().mean() == pytest.approx(0.01, abs=0.003)
    gappy = set(table.loc[missing.any(axis=1), "complex_id"])
    assert len(gappy) < len(complexes) / 5
    assert not gappy & set(complexes.loc[complexes["first_treated"] < 2010, "complex_id"])


def test_panel_is_complete_and_whole():
    table = text(SIMULATED, "panel")
    assert len(table) == 254 * 16 and not table.duplicated(["complex_id", "year"]).any()
    for column in OUTCOMES:
        assert table[column].str.fullmatch(r"\d+|X|").all()
    for column in ("operating_firms", "capital", "intermediate_inputs"):
        assert table[column].str.fullmatch(r"\d+").all()
    assert table["area"].str.fullmatch(r"\d+\.\d").all()
    assert table.loc[table["exports"] == "0", "complex_id"].nunique() == 10


# True effect


def test_effect_follows_its_formula(complexes):
    effects = pd.read_csv(SIMULATED / "true_effects.csv").set_index(["complex_id", "year"])
    gumi = complexes.set_index("name_en").loc["Gumi", "complex_id"]
    kappa = effects.loc[(gumi, 2005), "production"] / (1 - exp(-1 / 2.5))
    # Gumi in 2009: four years after its first, 1 - exp(-5 / 2.5) = 0.864665 of the long run.
    assert effects.loc[(gumi, 2009), "production"] == pytest.approx(0.864665 * kappa, abs=3e-6)
    assert effects.loc[(gumi, 2009), "exports"] == pytest.approx(0.9 * 0.864665 * kappa, abs=3e-6)
    assert effects.loc[(gumi, 2009), "employment"] == pytest.approx(0.5 * 0.864665 * kappa, abs=3e-6)
    assert effects.loc[(gumi, 2009), "operating_firms"] == pytest.approx(0.3 * 0.864665 * kappa, abs=3e-6)


@pytest.mark.parametrize(
    "role, types, first_treated, kappa",
    [
        ("hub", ["national", "general", "agro_industrial"], 2005, 0.10),
        ("hub", ["national", "general", "agro_industrial"], 2008, 0.07),
        ("hub", ["national", "general", "agro_industrial"], 2010, 0.06),
        ("spoke", ["national", "general"], 2010, 0.04),
        ("spoke", ["agro_industrial"], 2010, 0.02),
    ],
)
def test_mean_effect_of_a_group(complexes, role, types, first_treated, kappa):
    effects = pd.read_csv(SIMULATED / "true_effects.csv").merge(complexes, on="complex_id")
    group = effects.query("role == @role and type in @types and first_treated == @first_treated and year == 2016")
    assert group["production"].mean() == pytest.approx(kappa * (1 - exp(-(2016 - first_treated + 1) / 2.5)), abs=1e-6)
    assert (group["production"] > 0).all()


def test_effects_cover_exactly_the_treated_cells(complexes):
    effects = pd.read_csv(SIMULATED / "true_effects.csv")
    expected = (2017 - complexes["first_treated"]).sum()  # years treated, up to 2016
    assert len(effects) == expected == 7 * 12 + 5 * 9 + 182 * 7
    assert (effects["year"] >= effects["complex_id"].map(complexes.set_index("complex_id")["first_treated"])).all()


def test_the_panel_holds_the_effect_it_claims(complexes, monkeypatch):
    """Without the effect the panel differs from the committed one by tau, common year effects apart."""
    registered = registry.complexes(PUBLISHED)
    monkeypatch.setattr(panel, "KAPPA", dict.fromkeys(panel.KAPPA, 0.0))
    without = panel.tables(PUBLISHED, registered)["panel.csv"]
    effects = pd.read_csv(SIMULATED / "true_effects.csv").set_index(["complex_id", "year"])
    table = text(SIMULATED, "panel")
    namdong = complexes.set_index("name_en").loc["Namdong", "complex_id"]
    large = complexes.query("role == 'non_participant' and type == 'national'")["complex_id"].iloc[0]
    for outcome in OUTCOMES:
        ratio = {
            complex_id: np.log(table.loc[table["complex_id"] == complex_id, outcome].astype(float).to_numpy())
            - np.log(without.loc[without["complex_id"] == complex_id, outcome].astype(float).to_numpy())
            for complex_id in (namdong, large)
        }
        tau = [effects[outcome].get((namdong, year), 0.0) for year in range(2001, 2017)]
        assert ratio[namdong] - ratio[large] == pytest.approx(tau, abs=5e-4)  # persons are whole


# Evaluation


def test_mini_clusters():
    table = text(SIMULATED, "mini_clusters")
    for since in ("2010", "2015"):
        own = table[table["since"] == since]
        assert list(own["mc_id"]) == [f"MC{number:02d}" for number in range(1, 82)]
        assert set(own["headquarters"]) == of(int(since))
        assert (own["kind"] == "agro_industrial").sum() == 12
    assert len(table) == 2 * 81
    hubs = set(text(SIMULATED, "complexes").query("role == 'hub'")["name_en"])
    assert {hub for hubs_of_one in table["hub"] for hub in hubs_of_one.split("; ")} <= hubs


def test_mini_clusters_went_to_the_headquarters_of_their_hub():
    """Where the hub lies; the booklet of 2016 lists Eogok and Yangsan under Ulsan. Nothing else changed hands or names."""
    table = text(SIMULATED, "mini_clusters").set_index(["since", "mc_id"])
    before, after = table.loc["2010"], table.loc["2015"]
    pd.testing.assert_frame_equal(before.drop(columns="headquarters"), after.drop(columns="headquarters"))
    home = after.groupby("hub")["headquarters"].unique().map(lambda names: ", ".join(names)).to_dict()
    assert home == {
        "Seoul Digital": "seoul", "Namdong": "incheon", "Bupyeong-Juan": "incheon", "Banwol-Sihwa": "gyeonggi",
        "Asan; Cheonan": "chungcheong", "Cheongju; Ochang": "chungcheong", "Chungju": "chungcheong",
        "Gumi": "daekyung", "Seongseo": "daekyung", "Gyeongsan-Jinryang": "daekyung", "Myeongji-Noksan": "busan",
        "Ulsan": "ulsan", "Yangsan-Eogok": "ulsan", "Changwon": "gyeongnam", "Sacheon": "gyeongnam",
        "Gwangju": "gwangju_honam", "Daebul": "gwangju_honam", "Gunsan": "jeonbuk", "Iksan": "jeonbuk", "Wonju": "gangwon", "Bukpyeong": "gangwon",
    }  # fmt: skip
    assert all(registry.REGIONAL[new] == old for old, new in zip(before["headquarters"], after["headquarters"], strict=True))
    assert tuple(registry.REGIONAL) == headquarters_of(2015)


@pytest.mark.parametrize("name", ["mc_marks", "difficulty_marks", "headquarters_marks"])
def test_marks(name):
    table = evaluation(name)
    assert table["evaluator"].str.fullmatch(r"E\d\d").all() and table["evaluator"].nunique() == 9
    assert table["mark"].dropna().between(0, 100).all()
    blank = table["mark"].isna()
    if name == "mc_marks":
        assert set(table["mc_id"]) == set(text(SIMULATED, "mini_clusters")["mc_id"])
        assert (blank == (table["conflict_of_interest"] == 1)).all() and blank.mean() == pytest.approx(0.02, abs=0.01)
        assert len(table) == 7 * 81 * 9
    else:
        assert not blank.any()


@pytest.mark.parametrize(
    "name", ["difficulty_marks", "common_indicators", "headquarters_marks", "headquarters_indicators", "satisfaction"]
)
def test_every_headquarters_every_year(name):
    table = evaluation(name)
    for year in YEARS:
        assert set(table.loc[table["year"] == year, "headquarters"]) == of(year)


def test_respondents_are_codes_of_one_headquarters():
    table = evaluation("satisfaction")
    assert table["respondent"].str.fullmatch(r"R\d{4}").all()
    assert (table.groupby(["year", "respondent"])["headquarters"].nunique() == 1).all()
    assert table.groupby(["year", "headquarters"])["respondent"].nunique().between(40, 80).all()
    assert table["response"].dropna().isin(range(1, 8)).all()
    assert table["response"].isna().mean() == pytest.approx(0.02, abs=0.005)


def test_headquarters_indicators_are_both_exceeded_and_missed():
    table = evaluation("headquarters_indicators")
    ratio = table["actual"] / table["target"]
    assert (ratio > 1.1).any() and (ratio < 0.9).any()


def test_gunsan_without_gunjang_is_less_by_the_share_quoted_in_the_press():
    names = [*OUTCOMES, "operating_firms"]
    own = text(SIMULATED, "panel").query("complex_id == 'H07'").set_index("year")[names].astype(int)
    rows = text(SIMULATED, "panel_variants").set_index("year")
    left = rows[names].astype(int)
    assert set(rows["variant"]) == {"without_gunjang"} and set(rows["complex_id"]) == {"H07"} and list(left.index) == list(own.index)
    assert ((left > 0) & (left <= own)).all(axis=None) and (left["production"] < own["production"]).all()
    press = pd.read_csv(ROOT / "data" / "raw" / "press" / "press_complex_panel.csv")
    quoted = press[press["complex"].str.startswith("Gunjang") & (press["indicator"] == "production")].set_index("year")["value"]
    assert len(quoted) == 3
    for year, trillion in quoted.items():
        assert own.at[str(year), "production"] - left.at[str(year), "production"] == pytest.approx(1e6 * trillion, abs=1)
    share = 1 - left["production"] / own["production"]
    assert (share.loc["2001":"2011"].diff().dropna() > 0).all()
    # Whole numbers are right to within a half; so is production, from which the share is had here.
    within = 0.5 + 0.5 * own.div(own["production"], axis=0)
    assert ((own.mul(1 - share, axis=0) - left).abs() <= within + 1e-6).all(axis=None)


def test_entry_and_exit_make_the_firms_there_are_and_the_effect_works_through_entry_mostly(complexes):
    firms = text(SIMULATED, "panel").pivot(index="complex_id", columns="year", values="operating_firms").astype(int)
    moves = text(SIMULATED, "firm_turnover").astype({"entering_firms": int, "exiting_firms": int})
    entering, exiting = (moves.pivot(index="complex_id", columns="year", values=name) for name in ("entering_firms", "exiting_firms"))
    assert list(entering.columns) == list(firms.columns[1:]) and list(entering.index) == list(firms.index)
    before = firms.iloc[:, :-1].set_axis(firms.columns[1:], axis=1)
    assert (before + entering - exiting == firms.iloc[:, 1:]).all(axis=None)
    assert ((entering >= 0) & (exiting >= 0) & (exiting <= before) & (entering <= firms.iloc[:, 1:])).all(axis=None)
    yearly = entering.sum() / before.sum()
    assert yearly.between(0.08, 0.12).all() and (exiting.sum() / before.sum()).between(0.05, 0.09).all()
    # The effect times ten, without noise and rounding: eight tenths of what it adds to the firms enter.
    n, years = 2000, len(panel.YEARS)
    rise = np.tile(0.04 * np.arange(years), (n, 1))
    size = np.rint(1e6 * np.exp(panel.FIRM_GROWTH * np.arange(years) + np.stack([rise, 0 * rise]))).astype(int)
    names = pd.DataFrame({"complex_id": np.arange(n)})
    rates = []
    for firms, effect in zip(size, (rise, 0 * rise), strict=True):
        made = panel._turnover(names, firms, effect)
        rates.append((made[["entering_firms", "exiting_firms"]] / firms[:, :-1].reshape(-1, 1)).mean())
    moved = rates[0] - rates[1]
    # A growth of log points is a little more in per cent, and half of that excess counts as noise.
    assert moved["entering_firms"] == pytest.approx(0.8 * 0.04, abs=0.001) and moved["exiting_firms"] == pytest.approx(-0.2 * 0.04, abs=0.001)


def test_totals_are_plausible_close_at_the_top_and_without_ties():
    """The index by hand: 40/10/20/20/10, achievement capped at 100."""
    by = ["year", "headquarters"]
    owners = pd.read_csv(SIMULATED / "mini_clusters.csv")
    marks = evaluation("mc_marks").assign(since=lambda table: table["year"].map(lambda year: 2010 if year < 2015 else 2015)).merge(owners, on=["mc_id", "since"])
    mc = marks.groupby([*by, "mc_id"])["mark"].mean().groupby(by).mean()
    difficulty = evaluation("difficulty_marks").groupby(by)["mark"].mean()

    def achievement(table):
        ratio = (100 * table["actual"] / table["target"]).clip(upper=100)
        return ratio.groupby([table[key] for key in by]).mean()

    common = achievement(evaluation("common_indicators"))
    own = (
        evaluation("headquarters_marks").groupby(by)["mark"].mean() + achievement(evaluation("headquarters_indicators"))
    ) / 2
    answers = evaluation("satisfaction")
    satisfaction = ((answers["response"] - 1) / 6 * 100).groupby([answers[key] for key in [*by, "part"]]).mean()
    satisfaction = satisfaction.groupby(by).mean()
    total = 0.4 * mc + 0.1 * difficulty + 0.2 * common + 0.2 * own + 0.1 * satisfaction
    assert total.between(74, 90).all() and len(total) == 5 * 6 + 2 * 11
    assert total.round(2).groupby("year").nunique().to_dict() == {year: len(of(year)) for year in YEARS}
    top = total[2010].nlargest(3)
    assert top.iloc[0] - top.iloc[2] < 1.5
