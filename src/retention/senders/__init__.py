"""How letters leave the house: implementations of `retention.ports.Sender`, one module each.

`memory` keeps what it gets, for tests and simulations; `maildir` writes one file for each letter.
"""
