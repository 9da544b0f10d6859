alter table commands drop column if exists unknown;
alter table commands drop column if exists teams;
drop table if exists authors;
drop table if exists heads;
drop table if exists overrides;
drop table if exists reviews;
