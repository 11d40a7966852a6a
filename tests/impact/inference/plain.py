"""A plain regression with a constant, as papers and packages print them."""

import numpy as np
import pandas as pd

from evaluation.impact.inference.regression import Regression


def least_squares(y, x, cluster, contrasts=None) -> Regression:
    """Regression of y on x, shape (rows, k), and a constant; contrasts, shape (m, k), are the first coefficient unless given."""
    rows = np.arange(len(y))
    contrasts = np.eye(x.shape[1])[:1] if contrasts is None else np.asarray(contrasts, dtype=float)
    code = np.unique(cluster, return_inverse=True)[1]
    return Regression(np.asarray(y, dtype=float), pd.DataFrame(x), np.zeros(len(y), int), None, code, rows, rows, None, contrasts[0], np.arange(len(contrasts) - 1), contrasts[1:])
