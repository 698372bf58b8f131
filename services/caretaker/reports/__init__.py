"""Reports as Markdown and as HTML with plots: facts are read, laid out, then written."""
