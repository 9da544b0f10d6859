alter table if exists authors drop column if exists co_authors;
drop index if exists pulls_merged;
drop index if exists deployments_first_sha;
alter table if exists deployments drop column if exists brought_also;
