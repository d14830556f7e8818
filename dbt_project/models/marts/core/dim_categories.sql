-- One row per category (main category and label) and validity, and one for complaints nobody has categorised.
with categories as (
    select
        category_main,
        category_label,
        sector,
        valid_from,
        valid_to
    from {{ ref('categories') }}
    union all
    select
        'BELUM DIKATEGORIKAN',
        null,
        'Belum dikategorikan',
        '2019-01-01'::date,
        null
)

select
    {{ category_id('category_main', 'category_label') }} as category_id,
    category_main,
    category_label,
    sector,
    valid_from,
    valid_to
from categories
