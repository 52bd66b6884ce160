"""Plugins that find out who calls."""

from .parts import ANY_LOOSE, HTTP_LOOSE, flags, plugin
from .vocabulary import (
    array,
    at_least_one_of,
    boolean,
    choice,
    flag,
    number,
    only_one_of,
    port,
    secret,
    set_of,
    string,
    when,
)

DRAWN_BY_THE_NODE = "drawn-when-the-node-starts"
"""A real node draws this default anew at every start."""

PLUGINS = {
    "acl": plugin(
        {
            "allow": array(string()),
            "deny": array(string()),
            "hide_groups_header": flag(False),
            "always_use_authenticated_groups": flag(False),
        },
        only_one_of("config.allow", "config.deny"),
        at_least_one_of("config.allow", "config.deny"),
        never_on=("consumer",),
    ),
    "basic-auth": plugin(
        {"anonymous": string(), "hide_credentials": flag(False), "realm": string(required=True, default="service")},
        never_on=("consumer",),
    ),
    "hmac-auth": plugin(
        {
            "hide_credentials": flag(False),
            "clock_skew": number(default=300, gt=0),
            "anonymous": string(),
            "validate_request_body": flag(False),
            "enforce_headers": array(string(), default=[]),
            "algorithms": array(
                choice("hmac-sha1", "hmac-sha256", "hmac-sha384", "hmac-sha512"),
                default=["hmac-sha1", "hmac-sha256", "hmac-sha384", "hmac-sha512"],
            ),
            "realm": string(required=False),
        },
        never_on=("consumer",),
    ),
    "jwt": plugin(
        {
            "uri_param_names": set_of(string(), default=["jwt"]),
            "cookie_names": set_of(string(), default=[]),
            "key_claim_name": string(default="iss"),
            "secret_is_base64": flag(False),
            "claims_to_verify": set_of(choice("exp", "nbf")),
            "anonymous": string(),
            "run_on_preflight": flag(True),
            "maximum_expiration": number(default=0, between=[0, 31536000]),
            "header_names": set_of(string(), default=["authorization"]),
            "realm": string(required=False),
        },
        when("config.maximum_expiration", {"gt": 0}, "config.claims_to_verify", {"contains": "exp"}),
        never_on=("consumer",),
    ),
    "key-auth": plugin(
        {
            "key_names": array(string(), required=True, default=["apikey"]),
            "hide_credentials": flag(False),
            "anonymous": string(),
            **flags(key_in_header=True, key_in_query=True, key_in_body=False, run_on_preflight=True),
            "realm": string(required=False),
        },
        never_on=("consumer",),
    ),
    "ldap-auth": plugin(
        {
            "ldap_host": string(required=True),
            "ldap_port": port(required=True, default=389),
            **flags(ldaps=False, start_tls=False, verify_ldap_host=False),
            "base_dn": string(required=True),
            "attribute": string(required=True),
            "cache_ttl": number(required=True, default=60),
            "hide_credentials": flag(False),
            "timeout": number(default=10000),
            "keepalive": number(default=60000),
            "anonymous": string(),
            "header_type": string(default="ldap"),
            "realm": string(required=False),
        },
        never_on=("consumer",),
        config_checks=[
            when(
                "ldaps",
                {"eq": True},
                "start_tls",
                {"eq": False},
                "'ldaps' and 'start_tls' cannot be enabled simultaneously",
            )
        ],
    ),
    "oauth2": plugin(
        {
            "scopes": array(string()),
            "mandatory_scope": flag(False),
            "provision_key": string(required=True, unique=True, auto=True, encrypted=True),
            "token_expiration": number(required=True, default=7200),
            **flags(
                enable_authorization_code=False,
                enable_implicit_grant=False,
                enable_client_credentials=False,
                enable_password_grant=False,
                hide_credentials=False,
                accept_http_if_already_terminated=False,
            ),
            "anonymous": string(),
            "global_credentials": flag(False),
            "auth_header_name": string(default="authorization"),
            "refresh_token_ttl": number(required=True, default=1209600, between=[0, 100000000]),
            "reuse_refresh_token": flag(False),
            "pkce": choice("none", "lax", "strict", required=False, default="lax"),
            "realm": string(required=False),
        },
        protocols=HTTP_LOOSE,
        never_on=("consumer",),
        config_checks=[when("mandatory_scope", {"eq": True}, "scopes", {"required": True})],
    ),
    "session": plugin(
        {
            "secret": secret(required=False, default=DRAWN_BY_THE_NODE),
            "storage": choice("cookie", "kong", default="cookie"),
            "audience": string(default="default"),
            "idling_timeout": number(default=900),
            "rolling_timeout": number(default=3600),
            "absolute_timeout": number(default=86400),
            "stale_ttl": number(default=10),
            "cookie_name": string(default="session"),
            "cookie_path": string(default="/"),
            "cookie_domain": string(),
            "cookie_same_site": choice("Strict", "Lax", "None", "Default", default="Strict"),
            "cookie_http_only": boolean(default=True),
            "cookie_secure": boolean(default=True),
            "remember": boolean(default=False),
            "remember_cookie_name": string(default="remember"),
            "remember_rolling_timeout": number(default=604800),
            "remember_absolute_timeout": number(default=2592000),
            "response_headers": set_of(
                choice("id", "audience", "subject", "timeout", "idling-timeout", "rolling-timeout", "absolute-timeout")
            ),
            "request_headers": set_of(
                choice("id", "audience", "subject", "timeout", "idling-timeout", "rolling-timeout", "absolute-timeout")
            ),
            "read_body_for_logout": boolean(default=False),
            "logout_methods": set_of(choice("GET", "POST", "DELETE"), default=["POST", "DELETE"]),
            "logout_query_arg": string(default="session_logout"),
            "logout_post_arg": string(default="session_logout"),
        },
        protocols=ANY_LOOSE,
        never_on=("consumer",),
        shorthands={
            "cookie_lifetime": number(),
            "cookie_idletime": number(),
            "cookie_renew": number(),
            "cookie_discard": number(),
            "cookie_samesite": string(),
            "cookie_httponly": boolean(),
            "cookie_persistent": boolean(),
        },
    ),
}
