"""Small networks that write, drawn once for all tests of generation."""

import pytest
from writers import VARIANTS, WRITERS, network


@pytest.fixture(scope="session", params=[(name, i) for name in WRITERS for i in range(len(VARIANTS.get(name, [{}])))])
def writer(request):
    """Every causal architecture of the catalog, in its variants."""
    name, i = request.param
    return network(name, **VARIANTS.get(name, [{}])[i])


@pytest.fixture(scope="session")
def gpt2():
    return network("gpt2")
