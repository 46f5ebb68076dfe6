#!/usr/bin/env bash
# From nothing to a SavedModel that answers a raw string, on the embedded sample: bash scripts/quickstart.sh
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/environment.sh
export TF_CPP_MIN_LOG_LEVEL=3
zoo=.venv/bin/zoo
intents=saved_models/intents slots=saved_models/slots

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

say "1. Train a text classifier: 994 requests to a voice assistant, 7 intents"
rm -rf "$intents" "$intents.running" "$slots" "$slots.running"
$zoo train mlp_requests --to "$intents"

say "2. Ask it"
$zoo predict "$intents" "will it rain in oslo tomorrow" "book a table for two at a sushi bar"

say "3. Train a tagger on the same requests for 5 epochs, and tag a sentence"
$zoo train lstm_cnn_requests_tag_tokens --to "$slots" training.epochs=5
$zoo predict "$slots" "play thriller by michael jackson on spotify"

say "4. Export the classifier as a SavedModel that takes raw strings"
$zoo export "$intents" --to "$intents/1"

say "5. Ask the SavedModel in plain TensorFlow, without zoo"
log=$(mktemp)  # TensorFlow's start-up lines; shown if it fails
.venv/bin/python scripts/ask.py "$intents/1" "add this song to my road trip playlist" 2>"$log" || { cat "$log"; exit 1; }

say "Done. Now your own text"
cat <<END
  A CSV with a column of texts and a column of labels, say tickets.csv with "body" and "topic":
    $zoo train classify_text --data tickets.csv --columns text=body,label=topic --to saved_models/topics
    $zoo predict saved_models/topics "some text"
    $zoo export saved_models/topics
  Serve it, and ask the server:
    docker run -p 8501:8501 -v "\$PWD/saved_models/topics:/models/topics" -e MODEL_NAME=topics tensorflow/serving
    curl -d '{"instances": ["some text"]}' http://localhost:8501/v1/models/topics:predict
  With few labels, start from published weights: bash scripts/quickstart_finetune.sh
END
