"""Every option of Anvil's server is taken with its meaning, or refused by name with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from app_server.config import Proxies, ServerConfig, make_server_config, read_instance_config
from app_server.errors import StartupError
from app_server.options import LACKING, OPTIONS, Kind, parse_arguments, read_config_file
from tests.app_server.running import ANVIL_YAML, write_files

# COMMAND-LINE-OPTIONS in anvil.app-server.run, version 1.18.
ANVILS = {
    Kind.FLAG: """auto-migrate ignore-invalid-schema shell disable-tls forward-headers-insecure
        add-hsts-headers letsencrypt-staging""",
    Kind.MAP: "dep-id secret encryption-key",
    Kind.NUMBER: """data-table-txn-timeout db-connection-pool-size downlink-worker-timeout port
        http-redirect-port smtp-server-port smtp-port""",
    Kind.TEXT: """config-file data-dir database app downlink-key uplink-key client-uplink-key ip
        origin letsencrypt-storage manual-cert-file manual-cert-key-file smtp-host smtp-encryption
        smtp-username smtp-password google-client-id google-client-secret google-api-key
        google-refresh-token facebook-app-id facebook-app-secret microsoft-app-id
        microsoft-app-secret microsoft-tenant-id""",
}
KINDS = {name: kind for kind, names in ANVILS.items() for name in names.split()}
OWN = {"instances", "requests-per-second", "pdf-browser"}


@pytest.fixture(autouse=True)
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(write_files(tmp_path / "shop", {"anvil.yaml": ANVIL_YAML}))
    return tmp_path / "shop"


def configure(*arguments: str) -> ServerConfig:
    return make_server_config(parse_arguments(arguments))


@pytest.mark.parametrize("name", sorted(KINDS))
def test_an_option_of_anvils_server(name: str, tmp_path: Path):
    if name in OPTIONS:
        assert OPTIONS[name].kind is KINDS[name]
        return
    assert len(LACKING[name]) > 20
    for where in (f"--{name}", f"--{name}=1"):
        with pytest.raises(StartupError) as refusal:
            parse_arguments([where])
        assert f"--{name} is an option of anvil-app-server" in str(refusal.value)
        assert LACKING[name] in str(refusal.value)
    file = write_files(tmp_path, {"config.yaml": f"{name}: 1\n"}) / "config.yaml"
    with pytest.raises(StartupError, match=f"config.yaml: {name} is an option of anvil-app-server"):
        read_config_file(file)


def test_no_option_is_refused_and_taken_at_once():
    assert not set(OPTIONS) & set(LACKING)
    assert set(OPTIONS) - set(KINDS) >= OWN


def test_the_limits_have_their_options():
    instance = configure().instance
    assert instance is not None and instance.call_seconds == 30
    given = configure(
        "--downlink-worker-timeout=5", "--data-table-txn-timeout=7", "--db-connection-pool-size=3"
    ).instance
    assert given is not None
    assert (given.call_seconds, given.transaction_seconds, given.pool_size) == (5, 7, 3)


def test_keys_of_services_elsewhere_are_kept_out_of_logs():
    config = configure("--google-api-key=k-1", "--microsoft-app-secret", "s-1").instance
    assert config is not None
    assert config.integrations == {"google-api-key": "k-1", "microsoft-app-secret": "s-1"}
    assert "k-1" not in repr(config) and "s-1" not in repr(config)


@pytest.mark.parametrize(
    ("arguments", "proxies"),
    [
        ((), Proxies.THIS_MACHINE),
        (("--disable-tls",), Proxies.THIS_NETWORK),
        (("--forward-headers-insecure",), Proxies.ANY),
        (
            ("--origin=https://a.b", "--manual-cert-file=c", "--manual-cert-key-file=k"),
            Proxies.NONE,
        ),
    ],
)
def test_whose_word_about_the_visitor_counts(arguments: tuple[str, ...], proxies: Proxies):
    instance = configure(*arguments).instance
    assert instance is not None and instance.proxies is proxies


def test_a_certificate_makes_https_the_usual_port():
    tls = ("--manual-cert-file=c.pem", "--manual-cert-key-file=k.pem")
    config = configure("--origin=https://shop.example", *tls)
    assert config.port == 443 and config.tls is not None
    assert config.tls.cert_file == Path.cwd() / "c.pem"
    assert configure("--origin=https://shop.example:8443", *tls).port == 8443
    assert configure("--origin=https://shop.example", "--disable-tls", *tls).tls is None
    for wrong, reason in (
        (("--origin=https://shop.example", tls[0]), "have to come together"),
        (tls, "is for an app that is reached by https"),
    ):
        with pytest.raises(StartupError, match=reason):
            configure(*wrong)


def test_hsts_is_for_https_only():
    for origin, expected in (("http://shop.example", False), ("https://shop.example", True)):
        instance = configure("--add-hsts-headers", f"--origin={origin}").instance
        assert instance is not None and instance.has_hsts is expected


def test_the_shell_gets_a_key_where_none_is_given():
    given = configure("--shell", "--uplink-key=mine")
    made = configure("--shell")
    assert given.instance is not None and given.instance.uplink_key == "mine"
    assert made.has_shell and made.instance is not None and made.instance.uplink_key
    without = configure().instance
    assert without is not None and without.uplink_key is None


def test_what_goes_together_with_a_folder_of_instances(tmp_path: Path):
    config = configure("--instances", str(tmp_path), "--disable-tls", "--port=8000")
    assert (config.port, config.shared) == (8000, {"disable-tls": True})
    folder = write_files(tmp_path / "yoga", {"instance.yaml": "app: c\nadd-hsts-headers: true\n"})
    instance = read_instance_config(folder, 8000, config.shared)
    assert instance.proxies is Proxies.THIS_NETWORK
    with pytest.raises(StartupError, match="--shell does not go together"):
        configure("--instances", str(tmp_path), "--shell")
