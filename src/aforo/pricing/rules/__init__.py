"""What plans mean for a gateway, and what a sync of them would do. Pure."""
