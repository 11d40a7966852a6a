"""Power of pre-tests and what passing them does, against pretrends for R as printed, and by simulation.

Tolerances: R integrates to 1e-3 at random (mvtnorm's default), searches the slope to 1e-4 and rounds the critical value to 1.96, so that
slopes and means agree to 1e-5 and powers to 1e-4; likelihood ratios, which need none of it, to all printed digits. Integrals here: 1e-6.
"""

import json

import numpy as np
import pytest
from scipy import stats

from evaluation.errors import UserError
from evaluation.impact.sensitivity.pretrends import (
    likelihood_ratio,
    mean_if_passed,
    power,
    pretrends,
    slope_for_power,
    within,
)

# He and Wang (2017), figure 2C: HeAndWangResults of pretrends. Event times -4 to -2 and 0 to 3.
BETAS = np.array([0.06670314818620682, -0.007701792288571596, -0.03076905384659767, 0.08403065800666809, 0.2424418181180954, 0.21987898647785187, 0.19109253585338593])
LOWER = [
    [0.008906571194529533],
    [0.0044883135706186295, 0.005936916917562485],
    [0.0014587024925276637, 0.002750079147517681, 0.00303862476721406],
    [0.0012157688615843654, 0.001350585836917162, 0.0009056166163645685, 0.003924740944057703],
    [0.0020327644888311625, 0.0014315459411591291, 0.0006791298510506749, 0.0025961180217564106, 0.008065897040069103],
    [0.0013225014554336667, 0.0012067791540175676, 0.0010167636210098863, 0.0017326149391010404, 0.005875375121831894, 0.007881578989326954],
    [0.001961772795766592, 0.0013847157824784517, 0.000709014420863241, 0.0022345525212585926, 0.0037414359394460917, 0.0036507095210254192, 0.00978842657059431],
]  # fmt: skip
VCOV = np.array([[LOWER[max(i, j)][min(i, j)] for j in range(7)] for i in range(7)])
DISTANCE = np.array([-3, -2, -1, 1, 2, 3, 4])


def test_readme_linear_violation():
    found = pretrends(BETAS, VCOV, 3)
    assert found["slope50"] == pytest.approx(0.05205871, abs=1e-5)
    assert found["power50"] == pytest.approx(0.5, abs=1e-9) and found["power80"] == pytest.approx(0.8, abs=1e-9)
    assert found["bayes_factor50"] == pytest.approx(0.56901, abs=2e-4) and found["likelihood_ratio50"] == pytest.approx(0.1057627, abs=1e-4)
    assert found["bias50"] == pytest.approx([0.05205871, 0.10411742, 0.15617613, 0.20823484], abs=4e-5)
    assert found["mean50"] == pytest.approx([0.06490184, 0.12084694, 0.16946498, 0.22453827], abs=4e-5)
    assert found["times"] == [0, 1, 2, 3] and found["passed"] and found["significant"] == 0


def test_readme_at_its_own_slope():
    violation = 0.05205871 * DISTANCE
    assert power(VCOV[:3, :3], violation[:3], 1.96) == pytest.approx(0.4999776, abs=1e-4)
    assert likelihood_ratio(BETAS[:3], VCOV[:3, :3], violation[:3]) == pytest.approx(0.1057627, abs=1e-7)
    assert mean_if_passed(VCOV, violation, 3, 1.96) == pytest.approx([-0.09230764, -0.05555285, -0.02790950, 0.06490184, 0.12084694, 0.16946498, 0.22453827], abs=5e-6)


def test_readme_quadratic_violation():
    violation = 0.024 * DISTANCE**2
    assert power(VCOV[:3, :3], violation[:3], 1.96) == pytest.approx(0.6624282, abs=1e-4)
    assert likelihood_ratio(BETAS[:3], VCOV[:3, :3], violation[:3]) == pytest.approx(0.4332635, abs=1e-7)


@pytest.mark.parametrize("k", [1, 2, 3, 4, 6])
def test_chances_against_scipy(k):
    rng = np.random.default_rng(k)
    vcov = 0.6 ** np.abs(np.subtract.outer(np.arange(k), np.arange(k))) * np.outer(*[rng.uniform(0.5, 2, k)] * 2)
    low, high = -rng.uniform(0.5, 2.5, k), rng.uniform(0.5, 2.5, k)
    expected = stats.multivariate_normal(np.zeros(k), vcov, maxpts=1_000_000, abseps=1e-8, releps=1e-8, seed=1).cdf(high, lower_limit=low)
    assert within(low, high, vcov) == pytest.approx(expected, abs=1e-6)
    assert within(low, high, vcov) == within(low, high, vcov)


def test_chances_in_closed_form():
    # A quadrant, and independent coefficients of any number.
    for rho in (-0.5, 0.3, 0.9):
        assert within(np.zeros(2), np.full(2, 40.0), np.array([[1, rho], [rho, 1]])) == pytest.approx(0.25 + np.arcsin(rho) / (2 * np.pi), abs=1e-6)
    for k in (3, 5, 9):
        assert power(np.eye(k), np.zeros(k), stats.norm.ppf(0.975)) == pytest.approx(1 - 0.95**k, abs=1e-9)


def test_slope_of_one_coefficient_by_hand():
    # 80 % power at 1.96 + 0.84 standard errors, less the other tail.
    slope = slope_for_power(np.array([[0.25]]), np.array([-1.0]), 0.8, stats.norm.ppf(0.975))
    assert slope == pytest.approx(0.5 * (stats.norm.ppf(0.975) + stats.norm.ppf(0.8)), abs=1e-5)


def test_means_by_simulation():
    rng = np.random.default_rng(5)
    violation = 0.06 * DISTANCE
    draws = violation + rng.normal(size=(400_000, 7)) @ np.linalg.cholesky(VCOV).T
    passed = draws[(np.abs(draws[:, :3]) <= 1.96 * np.sqrt(np.diag(VCOV)[:3])).all(axis=1)]
    # Four standard errors of the mean of some 200,000 draws.
    assert mean_if_passed(VCOV, violation, 3, 1.96) == pytest.approx(passed.mean(axis=0), abs=4 * 0.1 / np.sqrt(len(passed)))


def test_invariances():
    base, scaled = pretrends(BETAS, VCOV, 3), pretrends(10 * BETAS, 100 * VCOV, 3)
    assert scaled["slope80"] == pytest.approx(10 * base["slope80"], rel=1e-9) and scaled["wald"] == pytest.approx(base["wald"])
    # The reference two years back: the same distances one further on the other side.
    times = pretrends(BETAS, VCOV, 3, [-5, -4, -3, -1, 0, 1, 2])
    assert times["slope50"] == base["slope50"] and times["times"] == [-1, 0, 1, 2]
    wider = pretrends(BETAS, VCOV, 3, level=0.9)
    assert wider["slope50"] < base["slope50"] and wider["size"] > base["size"]


def test_chance_alone_leaves_no_slope():
    found = pretrends(np.zeros(5), np.eye(5), 4, level=0.8)
    assert np.isnan(found["slope50"]) and found["size"] == pytest.approx(1 - 0.8**4, abs=1e-6) and found["slope80"] > 0


def test_the_pre_tests_themselves():
    found = pretrends(BETAS * [3, 1, 1, 1, 1, 1, 1], VCOV, 3)
    assert not found["passed"] and found["significant"] == 1
    assert found["wald_p"] == pytest.approx(stats.chi2.sf(found["wald"], 3))


def test_refusals():
    with pytest.raises(UserError, match="single year before treatment"):
        pretrends(BETAS, VCOV, 0)
    with pytest.raises(UserError, match="singular"):
        pretrends(BETAS, np.ones((7, 7)), 3)
    with pytest.raises(UserError, match="increasing order"):
        pretrends(BETAS, VCOV, 3, [-4, -3, -3, 0, 1, 2, 3])
    with pytest.raises(UserError, match="not clear"):
        pretrends(BETAS, VCOV, 3, [-8, -7, -6, -2, 1, 2, 3])
    with pytest.raises(UserError, match="level is 0"):
        pretrends(BETAS, VCOV, 3, level=0)


def test_of_an_estimator_and_anticipation():
    from evaluation.impact.design import design
    from evaluation.impact.estimators import estimate
    from evaluation.impact.sensitivity.pretrends import pretrends_of
    from tests.impact.sensitivity.test_honest import panel

    result = estimate(design(panel(), "id", "year", "y", "first", anticipation=1, before=5, after=1), "cs", "dynamic")
    told = result.event[~result.event["reference"]]
    found = pretrends_of(result)
    assert found["times"] == [-1, 0, 1] and found["slope50"] == pretrends(told["estimate"], result.vcov, 3, told["event_time"])["slope50"]
    with pytest.raises(UserError, match="bjs cannot be used"):
        pretrends_of(estimate(design(panel(), "id", "year", "y", "first"), "bjs", "dynamic"))


def test_the_command(tmp_path, capsys, monkeypatch):
    from tests.impact.sensitivity.test_honest import here

    np.savetxt(tmp_path / "b.csv", BETAS)
    np.savetxt(tmp_path / "v.csv", VCOV, delimiter=",")
    words = ("pretrends", "--betas", tmp_path / "b.csv", "--vcov", tmp_path / "v.csv", "--pre")
    code, out, err = here(capsys, monkeypatch, *words, 3, "--times", "-4,-3,-2,0,1,2,3", "--json")
    assert code == 0 and err == "" and json.loads(out) == pretrends(BETAS, VCOV, 3)
    code, out, err = here(capsys, monkeypatch, *words, 0, "--json")
    assert code not in (0, None) and out == "" and "single year before treatment" in err
    code, out, _ = here(capsys, monkeypatch, *words, 3)
    assert "Pre-test: passed" in out and "half the time" in out
