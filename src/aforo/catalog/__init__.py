"""Products: discover, preview, import, drift, restore. What compares and restores them serves other rooms too."""

from aforo.catalog.drift import DriftWatch, Sweep, Sweeper
from aforo.catalog.drift.steps import carry_out
from aforo.catalog.errors import PlanStale, RestoreIncomplete
from aforo.catalog.model import ChangeKind, Difference, Impact, Status, StepOutcome, StepResult
from aforo.catalog.rules.diff import compare, entity_path
from aforo.catalog.rules.preview import observed_digest
from aforo.catalog.rules.restore import plan_restore
from aforo.catalog.service import Catalog, ImpactOf
from aforo.catalog.sql import ProductStore
from aforo.catalog.vault import Vault
from aforo.catalog.views import FieldView, ImpactView, ProblemView, StepView, field_view, problem_view, step_view

__all__ = [
    "Catalog",
    "ChangeKind",
    "Difference",
    "DriftWatch",
    "FieldView",
    "Impact",
    "ImpactOf",
    "ImpactView",
    "PlanStale",
    "ProblemView",
    "ProductStore",
    "RestoreIncomplete",
    "Status",
    "StepOutcome",
    "StepResult",
    "StepView",
    "Sweep",
    "Sweeper",
    "Vault",
    "carry_out",
    "compare",
    "entity_path",
    "field_view",
    "observed_digest",
    "plan_restore",
    "problem_view",
    "step_view",
]
