#!/usr/bin/env bash
# From nothing to a SavedModel that answers a raw string, on the embedded sample: bash scripts/quickstart.sh
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/environment.sh
export TF_CPP_MIN_LOG_LEVEL=3
zoo=.venv/bin/zoo
model=saved_models/quickstart

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

say "1. Train: 220 customer messages, 8 intents"
rm -rf "$model" "$model.running"
$zoo train mlp_helpdesk --to "$model"

say "2. Ask the trained model"
$zoo predict "$model" \
  "The kettle I bought last week does not switch on" \
  "when will my parcel arrive??" \
  "I forgot my password and the reset link does nothing"

say "3. Export it as a SavedModel that takes raw strings"
$zoo export "$model" --to "$model/1"

say "4. Ask the SavedModel in plain TensorFlow, without zoo"
log=$(mktemp)  # TensorFlow's start-up lines; shown if it fails
.venv/bin/python scripts/ask.py "$model/1" "You charged my card twice for the same order" 2>"$log" || { cat "$log"; exit 1; }

say "Done. Three things to try next"
cat <<END
  Your own text:   $zoo train text_cnn_sst2 --data FOLDER --to saved_models/mine
                   (FOLDER holds train.tsv and test.tsv with the columns text and label)
  Another network: $zoo train mlp_helpdesk architecture=lstm --to saved_models/lstm
  What there is:   $zoo list
END
