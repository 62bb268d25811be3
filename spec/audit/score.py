"""The audit's verdict on one answer."""

from __future__ import annotations

from spec.audit.suite import Question
from spec.difference import differences, shown
from spec.exchange import Answer

HEADERS = {"accept": "application/json", "content-type": "application/json"}


def faults(question: Question, answer: Answer) -> list[str]:
    """
    What is wrong with the answer to a question; nothing: it passes.

    Data must be equal, an absent one counting as null. Errors must be there, or must not, if the question says so;
    what they say, the HTTP status and the order of fields are no part of it.
    """
    if not isinstance(answer.body, dict):
        return [answer.trouble or f"the body is no object: {shown(answer.body)}"]
    found = list(differences(question.data, answer.body.get("data")))
    errors = answer.body.get("errors")
    if question.errors is not None and question.errors is not bool(errors):
        found.append(f"errors: expected {'some' if question.errors else 'none'}, got {shown(errors)}")
    if found and errors and question.errors is None:
        found.append(f"it says: {'; '.join(_message(error) for error in errors)}")
    return found


def _message(error: object) -> str:
    return shown(error.get("message"), 300) if isinstance(error, dict) else shown(error, 300)
