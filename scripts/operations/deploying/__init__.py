"""Manifests by which an installation runs: Compose, Kubernetes, systemd."""
