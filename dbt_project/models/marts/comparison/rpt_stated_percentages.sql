-- One row per percentage that an official source printed beside its counts: what the counts give, and what to think of it.
with stated as (
    select
        percentages.*,
        100 * {{ rate('percentages.numerator_count', 'percentages.denominator_count') }} as computed_percent,
        tolerances.absolute_tolerance * power(10::numeric, -percentages.decimal_count) as tolerance
    from {{ ref('stated_percentages') }} as percentages
    left join {{ ref('reconciliation_tolerances') }} as tolerances
        on
            tolerances.figure = 'PERSEN'
            and percentages.published_on >= tolerances.valid_from
            and (tolerances.valid_to is null or percentages.published_on < tolerances.valid_to)
)

select
    statement,
    figure,
    subject_name,
    period,
    case
        when computed_percent is null then 'not computed'
        when round(computed_percent, decimal_count) = stated_percent then 'agrees'
        when trunc(computed_percent, decimal_count) = stated_percent then 'truncated'
        when abs(computed_percent - stated_percent) <= tolerance then 'within rounding'
        else 'differs'
    end as verdict,
    numerator_count,
    denominator_count,
    stated_percent,
    computed_percent,
    published_on,
    source
from stated
