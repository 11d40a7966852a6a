"""Agreement of evaluators: against published tables, second ways to the same figures, and simulated truth."""


import numpy as np
import pandas as pd
import pytest
from scipy import stats

from evaluation.errors import UserError
from evaluation.index.agreement import (
    LEVELS_OF_MEASUREMENT,
    bootstrap_agreement,
    icc,
    kendall_w,
    krippendorff_alpha,
    rank_drivers,
    severity,
    without_each_evaluator,
)

# Marks that do not vary or are missing are no reason for a warning either.
pytestmark = pytest.mark.filterwarnings("error")

# Shrout and Fleiss (1979), Psychological Bulletin 86, table 2: six targets (rows) by four judges.
SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
NO = np.nan
LEVELS = ("nominal", "ordinal", "interval", "ratio")
# Krippendorff (2011), "Computing Krippendorff's alpha-reliability": four observers (rows) by twelve units.
KRIPPENDORFF = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NO, NO, NO],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NO, 3],
        [NO, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NO],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NO],
    ]
).T
FORMS = ["ICC(1,1)", "ICC(2,1)", "ICC(3,1)", "ICC(1,k)", "ICC(2,k)", "ICC(3,k)"]


def long(table):
    """Units by evaluators as the long frame."""
    rows = [(f"u{i:03}", f"E{j:02}", value) for i, line in enumerate(np.asarray(table, float)) for j, value in enumerate(line)]
    return pd.DataFrame(rows, columns=["unit", "evaluator", "value"])


def simulated(rng, n, k, unit=1.0, evaluator=0.7, error=1.0):
    """Marks with known variances of units, evaluators and error."""
    return unit * rng.normal(size=(n, 1)) + evaluator * rng.normal(size=k) + error * rng.normal(size=(n, k))


def holed(rng, n=30, k=5, share=0.2, digits=0):
    """Marks of few values with some missing."""
    table = np.round(5 + 2 * simulated(rng, n, k), digits).clip(0)
    table[rng.random((n, k)) < share] = NO
    return table


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setenv("ICCP_LANG", "en")


# Published figures


def test_icc_of_shrout_and_fleiss():
    table = icc(long(SHROUT_FLEISS))
    assert list(table.index) == FORMS
    # Table 4 of the paper, two digits; below, the same from its table 1 in double precision.
    assert table["value"].round(2).tolist() == [0.17, 0.29, 0.71, 0.44, 0.62, 0.91]
    exact = [0.16574176840547553, 0.2897637795275592, 0.7148407148407154, 0.4427971336792688, 0.6200505475989893, 0.9093155423770697]
    assert table["value"].to_numpy() == pytest.approx(exact, abs=1e-9)
    assert table[["units", "evaluators", "left_out"]].drop_duplicates().to_numpy().tolist() == [[6, 4, 0]]


def test_intervals_and_tests_against_another_program():
    """Figures of pingouin's intraclass_corr on the same table (run apart from this project), with the digits it gives."""
    table = icc(long(SHROUT_FLEISS))
    bounds = [(-0.13, 0.72), (0.02, 0.76), (0.34, 0.95), (-0.88, 0.91), (0.07, 0.93), (0.68, 0.99)]
    assert table[["lower", "upper"]].to_numpy() == pytest.approx(np.array(bounds), abs=0.005)
    assert table["F"].to_numpy() == pytest.approx([1.7946784922394683, *[11.027247956403299] * 2] * 2, rel=1e-12)
    assert table["p"].to_numpy() == pytest.approx([0.16476880834463953, *[0.000134566516484335] * 2] * 2, rel=1e-9)
    assert table[["df1", "df2"]].to_numpy().tolist() == [[5, 18], [5, 15], [5, 15]] * 2


def test_kendall_w_of_the_same_marks():
    """0.887... = 12 S / (k^2 (n^3 - n) - k T), worked apart from this project; two judges have ties."""
    out = kendall_w(long(SHROUT_FLEISS))
    assert out["W"] == pytest.approx(0.8870370370370371, abs=1e-12)
    assert (out["df"], out["units"], out["evaluators"], out["left_out"]) == (5, 6, 4, 0)


@pytest.mark.parametrize(
    "level, published, exact",
    [("nominal", 0.743, 0.743421052631579), ("ordinal", 0.815, 0.8153875037548814),
     ("interval", 0.849, 0.8491071428571428), ("ratio", 0.797, 0.7974027747116121)],
)  # fmt: skip
def test_alpha_of_krippendorff(level, published, exact):
    """Published with three digits; the rest from the package krippendorff (run apart from this project)."""
    alpha = krippendorff_alpha(long(KRIPPENDORFF), level)
    assert alpha == pytest.approx(published, abs=0.0005) and alpha == pytest.approx(exact, abs=1e-12)


# Second ways to the same figures


@pytest.mark.parametrize("seed", range(3))
def test_interval_of_icc_2_in_the_words_of_the_paper(seed):
    """Shrout and Fleiss's own formulae, from sums over the table, without what the module shares between forms."""
    n, k = 12, 5
    x = simulated(np.random.default_rng(seed), n, k)
    bms = k * x.mean(axis=1).var(ddof=1)
    jms = n * x.mean(axis=0).var(ddof=1)
    ems = ((x - x.mean(axis=1, keepdims=True) - x.mean(axis=0) + x.mean()) ** 2).sum() / ((n - 1) * (k - 1))
    rho = (bms - ems) / (bms + (k - 1) * ems + k * (jms - ems) / n)
    fj = jms / ems
    part = n * (1 + (k - 1) * rho) - k * rho
    v = (k - 1) * (n - 1) * (k * rho * fj + part) ** 2 / ((n - 1) * k**2 * rho**2 * fj**2 + part**2)
    f_low, f_high = stats.f.ppf(0.95, n - 1, v), stats.f.ppf(0.95, v, n - 1)
    lower = n * (bms - f_low * ems) / (f_low * (k * jms + (k * n - k - n) * ems) + n * bms)
    upper = n * (f_high * bms - ems) / (k * jms + (k * n - k - n) * ems + n * f_high * bms)
    table = icc(long(x), level=0.90)
    assert rho > 0
    assert table.loc["ICC(2,1)", ["value", "lower", "upper"]].tolist() == pytest.approx([rho, lower, upper], abs=1e-9)
    # McGraw and Wong's bounds of the mean of k.
    mean_lower = n * (bms - f_low * ems) / (f_low * (jms - ems) + n * bms)
    mean_upper = n * (f_high * bms - ems) / (jms - ems + n * f_high * bms)
    assert table.loc["ICC(2,k)", ["lower", "upper"]].tolist() == pytest.approx([mean_lower, mean_upper], abs=1e-9)
    f3 = bms / ems / stats.f.ppf(0.95, n - 1, (n - 1) * (k - 1))
    assert table.at["ICC(3,1)", "lower"] == pytest.approx((f3 - 1) / (f3 + k - 1), abs=1e-9)
    assert table.at["ICC(3,k)", "lower"] == pytest.approx(1 - 1 / f3, abs=1e-9)


def test_kendall_w_is_friedmans_test():
    """k (n - 1) W is Friedman's statistic, ties and all (scipy)."""
    table = holed(np.random.default_rng(1), share=0)
    out = kendall_w(long(table))
    friedman = stats.friedmanchisquare(*table)
    assert (out["chi2"], out["p"]) == pytest.approx((friedman.statistic, friedman.pvalue))


def test_kendall_w_is_the_mean_of_rank_correlations():
    """Without ties W = (1 + (k - 1) mean Spearman correlation) / k (Kendall and Gibbons)."""
    table = simulated(np.random.default_rng(2), 15, 4)
    pairs = stats.spearmanr(table).statistic[np.triu_indices(4, 1)]
    assert kendall_w(long(table))["W"] == pytest.approx((1 + 3 * pairs.mean()) / 4)


@pytest.mark.parametrize("level", LEVELS_OF_MEASUREMENT)
def test_alpha_pair_by_pair(level):
    """Observed and expected disagreement from all pairs of marks, without a coincidence matrix."""
    table = holed(np.random.default_rng(3), n=12, k=4, share=0.35)
    units = [line[~np.isnan(line)] for line in table]
    units = [line for line in units if len(line) > 1]
    every = np.concatenate(units)

    def apart(a, b):
        if level == "nominal":
            return float(a != b)
        if level == "ordinal":
            low, high = min(a, b), max(a, b)
            between = ((every >= low) & (every <= high)).sum() - ((every == low).sum() + (every == high).sum()) / 2
            return between**2 if a != b else 0.0
        return (a - b) ** 2 if level == "interval" else ((a - b) / (a + b)) ** 2 if a + b else 0.0

    observed = sum(apart(a, b) / (len(line) - 1) for line in units for i, a in enumerate(line) for j, b in enumerate(line) if i != j)
    expected = sum(apart(a, b) for i, a in enumerate(every) for j, b in enumerate(every) if i != j) / (len(every) - 1)
    assert krippendorff_alpha(long(table), level) == pytest.approx(1 - observed / expected)


def test_severity_is_least_squares_on_dummies():
    table = holed(np.random.default_rng(4), n=12, k=4, share=0.3, digits=1)
    table[0, 1:] = NO  # a unit with one mark, which compares nobody
    table[0, 0] = 7.0
    compared = np.where((~np.isnan(table)).sum(axis=1, keepdims=True) >= 2, table, NO)
    unit, evaluator = np.nonzero(~np.isnan(compared))
    y = compared[unit, evaluator]
    units = unit[:, None] == np.unique(unit)
    # The last evaluator's effect is minus the sum of the others'.
    coded = np.eye(4)[:, :3] - np.eye(4)[:, 3:]
    x = np.hstack([coded[evaluator], units])
    solution, (rss,), order, _ = np.linalg.lstsq(x, y)
    contrast = np.hstack([coded, np.zeros((4, units.shape[1]))])
    covariance = contrast @ np.linalg.inv(x.T @ x) @ contrast.T * rss / (len(y) - order)
    hat = x @ np.linalg.inv(x.T @ x) @ x.T
    residuals = y - x @ solution
    out = severity(long(table))
    assert out["effect"].to_numpy() == pytest.approx(contrast @ solution)
    assert out["standard_error"].to_numpy() == pytest.approx(np.sqrt(np.diag(covariance)))
    for j, sd in enumerate(out["residual_sd"]):
        mine = evaluator == j
        assert sd == pytest.approx(np.sqrt((residuals[mine] ** 2).sum() / (1 - np.diag(hat)[mine]).sum()))
    assert out["marks"].tolist() == (~np.isnan(table)).sum(axis=0).tolist()
    assert out["mean"].to_numpy() == pytest.approx(np.nanmean(table, axis=0))


def test_severity_of_a_complete_table_is_simple():
    x = np.array(SHROUT_FLEISS, float)
    out = severity(long(x))
    assert out["effect"].to_numpy() == pytest.approx(x.mean(axis=0) - x.mean())
    assert out["effect"].sum() == pytest.approx(0)
    # The deviation from the mean of the other three is 4/3 of the effect.
    others = (x.sum(axis=1, keepdims=True) - x) / 3
    assert out["effect"].to_numpy() == pytest.approx((x - others).mean(axis=0) * 3 / 4)
    assert out["correlation"].to_numpy() == pytest.approx([np.corrcoef(x[:, j], others[:, j])[0, 1] for j in range(4)])
    residuals = x - x.mean(axis=1, keepdims=True) - x.mean(axis=0) + x.mean()
    variance = (residuals**2).sum() / 15
    # An effect is the mark mean minus the grand mean: variance (1 - 1/4) / 6 of the error's.
    assert out["standard_error"].to_numpy() == pytest.approx(np.sqrt(variance * 0.75 / 6))


@pytest.mark.parametrize("share", [0, 0.08])
def test_bootstrap_is_a_plain_loop(share):
    table = holed(np.random.default_rng(5), n=15, k=4, share=share)
    out = bootstrap_agreement(long(table), draws=25, seed=9, level=0.8)
    loop = []
    for counts in np.random.default_rng(9).multinomial(15, np.full(15, 1 / 15), size=25):
        marks = long(np.repeat(table, counts, axis=0))
        of_draw = icc(marks)["value"]
        loop.append((*of_draw[["ICC(1,1)", "ICC(2,1)", "ICC(3,1)"]], kendall_w(marks)["W"], *(krippendorff_alpha(marks, level) for level in LEVELS)))
    names = ["ICC(1,1)", "ICC(2,1)", "ICC(3,1)", "kendall_w", *(f"alpha_{level}" for level in LEVELS)]
    lower, upper = np.quantile(loop, [0.1, 0.9], axis=0)
    assert out.loc[names, "lower"].to_numpy() == pytest.approx(lower)
    assert out.loc[names, "upper"].to_numpy() == pytest.approx(upper)
    points = icc(long(table))["value"]
    values = [*points, kendall_w(long(table))["W"], *(krippendorff_alpha(long(table), level) for level in LEVELS)]
    assert out["value"].to_numpy() == pytest.approx(values)
    single = out.loc["ICC(2,1)", ["lower", "upper"]].to_numpy(float)
    assert out.loc["ICC(2,k)", ["lower", "upper"]].to_numpy(float) == pytest.approx(4 * single / (1 + 3 * single))
    complete, paired = (~np.isnan(table)).all(axis=1).sum(), ((~np.isnan(table)).sum(axis=1) > 1).sum()
    assert out["units"].tolist() == [complete] * 7 + [paired] * 4
    assert (out["units"] + out["left_out"] == 15).all() and (out["draws"] == 25).all()


# Simulated truth


def test_icc_recovers_known_variances():
    rng = np.random.default_rng(6)
    table = icc(long(simulated(rng, 400, 60)))["value"]
    assert table["ICC(2,1)"] == pytest.approx(1 / (1 + 0.49 + 1), abs=0.06)
    assert table["ICC(3,1)"] == pytest.approx(1 / 2, abs=0.06)
    assert table["ICC(2,k)"] == pytest.approx(1 / (1 + 1.49 / 60), abs=0.01)
    # Other evaluators at every unit: severity is part of the error.
    nested = rng.normal(size=(400, 1)) + np.sqrt(1.49) * rng.normal(size=(400, 60))
    one_way = icc(long(nested))["value"]["ICC(1,1)"]
    assert one_way == pytest.approx(1 / 2.49, abs=0.06)
    # For evaluators who can be exchanged, alpha of the level interval is the same quantity (Krippendorff 1970).
    assert krippendorff_alpha(long(nested.round(1)), "interval") == pytest.approx(one_way, abs=0.005)


def test_intervals_of_icc_cover_the_truth():
    rng = np.random.default_rng(7)
    truth = {"ICC(2,1)": 1 / 2.49, "ICC(3,1)": 1 / 2, "ICC(2,k)": 1 / (1 + 1.49 / 5), "ICC(3,k)": 1 / (1 + 1 / 5)}
    tables = [icc(long(simulated(rng, 15, 5)), level=0.90).loc[list(truth)] for _ in range(150)]
    for name, value in truth.items():
        covered = np.mean([table.at[name, "lower"] <= value <= table.at[name, "upper"] for table in tables])
        # 0.90, with three binomial standard errors of 150 runs on each side.
        assert 0.82 < covered < 0.98


def test_severity_recovered_from_marks_missing_where_they_matter():
    """An evaluator absent from the better half has a low mean, but is not called severe for it."""
    rng = np.random.default_rng(8)
    effects = np.array([-3.0, -1.0, 0.0, 1.5, 2.5])
    quality = 10 * rng.normal(size=(400, 1))
    table = 70 + quality + effects + 2 * rng.normal(size=(400, 5))
    table[(quality > 0)[:, 0], 4] = NO
    out = severity(long(table))
    assert out["mean"].idxmin() == "E04"
    assert (abs(out["effect"] - effects) < 3 * out["standard_error"]).all()
    assert out["residual_sd"].to_numpy() == pytest.approx(2, abs=0.25)
    assert out["standard_error"].idxmax() == "E04"


def test_an_evaluator_who_marks_at_random_is_seen():
    rng = np.random.default_rng(9)
    table = simulated(rng, 200, 5, unit=2)
    table[:, 3] = 3 * rng.normal(size=200)
    out = severity(long(table))
    assert out["correlation"].idxmin() == "E03" and abs(out.at["E03", "correlation"]) < 0.2
    assert out["residual_sd"].idxmax() == "E03"


def test_chance_gives_no_agreement():
    table = np.random.default_rng(10).integers(1, 6, size=(400, 6))
    out = kendall_w(long(table))
    assert out["W"] == pytest.approx(1 / 6, abs=0.03) and 0.001 < out["p"]
    for level in LEVELS_OF_MEASUREMENT:
        assert krippendorff_alpha(long(table), level) == pytest.approx(0, abs=0.04)


# What must hold


def test_perfect_agreement_is_one():
    marks = long(np.repeat([[60.1], [70.2], [80.3], [90.4]], 3, axis=1))
    table = icc(marks)
    assert (table[["value", "lower", "upper"]] == 1).all(axis=None) and np.isposinf(table["F"]).all() and (table["p"] == 0).all()
    assert kendall_w(marks)["W"] == 1
    assert [krippendorff_alpha(marks, level) for level in LEVELS_OF_MEASUREMENT] == [1] * 4
    assert bootstrap_agreement(marks, 50, 0)[["value", "lower", "upper"]].to_numpy() == pytest.approx(1)
    assert severity(marks)[["effect", "standard_error", "residual_sd"]].to_numpy() == pytest.approx(0, abs=1e-12)
    assert severity(marks)["correlation"].to_numpy() == pytest.approx(1)


def test_evaluators_apart_by_constants_agree_but_for_their_severity():
    marks = long(np.array([[60.1], [70.2], [80.3], [90.4]]) + [0.0, 0.1, 7.3])
    table = icc(marks)
    assert (table.loc[["ICC(3,1)", "ICC(3,k)"], ["value", "lower", "upper"]] == 1).all(axis=None)
    assert table.at["ICC(2,1)", "value"] < 1
    assert kendall_w(marks)["W"] == 1
    assert severity(marks)["residual_sd"].to_numpy() == pytest.approx(0, abs=1e-9)


def test_icc_3_does_not_see_severity():
    table = simulated(np.random.default_rng(11), 20, 4)
    before, after = icc(long(table)), icc(long(table + [0, 0, 5, 0]))
    columns = ["value", "lower", "upper", "F", "p"]
    three = ["ICC(3,1)", "ICC(3,k)"]
    assert after.loc[three, columns].to_numpy() == pytest.approx(before.loc[three, columns].to_numpy(), rel=1e-8)
    assert after.at["ICC(2,1)", "value"] < before.at["ICC(2,1)", "value"]


def test_scale_does_not_matter():
    table = simulated(np.random.default_rng(12), 20, 4)
    moved = 1000 + 20 * table
    assert icc(long(moved)).to_numpy() == pytest.approx(icc(long(table)).to_numpy(), rel=1e-6)
    assert krippendorff_alpha(long(moved), "interval") == pytest.approx(krippendorff_alpha(long(table), "interval"), rel=1e-8)


def test_w_and_ordinal_alpha_under_monotone_transforms():
    table = holed(np.random.default_rng(13), share=0)
    assert kendall_w(long(np.exp(table))) == kendall_w(long(table))
    # For W every evaluator may have a scale of their own.
    assert kendall_w(long(table * [1, 2, 3, 4, 5] + [0, 9, -3, 0, 1])) == kendall_w(long(table))
    assert krippendorff_alpha(long(np.exp(table)), "ordinal") == pytest.approx(krippendorff_alpha(long(table), "ordinal"))


def test_nominal_alpha_under_relabelling():
    relabelled = np.where(np.isnan(KRIPPENDORFF), NO, np.array([0, 40, -7, 3, 99, 1])[np.nan_to_num(KRIPPENDORFF).astype(int)])
    assert krippendorff_alpha(long(relabelled), "nominal") == pytest.approx(krippendorff_alpha(long(KRIPPENDORFF), "nominal"))


def test_a_ratio_scale_with_its_zero():
    assert krippendorff_alpha(long([[0, 0], [0, 0], [2, 2]]), "ratio") == 1
    assert krippendorff_alpha(long([[0, 1], [2, 2]]), "ratio") < 1


def test_order_of_rows_missing_rows_and_names_of_index_do_not_matter():
    rng = np.random.default_rng(14)
    marks = long(holed(rng))
    absent = marks.dropna().sample(frac=1, random_state=1).set_axis(np.zeros(marks["value"].notna().sum(), int))
    whole = icc(marks)
    # Units of which no row is left are not known to be left out.
    pd.testing.assert_frame_equal(icc(absent).drop(columns="left_out"), whole.drop(columns="left_out"))
    assert kendall_w(absent)["W"] == kendall_w(marks)["W"]
    assert krippendorff_alpha(absent, "interval") == krippendorff_alpha(marks, "interval")
    pd.testing.assert_frame_equal(severity(absent), severity(marks))
    nullable = marks.astype({"value": "Float64"})
    pd.testing.assert_frame_equal(icc(nullable), whole)


def test_incomplete_units_are_left_out_and_counted():
    table = np.vstack([SHROUT_FLEISS, [[5, NO, 5, 5], [NO] * 4]])
    out = icc(long(table))
    pd.testing.assert_frame_equal(out.drop(columns="left_out"), icc(long(SHROUT_FLEISS)).drop(columns="left_out"))
    assert (out["left_out"] == 2).all() and kendall_w(long(table))["left_out"] == 2


def test_an_evaluator_without_any_mark_is_passed_over():
    marks = long(np.hstack([SHROUT_FLEISS, np.full((6, 1), NO)]))
    assert (icc(marks)["evaluators"] == 4).all() and list(severity(marks).index) == ["E00", "E01", "E02", "E03"]


@pytest.mark.parametrize("value", [0.0, 0.1, 70.0])
def test_marks_that_do_not_vary_have_no_agreement_to_tell(value):
    marks = long(np.full((5, 3), value))
    assert icc(marks)[["value", "lower", "upper", "F", "p"]].isna().all(axis=None)
    assert np.isnan([kendall_w(marks)[name] for name in ("W", "chi2", "p")]).all()
    assert np.isnan([krippendorff_alpha(marks, level) for level in LEVELS_OF_MEASUREMENT]).all()
    out = bootstrap_agreement(marks, 20, 0)
    assert out[["value", "lower", "upper"]].isna().all(axis=None) and (out["draws"] == 0).all()
    out = severity(marks)
    assert out[["effect", "residual_sd"]].to_numpy() == pytest.approx(0, abs=1e-12) and out["correlation"].isna().all()


def test_units_that_do_not_vary():
    """Each evaluator gives one mark throughout: nobody ranks, and nothing tells units apart."""
    marks = long([[60, 70, 80]] * 4)
    table = icc(marks)["value"]
    assert table["ICC(1,1)"] == pytest.approx(-0.5) and np.isnan(table["ICC(3,1)"]) and np.isnan(table["ICC(1,k)"])
    assert np.isnan(kendall_w(marks)["W"])
    assert severity(marks)["effect"].to_numpy() == pytest.approx([-10, 0, 10])


def test_evaluators_who_contradict_each_other():
    marks = long([[1, 2], [2, 1], [1, 2], [2, 1]])
    table = icc(marks)
    assert table.at["ICC(3,1)", "value"] == -1 and table.loc[["ICC(1,k)", "ICC(2,k)", "ICC(3,k)"], "value"].isna().all()
    assert kendall_w(marks)["W"] == 0
    assert severity(marks)["correlation"].to_numpy() == pytest.approx(-1)
    assert len(icc(long([[0, 1], [1, 0]]))) == 6 and len(bootstrap_agreement(long([[0, 1], [1, 0]]), 20, 0)) == 11


def test_marks_equal_but_for_their_last_bits_are_tied():
    assert 0.1 + 0.2 != 0.3
    marks = long([[0.3, 0.1 + 0.2], [0.1 + 0.2, 0.3], [0.5, 0.5]])
    assert kendall_w(marks)["W"] == 1 and krippendorff_alpha(marks, "nominal") == 1


def test_two_marks_leave_no_degree_of_freedom():
    out = severity(long([[60, 70]]))
    assert out["effect"].to_numpy() == pytest.approx([-5, 5])
    assert out[["standard_error", "residual_sd", "correlation"]].isna().all(axis=None)


def test_the_same_seed_gives_the_same_intervals():
    marks = long(holed(np.random.default_rng(15), share=0.05))
    pd.testing.assert_frame_equal(bootstrap_agreement(marks, 100, 1), bootstrap_agreement(marks, 100, 1))
    assert not bootstrap_agreement(marks, 100, 1).equals(bootstrap_agreement(marks, 100, 2))


def test_draws_of_a_whole_committee_lie_around_the_estimate():
    out = bootstrap_agreement(long(simulated(np.random.default_rng(16), 81, 9)), 1000, 1)
    # Marks of many decimals agree by chance only in name; those below 0 have no ratio.
    assert out.at["alpha_nominal", "value"] == pytest.approx(0, abs=1e-3) and np.isnan(out.at["alpha_ratio", "value"])
    out = out.drop(["alpha_nominal", "alpha_ratio"])
    assert (out["lower"] < out["value"]).all() and (out["value"] < out["upper"]).all()


# Leave one evaluator out


def mean_total(marks):
    """The plainest index: mean mark per organisation, which the unit's first letter names."""
    return marks.groupby(marks["unit"].str[0])["value"].mean().rename_axis("unit")


def small():
    rows = [("x1", "A", 80), ("x1", "B", 70), ("x1", "C", 75), ("y1", "A", 60), ("y1", "B", 80), ("y1", "C", 76),
            ("z1", "A", 10), ("z1", "B", 10), ("z1", "C", 10)]  # fmt: skip
    return pd.DataFrame(rows, columns=["unit", "evaluator", "value"]).astype({"value": float})


def test_leave_one_out_by_hand():
    out = without_each_evaluator(mean_total, small())
    assert list(out.columns) == ["evaluator", "unit", "total", "rank", "change_of_total", "change_of_rank"]
    # All: x 75, y 72, z 10. Without A: 72.5, 78. Without B: 77.5, 68. Without C: 75, 70.
    assert out["evaluator"].tolist() == list("AAABBBCCC") and out["unit"].tolist() == list("xyz") * 3
    assert out["total"].tolist() == [72.5, 78, 10, 77.5, 68, 10, 75, 70, 10]
    assert out["change_of_total"].tolist() == [-2.5, 6, 0, 2.5, -4, 0, 0, -2, 0]
    assert out["rank"].tolist() == [2, 1, 3, 1, 2, 3, 1, 2, 3]
    assert out["change_of_rank"].tolist() == [1, -1, 0, 0, 0, 0, 0, 0, 0]
    drivers = rank_drivers(out)
    assert drivers.to_dict("records") == [{"evaluator": "A", "units": ("x", "y"), "largest_change": 1}]


def test_ties_share_the_better_rank():
    marks = small()
    marks.loc[(marks["unit"] == "y1") & (marks["evaluator"] == "A"), "value"] = 69.0  # y is 75 as well
    out = without_each_evaluator(mean_total, marks)
    # With all, x and y share rank 1; without A, x falls to 2 and y stays.
    assert out.loc[out["evaluator"] == "A", "change_of_rank"].tolist() == [1, 0, 0]
    assert rank_drivers(out)["units"].tolist() == [("x",), ("y",), ("y",)]


def test_a_unit_that_only_one_evaluator_marked_loses_its_rank_and_moves_nobody():
    marks = small()
    marks = marks[(marks["unit"] != "x1") | (marks["evaluator"] == "C")]
    out = without_each_evaluator(mean_total, marks)
    left = out[out["evaluator"] == "C"].set_index("unit")
    assert left.loc["x"].drop("evaluator").isna().all()
    assert left["rank"].tolist()[1:] == [1, 2] and left["change_of_rank"].tolist()[1:] == [0, 0]
    drivers = rank_drivers(out).set_index("evaluator")
    assert drivers.at["C", "units"] == ("x",) and drivers.at["C", "largest_change"] is pd.NA


def test_nobody_decides_a_clear_ranking():
    out = without_each_evaluator(mean_total, long([[90, 91], [50, 51]]).replace({"u000": "x1", "u001": "y1"}))
    drivers = rank_drivers(out)
    assert drivers.empty and list(drivers.columns) == ["evaluator", "units", "largest_change"]


def test_further_columns_reach_the_score():
    marks = small().assign(weight=2.0)
    out = without_each_evaluator(lambda frame: (frame["value"] * frame["weight"]).groupby(frame["unit"]).sum(), marks)
    assert out.loc[0, "total"] == 290


# What a user is told


@pytest.mark.parametrize(
    "call",
    [icc, kendall_w, lambda marks: krippendorff_alpha(marks, "interval"), lambda marks: bootstrap_agreement(marks, 5, 0), severity,
     lambda marks: without_each_evaluator(mean_total, marks)],
)  # fmt: skip
def test_frames_that_are_no_marks(call):
    marks = long(SHROUT_FLEISS)
    twice = pd.concat([marks, marks.iloc[[5]]])
    with pytest.raises(UserError, match="u001, E01 stands 2 times") as told:
        call(twice)
    assert "u001, E01" in told.value.ko and "2번" in told.value.ko
    # A pair that stands twice is not clear even where one of the two is empty.
    with pytest.raises(UserError, match="u001, E01"):
        call(pd.concat([marks, marks.iloc[[5]].assign(value=NO)]))
    with pytest.raises(UserError, match="no column evaluator"):
        call(marks.rename(columns={"evaluator": "judge"}))
    with pytest.raises(UserError, match="no unit or no evaluator .first: row 3"):
        call(marks.assign(unit=marks["unit"].where(marks.index != 3)))
    with pytest.raises(UserError, match="u001, E01: good is not"):
        call(marks.astype({"value": object}).assign(value=lambda frame: frame["value"].where(frame.index != 5, "good")))
    with pytest.raises(UserError, match="u001, E01: inf is not"):
        call(marks.assign(value=marks["value"].where(marks.index != 5, np.inf)))
    for nothing in (marks.iloc[:0], marks.assign(value=NO)):
        with pytest.raises(UserError, match="marks"):
            call(nothing)


@pytest.mark.parametrize("call", [icc, kendall_w, lambda marks: bootstrap_agreement(marks, 5, 0)])
def test_too_few_for_agreement(call):
    with pytest.raises(UserError, match="1 of 3 units have a mark from each evaluator .2.*E01: 2"):
        call(long([[1, 2], [3, NO], [4, NO]]))
    with pytest.raises(UserError, match="each evaluator .1.*Add marks"):
        call(long([[1], [2], [3]]))


def test_nothing_to_compare():
    with pytest.raises(UserError, match="none of 2 units"):
        krippendorff_alpha(long([[1, NO], [NO, 2]]), "nominal")
    with pytest.raises(UserError, match="groups: E00, E01; E02, E03"):
        severity(long([[1, 2, NO, NO], [2, 2, NO, NO], [NO, NO, 4, 5]]))
    with pytest.raises(UserError, match="at least 2"):
        without_each_evaluator(mean_total, long([[1], [2]]))
    with pytest.raises(UserError, match="at least 2"):
        severity(long([[1], [2]]))
    with pytest.raises(UserError, match="groups: E00; E01"):
        severity(long([[1, NO], [NO, 2]]))
    with pytest.raises(UserError, match="No total for u"):
        without_each_evaluator(lambda marks: mean_total(marks) * NO, long([[1, 2]]))


def test_levels_of_measurement():
    with pytest.raises(UserError, match="'metric'.*nominal, ordinal, interval, ratio"):
        krippendorff_alpha(long(SHROUT_FLEISS), "metric")
    with pytest.raises(UserError, match="-1 is below 0"):
        krippendorff_alpha(long([[1, -1], [2, 2]]), "ratio")
