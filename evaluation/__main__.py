"""`python -m evaluation` is `iccp`."""

from evaluation.cli import main

main()
