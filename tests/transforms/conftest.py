"""Small networks that generate text, built once for all tests of transforms."""

import pytest
from writers import EVERY_WRITER, VARIANTS, network


@pytest.fixture(scope="session", params=EVERY_WRITER)
def writer(request):
    """Every causal architecture of the catalog, in its variants: see `all_or_few`."""
    name, i = request.param
    return network(name, **VARIANTS.get(name, [{}])[i])


@pytest.fixture(scope="session")
def gpt2():
    return network("gpt2")
