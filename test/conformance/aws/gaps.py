"""MiniStack as Garoa needs it: gaps of the emulator, not of the templates. `gaps.ts` tells the report of each.

Runs in the emulator's own Python: `python gaps.py` is the server.
"""

import time

from ministack.app import main
from ministack.core import iam_actions, iam_evaluator
from ministack.services import eventbridge, stepfunctions

run_distributed = stepfunctions._run_distributed_map
resolve_key = iam_evaluator._resolve_condition_key
deliver = eventbridge._invoke_target
deny = iam_actions.access_denied_response


def run_map(state, given, effective, processor, execution, context):
    """A Distributed Map in JSONata: run as an inline one, over the items that its reader names."""
    if stepfunctions._state_query_language(state, context) != "JSONata":
        return run_distributed(state, given, effective, processor, execution, context)
    inline = {name: value for name, value in state.items() if name != "ItemReader"}
    inline["ItemProcessor"] = {**processor, "ProcessorConfig": {"Mode": "INLINE"}}
    if "ItemReader" in state:
        reader = state["ItemReader"]
        where = stepfunctions._apply_jsonata_template(reader["Arguments"], given, context)
        inline["Items"] = stepfunctions._read_map_items({**reader, "Arguments": where}, effective, context)
    return stepfunctions._run_map_items(inline, given, execution, context)


def deliver_target(target, event, *rest, **named):
    """EventBridge Scheduler's words for the scheduled minute in a target's input."""
    if event.get("Source") == "aws.scheduler" and "Input" in target:
        minute = time.strftime("%Y-%m-%dT%H:%M:00Z", time.gmtime(event["Time"]))
        target = {**target, "Input": target["Input"].replace("<aws.scheduler.scheduled-time>", minute)}
    return deliver(target, event, *rest, **named)


def condition_key(key, context, *rest):
    """The condition key that PutEvents carries."""
    if key.lower() == "events:source" and context.action == "events:PutEvents":
        return "garoa"
    return resolve_key(key, context, *rest)


def denied(service, action, principal, *rest, **named):
    """Says each denial in the log, also one that the caller makes nothing of."""
    if not named.get("error_code"):
        print(f"DENIED {principal} is not authorized to perform {action}", flush=True)
    return deny(service, action, principal, *rest, **named)


stepfunctions._run_distributed_map = run_map
eventbridge._invoke_target = deliver_target
iam_evaluator._resolve_condition_key = condition_key
iam_actions.access_denied_response = denied
main()
