drop table if exists check_hints, check_facts, check_wants;
