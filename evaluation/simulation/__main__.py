"""python -m evaluation.simulation: make the simulated inputs anew from the published tables."""

import argparse
from pathlib import Path

from evaluation.simulation import generate

parser = argparse.ArgumentParser(prog="python -m evaluation.simulation", description=__doc__)
parser.add_argument("--published", type=Path, default=Path("data/raw/published"), help="folder of the published tables")
parser.add_argument("--out", type=Path, default=Path("data/raw/simulated"), help="folder to write to")
options = parser.parse_args()
for path in generate(options.published, options.out):
    print(path)
