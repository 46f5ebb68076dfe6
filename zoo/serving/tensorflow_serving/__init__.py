"""TensorFlow Serving's REST API.

tf_rest.py      predict, and the routes; its JSON is in tf_json/
tf_paths.py     paths
tf_status.py    status and metadata of a model
tf_classify.py  classify and regress
"""
