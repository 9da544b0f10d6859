drop table if exists blocks, freezes;
alter table rejections drop column if exists lifted_by;
