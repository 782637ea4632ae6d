"""Identities: guests, users and their credentials in both flows; unlinking, listing, deletion; the refusals that SDKs recover by."""

import datetime

from botocore.exceptions import ClientError

from broker import CLOSED, NOBODY, OPEN, Broker, role
from scene import Case, claims, client


class Identities(Case):
    def test_guest_signs_in(self):
        identity = self.app.get_id(IdentityPoolId=OPEN)["IdentityId"]
        guest = self.app.get_credentials_for_identity(IdentityId=identity)
        self.assertEqual(guest["IdentityId"], identity)
        self.assertRegex(self.who_am_i(guest["Credentials"]), "assumed-role/guest/CognitoIdentityCredentials$")
        logins = self.logins("upgraded")
        user = self.app.get_credentials_for_identity(IdentityId=identity, Logins=logins)
        self.assertRegex(self.who_am_i(user["Credentials"]), "assumed-role/user/CognitoIdentityCredentials$")
        life = user["Credentials"]["Expiration"] - datetime.datetime.now(datetime.timezone.utc)
        self.assertTrue(datetime.timedelta(minutes=59) < life <= datetime.timedelta(hours=1), life)
        shown = self.admin.describe_identity(IdentityId=identity)
        self.assertEqual((shown["IdentityId"], shown["Logins"]), (identity, [self.login_name]))
        self.assertLessEqual(shown["CreationDate"], shown["LastModifiedDate"])
        self.assertEqual(self.app.get_id(IdentityPoolId=OPEN, Logins=logins)["IdentityId"], identity)
        self.refused("NotAuthorizedException", f"Access to Identity '{identity}' is forbidden.", self.app.get_credentials_for_identity, IdentityId=identity)
        self.refused("NotAuthorizedException", "Logins don't match. Please include at least one valid login for this identity or identity pool.",
                     self.app.get_credentials_for_identity, IdentityId=identity, Logins=self.logins("stranger"))

    def test_classic_flow(self):
        logins = self.logins("classic-user")
        identity = self.app.get_id(IdentityPoolId=OPEN, Logins=logins)["IdentityId"]
        token = self.app.get_open_id_token(IdentityId=identity, Logins=logins)["Token"]
        told = claims(token)
        self.assertEqual((told["sub"], told["aud"], told["exp"] - told["iat"]), (identity, OPEN, 600))
        ask = {"RoleArn": role("user"), "RoleSessionName": "classic", "WebIdentityToken": token, "DurationSeconds": 900}
        sts = client("sts")
        answer = sts.assume_role_with_web_identity(**ask)
        self.assertEqual((answer["SubjectFromWebIdentityToken"], answer["Audience"]), (identity, OPEN))
        self.assertEqual(self.who_am_i(answer["Credentials"]), "arn:aws:sts::000000000000:assumed-role/user/classic")
        self.refused("AccessDenied", None, sts.assume_role_with_web_identity, **{**ask, "RoleArn": role("guest")})
        self.refused("InvalidIdentityToken", None, sts.assume_role_with_web_identity, **{**ask, "WebIdentityToken": token[:-8] + "AAAAAAAA"})
        modern = self.app.get_id(IdentityPoolId=CLOSED, Logins=logins)["IdentityId"]
        self.refused("InvalidParameterException", "Basic (classic) flow is not enabled, please use enhanced flow.",
                     self.app.get_open_id_token, IdentityId=modern, Logins=logins)

    def test_unlinked(self):
        logins = self.logins("unlinked")
        identity = self.app.get_id(IdentityPoolId=OPEN, Logins=logins)["IdentityId"]
        self.app.get_credentials_for_identity(IdentityId=identity, Logins=logins)
        self.app.unlink_identity(IdentityId=identity, Logins=logins, LoginsToRemove=[self.login_name])
        self.assertNotIn("Logins", self.admin.describe_identity(IdentityId=identity))
        self.refused("NotAuthorizedException", f"Access to Identity '{identity}' is forbidden.",
                     self.app.get_credentials_for_identity, IdentityId=identity, Logins=logins)
        self.assertNotEqual(self.app.get_id(IdentityPoolId=OPEN, Logins=logins)["IdentityId"], identity)

    def test_listed_and_deleted(self):
        pool = self.admin.create_identity_pool(IdentityPoolName="listed", AllowUnauthenticatedIdentities=True)["IdentityPoolId"]
        self.addCleanup(self.admin.delete_identity_pool, IdentityPoolId=pool)
        made = sorted(self.app.get_id(IdentityPoolId=pool)["IdentityId"] for _ in range(5))
        found = self.pages(self.admin.list_identities, "Identities", IdentityPoolId=pool, MaxResults=2, HideDisabled=True)
        self.assertEqual(sorted(i["IdentityId"] for i in found), made)
        self.assertEqual(self.admin.delete_identities(IdentityIdsToDelete=made[:4]).get("UnprocessedIdentityIds", []), [])
        left = self.admin.list_identities(IdentityPoolId=pool, MaxResults=60)
        self.assertEqual([i["IdentityId"] for i in left["Identities"]], made[4:])
        self.refused("ResourceNotFoundException", f"Identity '{made[0]}' not found.", self.app.get_credentials_for_identity, IdentityId=made[0])

    def test_refusals(self):
        self.refused("ResourceNotFoundException", f"Identity '{NOBODY}' not found.", self.app.get_open_id_token, IdentityId=NOBODY)
        with self.assertRaises(ClientError) as caught:
            self.app.get_credentials_for_identity(IdentityId="Nobody")
        self.assertEqual(caught.exception.response["Error"]["Code"], "ValidationException")
        self.assertTrue(caught.exception.response["Error"]["Message"].startswith("1 validation error detected: Value 'Nobody' at 'identityId' failed to satisfy constraint: "))
        (name, token), = self.logins("forged").items()
        for bad, text in ((token[:-8] + "AAAAAAAA", "Couldn't verify signed token."), ("x", "Not a valid OpenId Connect identity token.")):
            self.refused("NotAuthorizedException", "Invalid login token. " + text, self.app.get_id, IdentityPoolId=OPEN, Logins={name: bad})

    def test_throttled(self):
        limited = Broker(COGNITO__LIMITS={"GetId": 0.001})
        self.addCleanup(limited.stop)
        app = client("cognito-identity", url=limited.url)
        app.get_id(IdentityPoolId=OPEN)
        self.refused("TooManyRequestsException", "Rate exceeded", app.get_id, IdentityPoolId=OPEN)
