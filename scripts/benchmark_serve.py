"""Benchmark serving: throughput, latency and processor time an answer of `zoo serve`, beside FastAPI around peers.

`scripts/benchmark.py serve` runs it. Servers are processes of their own and take turns; clients are connections that
send one request after the other, each another text. Processor time is that of the server's processes, so that the
clients on the same cores do not count.
"""

import asyncio
import contextlib
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.request import urlopen

SCRIPTS = Path(__file__).parent
MINILM = {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536}
WORDS = "parcel refund invoice account password phone screen broken late order cancel return ship address card"
TICK = os.sysconf("SC_CLK_TCK")
PEERS = ("transformers", "keras_hub")


def serve(options):
    """Print a line for each work, server and number of clients."""
    with tempfile.TemporaryDirectory() as scratch:
        for work in options.works:
            folder = Path(scratch) / work
            WORKS[work](folder)
            print(f"\n{work}: clients, server, answers/s, p50, p95, p99 (ms), processor ms an answer", flush=True)
            print(f"  bare call of the SavedModel: p50 {bare_call(folder, work):.2f} ms")
            for name in options.contenders:
                if (name in PEERS) <= (folder / "hf").is_dir():
                    measure(name, work, folder, options)


def measure(name, work, folder, options):
    """Start a server, print its figures for each number of clients, and stop it."""
    with server(name, work, folder) as (process, port, seconds):
        print(f"  {name}: ready after {seconds:.1f} s", flush=True)
        for clients in options.clients:
            request = requests_of(name, work, options.max_new_tokens)
            warming = 1 if name in PEERS else clients  # peers have no batches, whose sizes are to be warmed up
            asyncio.run(load(port, request, warming, options.seconds / 4))
            before = processor_seconds(process.pid)
            times, tokens, elapsed = asyncio.run(load(port, request, clients, options.seconds))
            cpu = (processor_seconds(process.pid) - before) / len(times)
            p50, p95, p99 = (1000 * times[int(len(times) * q)] for q in (0.5, 0.95, 0.99))
            rate = f"{len(times) / elapsed:9.1f}/s" + (f" {tokens / elapsed:8.1f} tokens/s" if tokens else "")
            print(f"  {clients:3} {name:14} {rate}  {p50:8.1f} {p95:8.1f} {p99:8.1f}  {1000 * cpu:8.2f}", flush=True)


def minilm(folder):
    """A text classifier of MiniLM's size with random weights, for transformers and as exports."""
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    tokenizer = word_pieces()
    (folder / "hf").mkdir(parents=True)
    wrapped = BertTokenizerFast(tokenizer_object=tokenizer)
    wrapped.save_pretrained(folder / "hf")
    pieces = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    (folder / "hf/vocab.txt").write_text("\n".join(piece for piece, _ in pieces) + "\n")
    config = BertConfig(vocab_size=30_522, num_labels=2, **MINILM)
    BertForSequenceClassification(config).save_pretrained(folder / "hf")
    import_and_export(folder)


def gpt2(folder):
    """GPT-2 of 124M random weights, for transformers and as an export."""
    from tokenizers import ByteLevelBPETokenizer
    from transformers import GPT2Config, GPT2LMHeadModel, GPT2TokenizerFast

    (folder / "hf").mkdir(parents=True)
    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train_from_iterator(texts(2000), 2000, special_tokens=["<|endoftext|>"])
    tokenizer.save_model(str(folder / "hf"))
    GPT2TokenizerFast.from_pretrained(folder / "hf").save_pretrained(folder / "hf")
    GPT2LMHeadModel(GPT2Config()).save_pretrained(folder / "hf")
    import_and_export(folder)


def lstm(folder):
    """A tagger by bidirectional LSTMs, trained for one epoch."""
    trained(folder, "lstm_cnn_helpdesk_tag_tokens")


def transformer(folder):
    """A small encoder-decoder Transformer that writes subjects of messages, trained for one epoch."""
    trained(folder, "rnn_seq2seq_helpdesk", "architecture=transformer")


def trained(folder, preset, *overrides):
    import zoo

    pipeline = zoo.train(preset, to=folder / "model", overrides=["training.epochs=1", *overrides])
    export(pipeline, folder)


def import_and_export(folder):
    import zoo

    zoo.import_model(folder / "hf", folder / "model")
    export(zoo.load(folder / "model"), folder)


def export(pipeline, folder):
    pipeline.export(folder / "batched/1")
    pipeline.export(folder / "unbatched/1", batching="off")


WORKS = {"minilm": minilm, "lstm": lstm, "gpt2": gpt2, "transformer": transformer}
TASKS = {"minilm": "classify", "lstm": "tag", "gpt2": "generate", "transformer": "generate"}


def texts(number):
    """Different texts of 2 to 120 words, as unequal as real ones: the median is 12, one in ten has more than 33."""
    chance, words = random.Random(0), WORDS.split()
    lengths = (min(max(round(chance.lognormvariate(2.5, 0.8)), 2), 120) for _ in range(number))
    return [" ".join(chance.choices(words, k=length)) for length in lengths]


def word_pieces():
    from tokenizers import BertWordPieceTokenizer

    tokenizer = BertWordPieceTokenizer()
    tokenizer.train_from_iterator(texts(2000), 2000, show_progress=False)
    return tokenizer._tokenizer


def bare_call(folder, work):
    """Median milliseconds of a call of `serving_default` in a process that does nothing else."""
    code = (
        "import sys, time, statistics, tensorflow as tf\n"
        "call = tf.saved_model.load(sys.argv[1]).signatures['serving_default']\n"
        "times = []\n"
        "for text in sys.argv[2:]:\n"
        "    begin = time.perf_counter(); call(text=tf.constant([text])); times.append(time.perf_counter() - begin)\n"
        "print(1000 * statistics.median(times[len(times) // 4:]))\n"
    )
    command = [sys.executable, "-c", code, str(folder / "batched/1"), *texts(20 if TASKS[work] == "generate" else 400)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])


@contextlib.contextmanager
def server(name, work, folder):
    """Start a server; yields its process, its port and the seconds until it was ready."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    if name in PEERS:
        command = [str(SCRIPTS / "benchmark_serve_peers.py"), name, TASKS[work], str(folder / "hf"), str(port)]
    else:
        exports = folder / ("unbatched" if name == "unbatched" else "batched")
        command = ["-m", "zoo", "serve", str(exports), "--port", str(port), "--log", "off", "--request-timeout", "3600"]
    begin = time.perf_counter()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen([sys.executable, *command], stdout=log, stderr=log)
        try:
            wait(port, "/docs" if name in PEERS else "/readyz", process, log)
            yield process, port, time.perf_counter() - begin
        finally:
            process.terminate()
            process.wait(30)


def wait(port, path, process, log):
    while process.poll() is None:
        with contextlib.suppress(OSError):
            urlopen(f"http://127.0.0.1:{port}{path}", timeout=1).close()
            return
        time.sleep(0.05)
    log.seek(0)
    sys.exit(f"The server ended:\n{log.read().decode()}")


def requests_of(name, work, new):
    """A function from a text to the path and the body of a request."""
    if name in PEERS:
        return lambda text: ("/answer", {"text": text, "tokens": new})
    if name == "zoo" and work == "gpt2":
        fields = {"model": "batched", "max_tokens": new, "temperature": 0}
        return lambda text: ("/v1/completions", {"prompt": text, **fields})
    return lambda text: (
        f"/v1/models/{'unbatched' if name == 'unbatched' else 'batched'}:predict",
        {"instances": [text]},
    )


async def load(port, request, clients, seconds):
    """Run clients for some seconds: sorted seconds of each answer, all generated tokens, and the seconds elapsed."""
    queue, times, tokens, begin = iter(texts(200_000)), [], [0], time.perf_counter()

    async def client():
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() - begin < seconds:
            path, body = request(next(queue))
            start = time.perf_counter()
            answer = await post(reader, writer, path, body)
            times.append(time.perf_counter() - start)
            tokens[0] += answer.get("tokens", answer.get("usage", {}).get("completion_tokens", 0))
        writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return sorted(times), tokens[0], time.perf_counter() - begin


async def post(reader, writer, path, body):
    data = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n"
    )
    writer.write(head.encode() + b"\r\n" + data)
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    answer = json.loads(await reader.readexactly(int(head.split("content-length:")[1].split()[0])))
    if " 200 " not in head.splitlines()[0]:
        sys.exit(f"{path}: {answer}")
    return answer


def processor_seconds(pid):
    """Processor seconds of a process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK + sum(map(processor_seconds, children))
