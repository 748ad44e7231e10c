"""Servers that several modules ask: started once for each."""

from collections.abc import Iterator

import pytest
from support.served_site import Servers, serving


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with serving(tmp_path_factory.mktemp("served")) as running:
        yield running
