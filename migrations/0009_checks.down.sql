drop table if exists armed, check_hints, check_facts, check_wants;
