"""A store that no service of a process has."""

import pytest

from services.runtime.absent import absent


def test_its_use_names_the_store_and_the_place_to_look():
    with pytest.raises(RuntimeError, match=r"no service of this process has the store redis \(services/catalogue.py\)"):
        absent("redis").ping()
