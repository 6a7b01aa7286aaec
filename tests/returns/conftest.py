"""One way to say that something is refused in one line."""

from __future__ import annotations

import pytest

from retention.errors import InvalidInput


@pytest.fixture
def raises():
    """`raises(message, call, *arguments)`: the call is refused with a one-line message that holds this one."""

    def check(message, call, *arguments, **options):
        with pytest.raises(InvalidInput) as error:
            call(*arguments, **options)
        assert message in str(error.value)
        assert "\n" not in str(error.value)

    return check
