{{ config(
    tags='gate',
    severity='error',
    warn_if='> 0 and max(percent) > 20',
    error_if=stops('sessions_in_open_loop', 'max_percent_in_open_loop'),
    meta={
        'gate': 'sessions_in_open_loop',
        'says': 'new sessions of mice whose rig reported its stage report none',
        'what_to_do': 'see whether current_stage_actual is still written upstream, by the names of the stages; the limit is max_percent_in_open_loop',
    },
) }}
{{ those_that_lost('is_closed_loop', counted='was_closed_loop and is_on_curriculum') }}
