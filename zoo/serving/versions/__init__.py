"""Models and their versions: found in folders, loaded, warmed up, switched to, drained and dropped.

model_source.py     the folders that a server serves
version_files.py    whether a version folder is complete
version_policy.py   which versions are served, and their labels
version_watcher.py  new versions are loaded and switched to, old ones are dropped
registry.py         the models and versions of a server, their states
model_loading.py    a `Service` from folders
loaded_model.py     one version of a model in memory
signature_defs.py   its signatures
batch_counters.py   the sizes of its batches
warm_up.py          its first requests
freed_memory.py     memory of dropped models
tensorflow_import.py  TensorFlow without Keras and JAX
"""
