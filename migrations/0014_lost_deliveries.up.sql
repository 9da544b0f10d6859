-- The forge's own log of what it sent: what of it never arrived is asked for again.
create table if not exists delivery_logs (
  forge      text primary key,
  due_at     timestamptz not null,
  read_until timestamptz             -- what was sent before that has been looked at
);

create table if not exists lost_deliveries (
  forge     text not null,
  guid      text not null,
  delivery  bigint not null,          -- the newest try at it
  event     text not null,
  failed_at timestamptz not null,     -- when it was found first
  asked     int not null default 0,   -- how often it was asked for again
  due_at    timestamptz not null,
  primary key (forge, guid)
);
create index if not exists lost_deliveries_due on lost_deliveries (forge, due_at);
