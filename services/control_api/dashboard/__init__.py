"""The dashboard: pages over the reading layer, in the process of the API.

`views/` turns answers of the reading layer into what a page shows, and is pure; `pages/` has one file a page
and only lays things out. NiceGUI is imported here alone.
"""
