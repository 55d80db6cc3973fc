"""Load, faults and hostile input: what breaks other servers. Only this machine is a target."""
