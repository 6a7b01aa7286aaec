"""Conformance kits for what a host plugs in, and what testers need around them. No test framework is imported here."""
