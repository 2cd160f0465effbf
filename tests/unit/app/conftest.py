"""Stores to test with."""

from tests.support.mail_store import open_store  # noqa: F401 - a fixture
