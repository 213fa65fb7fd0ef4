{{ config(
    tags='gate',
    severity='error',
    warn_if='> 0 and max(percent) > 10',
    error_if=stops('mice_off_curriculum', 'max_percent_of_mice_off_curriculum'),
    meta={
        'gate': 'mice_off_curriculum',
        'says': 'mice whose newest session names no curriculum, though the one before did',
        'what_to_do': 'see whether the curriculum columns come from the rigs; a table that takes them from df_manager cannot be decided from. The limit is max_percent_of_mice_off_curriculum',
    },
) }}
{{ those_that_lost('is_on_curriculum', counted='is_newest and was_on_curriculum') }}
