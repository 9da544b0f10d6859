-- What was found last in how the forge is set up, for the health page.
create table if not exists examinations (
  forge     text primary key,
  due_at    timestamptz not null,
  looked_at timestamptz,                  -- when that was found
  findings  jsonb not null default '[]',
  failure   text not null default ''      -- of the newest look, where it did not come to its end
);
