drop table if exists examinations;
