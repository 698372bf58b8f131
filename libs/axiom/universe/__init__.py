"""The companies that Axiom knows: what names in texts are resolved to."""
