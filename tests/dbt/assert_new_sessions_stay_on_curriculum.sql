{{ config(
    tags='gate',
    severity='error',
    warn_if='> 0 and max(percent) > 20',
    error_if=stops('sessions_off_curriculum', 'max_percent_off_curriculum'),
    meta={
        'gate': 'sessions_off_curriculum',
        'says': 'new sessions of mice that were on a curriculum name none',
        'what_to_do': 'see whether the curriculum columns are still written upstream; the limit is max_percent_off_curriculum',
    },
) }}
{{ those_that_lost('is_on_curriculum', counted='was_on_curriculum') }}
