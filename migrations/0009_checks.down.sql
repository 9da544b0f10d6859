drop table if exists proposals, armed, check_hints, check_facts, check_wants;
