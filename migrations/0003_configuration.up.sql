alter table repositories add column if not exists config_set text not null default '';       -- names the files that the configuration includes (see included); empty: none
alter table repositories add column if not exists config_tried text not null default '';     -- of the .ferry.yaml at the head, where that is not in force
alter table repositories add column if not exists config_findings jsonb not null default '[]'; -- what looks wrong between the one in force and the files

-- The files that the configuration in force includes.
create table if not exists included (
  repository bigint not null references repositories (id),
  path       text not null,
  blob       text not null,
  primary key (repository, path)
);

-- What apps and environments were called before, by the configuration in force: agents and tokens may still call them so.
create table if not exists former_names (
  repository bigint not null references repositories (id),
  kind       text not null,               -- app, environment
  was        text not null,
  name       text not null,
  primary key (repository, kind, was)
);

alter table manifests add column if not exists also boolean not null default false; -- no manifest: it only has values that move with the release
create index if not exists promotions_app on promotions (repository, app);
