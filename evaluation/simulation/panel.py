"""The simulated panel of production, exports, employment and firms, its true effects and price index.

Arrays are n complexes by 16 years unless a docstring says otherwise; effects, noise and year effects
are in log points. The levels of the process are those of 2005, the first year of the programme.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from evaluation.simulation.tables import ar1, read, stream

YEARS = np.arange(2001, 2017)
LEVEL_YEAR = 2005
OUTCOMES = ("production", "exports", "employment")
PILOT_YEAR, LAST_WAVE = 2005, 2010
MASK_FIRMS = 2  # the official statistics mask a complex with so few operating firms or fewer

# Sizes of 2005 quoted in the press: production in KRW trn, exports in USD bn, employment in thousand
# persons, operating firms. The pilots' are scaled to the printed totals of the seven; Ulsan is quoted
# with Onsan, and the printed totals are only reached that way.
QUOTED = {
    "Ulsan": (80.0, 45.0, 96.0, 800),
    "Gumi": (46.5, 30.0, 79.9, 800),
    "Changwon": (29.0, 11.4, 78.0, 1500),
    "Banwol-Sihwa": (43.0, 7.0, 170.0, 7000),
    "Gwangju": (2.5, 1.95, 6.5, 250),
    "Gunsan": (3.5, 2.3, 7.0, 110),
    "Wonju": (0.6, 0.2, 2.4, 80),
    "Onsan": (18.0, 8.0, 13.0, 230),
}
QUOTED_UNITS = np.array([1e6, 1e6, 1e3, 1])  # to KRW mn, USD thousand, persons, firms

# The other complexes: log-normal sizes, as median and log standard deviation.
FIRMS = {
    ("hub", "national"): (300, 0.6),
    ("hub", "general"): (180, 0.5),
    ("hub", "agro_industrial"): (15, 0.4),
    ("spoke", "national"): (70, 0.7),
    ("spoke", "general"): (45, 0.8),
    ("spoke", "agro_industrial"): (11, 0.9),
}
PERSONS_PER_FIRM = {"national": (60, 0.25), "general": (32, 0.25), "agro_industrial": (24, 0.25)}
PRODUCTION_PER_PERSON = {"national": (450, 0.3), "general": (300, 0.3), "agro_industrial": (200, 0.3)}  # KRW mn
EXPORT_SHARE = {"national": (0.30, 0.5), "general": (0.20, 0.5), "agro_industrial": (0.10, 0.5)}  # of production
EXPORT_SHARE_MAX = 0.8

# Noise: AR(1), its stationary standard deviation falling from the smallest to the largest complex.
RHO = 0.7
NOISE_SMALLEST, NOISE_LARGEST = 0.15, 0.05
NOISE_SCALE = {"production": 1.0, "exports": 1.3, "employment": 0.6}
NOISE_SHARED = 0.5  # share of the innovations' variance that the three outcomes have in common
ZONE_SHOCK = 0.015  # standard deviation of the shock of a zone in a year, times NOISE_SCALE
TREND = 0.006  # standard deviation of a complex's own trend, per year
# Gumi and Gwangju grew faster before the programme than after: doubtful parallel trends.
EXTRA_GROWTH_BEFORE = {"Gumi": 0.035, "Gwangju": 0.04}  # per year up to 2004, in production and exports
FIRM_GROWTH, FIRM_NOISE = 0.02, 0.03
# Firms that leave in a year, as a share of those of the year before: mean, spread between complexes, over years. Of what the number of
# firms gains beyond its usual growth, this share would otherwise have left; the rest has entered.
EXIT_RATE, EXIT_RATE_MIN = (0.08, 0.01, 0.01), 0.01
STAYED_BY_EFFECT, STAYED_BY_NOISE = 0.2, 0.5

# True effect on production in the long run: mean by group, and its heterogeneity. The others are
# this multiple of a complex's effect on production.
KAPPA = {"hub 2005": 0.10, "hub 2008": 0.07, "hub 2010": 0.06, "spoke": 0.04, "spoke agro_industrial": 0.02}
KAPPA_CV = 0.4
EFFECT_SCALE = {"production": 1.0, "exports": 0.9, "employment": 0.5, "operating_firms": 0.3}
RAMP = 2.5  # years: the effect has reached 1 - exp(-(e + 1) / RAMP) of the long run after e years

# Totals of the seven pilots in 2004: free, since only the growth 2004 to 2009 is printed.
# KRW trn at the programme's rate is 1.15 times USD bn.
TOTALS_2004 = {"production": 178.0, "exports": 98.0, "employment": 425.0}  # USD bn, USD bn, thousand persons
PRINTED_NAMES = {"production": "production", "exports": "export", "employment": "employment"}
# Year effects of the other years: growth in log points (production in real terms, the price index
# is added), and how far 2006 and 2007 are on the way from 2005 to 2008.
GROWTH = {
    "production": {2002: 0.05, 2003: 0.04, 2004: 0.05, 2010: 0.10, 2011: 0.05, 2012: 0.02, 2013: 0.01, 2014: 0.015, 2015: 0.01, 2016: 0.01},
    "exports": {2002: 0.07, 2003: 0.08, 2004: 0.10, 2010: 0.14, 2011: 0.10, 2012: 0.01, 2013: 0.015, 2014: 0.01, 2015: -0.05, 2016: -0.03},
    "employment": {2002: 0.015, 2003: 0.015, 2004: 0.02, 2010: 0.03, 2011: 0.03, 2012: 0.025, 2013: 0.02, 2014: 0.015, 2015: 0.01, 2016: 0.005},
}
BETWEEN = {2006: 0.3, 2007: 0.6}
# Producer prices: growth of the years 2002 to 2016, plus noise; 2010 = 100.
PRICE_GROWTH = (-0.003, 0.02, 0.06, 0.02, 0.01, 0.015, 0.08, 0.0, 0.038, 0.06, 0.007, -0.015, -0.005, -0.035, -0.015)
PRICE_NOISE, PRICE_BASE = 0.003, 2010

# Gunjang (Gunsan 2), which the programme counts with Gunsan: its production in the press, KRW trn. Nothing else of it is taken from
# there: seven thousand employed in 2011 are more than nine tenths of a Gunsan that was never scaled to hold them.
GUNJANG = {2006: 0.1146, 2008: 0.2296, 2011: 1.4702}

CAPITAL_RATIO, CAPITAL_GROWTH, CAPITAL_NOISE = (0.8, 0.25), 0.04, 0.02  # ratio to production of 2005
INTERMEDIATE_SHARE = (0.66, 0.02, 0.01)  # of production: mean, spread between complexes, over years
INTERMEDIATE_RANGE = (0.60, 0.72)
AREA_PER_PERSON = {"national": (0.25, 0.3), "general": (0.30, 0.3), "agro_industrial": (0.40, 0.3)}  # thousand square metres
AREA_STEPS = 0.05  # share of complexes that are enlarged once, by 10 to 30 per cent

ZERO_NEVER, ZERO_UNTIL = 4, 6  # small complexes that never export, and that begin to in some year
ZERO_FIRMS = (4, 12)
ZERO_STARTS = (2003, 2014)
MISSING_COMPLEXES, MISSING_CELLS = 32, 0.08  # complexes with gaps, and the share of their cells that is blank


def tables(published_dir: Path, complexes: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """panel.csv, panel_variants.csv, firm_turnover.csv, true_effects.csv and price_index.csv for the registry."""
    price = _price_index()
    effects = true_effects(complexes)
    krw_per_usd = _krw_per_usd(published_dir)
    totals = _pilot_totals(published_dir, krw_per_usd)
    sizes = _sizes(complexes, totals[LEVEL_YEAR], krw_per_usd)
    firms = _firms(sizes["operating_firms"], effects["operating_firms"])
    values = _outcomes(complexes, sizes, effects, totals, np.log(price / 100))
    values["exports"][_not_exporting(complexes, firms)] = 0
    production = values["production"]
    panel = pd.DataFrame(
        {
            "complex_id": np.repeat(complexes["complex_id"].to_numpy(), len(YEARS)),
            "year": np.tile(YEARS, len(complexes)),
            **_with_gaps(complexes, {name: np.rint(values[name]).astype(int) for name in OUTCOMES}, firms),
            "operating_firms": firms.ravel(),
            "capital": np.rint(_capital(sizes["production"])).astype(int).ravel(),
            "intermediate_inputs": np.rint(production * _intermediate_share(len(complexes))).astype(int).ravel(),
            "area": _area(complexes, sizes["employment"]).ravel(),
        }
    )
    return {
        "panel.csv": panel,
        "panel_variants.csv": _without_gunjang(panel, complexes),
        "firm_turnover.csv": _turnover(complexes, firms, effects["operating_firms"]),
        "true_effects.csv": _effects_table(complexes, effects),
        "price_index.csv": pd.DataFrame(
            {"index": "ppi", "year": YEARS, "value": price, "base_year": PRICE_BASE, "unit": f"{PRICE_BASE} = 100"}
        ),
    }


def _without_gunjang(panel: pd.DataFrame, complexes: pd.DataFrame) -> pd.DataFrame:
    """Gunsan less a share of each of its figures: that of Gunjang's production in the press in its own, on a log scale between the
    years quoted, growing as between the first two before them, and the last from then on.
    """
    gunsan = complexes.loc[complexes["name_en"] == "Gunsan", "complex_id"].item()
    names = [*OUTCOMES, "operating_firms"]
    own = panel[panel["complex_id"] == gunsan].set_index("year")[names].astype(float)
    quoted, production = (np.array(list(values), dtype=float) for values in (GUNJANG, GUNJANG.values()))
    log_share = np.log(production * QUOTED_UNITS[0] / own.loc[quoted, "production"].to_numpy())
    growth = (log_share[1] - log_share[0]) / (quoted[1] - quoted[0])
    share = np.exp(np.interp(own.index, quoted, log_share) - growth * np.maximum(quoted[0] - own.index, 0))
    left = np.rint(own.mul(1 - share, axis=0)).astype(int).reset_index()
    left.insert(0, "variant", "without_gunjang")
    left.insert(1, "complex_id", gunsan)
    return left


def _lognormal(name: str, median_and_sd: list[tuple[float, float]]) -> np.ndarray:
    """One log-normal draw per complex: shape (n,)."""
    median, sd = np.array(median_and_sd).T
    return median * np.exp(sd * stream(name).standard_normal(len(median)))


def _sizes(complexes: pd.DataFrame, pilot_totals: dict[str, float], krw_per_usd: float) -> dict[str, np.ndarray]:
    """Levels of 2005 before effect and noise: production KRW mn, exports USD thousand, persons, firms; (n,)."""
    kinds = complexes["type"]
    roles = complexes["role"].replace("non_participant", "spoke")
    firms = _lognormal("panel/firms", [FIRMS[key] for key in zip(roles, kinds, strict=True)])
    employment = firms * _lognormal("panel/persons per firm", [PERSONS_PER_FIRM[kind] for kind in kinds])
    production = employment * _lognormal("panel/production per person", [PRODUCTION_PER_PERSON[kind] for kind in kinds])
    share = np.minimum(_lognormal("panel/export share", [EXPORT_SHARE[kind] for kind in kinds]), EXPORT_SHARE_MAX)
    exports = production * share * 1000 / krw_per_usd
    sizes = dict(zip((*OUTCOMES, "operating_firms"), (production, exports, employment, firms), strict=True))

    quoted = complexes["name_en"].isin(QUOTED).to_numpy()
    values = np.array([QUOTED[name] for name in complexes.loc[quoted, "name_en"]]) * QUOTED_UNITS
    pilots = _first_treated(complexes) == PILOT_YEAR
    for column, (name, size) in enumerate(sizes.items()):
        size[quoted] = values[:, column]
        if name in OUTCOMES:
            size[pilots] *= pilot_totals[name] / size[pilots].sum()
    return sizes


def _first_treated(complexes: pd.DataFrame) -> np.ndarray:
    """Year of first participation, infinite for the never-treated: shape (n,)."""
    return complexes["first_treated"].to_numpy(dtype=float, na_value=np.inf)


def _krw_per_usd(published_dir: Path) -> float:
    mentions = read(published_dir, "budget_other_mentions").set_index("item")["value"]
    return float(mentions["exchange rate Sept 2010"])


def _pilot_totals(published_dir: Path, krw_per_usd: float) -> dict[int, dict[str, float]]:
    """Totals of the seven pilots by year and outcome: production KRW mn, exports USD thousand, persons."""
    goals = read(published_dir, "goal_achievement").set_index(["indicator", "item"])["value"].astype(float)
    growth = read(published_dir, "growth_2004_2009").set_index(["indicator", "group"])["value"].astype(float)
    unit = {"production": 1000 * krw_per_usd, "exports": 1e6, "employment": 1e3}
    totals = {2004: {}, 2005: {}, 2008: {}, 2009: {}}
    for name, printed in PRINTED_NAMES.items():
        totals[2004][name] = TOTALS_2004[name] * unit[name]
        totals[2005][name] = goals[printed, "base_2005"] * unit[name]
        totals[2008][name] = goals[printed, "achieved_2008"] * unit[name]
        totals[2009][name] = totals[2004][name] * (1 + growth[printed, "7_target_complexes"] / 100)
    return totals


def true_effects(complexes: pd.DataFrame) -> dict[str, np.ndarray]:
    """The effect built in, tau_i(e) = kappa_i (1 - exp(-(e + 1) / 2.5)) from the first treated year on."""
    event_time = YEARS - _first_treated(complexes)[:, None]
    ramp = 1 - np.exp(-(np.maximum(event_time, -1) + 1) / RAMP)  # nothing before the first treated year
    tau = _kappa(complexes)[:, None] * ramp
    return {name: scale * tau for name, scale in EFFECT_SCALE.items()}


def _kappa(complexes: pd.DataFrame) -> np.ndarray:
    """Long-run effect on production: log-normal within a group, its mean exactly the group's; (n,)."""
    groups = np.where(
        complexes["role"] == "hub",
        "hub " + complexes["first_treated"].astype("string").fillna(""),
        np.where(complexes["type"] == "agro_industrial", "spoke agro_industrial", "spoke"),
    )
    sd = np.sqrt(np.log(1 + KAPPA_CV**2))
    kappa = np.exp(sd * stream("panel/kappa").standard_normal(len(complexes)))
    treated = np.isfinite(_first_treated(complexes))
    for group, mean in KAPPA.items():
        members = treated & (groups == group)
        kappa[members] *= mean / kappa[members].mean()
    return np.where(treated, kappa, 0.0)


def _effects_table(complexes: pd.DataFrame, effects: dict[str, np.ndarray]) -> pd.DataFrame:
    treated = YEARS >= _first_treated(complexes)[:, None]
    row, column = np.nonzero(treated)
    return pd.DataFrame(
        {
            "complex_id": complexes["complex_id"].to_numpy()[row],
            "year": YEARS[column],
            **{name: effect[treated] for name, effect in effects.items()},
        }
    )


def _price_index() -> np.ndarray:
    """Producer price index, 2010 = 100, as printed with one decimal: shape (16,)."""
    noise = PRICE_NOISE * stream("panel/prices").standard_normal(len(PRICE_GROWTH))
    level = np.concatenate([[0.0], np.cumsum(np.array(PRICE_GROWTH) + noise)])
    return np.round(100 * np.exp(level - level[YEARS == PRICE_BASE]), 1)


def _outcomes(
    complexes: pd.DataFrame,
    sizes: dict[str, np.ndarray],
    effects: dict[str, np.ndarray],
    totals: dict[int, dict[str, float]],
    log_price: np.ndarray,
) -> dict[str, np.ndarray]:
    """Production, exports and employment in levels; the pilots add up to the printed totals."""
    n, pilots = len(complexes), _first_treated(complexes) == PILOT_YEAR
    zone_of = pd.factorize(complexes["zone"], sort=True)[0]
    zone_shocks = ZONE_SHOCK * stream("panel/zones").standard_normal((zone_of.max() + 1, len(YEARS)))[zone_of]
    trend = TREND * stream("panel/trend").standard_normal(n)[:, None] * (YEARS - LEVEL_YEAR)
    extra = complexes["name_en"].map(EXTRA_GROWTH_BEFORE).fillna(0.0).to_numpy()[:, None]
    extra = extra * (np.minimum(YEARS, PILOT_YEAR - 1) - (PILOT_YEAR - 1))
    noise_sd = _noise_sd(sizes["production"])[:, None]
    shared = stream("panel/noise/shared").standard_normal((n, len(YEARS)))

    values = {}
    for name in OUTCOMES:
        own = stream(f"panel/noise/{name}").standard_normal((n, len(YEARS)))
        noise = noise_sd * ar1(np.sqrt(NOISE_SHARED) * shared + np.sqrt(1 - NOISE_SHARED) * own, RHO)
        log_level = np.log(sizes[name])[:, None] + trend + NOISE_SCALE[name] * (zone_shocks + noise) + effects[name]
        # The pilots' printed level of 2005 already holds the effect of their first year.
        log_level[pilots] -= effects[name][pilots][:, YEARS == LEVEL_YEAR]
        if name != "employment":
            log_level += extra
        targets = {year: total[name] for year, total in totals.items()}
        price = log_price if name == "production" else np.zeros(len(YEARS))
        values[name] = np.exp(log_level + _year_effects(log_level[pilots], targets, GROWTH[name], price))
    return values


def _noise_sd(production: np.ndarray) -> np.ndarray:
    """Stationary standard deviation of the noise, linear in log size: shape (n,)."""
    size = np.log(production)
    return np.interp(size, [size.min(), size.max()], [NOISE_SMALLEST, NOISE_LARGEST])


def _year_effects(
    log_pilots: np.ndarray, targets: dict[int, float], growth: dict[int, float], log_price: np.ndarray
) -> np.ndarray:
    """Year effects common to all complexes, shape (16,).

    Where a total of the pilots is printed the effect makes them reach it; the other years follow by
    `growth` plus the growth of `log_price`, and 2006 and 2007 lie between 2005 and 2008.
    """
    price = dict(zip(YEARS, log_price, strict=True))
    effect = {year: np.log(target / np.exp(log_pilots[:, YEARS == year]).sum()) for year, target in targets.items()}
    for year, share in BETWEEN.items():
        effect[year] = effect[2005] + share * (effect[2008] - effect[2005])
    for year in range(2003, YEARS[0] - 1, -1):
        effect[year] = effect[year + 1] - growth[year + 1] - (price[year + 1] - price[year])
    for year in range(2010, YEARS[-1] + 1):
        effect[year] = effect[year - 1] + growth[year] + (price[year] - price[year - 1])
    return np.array([effect[year] for year in YEARS])


def _firms(size: np.ndarray, effect: np.ndarray) -> np.ndarray:
    """Operating firms, whole and at least one."""
    noise = FIRM_NOISE * ar1(stream("panel/noise/firms").standard_normal(effect.shape), RHO)
    log_firms = np.log(size)[:, None] + FIRM_GROWTH * (YEARS - LEVEL_YEAR) + noise + effect
    return np.maximum(np.rint(np.exp(log_firms)), 1).astype(int)


def _turnover(complexes: pd.DataFrame, firms: np.ndarray, effect: np.ndarray) -> pd.DataFrame:
    """Firms that entered and left, every year but the first; they add up with the firms there are."""
    mean, between, within = EXIT_RATE
    n, before, net = len(firms), firms[:, :-1], np.diff(firms)
    by_effect = np.diff(effect)
    by_noise = net / before - FIRM_GROWTH - by_effect
    generator = stream("panel/turnover")
    rate = mean + between * generator.standard_normal((n, 1)) + within * generator.standard_normal(net.shape)
    rate = np.maximum(rate - STAYED_BY_EFFECT * by_effect - STAYED_BY_NOISE * by_noise, EXIT_RATE_MIN)
    # Whole numbers whose mean is the rate's also where a complex has few firms; nobody enters a negative number of times.
    exits = np.floor(rate * before + generator.random(net.shape)).astype(int)
    exits = np.minimum(np.maximum(exits, -net), before)
    return pd.DataFrame(
        {
            "complex_id": np.repeat(complexes["complex_id"].to_numpy(), len(YEARS) - 1),
            "year": np.tile(YEARS[1:], n),
            "entering_firms": (net + exits).ravel(),
            "exiting_firms": exits.ravel(),
        }
    )


def _not_exporting(complexes: pd.DataFrame, firms: np.ndarray) -> np.ndarray:
    """Where a complex exports nothing: ten small ones, in all years or up to some year."""
    lower, upper = ZERO_FIRMS
    small = (firms.min(axis=1) >= lower) & (firms.max(axis=1) <= upper)
    small &= ((complexes["type"] == "agro_industrial") & (complexes["role"] != "hub")).to_numpy()
    generator = stream("panel/zero exports")
    order = np.argsort(np.where(small, generator.random(len(small)), np.inf))
    starts = np.full(len(small), YEARS[0])
    starts[order[:ZERO_NEVER]] = YEARS[-1] + 1
    starts[order[ZERO_NEVER : ZERO_NEVER + ZERO_UNTIL]] = generator.integers(*ZERO_STARTS, size=ZERO_UNTIL)
    return YEARS < starts[:, None]


def _with_gaps(complexes: pd.DataFrame, values: dict[str, np.ndarray], firms: np.ndarray) -> dict[str, np.ndarray]:
    """The outcomes as printed, flattened: whole numbers, `X` where masked, blank where missing."""
    masked = firms <= MASK_FIRMS
    early_hub = _first_treated(complexes) < LAST_WAVE
    generator = stream("panel/missing")
    eligible = ~early_hub & ~masked.any(axis=1)
    order = np.argsort(np.where(eligible, generator.random(len(eligible)), np.inf))
    gappy = np.zeros(len(eligible), dtype=bool)
    gappy[order[:MISSING_COMPLEXES]] = True
    printed = {}
    for name, value in values.items():
        missing = gappy[:, None] & (generator.random(firms.shape) < MISSING_CELLS)
        printed[name] = np.where(masked, "X", np.where(missing, "", value.astype(str))).ravel()
    return printed


def _capital(production: np.ndarray) -> np.ndarray:
    """Capital stock, KRW mn: a share of the production of 2005 that grows smoothly."""
    level = production * _lognormal("panel/capital", [CAPITAL_RATIO] * len(production))
    noise = CAPITAL_NOISE * ar1(stream("panel/noise/capital").standard_normal((len(production), len(YEARS))), 0.9)
    return level[:, None] * np.exp(CAPITAL_GROWTH * (YEARS - LEVEL_YEAR) + noise)


def _intermediate_share(n: int) -> np.ndarray:
    mean, between, within = INTERMEDIATE_SHARE
    complex_part = between * stream("panel/intermediate").standard_normal(n)[:, None]
    year_part = within * stream("panel/noise/intermediate").standard_normal((n, len(YEARS)))
    return np.clip(mean + complex_part + year_part, *INTERMEDIATE_RANGE)


def _area(complexes: pd.DataFrame, employment: np.ndarray) -> np.ndarray:
    """Designated area, thousand square metres: constant, with a rare step up."""
    area = employment * _lognormal("panel/area", [AREA_PER_PERSON[kind] for kind in complexes["type"]])
    generator = stream("panel/area steps")
    enlarged = generator.random(len(area)) < AREA_STEPS
    year = generator.integers(YEARS[1], YEARS[-1] + 1, size=len(area))
    growth = np.where(enlarged, 0.1 + 0.2 * generator.random(len(area)), 0.0)
    return area[:, None] * (1 + growth[:, None] * (YEARS >= year[:, None]))
