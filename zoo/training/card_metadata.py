"""The front matter of a model card, YAML that the Hugging Face Hub reads."""

from zoo import catalog
from zoo.training.run_record import public_name
from zoo.training.run_result import RunResult

HUB, CLASSIFICATION = "hf:", "text-classification"
PIPELINE_TAGS = {  # objective: the task's name on the Hub
    "classify_text": CLASSIFICATION,
    "classify_and_tag": "token-classification",
    "embed_text": "sentence-similarity",
    "find_span": "question-answering",
    "follow_instructions": "text-generation",
    "masked_token": "fill-mask",
    "next_sentence": CLASSIFICATION,
    "next_token": "text-generation",
    "pretrain": "fill-mask",
    "score_pair": "sentence-similarity",
    "tag_tokens": "token-classification",
}


def front_matter(result: RunResult) -> str:
    """The YAML between lines of ---: licence, base model, library, tags, data sets and scores.

    The licence is "unknown": that of the data and of the base model bind whoever publishes the model.
    """
    from huggingface_hub import EvalResult, ModelCardData

    preset, split = result.pipeline.preset, next(reversed(result.pipeline.scores), "")
    architecture = catalog.name_of("architectures", preset.architecture)
    objective = catalog.name_of("objectives", preset.objective)
    task, data = PIPELINE_TAGS.get(objective), public_name(preset.data.spec)
    scores = [
        EvalResult(
            task_type=task or objective,
            dataset_type=data,
            dataset_name=data,
            dataset_split=split,
            metric_type=name,
            metric_value=round(value, 6),
        )
        for name, value in result.pipeline.scores.get(split, {}).items()
    ]
    card = ModelCardData(
        license="unknown",
        base_model=base_model(preset.training.init),
        library_name="keras",
        pipeline_tag=task,
        tags=["zoo", architecture, objective],
        datasets=[data.removeprefix(HUB).partition("#")[0]] if data.startswith(HUB) else None,
        metrics=list(result.pipeline.scores.get(split, {})) or None,
        model_name=result.folder.name if scores else None,
        eval_results=scores or None,
    )
    return f"---\n{card.to_yaml()}\n---\n"


def base_model(init: str) -> str | None:
    """The name of the weights that a run started from, without folders of this machine; None: random weights."""
    return public_name(init).removeprefix(HUB) or None
