"""A logging filter that masks hook paths and signatures, so that nobody has to remember to."""

import logging
import re

from fluxhooks.flux.hook_path import HOOK_PATH

_SIGNATURE = re.compile(r"\b(sha(?:1|256|512))=[0-9a-f]{40,128}")


def mask(text: str) -> str:
    """Return `text` with every hook path's digest and every HMAC replaced by ``***``."""
    return _SIGNATURE.sub(r"\1=***", HOOK_PATH.sub(r"\1***", text))


class MaskingFilter(logging.Filter):
    """Masks what `mask` masks in the message, the arguments and the traceback of a record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite `record` in place and let it pass."""
        record.msg = mask(record.getMessage())
        record.args = ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = mask(record.exc_text)
        return True
