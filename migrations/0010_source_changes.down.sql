drop table if exists source_changes;
