alter table pulls drop column if exists answered;
