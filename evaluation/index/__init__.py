"""The weighted evaluation index: scheme, component scores, total, rank and their uncertainty."""
