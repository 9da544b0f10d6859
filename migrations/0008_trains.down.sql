drop index if exists promotions_living;
drop table if exists waiting;
drop table if exists rooms;
