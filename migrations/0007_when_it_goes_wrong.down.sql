alter table deployments drop column if exists answered, drop column if exists degraded_from, drop column if exists judged, drop column if exists brought_by;
alter table promotions drop column if exists reason;
alter table intents drop column if exists reason, drop column if exists came_from, drop column if exists kind;
alter table blocks drop column if exists rest;
alter table holds drop column if exists rolled_back;
