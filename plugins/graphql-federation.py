# ruff: noqa: INP001 - Kong's server loads files of this folder by their path; it is no package
"""
The plugin as the stock `kong-python-pluginserver` finds it: the name of this file is the name of the plugin in Kong.

    kong-python-pluginserver --no-lua-style --plugins-directory plugins --kong-prefix PREFIX

Every `.py` in this folder would be loaded as a plugin, so there is only this one.
"""

from kong_federation.plugin import Plugin, Schema, priority, version

__all__ = ["Plugin", "Schema", "priority", "version"]
