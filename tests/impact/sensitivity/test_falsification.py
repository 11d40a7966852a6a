"""Checks of a result on a panel made for it: what must be found is known. Tolerances: exact arithmetic to 1e-10 where there is no noise."""

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import UserError
from evaluation.impact.design import design
from evaluation.impact.estimators import estimate
from evaluation.impact.panel import estimation_panel, panel_design
from evaluation.impact.sensitivity.falsification import (
    balance,
    checks,
    comparison_groups,
    composition,
    entry_years,
    figures_otherwise,
    influence,
    leave_one_complex_out,
    placebo_dates,
    turnover,
)
from evaluation.impact.specification import complete_impact
from evaluation.sources.specs import read_impact

SPEC = complete_impact(read_impact())
OUTCOME = {"id": "production", "transform": "log", "window": SPEC["window"]}
YEARS = range(2001, 2011)


def tables(trend=0.0, noise=0.0, effects=None, seed=1):
    """Thirty complexes in three zones: six join in 2005, twelve in 2008 and twelve never; effect 0.2, or that given by name."""
    rng = np.random.default_rng(seed)
    rows, registry = [], []
    for number in range(30):
        name, cohort = f"c{number:02d}", 2005 if number < 6 else 2008 if number < 18 else np.nan
        registry.append((name, "xyz"[number % 3], "national" if number % 2 else "general", cohort, 2008 if number == 0 else np.nan))
        for year in YEARS:
            treated = year >= cohort
            y = 5 + 0.1 * number + 0.03 * year + trend * (year - 2001) * (cohort == cohort) + treated * (effects or {}).get(name, 0.2) + noise * rng.normal()
            firms = 10 * np.exp(0.05 * treated) * (1 + number % 4)
            rows.append((name, year, np.exp(y - 60), firms, 100.0 + number))
    panel = pd.DataFrame(rows, columns=["complex_id", "year", "production", "operating_firms", "area"])
    complexes = pd.DataFrame(registry, columns=["complex_id", "zone", "type", "first_treated", "first_treated_alternative"])
    return {"panel": panel, "complexes": complexes, "price_index": pd.DataFrame({"index": [], "year": [], "value": []})}


def sample(given, spec=SPEC):
    return estimation_panel(given["panel"], given["complexes"], given["price_index"], OUTCOME, spec)[0]


def test_placebo_dates_find_nothing_where_paths_are_parallel_and_the_trend_where_not():
    for trend, one, two in ((0.0, 0.0, 0.0), (0.01, 0.01, 0.015)):
        rows = {row["case"]: row for row in placebo_dates(sample(tables(trend, noise=1e-4)), SPEC)}
        # A year after the pretended date the trend has added itself once; two years give once and twice.
        assert rows["1"]["estimate"] == pytest.approx(one, abs=2e-4) and rows["2"]["estimate"] == pytest.approx(two, abs=2e-4)
        assert rows["1"]["n_treated"] == 18


def test_leaving_one_out_is_the_estimate_without_it():
    data = sample(tables(noise=0.02, effects={"c03": 0.8}))
    rows = {row["case"]: row for row in leave_one_complex_out(data, SPEC)}
    # The 18 of the small cohorts, and of the others those that move it most: nobody left out moves it further.
    every = {name: estimate(panel_design(data[data["complex_id"] != name], SPEC), "cs").estimate for name in data["complex_id"].unique()}
    assert 18 < len(rows) < len(every)
    assert (min(every.values()), max(every.values())) == pytest.approx((min(row["estimate"] for row in rows.values()), max(row["estimate"] for row in rows.values())))
    alone = estimate(panel_design(data[data["complex_id"] != "c03"], SPEC), "cs")
    assert rows["c03"]["estimate"] == pytest.approx(alone.estimate, abs=1e-12) and rows["c03"]["estimate"] == min(row["estimate"] for row in rows.values())


def test_influence_names_the_complex_that_stands_out():
    data = sample(tables(noise=0.02, effects={"c03": 0.8}))
    found = influence(data, SPEC)
    assert found.at[0, "complex_id"] == "c03" and found.at[0, "cohort"] == 2005
    # By complex, also where zones are taken as independent.
    pd.testing.assert_frame_equal(found, influence(data, SPEC | {"cluster": "zone"}))
    rows = {row["case"]: row["estimate"] for row in leave_one_complex_out(data, SPEC)}
    main = estimate(panel_design(data, SPEC), "cs").estimate
    # First order: right to within a sixth, as its cohort has six complexes.
    assert found.at[0, "change"] == pytest.approx(rows["c03"] - main, rel=0.2)


def test_other_entry_years_and_comparison_groups():
    given = tables(noise=0.01)
    [entry] = entry_years(given, OUTCOME, SPEC)
    changed = given["complexes"].assign(first_treated=lambda rows: rows["first_treated"].where(rows["complex_id"] != "c00", 2008.0))
    assert entry["case"] == "c00" and entry["estimate"] == pytest.approx(estimate(panel_design(sample(given | {"complexes": changed}), SPEC), "cs").estimate, abs=1e-12)
    found = {row["case"]: row for row in comparison_groups(given, OUTCOME, SPEC)}
    assert set(found) == {"not_yet_treated", "national", "other_zones", "matched"}
    assert found["national"]["n_units"] == 18 + 6 and "same_zone" in found["other_zones"]["why"] and "estimate" not in found["other_zones"]
    assert found["matched"]["estimate"] == pytest.approx(0.2, abs=0.02)


def variant(given, name="half", factor=0.5, of="c01", years=range(2006, 2011)):
    """Rows of `panel_variants`: production of a complex times a factor."""
    panel = given["panel"]
    rows = panel[(panel["complex_id"] == of) & panel["year"].isin(years)]
    return pd.DataFrame({"variant": name, "complex_id": of, "year": rows["year"], "production": factor * rows["production"], "exports": np.nan, "employment": np.nan, "operating_firms": np.nan})


def test_figures_counted_otherwise_by_hand():
    """A complex halved from its second year on: its gaps of 2006 to 2010 fall by log 2, and nothing else changes."""
    given = tables()
    before = given["panel"].copy()
    assert figures_otherwise(given, OUTCOME, SPEC) == [] and figures_otherwise(given | {"panel_variants": variant(given).iloc[:0]}, OUTCOME, SPEC) == []
    two = pd.concat([variant(given), variant(given, "double", 2.0, "c07", [2010])])
    half, double = figures_otherwise(given | {"panel_variants": two}, OUTCOME, SPEC)
    # The average over participants' years: 6 complexes have 6 each from 2005 on, 12 have 3 each from 2008 on, 72 in all.
    assert half["check"] == "figures" and half["case"] == "half" and double["case"] == "double"
    assert half["estimate"] == pytest.approx(0.2 - 5 * np.log(2) / 72, abs=1e-10)
    assert double["estimate"] == pytest.approx(0.2 + np.log(2) / 72, abs=1e-10)
    assert half["n_treated"] == 18 and half["n_units"] == 30
    pd.testing.assert_frame_equal(given["panel"], before)


def test_figures_that_are_not_known_otherwise_give_no_number():
    given = tables()
    rows = variant(given)
    # An empty cell is not known: that of the panel is of the complex as the panel counts it, and without the complex it were another check.
    for broken in (rows.assign(production=rows["production"].where(rows["year"] != 2008)), rows.assign(production=0.0)):
        [found] = figures_otherwise(given | {"panel_variants": broken}, OUTCOME, SPEC)
        assert "estimate" not in found and "c01" in found["why"]
    [found] = figures_otherwise(given | {"panel_variants": rows}, {"id": "per_firm", "of": "production", "per": "operating_firms", "transform": "log"}, SPEC)
    assert "estimate" not in found and "c01" in found["why"]
    [found] = figures_otherwise(given | {"panel_variants": rows}, {"id": "area", "transform": "log"}, SPEC)
    assert "estimate" not in found and "no column area" in found["why"]
    # What the variant masks is masked, whatever the panel says of the cell.
    told = given["panel"].assign(production_status="observed")
    masked = rows.assign(production=np.nan, production_status="masked")
    [found] = figures_otherwise(given | {"panel": told, "panel_variants": masked}, OUTCOME, SPEC)
    assert "estimate" not in found and "c01" in found["why"]


def test_the_effect_on_a_total_is_that_on_firms_and_that_per_firm():
    found = composition(tables(noise=0.02), OUTCOME, SPEC).set_index("part")["estimate"]
    assert found["firms"] == pytest.approx(0.05, abs=1e-10)
    assert found["total"] == pytest.approx(found["firms"] + found["per_firm"], abs=1e-10)


def with_turnover(entry=0.0, exit=0.0, seed=3):
    """`tables` whose firms enter at about 10 and leave at about 8 per cent a year, changed by so much once their complex has joined; whole numbers."""
    rng, given = np.random.default_rng(seed), tables(noise=0.02)
    joined, firms, moves = given["complexes"].set_index("complex_id")["first_treated"], [], []
    for number, name in enumerate(joined.index):
        there = 2000 + 100 * number
        for year in YEARS:
            if year > YEARS[0]:
                entering, exiting = (int(round(there * (base + 0.002 * rng.normal() + effect * (year >= joined[name])))) for base, effect in ((0.10, entry), (0.08, exit)))
                moves.append((name, year, entering, exiting))
                there += entering - exiting
            firms.append((name, year, there))
    panel = given["panel"].drop(columns="operating_firms").merge(pd.DataFrame(firms, columns=["complex_id", "year", "operating_firms"]))
    return given | {"panel": panel, "firm_turnover": pd.DataFrame(moves, columns=["complex_id", "year", "entering_firms", "exiting_firms"])}


def test_an_effect_on_entry_is_found_where_it_is_and_not_on_exit():
    found = turnover(with_turnover(entry=0.03), OUTCOME, SPEC).set_index("part")
    assert list(found.index) == ["entry_rate", "exit_rate"]
    # Noise of 0.002 over 18 complexes and several years each.
    assert found.at["entry_rate", "estimate"] == pytest.approx(0.03, abs=0.002) and found.at["entry_rate", "lower"] > 0.025 and found.at["entry_rate", "p"] < 1e-6
    assert found.at["exit_rate", "estimate"] == pytest.approx(0, abs=0.002) and found.at["exit_rate", "lower"] < 0 < found.at["exit_rate", "upper"]
    assert found["rate"].tolist() == pytest.approx([0.10, 0.08], abs=5e-4)
    assert found[["n_treated", "n_units", "first", "last"]].to_numpy().tolist() == [[18, 30, 2002, 2010]] * 2
    left = turnover(with_turnover(exit=-0.02), OUTCOME, SPEC).set_index("part")
    assert left.at["exit_rate", "upper"] < -0.015 and left.at["entry_rate", "lower"] < 0 < left.at["entry_rate", "upper"]


def test_turnover_rests_on_the_complexes_and_weights_of_the_main_estimate():
    given = with_turnover(entry=0.03)
    panel = given["panel"]
    # c05 is in the main estimate, but its firms of one year are not known; c20 is not in the main estimate.
    panel.loc[(panel["complex_id"] == "c05") & (panel["year"] == 2006), "operating_firms"] = np.nan
    panel.loc[(panel["complex_id"] == "c20") & (panel["year"] == 2006), "production"] = np.nan
    spec = SPEC | {"weights": "production", "comparison": "not_yet_treated", "anticipation": 1, "cohorts": [2005, 2008]}
    found = turnover(given, OUTCOME, spec).set_index("part")
    data = panel.merge(given["complexes"]).merge(given["firm_turnover"])
    before = panel[["complex_id", "year", "operating_firms"]].assign(year=panel["year"] + 1).rename(columns={"operating_firms": "before"})
    data = data.merge(before).merge(panel.loc[panel["year"] == 2001, ["complex_id", "production"]].rename(columns={"production": "weight"}))
    data = data[~data["complex_id"].isin(["c05", "c20"])].assign(entry_rate=data["entering_firms"] / data["before"])
    plan = design(data, "complex_id", "year", "entry_rate", "first_treated", weights="weight", control="notyet", anticipation=1)
    own = estimate(plan, "cs")
    assert found.loc["entry_rate", ["estimate", "lower", "upper"]].tolist() == pytest.approx([own.estimate, own.lower, own.upper], abs=1e-12)
    others = data[data["first_treated"].isna()]
    assert found.at["entry_rate", "rate"] == pytest.approx(np.average(others["entry_rate"], weights=others["weight"]), abs=1e-12)
    assert (found["n_units"] == 28).all() and (found["n_treated"] == 17).all()


def test_turnover_on_the_years_there_are_or_not_at_all():
    given = with_turnover(entry=0.03)
    moves = given["firm_turnover"]
    # A count of the panel's first year has nothing to be a share of.
    more = pd.concat([moves, moves[moves["year"] == 2002].assign(year=2001)])
    pd.testing.assert_frame_equal(turnover(given | {"firm_turnover": more}, OUTCOME, SPEC), turnover(given, OUTCOME, SPEC))
    # From 2006 on, those that joined in 2005 have no year before.
    late = turnover(given | {"firm_turnover": moves[moves["year"] >= 2006]}, OUTCOME, SPEC)
    assert (late["n_treated"] == 12).all() and (late["first"] == 2006).all() and late.at[0, "estimate"] == pytest.approx(0.03, abs=0.002)
    without = {name: table for name, table in given.items() if name != "firm_turnover"}
    treated = given["complexes"].dropna(subset="first_treated")["complex_id"]
    for changed, words in (
        (without, "not given"), (without | {"firm_turnover": moves.iloc[:0]}, "not given"), (without | {"firm_turnover": moves[moves["year"] == 2006]}, "these years only: 2006;"),
        (without | {"firm_turnover": moves[moves["year"] != 2006]}, "2005, 2007"), (without | {"firm_turnover": moves[~moves["complex_id"].isin(treated)]}, "no participants"),
        (without | {"firm_turnover": moves.assign(exiting_firms=np.nan)}, "these years only: –"),
    ):  # fmt: skip
        with pytest.raises(UserError, match=words):
            turnover(changed, OUTCOME, SPEC)


def test_balance_by_hand():
    given = tables()
    data = sample(given)
    found = balance(data, given["panel"], ["production", "operating_firms"]).set_index(["part", "trait"])
    level = np.log(given["panel"].query("year == 2001").set_index("complex_id")["production"])
    treated, never = level.iloc[:18], level.iloc[18:]
    assert found.at[("overall", "production"), "difference"] == pytest.approx((treated.mean() - never.mean()) / np.sqrt((treated.var() + never.var()) / 2))
    assert found.at[("overall", "production_growth"), "participants"] == pytest.approx(0.03)
    cohort = data.groupby("complex_id")["cohort"].first()
    logs = np.log(given["panel"].pivot(index="complex_id", columns="year", values="production"))
    last = max(cohort)
    growth = (logs[last - 1] - logs[2001]) / (last - 1 - 2001)
    own, other = growth[cohort.index[cohort == last]], growth[cohort.index[cohort == 0]]
    assert found.at[(str(last), "production_growth"), "participants"] == pytest.approx(own.mean())
    assert found.at[(str(last), "production_growth"), "difference"] == pytest.approx((own.mean() - other.mean()) / np.sqrt((own.var() + other.var()) / 2))
    weighted = sample(given, SPEC | {"matching": {"neighbours": 3, "by": ["level"]}})
    assert abs(balance(weighted, given["panel"], ["production"]).at[0, "difference"]) < abs(found.at[("overall", "production"), "difference"])


def test_all_of_them_in_one_table():
    spec = SPEC | {"placebo_outcomes": [{"id": "area", "transform": "log", "window": SPEC["window"]}, {"id": "operating_firms", "transform": "log", "window": SPEC["window"]}]}
    given = tables(noise=0.02)
    found = checks(given | {"panel_variants": variant(given)}, OUTCOME, spec).set_index(["check", "case"])
    assert found.at[("figures", "half"), "estimate"] < found.at[("main", ""), "estimate"]
    assert "figures" not in checks(given, OUTCOME, SPEC)["check"].to_numpy()
    assert found.at[("main", ""), "estimate"] == pytest.approx(0.2, abs=0.02)
    assert found.at[("placebo_outcome", "operating_firms"), "estimate"] == pytest.approx(0.05)
    # What never changes within a complex cannot be moved, nor can it show that nothing moved it.
    assert found.at[("placebo_outcome", "area"), "estimate"] == pytest.approx(0, abs=1e-12) and not found.at[("placebo_outcome", "area"), "se"] > 1e-9
    assert len(found.loc["without_zone"]) == 3 and found["why"].notna().all()
