"""Blocking clients of few words, to load a server with. No Twisted in here."""
