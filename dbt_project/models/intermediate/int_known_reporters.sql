{{ config(
    materialized='incremental',
    incremental_strategy='replace_worked_on',
    pre_hook='{{ refuse_partial_refresh() }}',
    work_list='int_changed_complaints',
    work_keys=['source_system', 'tracking_id'],
    indexes=[{'columns': ['source_system', 'tracking_id'], 'unique': true}, {'columns': ['reporter_key', 'received_at']}],
) }}
-- One row per complaint whose reporter is known, kept from build to build: by whom and when, to find what was told before.
-- depends_on: {{ ref('int_changed_complaints') }}, {{ ref('int_complaint_repetitions') }}
select * from {{ ref('int_complaint_reporters') }}
