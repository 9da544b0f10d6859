alter table if exists pulls drop column if exists commits;
