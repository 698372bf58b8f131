"""The API's resources, one file each; every module with a `router` is part of the API."""
