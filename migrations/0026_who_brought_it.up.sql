-- Who else made the commits that came with the revision, by login: authors, committers and co-authors; after a lost database, of a pull request who opened and merged it, too.
alter table deployments add column if not exists brought_also text[] not null default '{}';
create index if not exists deployments_first_sha on deployments (repository, first_sha);
create index if not exists pulls_merged on pulls (repository, merge_sha) where merged;

alter table authors add column if not exists co_authors text[] not null default '{}'; -- of the same commit, by login
