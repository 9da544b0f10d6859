alter table rejections add column if not exists lifted_by text not null default ''; -- by /unblock; else the forge tells of it, or what was asked for

create table if not exists freezes (
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
create index if not exists freezes_active on freezes (repository) where lifted_at is null;

create table if not exists blocks (
  id          bigint generated always as identity primary key,
  repository  bigint not null references repositories (id),
  environment text not null,             -- empty: everywhere
  app         text not null,
  image       text not null default '',  -- empty: any of the release's
  tag         text not null default '',
  digest      text not null default '',
  reason      text not null,
  actor       text not null,
  at          timestamptz not null,
  lifted_at   timestamptz,
  lifted_by   text not null default ''
);
create index if not exists blocks_active on blocks (repository) where lifted_at is null;
