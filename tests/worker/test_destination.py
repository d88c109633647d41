"""A worker's URL is an instruction from outside to speak to some address: which are followed, and which never."""

from __future__ import annotations

import pytest

from perdure.model.errors import InvalidRequest
from perdure.worker.destination import AllowList, Destination, Origin, read_url, repair_url

NAMES = {
    "localhost": ["127.0.0.1", "::1"],
    "workers": ["10.1.2.3"],
    "both": ["127.0.0.1", "10.1.2.3"],
    "metadata.example": ["169.254.169.254"],
    "mapped.example": ["::ffff:10.1.2.3"],
    "zero.example": ["0.0.0.0"],
    "public.example": ["93.184.216.34"],
    "localhost.example": ["10.1.2.3"],
    "127.0.0.1.example": ["10.1.2.3"],
}


async def resolve(host: str) -> list[str]:
    if host not in NAMES:
        raise OSError(-2, "Name or service not known")
    return NAMES[host]


BYPASSES = """
    http://10.1.2.3 http://10.1.2.3:8802 http://169.254.169.254/latest/meta-data http://192.168.0.1 http://172.16.0.1
    http://93.184.216.34 http://0.0.0.0 http://0.0.0.0:8802 http://255.255.255.255 http://100.64.0.1 http://224.0.0.1
    http://126.255.255.255 http://128.0.0.1
    http://2130706433 http://3232235521 http://2852039166 http://017700000001 http://0177.0.0.1 http://0177.0.0.01
    http://0x7f000001 http://0x7f.0.0.1 http://0x7f.0x0.0x0.0x1 http://0X7F.0.0.1 http://127.1 http://127.0.1
    http://127.0.0.01 http://127.00.0.1 http://127.0.0.1.1 http://127.0.0 http://127.0.0.256 http://127.0.0.0x1
    http://1 http://0 http://0x0 http://00 http://10.1 http://012.1.2.3 http://0xa9fea9fe http://169.16689662
    http://127.0.0.1. http://127.0.0.1.. http://localhost. http://localhost.. http://.localhost http://local..host
    http://[::] http://[::2] http://[::ffff:10.1.2.3] http://[::ffff:a01:203] http://[::ffff:169.254.169.254]
    http://[0:0:0:0:0:ffff:0a01:0203] http://[::10.1.2.3] http://[64:ff9b::7f00:1] http://[64:ff9b::a01:203]
    http://[2002:7f00:1::] http://[2002:a01:203::] http://[fe80::1] http://[fc00::1] http://[fd00:ec2::254]
    http://[fe80::1%25lo] http://[::1%25lo] http://[::1%lo] http://[::1 http://::1 http://::1:8802 http://[127.0.0.1]
    http://[::127.0.0.1] http://[::1]x http://[::1]:x http://[] http://[::1].example http://[::g] http://[1::2::3]
    http://127.0.0.1@10.1.2.3 http://user@127.0.0.1 http://user:pass@127.0.0.1:8802 http://@127.0.0.1 http://:@127.0.0.1
    http://127.0.0.1:8802@10.1.2.3 http://10.1.2.3#@127.0.0.1 http://10.1.2.3?@127.0.0.1 http://10.1.2.3\\@127.0.0.1
    http://127.0.0.1\\@10.1.2.3 http://127.0.0.1%4010.1.2.3 http://10.1.2.3%23@127.0.0.1 http:\\\\127.0.0.1
    http:/127.0.0.1 http:127.0.0.1 http:///127.0.0.1 http:////127.0.0.1 //127.0.0.1 127.0.0.1 127.0.0.1:8802 localhost
    https:127.0.0.1 http://%31%32%37.0.0.1 http://127%2e0.0.1 http://loc%61lhost http://local%00host
    http://\uff11\uff12\uff17.0.0.1 http://127\u30020\u30020\u30021 http://\u2460\u2461\u2466.0.0.1 http://\u24dbocalhost http://localho\u017ft http://xn--.. http://loc\u0430lhost
    http://127.0.0.1?x=1 http://127.0.0.1#x http://127.0.0.1/?x http://127.0.0.1/a#b http://127.0.0.1?
    http://127.0.0.1:0 http://127.0.0.1:65536 http://127.0.0.1:99999 http://127.0.0.1:-1 http://127.0.0.1:+80
    http://127.0.0.1:0x50 http://127.0.0.1:80:80 http://127.0.0.1: http://127.0.0.1:\uff18\uff10 http://127.0.0.1:080000
    ftp://127.0.0.1 file:///etc/passwd file://127.0.0.1/etc/passwd gopher://127.0.0.1 unix:///tmp/socket dict://127.0.0.1
    javascript:alert(1) data:,x ws://127.0.0.1 httpx://127.0.0.1 http+unix://127.0.0.1 jar:http://127.0.0.1
    http://-localhost http://localhost- http://local,host http://local;host http://local$host http://{host}
    http://metadata.example http://mapped.example http://zero.example http://public.example http://both
    http://localhost.example http://127.0.0.1.example http://nowhere.example http://workers:8802 https://workers
""".split()
WITH_SPACE = [
    "",
    " ",
    "http://",
    " http://127.0.0.1",
    "http://127.0.0.1 ",
    "http://127.0.0.1\n",
    "http://127.0.0.1\r\nhost: 10.1.2.3",
    "http://127.0.0.1/\r\n\r\nGET / HTTP/1.1",
    "http://127.0.0.1\t.example",
    "http://127.0.0.1\0.example",
    "http://127.0.0.1 @10.1.2.3",
    "http://127.0.0.1/a b",
    "ht\ntp://127.0.0.1",
    "http://" + "a" * 64,
    "http://" + "a." * 130 + "a",
    "http://127.0.0.1/" + "a" * 2_000,
]


async def check(url: str, *entries: str) -> None:
    allowed = AllowList(entries, resolve=resolve) if entries else AllowList(resolve=resolve)
    await allowed.check(read_url(url).origin)


def test_there_are_a_hundred_of_them() -> None:
    assert len(set(BYPASSES + WITH_SPACE)) > 140


@pytest.mark.parametrize("url", BYPASSES + WITH_SPACE)
async def test_no_form_leads_away_from_this_machine(url: str) -> None:
    with pytest.raises(InvalidRequest, match="iwfWorkerUrl"):
        await check(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8802",
        "http://127.9.9.9",
        "http://localhost:8802",
        "HTTP://LOCALHOST:8802",
        "https://localhost",
        "http://[::1]:8802",
        "http://[0:0:0:0:0:0:0:1]",
        "http://[::ffff:127.0.0.1]:8802",
        "http://127.0.0.1:8802/prefix/of/a/proxy",
        "http://127.0.0.1:8802/",
    ],
)
async def test_workers_on_this_machine_may_be_called(url: str) -> None:
    await check(url)


async def test_a_network_allows_addresses_and_names_that_are_in_it_and_no_longer_this_machine() -> None:
    await check("http://10.200.0.1:8802", "10.0.0.0/8")
    await check("http://workers:8802", "10.0.0.0/8")
    await check("http://10.1.2.3", "10.1.2.3")
    with pytest.raises(InvalidRequest, match="not among the addresses"):
        await check("http://127.0.0.1:8802", "10.0.0.0/8")


async def test_a_name_is_refused_if_only_some_of_its_addresses_are_allowed() -> None:
    with pytest.raises(InvalidRequest, match=r"http://both is at 127\.0\.0\.1, which is not among"):
        await check("http://both", "10.0.0.0/8")


async def test_an_origin_allows_that_scheme_host_and_port_only() -> None:
    await check("http://workers:8802/any/path", "http://workers:8802")
    for other in ("http://workers:8803", "https://workers:8802", "http://workers", "http://metadata.example:8802"):
        with pytest.raises(InvalidRequest):
            await check(other, "http://workers:8802")


async def test_an_origin_that_is_allowed_need_not_be_there_yet() -> None:
    await check("http://nowhere.example", "http://nowhere.example")


async def test_the_refusal_says_what_to_do() -> None:
    with pytest.raises(InvalidRequest, match=r"http://10\.1\.2\.3 is not among .* --worker-url-allow"):
        await check("http://10.1.2.3")


async def test_connections_go_to_the_addresses_that_were_checked() -> None:
    answers = [["127.0.0.1"], ["10.1.2.3"]]

    async def changes_its_mind(host: str) -> list[str]:
        return answers.pop(0)

    allowed = AllowList(resolve=changes_its_mind)
    origin = Origin("http", "rebinding.example", 80)
    await allowed.check(origin)

    assert await allowed.addresses(origin) == ("127.0.0.1",)


async def test_an_address_is_checked_at_each_call_too_for_what_is_allowed_may_have_changed_since_the_start() -> None:
    with pytest.raises(InvalidRequest, match="not among"):
        await AllowList(resolve=resolve).addresses(Origin("http", "10.1.2.3", 80))


@pytest.mark.parametrize("entry", ["10.0.0.1/8", "workers", "http://workers/path", "10.0.0", "", "*", "ftp://workers"])
def test_an_entry_that_is_none_is_refused(entry: str) -> None:
    with pytest.raises(InvalidRequest):
        AllowList([entry])


def test_a_url_is_read_into_what_requests_are_built_from() -> None:
    assert read_url("HTTP://LocalHost:8802/a/b/") == Destination(Origin("http", "localhost", 8802), "/a/b")
    assert str(read_url("https://[::0001]").origin) == "https://[::1]"
    assert read_url("http://[::ffff:127.0.0.1]").origin == Origin("http", "127.0.0.1", 80)


@pytest.mark.parametrize(
    ("url", "environment", "repaired"),
    [
        ("http://localhost:8802///", {}, "http://localhost:8802"),
        (
            "http://localhost:8802/localhost",
            {"AUTO_FIX_WORKER_URL": "host.docker.internal"},
            "http://host.docker.internal:8802/localhost",
        ),
        ("http://127.0.0.1:8802", {"AUTO_FIX_WORKER_URL": "workers"}, "http://workers:8802"),
        ("http://localhost:$P$/", {"AUTO_FIX_WORKER_PORT_FROM_ENV": "P", "P": "8803"}, "http://localhost:8803"),
        ("http://localhost:$P$", {"AUTO_FIX_WORKER_PORT_FROM_ENV": "Q", "P": "8803"}, "http://localhost:$P$"),
    ],
)
def test_a_url_is_repaired_as_iwf_does(url: str, environment: dict[str, str], repaired: str) -> None:
    assert repair_url(url, environment) == repaired
