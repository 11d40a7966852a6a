"""What the ranking depends on: weights, components, and the choices made in building the index.

The index is total = sum(weight * score) / 100. Throughout, `scores` is a frame of shape (units, components),
0..100, and `weights` a series over the same components in per cent, in any order. Rank 1 is the best;
totals that agree to the ninth decimal are equal (`evaluation.index.score.rank`), and units of equal rank
keep the order of the frame where one must stand before the other.

Sources: OECD and JRC (2008), Handbook on Constructing Composite Indicators, step 7; Saisana, Saltelli and
Tarantola (2005), "Uncertainty and sensitivity analysis techniques as tools for the quality assessment of
composite indicators", Journal of the Royal Statistical Society A 168(2).
"""

from collections.abc import Callable, Hashable
from itertools import combinations, product

import numpy as np
import pandas as pd
from scipy.stats import sobol_indices, uniform

from evaluation.errors import UserError
from evaluation.index.columns import positive
from evaluation.index.scheme import TIES
from evaluation.index.tree import rank

# Two totals no further apart than this share a rank, so no weights that leave them so are told as a swap.
SAME = 1e-9
# Totals ranked at a time: 8 MB of floats, and some copies of it while pandas ranks them.
CELLS = 1_000_000
# Why a pair has no smallest change of weights, for the reader of `smallest_swap`.
REASONS = {
    "tied": ("their totals are equal already", "종합점수가 이미 같음"),
    "dominated": ("the one ahead is at least as good in every component", "앞선 쪽이 모든 구성요소에서 같거나 높음"),
    "too_light": ("no single component has weight enough to give", "가중치를 충분히 내줄 구성요소가 하나도 없음"),
}


def draw_weights(weights: pd.Series, concentration: float, draws: int, seed: int) -> np.ndarray:
    """Weights drawn around the scheme's: Dirichlet with alpha = concentration * weight / 100.

    The mean of a drawn weight is the scheme's weight w, its standard deviation
    sqrt(w * (100 - w) / (concentration + 1)) percentage points: a weight of 20 with concentration 99
    varies by 4 points. A weight of 0 stays 0.
    Source: Kotz, Balakrishnan and Johnson (2000), Continuous Multivariate Distributions 1, chapter 49.

    Returns:
        array (draws, components), per cent, each row adding to 100; components in the order of `weights`.

    Raises:
        UserError: weights that do not add to 100; a concentration or number of draws that is not above 0.
    """
    share = _checked_weights(weights).to_numpy() / 100
    positive("concentration", concentration)
    positive("draws", draws, whole=True)
    given = share > 0
    out = np.zeros((draws, len(share)))
    out[:, given] = 100 * np.random.default_rng(seed).dirichlet(concentration * share[given], size=draws)
    return out


def weight_uncertainty(
    scores: pd.DataFrame, weights: pd.Series, concentration: float, draws: int, seed: int, ties: str = "min"
) -> pd.DataFrame:
    """How often each unit has each rank when the weights are drawn (`draw_weights`).

    Returns:
        frame (units, ranks 1..units), the share of draws; each row adds to 1.

    Raises:
        UserError: as for `draw_weights`; scores that are missing or that name other components than the weights.
    """
    scores, weights = _checked(scores, weights)
    _checked_ties(ties)
    drawn = draw_weights(weights, concentration, draws, seed)
    units, by_component = len(scores), scores.to_numpy().T / 100
    counts = np.zeros(units * units, dtype=np.int64)
    for part in np.array_split(drawn, min(draws, -(-draws * units // CELLS))):
        # One number for a unit and a rank together, so that one count over the part does for all of them.
        places = np.arange(units) * units + rank(part @ by_component, ties) - 1
        counts += np.bincount(places.ravel(), minlength=units * units)
    return pd.DataFrame(
        counts.reshape(units, units) / draws, index=scores.index, columns=pd.RangeIndex(1, units + 1, name="rank")
    )


def sobol(
    function: Callable[[np.ndarray], np.ndarray], inputs: dict, n: int, seed: int, draws: int = 999, level: float = 0.90,
    outputs: list | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Shares of the variance of a function of independent inputs: first-order and total Sobol' indices.

    An input's first-order index is the share of the variance that goes when it alone is fixed; its total
    index the share that stays when all others are fixed, so that total less first is its part in interactions.
    Intervals are percentiles of a bootstrap of the points. Sobol' points are more even than the independent
    points the bootstrap takes them for: the intervals are rather too wide than too narrow.
    Source: Saltelli et al. (2010), "Variance based sensitivity analysis of model output", Computer Physics
    Communications 181(2), table 2 (b) and (f), over the design of `scipy.stats.sobol_indices`.

    Args:
        function: takes an array (inputs, points), inputs in the order of `inputs`, and returns (points,).
            It is called with n, n and n * inputs points at once.
        inputs: name to distribution: (lower, upper) for a uniform one, or anything with `ppf`, such as the
            frozen distributions of scipy.stats.
        n: points, a power of 2; draws: of the bootstrap; level: of the intervals.
        outputs: names of several outputs, where the function returns (outputs, points).

    Returns:
        one row per input (and output, named in the column `output`, if there are several): `input`, `first`, `first_lower`, `first_upper`, `total`, `total_lower`, `total_upper`.
        Estimates may lie outside 0..1 by their error. All are missing where the function does not vary.

    Raises:
        UserError: fewer than two inputs, bounds without room between them, n that is no power of 2, a function that
            returns another shape or missing values.
    """
    distributions = _checked_inputs(inputs)
    positive("draws", draws, whole=True)
    positive("n", n, whole=True)
    if n < 2 or n & (n - 1):
        raise UserError(
            f"n is {n}: Sobol' points need a power of 2, such as {2 ** max(n.bit_length(), 6)}.",
            f"n이 {n}입니다. 소볼 점의 수는 2의 거듭제곱이어야 합니다(예: {2 ** max(n.bit_length(), 6)}).",
        )
    kept = []

    def estimate(f_A: np.ndarray, f_B: np.ndarray, f_AB: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # scipy's own bootstrap takes no seed and needs n more estimates for its correction: the terms are kept for ours.
        kept.extend(_sobol_terms(*one) for one in zip(f_A, f_B, f_AB.swapaxes(0, 1), strict=True))
        return tuple(np.array(values) for values in zip(*(_sobol_ratios(terms.mean(axis=1)) for terms in kept), strict=True))

    sobol_indices(func=_checked_function(function, 1 if outputs is None else len(outputs)), n=n, dists=distributions, method=estimate, rng=seed)
    drawn = [np.bincount(own, minlength=n) for own in np.random.default_rng(seed).integers(n, size=(draws, n))]
    tail = [(1 - level) / 2, (1 + level) / 2]
    frames = []
    for name, terms in zip(outputs or [None], kept, strict=True):
        points = _sobol_ratios(terms.mean(axis=1))
        bounds = np.quantile([_sobol_ratios(terms @ counts / n) for counts in drawn], tail, axis=0)
        out = ({} if name is None else {"output": name}) | {"input": list(inputs)}
        for number, index in enumerate(("first", "total")):
            out |= {index: points[number], f"{index}_lower": bounds[0, number], f"{index}_upper": bounds[1, number]}
        frames.append(pd.DataFrame(out))
    return pd.concat(frames, ignore_index=True)


def sobol_linear(weights: pd.Series, variances: pd.Series) -> pd.Series:
    """Exact Sobol' indices of a weighted sum of independent inputs: w^2 V / sum(w^2 V), first-order and total alike.

    Args:
        weights: in any unit, as only their proportions matter; variances: of the inputs, over the same names.

    Returns:
        share of the variance of the sum per input, in the order of `weights`, adding to 1.

    Source: Saltelli et al. (2008), Global Sensitivity Analysis: The Primer, section 1.2.
    Raises:
        UserError: other names in the variances, a missing or negative variance, nothing that varies.
    """
    _same_names(variances.index, weights.index, "variances", "weights")
    parts = weights.astype(float) ** 2 * variances.reindex(weights.index).astype(float)
    if not np.isfinite(parts).all() or (variances < 0).any() or not parts.sum() > 0:
        raise UserError(
            f"weights and variances: shares of a variance need numbers, no variance below 0 and one above 0 (given {dict(variances)}).",
            f"가중치와 분산: 분산의 몫을 구하려면 모두 숫자이고, 음의 분산이 없고, 0보다 큰 분산이 있어야 합니다(현재 {dict(variances)}).",
        )
    return parts / parts.sum()


def smallest_swap(scores: pd.DataFrame, weights: pd.Series) -> pd.DataFrame:
    """The smallest change of weights that brings each unit level with the one ahead of it.

    The change is the weight moved, half the sum of absolute changes; weights stay at 0 or above and add to 100
    (a component of weight 0 may be given some).
    With d the scores of the unit ahead less those of the unit behind, a point moved from component i to
    component j closes d_i - d_j hundredths of the gap. All that is moved therefore goes to the component with
    the least d, and is taken from the components with the greatest d first, each until it is empty: a
    continuous knapsack problem, solved exactly by that order (Dantzig 1957, Operations Research 5(2)).
    Moving more in the same direction swaps the two; other units may change places before they do.

    Returns:
        two rows per pair of neighbours, best pair first: `ahead`, `behind`, `gap` (points of the total),
        `version` ("any": weight from any components; "two": from one component to one other), `moved`
        (percentage points), `from` and `to` (components; several are joined by ", "), `reason`, and
        `weight_<component>`, the new weights, with which the two totals are equal. `reason` is missing where
        weight is moved, else a key of `REASONS`: tied (moved is 0), dominated or too_light (moved and the
        new weights are missing). Dominated pairs can at most be made equal, never swapped.

    Raises:
        UserError: scores that are missing, names that differ, weights that do not add to 100.
    """
    scores, weights = _checked(scores, weights)
    points, now = scores.to_numpy(), weights.to_numpy()
    totals = points @ now / 100
    ranks = rank(totals)
    order = np.argsort(ranks, kind="stable")
    rows = []
    for first, second in zip(order[:-1], order[1:], strict=True):
        better = points[first] - points[second]
        for version, taking in (("any", _take_any), ("two", _take_two)):
            taken, reason = np.zeros(len(now)), "tied"
            if ranks[first] != ranks[second]:
                taken, reason = (None, "dominated") if better.min() >= -SAME else taking(better, now)
            pair = {"ahead": scores.index[first], "behind": scores.index[second], "gap": totals[first] - totals[second]}
            rows.append(pair | {"version": version} | _moved(taken, better, weights) | {"reason": reason})
    columns = ["ahead", "behind", "gap", "version", "moved", "from", "to", "reason", *(f"weight_{name}" for name in weights.index)]
    return pd.DataFrame(rows, columns=columns)


def without_each_component(scores: pd.DataFrame, weights: pd.Series, ties: str = "min") -> pd.DataFrame:
    """What if a component were left out and the others' weights rescaled to 100?

    Returns:
        one row per component left out and unit: `without`, `unit`, `total` (0..100), `rank`, and the change
        from the index with all components: `total_change` (points), `rank_change` (places; below 0: it rises).

    Raises:
        UserError: bad scores or weights; a component that has all the weight, so that nothing is left without it.
    """
    scores, weights = _checked(scores, weights)
    _checked_ties(ties)
    _shared(weights)
    now = weights.to_numpy()
    others = now * ~np.eye(len(now), dtype=bool)
    totals = others / others.sum(axis=1, keepdims=True) @ scores.to_numpy().T
    whole = scores.to_numpy() @ now / 100
    ranks = rank(totals, ties)
    return pd.DataFrame(
        {
            "without": np.repeat(scores.columns, len(scores)),
            "unit": np.tile(scores.index, len(now)),
            "total": totals.ravel(),
            "rank": ranks.ravel(),
            "total_change": (totals - whole).ravel(),
            "rank_change": (ranks - rank(whole, ties)).ravel(),
        }
    )


def enumerate_choices(score: Callable[..., pd.Series], choices: dict[str, list], ties: str = "min") -> pd.DataFrame:
    """Totals and ranks under every combination of discrete choices: exact, nothing is sampled.

    Args:
        score: called as score(**combination); returns the totals per unit, the same units every time.
        choices: name to options; the last choice varies fastest. Options label rows: they are hashable and distinct.

    Returns:
        one row per combination and unit: a column per choice, `unit`, `total`, `rank`.

    Raises:
        UserError: no choices, options that are missing or repeated, a choice named like a column of the result,
            totals that are missing or are for other units than those of the first combination.
    """
    _checked_choices(choices)
    _checked_ties(ties)
    combined = [dict(zip(choices, options, strict=True)) for options in product(*choices.values())]
    units, totals = None, []
    for combination in combined:
        given = score(**combination)
        units = _checked_totals(given, units, combination)
        totals.append(given.reindex(units).to_numpy(dtype=float))
    totals = np.array(totals)
    columns = {name: [one[name] for one in combined for _ in units] for name in choices}
    return pd.DataFrame(columns | {"unit": np.tile(units, len(combined)), "total": totals.ravel(), "rank": rank(totals, ties).ravel()})


def choice_summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Each unit's ranks over all combinations of choices, and the choice that moves it most.

    Args:
        frame: a complete result of `enumerate_choices`; the columns before `unit` are the choices.

    Returns:
        one row per unit: `unit`, `best`, `worst`, `median` (ranks), `most` (the choice with the greatest
        `moves_`; missing where none moves the unit; of equals the first), `moves_<choice>` (mean absolute change
        of rank over all pairs of combinations that differ in that choice alone; missing where it has one
        option), `rank_<r>` (share of combinations in which the unit has rank r, r = 1..units).

    Raises:
        UserError: a frame that lacks a combination or has one twice.
    """
    names = list(frame.columns[: frame.columns.get_loc("unit")])
    coded = [pd.factorize(frame[name], use_na_sentinel=False) for name in [*names, "unit"]]
    shape = tuple(len(values) for _, values in coded)
    ranks = np.zeros(shape, dtype=int)
    ranks[tuple(codes for codes, _ in coded)] = frame["rank"]
    if len(frame) != ranks.size or (ranks == 0).any():
        raise UserError(
            f"The enumeration has {len(frame)} rows where {ranks.size} combinations and units are possible, or some twice. "
            "Give the whole result of enumerate_choices.",
            f"조합과 단위의 가짓수는 {ranks.size}인데 표의 행은 {len(frame)}개이거나 일부가 중복됩니다. "
            "enumerate_choices의 결과 전체를 넣으십시오.",
        )
    moves = pd.DataFrame({name: _mean_move(ranks, axis) for axis, name in enumerate(names)})
    flat = ranks.reshape(-1, shape[-1])
    summary = {
        "unit": coded[-1][1],
        "best": flat.min(axis=0),
        "worst": flat.max(axis=0),
        "median": np.median(flat, axis=0),
        "most": np.where(moves.max(axis=1) > 0, moves.fillna(0.0).idxmax(axis=1), None),
    }
    shares = {f"rank_{place}": (flat == place).mean(axis=0) for place in range(1, shape[-1] + 1)}
    return pd.DataFrame(summary | {f"moves_{name}": moves[name] for name in names} | shares)


def stability_intervals(scores: pd.DataFrame, weights: pd.Series) -> pd.DataFrame:
    """How far each weight may go alone, the others rescaled in proportion, before any rank changes.

    Every total is then a straight line in that weight, and the first two to meet are neighbours in the ranking,
    so that the ends are roots of linear equations. At an end the named pair is level; beyond it they have swapped.
    Where two units are tied now and not alike, any change parts them: both ends are the weight itself.
    Source: Mareschal (1988), "Weight stability intervals in multicriteria decision aid", European Journal of
    Operational Research 33(1).

    Returns:
        one row per component: `component`, `weight`, `lower`, `upper` (per cent, 0..100), and the pair that
        meets at each end, by their places now: `lower_ahead`, `lower_behind`, `upper_ahead`, `upper_behind`.
        Missing where the weight may go to 0 or 100 and no rank changes.

    Raises:
        UserError: bad scores or weights; a component that has all the weight, so that the others cannot be rescaled.
    """
    scores, weights = _checked(scores, weights)
    _shared(weights)
    points, now = scores.to_numpy(), weights.to_numpy()
    ranks = rank(points @ now / 100)
    order = np.argsort(ranks, kind="stable")
    points, tied, names = points[order], np.diff(ranks[order]) == 0, scores.index[order]
    rows = []
    for number, (component, weight) in enumerate(weights.items()):
        others = np.delete(points, number, axis=1) @ np.delete(now, number) / (100 - weight)
        at_0, at_100 = others[:-1] - others[1:], points[:-1, number] - points[1:, number]
        lower, upper = _meetings(at_0, at_100, weight, tied)
        ends = {}
        for end, (where, pair) in {"lower": lower, "upper": upper}.items():
            ahead, behind = (None, None) if pair is None else (names[pair], names[pair + 1])
            ends |= {end: where, f"{end}_ahead": ahead, f"{end}_behind": behind}
        rows.append({"component": component, "weight": weight} | ends)
    columns = ["component", "weight", "lower", "upper", "lower_ahead", "lower_behind", "upper_ahead", "upper_behind"]
    return pd.DataFrame(rows, columns=columns)


def _meetings(at_0: np.ndarray, at_100: np.ndarray, weight: float, tied: np.ndarray) -> tuple[tuple, tuple]:
    """Where the nearest gaps between neighbours close below and above a weight: (weight, number of the pair or None).

    Args:
        at_0, at_100: gap between each pair of neighbours with the weight at 0 and at 100; between, it is linear.
    """
    parting = tied & (np.abs(at_100 - at_0) > SAME)
    if parting.any():
        return ((weight, int(np.argmax(parting))),) * 2
    with np.errstate(divide="ignore", invalid="ignore"):
        roots = 100 * at_0 / (at_0 - at_100)
    # A pair that is alike everywhere meets nowhere; a gap that grows with the weight closes below it.
    roots[tied | (at_0 == at_100)] = np.nan
    below = np.where((at_100 > at_0) & (roots >= -SAME), roots, -np.inf)
    above = np.where((at_100 < at_0) & (roots <= 100 + SAME), roots, np.inf)
    lower = upper = None
    if below.size and below.max() > -np.inf:
        lower = int(np.argmax(below))
    if above.size and above.min() < np.inf:
        upper = int(np.argmin(above))
    return (
        (0.0 if lower is None else float(np.clip(below[lower], 0, weight)), lower),
        (100.0 if upper is None else float(np.clip(above[upper], weight, 100)), upper),
    )


def _take_any(better: np.ndarray, now: np.ndarray) -> tuple[np.ndarray, None]:
    """The weight taken from each component until the gap is closed, the most telling first."""
    closes = better - better.min()
    left, taken = better @ now, np.zeros(len(now))
    for i in np.argsort(-closes, kind="stable"):
        # What is left of a gap just closed is the last bits of the sums, not weight to take from the next.
        if left <= SAME:
            break
        taken[i] = min(now[i], left / closes[i])
        left -= taken[i] * closes[i]
    return taken, None


def _take_two(better: np.ndarray, now: np.ndarray) -> tuple[np.ndarray | None, str | None]:
    """The weight taken from one component alone: the most telling of those that have enough of it."""
    closes = better - better.min()
    with np.errstate(divide="ignore"):
        needed = better @ now / closes
    enough = needed <= now + SAME
    if not enough.any():
        return None, "too_light"
    source = np.argmin(np.where(enough, needed, np.inf))
    taken = np.zeros(len(now))
    taken[source] = min(needed[source], now[source])
    return taken, None


def _moved(taken: np.ndarray | None, better: np.ndarray, weights: pd.Series) -> dict:
    """The columns on the weight moved, all of it to the component that favours the unit behind most."""
    if taken is None:
        return {"moved": np.nan, "from": None, "to": None} | {f"weight_{name}": np.nan for name in weights.index}
    new = weights - taken
    target = int(np.argmin(better))
    new.iloc[target] += taken.sum()
    sources = ", ".join(str(name) for name in weights.index[taken > 0])
    ends = {"from": sources, "to": str(weights.index[target])} if sources else {"from": None, "to": None}
    return {"moved": taken.sum()} | ends | {f"weight_{name}": value for name, value in new.items()}


def _sobol_terms(f_a: np.ndarray, f_b: np.ndarray, f_ab: np.ndarray) -> np.ndarray:
    """What the estimators average over points: (2 * inputs + 2, points): first, total, then mean and square."""
    return np.vstack([f_b * (f_ab - f_a), (f_a - f_ab) ** 2 / 2, (f_a + f_b) / 2, (f_a**2 + f_b**2) / 2])


def _sobol_ratios(means: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First-order and total indices from the means of `_sobol_terms`."""
    mean, square = means[-2:]
    variance = square - mean**2
    first, total = np.split(means[:-2], 2)
    if variance <= 0:
        return np.full_like(first, np.nan), np.full_like(total, np.nan)
    return first / variance, total / variance


def _mean_move(ranks: np.ndarray, axis: int) -> np.ndarray:
    """Mean absolute difference of ranks per unit (the last axis) over all pairs of options on one axis."""
    options = np.moveaxis(ranks, axis, 0)
    pairs = list(combinations(range(len(options)), 2))
    if not pairs:
        return np.full(ranks.shape[-1], np.nan)
    return np.mean([np.abs(options[i] - options[j]).reshape(-1, ranks.shape[-1]).mean(axis=0) for i, j in pairs], axis=0)


def _checked(scores: pd.DataFrame, weights: pd.Series) -> tuple[pd.DataFrame, pd.Series]:
    """Scores as floats, and the weights in the order of their columns; UserError where either will not do."""
    weights = _checked_weights(weights)
    _same_names(scores.columns, weights.index, "scores", "weights")
    _unique(scores.index, "scores")
    if scores.empty:
        raise UserError(
            "scores: there is no unit to rank. Give at least one row.",
            "scores: 순위를 매길 단위가 없습니다. 행을 하나 이상 넣으십시오.",
        )
    numbers = scores.apply(pd.to_numeric, errors="coerce").astype(float)
    bad = ~np.isfinite(numbers.to_numpy())
    if bad.any():
        row, column = np.argwhere(bad)[0]
        place = f"{scores.index[row]}, {scores.columns[column]}"
        raise UserError(
            f"scores: {bad.sum()} are missing or no number (first: {place}). Give every unit a score in every component.",
            f"scores: {bad.sum()}개 점수가 없거나 숫자가 아닙니다(첫째: {place}). 모든 단위에 구성요소별 점수를 넣으십시오.",
        )
    return numbers, weights.reindex(scores.columns)


def _checked_weights(weights: pd.Series) -> pd.Series:
    """The weights as floats; UserError unless they are numbers of 0 or above that add to 100."""
    _unique(weights.index, "weights")
    numbers = pd.to_numeric(weights, errors="coerce").astype(float)
    bad = ~(np.isfinite(numbers) & (numbers >= 0))
    if bad.any():
        name = weights.index[bad][0]
        raise UserError(
            f"weights: `{name}` is {weights[name]}; give a number of 0 or above, the weight in per cent.",
            f"weights: `{name}` 값이 {weights[name]}입니다. 0 이상의 숫자(%)로 쓰십시오.",
        )
    if abs(numbers.sum() - 100) > 1e-9:
        raise UserError(
            f"weights: they add to {numbers.sum():.10g}, not 100. Mend the weights so that they add to 100.",
            f"weights: 가중치 합계가 100이 아니라 {numbers.sum():.10g}입니다. 합계가 100이 되도록 고치십시오.",
        )
    return numbers


def _same_names(names: pd.Index, others: pd.Index, where: str, elsewhere: str) -> None:
    _unique(names, where)
    _unique(others, elsewhere)
    odd = [str(name) for name in [*names.difference(others, sort=False), *others.difference(names, sort=False)]]
    if odd:
        told = ", ".join(odd)
        raise UserError(
            f"{where} and {elsewhere} name different components: {told} is in one of them only. Give both the same names.",
            f"{where}와(과) {elsewhere}의 구성요소 이름이 다릅니다. 한쪽에만 있는 이름: {told}. 이름을 같게 하십시오.",
        )


def _unique(names: pd.Index, where: str) -> None:
    if names.has_duplicates:
        twice = names[names.duplicated()][0]
        raise UserError(
            f"{where}: `{twice}` is there twice. Name each once.",
            f"{where}: `{twice}`이(가) 중복됩니다. 이름은 한 번씩만 쓰십시오.",
        )


def _shared(weights: pd.Series) -> None:
    """UserError where one component has all the weight, so that the others have no proportions to rescale."""
    if (weights > 0).sum() < 2:
        name = weights.idxmax()
        raise UserError(
            f"weights: `{name}` has all the weight, so the others cannot be rescaled. Give weight to at least two components.",
            f"weights: `{name}`의 가중치가 100이어서 나머지를 비례 조정할 수 없습니다. 둘 이상의 구성요소에 가중치를 두십시오.",
        )


def _checked_ties(ties: str) -> None:
    if ties not in TIES:
        listed = " | ".join(TIES)
        raise UserError(f"ties is {ties!r}; give {listed}.", f"ties 값이 {ties!r}입니다. 다음 중 하나로 쓰십시오: {listed}.")


def _checked_inputs(inputs: dict) -> list:
    """A distribution with `ppf` per input; (lower, upper) becomes a uniform one."""
    if len(inputs) < 2:
        raise UserError(
            f"inputs: {len(inputs)} given; shares of a variance need at least two inputs.",
            f"inputs: {len(inputs)}개입니다. 분산의 몫을 구하려면 입력이 둘 이상이어야 합니다.",
        )
    out = []
    for name, given in inputs.items():
        if not hasattr(given, "ppf"):
            lower, upper = given if isinstance(given, tuple | list) and len(given) == 2 else (np.nan, np.nan)
            if not -np.inf < lower < upper < np.inf:
                raise UserError(
                    f"inputs: `{name}` is {given!r}; give (lower, upper) with lower below upper, or a distribution of scipy.stats.",
                    f"inputs: `{name}` 값이 {given!r}입니다. (하한, 상한) 또는 scipy.stats의 분포를 넣으십시오(하한 < 상한).",
                )
            given = uniform(lower, upper - lower)
        out.append(given)
    return out


def _checked_function(function: Callable[[np.ndarray], np.ndarray], outputs: int) -> Callable[[np.ndarray], np.ndarray]:
    def checked(points: np.ndarray) -> np.ndarray:
        values = np.asarray(function(points), dtype=float)
        if values.shape != ((outputs, *points.shape[1:]) if outputs > 1 or values.ndim > 1 else points.shape[1:]) or not np.isfinite(values).all():
            raise UserError(
                f"function: given {points.shape[1]} points it returned shape {values.shape}, or values that are missing or infinite. "
                "It must return one number per column of its argument.",
                f"function: 점 {points.shape[1]}개에 대해 반환한 배열의 크기가 {values.shape}이거나 유한하지 않은 값이 있습니다. "
                "인수의 열마다 숫자 하나를 반환해야 합니다.",
            )
        return values

    return checked


def _checked_choices(choices: dict[str, list]) -> None:
    if not choices:
        raise UserError(
            "choices: none are given. Give at least one name with its options.",
            "choices: 비어 있습니다. 이름과 선택지를 하나 이상 넣으십시오.",
        )
    for name, options in choices.items():
        if name in ("unit", "total", "rank"):
            raise UserError(
                f"choices: `{name}` is the name of a column of the result. Name the choice otherwise.",
                f"choices: `{name}`은(는) 결과 표의 열 이름입니다. 다른 이름을 쓰십시오.",
            )
        if not options or not all(isinstance(option, Hashable) for option in options) or len(set(options)) < len(options):
            raise UserError(
                f"choices: `{name}` is {options!r}; give at least one option, each once, as text, numbers or tuples.",
                f"choices: `{name}` 값이 {options!r}입니다. 선택지를 문자·숫자·튜플로 하나 이상, 중복 없이 넣으십시오.",
            )


def _checked_totals(given: pd.Series, units: pd.Index | None, combination: dict) -> pd.Index:
    """The units of the first combination, after a look whether this one gives each of them a total."""
    if not isinstance(given, pd.Series):
        raise UserError(
            f"score({combination}) returned {type(given).__name__}; it must return a series, the total per unit.",
            f"score({combination})이(가) {type(given).__name__}을(를) 반환했습니다. 단위별 종합점수를 Series로 반환해야 합니다.",
        )
    units = given.index if units is None else units
    _unique(given.index, f"score({combination})")
    if set(given.index) != set(units) or not np.isfinite(given.to_numpy(dtype=float)).all():
        raise UserError(
            f"score({combination}): a total is missing, or the units are others than under the first combination. "
            "It must return a total for the same units every time.",
            f"score({combination}): 종합점수가 없거나 단위가 첫 조합과 다릅니다. 조합마다 같은 단위의 종합점수를 반환해야 합니다.",
        )
    return units
