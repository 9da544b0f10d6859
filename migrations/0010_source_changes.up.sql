-- What lies between two commits of a source repository: read once, shown by every promotion on whose way it lies. Only facts that the forge has too.
create table if not exists source_changes (
  id         bigint generated always as identity primary key,
  repository bigint not null references repositories (id), -- the environment repository, whose installation reads it
  source     text not null,                  -- owner/name
  base       text not null,
  head       text not null,
  apps       text[] not null default '{}',   -- whose pull requests show it
  state      text not null default 'pending', -- pending read failed
  relation   text not null default '',
  total      int not null default 0,
  commits    jsonb not null default '[]',
  attempts   int not null default 0,
  read_at    timestamptz,                    -- when it was read or given up; before that, not before this time
  unique (repository, source, base, head)
);
create index if not exists source_changes_pending on source_changes (id) where state = 'pending';
create index if not exists source_changes_heads on source_changes (repository, source, head);
