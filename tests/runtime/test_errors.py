"""User errors: one line for the user, a traceback for a bug."""

import pytest

from zoo.runtime.errors import UserError, did_you_mean, one_of, shorten, user_message


def test_a_user_error_is_reported_in_one_line():
    assert user_message(UserError("Expected a\n  number.")) == "Expected a number."


@pytest.mark.parametrize("error", [ValueError("a bug"), TypeError("a bug"), KeyError("a bug"), OSError("a bug")])
def test_any_other_exception_is_a_bug(error):
    assert user_message(error) is None


def test_an_error_of_the_system_names_the_file_and_a_way_out(tmp_path):
    with pytest.raises(OSError, match="No such file") as caught:
        (tmp_path / "no" / "file").open("w")
    assert user_message(caught.value) == (
        f"No such file or directory ({tmp_path / 'no' / 'file'}). Create its folder first, or correct the path."
    )


def test_a_user_error_is_a_value_error():
    assert issubclass(UserError, ValueError)


def test_one_of():
    assert one_of("color", "red", ("red", "green")) == "red"
    with pytest.raises(UserError, match=r"Unknown color. Received: 'gren'. Did you mean 'green'\? Known: red, green."):
        one_of("color", "gren", ("red", "green"))


def test_a_name_that_is_near_nothing_gets_no_hint():
    assert did_you_mean("xyz", ["red"]) == ""


def test_long_values_are_shortened_in_the_middle():
    assert shorten("short") == "'short'"
    assert len(shorten("long" * 100)) == 80 + len(" ... ")
