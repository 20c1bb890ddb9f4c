"""Typed tables over the store."""
