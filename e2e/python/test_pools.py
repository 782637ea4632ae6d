"""Identity pools, their roles and tags."""

from broker import ACCOUNT, BARE, CLOSED, DEVELOPER_PROVIDER, NOBODY, OPEN, REGION, provider_arn, role
from scene import Case, claims, client


class Pools(Case):
    def everything(self):
        return {
            "IdentityPoolName": "everything", "AllowUnauthenticatedIdentities": True, "AllowClassicFlow": False,
            "SupportedLoginProviders": {"graph.facebook.com": "1234"}, "DeveloperProviderName": DEVELOPER_PROVIDER,
            "OpenIdConnectProviderARNs": [provider_arn(self.login_name)],
            "CognitoIdentityProviders": [
                {"ProviderName": "cognito-idp.us-east-1.amazonaws.com/us-east-1_Abc", "ClientId": "one", "ServerSideTokenCheck": True}],
            "SamlProviderARNs": [f"arn:aws:iam::{ACCOUNT}:saml-provider/office"], "IdentityPoolTags": {"team": "sales"},
        }

    def make(self):
        pool = self.admin.create_identity_pool(**self.everything())["IdentityPoolId"]
        self.addCleanup(self.admin.delete_identity_pool, IdentityPoolId=pool)
        return pool

    def test_made_shown_replaced_deleted(self):
        made = self.answer(self.admin.create_identity_pool(**self.everything()))
        pool = made["IdentityPoolId"]
        self.assertEqual(made, {**self.everything(), "IdentityPoolId": pool})
        self.assertEqual(self.answer(self.admin.describe_identity_pool(IdentityPoolId=pool)), made)
        least = {"IdentityPoolId": pool, "IdentityPoolName": "least", "AllowUnauthenticatedIdentities": False}
        left = {**least, "DeveloperProviderName": DEVELOPER_PROVIDER, "IdentityPoolTags": made["IdentityPoolTags"]}
        self.assertEqual(self.answer(self.admin.update_identity_pool(**least)), left)
        self.assertEqual(self.answer(self.admin.describe_identity_pool(IdentityPoolId=pool)), left)
        self.refused("InvalidParameterException", None, self.admin.update_identity_pool, **least, DeveloperProviderName="other.example")
        self.admin.delete_identity_pool(IdentityPoolId=pool)
        for call in (self.admin.describe_identity_pool, self.admin.delete_identity_pool, self.app.get_id):
            self.refused("ResourceNotFoundException", f"IdentityPool '{pool}' not found.", call, IdentityPoolId=pool)

    def test_listed_in_pages(self):
        pool = self.make()
        everyone = self.admin.list_identity_pools(MaxResults=60)["IdentityPools"]
        self.assertLessEqual({OPEN, CLOSED, BARE, pool}, {p["IdentityPoolId"] for p in everyone})
        paginator = self.admin.get_paginator("list_identity_pools")
        found = [p for page in paginator.paginate(PaginationConfig={"PageSize": 1}) for p in page["IdentityPools"]]
        self.assertEqual(found, everyone)
        self.refused("InvalidParameterException", None, self.admin.list_identity_pools, MaxResults=1, NextToken="foreign")

    def test_roles(self):
        pool = self.make()
        rules = [{"Claim": "team", "MatchType": "Equals", "Value": "ops", "RoleARN": role("ops")}]
        roles = {
            "Roles": {"authenticated": role("user"), "unauthenticated": role("guest")},
            "RoleMappings": {provider_arn(self.login_name): {
                "Type": "Rules", "AmbiguousRoleResolution": "Deny", "RulesConfiguration": {"Rules": rules}}},
        }
        self.admin.set_identity_pool_roles(IdentityPoolId=pool, **roles)
        self.assertEqual(self.answer(self.admin.get_identity_pool_roles(IdentityPoolId=pool)), {"IdentityPoolId": pool, **roles})
        identity = self.app.get_id(IdentityPoolId=pool, Logins=self.logins("ruled"))["IdentityId"]
        ops = self.app.get_credentials_for_identity(IdentityId=identity, Logins=self.logins("ruled", team="ops"))
        self.assertIn("assumed-role/ops/", self.who_am_i(ops["Credentials"]))
        self.refused("NotAuthorizedException", f"The ambiguous role mapping rules for: {self.login_name} denied this request.",
                     self.app.get_credentials_for_identity, IdentityId=identity, Logins=self.logins("ruled", team="dev"))
        foreign = "arn:aws:iam::111111111111:role/user"
        self.refused("NotAuthorizedException", f"Access to Role '{foreign}' is forbidden.",
                     self.admin.set_identity_pool_roles, IdentityPoolId=pool, Roles={"authenticated": foreign})

    def test_without_guests_or_roles(self):
        self.refused("NotAuthorizedException", "Unauthenticated access is not supported for this identity pool.", self.app.get_id, IdentityPoolId=CLOSED)
        guest = self.app.get_id(IdentityPoolId=BARE)["IdentityId"]
        self.refused("InvalidIdentityPoolConfigurationException", "Invalid identity pool configuration. Check assigned IAM roles for this pool.",
                     self.app.get_credentials_for_identity, IdentityId=guest)

    def test_callers(self):
        self.refused("AccessDeniedException", None, self.backend.list_identity_pools, MaxResults=1)
        stranger = client("cognito-identity", ("AKIDOFNOBODYATALL000", "x"))
        self.refused("UnrecognizedClientException", None, stranger.list_identity_pools, MaxResults=1)

    def test_tags(self):
        arn = f"arn:aws:cognito-identity:{REGION}:{ACCOUNT}:identitypool/{self.make()}"
        self.admin.tag_resource(ResourceArn=arn, Tags={"team": "ops", "stage": ""})
        self.assertEqual(self.admin.list_tags_for_resource(ResourceArn=arn)["Tags"], {"team": "ops", "stage": ""})
        self.admin.untag_resource(ResourceArn=arn, TagKeys=["stage", "never"])
        self.assertEqual(self.admin.list_tags_for_resource(ResourceArn=arn)["Tags"], {"team": "ops"})
        nobody = f"arn:aws:cognito-identity:{REGION}:{ACCOUNT}:identitypool/{NOBODY}"
        self.refused("ResourceNotFoundException", None, self.admin.list_tags_for_resource, ResourceArn=nobody)

    def test_principal_tags(self):
        which = {"IdentityPoolId": OPEN, "IdentityProviderName": provider_arn(self.login_name)}
        self.addCleanup(self.admin.set_principal_tag_attribute_map, **which, UseDefaults=False, PrincipalTags={})
        want = {**which, "UseDefaults": False, "PrincipalTags": {"department": "team"}}
        self.assertEqual(self.answer(self.admin.set_principal_tag_attribute_map(**want)), want)
        self.assertEqual(self.answer(self.admin.get_principal_tag_attribute_map(**which)), want)
        logins = self.logins("tagged", team="sales")
        identity = self.app.get_id(IdentityPoolId=OPEN, Logins=logins)["IdentityId"]
        token = self.app.get_open_id_token(IdentityId=identity, Logins=logins)["Token"]
        self.assertEqual(claims(token)["https://aws.amazon.com/tags"], {"principal_tags": {"department": ["sales"]}})
