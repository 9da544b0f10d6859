-- Everything is scoped by the environment repository's id; heads are keyed by (repository, branch) from the start.

create table if not exists repositories (
  id             bigint generated always as identity primary key,
  forge          text not null,
  forge_id       bigint not null,
  owner          text not null,
  name           text not null,
  default_branch text not null default '',
  installation   bigint not null default 0,
  accessible     boolean not null default true,
  generation     bigint not null default 0,   -- raised by every hint, in the transaction that stores it
  observed       bigint not null default 0,   -- the generation that has been worked off
  observe_at     timestamptz,                 -- not before this time (a read below its floor, a forge that fails)
  failures       int not null default 0,      -- of observe, in a row
  failure        text not null default '',
  failing_since  timestamptz,
  sweep          boolean not null default false, -- the next observation reads everything again
  swept_at       timestamptz,
  config_blob    text not null default '',    -- of the .ferry.yaml in force; empty: Ferry is off here
  config_problem text not null default '',    -- of the .ferry.yaml at the head, where it is broken
  config_sha     text not null default '',    -- the revision at which .ferry.yaml was read last
  issue          int not null default 0,      -- number of "Ferry: what is where"
  unique (forge, forge_id)
);
create index if not exists repositories_unobserved on repositories (id) where generation <> observed;

create table if not exists installations (
  forge      text not null,
  id         bigint not null,
  account    text not null default '',
  gone       boolean not null default false,
  generation bigint not null default 0,
  observed   bigint not null default 0,
  observe_at timestamptz,
  primary key (forge, id)
);

create table if not exists deliveries (
  forge        text not null,
  id           text not null,
  event        text not null,
  repository   bigint references repositories (id),
  installation bigint not null default 0,
  received_at  timestamptz not null,
  body         bytea not null,
  processed_at timestamptz,
  result       text not null default '',
  primary key (forge, id)
);
create index if not exists deliveries_pending on deliveries (repository, received_at) where processed_at is null;

create table if not exists leases (
  name       text primary key,
  holder     text not null,
  expires_at timestamptz not null,
  fence      bigint not null default 1
);

create table if not exists blobs (
  repository bigint not null references repositories (id),
  sha        text not null,
  content    bytea not null,
  primary key (repository, sha)
);

create table if not exists branches (
  repository bigint not null references repositories (id),
  branch     text not null,
  head       text not null,
  tree       text not null default '',
  seq        bigint not null,
  observed_at timestamptz not null,
  primary key (repository, branch)
);

create table if not exists revisions (
  repository bigint not null references repositories (id),
  branch     text not null,
  sha        text not null,
  seq        bigint not null,
  tree       text not null default '',
  primary key (repository, branch, sha)
);
create index if not exists revisions_seq on revisions (repository, branch, seq);

create table if not exists manifests (
  repository  bigint not null references repositories (id),
  branch      text not null,
  path        text not null,
  app         text not null,
  environment text not null,
  blob        text not null,
  executable  boolean not null default false,
  images      jsonb not null default '[]',
  problem     text not null default '',
  primary key (repository, branch, path, app, environment)
);
create index if not exists manifests_app on manifests (repository, branch, app);

create table if not exists units (
  repository bigint not null references repositories (id),
  name       text not null,               -- app:NAME, pull:NUMBER, commands, config, issue
  generation bigint not null default 0,
  decided    bigint not null default 0,
  due_at     timestamptz,                 -- a timer: soak, hold, silence
  primary key (repository, name)
);
create index if not exists units_undecided on units (repository, name) where generation <> decided;
create index if not exists units_due on units (due_at) where due_at is not null;

create table if not exists apps (
  repository bigint not null references repositories (id),
  name       text not null,
  view       jsonb not null default '{}',  -- what the last plan said, for the page, the issue and /status
  primary key (repository, name)
);

create table if not exists deployments (
  id           bigint generated always as identity primary key,
  repository   bigint not null references repositories (id),
  branch       text not null,
  environment  text not null,
  app          text not null,
  release      jsonb not null,
  problem      text not null default '',  -- mixed, or a manifest that cannot be read
  first_seq    bigint not null,
  first_sha    text not null,
  last_seq     bigint,                    -- of the revision that replaced it
  baseline     boolean not null default false,
  state        text not null default 'pending',
  message      text not null default '',
  since        timestamptz not null,
  converged_at timestamptz,
  healthy_from timestamptz,               -- soak's clock runs since then; null: it stands
  soaked       bigint not null default 0, -- nanoseconds before that
  settled      boolean not null default false, -- superseded, and its last status said
  recovered_at timestamptz,               -- when it was read back from the forge, after the database was lost
  unique (repository, branch, environment, app, first_seq)
);
create unique index if not exists deployments_current on deployments (repository, branch, environment, app) where last_seq is null;
create index if not exists deployments_app on deployments (repository, app, environment, first_seq desc);
create index if not exists deployments_waiting on deployments (repository, environment) where last_seq is null and state <> 'converged';

create table if not exists reports (
  repository    bigint not null references repositories (id),
  environment   text not null,
  app           text not null,           -- empty: every app of the environment
  cluster       text not null,
  revision      text not null,
  health        text not null,
  images        jsonb not null default '[]',
  message       text not null default '',
  observed_at   timestamptz not null,
  received_at   timestamptz not null,
  every_ns      bigint not null default 0,
  degraded_at   timestamptz,             -- when it last said degraded or failed
  primary key (repository, environment, app, cluster)
);
create index if not exists reports_revision on reports (repository, revision);

create table if not exists pulls (
  repository  bigint not null references repositories (id),
  number      int not null,
  open        boolean not null,
  merged      boolean not null default false,
  merge_sha   text not null default '',
  head_branch text not null,
  head_sha    text not null,
  head_repo   bigint not null,
  base_branch text not null,
  author      bigint not null,
  author_login text not null default '',
  closer      text not null default '',
  closed_by_person boolean not null default false,
  changes     jsonb not null default '[]', -- the (app, environment) whose release a hand-made pull request changes
  pusher      text not null default '',    -- who made the head of one of Ferry's, where Ferry did not
  primary key (repository, number)
);
create index if not exists pulls_open on pulls (repository, head_branch) where open;

create table if not exists commits (
  repository bigint not null references repositories (id),
  sha        text not null,
  branch     text not null,
  made_at    timestamptz not null,
  primary key (repository, sha)
);

create table if not exists promotions (
  id           bigint generated always as identity primary key,
  repository   bigint not null references repositories (id),
  environment  text not null,
  app          text not null,
  branch       text not null,
  number       int not null default 0,
  release      jsonb not null,
  intent       text not null,
  asker        text not null default '',
  superseded   jsonb not null default '[]',
  state        text not null,            -- waiting open merged converged superseded rejected failed
  merge_sha    text not null default '',
  opened_at    timestamptz not null,
  ended_at     timestamptz
);
create unique index if not exists promotions_one_open on promotions (repository, environment, app) where state in ('waiting', 'open');
create index if not exists promotions_number on promotions (repository, number);

create table if not exists rejections (
  repository  bigint not null references repositories (id),
  environment text not null,
  app         text not null,
  release     jsonb not null,
  number      int not null,
  actor       text not null,
  at          timestamptz not null,
  lifted_at   timestamptz,
  primary key (repository, environment, app, number)
);

create table if not exists holds (
  id          bigint generated always as identity primary key,
  repository  bigint not null references repositories (id),
  environment text not null,             -- empty: everywhere
  app         text not null,             -- empty: every app
  reason      text not null,
  actor       text not null,
  at          timestamptz not null,
  until       timestamptz,
  lifted_at   timestamptz,
  lifted_by   text not null default ''
);
create index if not exists holds_active on holds (repository) where lifted_at is null;

create table if not exists intents (
  repository  bigint not null references repositories (id),
  environment text not null,
  app         text not null,
  release     jsonb not null,
  actor       text not null,
  at          timestamptz not null,
  primary key (repository, environment, app)
);

create table if not exists announced (
  repository bigint not null references repositories (id),
  image      text not null,
  tag        text not null,
  digest     text not null default '',
  source     text not null default '',   -- owner/name
  commit_sha text not null default '',
  seq        bigint generated always as identity,
  at         timestamptz not null,
  primary key (repository, image, tag)
);

create table if not exists commands (
  repository bigint not null references repositories (id),
  comment    bigint not null,
  number     int not null,
  actor      bigint not null,
  login      text not null,
  permission int not null,
  body       text not null,
  said_at    timestamptz not null,
  refused    boolean not null default false, -- its author, without write access, was told so
  done_at    timestamptz,
  primary key (repository, comment)
);
create index if not exists commands_pending on commands (repository) where done_at is null;

create table if not exists contributions (
  repository  bigint not null references repositories (id), -- the environment repository
  target      text not null,             -- owner/name of the repository the status stands in
  sha         text not null,
  context     text not null,
  app         text not null,
  state       text not null,
  description text not null,
  primary key (repository, target, sha, context, app)
);

create table if not exists wishes (
  id         bigint generated always as identity primary key,
  repository bigint not null references repositories (id),
  kind       text not null,              -- pull, commit, merge, status, answer, issue, state
  key        text not null,
  app        text not null default '',
  desired    jsonb not null,
  version    bigint not null default 1,  -- of desired
  applied_version bigint not null default 0,
  applied    jsonb not null default '{}',
  refusal    text not null default '',
  refused_at timestamptz,
  act_at     timestamptz,                -- not before this time
  attempts   int not null default 0,
  unique (repository, kind, key)
);
create index if not exists wishes_unapplied on wishes (id) where version <> applied_version;

create table if not exists tokens (
  id          bigint generated always as identity primary key,
  repository  bigint not null references repositories (id),
  environment text not null default '',
  kind        text not null,             -- agent, ci
  hash        bytea not null unique,     -- SHA-256 of a token of 256 random bits
  name        text not null default '',
  created_at  timestamptz not null,
  revoked_at  timestamptz
);

create table if not exists events (
  id          bigint generated always as identity primary key,
  repository  bigint not null references repositories (id),
  environment text not null default '',
  app         text not null default '',
  kind        text not null,
  actor       text not null,
  cause       text not null,
  at          timestamptz not null,
  detail      text not null default ''
);
create index if not exists events_repository on events (repository, id desc);

-- Events are append-only: nobody changes what was written down, Ferry neither.
create or replace function events_are_append_only() returns trigger language plpgsql as $$
begin
  raise exception 'events are append-only';
end $$;
create or replace trigger events_append_only before update or delete on events
  for each row execute function events_are_append_only();
