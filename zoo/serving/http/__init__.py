"""The ASGI application, its middleware, and the server around it.

app.py               the application: the routes of every API
request_observer.py  middleware: request id, log, metrics
error_boundary.py    middleware: an error of ours is JSON with a request id
bearer_token.py      middleware: authentication
request_body.py      middleware: limits on bodies, gzip
joined_writes.py     middleware: headers and body in one write
error_answers.py     errors as JSON
operations.py        routes for health, metrics and the OpenAPI description, which openapi.py writes
http_server.py       uvicorn around it: signals, drain, gRPC beside it
server_address.py    host, ports, TLS
server.py            `zoo.serve`, and a server in a thread
start_up_lines.py    what a server prints when it is ready
"""
