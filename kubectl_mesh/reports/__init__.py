"""What a diagnosis returns: frozen values, their columns declared beside the fields."""
