"""Peers of `zoo serve` in scripts/benchmark_serve.py: FastAPI around transformers or KerasHub, one request at a time.

As people write them: a route that calls the model, in FastAPI's thread pool behind a lock, since neither batches.

    python scripts/benchmark_serve_peers.py LIBRARY WORK FOLDER PORT
"""

import os
import sys
from threading import Lock


def transformers_classifier(folder):
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()

    @torch.inference_mode()
    def answer(request):
        inputs = tokenizer([request["text"]], truncation=True, max_length=128, return_tensors="pt")
        probabilities = model(**inputs).logits.softmax(-1)[0].tolist()
        return {"probabilities": probabilities}

    return answer


def transformers_generator(folder):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder).eval()

    @torch.inference_mode()
    def answer(request):
        inputs, new = tokenizer([request["text"]], return_tensors="pt"), request["tokens"]
        ids = model.generate(**inputs, max_new_tokens=new, min_new_tokens=new, do_sample=False, pad_token_id=0)
        new_ids = ids[0, inputs["input_ids"].shape[1] :]
        return {"text": tokenizer.decode(new_ids), "tokens": len(new_ids)}

    return answer


def keras_hub_classifier(folder):
    import keras_hub

    model = keras_hub.models.BertTextClassifier.from_preset(folder, num_classes=2)
    model.preprocessor.sequence_length = 128
    return lambda request: {"logits": model.predict([request["text"]], verbose=0)[0].tolist()}


def keras_hub_generator(folder):
    import keras_hub

    model = keras_hub.models.GPT2CausalLM.from_preset(folder)

    def answer(request):
        prompt = len(model.preprocessor.tokenizer(request["text"]))
        text = model.generate(request["text"], max_length=prompt + 1 + request["tokens"], stop_token_ids=None)
        return {"text": text, "tokens": request["tokens"]}

    return answer


PEERS = {
    ("transformers", "classify"): transformers_classifier,
    ("transformers", "generate"): transformers_generator,
    ("keras_hub", "classify"): keras_hub_classifier,
    ("keras_hub", "generate"): keras_hub_generator,
}


def main(library, work, folder, port):
    if library == "keras_hub":
        os.environ.setdefault("KERAS_BACKEND", "tensorflow" if work == "classify" else "jax")  # its fastest one here
    import fastapi
    import uvicorn

    app, answer, lock = fastapi.FastAPI(), PEERS[library, work](folder), Lock()
    answer({"text": "warm up", "tokens": 2})

    @app.post("/answer")
    def respond(request: dict):
        with lock:
            return answer(request)

    uvicorn.run(app, port=int(port), log_level="warning")


if __name__ == "__main__":
    main(*sys.argv[1:])
