"""What the platform's operator and a business tell each other: new releases, wished upgrades."""
