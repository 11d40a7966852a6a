"""Yearly evaluation of Korea's Industrial Complex Cluster Program, from raw tables to the report."""

__version__ = "0.1.0"
