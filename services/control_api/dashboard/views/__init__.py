"""What the pages show, as plain values; nothing here knows NiceGUI."""
