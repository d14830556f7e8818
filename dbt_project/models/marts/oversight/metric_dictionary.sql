-- One row per metric: what the columns of the marts say of themselves (config.meta.metric), so that the dictionary cannot lag behind them.
select
    declared.name as metric,
    declared.name_id,
    declared.name_en,
    declared.formula,
    declared.numerator,
    declared.denominator,
    declared.unit,
    declared.direction,
    declared.source,
    declared.owner,
    declared.models
from
    json_to_recordset({{ metrics_declared() }}) as declared (
        name text, name_id text, name_en text, formula text, numerator text, denominator text,
        unit text, direction text, source text, owner text, models text
    )
