"""The library every Axiom service stands on. It knows no service and no topic by name."""
