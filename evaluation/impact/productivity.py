"""Total factor productivity as an index number, from output and inputs."""

import numpy as np
import pandas as pd

INPUTS = {"intermediate_inputs": "intermediates", "employment": "labour", "capital": "capital"}
DEFLATED = ("production", "intermediate_inputs", "capital")


def total_factor_productivity(panel: pd.DataFrame, prices: pd.Series, labour_share: float) -> pd.Series:
    """The multilateral translog index of each row against the mean of all: comparable over complexes and years.

        ln TFP = (ln Y - mean ln Y) - sum over inputs of (s + mean s) / 2 * (ln X - mean ln X)

    Shares s add to 1: that of intermediates is their share in output, row by row; what is left is value added, of which labour
    has `labour_share` and capital the rest, since wages are not in the panel. Output, intermediates and capital are deflated by
    the one price index there is.

    Args:
        panel: `year`, `production`, `intermediate_inputs`, `capital` (money) and `employment` (persons); prices: year -> index.

    Returns:
        the index, 1 for a row at the means; missing where output or an input is missing or not above 0, or intermediates are as
        much as output. Index of `panel`.

    Source: Caves, Christensen and Diewert (1982), "Multilateral comparisons of output, input, and productivity using superlative
    index numbers", Economic Journal 92, equation 34.
    """
    real = panel[[*INPUTS, "production"]].astype(float)
    deflator = panel["year"].map(prices).astype(float) / 100
    real[list(DEFLATED)] = real[list(DEFLATED)].div(deflator, axis=0)
    materials = real["intermediate_inputs"] / real["production"]
    usable = (real > 0).all(axis=1) & (materials < 1)
    logs = np.log(real[usable])
    value_added = 1 - materials[usable]
    shares = pd.DataFrame({"intermediate_inputs": materials[usable], "employment": labour_share * value_added, "capital": (1 - labour_share) * value_added})
    away = logs - logs.mean()
    inputs = ((shares + shares.mean()) / 2 * away[list(INPUTS)]).sum(axis=1)
    return np.exp(away["production"] - inputs).reindex(panel.index)
