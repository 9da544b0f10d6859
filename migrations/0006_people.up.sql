-- What people say of the living pull requests: the forge's reviews, and /approve. One row of the forge's for each person, with what they said last.
create table if not exists reviews (
  repository bigint not null references repositories (id),
  number     int not null,
  actor      bigint not null,
  comment    bigint not null default 0,  -- that said /approve; 0: the forge's review
  login      text not null,
  bot        boolean not null default false,
  verdict    text not null,              -- approved, changes, dismissed
  sha        text not null,              -- the head it is about
  edit       text not null default '',   -- what that head showed, where it is known; else commits tells
  at         timestamptz not null,
  permission int not null,               -- of the person, when it was looked up last; likewise
  teams      jsonb not null default '[]',
  unknown    text not null default '',   -- what could not be looked up
  primary key (repository, number, actor, comment)
);

create table if not exists overrides (
  repository bigint not null references repositories (id),
  number     int not null,
  gate       text not null,
  comment    bigint not null,
  actor      bigint not null,
  login      text not null,
  reason     text not null,
  sha        text not null,
  edit       text not null default '',
  at         timestamptz not null,
  primary key (repository, number, gate, comment)
);

-- By when, in the forge's clock, a pull request of Ferry's stood at a head: what commands are bound to.
create table if not exists heads (
  repository bigint not null references repositories (id),
  number     int not null,
  sha        text not null,
  since      timestamptz not null,
  primary key (repository, number, sha)
);

-- Who made the commits that promoted images were built from, where approvals are asked for.
create table if not exists authors (
  repository bigint not null references repositories (id),
  source     text not null,              -- owner/name
  sha        text not null,
  author     bigint not null,            -- 0: the forge knows no account, or does not show the commit
  login      text not null default '',
  primary key (repository, source, sha)
);

alter table commands add column if not exists teams jsonb not null default '[]'; -- of those that .ferry.yaml names: where the author is a member
alter table commands add column if not exists unknown text not null default '';  -- what could not be looked up of the author
