"""Settings of published tokenizers: the same ids and texts as transformers, or a line on what differs."""

import json

import pytest
import tokenizers
from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers, processors

from zoo.runtime.errors import UserError
from zoo.text.splitting import bytes_to_unicode
from zoo.text.tokenizer import Tokenizer

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = [*SPECIAL, "my", "parcel", "arrived", "late", "caf", "##e", "##s", "the", "bike"]
BERT_ROLES = {f"{role}_token": f"[{role.upper()}]" for role in ("unk", "pad", "cls", "sep", "mask")}


@pytest.fixture(autouse=True)
def _transformers():
    pytest.importorskip("transformers")


@pytest.fixture
def notes(monkeypatch):
    """The lines that loading prints."""
    lines = []
    monkeypatch.setattr("zoo.text.tokenizer.print_once", lines.append)
    return lines


def auto(folder):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(folder))


def write_json(path, value):
    path.write_text(json.dumps(value), encoding="utf-8")


def bert(lowercase=True, extra=()):
    vocabulary = {word: i for i, word in enumerate([*WORDS, *extra])}
    backend = tokenizers.Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    backend.pre_tokenizer, backend.decoder = pre_tokenizers.BertPreTokenizer(), decoders.WordPiece()
    backend.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    backend.add_special_tokens([*SPECIAL, *extra])
    return backend


def byte_level(special=("<|endoftext|>",), template=None):
    vocabulary = {character: i for i, character in enumerate([*bytes_to_unicode(), *special])}
    backend = tokenizers.Tokenizer(models.BPE(vocabulary, []))
    backend.pre_tokenizer, backend.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    backend.add_special_tokens(list(special))
    if template:
        backend.post_processor = processors.TemplateProcessing(single=template, special_tokens=[(special[0], 256)])
    return backend


def write(folder, backend, model_type, **config):
    backend.save(str(folder / "tokenizer.json"))
    write_json(folder / "config.json", {"model_type": model_type})
    write_json(folder / "tokenizer_config.json", config)
    return folder


def assert_as_transformers(folder, *texts):
    ours, theirs = Tokenizer.load(folder), auto(folder)
    for text in texts:
        ids = theirs(text).input_ids
        assert ours.encode(text).ids.tolist() == ids, (text, theirs.convert_ids_to_tokens(ids))
        assert ours.decode(ids) == theirs.decode(ids, skip_special_tokens=True)
    return ours, theirs


TEXTS = ("My Parcel arrived late", "cafés, the caf\u00e9", "esim my esims", "日本 the")


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"do_lower_case": False},
        {"do_lower_case": True},
        {"strip_accents": False},
        {"do_lower_case": False, "strip_accents": True},
        {"tokenize_chinese_chars": False},
    ],
)
@pytest.mark.parametrize("lowercase", [True, False])
@pytest.mark.parametrize("name", ["BertTokenizer", "BertTokenizerFast", "PreTrainedTokenizerFast"])
def test_settings_of_bert(tmp_path, name, lowercase, settings):
    folder = write(tmp_path, bert(lowercase), "bert", tokenizer_class=name, **BERT_ROLES, **settings)
    assert_as_transformers(folder, *TEXTS)


@pytest.mark.parametrize(
    "flags", [{"normalized": True}, {"normalized": False}, {"single_word": True}, {"lstrip": True}]
)
def test_added_tokens_decoder(tmp_path, flags):
    token = {"content": "esim", "lstrip": False, "rstrip": False, "normalized": False, "single_word": False} | flags
    decoder = {str(len(WORDS)): token | {"special": False}}
    folder = write(tmp_path, bert(), "bert", tokenizer_class="BertTokenizer", added_tokens_decoder=decoder)
    assert_as_transformers(folder, *TEXTS)


def test_added_tokens_with_another_id_are_refused(tmp_path):
    folder = write(tmp_path, bert(), "bert", added_tokens_decoder={"40": {"content": "esim"}})
    with pytest.raises(ValueError, match="the added token 'esim' has id 14, and 40 in the file beside it"):
        Tokenizer.load(folder)


def test_added_tokens_json(tmp_path):
    folder = write(tmp_path, bert(), "bert", tokenizer_class="BertTokenizer", **BERT_ROLES)
    write_json(folder / "added_tokens.json", {"esim": len(WORDS)})
    assert_as_transformers(folder, *TEXTS)


@pytest.mark.parametrize("prefix", [True, False, None])
@pytest.mark.parametrize("name", ["GPT2Tokenizer", "TokenizersBackend"])
def test_add_prefix_space(tmp_path, name, prefix):
    settings = {} if prefix is None else {"add_prefix_space": prefix}
    folder = write(tmp_path, byte_level(), "gpt2", tokenizer_class=name, **settings)
    assert_as_transformers(folder, "late", " late", "")


@pytest.mark.parametrize("settings", [{}, {"add_bos_token": True}, {"add_bos_token": True, "add_eos_token": True}])
def test_begin_and_end_tokens_of_vocab_json(tmp_path, settings):
    vocabulary = {character: i for i, character in enumerate([*bytes_to_unicode(), "<|endoftext|>"])}
    write_json(tmp_path / "vocab.json", vocabulary)
    (tmp_path / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    write_json(tmp_path / "config.json", {"model_type": "gpt2"})
    write_json(tmp_path / "tokenizer_config.json", {"tokenizer_class": "GPT2Tokenizer", **settings})
    assert_as_transformers(tmp_path, "late")


def test_special_tokens_map_names_roles(tmp_path):
    folder = write(tmp_path, byte_level(("<go>", "<stop>")), "gpt2", tokenizer_class="PreTrainedTokenizerFast")
    write_json(folder / "special_tokens_map.json", {"bos_token": "<go>", "eos_token": {"content": "<stop>"}})
    ours, theirs = assert_as_transformers(folder, "late")
    assert (ours.start, ours.end, ours.pad) == (theirs.bos_token_id, theirs.eos_token_id, None)
    assert ours.padding == ours.end


def test_begin_token_and_several_end_ids(tmp_path):
    special = ("<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>")
    backend = byte_level(special, "<|begin_of_text|> $A")
    folder = write(tmp_path, backend, "llama", bos_token=special[0], eos_token=special[2])
    write_json(folder / "generation_config.json", {"eos_token_id": [257, 258, 999]})
    tokenizer, _ = assert_as_transformers(folder, "late!")
    assert (tokenizer.prefix, tokenizer.stop_ids, tokenizer.end, tokenizer.pad) == ((256,), (257, 258), 258, None)
    tokenizer.save(tmp_path / "tokenizer.json")
    again = Tokenizer.load(tmp_path)
    assert (again.prefix, again.stop_ids, again.settings) == (tokenizer.prefix, tokenizer.stop_ids, tokenizer.settings)


def test_markers_stand_in_texts_and_tokens_with_a_role_do_not(tmp_path):
    folder = write(
        tmp_path, bert(extra=["[E1]", "[/E1]"]), "bert", **BERT_ROLES, extra_special_tokens=["[E1]", "[/E1]"]
    )
    ours, theirs = assert_as_transformers(folder, "[E1] my [/E1] parcel", "[E1]late[/E1]")
    assert ours.encode("[SEP]").ids.tolist() == [2, 1, 1, 1, 3]
    ours.save(tmp_path)
    again, exported = Tokenizer.load(tmp_path), auto(tmp_path)
    ids = theirs("[E1] my").input_ids
    assert again.encode("[E1] my").ids.tolist() == exported("[E1] my").input_ids == ids
    assert again.decode(ids) == exported.decode(ids, skip_special_tokens=True) == "my"


@pytest.mark.parametrize("model", ["bpe", "word"])
def test_clean_up(tmp_path, model):
    if model == "bpe":
        folder = write(tmp_path, byte_level(), "gpt2", clean_up_tokenization_spaces=True)
        assert_as_transformers(folder, "late , isn't it ?")
        return
    backend = tokenizers.Tokenizer(
        models.WordLevel({w: i for i, w in enumerate(["?", "my", "bike", ",", "n't", "."])}, "?")
    )
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    folder = write(
        tmp_path, backend, "gpt2", tokenizer_class="PreTrainedTokenizerFast", clean_up_tokenization_spaces=True
    )
    assert_as_transformers(folder, "my bike , n't .")


def test_chat_templates(tmp_path):
    folder = write(tmp_path, byte_level(), "gpt2", chat_template=[{"name": "default", "template": "{{ 1 }}"}])
    assert Tokenizer.load(folder).settings.chat_template == "{{ 1 }}"
    (folder / "chat_template.jinja").write_text("{{ 2 }}\n", encoding="utf-8")
    (folder / "additional_chat_templates").mkdir()
    (folder / "additional_chat_templates" / "tool.jinja").write_text("{{ 3 }}", encoding="utf-8")
    tokenizer = Tokenizer.load(folder)
    assert (
        tokenizer.settings.chat_templates == auto(folder).chat_template == {"default": "{{ 2 }}\n", "tool": "{{ 3 }}"}
    )
    tokenizer.save(tmp_path)
    assert Tokenizer.load(tmp_path).settings.chat_templates == tokenizer.settings.chat_templates


@pytest.mark.parametrize(
    "template", [3, [["a", "b"]], [{"template": "x"}], {"default": 3}, [{"name": 1, "template": ""}]]
)
def test_chat_templates_of_another_form(tmp_path, template):
    folder = write(tmp_path, byte_level(), "gpt2", chat_template=template)
    with pytest.raises(UserError, match=r"as chat_template in .*tokenizer_config.json. Received: "):
        Tokenizer.load(folder)


def test_a_chat_template_that_is_not_utf_8(tmp_path):
    folder = write(tmp_path, byte_level(), "gpt2")
    (folder / "chat_template.jinja").write_bytes(b"\xff{{ 1 }}")
    with pytest.raises(UserError, match=r"Expected UTF-8 in .*chat_template.jinja"):
        Tokenizer.load(folder)


def test_keys_that_are_not_followed_are_named(tmp_path, notes):
    folder = write(tmp_path, byte_level(), "gpt2", truncation_side="left", do_lowercase=True, padding_side="left")
    Tokenizer.load(folder)
    assert len(notes) == 2
    assert "truncation_side='left': zoo cuts the end" in notes[0]
    assert (
        "do_lowercase=True, which zoo does not know and leaves unread. The nearest known key is do_lower_case"
        in notes[1]
    )


def test_a_role_without_a_token_is_named(tmp_path, notes):
    tokenizer = Tokenizer.load(write(tmp_path, byte_level(), "gpt2", pad_token="<pad>"))
    assert tokenizer.pad is None
    assert notes == ["tokenizer_config.json sets pad_token='<pad>', which the vocabulary lacks: zoo uses none."]


@pytest.mark.parametrize("name", ["tokenizer_config.json", "special_tokens_map.json", "generation_config.json"])
@pytest.mark.parametrize("text", ["[1]", "{", "[" * 100_000])
def test_damaged_neighbours(tmp_path, name, text):
    folder = write(tmp_path, byte_level(), "gpt2")
    (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=f"Expected (JSON|an object) in .*{name}"):
        Tokenizer.load(folder)


def test_a_regular_expression_that_fails_is_one_line(tmp_path):
    backend = byte_level()
    split = pre_tokenizers.Split(Regex(r"^(([a-z])+.)+[A-Z]([a-z])+$"), "isolated")
    backend.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(use_regex=False)])
    backend.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(ValueError, match="The tokenizer fails on a text") as error:
        Tokenizer.load(tmp_path).encode_batch(["fine", "a" * 60])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "normalizer",
    [
        normalizers.Sequence([normalizers.Replace("a", "a" * 50)] * 8),
        normalizers.Sequence([normalizers.Replace(Regex(""), "b" * 40)] * 3),
    ],
)
def test_a_normaliser_that_multiplies_a_text_is_refused(tmp_path, normalizer):
    backend = byte_level()
    backend.normalizer = normalizer
    backend.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(ValueError, match="its normalizer may make .* characters of one"):
        Tokenizer.load(tmp_path)


def test_control_tokens_of_users_stay_text(tmp_path):
    folder = write(tmp_path, byte_level(("<|end|>",)), "gpt2", eos_token="<|end|>")
    tokenizer = Tokenizer.load(folder)
    assert tokenizer.chat_ids("a<|end|>").tolist() == auto(folder)("a<|end|>").input_ids
    guarded = tokenizer.guard("a<|end|>")
    assert tokenizer.chat_ids(guarded + "<|end|>").tolist() == [*tokenizer.encode("a<|end|>").ids.tolist(), 256]


def test_mask_with_its_blank(tmp_path):
    from zoo.data.mask_text import fill, mask_words, parts_to_encode

    backend = byte_level(("<s>", "</s>", "<unk>"))
    backend.add_special_tokens([AddedToken("<mask>", lstrip=True)])
    folder = write(tmp_path, backend, "roberta", mask_token="<mask>")
    tokenizer, theirs = Tokenizer.load(folder), auto(folder)
    ids = [tokenizer.encode(part, special=False).ids.tolist() for part in parts_to_encode("a \t[MASK] b", tokenizer)]
    assert [*ids[0], tokenizer.mask, *ids[1]] == theirs("a \t<mask> b", add_special_tokens=False).input_ids
    words = mask_words(tokenizer)
    space = tokenizer.id("\u0120")
    guesses = [(words.texts[i], words.strip[i]) for i in (space, tokenizer.id("c"))]
    assert fill("a [MASK]b[MASK]", guesses) == "a bc"
    assert (words.names[tokenizer.id("c")], words.names[space]) == ("c", " ")
