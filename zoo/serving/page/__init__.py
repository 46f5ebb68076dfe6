"""The page of a server: one HTML file without a network, from the sources in this folder.

page_routes.py   the routes `/`, `/page/models` and `/page/explore`
page_requests.py the body of a request for an explanation
explainer.py     explanations by the networks of served models
page_models.py   what the page knows of the models: signatures, objective, an example
index.html, *.css, *.mjs
                 the page; its modules are joined into one script
"""
