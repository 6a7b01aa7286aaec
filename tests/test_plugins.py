"""Plugins by name: found without loading, checked against their port, and one broken package blocks no other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from retention.errors import InvalidInput, MissingExtra
from retention.messages import Result
from retention.plugins import GROUPS, Plugins
from retention.ports import Capabilities, Parsed, Storage
from retention.senders.maildir import MaildirSender
from retention.senders.memory import MemorySender
from retention.storage.memory import MemoryStorage
from retention.storage.sqlite import SQLiteStorage

ROOT = Path(__file__).resolve().parent.parent


class Shout:
    """A sender in three lines; what its address said is kept."""

    capabilities = Capabilities(max_batch=2)

    def __init__(self, text: str = "") -> None:
        self.text = text

    def send(self, messages):
        return [Result("accepted") for _ in messages]


class Deaf:
    def verify(self, headers, body, now):
        return False

    def parse(self, headers, body):
        return Parsed()


def refused(kind: str, make: object, *words: str) -> str:
    """Registering says why not: the kind and name, and these words."""
    with pytest.raises(InvalidInput) as error:
        Plugins().register(kind, "mine", make)
    message = str(error.value)
    assert message.startswith(f"{kind} 'mine': ")
    assert "\n" not in message
    for word in words:
        assert word in message
    return message


def test_ours_are_found_like_any_other(installed, tmp_path: Path) -> None:
    """What comes with the library is declared in pyproject.toml and made from addresses."""
    plugins = Plugins.discover()
    assert {kind: plugins.names(kind) for kind in GROUPS} == {
        "storage": ["memory", "sqlite"],
        "sender": ["maildir", "memory", "resend", "smtp", "smtps"],
        "webhook": ["resend"],
    }
    assert isinstance(plugins.storage("memory"), MemoryStorage)
    assert isinstance(plugins.sender("memory:"), MemorySender)
    assert isinstance(plugins.sender(f"maildir:{tmp_path / 'letters'}"), MaildirSender)
    assert (tmp_path / "letters").is_dir()
    storage = plugins.storage(f"sqlite:{tmp_path / 'shop.db'}")
    assert isinstance(storage, SQLiteStorage)
    storage.close()


def test_every_declared_entry_point_names_something_that_fits(installed) -> None:
    """No entry point of ours points into the void, and each fits its port."""
    assert set(installed.ours) == set(GROUPS.values())
    plugins = Plugins.discover()
    for kind, group in GROUPS.items():
        for name in installed.ours[group]:
            assert callable(plugins._maker(kind, name, shown=True))


def test_finding_loads_nothing(installed) -> None:
    """Discovery reads names; a plugin's module is imported when somebody asks for it."""
    script = (
        "import sys; from retention.plugins import Plugins; found = Plugins.discover();"
        "print(found.names('storage'), 'retention.storage' in sys.modules, 'retention.senders' in sys.modules);"
        "found.storage('memory'); print('retention.storage.memory' in sys.modules, 'sqlite3' in sys.modules)"
    )
    path = f"{installed.folder}:{ROOT / 'src'}"
    done = subprocess.run(
        [sys.executable, "-c", script], env={"PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["['memory', 'sqlite'] False False", "True False"]


def test_another_package_plugs_in(installed) -> None:
    """A package's sender is found by its name, and given what the address says."""
    module = "from retention.senders.memory import MemorySender\n\ndef make(text): return MemorySender(max_batch=int(text))\n"
    installed.add("pigeon", {"retention.senders": {"pigeon": "pigeon_post:make"}}, pigeon_post=module)
    assert Plugins.discover().sender("pigeon:7").capabilities.max_batch == 7


@pytest.mark.parametrize(
    "target, text, words",
    [
        ("gone_module:Sender", "", ["cannot be loaded", "ModuleNotFoundError", "gone_module"]),
        ("broken_plugin:Sender", "x = 1", ["cannot be loaded", "AttributeError", "Sender"]),
        ("broken_plugin:Sender", "1 / 0", ["cannot be loaded", "ZeroDivisionError"]),
        ("broken_plugin:Sender", "class Sender:\n    capabilities = None\n", ["send(messages) is missing"]),
    ],
    ids=["no module", "no name", "breaks", "no sender"],
)
def test_a_broken_package_names_itself_and_blocks_no_other(installed, monkeypatch, target, text, words) -> None:
    """It costs nothing until it is asked for; then the error says which package, what is wrong and what to do."""
    monkeypatch.delitem(sys.modules, "broken_plugin", raising=False)
    installed.add("careless", {"retention.senders": {"careless": target}}, broken_plugin=text)
    plugins = Plugins.discover()
    assert isinstance(plugins.sender("memory"), MemorySender)
    with pytest.raises(InvalidInput) as error:
        plugins.sender("careless:secret")
    assert all(word in str(error.value) for word in ["sender 'careless'", *words])
    assert "secret" not in str(error.value)
    if "cannot be loaded" in words:
        assert "careless 1.0 (" in str(error.value)


def test_a_missing_extra_says_so_itself(installed) -> None:
    """The remedy is the plugin's own."""
    text = "from retention.errors import MissingExtra\nraise MissingExtra('install needy[http]')\n"
    installed.add("needy", {"retention.senders": {"needy": "needy_plugin:x"}}, needy_plugin=text)
    with pytest.raises(MissingExtra, match="needy\\[http\\]"):
        Plugins.discover().sender("needy")


def test_two_packages_with_one_name(installed) -> None:
    """Neither wins in silence; what the host registers does."""
    module = "from retention.senders.memory import MemorySender as A, MemorySender as B\n"
    installed.add("first", {"retention.senders": {"post": "twin_plugin:A"}}, twin_plugin=module)
    installed.add("second", {"retention.senders": {"post": "twin_plugin:B"}})
    plugins = Plugins.discover()
    with pytest.raises(InvalidInput, match=r"offered by first 1.0 \(.*\) and second 1.0 \(.*\); uninstall one"):
        plugins.sender("post")
    plugins.register("sender", "post", Shout)
    assert isinstance(plugins.sender("post"), Shout)


def test_what_is_registered_belongs_to_one_host(installed) -> None:
    """Nothing is global: another `Plugins` knows nothing of it, and what is installed can be replaced."""
    plugins = Plugins.discover()
    plugins.register("sender", "memory", Shout)
    plugins.register("webhook", "deaf", Deaf)
    assert isinstance(plugins.sender("memory"), Shout)
    assert isinstance(plugins.webhook("deaf"), Deaf)
    assert isinstance(Plugins.discover().sender("memory"), MemorySender)
    assert Plugins().names("sender") == []


@pytest.mark.parametrize(
    "address, text",
    [
        ("shout", ""),
        ("shout:", ""),
        ("shout:letters/a:b", "letters/a:b"),
        ("shout://host:25/x", "shout://host:25/x"),
        ("shout:///x", "shout:///x"),
    ],
)
def test_what_an_address_hands_over(address: str, text: str) -> None:
    """Nothing, the text after the name, or the whole URL."""
    plugins = Plugins()
    plugins.register("sender", "shout", Shout)
    assert plugins.sender(address).text == text


@pytest.mark.parametrize(
    "address, words",
    [
        ("pst:key-123", ["no plugin of 'pst'", "known are shout", "install"]),
        ("key-123", ["no plugin of this name", "known are shout"]),
        ("", ["no plugin of this name"]),
    ],
)
def test_unknown_names(address: str, words: list[str]) -> None:
    """The error lists what is known and repeats nothing that may be a secret."""
    plugins = Plugins()
    plugins.register("sender", "shout", Shout)
    with pytest.raises(InvalidInput) as error:
        plugins.sender(address)
    assert all(word in str(error.value) for word in words)
    assert "key-123" not in str(error.value)


def test_an_address_that_says_too_little_or_too_much() -> None:
    """A maker that wants a text gets one, a maker that wants none gets none."""
    plugins = Plugins()
    plugins.register("sender", "needs", lambda text: MemorySender(max_batch=len(text)))
    plugins.register("sender", "bare", MemorySender)
    with pytest.raises(InvalidInput, match=r"sender 'needs': its address must be more than its name, such as needs:…"):
        plugins.sender("needs")
    with pytest.raises(InvalidInput, match="sender 'bare': its address must be nothing but its name") as error:
        plugins.sender("bare:key-123")
    assert "key-123" not in str(error.value)


@pytest.mark.parametrize("name", ["", "Shout", "a b", "a:b", "7", "почта"])
def test_names_can_begin_an_address(name: str) -> None:
    """A name that no address could begin with is refused."""
    with pytest.raises(InvalidInput, match="cannot begin an address"):
        Plugins().register("sender", name, Shout)


def test_kinds_are_three() -> None:
    """Anything else is refused with the list."""
    with pytest.raises(InvalidInput, match="use one of storage, sender, webhook"):
        Plugins().register("letterbox", "mine", Shout)


def test_missing_methods_are_named() -> None:
    """All of them at once, as they are called."""
    message = refused("storage", Shout, "claim(now, lease, limit) is missing", "see retention.ports.Storage")
    methods = [name for name in vars(Storage) if name[0] != "_"]
    assert methods
    assert all(f"{name}(" in message for name in methods)


class Silent(Shout):
    send = None


class Eager(Shout):
    async def send(self, messages):
        return []


class Narrow(Shout):
    def send(self):
        return []


class Greedy(Shout):
    def send(self, messages, retries):
        return []


class Renamed(Shout):
    def send(self, batch):
        return []


class Swapped(Deaf):
    def parse(self, body, headers):
        return Parsed()


@pytest.mark.parametrize(
    "kind, make, fault",
    [
        ("sender", Silent, "send(messages) is missing"),
        ("sender", Eager, "send is async"),
        ("sender", Narrow, "send takes other arguments, it is called as send(messages)"),
        ("sender", Greedy, "send takes other arguments"),
        ("sender", Renamed, "send takes other arguments"),
        ("webhook", Swapped, "parse takes other arguments, it is called as parse(headers, body)"),
        ("sender", "post", "str is not callable; give the class or a function"),
        ("sender", lambda host, port: Shout(), "cannot be called with one text or nothing"),
    ],
)
def test_what_does_not_fit_is_refused_when_registered(kind: str, make: object, fault: str) -> None:
    """A method that is missing, async or takes other arguments, and a maker that cannot be called."""
    refused(kind, make, fault)


class Forwarding:
    """Its methods are those of somebody else, so they show only once it is made."""

    def __init__(self, inner: object) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)


class Spread(Shout):
    def __init__(self) -> None:
        super().__init__()
        self.capabilities = Capabilities(max_batch=5)

    def send(self, *args, **options):
        return []

    @classmethod
    def of(cls) -> Spread:
        return cls()


class Asking(Shout):
    capabilities = Capabilities(looks_up=True)

    def lookup(self, message_keys):
        return []


@pytest.mark.parametrize("make", [lambda: Forwarding(Shout()), Spread, Spread.of, Asking])
def test_what_fits_by_other_means(make: object) -> None:
    """Forwarded methods, methods that take anything, capabilities of the instance, a class method as the maker."""
    plugins = Plugins()
    plugins.register("sender", "mine", make)
    assert plugins.sender("mine").capabilities.max_batch


def test_a_forwarding_class_is_checked_when_made() -> None:
    """It can be registered as a class; what it forwards to is looked at once there is one."""
    plugins = Plugins()
    plugins.register("sender", "mine", Forwarding)
    with pytest.raises(InvalidInput, match=r"sender 'mine': .*send\(messages\) is missing"):
        plugins.sender("mine:nobody")


class Boasting(Shout):
    capabilities = Capabilities(looks_up=True)


class Vague(Shout):
    capabilities = 10


@pytest.mark.parametrize(
    "make, fault",
    [
        (lambda text="": Boasting(text), r"lookup\(message_keys\) is missing"),
        (Boasting, r"lookup\(message_keys\) is missing"),
        (Vague, "capabilities is no retention.ports.Capabilities; see"),
        (lambda text="": Eager(text), "send is async"),
        (lambda: None, r"send\(messages\) is missing"),
    ],
)
def test_what_a_maker_makes_is_checked(make: object, fault: str) -> None:
    """What a function makes, and what exists only in an instance, is checked when it is made."""
    plugins = Plugins()
    plugins.register("sender", "mine", make)
    with pytest.raises(InvalidInput, match=f"sender 'mine': .*{fault}"):
        plugins.sender("mine")
