alter table if exists repositories drop column if exists self;
