"""Sample datasets that come with the zoo, to try everything without a network.

`sample:helpdesk`: 300 messages to the support of a shop, in English, each written by hand for the zoo (nothing in it is
anybody's data), split 220/40/40 with the intents spread evenly. One JSON object per line of helpdesk.jsonl:

    id           "helpdesk-001" to "helpdesk-300"
    split        train, validation or test
    text         the message, 3 to 120 words
    intent       account, cancellation, defect, delivery, feedback, payment, product or return
    sentiment    negative, neutral or positive
    tokens       the words and punctuation marks of the text: re.findall(r"\\w+|[^\\w\\s]", text)
    tags         a tag per token: O, or B- and I- with product, order_number, person, place, date or money
    question     a question about the text
    answers      [{"text", "start"}]: the answer, and its offset in the text in characters; [] where there is none
    summary      a subject line
    spanish      the message in Spanish
    instruction  what the reply should do
    output       the reply

This sample serves every objective: unless `columns` say otherwise, label is intent, source, context and input are text,
and target is spanish. So {"label": "sentiment"} classifies sentiment and {"target": "summary"} summarises.

`sample:requests`: 1,400 requests to a voice assistant, in English: 200 of each of the 7 intents of SNIPS (Coucke 2018,
arXiv:1805.10190; CC0 1.0), split 994/203/203. Each split is drawn with `random.Random(0)` from SNIPS's split of that
name, 142, 29 and 29 requests of each intent: distinct ones of three words or more, in validation and test with slots of
the training split only. One JSON object per line of requests.jsonl:

    id           "requests-0001" to "requests-1400"
    split        train, validation or test
    text         the request, mostly in lower case and without punctuation: its tokens joined by blanks
    intent       AddToPlaylist, BookRestaurant, GetWeather, PlayMusic, RateBook, SearchCreativeWork or
                 SearchScreeningEvent
    tokens       the words of the text
    tags         a tag per token: O, or B- and I- with one of 39 slots, such as artist, playlist, city or timeRange

It serves text classification and slot filling: label is intent.
"""

import json
from pathlib import Path

from zoo.readers import Reader
from zoo.readers._reader import Source, digest_files
from zoo.runtime.errors import UserError, did_you_mean

SCHEME = "sample:"
FOLDER = Path(__file__).parent
SPLITS = ("train", "validation", "test")
COLUMNS = {  # of each sample: standard field -> column
    "helpdesk": {"label": "intent", "context": "text", "source": "text", "target": "spanish", "input": "text"},
    "requests": {"label": "intent"},
}


class Sample(Reader):
    """Read sample:NAME, which is the file NAME.jsonl beside this one."""

    def handles(self, spec):
        return spec.startswith(SCHEME)

    def sources(self, spec, errors):
        name = spec.removeprefix(SCHEME)
        if name not in COLUMNS:
            raise UserError(
                f"Expected a sample. Received: {spec!r}.{did_you_mean(name, COLUMNS)} Known: {', '.join(COLUMNS)}."
            )
        return {split: _source(FOLDER / f"{name}.jsonl", split) for split in SPLITS}


def _source(path, split):
    description = f"{SCHEME}{path.stem}#{split}"
    return Source(description, lambda: _rows(path, split), lambda: f"{digest_files(path)}#{split}", COLUMNS[path.stem])


def _rows(path, split):
    mark = f'"split": "{split}"'
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if mark in line:  # rows of other splits are not parsed
                yield f"{SCHEME}{path.stem}:{number}", json.loads(line)
