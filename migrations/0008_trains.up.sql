-- An environment with room for so many open promotions only. Whoever takes, gives back or waits for a place there writes its row: two at once meet at it.
create table if not exists rooms (
  repository  bigint not null references repositories (id),
  environment text not null,
  turn        bigint not null default 0,
  primary key (repository, environment)
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
