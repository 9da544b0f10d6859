alter table if exists pulls drop column if exists merged_by;
