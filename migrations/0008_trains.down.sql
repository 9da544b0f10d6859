drop table if exists drops;
drop index if exists promotions_train;
alter table promotions drop column if exists train;
drop index if exists apps_travels;
alter table apps drop column if exists travels;
drop index if exists promotions_living;
drop table if exists waiting;
drop table if exists turns;
drop table if exists rooms;
