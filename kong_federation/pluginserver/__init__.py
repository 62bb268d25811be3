"""The room pluginserver."""
