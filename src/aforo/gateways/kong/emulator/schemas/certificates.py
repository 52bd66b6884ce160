"""The plugin that obtains certificates."""

from .parts import host_pattern, moved, plugin, redis_fields
from .vocabulary import array, boolean, choice, in_code, integer, number, port, record, secret, string, when

PLUGINS = {
    "acme": plugin(
        {
            "account_email": secret(required=True, match="%w*%p*@+%w*%.?%w*"),
            "account_key": record({"key_id": string(required=True), "key_set": string()}, required=False),
            "api_uri": string(default="https://acme-v02.api.letsencrypt.org/directory"),
            "tos_accepted": boolean(default=False),
            "eab_kid": secret(),
            "eab_hmac_key": secret(),
            "cert_type": choice("rsa", "ecc", default="rsa"),
            "rsa_key_size": number(default=4096, one_of=[2048, 3072, 4096]),
            "renew_threshold_days": number(default=14),
            "domains": array(host_pattern()),
            "allow_any_domain": boolean(default=False),
            "fail_backoff_minutes": number(default=5),
            "storage": choice("kong", "shm", "redis", "consul", "vault", default="shm"),
            "storage_config": record(
                {
                    "shm": record({"shm_name": string(default="kong")}, required=True),
                    "kong": record({}, required=True),
                    "redis": record(
                        {
                            **redis_fields(),
                            "extra_options": record(
                                {
                                    "namespace": string(required=True, default="", len_min=0),
                                    "scan_count": number(required=False, default=10),
                                },
                                required=True,
                            ),
                        },
                        shorthands={
                            "auth": string(
                                len_min=0, deprecation=moved("acme: config.storage_config.redis", "auth", "password")
                            ),
                            "ssl_server_name": string(
                                deprecation=moved("acme: config.storage_config.redis", "ssl_server_name", "server_name")
                            ),
                            "namespace": string(
                                len_min=0,
                                deprecation=moved(
                                    "acme: config.storage_config.redis", "namespace", "extra_options", "namespace"
                                ),
                            ),
                            "scan_count": integer(
                                deprecation=moved(
                                    "acme: config.storage_config.redis", "scan_count", "extra_options", "scan_count"
                                )
                            ),
                        },
                        required=True,
                    ),
                    "consul": record(
                        {
                            "https": boolean(default=False),
                            "host": string(),
                            "port": port(),
                            "kv_path": string(),
                            "timeout": number(),
                            "token": string(referenceable=True),
                        },
                        required=True,
                    ),
                    "vault": record(
                        {
                            "https": boolean(default=False),
                            "host": string(),
                            "port": port(),
                            "kv_path": string(),
                            "timeout": number(),
                            "token": string(referenceable=True),
                            "tls_verify": boolean(default=True),
                            "tls_server_name": string(),
                            "auth_method": choice("token", "kubernetes", default="token"),
                            "auth_path": string(),
                            "auth_role": string(),
                            "jwt_path": string(),
                        },
                        required=True,
                    ),
                },
                required=True,
            ),
            "preferred_chain": string(),
            "enable_ipv4_common_name": boolean(default=True),
        },
        when(
            "config.api_uri",
            {
                "one_of": ["https://acme-v02.api.letsencrypt.org", "https://acme-staging-v02.api.letsencrypt.org"],
                "len_min": 1,
            },
            "config.tos_accepted",
            {"eq": True},
            "terms of service must be accepted, see https://letsencrypt.org/repository/",
        ),
        when("config.storage", {"eq": "redis", "len_min": 1}, "config.storage_config.redis.host", {"required": True}),
        when("config.storage", {"eq": "redis", "len_min": 1}, "config.storage_config.redis.port", {"required": True}),
        in_code("config.storage"),
        never_on=("consumer", "service", "route"),
    )
}
