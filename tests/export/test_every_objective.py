"""Exports of every objective, with an architecture of each family, in a stock server, a C program and `zoo.load`.

The C program, serve.c, is built against the headers and libraries of the tensorflow package. It answers requests of one
text each from several threads, so that they are batched.
"""

import shutil
import subprocess
from pathlib import Path

import pytest
from export_cases import assert_alike, cases, expected_answers, requests_of, row_of, small_pipeline

import zoo

QUICK = {("classify_text", "mlp"), ("tag_tokens", "conv"), ("next_token", "gru"), ("masked_token", "conv")}
CASES = cases(QUICK)
ONE_OF_EACH_OBJECTIVE = list({case.values[0][0]: case for case in CASES}.values())
THREADS, REPEATS = 8, 2

pytestmark = pytest.mark.usefixtures("warm_export")


@pytest.fixture(scope="module", params=CASES)
def exported(request, tmp_path_factory):
    """The folder of an export, its requests, and what Python answers to each."""
    pipeline = small_pipeline(*request.param)
    folder = pipeline.export(tmp_path_factory.mktemp("exports") / "1")
    return folder, requests_of(pipeline), expected_answers(pipeline)


def test_a_stock_server_answers_alike(exported, serve):
    folder, requests, answers = exported
    columns = {name: [request[name] for request in requests] for name in requests[0]}
    outputs, _ = serve(folder, **columns)
    for row, answer in enumerate(answers):
        assert_alike(row_of(outputs, row), answer)


@pytest.mark.parametrize("exported", ONE_OF_EACH_OBJECTIVE, indirect=True)
def test_a_program_without_python_answers_alike(exported, program):
    folder, requests, answers = exported
    for output, answer in zip(program(folder, requests * 3), answers * 3, strict=True):
        assert_alike(row_of(output, 0), answer)


@pytest.mark.parametrize("exported", ONE_OF_EACH_OBJECTIVE, indirect=True)
def test_zoo_load_of_an_export_answers_alike(exported):
    folder, _, answers = exported
    loaded = zoo.load(folder)
    assert loaded.folder == folder
    for actual, answer in zip(expected_answers(loaded), answers, strict=True):
        assert_alike(actual, answer)


def test_answers_differ_from_text_to_text():
    answers = expected_answers(small_pipeline("classify_text", "mlp"))
    assert len({str(answer) for answer in answers}) > 2


def test_a_program_without_python_generates(program, tmp_path):
    pipeline = small_pipeline("next_token", "gru")
    folder = pipeline.export(tmp_path / "1")
    parameters = {"max_new_tokens": 5, "temperature": 0.8, "top_k": 9, "top_p": 0.9, "seed": 4}
    texts = [request["text"] for request in requests_of(pipeline)]
    outputs = program(folder, [{"text": text} | parameters for text in texts], "generate")
    expected = [pipeline.generate(text, **parameters, truncation_side="left") for text in texts]
    assert [output["text"][0] for output in outputs] == expected


TYPES = {"string": "s", "int32": "i", "int64": "l", "float32": "f"}


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    """`program(folder, requests)`: the outputs of an export for each request, {input: text or number}, by serve.c."""
    if not shutil.which("gcc"):
        pytest.skip("gcc is not installed: it compiles the program without Python")
    import tensorflow as tf

    libraries, headers = tf.sysconfig.get_lib(), tf.sysconfig.get_include()
    binary = tmp_path_factory.mktemp("program") / "serve"
    sources = [str(Path(__file__).with_name("serve.c")), f"-I{headers}", f"-L{libraries}", f"-Wl,-rpath,{libraries}"]
    names = ["-l:libtensorflow_cc.so.2", "-l:libtensorflow_framework.so.2", "-lpthread"]
    subprocess.run(["gcc", "-O1", "-Wall", "-Werror", "-o", str(binary), *sources, *names], check=True)

    def run(folder, requests, signature="serving_default"):
        inputs, outputs = _tensors(folder, signature)
        text = [f"{len(inputs)}\n", *(_string(part) for pair in inputs.values() for part in pair)]
        text += [f"{len(outputs)}\n", *map(_string, outputs.values()), f"{len(requests)}\n"]
        text += [_value(request[name]) for request in requests for name in inputs]
        command = [str(binary), str(folder), str(THREADS), str(REPEATS)]
        result = subprocess.run(command, input="".join(text).encode(), capture_output=True, check=False)
        assert result.returncode == 0, result.stderr[-3000:].decode()
        reader = Reader(result.stdout)
        return [reader.outputs(outputs) for _ in requests]

    return run


def _tensors(folder, signature):
    """`({input: (tensor, type)}, {output: tensor})` of a signature."""
    from tensorflow.core.protobuf import saved_model_pb2
    from tensorflow.dtypes import as_dtype

    model = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    definition = model.meta_graphs[0].signature_def[signature]
    inputs = {name: (info.name, TYPES[as_dtype(info.dtype).name]) for name, info in definition.inputs.items()}
    return inputs, {name: info.name for name, info in definition.outputs.items()}


def _string(text):
    return f"{len(text.encode())}\n{text}"


def _value(value):
    """A text as a column of one; a number as a scalar."""
    return f"1\n{_string(value)}" if isinstance(value, str) else f"-1\n{value}\n"


class Reader:
    """Reads what serve.c prints."""

    def __init__(self, data):
        self.data, self.position = data, 0

    def line(self):
        end = self.data.index(b"\n", self.position)
        line, self.position = self.data[self.position : end].decode(), end + 1
        return line

    def string(self):
        size = int(self.line())
        self.position += size
        return self.data[self.position - size : self.position].decode()

    def outputs(self, names):
        """{output: nested lists} of the next request."""
        return {name: self._tensor(self.line()) for name in names}

    def _tensor(self, kind):
        if kind == "error":
            pytest.fail(f"The program failed: {self.line()} {self.string()}")
        shape = [int(self.line()) for _ in range(int(self.line()))]
        read = {"s": self.string, "f": lambda: float(self.line()), "b": lambda: self.line() == "1"}
        return self._nested(shape, read.get(kind, lambda: int(self.line())))

    def _nested(self, shape, read):
        return [self._nested(shape[1:], read) for _ in range(shape[0])] if shape else read()
