-- Until when the forge's limits let Ferry wait, for people: what waits has its own time in its own row.
create table if not exists throttles (
  forge        text not null,
  installation bigint not null,
  repository   bigint not null default 0,  -- 0: the whole installation
  until        timestamptz not null,
  primary key (forge, installation, repository)
);
