"""Plugins for calls to language models."""

from .parts import HTTP_LOOSE, plugin
from .vocabulary import (
    array,
    at_least_one_of,
    boolean,
    choice,
    flag,
    in_code,
    integer,
    mutually_required,
    number,
    port,
    record,
    secret,
    string,
    text,
    when,
    when_at_least_one_of,
)

CREDENTIAL = record(
    {
        "header_name": string(required=False, referenceable=True),
        "header_value": secret(required=False),
        "param_name": string(required=False, referenceable=True),
        "param_value": secret(required=False),
        "param_location": choice("query", "body", required=False),
        "gcp_use_service_account": boolean(required=False, default=False),
        "gcp_service_account_json": string(required=False, referenceable=True),
        "aws_access_key_id": secret(required=False),
        "aws_secret_access_key": secret(required=False),
        "allow_override": boolean(required=False, default=False),
    },
    required=False,
)

MODEL = record(
    {
        "provider": choice(
            "openai",
            "azure",
            "anthropic",
            "cohere",
            "mistral",
            "llama2",
            "gemini",
            "bedrock",
            "huggingface",
            required=True,
        ),
        "name": string(required=False),
        "options": record(
            {
                "max_tokens": integer(required=False),
                "input_cost": number(required=False, gt=0),
                "output_cost": number(required=False, gt=0),
                "temperature": number(required=False, between=[0, 5]),
                "top_p": number(required=False, between=[0, 1]),
                "top_k": integer(required=False, between=[0, 500]),
                "anthropic_version": string(required=False),
                "azure_instance": string(required=False),
                "azure_api_version": string(required=False, default="2023-05-15"),
                "azure_deployment_id": string(required=False),
                "llama2_format": choice("raw", "openai", "ollama", required=False),
                "mistral_format": choice("openai", "ollama", required=False),
                "upstream_url": string(required=False),
                "upstream_path": string(required=False),
                "gemini": record(
                    {
                        "api_endpoint": string(required=False),
                        "project_id": string(required=False),
                        "location_id": string(required=False),
                    },
                    checks=[mutually_required("api_endpoint", "project_id", "location_id")],
                    required=False,
                ),
                "bedrock": record({"aws_region": string(required=False)}, required=False),
                "huggingface": record(
                    {"use_cache": boolean(required=False), "wait_for_model": boolean(required=False)}, required=False
                ),
            },
            required=False,
        ),
    },
    required=True,
)

CALL_CHECKS = [
    when(
        "model.provider",
        {"one_of": ["bedrock", "gemini"]},
        "auth.allow_override",
        {"eq": False},
        "bedrock and gemini only support auth.allow_override = false",
    ),
    mutually_required("auth.header_name", "auth.header_value"),
    mutually_required("auth.param_name", "auth.param_value", "auth.param_location"),
    when_at_least_one_of(
        "model.provider", {"one_of": ["llama2"]}, ["model.options.llama2_format"], "must set %s for llama2 provider"
    ),
    when_at_least_one_of(
        "model.provider", {"one_of": ["mistral"]}, ["model.options.mistral_format"], "must set %s for mistral provider"
    ),
    when_at_least_one_of(
        "model.provider",
        {"one_of": ["anthropic"]},
        ["model.options.anthropic_version"],
        "must set %s for anthropic provider",
    ),
    when_at_least_one_of(
        "model.provider", {"one_of": ["azure"]}, ["model.options.azure_instance"], "must set %s for azure provider"
    ),
    when_at_least_one_of(
        "model.provider", {"one_of": ["azure"]}, ["model.options.azure_api_version"], "must set %s for azure provider"
    ),
    when_at_least_one_of(
        "model.provider", {"one_of": ["azure"]}, ["model.options.azure_deployment_id"], "must set %s for azure provider"
    ),
    when_at_least_one_of(
        "model.provider",
        {"one_of": ["llama2"]},
        ["model.options.upstream_url"],
        "must set %s for self-hosted providers/models",
    ),
    in_code("route_type", "model", "logging"),
]

CALL = record(
    {
        "route_type": choice("llm/v1/chat", "llm/v1/completions", "preserve", required=True),
        "auth": CREDENTIAL,
        "model": MODEL,
        "logging": record({"log_statistics": flag(False), "log_payloads": flag(False)}, required=True),
    },
    checks=CALL_CHECKS,
    required=True,
)

PLUGINS = {
    "ai-prompt-decorator": plugin(
        {
            "prompts": record(
                {
                    "prepend": array(
                        record(
                            {
                                "role": choice("system", "assistant", "user", required=True, default="system"),
                                "content": text(required=True, len_max=500),
                            },
                            required=False,
                        ),
                        required=False,
                        len_max=15,
                    ),
                    "append": array(
                        record(
                            {
                                "role": choice("system", "assistant", "user", required=True, default="system"),
                                "content": text(required=True, len_max=500),
                            },
                            required=False,
                        ),
                        required=False,
                        len_max=15,
                    ),
                },
                required=False,
            ),
            "max_request_body_size": integer(default=8192, gt=0),
            "llm_format": choice("openai", "bedrock", "gemini", required=False, default="openai"),
        },
        at_least_one_of("config.prompts.prepend", "config.prompts.append"),
        protocols=HTTP_LOOSE,
    ),
    "ai-prompt-guard": plugin(
        {
            "allow_patterns": array(text(len_max=500), required=False, len_max=10),
            "deny_patterns": array(text(len_max=500), required=False, len_max=10),
            "allow_all_conversation_history": flag(False),
            "max_request_body_size": integer(default=8192, gt=0),
            "match_all_roles": flag(False),
            "llm_format": choice("openai", "bedrock", "gemini", required=False, default="openai"),
        },
        at_least_one_of("config.allow_patterns", "config.deny_patterns"),
        when("config.match_all_roles", {"eq": True}, "config.allow_all_conversation_history", {"eq": False}),
    ),
    "ai-prompt-template": plugin(
        {
            "templates": array(
                record({"name": string(required=True), "template": string(required=True)}, required=True), required=True
            ),
            "allow_untemplated_requests": flag(True),
            "log_original_request": flag(False),
            "max_request_body_size": integer(default=8192, gt=0),
        }
    ),
    "ai-proxy": plugin(
        {
            "route_type": choice("llm/v1/chat", "llm/v1/completions", "preserve", required=True),
            "auth": CREDENTIAL,
            "model": MODEL,
            "logging": record({"log_statistics": flag(False), "log_payloads": flag(False)}, required=True),
            "response_streaming": choice("allow", "deny", "always", required=False, default="allow"),
            "max_request_body_size": integer(default=8192, gt=0),
            "model_name_header": boolean(default=True),
            "llm_format": choice("openai", "bedrock", "gemini", required=False, default="openai"),
        },
        when(
            "config.llm_format",
            {"one_of": ["bedrock", "gemini"], "len_min": 1},
            "config.route_type",
            {"eq": "llm/v1/chat"},
            "native provider options in llm_format can only be used with the 'llm/v1/chat' route_type",
        ),
        when(
            "config.llm_format",
            {"eq": "bedrock", "len_min": 1},
            "config.model.provider",
            {"eq": "bedrock"},
            "native llm_format 'bedrock' can only be used with the 'bedrock' model.provider",
        ),
        when(
            "config.llm_format",
            {"eq": "gemini", "len_min": 1},
            "config.model.provider",
            {"eq": "gemini"},
            "native llm_format 'gemini' can only be used with the 'gemini' model.provider",
        ),
        config_checks=CALL_CHECKS,
    ),
    "ai-request-transformer": plugin(
        {
            "prompt": string(required=True),
            "transformation_extract_pattern": string(required=False),
            "http_timeout": integer(required=True, default=60000),
            "https_verify": flag(True),
            "max_request_body_size": integer(default=8192, gt=0),
            "http_proxy_host": string(),
            "http_proxy_port": port(),
            "https_proxy_host": string(),
            "https_proxy_port": port(),
            "llm": CALL,
        },
        when(
            "config.llm.route_type",
            {"not_one_of": ["llm/v1/chat"], "len_min": 1},
            "config.llm.route_type",
            {"eq": "llm/v1/chat"},
            "'config.llm.route_type' must be 'llm/v1/chat' for AI transformer plugins",
        ),
        mutually_required("config.http_proxy_host", "config.http_proxy_port"),
        mutually_required("config.https_proxy_host", "config.https_proxy_port"),
        never_on=("consumer",),
        protocols_first=True,
    ),
    "ai-response-transformer": plugin(
        {
            "prompt": string(required=True),
            "transformation_extract_pattern": string(required=False),
            "parse_llm_response_json_instructions": flag(False),
            "http_timeout": integer(required=True, default=60000),
            "https_verify": flag(True),
            "max_request_body_size": integer(default=8192, gt=0),
            "http_proxy_host": string(),
            "http_proxy_port": port(),
            "https_proxy_host": string(),
            "https_proxy_port": port(),
            "llm": CALL,
        },
        when(
            "config.llm.route_type",
            {"not_one_of": ["llm/v1/chat"]},
            "config.llm.route_type",
            {"eq": "llm/v1/chat"},
            "'config.llm.route_type' must be 'llm/v1/chat' for AI transformer plugins",
        ),
        mutually_required("config.http_proxy_host", "config.http_proxy_port"),
        mutually_required("config.https_proxy_host", "config.https_proxy_port"),
        protocols=HTTP_LOOSE,
    ),
}
