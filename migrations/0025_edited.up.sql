alter table commands add column if not exists edited boolean not null default false; -- before Ferry heard it: what it said at first is not known
