"""Kong Gateway: open source, Enterprise and Konnect."""
