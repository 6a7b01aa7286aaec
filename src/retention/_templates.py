"""The one room that may touch Jinja2: texts with holes, filled strictly and in a sandbox.

A set of templates knows nothing but the sources that it is given: no path, no network, no clock, no chance, no names
beyond the context. A name that the context lacks is an error, never an empty place. A template is a set of blocks; one
block is rendered at a time, as plain text or as HTML in which every value is escaped, so the same sentence can serve
both. Whatever goes wrong inside a template is one `InvalidTemplate` with the file, the line and the remedy.

    >>> templates = Templates({"hello": "{% block greeting %}Hello, {{ name }}!{% endblock %}"})
    >>> templates.text("hello", "greeting", {"name": "A & B"}), templates.html("hello", "greeting", {"name": "A & B"})
    ('Hello, A & B!', 'Hello, A &amp; B!')
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from attrs import Factory, field, frozen
from jinja2 import DictLoader, StrictUndefined, TemplateNotFound, TemplateSyntaxError, meta, nodes
from jinja2.environment import Template
from jinja2.runtime import BlockReference, Context, TemplateReference
from jinja2.sandbox import ImmutableSandboxedEnvironment

from retention.errors import InvalidTemplate

__all__ = ["SUFFIX", "Templates", "Use", "read"]

SUFFIX = ".jinja"
"""How the files of templates end."""

_NO_TEMPLATE = "there is no template {!r}; add the file or correct the name"
_Block: TypeAlias = Callable[[Context], Iterator[str]]


class Use(NamedTuple):
    """One variable that a template takes from its context: `path` such as "customer.name"."""

    template: str
    block: str
    path: str


class _Compiled(NamedTuple):
    """A template of one environment: for each block its own version, then those it overrides."""

    environment: _Sandbox
    blocks: dict[str, list[_Block]]


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox with short ways, taken some fifty times in a letter, that allow nothing more."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if type(obj) is TemplateReference:  # `self`, which has blocks and nothing else
            return self.getitem(obj, attribute)
        # An attrs record is neither code nor a container, the things that the long way looks for.
        if attribute[:1] not in {"", "_"} and hasattr(type(obj), "__attrs_attrs__") and hasattr(obj, attribute):
            return getattr(obj, attribute)
        return super().getattr(obj, attribute)

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        if type(obj) is BlockReference:
            return obj()
        return super().call(context, obj, *args, **kwargs)


def _environment(sources: Mapping[str, str], filters: Mapping[str, Callable[..., Any]], *, escape: bool) -> _Sandbox:
    environment = _Sandbox(
        loader=DictLoader(sources),
        undefined=StrictUndefined,
        autoescape=escape,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    environment.globals.clear()
    environment.filters.pop("random")  # the same input must give the same letter
    environment.filters.update(filters)
    return environment


@frozen(eq=False)
class Templates:
    """Templates by name, each compiled when it is first used and kept.

    `sources`: the text of each, by the name that `extends`, `include` and `import` refer to. `filters`: beside Jinja's
    own. Safe to use from several threads.
    """

    sources: Mapping[str, str]
    filters: Mapping[str, Callable[..., Any]] = MappingProxyType({})
    _plain: _Sandbox = field(
        init=False,
        repr=False,
        default=Factory(lambda self: _environment(self.sources, self.filters, escape=False), takes_self=True),
    )
    _escaping: _Sandbox = field(
        init=False,
        repr=False,
        default=Factory(lambda self: _environment(self.sources, self.filters, escape=True), takes_self=True),
    )
    _compiled: dict[tuple[str, bool], _Compiled] = field(init=False, repr=False, factory=dict)
    _trees: dict[str, nodes.Template] = field(init=False, repr=False, factory=dict)
    _used: dict[str, frozenset[Use]] = field(init=False, repr=False, factory=dict)  # a layout is every letter's

    def __contains__(self, name: str) -> bool:
        return name in self.sources

    def blocks(self, name: str) -> frozenset[str]:
        """The blocks of a template, inherited ones included."""
        return frozenset(self._ready(name, escape=False).blocks)

    def text(self, name: str, block: str, context: Mapping[str, Any]) -> str:
        """One block as plain text: values appear as they are."""
        return self._render(name, block, context, escape=False)

    def html(self, name: str, block: str, context: Mapping[str, Any]) -> str:
        """One block as HTML: every value is escaped."""
        return self._render(name, block, context, escape=True)

    def uses(self, name: str) -> list[Use]:
        """Every variable that the template, those it extends and those it includes take from the context.

        Also in branches that are rarely taken, so a misspelled name is found without rendering.
        """
        return sorted({use for ancestor in self._chain(name) for use in self._own_uses(ancestor)})

    def _render(self, name: str, block: str, context: Mapping[str, Any], *, escape: bool) -> str:
        environment, blocks = self._ready(name, escape=escape)
        if block not in blocks:
            raise InvalidTemplate(f"{name}: has no block {block!r}; write {{% block {block} %}}…{{% endblock %}}")
        room = environment.context_class(environment, dict(context), name, {})
        room.blocks = blocks
        try:
            return "".join(blocks[block][0](room))
        except Exception as error:  # noqa: BLE001 - a template can raise anything
            raise InvalidTemplate(f"{_place(error, name, block)}: {_reason(error)}") from None

    def _ready(self, name: str, *, escape: bool) -> _Compiled:
        return self._compiled.get((name, escape)) or self._compile(name, escape=escape)

    def _compile(self, name: str, *, escape: bool) -> _Compiled:
        environment = self._escaping if escape else self._plain
        blocks: dict[str, list[_Block]] = {}
        for ancestor in self._chain(name):
            for block, function in self._template(environment, ancestor).blocks.items():
                blocks.setdefault(block, []).append(function)
        return self._compiled.setdefault((name, escape), _Compiled(environment, blocks))

    def _template(self, environment: _Sandbox, name: str) -> Template:
        try:
            return environment.get_template(name)
        except TemplateSyntaxError as error:  # a filter that does not exist, which parsing does not see
            raise InvalidTemplate(f"{name}: line {error.lineno}: {error.message}") from None

    def _chain(self, name: str) -> list[str]:
        """The template and its ancestors, the nearest first."""
        chain: list[str] = []
        next_name: str | None = name
        while next_name is not None:
            if next_name in chain:
                raise InvalidTemplate(f"{chain[-1]}: extends {next_name!r}, which extends it; extend the original")
            tree = self._parse(next_name, wanted_by=chain[-1] if chain else "")
            _only_blocks(next_name, tree)
            chain.append(next_name)
            next_name = _parent(next_name, tree)
        return chain

    def _parse(self, name: str, *, wanted_by: str = "") -> nodes.Template:
        if name not in self.sources:
            raise InvalidTemplate(f"{wanted_by or name}: {_NO_TEMPLATE.format(name)}")
        try:
            return self._trees.get(name) or self._trees.setdefault(name, self._plain.parse(self.sources[name], name))
        except TemplateSyntaxError as error:
            raise InvalidTemplate(f"{name}: line {error.lineno}: {error.message}") from None

    def _own_uses(self, name: str) -> frozenset[Use]:
        return self._used.get(name) or self._used.setdefault(name, frozenset(self._block_uses(name)))

    def _block_uses(self, name: str) -> Iterator[Use]:
        for block in self._parse(name).find_all(nodes.Block):
            for path in self._paths(name, block.body, seen={name}):
                yield Use(name, block.name, path)

    def _paths(self, name: str, body: list[nodes.Node], seen: set[str]) -> Iterator[str]:
        """The dotted paths that a piece of the template reads, what it includes too."""
        tree = nodes.Template(body, lineno=1)
        tree.set_environment(self._plain)
        roots = meta.find_undeclared_variables(tree) - {"super"}  # of the block that this one replaces
        yield from roots
        for node in tree.find_all((nodes.Getattr, nodes.Getitem)):
            path = _path(node)
            if path and path[0] in roots:
                yield ".".join(path)
        for other in meta.find_referenced_templates(tree):
            if other is not None and other not in seen:
                yield from self._paths(other, self._parse(other, wanted_by=name).body, seen | {other})


def read(folder: Traversable) -> dict[str, str]:
    """The templates in a folder or package folder: relative name with `/` -> text, for files that end in `.jinja`."""
    found: dict[str, str] = {}
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            found |= {f"{entry.name}/{name}": text for name, text in read(entry).items()}
        elif entry.name.endswith(SUFFIX):
            found[entry.name] = _text(entry)
    return found


def _text(file: Traversable) -> str:
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidTemplate(f"{file}: byte {error.start} is not UTF-8; save the file as UTF-8") from None


def _parent(name: str, tree: nodes.Template) -> str | None:
    for node in tree.find_all(nodes.Extends):
        if not isinstance(node.template, nodes.Const):
            raise InvalidTemplate(f"{name}: line {node.lineno}: extends needs a name in quotes")
        return str(node.template.value)
    return None


def _only_blocks(name: str, tree: nodes.Template) -> None:
    """What stands outside of blocks would never be rendered: say so instead of dropping it."""
    for node in tree.body:
        blank = isinstance(node, nodes.Output) and all(
            isinstance(part, nodes.TemplateData) and not part.data.strip() for part in node.nodes
        )
        if not blank and not isinstance(node, nodes.Extends | nodes.Block):
            raise InvalidTemplate(f"{name}: line {node.lineno}: stands outside of every block; move it into one")


def _path(node: nodes.Node) -> tuple[str, ...]:
    """`customer.name` or `customer["name"]` as its parts; () for anything else."""
    if isinstance(node, nodes.Name):
        return (node.name,)
    if isinstance(node, nodes.Getattr):
        base, part = _path(node.node), node.attr
    elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
        base, part = _path(node.node), node.arg.value
    else:
        return ()
    return (*base, part) if base else ()


def _place(error: Exception, name: str, block: str) -> str:
    """The file, line and block that failed, perhaps in a layout; the template's own if nothing of it ran."""
    place = f"{name}: block {block}"
    for frame, line in traceback.walk_tb(error.__traceback__):
        template = frame.f_globals.get("__jinja_template__")
        if template is not None:
            block = frame.f_code.co_name.removeprefix("block_")  # what Jinja calls the function of a block
            place = f"{template.name}: line {template.get_corresponding_lineno(line)}: block {block}"
    return place


def _reason(error: Exception) -> str:
    if isinstance(error, TemplateNotFound):
        return _NO_TEMPLATE.format(error.name)
    text = " ".join(str(error).split()) or type(error).__name__
    return f"{text}; correct the name, or ask {{% if … %}} first"
