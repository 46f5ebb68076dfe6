"""Serving: one ASGI application over SavedModels, with the REST and gRPC APIs of TensorFlow Serving, OIP and OpenAI.

serving_error.py `ServingError` and the canonical status codes, which each API maps to its own
signatures.py    the signatures of a SavedModel
loaded_model.py  one version of a model in memory
registry.py      the models and versions of a server
service.py       predictions: `Service`, the core that every API calls
app.py           the ASGI application
"""
