"""One request to one method of the application, and what happens when the method raises."""

import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

from app.abci.application import ABCI_CODESPACE, INTERNAL_ERROR_CODE, Application, check_tx_failure, describe
from app.abci.codec import Frame, encode_response
from app.abci.errors import ApplicationFailure, UpgradeRequired
from app.abci.proto import abci_pb2 as pb

_log = logging.getLogger(__name__)

_CODED: Final[dict[str, Callable[[str], Any]]] = {
    "query": lambda text: pb.ResponseQuery(code=INTERNAL_ERROR_CODE, codespace=ABCI_CODESPACE, log=text),
    "insert_tx": lambda _text: pb.ResponseInsertTx(code=INTERNAL_ERROR_CODE),
}


def call_method(application: Application, method: str, request: Any) -> Frame:
    """The frame that answers `request`. Raises ApplicationFailure where the failure has no code to be told with, and
    UpgradeRequired as the application raises it.

    An Exception answer is never right for Query or InsertTx: the node would end itself.
    """
    try:
        return encode_response(method, getattr(application, method)(request))
    except UpgradeRequired:
        raise
    except Exception as error:
        if method not in _CODED:
            raise ApplicationFailure(f"{method} failed: {describe(error)}") from error
        _log.exception("%s raised; it is answered with code %d", method, INTERNAL_ERROR_CODE)
        return encode_response(method, _CODED[method](describe(error)))


def call_check_tx(application: Application, requests: Sequence[pb.RequestCheckTx]) -> list[Frame]:
    """The frames that answer `requests`, in order. Never raises: a batch that fails is refused as a whole."""
    try:
        answers = application.check_tx_batch(requests)
        if len(answers) != len(requests):
            raise RuntimeError(f"check_tx_batch gave {len(answers)} answers to {len(requests)} requests")
        return [encode_response("check_tx", answer) for answer in answers]
    except Exception as error:
        return refuse_all(error, len(requests))


def refuse_all(error: Exception, count: int) -> list[Frame]:
    """The frames that refuse so many CheckTx requests because of a failure of ours."""
    return [encode_response("check_tx", check_tx_failure(error))] * count
