"""Cluster-robust errors for few clusters: CR1, CR2 with Bell and McCaffrey's degrees of freedom, and the jackknife CR3.

CR2 corrects each cluster's residuals so that the variance is unbiased when errors are alike and independent ("working model"), and takes
t with degrees of freedom that match the first two moments of the variance under that model (Satterthwaite). CR3 is the variance of
leave-one-cluster-out estimates. With weights the working model is that of weighted least squares: the error of a row of weight w has
variance proportional to 1 / w, independently of all others; rows are scaled by the root of w and all is that of least squares without
weights (R's clubSandwich solves the same equation for its adjustment in another way, so that its CR2 with weights differs a little). Unit
effects are absorbed where units lie within clusters, where that changes neither the errors nor the degrees of freedom; else they are
among the columns.

Sources: Bell and McCaffrey (2002), Survey Methodology 28, 169-181; Pustejovsky and Tipton (2018), Journal of Business & Economic
Statistics 36, 672-683 (generalised inverse, absorption of effects); Imbens and Kolesar (2016), Review of Economics and Statistics 98,
701-712 (degrees of freedom with errors correlated within clusters); MacKinnon, Nielsen and
Webb (2023), Journal of Econometrics 232, 272-299 (the jackknife CV3 around the estimate, with (G - 1) / G and t with G - 1).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.errors import UserError
from evaluation.impact.design import Design
from evaluation.impact.inference import Found, Options
from evaluation.impact.inference.regression import Regression, Solved, regression, solve
from evaluation.impact.result import Result
from evaluation.impact.result import interval

CR1, CR2, CR3 = "cr1", "cr2", "cr3"
BELL_MCCAFFREY, IMBENS_KOLESAR = "bell-mccaffrey", "imbens-kolesar"
# A share of a cluster's direction that its own residuals have lost altogether: 1 less its eigenvalue.
SINGULAR = 1e-9
# Share of the working model's variance that clusters which alone identify something would hide: told from the first on, refused from the second.
HIDDEN, MEANINGLESS = 1e-6, 0.5
FEW_DEGREES = 4
# Clusters up to which the G x G matrix of Imbens and Kolesar's degrees of freedom is made.
MOST = 2_000


@dataclass(frozen=True)
class Errors:
    """By contrast, shape (contrasts,): `se`; `df`; `hidden`, the share of the working model's variance that is not in the error since a
    cluster alone identifies part of the contrast; `vcov` of the contrasts, shape (contrasts, contrasts); `df_imbens_kolesar`, of the first contrast, missing where it was not asked for."""

    se: np.ndarray
    df: np.ndarray
    hidden: np.ndarray
    df_imbens_kolesar: float = np.nan
    vcov: np.ndarray | None = None


def errors(given: Regression, solved: Solved, kind: str = CR2, correlated: bool = False) -> Errors:
    """Errors of the contrasts of a regression.

    With Q the orthonormal columns, of cluster g Q_g = U s E', and l the contrast's direction: CR1 sums the squares of l'Q_g'u_g; CR2 has
    (I - Q_g Q_g')^(-1/2) before u_g and CR3 (I - Q_g Q_g')^(-1), which is the change of the estimate when g is left out. Where 1 - s^2
    is 0 the inverse is the generalised one.

    Args:
        kind: CR1, CR2 or CR3; correlated: whether Imbens and Kolesar's degrees of freedom are found, of the first contrast with CR2.
    """
    groups = len(solved.start)
    ends = np.append(solved.start[1:], len(solved.order))
    wanted = solved.direction
    count, width = wanted.shape
    squares, hidden = np.zeros((count, count)), np.zeros(count)
    own, fourth, cross = np.zeros(count), np.zeros(count), np.zeros((count, width, width))
    mixed = np.zeros(count)
    moulton = []
    exponent = {CR1: 0.0, CR2: -0.5, CR3: -1.0}[kind]
    for first, end in zip(solved.start, ends, strict=True):
        part = solved.q[first:end]
        _, s, basis = np.linalg.svd(part, full_matrices=False)
        left = 1 - s**2
        lost = left <= SINGULAR
        along = wanted @ basis.T
        hidden += (along[:, lost] ** 2).sum(axis=1)
        scale = np.where(lost, 0.0, np.where(lost, 1.0, left) ** exponent)
        pulled = along * scale
        change = pulled @ (basis @ (part.T @ solved.residuals[first:end]))
        squares += np.outer(change, change)
        if kind == CR2:
            # |a_g|^2 and Q_g'a_g, a_g the adjusted rows of the contrast.
            a = (pulled**2) @ s**2
            b = (pulled * s**2) @ basis
            own, fourth = own + a, fourth + a**2
            mixed += a * (b**2).sum(axis=1)
            cross += b[:, :, None] * b[:, None, :]
            if correlated:
                ones = part.T @ solved.root[first:end]
                moulton.append((a[0], b[0], float(pulled[0] @ (basis @ ones)), ones))
    total = (wanted**2).sum(axis=1)
    squares *= {CR1: solved.factor, CR2: 1.0, CR3: (groups - 1) / groups}[kind]
    df = np.full(count, float(groups - 1))
    ik = np.nan
    if kind == CR2:
        trace = own - np.trace(cross, axis1=1, axis2=2)
        spread = fourth - 2 * mixed + (cross**2).sum(axis=(1, 2))
        with np.errstate(invalid="ignore", divide="ignore"):
            df = np.where(trace > SINGULAR * total, trace**2 / spread, np.nan)
        if correlated and groups <= MOST:
            ik = _imbens_kolesar(given, solved, *(np.array(values) for values in zip(*moulton, strict=True)))
    with np.errstate(invalid="ignore", divide="ignore"):
        return Errors(np.sqrt(np.diag(squares)), df, hidden / total, ik, squares)


def _imbens_kolesar(given: Regression, solved: Solved, a: np.ndarray, b: np.ndarray, sums: np.ndarray, ones: np.ndarray) -> float:
    """Degrees of freedom when errors of a cluster share a component, its variance estimated from residuals (Imbens and Kolesar).

    Args:
        a: |a_g|^2; b: Q_g'a_g; sums, ones: a_g and Q_g summed over rows with the root of their weight, by cluster.
    """
    raw = solved.residuals / solved.root
    groups = np.repeat(np.arange(len(a)), np.diff(np.append(solved.start, len(raw))))
    together = np.bincount(groups, raw)
    pairs = (np.bincount(groups) ** 2).sum() - len(raw)
    rho = ((together**2).sum() - raw @ raw) / pairs if pairs else 0.0
    noise = max(float((solved.residuals**2).mean() - rho * (solved.root**2).mean()), 0.0)
    shared = np.diag(sums) - b @ ones.T
    matrix = noise * (np.diag(a) - b @ b.T) + rho * shared @ shared.T
    return float(np.trace(matrix) ** 2 / (matrix**2).sum())


def cr1(plan: Design, estimator: str, aggregate: str, options: Options, told: Result | None = None) -> Found:
    """CR1, the usual cluster-robust error with G / (G - 1) (N - 1) / (N - K), and t with G - 1 degrees of freedom.

    Args:
        told: what the estimator found, where it is at hand; likewise for the others.

    Raises:
        UserError: an estimator that is no single regression; an effect that one cluster alone identifies.
    """
    return _found(plan, estimator, aggregate, CR1, told)


def cr2(plan: Design, estimator: str, aggregate: str, options: Options, degrees: str = BELL_MCCAFFREY, told: Result | None = None) -> Found:
    """CR2 with Satterthwaite degrees of freedom of the working model, or Imbens and Kolesar's.

    Args:
        degrees: BELL_MCCAFFREY or IMBENS_KOLESAR (of the estimate; event times keep the former); the other one is a diagnostic.

    Raises:
        UserError: as `cr1`.
    """
    return _found(plan, estimator, aggregate, CR2, told, degrees)


def cr3(plan: Design, estimator: str, aggregate: str, options: Options, told: Result | None = None) -> Found:
    """The jackknife: (G - 1) / G times the squared changes of the estimate when each cluster is left out, and t with G - 1.

    Raises:
        UserError: as `cr1`.
    """
    return _found(plan, estimator, aggregate, CR3, told)


WORDS = {CR1: "cluster-robust (CR1), t with G - 1", CR2: "bias-reduced cluster-robust (CR2), t with Satterthwaite degrees of freedom", CR3: "cluster jackknife (CR3), t with G - 1"}


def _found(plan: Design, estimator: str, aggregate: str, kind: str, told: Result | None, degrees: str = BELL_MCCAFFREY) -> Found:
    given = regression(plan, estimator, aggregate, told)
    solved = solve(given)
    found = errors(given, solved, kind, correlated=kind == CR2)
    if found.hidden[0] > MEANINGLESS or not found.se[0] > solved.nothing or not found.df[0] > 0:
        share = f"{100 * min(1, found.hidden[0]):.0f}"
        raise UserError(
            f"{kind} says nothing here: {share} % of the variance lies in clusters that alone identify an effect (such as a single treated cluster), whose errors no other tells. Use --inference recommended.",
            f"이 자료에는 {kind}을(를) 쓸 수 없습니다. 분산의 {share}%가 (하나뿐인 참여 군집처럼) 혼자서 효과를 식별하는 군집에 있어 그 오차를 다른 군집에서 알 수 없습니다. --inference recommended를 쓰십시오.",
        )
    told = []
    if found.hidden[0] > HIDDEN:
        told.append((
            f"{100 * found.hidden[0]:.1f} % of the variance lies in clusters that alone identify an effect and is not in the standard error: it is too small by about as much.",
            f"분산의 {100 * found.hidden[0]:.1f}%는 혼자서 효과를 식별하는 군집에 있어 표준오차에 들어 있지 않다. 표준오차는 그만큼 과소평가되었다.",
        ))  # fmt: skip
    df = found.df.copy()
    diagnostics = {"clusters": float(given.clusters)}
    if kind == CR2:
        diagnostics |= {"df_bell_mccaffrey": float(df[0]), "df_imbens_kolesar": found.df_imbens_kolesar}
        if degrees == IMBENS_KOLESAR:
            if not found.df_imbens_kolesar > 0:
                raise UserError("There are no Imbens-Kolesar degrees of freedom for this many clusters. Use Bell and McCaffrey's.", "군집이 너무 많아 Imbens-Kolesár 자유도를 계산하지 않습니다. Bell-McCaffrey 자유도를 쓰십시오.")
            df[0] = found.df_imbens_kolesar
        if df[0] < FEW_DEGREES:
            told.append((
                f"The degrees of freedom are {df[0]:.1f}: under {FEW_DEGREES} the t distribution is a rough approximation. Compare with randomisation inference.",
                f"자유도가 {df[0]:.1f}(으)로 {FEW_DEGREES}보다 작아 t 분포 근사가 거칠다. 임의화 추론과 비교하여야 한다.",
            ))  # fmt: skip
    lower, upper, p = interval(solved.estimates[0], found.se[0], plan.level, df[0])
    event, more = _event(plan, given, solved, found, df)
    model = ", error variance taken as inverse to the weight" if kind == CR2 and given.weight is not None else ""
    return Found(lower, upper, p, f"{WORDS[kind]}, by {plan.cluster}{model}", float(found.se[0]), float(df[0]), event, diagnostics, (*told, *more), found.vcov[1:, 1:] if len(event) else None)


def _event(plan: Design, given: Regression, solved: Solved, found: Errors, df: np.ndarray) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """Intervals of event times, missing where one cluster alone identifies them, and a warning that says which these are."""
    rows, none, short = [], [], []
    for number, time in enumerate(given.event_time, start=1):
        lower = upper = p = np.nan
        if found.hidden[number] > MEANINGLESS or not found.se[number] > solved.nothing or not df[number] > 0:
            none.append(str(time))
        else:
            lower, upper, p = interval(solved.estimates[number], found.se[number], plan.level, df[number])
            if found.hidden[number] > HIDDEN:
                short.append(str(time))
        rows.append((int(time), lower, upper, p, found.se[number], df[number]))
    told = []
    if none:
        listed = ", ".join(none)
        told.append((f"One cluster alone identifies the effect at event time {listed}: no interval.", f"경과 시점 {listed}의 효과는 하나의 군집에서만 식별되어 신뢰구간을 제시하지 않는다."))
    if short:
        listed = ", ".join(short)
        told.append((f"At event time {listed} part of the effect is identified by one cluster alone: intervals are too short.", f"경과 시점 {listed}의 효과는 일부가 하나의 군집에서만 식별되어 신뢰구간이 실제보다 좁다."))
    return pd.DataFrame(rows, columns=["event_time", "lower", "upper", "p", "se", "df"]), told
