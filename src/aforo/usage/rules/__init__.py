"""Pure rules of usage: values in, values out."""
