-- The commits whose checks a release needs on its way into an environment.
create table if not exists check_wants (
  repository  bigint not null references repositories (id),
  app         text not null,
  environment text not null,            -- that the release is to enter
  target      text not null,            -- owner/name of a source repository, in lower case; empty: the environment repository
  sha         text not null,
  deployment  bigint not null,          -- upstream, whose other revisions count too; 0: this commit alone
  names       text[] not null,
  since       timestamptz not null,
  primary key (repository, app, environment, target, sha)
);
create index if not exists check_wants_sha on check_wants (sha);

-- How they stand, as read last.
create table if not exists check_facts (
  repository  bigint not null references repositories (id),
  target      text not null,
  sha         text not null,
  names       text[] not null,          -- that were looked for
  checks      jsonb not null,
  problem     text not null default '', -- why not everything could be read
  read_at     timestamptz not null,
  primary key (repository, target, sha)
);

-- What is to be read: each row is one reason to. It goes away once a reading that began after it is written down.
create table if not exists check_hints (
  id          bigint generated always as identity primary key,
  repository  bigint not null references repositories (id),
  target      text not null,
  sha         text not null,
  status      bigint not null default 0, -- the number of the status that a delivery told of: an older reading lacks it
  run         bigint not null default 0, -- of the check run, likewise
  done        boolean not null default false,
  at          timestamptz not null,
  again_at    timestamptz,               -- not before then
  attempts    integer not null default 0
);
create index if not exists check_hints_repository on check_hints (repository);

-- Pull requests that somebody told the forge to merge by itself.
create table if not exists armed (
  repository  bigint not null references repositories (id),
  number      int not null,
  auto_merge  text not null default '', -- the login of who did; empty: nobody
  queue       text not null default '',
  at          timestamptz not null,
  disarmed    text not null default '', -- what Ferry took back, in words
  primary key (repository, number)
);

-- What people's pull requests would make of the configuration and of manifests.
create table if not exists proposals (
  repository  bigint not null references repositories (id),
  number      int not null,
  head        text not null,
  beside      text not null,             -- names the configuration that was in force when it was read
  proposal    jsonb not null,
  primary key (repository, number)
);
