"""A broker of one's own: the built binary with ../broker.yaml, on a free port of the loopback."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

_TOP = pathlib.Path(__file__).resolve().parents[2]
_BINARY, _CONFIG = str(_TOP / "bin" / "broker"), str(_TOP / "e2e" / "broker.yaml")
_START_TIMEOUT = 30  # seconds

# The pools of broker.yaml: with guests, without them, and without roles.
ACCOUNT, REGION = "000000000000", "us-east-1"
OPEN = REGION + ":00000000-0000-4000-8000-000000000001"
CLOSED = REGION + ":00000000-0000-4000-8000-000000000002"
BARE = REGION + ":00000000-0000-4000-8000-000000000003"
NOBODY = REGION + ":00000000-0000-4000-8000-00000000000f"
DEVELOPER_PROVIDER = "login.example"

# The callers of broker.yaml, each with the scope of its name.
ADMIN = ("AKIDADMINISTRATORE2E", "administrator-of-e2e")
DEVELOPER = ("AKIDBACKENDOFTHEE2E0", "backend-of-e2e")


def role(name):
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def provider_arn(provider):
    return f"arn:aws:iam::{ACCOUNT}:oidc-provider/{provider}"


class Broker:
    """Runs until stop; settings are further ones by the names of their variables, without BROKER_."""

    def __init__(self, **settings):
        self._directory = tempfile.mkdtemp(prefix="broker-e2e-")
        address = _free_address()
        self.url, self.login_name = "http://" + address, address + "/dev/idp"
        settings |= {"LISTEN": address, "PUBLIC_URL": self.url, "COGNITO__STORE": os.path.join(self._directory, "broker.db")}
        own = {"BROKER_" + name: value if isinstance(value, str) else json.dumps(value) for name, value in settings.items()}
        self._environ = {**os.environ, **own}
        self._process = subprocess.Popen([_BINARY, "serve", "-config", _CONFIG], env=self._environ, stdout=subprocess.DEVNULL)
        try:
            self._await()
        except BaseException:
            self.stop()
            raise

    def _await(self):
        deadline = time.monotonic() + _START_TIMEOUT
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(self.url + "/healthz", timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise RuntimeError("the broker did not come up")

    def logins(self, user, **claims):
        """Logins with an ID token of the development provider; claims go into the token."""
        extra = [part for name, value in claims.items() for part in ("-claim", f"{name}={value}")]
        command = [_BINARY, "token", "-config", _CONFIG, "-user", user, *extra]
        done = subprocess.run(command, env=self._environ, check=True, capture_output=True, text=True)
        return {self.login_name: done.stdout.strip()}

    def stop(self):
        self._process.terminate()
        self._process.wait()
        shutil.rmtree(self._directory)


def _free_address():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return "%s:%d" % s.getsockname()
