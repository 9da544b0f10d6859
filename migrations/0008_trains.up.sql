-- An environment with room for so many open promotions only. Whoever takes, gives back or waits for a place there writes its row: two at once meet at it.
create table if not exists rooms (
  repository  bigint not null references repositories (id),
  environment text not null,
  turn        bigint not null default 0,
  primary key (repository, environment)
);

-- Never has a row: decisions that lost over a place lock the table, to come one after another.
create table if not exists turns (
  id int primary key
);

-- The apps that wait for a place.
create table if not exists waiting (
  repository  bigint not null references repositories (id),
  environment text not null,
  name        text not null,        -- of the app
  since       timestamptz not null, -- when what it waits with could have gone: the oldest goes first
  primary key (repository, environment, name)
);
create index if not exists waiting_order on waiting (repository, environment, since, name);

create index if not exists promotions_living on promotions (repository, environment, branch) where state in ('waiting', 'open');

alter table apps add column if not exists travels text not null default '';    -- with the apps of that group: they are decided as one unit
create index if not exists apps_travels on apps (repository, travels) where travels <> '';

alter table promotions add column if not exists train text not null default ''; -- the group whose train it is a car of; all cars of a train have one number
create index if not exists promotions_train on promotions (repository, train) where train <> '';

-- What people took out of trains.
create table if not exists drops (
  repository  bigint not null references repositories (id),
  environment text not null,
  app         text not null,
  release     jsonb not null,
  number      int not null,             -- of the pull request
  actor       text not null,
  at          timestamptz not null,
  primary key (repository, environment, app)
);
