"""Ray: replicas of the application on Ray Serve, and batch inference on Ray Data.

ray_serve.py        `zoo serve --ray`: the cluster from start to end; ray_environment.py its variables, ray_options.py
ray_application.py  its deployment, of replicas: ray_replica.py, with ray_grpc.py
ray_cluster.py      a cluster that is running, or one on this machine
ray_predict.py      `zoo predict --ray`; file_parts.py, part_predictor.py and row_answers.py run in its actors
"""
