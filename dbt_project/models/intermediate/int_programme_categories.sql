-- One row per category that tells of a priority programme; a programme named without a label has all categories of its main one.
select
    {{ category_id('categories.category_main', 'categories.category_label') }} as category_id,
    programmes.programme,
    programmes.valid_from,
    programmes.valid_to
from {{ ref('priority_programmes') }} as programmes
inner join {{ ref('categories') }} as categories
    on
        programmes.category_main = categories.category_main
        and (programmes.category_label is null or programmes.category_label = categories.category_label)
group by categories.category_main, categories.category_label, programmes.programme, programmes.valid_from, programmes.valid_to
