"""The specification curve: the effect under every combination of choices that could have been made otherwise with good reason.

The choices are declared in the specification (`defensible`) and frozen with it, so that nobody can pick the combination that looks best.
The curve is judged as a whole: under reassignments of treatment, shared by all combinations, how often would it look like this?

Source: Simonsohn, Simmons and Nelson (2020), "Specification curve analysis", Nature Human Behaviour 4: the median effect, the share of
results of the dominant sign, and the share that is significant on that side, each against its distribution where there is no effect.
"""

from itertools import product

import numpy as np
import pandas as pd

from evaluation.errors import UserError
from evaluation.impact.estimators import estimate
from evaluation.impact.inference.linear import blocks, linear_form, moments
from evaluation.impact.panel import estimation_panel, panel_design

PRINTED, ALTERNATIVE = "printed", "alternative"
CHOICES = ("estimators", "comparison", "comparison_types", "anticipation", "entry_years")
SIGNIFICANT = 1.959964
DRAWS, SEED = 999, 20_050_101


def combinations(spec: dict) -> pd.DataFrame:
    """Every combination of the choices, CHOICES as columns, and `main`, whether it is the specification itself."""
    given = spec["defensible"]
    rows = pd.DataFrame(list(product(*(given[choice] for choice in CHOICES))), columns=list(CHOICES))
    # Imputation uses all that is untreated whatever the comparison: counted once.
    rows = rows[~rows["estimators"].isin(("bjs", "did2s")) | (rows["comparison"] == given["comparison"][0])].reset_index(drop=True)
    main = {"estimators": "cs", "comparison": spec["comparison"], "anticipation": spec["anticipation"], "entry_years": PRINTED}
    rows["main"] = np.logical_and.reduce([rows[key] == value for key, value in main.items()]) & [kinds == spec["comparison_types"] for kinds in rows["comparison_types"]]
    return rows


def curve(tables: dict[str, pd.DataFrame], outcome: dict, spec: dict) -> pd.DataFrame:
    """The estimate of every combination that is one of its own.

    Estimators may be the same on some designs (extended two-way fixed effects and Callaway-Sant'Anna, or imputation, without covariates): a
    combination that gives what one before it does on the same data would count twice, and is left out.

    Args:
        tables: `panel`, `complexes`, `price_index`; outcome, spec: of the specification.

    Returns:
        the combinations, with `estimate`, `se`, `lower`, `upper` (log points), `p`, `n_units`, and `why` where there is none, sorted by
        estimate.
    """
    rows = combinations(spec)
    samples: dict[tuple, pd.DataFrame] = {}
    found = []
    for row in rows.itertuples():
        changed = _changed(spec, row)
        key = (row.entry_years, tuple(row.comparison_types))
        try:
            if key not in samples:
                samples[key] = estimation_panel(tables["panel"], _registry(tables["complexes"], row.entry_years), tables["price_index"], outcome, changed)[0]
            one = estimate(panel_design(samples[key], changed), row.estimators)
            found.append((one.estimate, one.se, one.lower, one.upper, one.p, one.n_units, ""))
        except UserError as error:
            found.append((np.nan,) * 5 + (0, str(error)))
    rows[["estimate", "se", "lower", "upper", "p", "n_units", "why"]] = found
    # What was estimated on, to the last digits that a solver may move.
    alike = pd.DataFrame({name: rows[name].astype(str) for name in ("comparison_types", "anticipation", "entry_years")}).assign(estimate=rows["estimate"].astype(float).round(9))
    alike = alike.loc[rows["main"].sort_values(ascending=False, kind="stable").index]  # the main one is kept
    rows = rows[rows["estimate"].isna() | ~alike.duplicated().reindex(rows.index)]
    return rows.sort_values("estimate", kind="stable", ignore_index=True)


def joint(tables: dict[str, pd.DataFrame], outcome: dict, spec: dict, rows: pd.DataFrame, draws: int = DRAWS, seed: int = SEED) -> dict[str, float]:
    """How often reassignments of treatment give a curve as far from no effect as this one.

    Years of joining are reassigned among all complexes of the sample, the same in every combination; a combination that leaves
    complexes out leaves them out of each reassignment by the same rule.

    Args:
        rows: of `curve`.

    Returns:
        `count`, `median`, `lowest`, `highest` (log points), `positive` and `significant` (shares of combinations with an effect above 0,
        and with |t| > 1.96 on the dominant side), and `p_median`, `p_sign`, `p_significant`; missing p-values where a combination has no
        linear form (covariates, weights that change), or clusters cannot be reassigned.
    """
    told = rows.dropna(subset="estimate")
    side = 1.0 if told["estimate"].median() >= 0 else -1.0
    t = side * told["estimate"] / told["se"]
    out = {
        "count": float(len(told)), "median": float(told["estimate"].median()), "lowest": float(told["estimate"].min()), "highest": float(told["estimate"].max()),
        "positive": float((told["estimate"] > 0).mean()), "significant": float((t > SIGNIFICANT).mean()),
    }  # fmt: skip
    drawn = _reassigned(tables, outcome, spec, told, draws, seed)
    if drawn is None:
        return out | {"p_median": np.nan, "p_sign": np.nan, "p_significant": np.nan}
    estimates, errors = drawn
    medians = np.median(estimates, axis=1)
    sides = np.where(medians >= 0, 1.0, -1.0)[:, None]
    alike = (sides * estimates > 0).mean(axis=1)
    significant = (sides * estimates / errors > SIGNIFICANT).mean(axis=1)
    # What was is one of the assignments that could have been.
    first = {"p_median": np.abs(medians) >= abs(medians[0]) - 1e-12, "p_sign": alike >= alike[0] - 1e-12, "p_significant": significant >= significant[0] - 1e-12}
    return out | {name: float(beyond.mean()) for name, beyond in first.items()}


def _reassigned(tables: dict[str, pd.DataFrame], outcome: dict, spec: dict, rows: pd.DataFrame, draws: int, seed: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Estimates and standard errors under the actual assignment (first) and reassignments, shape (1 + draws, combinations)."""
    everybody = spec | {"comparison_types": sorted({kind for kinds in rows["comparison_types"] for kind in kinds})}
    samples = {entry: estimation_panel(tables["panel"], _registry(tables["complexes"], entry), tables["price_index"], outcome, everybody)[0] for entry in rows["entry_years"].unique()}
    shared = sorted(set.intersection(*(set(data["complex_id"]) for data in samples.values())))
    kinds = tables["complexes"].set_index("complex_id")["type"].reindex(shared).to_numpy()
    random = np.random.default_rng(seed)
    order = np.array([np.arange(len(shared)), *(random.permutation(len(shared)) for _ in range(draws))])
    estimates, errors = [], []
    for row in rows.itertuples():
        plan = panel_design(samples[row.entry_years].query("complex_id in @shared"), _changed(spec, row))
        try:
            some = blocks(plan)
        except UserError:  # clusters that hold complexes of several cohorts cannot be reassigned
            return None
        form = linear_form(plan, some, row.estimators, "simple")
        if form is None or list(plan.names) != shared:
            return None
        first = plan.first[order]
        first = np.where((first == 0) & ~np.isin(kinds, row.comparison_types)[None], -1, first)
        found = moments(some, form[0], first[:, np.argsort(some.of_unit)], np.zeros((1, 1, 1)), few=0)
        if found is None:
            return None
        estimates.append(found.estimate[:, 0])
        errors.append(np.sqrt(found.variance[:, 0]))
    return np.column_stack(estimates), np.column_stack(errors)


def _registry(complexes: pd.DataFrame, entry_years: str) -> pd.DataFrame:
    if entry_years == PRINTED:
        return complexes
    other = complexes["first_treated_alternative"]
    return complexes.assign(first_treated=complexes["first_treated"].where(other.isna(), other))


def _changed(spec: dict, row: object) -> dict:
    return spec | {"comparison": row.comparison, "comparison_types": row.comparison_types, "anticipation": row.anticipation}
