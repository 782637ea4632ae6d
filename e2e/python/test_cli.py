"""The AWS CLI, where it is installed: both flows as an app, and an administrator's list."""

import json
import os
import shutil
import subprocess
import unittest

import scene
from broker import ADMIN, OPEN, REGION, role


@unittest.skipUnless(shutil.which("aws"), "the AWS CLI is not installed")
class CommandLine(scene.Case):
    def aws(self, *args, key=None, secret=None, session=None):
        environ = {**os.environ, "AWS_DEFAULT_REGION": REGION, "AWS_PAGER": ""}
        given = {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": session}
        environ |= {name: value for name, value in given.items() if value}
        command = ["aws", "--endpoint-url", scene.running.url, "--output", "json", *args]
        return subprocess.run(command, env=environ, capture_output=True, text=True)

    def told(self, *args, **keys):
        done = self.aws(*args, **keys)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def arn(self, credentials, secret):
        who = self.told("sts", "get-caller-identity", key=credentials["AccessKeyId"], secret=credentials[secret], session=credentials["SessionToken"])
        return who["Arn"]

    def test_both_flows(self):
        (name, token), = self.logins("cli-user").items()
        login = ("--logins", f"{name}={token}")
        identity = self.told("cognito-identity", "get-id", "--identity-pool-id", OPEN, *login)["IdentityId"]
        enhanced = self.told("cognito-identity", "get-credentials-for-identity", "--identity-id", identity, *login)
        self.assertEqual(enhanced["IdentityId"], identity)
        self.assertIn("assumed-role/user/CognitoIdentityCredentials", self.arn(enhanced["Credentials"], "SecretKey"))
        openid = self.told("cognito-identity", "get-open-id-token", "--identity-id", identity, *login)["Token"]
        classic = self.told("sts", "assume-role-with-web-identity", "--role-arn", role("user"), "--role-session-name", "cli", "--web-identity-token", openid)
        self.assertIn("assumed-role/user/cli", self.arn(classic["Credentials"], "SecretAccessKey"))

    def test_administrator(self):
        pools = self.told("cognito-identity", "list-identity-pools", "--max-results", "1", key=ADMIN[0], secret=ADMIN[1])
        self.assertEqual((len(pools["IdentityPools"]), "NextToken" in pools), (1, True))

    def test_refusal(self):
        done = self.aws("cognito-identity", "get-open-id-token", "--identity-id", OPEN)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(f"(ResourceNotFoundException) when calling the GetOpenIdToken operation: Identity '{OPEN}' not found.", done.stderr)
