"""The variables that name proxies and certificate authorities, as people write them."""

import ssl
from pathlib import Path

import pytest

from bot.config.network import Network, read_network
from tests.mail.conftest import Tls, tls  # noqa: F401  a fixture

SLACK = "https://slack.com/api/"


def network(**variables: str) -> Network:
    found, problems = read_network(variables)
    assert problems == []
    return found


def problems(**variables: str) -> list[str]:
    return read_network(variables)[1]


def test_without_variables_the_way_is_direct() -> None:
    assert network().proxy_for(SLACK) is None
    assert network(HTTPS_PROXY="", NO_PROXY="").proxy_for(SLACK) is None
    assert network().trust is None


@pytest.mark.parametrize(
    ("written", "proxy"),
    [
        ("http://proxy.example:3128", "http://proxy.example:3128"),
        (" http://proxy.example:3128/ ", "http://proxy.example:3128"),
        ("127.0.0.1:3128", "http://127.0.0.1:3128"),
        ("proxy", "http://proxy"),
        ("my_proxy:3128", "http://my_proxy:3128"),
        ("[::1]:3128", "http://[::1]:3128"),
        ("HTTPS://Proxy.example", "https://proxy.example"),
        ("http://bot:p%40ss@proxy.example:3128", "http://bot:p%40ss@proxy.example:3128"),
        ("bot:p@ss@proxy.example:3128", "http://bot:p%40ss@proxy.example:3128"),
        ("bot@proxy.example", "http://bot:@proxy.example"),
    ],
)
def test_a_proxy_is_read_as_curl_reads_it(written: str, proxy: str) -> None:
    assert network(HTTPS_PROXY=written).proxy_for(SLACK) == proxy


@pytest.mark.parametrize("name", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"])
@pytest.mark.parametrize(
    "written",
    [
        "socks5://127.0.0.1:1080",
        "socks5h://s3cr3t@127.0.0.1:1080",
        "socks://127.0.0.1:1080/",
        "ftp://proxy.example",
        "http:proxy.example:3128",
        "http//proxy.example:3128",
        "http:/proxy.example",
        "http://",
        "://proxy.example",
        "proxy.example:port",
        "proxy.example:99999",
        "proxy.example:0",
        "::1:3128",
        "[::1",
        "http://pro xy.example",
        "http://bot:s3cr3t#1@proxy.example",
        "http://proxy.example/pac?s3cr3t",
        "proxy.example, other.example",
        '"http://proxy.example"',
        "${PROXY}",
    ],
)
def test_a_proxy_that_cannot_be_used_is_named_and_not_shown(name: str, written: str) -> None:
    [line] = problems(**{name: written})

    assert line.startswith(f"{name} cannot be used. It should be the address of an HTTP proxy, like http://")
    assert "s3cr3t" not in line
    assert problems(**{name: written}, NO_PROXY="*") == [line]


def test_each_scheme_has_its_proxy_and_sockets_go_the_same_way() -> None:
    found = network(HTTP_PROXY="plain:1", HTTPS_PROXY="secure:2", ALL_PROXY="any:3")

    ways = {scheme: found.proxy_for(f"{scheme}://slack.example/") for scheme in ("http", "ws", "https", "wss")}

    assert ways == {
        "http": "http://plain:1",
        "ws": "http://plain:1",
        "https": "http://secure:2",
        "wss": "http://secure:2",
    }
    assert network(ALL_PROXY="any:3").proxy_for("wss://slack.example/") == "http://any:3"
    assert network(HTTP_PROXY="plain:1").proxy_for(SLACK) is None


def test_of_two_spellings_the_lower_case_counts() -> None:
    assert network(HTTPS_PROXY="upper:1", https_proxy="lower:2").proxy_for(SLACK) == "http://lower:2"
    assert network(HTTPS_PROXY="upper:1", https_proxy="").proxy_for(SLACK) is None
    assert network(ALL_PROXY="any:1", NO_PROXY="slack.com", no_proxy="other.example").proxy_for(SLACK) is not None


@pytest.mark.parametrize(
    ("entries", "direct"),
    [
        ("slack.com", "https://slack.com/api/"),
        ("slack.com", "wss://wss-primary.slack.com/link"),
        (".slack.com", "https://slack.com/api/"),
        ("*.slack.com", "https://hooks.slack.com/"),
        ("other.example, SLACK.com.", "https://slack.com/api/"),
        ("other.example slack.com", "https://slack.com/api/"),
        ("other.example,,slack.com,", "https://slack.com/api/"),
        ("https://slack.com/", "https://slack.com/api/"),
        ("slack.com:443", "https://slack.com/api/"),
        ("slack.com:443", "wss://slack.com/"),
        ("slack.com", "https://slack.com./api/"),
        ("127.0.0.1", "http://127.0.0.1:8080/"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080/"),
        ("10.0.0.0/8", "http://10.1.2.3/"),
        ("10.1.2.3/8", "http://10.1.2.3/"),
        ("[::1]", "http://[::1]:8080/"),
        ("::1", "http://[::1]:8080/"),
        ("[::1]:8080", "http://[::1]:8080/"),
        ("fd00::/8", "http://[fd12::1]/"),
        ("[fd00::]/8", "http://[fd12::1]/"),
        ("localhost,127.0.0.1,[::1]", "http://localhost:8080/"),
        ("*", "http://anything.example/"),
    ],
)
def test_an_exemption_is_read_as_meant(entries: str, direct: str) -> None:
    assert network(ALL_PROXY="proxy.example", NO_PROXY=entries).proxy_for(direct) is None


@pytest.mark.parametrize(
    ("entries", "proxied"),
    [
        ("slack.com", "https://notslack.com/"),
        ("slack.com", "https://slack.com.example/"),
        ("hooks.slack.com", "https://slack.com/"),
        ("slack.com:8443", "https://slack.com/"),
        ("10.0.0.0/8", "http://11.0.0.1/"),
        ("10.0.0.0/8", "http://10.example/"),
        ("127.0.0.1", "http://127.0.0.10/"),
        ("0.0.1", "http://10.0.0.1/"),
        ("[::1]", "http://[::2]/"),
    ],
)
def test_an_exemption_reaches_no_further(entries: str, proxied: str) -> None:
    assert network(ALL_PROXY="proxy.example", NO_PROXY=entries).proxy_for(proxied) == "http://proxy.example"


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
@pytest.mark.parametrize(
    "entry", ["[::1", "10.0.0.0/33", "slack.com/24", "slack.com:port", "a@b.example", "<local>", "."]
)
def test_an_exemption_that_cannot_be_used_is_named_by_its_place(name: str, entry: str) -> None:
    [line] = problems(**{name: f"slack.com,{entry}"})

    assert line.startswith(f"{name} cannot be used: entry 2 is not a host, a domain, an address or a network.")


def test_the_authorities_of_a_file_are_trusted(tmp_path: Path, tls: Tls) -> None:  # noqa: F811
    (tmp_path / "ca.pem").write_bytes(tls.pem)

    trust = network(SSL_CERT_FILE=str(tmp_path / "ca.pem")).trust

    assert trust is not None
    assert trust.verify_mode is ssl.CERT_REQUIRED
    assert trust.cert_store_stats()["x509"] == 1


def test_a_folder_of_authorities_is_trusted(tmp_path: Path, tls: Tls) -> None:  # noqa: F811
    (tmp_path / "0a1b2c3d.0").write_bytes(tls.pem)

    assert network(SSL_CERT_DIR=str(tmp_path)).trust is not None


def test_authorities_that_cannot_be_used_are_named(tmp_path: Path, tls: Tls) -> None:  # noqa: F811
    good, empty, garbage = tmp_path / "good.pem", tmp_path / "empty.pem", tmp_path / "garbage.pem"
    good.write_bytes(tls.pem)
    empty.touch()
    garbage.write_bytes(b"\x00no certificate")
    for each in (empty, garbage, tmp_path, tmp_path / "none.pem", f"{good}\0"):
        [line] = problems(SSL_CERT_FILE=str(each))
        assert line.startswith("SSL_CERT_FILE cannot be used. It should be a file with certificates (PEM)")
    for folders in (good, tmp_path, tmp_path / "none", f"{tmp_path}:{tmp_path / 'none'}"):
        [line] = problems(SSL_CERT_DIR=str(folders))
        assert line.startswith("SSL_CERT_DIR cannot be used. It should be a folder with certificates (PEM)")


def test_everything_that_is_wrong_is_named_and_passwords_are_not_printed() -> None:
    names = ("HTTP_PROXY", "https_proxy", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
    said = problems(**dict.fromkeys(names, "socks5://[s3cr3t"))
    assert [line.split(" ")[0] for line in said] == list(names)
    assert "s3cr3t" not in "".join(said) + repr(network(ALL_PROXY="http://bot:s3cr3t@proxy.example"))
