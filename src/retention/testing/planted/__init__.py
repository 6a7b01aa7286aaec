"""Implementations with one realistic bug each, which the kits of `retention.testing` must catch."""
