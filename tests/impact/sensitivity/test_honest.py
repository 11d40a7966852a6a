"""Robust intervals under bounds on violations of parallel trends, against HonestDiD for R as printed, and by simulation.

Tolerances: R tests values on a grid of its own (20 standard errors either way in 1000 steps unless said), and reports the outermost
accepted ones; ends here lie between that value and the next, so one step. Its fixed-length intervals rest on a million random draws
(0.1 % of the length). Its least favourable critical values rest on 1000 draws, which moves ends by up to a tenth of a standard error;
where they bear, the tolerance is one step more. moderndid 0.4.1: its own grids of 1000 points, a step each.
"""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

from evaluation.errors import UserError
from evaluation.impact.design import design
from evaluation.impact.estimators import estimate
from evaluation.impact.sensitivity import honest as module
from evaluation.impact.sensitivity.honest import (
    RESTRICTIONS,
    breakdown,
    breakdown_of,
    honest,
    honest_of,
    sensitivity_plot,
    usable,
)
from tests.conftest import ROOT, iccp

# Benzarti and Carloni (2019), profits of restaurants in France, 2004 to 2007 and 2009 to 2012: BCdata_EventStudy of HonestDiD.
BETAS = np.array([0.006696351803839207, 0.029345033690333366, -0.006472972221672535, 0.0730149894952774, 0.1959611177444458, 0.31206390261650085, 0.23954154551029205, 0.12604250013828278])
LOWER = [
    [0.0008428358123637736],
    [0.00047686867765150964, 0.000642542028799653],
    [0.00026180510758422315, 0.00039874250069260597, 0.000522994960192591],
    [0.00023542203416582197, 0.00024355151981581002, 0.00021176860900595784, 0.0003089595411438495],
    [0.00016763714666012675, 0.00022019603056833148, 0.00018407222523819655, 0.00011978660768363625, 0.00035997043596580625],
    [0.00011287076631560922, 0.00018045911565423012, 0.00014585278404410928, 0.00013340813165996224, 0.0002478818641975522, 0.0004263949813321233],
    [1.9928162146243267e-05, 3.8437650800915435e-05, 7.005197403486818e-05, 0.000101633500889875, 0.00017495792417321354, 0.00021714378090109676, 0.0004886697861365974],
    [-0.00013682653661817312, -2.960421988973394e-05, 5.952994979452342e-05, 0.00010790517262648791, 0.00016542569210287184, 0.0002892747870646417, 0.00038053220487199724, 0.000761739443987608],
]  # fmt: skip
VCOV = np.array([[LOWER[max(i, j)][min(i, j)] for j in range(8)] for i in range(8)])


@pytest.fixture(scope="module")
def medicaid():
    """The README's example: insurance coverage in states that expanded Medicaid in 2014 and those that did not, to 2015."""
    from moderndid import load_ehec

    frame = load_ehec()
    frame = frame.to_pandas() if hasattr(frame, "to_pandas") else frame
    frame = frame[(frame["year"] < 2016) & (frame["yexp2"] != 2015)]
    return design(frame.assign(first=frame["yexp2"].where(frame["yexp2"] == 2014, 0)), "stfips", "year", "dins", "first")


def around(found, lower, upper, tolerance):
    assert found["lower"].to_numpy() == pytest.approx(np.array(lower), abs=tolerance)
    assert found["upper"].to_numpy() == pytest.approx(np.array(upper), abs=tolerance)


# Print


def test_readme_relative_magnitudes(medicaid):
    result = estimate(medicaid, "twfe", "dynamic")
    step = 40 * np.sqrt(result.vcov[5, 5]) / 999
    around(
        honest_of(result, "rm", [0, 0.5, 1, 1.5, 2]),
        [0.028765631213, 0.024001896107, 0.017039514030, 0.008244926144, -0.000916102905], [0.064310423921, 0.067241953217, 0.072005688322, 0.079700952723, 0.088129099447], step,
    )  # fmt: skip
    # "The breakdown value for a significant effect is 2": the printed interval at 2 reaches from -0.00107.
    assert 1.9 < breakdown_of(result, "rm") < 2


def test_readme_average_effect(medicaid):
    result = estimate(medicaid, "twfe", "dynamic")
    step = 40 * np.sqrt(np.array([0.5, 0.5]) @ result.vcov[5:, 5:] @ [0.5, 0.5]) / 999
    around(
        honest_of(result, "rm", [0, 0.5, 1, 1.5, 2], [0.5, 0.5]),
        [0.040530467149, 0.032141783195, 0.019384317306, 0.005824264875, -0.008538374095], [0.075122562490, 0.079815601606, 0.090148561485, 0.103501494808, 0.117248615355], step,
    )  # fmt: skip


def test_readme_smoothness(medicaid):
    result = estimate(medicaid, "twfe", "dynamic")
    around(
        honest_of(result, "sd", np.arange(6) / 100),
        [0.025941479027, 0.013197025151, 0.002856995951, -0.007142576403, -0.017142576402, -0.027142576401],
        [0.060725786376, 0.078670742536, 0.090716039407, 0.100715611761, 0.110715611760, 0.120715611759], 4e-5,
    )  # fmt: skip
    assert 0.02 < breakdown_of(result, "sd") < 0.03


def test_vignette_changes_of_slope_relative_to_those_before():
    # Grid of 100 points from -1 to 1.
    around(
        honest(BETAS, VCOV, 4, "rm", [0, 0.5, 1, 1.5, 2], drift=True),
        [0.212121, 0.151515, 0.070707, -0.010101, -0.111111], [0.313131, 0.393939, 0.494949, 0.595960, 0.696970], 2 / 99,
    )  # fmt: skip


def test_vignette_negative_bias():
    # At 0.3 R prints an upper end of 0.6468, which is where its grid ends: 0.1 more of slope moves the set by 0.1, from 0.5185.
    found = honest(BETAS, VCOV, 4, "sd", [0, 0.1, 0.2, 0.3], restriction="negative")
    around(found.iloc[:3], [0.205855892, 0.164109677, 0.164116732], [0.234223779, 0.418352907, 0.518469103], 8e-4)
    assert found["lower"].iloc[3] == pytest.approx(0.164203162, abs=8e-4)
    assert found["upper"].iloc[3] == pytest.approx(found["upper"].iloc[2] + 0.1, abs=1e-5)


@pytest.mark.parametrize(
    ("method", "restriction", "drift", "inference", "bounds", "lower", "upper", "tolerance"),
    [
        ("rm", None, False, "c-lf", [0.5, 1], [0.11833, 0.06779], [0.27107, 0.31862], 0.0015),
        ("rm", None, False, "conditional", [0.5, 1], [0.11917, 0.06779], [0.27107, 0.31770], 0.001),
        ("rm", None, True, "conditional", [0.5, 1], [0.15002, 0.06861], [0.40969, 0.50714], 0.0015),
        ("rm", "positive", False, "c-lf", [0.5, 1], [0.11749, 0.06687], [0.23079, 0.24879], 0.002),
        ("rm", "positive", True, "c-lf", [0.5, 1], [0.14594, 0.06710], [0.24518, 0.24705], 0.0045),
        ("rm", "negative", False, "c-lf", [0.5, 1], [0.14099, 0.14497], [0.27275, 0.31862], 0.0015),
        ("rm", "increasing", False, "c-lf", [0.5, 1], [0.11749, 0.06687], [0.23163, 0.24971], 0.0015),
        ("rm", "decreasing", True, "conditional", [0.5, 1], [0.04398, 0.06256], [0.40969, 0.50714], 0.0015),
        ("sd", None, False, "flci", [0, 0.05, 0.3], [0.13146, 0.16940, -0.08060], [0.21612, 0.36855, 0.61855], 1e-5),
        ("sd", None, False, "conditional", [0, 0.05, 0.3], [0.21044, 0.16899, -0.07896], [0.32751, 0.36896, 0.61691], 0.0017),
        ("sd", None, False, "c-f", [0, 0.05, 0.3], [0.20589, 0.16842, -0.07993], [0.23429, 0.36953, 0.61789], 0.0007),
        ("sd", "positive", False, "c-f", [0, 0.05, 0.3], [0.19400, 0.16204, -0.07993], [0.23369, 0.23921, 0.22777], 0.0007),
        ("sd", "negative", False, "c-lf", [0, 0.05, 0.3], [0.21044, 0.14808, 0.16505], [0.32751, 0.37027, 0.61872], 0.0017),
        ("sd", "increasing", False, "conditional", [0, 0.05, 0.3], [0.19596, 0.16115, -0.07896], [0.24906, 0.23826, 0.22650], 0.0017),
        ("sd", "decreasing", False, "c-f", [0, 0.05, 0.3], [0.20589, 0.14824, 0.16427], [0.23441, 0.36953, 0.61789], 0.0007),
    ],
)  # fmt: skip
def test_the_same_as_moderndid(method, restriction, drift, inference, bounds, lower, upper, tolerance):
    around(honest(BETAS, VCOV, 4, method, bounds, restriction=restriction, drift=drift, inference=inference), lower, upper, tolerance)


# By hand and by other ways


def random_study(seed, pre, post):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(pre + post, 40))
    return rng.normal(size=pre + post) * 0.1, root @ root.T / 4000


@pytest.mark.parametrize(("pre", "bound"), [(1, 0.0), (1, 0.1), (4, 0.0), (4, 0.05), (4, 0.5)])
def test_fixed_length_by_general_minimisation(pre, bound):
    """A simplex search over the weights before treatment; the worst bias of what it finds by a linear program over the violations."""
    _, vcov = random_study(pre, pre, 3)
    weights, k = np.array([0.2, 0.5, 0.3]), pre + 3
    steps = np.delete(np.diff(np.eye(k + 1), 2, axis=0), pre, axis=1)
    times = np.r_[np.arange(-pre, 0), 1, 2, 3]

    def line_of(free):
        # No bias under a straight line.
        return np.r_[free, weights @ times[pre:] + free @ times[: pre - 1], weights]

    def length(free):
        line = line_of(free)
        sd, worst = np.sqrt(line @ vcov @ line), bound * np.abs(np.linalg.lstsq(steps.T, line)[0]).sum()
        return sd * np.sqrt(stats.ncx2.ppf(0.95, 1, (worst / sd) ** 2)) if worst else sd * stats.norm.ppf(0.975)

    line, half = module.flci(vcov, pre, bound, weights, 0.05)
    assert line[pre:] == pytest.approx(weights) and line @ times == pytest.approx(0, abs=1e-12)
    assert length(line[: pre - 1]) == pytest.approx(half, rel=1e-9)
    if bound:
        worst = -optimize.linprog(-line, np.vstack([steps, -steps]), np.full(2 * len(steps), bound), np.eye(k)[[0]], [0.0], bounds=(None, None)).fun
        assert worst == pytest.approx(bound * np.abs(np.linalg.lstsq(steps.T, line)[0]).sum(), rel=1e-9)
    if pre > 1:
        found = [optimize.minimize(length, start, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 2000}).fun for start in (np.zeros(pre - 1), line[: pre - 1] + 0.05)]
        assert half <= min(found) * (1 + 1e-9) and half == pytest.approx(min(found), rel=1e-5)


@pytest.mark.parametrize("restriction", [None, *RESTRICTIONS])
@pytest.mark.parametrize("drift", [False, True])
def test_multipliers_by_linear_program(restriction, drift):
    """The largest over the multipliers is the value of the program that they solve, at any coefficients."""
    betas, vcov = random_study(5, 3, 4)
    weights = np.array([0.4, 0.3, 0.2, 0.1])
    for matrix, _ in module._polyhedra(7, 3, "rm", 0.7, restriction, drift):
        size = np.sqrt(np.diag(matrix @ vcov @ matrix.T))
        free = np.linalg.svd(weights[None, :])[2][1:].T
        gamma = module.extreme(matrix[:, 3:] @ free / size[:, None])
        assert (gamma >= 0).all() and gamma.sum(axis=1) == pytest.approx(1) and np.abs(gamma / size @ matrix[:, 3:] @ free).max() < 1e-9
        for seed in range(3):
            y = matrix @ (betas + np.random.default_rng(seed).normal(size=7))
            program = optimize.linprog([1, 0, 0, 0], -np.column_stack([size, matrix[:, 3:] @ free]), -y, bounds=(None, None))
            assert (gamma @ (y / size)).max() == pytest.approx(program.fun, abs=1e-8)


def test_one_coefficient_on_each_side_by_hand():
    """Bound 0 of the conditional test: no trend at all, so the usual interval."""
    vcov = np.array([[0.04, 0.01], [0.01, 0.09]])
    found = honest([0.1, 1.0], vcov, 1, "rm", [0], inference="conditional")
    # Two-sided by two one-sided tests, each conditional on which one binds: of size 0.05 in the tail that binds.
    assert found["lower"][0] == pytest.approx(1 - 0.3 * stats.norm.ppf(0.975), abs=1e-6)
    # Smoothness: the line through the coefficient before and the reference, extended.
    line = np.array([1.0, 1.0])
    assert honest([0.1, 1.0], vcov, 1, "sd", [0])["lower"][0] == pytest.approx(1.1 - stats.norm.ppf(0.975) * np.sqrt(line @ vcov @ line), abs=1e-9)


def test_invariances():
    betas, vcov = random_study(7, 3, 3)
    base = honest(betas, vcov, 3, "rm", [0.5, 1])
    for unit in (1e-10, 100, 1e10):
        scaled = honest(unit * betas, unit**2 * vcov, 3, "rm", [0.5, 1])
        assert scaled[["lower", "upper"]].to_numpy() == pytest.approx(unit * base[["lower", "upper"]].to_numpy(), rel=1e-6)
        smooth = honest(unit * betas, unit**2 * vcov, 3, "sd", [0.1 * unit], inference="c-f")
        assert smooth["lower"][0] == pytest.approx(unit * honest(betas, vcov, 3, "sd", [0.1], inference="c-f")["lower"][0], rel=1e-6)
    mirrored = honest(-betas, vcov, 3, "rm", [0.5, 1])
    assert mirrored["lower"].to_numpy() == pytest.approx(-base["upper"].to_numpy(), abs=0.01 * np.sqrt(vcov[3, 3]))
    # An effect added to every period after treatment moves the interval by as much.
    moved = honest(betas + np.r_[np.zeros(3), 5 * np.ones(3)], vcov, 3, "rm", [0.5, 1])
    assert moved["lower"].to_numpy() == pytest.approx(base["lower"].to_numpy() + 5, abs=1e-6)
    # Under a straight line `sd` does not see it, nor does `rm` with drift.
    line = 10 * np.r_[np.arange(-3, 0), 1, 2, 3]
    for how in ({"method": "sd"}, {"method": "rm", "drift": True}):
        assert honest(betas + line, vcov, 3, bounds=[0.2], **how)["lower"][0] == pytest.approx(honest(betas, vcov, 3, bounds=[0.2], **how)["lower"][0], abs=1e-6)


def test_order():
    betas, vcov = random_study(9, 4, 3)
    for method, bounds in (("rm", [0, 0.5, 1, 2, 4]), ("sd", [0.1, 0.2, 0.4])):
        found = honest(betas, vcov, 4, method, bounds)
        assert (found["lower"].diff().dropna() < 0).all() and (found["upper"].diff().dropna() > 0).all()
        narrow = honest(betas, vcov, 4, method, bounds, level=0.8)
        assert (narrow["lower"] > found["lower"]).all() and (narrow["upper"] < found["upper"]).all()
    free = honest(betas, vcov, 4, "rm", [1])
    for restriction in RESTRICTIONS:
        kept = honest(betas, vcov, 4, "rm", [1], restriction=restriction)
        assert kept["lower"][0] > free["lower"][0] - 0.1 and kept["upper"][0] < free["upper"][0] + 0.1


@pytest.mark.parametrize("method", ["rm", "sd"])
def test_the_breakdown_value_is_where_0_comes_in(method):
    most = breakdown(BETAS, VCOV, 4, method)
    found = honest(BETAS, VCOV, 4, method, [0.99 * most, 1.01 * most])
    assert found["lower"][0] > 0 > found["lower"][1]
    assert np.isnan(breakdown(BETAS * [1, 1, 1, 1, 0, 1, 1, 1], VCOV, 4, "rm"))
    assert breakdown(-BETAS, VCOV, 4, method) == pytest.approx(most, rel=5e-3)


@pytest.mark.slow
@pytest.mark.parametrize(("method", "bound", "inference"), [("rm", 1.0, "c-lf"), ("rm", 1.0, "conditional"), ("sd", 0.1, "flci"), ("sd", 0.1, "c-f"), ("sd", 0.1, "c-lf")])
def test_coverage_at_the_worst_violation(method, bound, inference):
    """The truth is covered in at least 95 % of draws (200; 2 standard errors are 3.1 points) where the violation is as bad as allowed."""
    rng = np.random.default_rng(3)
    _, vcov = random_study(11, 3, 2)
    root, sd = np.linalg.cholesky(vcov), np.sqrt(np.diag(vcov)).mean()
    if method == "rm":
        trend = np.array([0.0, 6 * sd, 6 * sd, 6 * sd, 12 * sd])
    else:
        trend = np.array([0, 0, 0, bound, 3 * bound])
    covered = 0
    for _ in range(200):
        found = honest(trend + np.r_[0, 0, 0, 1, 1] + root @ rng.normal(size=5), vcov, 3, method, [bound], inference=inference)
        covered += found["lower"][0] <= 1 <= found["upper"][0]
    assert covered / 200 >= 0.919


# From estimators


def panel(seed=0, cohorts=(0, 0, 2004, 2006), years=range(2000, 2009)):
    rng = np.random.default_rng(seed)
    frame = pd.MultiIndex.from_product([range(60), years], names=["id", "year"]).to_frame(index=False)
    frame["first"] = np.repeat(np.resize(cohorts, 60), len(years))
    frame["y"] = np.repeat(rng.normal(size=60), len(years)) + ((frame["first"] > 0) & (frame["year"] >= frame["first"])) + rng.normal(size=len(frame))
    return frame


@pytest.mark.parametrize("estimator", ["twfe", "sa", "cs", "etwfe", "lpdid", "stacked", "dcdh"])
def test_estimators_with_a_common_reference(estimator):
    result = estimate(design(panel(), "id", "year", "y", "first", before=3, after=2), estimator, "dynamic")
    told = result.event[~result.event["reference"]]
    before = int((told["event_time"] < -1).sum())
    expected = honest(told["estimate"], result.vcov, before, "rm", [1])
    pd.testing.assert_frame_equal(honest_of(result, "rm", [1]), expected)


@pytest.mark.parametrize("estimator", ["bjs", "did2s", "sdid", "sc"])
def test_estimators_without_a_common_reference_are_refused(estimator):
    frame = panel(cohorts=(0, 0, 2005)) if estimator in ("sdid", "sc") else panel()
    with pytest.raises(UserError, match=f"{estimator} cannot be used"):
        honest_of(estimate(design(frame, "id", "year", "y", "first"), estimator, "dynamic"))


def test_event_studies_that_cannot_be_read_period_by_period():
    dynamic = design(panel(), "id", "year", "y", "first")
    with pytest.raises(UserError, match="aggregate dynamic"):
        honest_of(estimate(dynamic, "cs", "simple"))
    with pytest.raises(UserError, match="etwfe sets effects before treatment to 0"):
        honest_of(estimate(design(panel(), "id", "year", "y", "first", control="notyet"), "etwfe", "dynamic"))
    with pytest.raises(UserError, match="two periods to 0"):
        honest_of(estimate(design(panel(cohorts=(2003, 2004, 2006)), "id", "year", "y", "first", control="notyet"), "twfe", "dynamic"))
    with pytest.raises(UserError, match="single year before"):
        honest_of(estimate(design(panel(cohorts=(0, 2001)), "id", "year", "y", "first"), "cs", "dynamic"))
    gap = panel(cohorts=(0, 2004))
    gap = gap[gap["year"] != 2006]
    with pytest.raises(UserError, match="Event times 2 are missing"):
        honest_of(estimate(design(gap, "id", "year", "y", "first"), "cs", "dynamic"))


def test_binned_ends_and_even_gaps_are_told():
    binned = usable(estimate(design(panel(), "id", "year", "y", "first", before=3, after=2), "twfe", "dynamic"))[-1]
    assert ["The first" in text or "The last" in text for text, _ in binned] == [True, True]
    assert usable(estimate(design(panel(), "id", "year", "y", "first"), "twfe", "dynamic"))[-1] == ()
    biennial = panel(cohorts=(0, 2004))
    biennial = biennial[biennial["year"] % 2 == 0]
    _, _, pre, after, told = usable(estimate(design(biennial, "id", "year", "y", "first"), "cs", "dynamic"))
    assert pre == 1 and after == [0, 2, 4] and "2 apart" in told[0][0]


def test_anticipation_moves_the_reference_and_not_what_is_asked():
    result = estimate(design(panel(), "id", "year", "y", "first", anticipation=1, before=4, after=2), "cs", "dynamic")
    betas, vcov, pre, after, _ = usable(result)
    assert pre == 2 and after == [-1, 0, 1, 2]
    pd.testing.assert_frame_equal(honest_of(result, "rm", [1]), honest(betas, vcov, pre, "rm", [1], [0, 1, 0, 0]))


# Refusals


def test_refusals():
    def refuses(match, betas=BETAS, vcov=VCOV, pre=4, **more):
        with pytest.raises(UserError, match=match):
            honest(betas, vcov, pre, **more)

    refuses("8 coefficients, but the covariance is 7 x 7", vcov=VCOV[:7, :7])
    refuses("not symmetric: row", vcov=VCOV + np.eye(8)[[0]].T @ np.eye(8)[[1]] * 1e-4)
    refuses("singular", vcov=np.ones((8, 8)))
    refuses("singular", vcov=-VCOV)
    refuses("finite numbers", betas=[np.nan, *BETAS[1:]])
    refuses("single year before treatment", pre=0)
    refuses("leave none after", pre=8)
    refuses("A bound is -1", bounds=[-1])
    refuses("A bound is nan", bounds=[np.nan])
    refuses("no bounds", bounds=[])
    refuses("3 weights for 4", weights=[1, 0, 0])
    refuses("All weights are 0", weights=[0, 0, 0, 0])
    refuses("method is 'other'", method="other")
    refuses("inference is 'flci'", inference="flci")
    refuses("restriction is 'odd'", restriction="odd")
    refuses("flci makes no use", method="sd", bounds=[0], restriction="positive", inference="flci")
    refuses("drift goes with", method="sd", bounds=[0], drift=True)
    refuses("no change of slope", betas=BETAS[3:], vcov=VCOV[3:, 3:], pre=1, drift=True)
    refuses("level is 2", level=2)
    assert honest(BETAS[3:], VCOV[3:, 3:], 1, "rm", [1])["lower"].notna().all()


def test_the_figure_has_one_bar_per_bound():
    figure = sensitivity_plot(honest(BETAS, VCOV, 4, "sd", [0, 0.1]))
    assert len(figure.axes[0].containers[0].lines[2][0].get_segments()) == 2


# The command


@pytest.fixture
def files(tmp_path):
    np.savetxt(tmp_path / "b.csv", BETAS)
    np.savetxt(tmp_path / "row.csv", BETAS[None], delimiter=",")
    np.savetxt(tmp_path / "v.csv", VCOV, delimiter=",")
    return tmp_path


def here(capsys, monkeypatch, *words):
    """The command within this process: exit code, standard output, standard error."""
    from evaluation.cli import main

    monkeypatch.setenv("ICCP_LANG", "en")
    monkeypatch.setattr("sys.argv", ["iccp", "impact", *map(str, words)])
    with pytest.raises(SystemExit) as left:
        main()
    told = capsys.readouterr()
    return left.value.code or 0, told.out, told.err


def test_the_command_prints_one_list(files, capsys, monkeypatch):
    (files / "w.csv").write_text("0.25\n0.25\n0.25\n0.25\n")
    plain = iccp(ROOT, "impact", "honest", "--betas", str(files / "b.csv"), "--vcov", str(files / "v.csv"), "--pre", "4", "--method", "rm", "--bounds", "0.5,1", "--json")
    assert plain.returncode == 0 and plain.stderr == ""
    found = pd.DataFrame(json.loads(plain.stdout))
    pd.testing.assert_frame_equal(found, honest(BETAS, VCOV, 4, "rm", [0.5, 1]))
    code, out, _ = here(capsys, monkeypatch, "honest", "--betas", files / "row.csv", "--vcov", files / "v.csv", "--pre", 4, "--method", "sd", "--bounds", "0.1", "--weights", files / "w.csv", "--json")
    assert code == 0
    pd.testing.assert_frame_equal(pd.DataFrame(json.loads(out)), honest(BETAS, VCOV, 4, "sd", [0.1], [0.25] * 4))


@pytest.mark.parametrize(("method", "bound"), [("rm", 1e7), ("sd", 1e6)])
def test_bounds_lost_in_rounding_are_refused(method, bound):
    with pytest.raises(UserError, match="cannot be told from rounding"):
        honest(BETAS, VCOV, 4, method, (bound,))


@pytest.mark.parametrize("method", ["rm", "sd"])
def test_the_size_of_weights_is_only_one_of_units(method):
    tiny, plain = honest(BETAS, VCOV, 4, method, (0.1,), [1e-300, 0, 0, 0]), honest(BETAS, VCOV, 4, method, (0.1,), [1, 0, 0, 0])
    assert tiny[["lower", "upper"]].to_numpy() * 1e300 == pytest.approx(plain[["lower", "upper"]].to_numpy(), rel=1e-9)
    assert breakdown(BETAS, VCOV, 4, method, [1e-300, 0, 0, 0]) == pytest.approx(breakdown(BETAS, VCOV, 4, method, [1, 0, 0, 0]))


def test_a_person_reads_the_breakdown_value(files, capsys, monkeypatch):
    code, out, err = here(capsys, monkeypatch, "honest", "--betas", files / "b.csv", "--vcov", files / "v.csv", "--pre", 4, "--bounds", "1", "--weights", "1,1,0,0")
    assert code == 0 and "breakdown value: 1." in out and "times the largest before it" in out and "add up to 2, not 1" in err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--pre", "0"), "single year before treatment"), (("--pre", "4", "--bounds", "-1"), "A bound is -1"),
        (("--pre", "4", "--weights", "1,x"), "numbers joined by commas"), (("--pre", "4", "--method", "sd"), "Give --bounds"),
    ],
)  # fmt: skip
def test_refusals_print_no_number(files, capsys, monkeypatch, words, told):
    code, out, err = here(capsys, monkeypatch, "honest", "--betas", files / "b.csv", "--vcov", files / "v.csv", *words, "--json")
    assert code not in (0, None) and out == "" and told in err


def test_files_that_are_no_numbers():
    from evaluation.sources.matrices import read_numbers

    with pytest.raises(UserError, match="is not there"):
        read_numbers(ROOT / "nowhere.csv")


@pytest.mark.parametrize(("text", "told"), [("beta\n1\n2\n", "row 1, column 1 is 'beta', not a number"), ("", "is empty"), ("1,2\n3\n", "row 2 has 1 cells"), ("1,,2\n", "column 2 is ''"), ("1\nnan\n", "not a number")])
def test_what_is_wrong_in_a_file_is_told(tmp_path, text, told):
    from evaluation.sources.matrices import read_numbers

    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(UserError, match=told):
        read_numbers(tmp_path / "x.csv")
