"""What Claude is asked: one module a prompt, with its version and the model of its answer.

A changed text or answer takes a new version: the ledger keeps answers by it, and `axiom enrich again` asks
anew.
"""
