"""Which inference suits a design: by how many units are treated and not, by strata and size, and by what the estimator can carry.

The rules rest on simulations with seven, five and 190 treated units, 60 never treated, 15 years and errors with autocorrelation 0.7
(tests/impact/inference): clustered and influence-function errors reject a true null far too often with few treated units, randomisation
5 % of the time, with as much power as any method that keeps the level.
"""

import numpy as np

from evaluation.errors import UserError
from evaluation.impact.design import Design, is_binary
from evaluation.impact.inference.linear import FEW, NOT_LINEAR, blocks
from evaluation.impact.inference.randomisation import possible

MANY = 40  # treated in each cohort, and never treated: from here on errors are normal enough
BY_SIZE = 0.05  # p-value of no relation between size and the spread of controls


def recommend(plan: Design, estimator: str) -> tuple[str, tuple[str, str]]:
    """The method, by its name in `inference.KNOWN`, and why, in English and Korean."""
    treated = len(plan.names) - plan.n_never
    if estimator in ("sdid", "sc"):
        if plan.n_never >= 2 and (treated == 1 or plan.n_never >= 2 * treated):
            return "placebo", (f"{estimator} finds weights anew for each of {plan.n_never} never-treated units, which show how far estimates stray by chance.", f"{estimator}은(는) 미참여 단위 {plan.n_never}개마다 가중치를 새로 구하여 우연에 의한 추정치의 폭을 보일 수 있다.")
        return "analytic", (f"Too few never-treated units ({plan.n_never}) for placebos of {treated} treated ones.", f"미참여 단위({plan.n_never}개)가 적어 참여 단위 {treated}개의 플라시보를 만들 수 없다.")
    if not is_binary(plan):
        return "analytic", ("Treatment is a share, which cannot be reassigned among units.", "처치가 비율이어서 단위 사이에 재배정할 수 없다.")
    try:
        some = blocks(plan)
    except UserError:
        return "wild", ("Clusters hold units treated at different times, so that treatment cannot be reassigned by cluster; the wild cluster bootstrap keeps clusters whole.", "군집 안에 참여 시점이 다른 단위가 있어 군집 단위로 처치를 재배정할 수 없으므로, 군집을 유지하는 와일드 부트스트랩이 알맞다.")
    name = {"unit": "단위", "cluster": "군집"}[some.name]
    counts = {int(g): int((some.first == g).sum()) for g in np.unique(some.first)}
    never = counts.pop(0, 0)
    fewest = min(counts.values())
    simple = estimator not in NOT_LINEAR and plan.balanced and not plan.covariates and not ("weight" in plan.data and (plan.data.groupby("unit")["weight"].nunique() > 1).any())
    if min(fewest, never) >= MANY:
        return "analytic", (
            f"Each cohort has {fewest} treated {some.name}s or more, and {never} are never treated: standard errors by {some.name} can be relied on.",
            f"참여 시점별 처치 {name} 수가 모두 {fewest}개 이상이고 미참여 {name} 수가 {never}개여서 {name}별 표준오차를 믿을 수 있다.",
        )  # fmt: skip
    ways = possible(some)
    needed = int(np.ceil(1 / (1 - plan.level) - 1e-9))
    if ways == 1:
        return "cr2", ("No two units of a stratum were treated differently, so that treatment cannot be reassigned.", "같은 층 안에 참여 여부가 다른 단위가 없어 처치를 재배정할 수 없다.")
    if ways < needed:
        how = "mackinnon-webb" if simple else "wild"
        return how, (
            f"There are {ways} ways to assign treatment, fewer than the {needed} that a level of {100 * plan.level:g}% needs; a bootstrap fills the gaps between their p-values.",
            f"처치를 배정하는 방법이 {ways}가지로 {100 * plan.level:g}% 수준에 필요한 {needed}가지보다 적어, 부트스트랩으로 p값 사이를 메운다.",
        )  # fmt: skip
    if fewest < FEW and "size" in plan.data and simple and never >= FEW and _by_size(some) < BY_SIZE:
        return "ferman-pinto", (
            f"A cohort has {fewest} treated {some.name}s, and small {some.name}s vary more than large ones: their variance has to be read off controls of their size.",
            f"처치 {name} 수가 {fewest}개뿐인 참여 집단이 있고 규모가 작은 {name}일수록 변동이 크므로, 비슷한 규모의 비교 {name}에서 분산을 얻어야 한다.",
        )  # fmt: skip
    strata = (" within strata", "층 안에서 ") if len(np.unique(some.stratum)) > 1 else ("", "")
    slow = ("", "") if simple else ("; each assignment is estimated anew, which takes time", " 재배정할 때마다 다시 추정하므로 시간이 걸린다.")
    return "randomisation", (
        f"The smallest cohort has {fewest} treated {some.name}s, with {never} never treated: too few to rely on standard errors. Reassigning treatment{strata[0]} keeps the level however few they are{slow[0]}.",
        f"처치 {name} 수가 가장 적은 참여 집단이 {fewest}개, 미참여 {name} 수가 {never}개로 표준오차를 믿기에는 적다. {strata[1]}처치를 재배정하는 방법은 수가 적어도 유의수준을 지킨다.{slow[1]}",
    )  # fmt: skip


def _by_size(some) -> float:
    """One-sided p-value of controls' changes spreading no more where units are small, by the rank correlation of size and spread."""
    from scipy import stats

    y = some.y[some.first == 0]
    changes = y - y.mean(axis=1, keepdims=True)
    spread = ((changes - changes.mean(axis=0)) ** 2).sum(axis=1)
    return float(stats.spearmanr(some.size[some.first == 0], spread, alternative="less").pvalue)
