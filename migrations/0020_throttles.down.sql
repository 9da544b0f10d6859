drop table if exists throttles;
