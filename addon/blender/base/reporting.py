"""What operators share: how they refuse, how they tell what they have done, and when they have to wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from . import jobs

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems

    Outcome = set[OperatorReturnItems]


class Reporting:
    """A base beside bpy.types.Operator: refusals and results go to the panel, and to who called it."""

    report: Any  # bpy.types.Operator's

    def refuse(self, reason: str) -> Outcome:
        """Ends without a trace, and leaves the reason on the panel too."""
        jobs.board.show(error=reason)
        return refuse(self, reason)

    def succeed(self, result: str, notes: tuple[str, ...]) -> Outcome:
        """Tells what was done, and what the user should know about it."""
        jobs.board.show(result, notes)
        for note in notes:
            self.report({"WARNING"}, note)
        self.report({"INFO"}, result)
        return {"FINISHED"}


def refuse(operator: Any, reason: str) -> Outcome:
    """Ends without a trace; in the background, where nobody sees a report, a Python error carries the reason."""
    operator.report({"ERROR"} if bpy.app.background else {"WARNING"}, reason)
    return {"CANCELLED"}


def is_free(operator: Any) -> bool:
    """Whether no line is being animated; if one is, the operator's button says so."""
    if jobs.board.job is None:
        return True
    operator.poll_message_set("A line is being animated; wait for it, or cancel it")
    return False
