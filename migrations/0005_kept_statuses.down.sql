alter table wishes drop column if exists applied_at;
