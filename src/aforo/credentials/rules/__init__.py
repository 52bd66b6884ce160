"""What follows from what: values in, values out."""
