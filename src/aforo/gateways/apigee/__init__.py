"""Google Apigee X and hybrid."""
