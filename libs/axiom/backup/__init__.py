"""Backups: the log's records and schema `control` as files, from which an empty home comes back."""
