"""The entry point by which pytask finds this project's plugins."""

from pytask import hookimpl


@hookimpl
def pytask_post_parse(config: dict) -> None:
    """Register what a run hands to `pytask.build(iccp_plugins=[...])`; other uses of pytask see nothing."""
    for plugin in config.get("iccp_plugins", ()):
        config["pm"].register(plugin)
