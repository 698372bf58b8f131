"""The bundled sample of daily closes, and the script that made it. See ATTRIBUTION.md."""
