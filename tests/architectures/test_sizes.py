"""Named sizes have as many weights as the published models; no weight is allocated."""

import math
from dataclasses import replace

import pytest

from zoo import catalog
from zoo.architectures import bart, bert, distilbert, gpt2, llama, roberta, t5, transformer
from zoo.transforms.lazy import shapes


def count(size):
    """Number of weights of a named size, from its counts at depth 1 and 2: all blocks are equal."""
    models = [shapes(replace(size, depth=depth).backbone).values() for depth in (1, 2)]
    one_block, two_blocks = (sum(map(math.prod, weights)) for weights in models)
    return one_block + (size.depth - 1) * (two_blocks - one_block)


@pytest.mark.parametrize(
    "name", [name for name in catalog.names("architectures") if catalog.sizes("architectures", name)]
)
def test_the_first_named_size_is_the_smallest_and_trains_on_a_laptop(name):
    first, *others = (replace(size, vocabulary=8000) for size in catalog.sizes("architectures", name).values())
    assert count(first) < 4_000_000
    assert all(count(first) < count(other) for other in others)


@pytest.mark.parametrize(
    ("size", "reference"),
    [  # as counted by transformers from the published config.json
        (bert.TINY, 4_385_920),
        (bert.MINI, 11_170_560),
        (bert.SMALL, 28_763_648),
        (bert.MEDIUM, 41_373_184),
        (bert.BASE, 109_482_240),
        (bert.LARGE, 335_141_888),
    ],
    ids=lambda value: getattr(value, "width", ""),
)
def test_bert_with_its_pooler(size, reference):
    assert count(size) + size.width * (size.width + 1) == reference


@pytest.mark.parametrize(("size", "reference"), [(roberta.BASE, 124_645_632), (roberta.LARGE, 355_359_744)])
def test_roberta_with_its_pooler_and_its_only_token_type(size, reference):
    assert count(size) + size.width * (size.width + 1) + size.width == reference


@pytest.mark.parametrize(
    ("size", "reference"),
    [
        (distilbert.BASE, 66_362_880),
        (gpt2.SMALL, 124_439_808),
        (gpt2.MEDIUM, 354_823_168),
        (gpt2.LARGE, 774_030_080),
        (gpt2.XL, 1_557_611_200),
    ],
)
def test_distilbert_and_gpt2(size, reference):
    assert count(size) == reference


@pytest.mark.parametrize(
    ("size", "reference"),
    [
        (llama.LLAMA_7B, 6_738_415_616),
        (llama.LLAMA_13B, 13_015_864_320),
        (llama.LLAMA2_7B, 6_738_415_616),
        (llama.LLAMA2_13B, 13_015_864_320),
        (llama.LLAMA2_70B, 68_976_648_192),
        (llama.LLAMA3_8B, 8_030_261_248),
        (llama.LLAMA3_70B, 70_553_706_496),
        (llama.LLAMA31_8B, 8_030_261_248),
        (llama.LLAMA32_1B, 1_235_814_400),
        (llama.LLAMA32_3B, 3_212_749_824),
        (llama.TINYLLAMA, 1_100_048_384),
    ],
)
def test_llama_with_its_output_layer(size, reference):
    outputs = 0 if size.tied else size.vocabulary * size.width
    assert count(size) + outputs == reference


@pytest.mark.parametrize(
    ("size", "reference"),
    [
        (t5.SMALL, 60_506_624),
        (t5.BASE, 222_903_552),
        (t5.LARGE, 737_668_096),
        (t5.XL, 2_851_598_336),
        (t5.XXL, 11_307_321_344),
        (t5.SMALL_1_1, 76_961_152),
        (t5.BASE_1_1, 247_577_856),
        (t5.LARGE_1_1, 783_150_080),
        (t5.XL_1_1, 2_849_757_184),
        (t5.XXL_1_1, 11_135_332_352),
    ],
)
def test_t5_with_its_output_layer(size, reference):
    outputs = 0 if size.tied else size.vocabulary * size.width
    assert count(size) + outputs == reference


@pytest.mark.parametrize(("size", "reference"), [(bart.BASE, 139_420_416), (bart.LARGE, 406_291_456)])
def test_bart(size, reference):
    assert count(size) == reference


@pytest.mark.parametrize(("size", "reference"), [(transformer.BASE, 65e6), (transformer.BIG, 213e6)])
def test_transformer_has_the_rounded_count_of_the_paper(size, reference):
    assert count(size) == pytest.approx(reference, rel=0.03)
