"""What the tests work with: one broker for all, boto3's clients, and a record of the operations that were answered."""

import base64
import json
import unittest

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

import broker

ANSWERED = set()
running = None  # the broker of all tests; operations.py starts and stops it


def client(service, key=(None, None), session=None, url=None):
    """A client of the running broker, signing with a key, or none at all."""
    made = boto3.client(
        service, region_name=broker.REGION, endpoint_url=url or running.url, config=Config(retries={"total_max_attempts": 1}),
        aws_access_key_id=key[0], aws_secret_access_key=key[1], aws_session_token=session)
    made.meta.events.register("after-call.cognito-identity", _record)
    return made


def _record(http_response, model, **_):
    if http_response.status_code == 200:
        ANSWERED.add(model.name)


def claims(token):
    """The claims of a token, unverified."""
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


class Case(unittest.TestCase):
    """Has clients without keys, of the administrator and of the backend."""

    maxDiff = None

    def setUp(self):
        self.app, self.admin, self.backend = client("cognito-identity"), client("cognito-identity", broker.ADMIN), client("cognito-identity", broker.DEVELOPER)
        self.login_name = running.login_name

    def logins(self, user, **claims):
        return running.logins(user, **claims)

    def refused(self, name, text, call, *args, **kwargs):
        """Asks for an error of that name, and of boto3's class for it; text is literal, None where it is not known."""
        with self.assertRaises(ClientError) as caught:
            call(*args, **kwargs)
        error = caught.exception
        self.assertEqual(error.response["Error"]["Code"], name, error)
        if text is not None:
            self.assertEqual(error.response["Error"]["Message"], text)
        self.assertIsInstance(error, self.app.exceptions.from_code(name))

    def who_am_i(self, credentials):
        secret = credentials.get("SecretKey") or credentials["SecretAccessKey"]
        signed = client("sts", (credentials["AccessKeyId"], secret), credentials["SessionToken"])
        return signed.get_caller_identity()["Arn"]

    def answer(self, got):
        """An answer without what botocore adds."""
        return {name: value for name, value in got.items() if name != "ResponseMetadata"}

    def pages(self, call, members, **kwargs):
        """All members of a paged call, page by page, each no longer than MaxResults."""
        found, token = [], {}
        while True:
            page = call(**kwargs, **token)
            self.assertLessEqual(len(page[members]), kwargs["MaxResults"])
            found += page[members]
            if "NextToken" not in page:
                return found
            token = {"NextToken": page["NextToken"]}
