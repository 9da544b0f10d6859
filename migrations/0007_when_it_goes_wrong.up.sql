alter table holds add column if not exists rolled_back jsonb not null default '[]'; -- the release that a rollback took away: the hold lets in what is newer
alter table blocks add column if not exists rest jsonb not null default '[]';       -- the release's other images, where exactly that release is blocked

alter table intents add column if not exists kind text not null default 'promotion';
alter table intents add column if not exists came_from jsonb not null default '[]'; -- what stood when it was asked for: it is void where something else came
alter table intents add column if not exists reason text not null default '';

alter table promotions add column if not exists reason text not null default ''; -- why a person wanted it

alter table deployments add column if not exists brought_by text not null default ''; -- who pushed the revision; empty where that is unknown
alter table deployments add column if not exists judged boolean not null default true; -- whether it took the place of something newer is decided
alter table deployments add column if not exists degraded_from timestamptz;            -- since when it has been degraded or failed without a break
alter table deployments add column if not exists answered boolean not null default false; -- its degradation was answered by a rollback
