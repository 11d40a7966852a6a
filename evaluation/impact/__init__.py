"""The programme's impact: difference-in-differences on participant and non-participant complexes."""
