-- What each app contributes to the forge's own deployments, one for each source commit and environment (`deployments: true`).
create table if not exists forge_deployments (
  repository  bigint not null references repositories (id), -- the environment repository
  app         text not null,
  environment text not null,
  target      text not null,             -- owner/name of the source repository; empty: the environment repository
  sha         text not null,
  state       text not null,             -- in_progress, success, failure, error, inactive
  description text not null,
  url         text not null,             -- where the app runs
  primary key (repository, app, environment, target, sha)
);
create index if not exists forge_deployments_commit on forge_deployments (repository, target, sha, environment);
