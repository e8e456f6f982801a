"""Every route, method and role over HTTP: who gets in, for what lies inside their scope and for what lies outside."""
