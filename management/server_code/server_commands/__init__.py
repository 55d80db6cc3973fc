"""Who ran which command on the machine of the businesses."""
