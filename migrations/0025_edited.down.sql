alter table if exists commands drop column if exists edited;
