"""A stage, for clients that mean harm."""

from tests.sessions.conftest import open_store, stage  # noqa: F401 - fixtures
