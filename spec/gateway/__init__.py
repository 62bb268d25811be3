"""What a client, an operator and another plugin can see of the plugin in its host, whichever host it is."""
