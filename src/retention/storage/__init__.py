"""Where a shop's memory is kept: implementations of `retention.ports.Storage`, one module each.

`memory` is the reference model that the others are compared with; `sqlite` is one file for one shop.
"""
