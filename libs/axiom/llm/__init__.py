"""Paid calls to a language model: port, Claude, ledger, budget, batches."""
