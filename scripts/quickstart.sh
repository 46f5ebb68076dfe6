#!/usr/bin/env bash
# From nothing to a server that answers raw strings, on the embedded sample: bash scripts/quickstart.sh
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/environment.sh serve
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

say "4. Export the classifier as a SavedModel that takes raw strings, with clients and server files beside it"
$zoo export "$intents" --to "$intents/1" --deploy

say "5. Ask the SavedModel in plain TensorFlow, without zoo"
log=$(mktemp)  # TensorFlow's start-up lines; shown if it fails
.venv/bin/python scripts/ask.py "$intents/1" "add this song to my road trip playlist" 2>"$log" || { cat "$log"; exit 1; }

say "6. Serve it, and ask over HTTP"
$zoo serve "$intents" --port 0 --log off 2>"$log" &
server=$!
trap 'kill "$server" 2>/dev/null || true' EXIT
until url=$(grep -o 'http://[0-9.:]*' "$log" | head -n 1) && [ -n "$url" ]; do
  kill -0 "$server" 2>/dev/null || { cat "$log"; exit 1; }
  sleep 0.2
done
cat "$log"
URL=$url .venv/bin/python "$intents/serving/client_rest.py" "wake me with some jazz music"
kill "$server"
wait "$server"

say "Done. Now your own text"
cat <<END
  A CSV with a column of texts and a column of labels, say tickets.csv with "body" and "topic":
    $zoo train classify_text --data tickets.csv --columns text=body,label=topic --to saved_models/topics
    $zoo predict saved_models/topics "some text"
    $zoo explore saved_models/topics "some text"   # a page: why this answer, attention, states, filters
    $zoo export saved_models/topics
    $zoo serve saved_models/topics        # a page at http://127.0.0.1:8501, REST, an OpenAI-compatible API
    curl -d '{"instances": ["some text"]}' http://127.0.0.1:8501/v1/models/topics:predict
  With few labels, start from published weights: bash scripts/quickstart_finetune.sh
END
