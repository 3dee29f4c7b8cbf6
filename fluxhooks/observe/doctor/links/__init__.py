"""The links of a chain, a module each: what was seen goes in, what is wrong with it comes out."""
