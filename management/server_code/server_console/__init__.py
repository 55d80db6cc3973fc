"""What all of the console's services share."""
