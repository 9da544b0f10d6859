alter table if exists commands drop column if exists images, drop column if exists edited;
