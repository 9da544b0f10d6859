drop table if exists merge_groups;
alter table if exists repositories drop column if exists merge_queue;
