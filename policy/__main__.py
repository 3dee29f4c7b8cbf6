"""The policy pack of a checkout; copied elsewhere, that of an installed fluxhooks[policy]."""

from fluxhooks.policy.pack import main

main()
