"""The simulated inputs: a complex-year panel with a known true effect, evaluation marks, and exports of the systems.

No public complex-level panel of the programme's years exists. What is printed is kept (who takes
part, the totals of the seven pilots, the mini clusters), the rest is drawn from one fixed seed, so
that the files are reproduced byte for byte. `data/raw/simulated/README.md` states the process.
"""

from pathlib import Path

from evaluation.simulation import marks, panel, registry, systems
from evaluation.simulation.tables import write

DECIMALS = {"true_effects.csv": 6}  # of fractions; one in every other table


def generate(published_dir: Path, out_dir: Path) -> list[Path]:
    """Write every simulated table below `out_dir` from the published tables; return their paths."""
    complexes = registry.complexes(published_dir)
    mini_clusters = registry.mini_clusters(published_dir)
    owners = registry.with_regional_owners(mini_clusters)
    evaluation = marks.tables(owners)
    tables = {
        "complexes.csv": complexes,
        "reconciliation.csv": registry.reconciliation(published_dir, complexes, mini_clusters),
        "mini_clusters.csv": owners,
        **panel.tables(published_dir, complexes),
        **evaluation,
        **systems.tables(published_dir, owners, evaluation),
    }
    return [write(table, Path(out_dir) / name, DECIMALS.get(name, 1)) for name, table in tables.items()]
