from __future__ import annotations

import pytest

from kong_federation.standin.lua_pattern import compile_pattern


@pytest.mark.parametrize(
    ("pattern", "fits", "does_not"),
    [
        ("^https?://", "https://a", "ftp://a"),
        ("^[A-Za-z_]", "_x", "1x"),
        ("^%u+$", "GET", "Get"),
        ("%d%d", "a12", "a1b2"),
        ("^[^/%s]+$", "host:80", "a b"),
        ("a-b", "aaab", "xyz"),
        ("^a.c$", "a\nc", "abcd"),
        ("^[%w_-]+$", "x-key_1", "x key"),
        ("%.json$", "a.json", "a_json"),
        ("^%S+$", "word", "two words"),
        ("^[]]$", "]", "["),
        ("^(a)(b)$", "ab", "a"),
        ("$x", "$x", "x"),
    ],
)
def test_patterns(pattern, fits, does_not):
    assert compile_pattern(pattern).search(fits)
    assert not compile_pattern(pattern).search(does_not)


@pytest.mark.parametrize("pattern", ["%b()", "%f[%w]", "[abc", "a%", "[%", "(a"])
def test_what_has_no_equal_is_refused(pattern):
    with pytest.raises(ValueError, match="pattern"):
        compile_pattern(pattern)
