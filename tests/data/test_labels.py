"""Label and tag vocabularies, collected from records in any order of their splits."""

import pytest

from zoo.data.labels import LabelCollector
from zoo.data.tag_set import TagCollector, TagCounts


def collector_of(*records, field="label"):
    collector = LabelCollector(field)
    for number, (split, value) in enumerate(records):
        collector.add(split, f"line {number}", {field: value})
    return collector


def test_labels_are_those_of_the_training_split():
    collector = collector_of(("test", "b"), ("train", "a"), ("validation", "a"), ("train", "b"))
    assert collector.labels("here") == ("a", "b")
    collector.check(("a", "b"), str)


def test_an_unseen_label_is_named_with_its_count_and_first_location(capsys):
    collector = collector_of(("train", "good"), ("test", "godo"), ("train", "bad"), ("test", "bad"), ("test", "godo"))
    collector.check(collector.labels("here"), str)
    message = capsys.readouterr().err
    assert "Labels of test that the training split lacks" in message
    assert message.endswith("godo (2), first at line 1. Did you mean 'good'?\n")


def test_a_split_without_any_known_label():
    collector = collector_of(("train", "good"), ("test", "godo"), ("train", "bad"))
    expected = r"Expected labels such as bad, good in test. Received: label='godo' at line 1. Did you mean 'good'\?"
    with pytest.raises(ValueError, match=expected):
        collector.check(collector.labels("here"), str)


def test_fewer_than_two_labels():
    with pytest.raises(ValueError, match=r"two different values of 'labels' in here. Received: \['a'\]"):
        collector_of(("train", ["a"]), ("test", ["b"]), field="labels").labels("here")


def test_a_record_without_the_field():
    with pytest.raises(ValueError, match="Expected a column 'label' at line 3. Map it by --columns label=NAME"):
        LabelCollector().add("train", "line 3", {})


@pytest.mark.parametrize(
    ("texts", "scheme", "tags", "repairs"),
    [
        ([["B-x", "I-x", "O"]], "bio", ("O", "B-x", "I-x"), 1),
        ([["S-x", "O", "B-y", "E-y"]], "bioes", None, 1),
        ([["NOUN", "VERB"]], "plain", ("NOUN", "VERB"), 0),
    ],
)
def test_tags_are_collected_and_counted(texts, scheme, tags, repairs, capsys):
    collector = TagCollector()
    for text in texts:
        collector.add(text)
    tag_set = collector.tag_set("here")
    assert tag_set.scheme == scheme
    assert tags is None or tag_set.tags == tags
    counts = TagCounts()
    for text in [*texts, ["I-x", "O"]]:
        counts.add(text)
    assert counts.repairs(tag_set) == repairs
    tag_set.check_counts(counts, "there")
    assert ("Repaired in there" in capsys.readouterr().err) == (repairs > 0)


def test_a_split_without_any_known_tag():
    collector, counts = TagCollector(), TagCounts()
    collector.add(["NOUN", "VERB"])
    counts.add(["X"])
    with pytest.raises(ValueError, match=r"Expected tags such as NOUN, VERB in there. Received: X \(1\)"):
        collector.tag_set("here").check_counts(counts, "there")
