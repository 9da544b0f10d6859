-- Which commit an image was built from, where CI did not say: looked up once, by what its tag names and what it says of itself.
create table if not exists image_lookups (
  id         bigint generated always as identity primary key,
  repository bigint not null references repositories (id), -- the environment repository
  image      text not null,
  tag        text not null,
  digest     text not null default '',
  source     text not null,                   -- owner/name
  refs       text[] not null default '{}',    -- what its tag may name there
  label      boolean not null default false,  -- its registry is asked then
  apps       text[] not null default '{}',
  state      text not null default 'pending', -- pending found unknown
  problem    text not null default '',
  attempts   int not null default 0,
  read_at    timestamptz,                     -- when it ended; before that, not before this time
  unique (repository, image, tag, digest, source, refs, label)
);
create index if not exists image_lookups_pending on image_lookups (id) where state = 'pending';

alter table announced add column if not exists found boolean not null default false; -- Ferry found the commit; CI announced nothing
