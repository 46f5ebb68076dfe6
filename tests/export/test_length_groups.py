"""A request of many texts runs in groups of similar length: each answer is that of its text alone."""

import pytest
from export_cases import TEXTS, assert_alike, expected_answers, requests_of, row_of, small_pipeline

from zoo.export.graph.length_groups import GROUP

CASES = [
    *[("classify_text", "distilbert"), ("classify_and_tag", "conv"), ("tag_tokens", "gru")],
    *[("find_span", "conv"), ("masked_token", "distilbert"), ("pretrain", "distilbert")],
]


@pytest.mark.parametrize(("objective", "architecture"), CASES)
def test_each_answer_is_that_of_its_text_alone(serve, tmp_path, objective, architecture):
    pipeline = small_pipeline(objective, architecture)
    folder = pipeline.export(tmp_path / "1", batching=False)
    requests, answers = requests_of(pipeline), expected_answers(pipeline)
    repeats = 3 * GROUP // len(TEXTS)
    columns = {name: [request[name] for request in requests] * repeats for name in requests[0]}
    outputs, _ = serve(folder, **columns)
    for row, answer in enumerate(answers * repeats):
        assert_alike(row_of(outputs, row), answer)
