"""Run a suite over a frame with Great Expectations and take its answer apart, refusing any answer that is not one.

A rule that could not be evaluated is not bad data: it raises NotEvaluated, so that the gate fails closed.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import great_expectations as gx
import great_expectations.expectations as gxe
import pandas as pd
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)

from quality.decisions import RuleResult, Run
from quality.errors import NotEvaluated
from quality.rules import Rule

# Every failing row's id and no value of any row. The ids are the frame's index (named row_id): naming them by
# unexpected_index_column_names instead costs forty times more and says the same.
RESULT_FORMAT: dict[str, Any] = {
    "result_format": "COMPLETE",
    "return_unexpected_index_query": False,
    "exclude_unexpected_values": True,
}


def suite_hash(rules: Sequence[Rule]) -> str:
    """Identifies what was checked: changes when a rule, its reference set or a bound changes."""
    content = [(rule.rule_id, rule.severity, rule.expectation.name, rule.expectation.arguments) for rule in rules]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


class Validator:
    """Great Expectations in memory: nothing is stored, no progress bars, no calls to its maker."""

    def __init__(self) -> None:
        config = DataContextConfig(
            store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
            progress_bars=ProgressBarsConfig(globally=False),
            analytics_enabled=False,
        )
        self._context = gx.get_context(mode="ephemeral", project_config=config)
        self._source = self._context.data_sources.add_pandas("gate")

    def run(self, name: str, rules: Sequence[Rule], frame: pd.DataFrame) -> Run:
        """Judge every row of `frame` (indexed by row_id) by every rule.

        Raises NotEvaluated if a rule gave no answer, or one that contradicts itself.
        """
        started_at = datetime.now(UTC)
        if frame.empty:
            return Run(name, suite_hash(rules), 0, [], started_at, datetime.now(UTC))
        asset = self._source.add_dataframe_asset(name)
        batch = asset.add_batch_definition_whole_dataframe("night").get_batch({"dataframe": light(frame, rules)})
        suite = gx.ExpectationSuite(name=name, expectations=[_expectation(rule) for rule in rules])
        try:
            answer = batch.validate(suite, result_format=RESULT_FORMAT)
        except Exception as error:
            # Whatever the library raises, the suite has not been judged; the caller fails closed.
            raise NotEvaluated(
                f"suite {name} could not be run ({type(error).__name__}). Nothing is released."
            ) from error
        results = _results(name, rules, answer)
        return Run(name, suite_hash(rules), len(frame), results, started_at, datetime.now(UTC), answer)


def light(frame: pd.DataFrame, rules: Sequence[Rule]) -> pd.DataFrame:
    """The columns that the rules judge, in the types that are cheapest to copy and hash; the same rows and nulls.

    Great Expectations copies the whole frame for every rule. Texts become categories; of a column that only has to be
    unique no more than which rows are alike is kept.
    """
    arguments = [rule.expectation.arguments for rule in rules]
    judged = {str(given["column"]) for given in arguments if "column" in given}
    compared = {str(column) for given in arguments for column in given.get("column_list", ())}
    columns = {}
    for name in [name for name in frame.columns if name in judged | compared]:
        column = frame[name]
        if name not in judged:
            codes, _ = pd.factorize(column)
            columns[name] = pd.Series(codes, index=frame.index, dtype="Int64").mask(codes == -1)
        elif pd.api.types.is_bool_dtype(column.dtype):
            columns[name] = column.astype("boolean")
        elif pd.api.types.is_numeric_dtype(column.dtype):
            columns[name] = column.astype("float64")
        else:
            columns[name] = column.astype("category")
    return pd.DataFrame(columns, index=frame.index)


def _expectation(rule: Rule) -> Any:
    try:
        kind = getattr(gxe, rule.expectation.name)
        return kind(**rule.expectation.arguments, severity=rule.severity, meta=rule.meta())
    except (AttributeError, ValueError) as error:
        raise NotEvaluated(
            f"rule {rule.rule_id}: no such expectation: {error}. Mend the rule, then gate again."
        ) from error


def _results(name: str, rules: Sequence[Rule], answer: Any) -> list[RuleResult]:
    """The answer of each rule, found by its rule_id: Great Expectations does not keep the suite's order."""
    answers = {entry.expectation_config.meta["rule_id"]: entry for entry in answer.results}
    if len(answers) != len(answer.results) or set(answers) != {rule.rule_id for rule in rules}:
        raise NotEvaluated(f"suite {name}: not every rule answered exactly once. Give each rule its own rule_id.")
    return [_result(name, rule, answers[rule.rule_id]) for rule in rules]


def _result(name: str, rule: Rule, answer: Any) -> RuleResult:
    result = answer.result
    if not result or "unexpected_count" not in result or "element_count" not in result:
        raise NotEvaluated(
            f"rule {rule.rule_id} of suite {name} could not be evaluated: {_exception(answer.exception_info)}. "
            f"Nothing of this night is released. Mend quality/sql or the rule, then run the gate again."
        )
    row_ids = [int(row_id) for entry in result["unexpected_index_list"] or [] for row_id in entry["row_id"]]
    if len(row_ids) != result["unexpected_count"]:
        raise NotEvaluated(
            f"rule {rule.rule_id} of suite {name} counts {result['unexpected_count']} failing rows "
            f"and names {len(row_ids)}. Nothing of this night is released; this is a fault of the gate."
        )
    return RuleResult(rule, int(result["element_count"]), row_ids)


def _exception(info: dict[str, Any]) -> str:
    """The first exception's message, one line; the frames hold no citizen's words, so neither does it."""
    entries = [info] if "exception_message" in info else [entry for entry in info.values() if isinstance(entry, dict)]
    for entry in entries:
        if message := entry.get("exception_message"):
            return str(message).splitlines()[0][:200]
    return "it gave an empty result"
