"""Container files: Dockerfile, Compose file and KServe InferenceService of an exported model."""

from zoo.runtime.version import VERSION

SERVING_IMAGE = "tensorflow/serving:2.21.0"  # the release of the TensorFlow that exports
PYTHON_IMAGE = "python:3.11-slim"

DOCKERFILE = f"""\
# TensorFlow Serving with every version of the model inside. In the model folder:
#   docker build -f serving/Dockerfile -t $name .
#   docker run --rm --read-only -p 127.0.0.1:8500:8500 -p 127.0.0.1:8501:8501 $name
FROM {SERVING_IMAGE}
COPY --chown=65534:65534 . /models/$name
COPY --chown=65534:65534 serving/models.config serving/monitoring.config /config/
USER 65534:65534
EXPOSE 8500 8501
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD $docker_health
ENTRYPOINT ["tensorflow_model_server", "--port=8500", "--rest_api_port=8501", \\
  "--model_config_file=/config/models.config", "--monitoring_config_file=/config/monitoring.config"]
"""
# Of the model folder only the versions and the configuration: a server needs no training data, checkpoints or logs.
IGNORED = """\
*
![0-9]*
!serving/models.config
!serving/monitoring.config
"""
DOCKERFILE_ZOO = f"""\
# zoo serve, with the REST and gRPC interface of TensorFlow Serving. In the model folder:
#   docker build -f serving/Dockerfile.zoo -t $name-zoo .
#   docker run --rm --read-only --tmpfs /tmp -p 127.0.0.1:8500:8500 -p 127.0.0.1:8501:8501 $name-zoo
FROM {PYTHON_IMAGE}
RUN pip install --no-cache-dir "keras-text-zoo[serve]=={VERSION}"
COPY --chown=65534:65534 . /models/$name
USER 65534:65534
ENV HOME=/tmp PYTHONDONTWRITEBYTECODE=1
EXPOSE 8500 8501
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD $zoo_health
ENTRYPOINT ["zoo", "serve", "/models/$name", "--host", "0.0.0.0", "--port", "8501", "--grpc-port", "8500"]
"""
COMPOSE = f"""\
# docker compose up        TensorFlow Serving, which finds new version folders by itself
# docker compose up zoo    zoo serve instead, on the same ports
# The ports are open on this machine alone, because TensorFlow Serving has no authentication.
name: $name
services:
  server:
    image: {SERVING_IMAGE}
    entrypoint: [tensorflow_model_server]
    command:
      - --port=8500
      - --rest_api_port=8501
      - --model_config_file=/config/models.config
      - --model_config_file_poll_wait_seconds=60
      - --monitoring_config_file=/config/monitoring.config
    ports: ["127.0.0.1:8500:8500", "127.0.0.1:8501:8501"]
    volumes: ["..:/models/$name:ro", ".:/config:ro"]
    read_only: true
    security_opt: ["no-new-privileges:true"]
    restart: unless-stopped
    healthcheck:
      test: $health
      interval: 10s
      timeout: 5s
      start_period: 60s
  zoo:
    profiles: [zoo]
    build: {{context: .., dockerfile: serving/Dockerfile.zoo}}
    ports: ["127.0.0.1:8500:8500", "127.0.0.1:8501:8501"]
    volumes: ["..:/models/$name:ro"]
    read_only: true
    tmpfs: [/tmp]
    security_opt: ["no-new-privileges:true"]
    restart: unless-stopped
"""
INFERENCE_SERVICE = f"""\
# KServe: copy the version folders to a volume or bucket, name it as storageUri, then
#   kubectl apply -f serving/inference_service.yaml
# The image is named because KServe's own default is TensorFlow Serving 2.6, which is older than this SavedModel.
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: $name
spec:
  predictor:
    minReplicas: 1
    model:
      modelFormat: {{name: tensorflow}}
      protocolVersion: v1
      image: {SERVING_IMAGE}
      storageUri: pvc://models/$name
      resources:
        requests: {{cpu: "1", memory: $memory}}
        limits: {{cpu: "2", memory: $memory}}
      readinessProbe:
        httpGet: {{path: /v1/models/$name, port: 8080}}
        periodSeconds: 5
        failureThreshold: 60
"""
CONTAINER_FILES = {
    "Dockerfile": DOCKERFILE,
    "Dockerfile.dockerignore": IGNORED,
    "Dockerfile.zoo": DOCKERFILE_ZOO,
    "Dockerfile.zoo.dockerignore": IGNORED,
    "compose.yaml": COMPOSE,
    "inference_service.yaml": INFERENCE_SERVICE,
}
