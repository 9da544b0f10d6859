drop table if exists waived;
