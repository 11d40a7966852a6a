"""Groups of commands below `iccp`, one module each. Heavy libraries are loaded when a command needs them."""
