{% macro day_of_text(text) %}
{% do return("case"
    ~ " when regexp_full_match(" ~ text ~ ", '[0-9]{4}-[0-9]{2}-[0-9]{2}') then try_cast(" ~ text ~ " as date)"
    ~ " when regexp_full_match(" ~ text ~ ", '[0-9]{4}/[0-9]{2}/[0-9]{2}') then cast(try_strptime(" ~ text ~ ", '%Y/%m/%d') as date)"
    ~ " when regexp_full_match(" ~ text ~ ", '[0-9]{8}') then cast(try_strptime(" ~ text ~ ", '%Y%m%d') as date)"
    ~ " end") %}
{% endmacro %}
