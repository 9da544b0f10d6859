alter table freezes drop column if exists apps;
alter table holds drop column if exists apps;
