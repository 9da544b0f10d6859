alter table commands add column if not exists edited boolean not null default false; -- before Ferry heard it: what it said at first is not known
alter table commands add column if not exists images jsonb not null default '[]'; -- that a hotfix names, and whether their registry has them
