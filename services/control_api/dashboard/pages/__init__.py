"""One module a page, each with `PAGE`; they are found by being here."""
