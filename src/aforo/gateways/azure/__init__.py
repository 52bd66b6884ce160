"""Azure API Management, through Azure Resource Manager."""
