"""A shop's files -> facts, and what is set apart with its reason.

One module per format; each streams, so that a file may be larger than the memory. They read files and nothing else:
storing what they yield is the host's business, `engine.record(batch.facts)`.
"""
