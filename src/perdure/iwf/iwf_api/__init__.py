"""What iWF's SDK generates from the protocol's description, as far as its users build or see it."""
