"""The template room: strict, sandboxed, two escapings from one source, and errors that say where."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape

from retention._templates import Templates, Use, read
from retention.errors import InvalidTemplate


@frozen
class Person:
    name: str
    secret: str = "s3cret"

    def greet(self) -> str:
        return f"hello {self.name}"


def one(source: str, **others: str) -> Templates:
    return Templates({"letter": source, **others})


def block(inner: str) -> str:
    return f"{{% block b %}}{inner}{{% endblock %}}"


@given(st.text())
def test_text_is_as_it_is_and_html_is_escaped(value: str) -> None:
    """One source serves both: in text a value appears as it is, in HTML escaped once."""
    templates = one(block("<p>{{ value }}</p>"))
    assert templates.text("letter", "b", {"value": value}) == f"<p>{value}</p>"
    assert templates.html("letter", "b", {"value": value}) == f"<p>{escape(value)}</p>"


def test_a_block_called_by_another_is_not_escaped_twice() -> None:
    """`self.words()` inside HTML is HTML already."""
    templates = one("{% block words %}{{ name }}{% endblock %}{% block b %}<p>{{ self.words() }}</p>{% endblock %}")
    assert templates.html("letter", "b", {"name": "A & B"}) == "<p>A &amp; B</p>"
    assert templates.text("letter", "b", {"name": "A & B"}) == "<p>A & B</p>"


def test_inheritance_by_block() -> None:
    """A template overrides blocks of what it extends, at any depth, and can use the overridden one."""
    templates = one(
        '{% extends "middle" %}{% block b %}[{{ super() }}]{% endblock %}',
        middle='{% extends "root" %}\n{% block b %}({{ super() }}){% endblock %}',
        root="{% block b %}{{ self.c() }}{% block d %}-{% endblock %}{% endblock %}{% block c %}c{% endblock %}",
    )
    assert templates.text("letter", "b", {}) == "[(c-)]"
    assert templates.blocks("letter") == {"b", "c", "d"}
    assert templates.text("root", "b", {}) == "c-"
    assert "middle" in templates
    assert "nobody" not in templates


@pytest.mark.parametrize(
    "source, told",
    [
        pytest.param(block("{{ nme }}"), "letter: line 1: block b: 'nme' is undefined; correct", id="unknown name"),
        pytest.param(block("\n{{ none.date }}"), "letter: line 2: block b: 'None' has no attribute 'date'", id="None"),
        pytest.param(block("{{ person.age }}"), "has no attribute 'age'", id="unknown attribute"),
        pytest.param(block("{{ person['age'] }}"), "has no attribute 'age'", id="unknown item"),
        pytest.param(block("{{ 1 + 'a' }}"), "letter: line 1: block b: unsupported operand", id="wrong types"),
        pytest.param(block("{{ self.nobody() }}"), "'nobody'", id="unknown block"),
        pytest.param(block('{% include "nobody" %}'), "there is no template 'nobody'; add the file", id="include"),
        pytest.param(block("{% if %}"), "letter: line 1: ", id="syntax"),
        pytest.param(block("\n{{ 1 | shine }}"), "letter: line 2: No filter named 'shine'", id="unknown filter"),
        pytest.param('{% extends "nobody" %}', "letter: there is no template 'nobody'", id="parent"),
        pytest.param("{% extends parent %}", "letter: line 1: extends needs a name in quotes", id="computed parent"),
        pytest.param('{% extends "letter" %}', "letter: extends 'letter', which extends it", id="itself"),
        pytest.param("hello" + block(""), "letter: line 1: stands outside of every block", id="text outside"),
        pytest.param(
            "\n{% set a = 1 %}" + block(""), "letter: line 2: stands outside of every block", id="set outside"
        ),
        pytest.param("{# nothing #}", "letter: has no block 'b'; write {% block b %}…{% endblock %}", id="no block"),
    ],
)
def test_errors_say_where_and_what_to_do(source: str, told: str) -> None:
    """Every failure is one line with template, line, block and remedy."""
    with pytest.raises(InvalidTemplate) as error:
        one(source).text("letter", "b", {"none": None, "person": Person("Ada")})
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_an_error_in_a_layout_names_the_layout() -> None:
    """Where the fault stands, not where it was called from."""
    templates = one('{% extends "root" %}', root=block("\n\n{{ nobody }}"))
    with pytest.raises(InvalidTemplate, match="root: line 3: block b: 'nobody' is undefined"):
        templates.html("letter", "b", {})


def test_the_name_of_a_missing_template_is_told() -> None:
    """Asking for a template that is not there says so."""
    with pytest.raises(InvalidTemplate, match="other: there is no template 'other'"):
        one("").text("other", "b", {})


@pytest.mark.parametrize(
    "inner",
    [
        pytest.param("{{ person.__class__ }}", id="class"),
        pytest.param("{{ person['__class__'] }}", id="class by item"),
        pytest.param("{{ ''.__class__.__mro__ }}", id="mro"),
        pytest.param("{{ person.greet.__globals__ }}", id="globals"),
        pytest.param("{{ person | attr('__class__') }}", id="attr filter"),
        pytest.param("{{ person | attr('') }}", id="empty attribute"),
        pytest.param("{{ '{0.__class__}'.format(person) }}", id="format"),
        pytest.param("{{ numbers.append(3) }}", id="changes a list"),
        pytest.param("{{ self.__class__ }}", id="self"),
        pytest.param("{{ self.b._context }}", id="context of a block"),
        pytest.param("{{ lipsum() }}", id="chance"),
        pytest.param("{{ numbers | random }}", id="chance by filter"),
        pytest.param("{{ range(5) }}", id="globals of Jinja"),
    ],
)
def test_the_sandbox_holds(inner: str) -> None:
    """A template reaches no internals, changes nothing that it is given, and throws no dice."""
    context = {"person": Person("Ada"), "numbers": [1, 2]}
    with pytest.raises(InvalidTemplate):
        one(block(inner)).text("letter", "b", context)
    assert context["numbers"] == [1, 2]


def test_records_show_their_fields_and_methods() -> None:
    """The short way to attributes of records gives what the long way gives."""
    templates = one(block("{{ person.name }} {{ person['name'] }} {{ person.greet() }} {{ word.upper() }}"))
    assert templates.text("letter", "b", {"person": Person("Ada"), "word": "x"}) == "Ada Ada hello Ada X"


def test_rendering_changes_nothing() -> None:
    """The same input gives the same text, and the context stays as it was."""
    templates = one(block("{% set x = 1 %}{{ x }}{{ y }}"))
    context = {"y": 2}
    assert [templates.text("letter", "b", context) for _ in range(3)] == ["12"] * 3
    assert context == {"y": 2}


def test_uses_finds_every_variable() -> None:
    """Names are found in branches not taken, in layouts and includes; what a template sets itself is none."""
    templates = one(
        '{% extends "root" %}{% block b %}{% if false %}{{ a.b.c }}{{ d["e"] }}{{ f[0].g }}{% endif %}'
        '{% set own = a %}{{ own.x }}{% for each in list %}{{ each.name }}{% endfor %}{% include "part" %}{% endblock %}',
        root="{% block c %}{{ upper | upper }}{% include which %}{% endblock %}",
        part="{{ inside.part }}{% include 'part' %}",
    )
    paths = ["a", "a.b", "a.b.c", "d", "d.e", "f", "inside", "inside.part", "list"]
    assert templates.uses("letter") == [
        *(Use("letter", "b", path) for path in paths),
        Use("root", "c", "upper"),
        Use("root", "c", "which"),
    ]


def test_what_a_block_replaces_is_no_variable() -> None:
    """A block may repeat the one that it replaces."""
    templates = Templates(
        {
            "root": "{% block a %}{{ x }}{% endblock %}",
            "own": '{% extends "root" %}{% block a %}{{ super() }}{% endblock %}',
        }
    )
    assert [use.path for use in templates.uses("own")] == ["x"]


def test_uses_names_a_missing_include() -> None:
    """An include that is not there is found without rendering it."""
    with pytest.raises(InvalidTemplate, match="letter: there is no template 'nobody'"):
        one(block('{% if false %}{% include "nobody" %}{% endif %}')).uses("letter")


def test_filters_are_added() -> None:
    """Filters of the caller stand beside Jinja's."""
    templates = Templates({"letter": block("{{ 2 | double | string }}")}, {"double": lambda n: 2 * n})
    assert templates.text("letter", "b", {}) == "4"


def test_read_takes_a_folder(tmp_path: Path) -> None:
    """Names are relative with slashes; other files are left alone."""
    (tmp_path / "en" / "deep").mkdir(parents=True)
    (tmp_path / "layout.jinja").write_text("a", "utf-8")
    (tmp_path / "notes.txt").write_text("b", "utf-8")
    (tmp_path / "en" / "deep" / "letter.jinja").write_text("привет", "utf-8")
    assert read(tmp_path) == {"layout.jinja": "a", "en/deep/letter.jinja": "привет"}


def test_read_names_a_file_of_another_encoding(tmp_path: Path) -> None:
    """A file that is not UTF-8 is named."""
    (tmp_path / "letter.jinja").write_bytes("привет".encode("cp1251"))
    with pytest.raises(InvalidTemplate, match=r"letter\.jinja: byte 0 is not UTF-8"):
        read(tmp_path)
