"""The plugin of a checkout: the components to programs in every language."""

from fluxhooks.plugin.host import main

main()
