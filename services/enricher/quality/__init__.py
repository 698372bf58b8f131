"""How well an extractor reads: labelled files, and precision, recall and F1 on them."""
