"""Amazon API Gateway: REST APIs (v1) and HTTP APIs (v2)."""
