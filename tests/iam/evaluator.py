"""Run by ministack's own Python: its evaluation of policies, for requests whose condition keys its server leaves out.

Standard input: a list of {"policy", "action", "resource", "context"}; standard output: a list of true and false.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document


def decide(question: dict[str, Any]) -> bool:
    context = EvalContext(
        principal_arn="arn:aws:sts::000000000000:assumed-role/any/any",
        principal_type="AssumedRole",
        principal_account="000000000000",
        action=question["action"],
        resource_arn=question["resource"],
        region="us-east-1",
        service_context={name.lower(): value for name, value in question["context"].items()},
    )
    return bool(evaluate(context, [parse_policy_document(question["policy"])]).decision == "Allow")


json.dump([decide(question) for question in json.load(sys.stdin)], sys.stdout)
