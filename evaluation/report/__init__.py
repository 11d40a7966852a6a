"""From results to the finished report: ledger, words, tables, figures, rendering."""
