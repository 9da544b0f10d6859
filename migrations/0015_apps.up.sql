-- The App that GitHub registered at /setup, for an installation that is not given one in its environment.
create table if not exists apps_registered (
  forge      text not null,
  url        text not null,                  -- of the forge's API
  app_id     bigint not null,
  page       text not null,                  -- where the forge shows it
  sealed     bytea not null,                 -- its key and its webhook's secret, encrypted with FERRY_SECRET_KEY
  created_at timestamptz not null,
  primary key (forge, url)
);
