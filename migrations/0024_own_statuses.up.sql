alter table repositories add column if not exists self bigint not null default 0; -- Ferry's own account, as its forge numbers it: what others post is told from it
