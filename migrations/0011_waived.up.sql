-- Gates that people overrode for an app that travels with others: no pull request shows what they keep out of a train.
create table if not exists waived (
  repository  bigint not null references repositories (id),
  environment text not null,
  app         text not null,
  gate        text not null,
  release     jsonb not null,
  came_from   jsonb not null,           -- what stood there when it was said
  actor       text not null,
  reason      text not null,
  at          timestamptz not null,
  primary key (repository, environment, app, gate)
);
