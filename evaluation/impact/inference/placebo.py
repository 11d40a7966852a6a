"""Placebos for synthetic difference-in-differences and synthetic control: treatment given to never-treated units, the treated left out.

The reassignments are the estimators' own (`estimators.synthetic`): all of them where they can be enumerated, seeded draws otherwise. By
themselves the estimators take the spread of draws as the standard error of a normal distribution, as published; asked for by name, p and
interval are ranks among them here too. It is refused where they would turn to the jackknife.
Sources: Abadie, Diamond and Hainmueller (2010), JASA 105; Arkhangelsky et al. (2021), American Economic Review 111, Algorithm 4.
"""

from evaluation.errors import UserError
from evaluation.impact.design import Design
from evaluation.impact.estimators import refuse, synthetic
from evaluation.impact.inference import Found, Options
from evaluation.impact.inference.randomisation import enough_draws

SYNTHETIC = ("sdid", "sc")


def placebo(plan: Design, estimator: str, aggregate: str, options: Options) -> Found:
    """Standard error, interval and p from placebo assignments among never-treated units.

    With one treated unit every control takes its place once, whatever `options.draws`: the standard error is that of all of them.

    Raises:
        UserError: another estimator; too few never-treated units for placebos like the estimate, or for the level.
    """
    if estimator not in SYNTHETIC:
        raise UserError(
            f"placebo leaves the treated units out and finds weights of units anew for each control, which is for {' and '.join(SYNTHETIC)}. For {estimator} use --inference randomisation, which reassigns treatment among all units.",
            f"placebo는 처치 단위를 제외하고 비교단위마다 단위 가중치를 새로 구하는 방법으로 {', '.join(SYNTHETIC)}에 쓰입니다. {estimator}에는 모든 단위 사이에서 처치를 재배정하는 --inference randomisation을 쓰십시오.",
        )
    refuse(plan, estimator, aggregate)
    found = synthetic.estimate(plan, aggregate, estimator, ranked=True)
    if not found.diagnostics.get("placebos"):
        raise UserError(
            f"There are {plan.n_never} never-treated units to {found.n_treated_units} treated ones, too few for placebos that keep as many donors as the estimate has. Add never-treated units, or use --inference analytic (jackknife).",
            f"미참여 단위 {plan.n_never}개로는 참여 단위 {found.n_treated_units}개에 대해 실제 추정만큼 비교단위를 남기는 플라시보를 만들 수 없습니다. 미참여 단위를 더하거나 --inference analytic(잭나이프)을 쓰십시오.",
        )
    enough_draws(int(found.diagnostics["placebos"]) + 1, found.inference.startswith("exact"), plan.level, "unit")
    told = []
    if options.draws != Options().draws or options.seed != Options().seed:
        told.append((
            "Placebos have draws and a seed of their own, so that the answer is that of the estimator: --draws and --seed do nothing here.",
            "플라시보는 추정방법이 정한 횟수와 시드를 쓰므로 --draws와 --seed는 적용되지 않는다.",
        ))  # fmt: skip
    event = found.event
    if not event.empty:
        event = event[~event["reference"].astype(bool)][["event_time", "lower", "upper"]].assign(p=float("nan"))
    return Found(found.lower, found.upper, found.p, found.inference, found.se, found.df, event, warnings=tuple(told), vcov=found.vcov)
